"""Invoke a function over HTTP, as CloudBase's HTTP API does."""

import json
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request

from cloud_openapi.emulator.state import Emulator
from cloud_openapi.runtime import Functions


def add_functions(app: Flask, emulator: Emulator, functions: Functions) -> None:
    """Add ``POST /v1/functions/<name>`` to the application.

    The body is the event; the answer is what the function returned, or the platform's error
    object with its status.
    """

    @app.post("/v1/functions/<name>")
    def invoke(name: str) -> Response:
        data = request.get_data()
        try:
            event = json.loads(data) if data else {}
        except ValueError:
            return _json(
                {"code": "FUNCTION_PARAM_INVALID", "message": "The body is not JSON."},
                HTTPStatus.BAD_REQUEST,
            )
        if name not in functions:
            known = ", ".join(functions) or "none"
            message = f'There is no function "{name}" in {functions.folder}. Known: {known}.'
            return _json({"code": "FUNCTION_NOT_FOUND", "message": message}, HTTPStatus.NOT_FOUND)
        outcome = functions.invoke(name, event, now=emulator.clock.now())
        return _json(outcome.result, outcome.status)


def _json(value: Any, status: int) -> Response:
    text = json.dumps(value, ensure_ascii=False)
    return Response(text.encode(), status, content_type="application/json; charset=utf-8")
