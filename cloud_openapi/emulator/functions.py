"""Invoke a function over HTTP, as CloudBase's HTTP API does."""

import json
import uuid
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.emulator.json_text import json_text
from cloud_openapi.emulator.state import Emulator
from cloud_openapi.runtime import Functions


def add_functions(app: Flask, emulator: Emulator, functions: Functions) -> None:
    """Add ``POST /v1/functions/<name>`` to the application.

    The body is the event; the answer is what the function returned, or the platform's error
    object with its status.
    """

    @app.post("/v1/functions/<name>")
    def invoke(name: str) -> Response:
        try:
            data = request.get_data()
            event = json.loads(data) if data else {}
        except (ValueError, RecursionError, RequestEntityTooLarge) as error:
            message = f"The body is no event of at most 6 MB in JSON: {error}"
            return _refusal("FUNCTION_PARAM_INVALID", message, HTTPStatus.BAD_REQUEST)
        if name not in functions:
            known = ", ".join(functions) or "none"
            message = f'There is no function "{name}" in {functions.folder}. Known: {known}.'
            return _refusal("FUNCTION_NOT_FOUND", message, HTTPStatus.NOT_FOUND)
        outcome = functions.invoke(name, event, now=emulator.now(emulator.first_appid))
        return _json(outcome.result, outcome.status)


def _refusal(code: str, message: str, status: HTTPStatus) -> Response:
    return _json({"code": code, "message": message, "requestId": str(uuid.uuid4())}, status)


def _json(value: Any, status: int) -> Response:
    return Response(json_text(value), status, content_type="application/json; charset=utf-8")
