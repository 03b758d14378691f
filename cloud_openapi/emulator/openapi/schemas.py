"""The JSON Schemas of the catalogue over HTTP: one for each form and side of an API."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, get_args

from flask import Flask, Response

from cloud_openapi.catalogue import Catalogue, Form, Side
from cloud_openapi.catalogue.error import error_schema
from cloud_openapi.emulator.json_response import json_answer, refusal


def add_schemas(app: Flask, catalogue: Catalogue) -> None:
    """Add ``GET /schemas/<api>/<form>/<side>.json``, and its list ``GET /schemas``."""

    @app.get("/schemas")
    def schemas() -> Response:
        return json_answer([f"/schemas/{name}" for name in _names(catalogue)])

    @app.get("/schemas/<path:name>")
    def schema(name: str) -> Response:
        if name in _names(catalogue):
            found = _schema(catalogue, *name.removesuffix(".json").split("/"))
            return json_answer(found, content_type="application/schema+json; charset=utf-8")
        message = f"Unknown schema {name}; GET /schemas lists them."
        return refusal(HTTPStatus.NOT_FOUND, "SCHEMA_NOT_FOUND", message)


def _names(catalogue: Catalogue) -> Iterator[str]:
    forms, sides = get_args(Form), get_args(Side)
    yield from (f"error/{form}.json" for form in forms)
    for api in catalogue:
        yield from (f"{api}/{form}/{side}.json" for form in forms for side in sides)


def _schema(catalogue: Catalogue, api: str, form: Any, side: Any = None) -> dict[str, Any]:
    return error_schema(form) if side is None else catalogue[api].schema(form, side)
