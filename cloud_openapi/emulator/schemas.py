"""The JSON Schemas of the catalogue over HTTP, a document for each form and side of an API."""

import json
from typing import Any, get_args

from flask import Flask, Response

from cloud_openapi.catalogue import Catalogue, Form, Side, error_schema


def add_schemas(app: Flask, catalogue: Catalogue) -> None:
    """Add ``GET /schemas/<api>/<form>/<side>.json``, and the error's, to the application.

    ``GET /schemas`` lists them.
    """
    forms, sides = get_args(Form), get_args(Side)
    documents = {f"/schemas/error/{form}.json": error_schema(form) for form in forms}
    for operation in catalogue.values():
        for form in forms:
            for side in sides:
                path = f"/schemas/{operation.name}/{form}/{side}.json"
                documents[path] = operation.schema(form, side)

    @app.get("/schemas")
    def schemas() -> Response:
        return _json(list(documents))

    @app.get("/schemas/<path:name>")
    def schema(name: str) -> Response:
        found = documents.get(f"/schemas/{name}")
        if found is not None:
            return _json(found, content_type="application/schema+json")
        message = f"There is no schema {name}; GET /schemas lists them."
        return _json({"code": "SCHEMA_NOT_FOUND", "message": message}, status=404)


def _json(value: Any, status: int = 200, content_type: str = "application/json") -> Response:
    text = json.dumps(value, ensure_ascii=False)
    return Response(text, status, content_type=f"{content_type}; charset=utf-8")
