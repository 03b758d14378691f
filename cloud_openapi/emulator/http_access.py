"""HTTP access to functions: a request becomes an event, and a result a response.

https://docs.cloudbase.net/service/access-cloud-function
"""

import base64
import binascii
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.emulator.json_answer import (
    json_answer,
    new_request_id,
    platform_refusal,
    unknown_function,
)
from cloud_openapi.emulator.state import Emulator
from cloud_openapi.runtime import ENVIRONMENT, Functions

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
_LAST_STATUS = 599
# A local mini program has no real numbers.
_ACCOUNT: Final = {"appId": 0, "uin": 0}


def add_http_access(app: Flask, emulator: Emulator, functions: Functions) -> None:
    """Add ``/http/<name>`` and what is below it to the application, with any method.

    A failed function is 502 with the platform's error object.
    """

    @app.route("/http/<name>", methods=_METHODS, strict_slashes=False)
    @app.route("/http/<name>/<path:rest>", methods=_METHODS)
    def access(name: str, rest: str = "") -> Response:
        if name not in functions:
            return unknown_function(name, functions)
        try:
            event = event_of(f"/{rest}")
        except RequestEntityTooLarge:
            message = "The body is larger than 6 MB."
            return platform_refusal(HTTPStatus.BAD_REQUEST, "FUNCTION_PARAM_INVALID", message)
        now = emulator.now(emulator.first_appid)
        outcome = functions.invoke(name, event, now, "wx_http")
        if outcome.status != HTTPStatus.OK:
            return json_answer(outcome.result, HTTPStatus.BAD_GATEWAY, _JSON)
        return response_of(outcome.result)


def event_of(path: str) -> dict[str, Any]:
    """Return the event of the current request; a body that is no UTF-8 comes in base64."""
    data = request.get_data()
    try:
        body, encoded = data.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(data).decode(), True
    return {
        "path": path,
        "httpMethod": request.method,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "queryStringParameters": request.args.to_dict(),
        "requestContext": {"requestId": new_request_id(), "envId": ENVIRONMENT, **_ACCOUNT},
        "body": body,
        "isBase64Encoded": encoded,
    }


def response_of(result: Any) -> Response:
    """Return what a function's result is as a response.

    An object with a numeric ``statusCode`` and an object of ``headers`` says all of it itself.
    Any other object, list or truth value is JSON; a text or a number is a text.
    """
    if _is_integrated(result):
        return _integrated(result)
    if isinstance(result, str):
        return Response(result, content_type=_TEXT)
    if isinstance(result, int | float) and not isinstance(result, bool):
        return Response(json.dumps(result), content_type=_TEXT)
    return json_answer(result, content_type=_JSON)


def _is_integrated(result: Any) -> bool:
    if not isinstance(result, dict):
        return False
    status, headers = result.get("statusCode"), result.get("headers")
    return isinstance(status, int) and not isinstance(status, bool) and isinstance(headers, dict)


def _integrated(result: dict[str, Any]) -> Response:
    try:
        headers = Headers(_fields(result["headers"]))
        response = Response(_body_of(result), _status_of(result), headers)
    except (ValueError, binascii.Error) as error:
        message = f"The function's response cannot be sent: {error}"
        return platform_refusal(HTTPStatus.BAD_GATEWAY, "FUNCTION_INVOCATION_FAILED", message)
    if not any(name.lower() == "content-type" for name in result["headers"]):
        response.content_type = _TEXT
    return response


def _body_of(result: dict[str, Any]) -> bytes:
    body = result.get("body", "")
    if not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)
    encoded = result.get("isBase64Encoded") is True
    return base64.b64decode(body, validate=True) if encoded else body.encode()


def _status_of(result: dict[str, Any]) -> int:
    status: int = result["statusCode"]
    if not HTTPStatus.OK <= status <= _LAST_STATUS:
        raise ValueError(f"statusCode is {HTTPStatus.OK} to {_LAST_STATUS}, not {status}")
    return status


def _fields(headers: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield each field; the values of one may come as a list."""
    for name, value in headers.items():
        for each in value if isinstance(value, list) else [value]:
            yield name, each if isinstance(each, str) else json.dumps(each)
