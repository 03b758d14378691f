"""The JSON Schemas of the catalogue over HTTP: one for each form and side of an API."""

from functools import partial
from http import HTTPStatus
from typing import Any, get_args

from flask import Flask, Response

from cloud_openapi.catalogue import Catalogue, Form, Side, error_schema
from cloud_openapi.emulator.json_response import json_answer, refusal


def add_schemas(app: Flask, catalogue: Catalogue) -> None:
    """Add ``GET /schemas/<api>/<form>/<side>.json``, and its list ``GET /schemas``."""
    forms, sides = get_args(Form), get_args(Side)
    # Built on demand, so that an emulator starts fast.
    documents = {f"/schemas/error/{form}.json": partial(error_schema, form) for form in forms}
    for name in catalogue:
        for form in forms:
            for side in sides:
                documents[f"/schemas/{name}/{form}/{side}.json"] = partial(
                    _schema, catalogue, name, form, side
                )

    @app.get("/schemas")
    def schemas() -> Response:
        return json_answer(list(documents))

    @app.get("/schemas/<path:name>")
    def schema(name: str) -> Response:
        schema_of = documents.get(f"/schemas/{name}")
        if schema_of is not None:
            return json_answer(schema_of(), content_type="application/schema+json; charset=utf-8")
        message = f"Unknown schema {name}; GET /schemas lists them."
        return refusal(HTTPStatus.NOT_FOUND, "SCHEMA_NOT_FOUND", message)


def _schema(catalogue: Catalogue, name: str, form: Form, side: Side) -> dict[str, Any]:
    return catalogue[name].schema(form, side)
