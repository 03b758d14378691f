"""HTTP access to functions: the event of a request, the response of a result.

https://docs.cloudbase.net/service/access-cloud-function
"""

import base64
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request

from cloud_openapi.emulator.cloudbase.function_response import InvalidResponseError, to_response
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.json_response import (
    json_answer,
    platform_refusal,
    unknown_function,
)
from cloud_openapi.runtime import ENVIRONMENT, Functions, UnknownFunctionError, new_request_id

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_JSON = "application/json"
# Invented: a local mini program has no account numbers.
_ACCOUNT: Final = {"appId": 0, "uin": 0}


def add_http_access(app: Flask, emulator: Emulator, functions: Functions) -> None:
    """Add ``/http/<name>`` and all paths below it to the application, with any method.

    A failed function and an invalid response are a 502 with the platform's error object.
    """

    @app.route("/http/", methods=_METHODS, strict_slashes=False)
    @app.route("/http/<name>", methods=_METHODS, strict_slashes=False)
    @app.route("/http/<name>/<path:rest>", methods=_METHODS)
    @app.route("/http//<path:rest>", methods=_METHODS)
    def access(name: str = "", rest: str = "") -> Response:
        try:
            event = access_event(request, f"/{rest}")
            now = emulator.clock_of(emulator.first_appid).now()
            outcome = functions.invoke(name, event, now, "wx_http")
        except RequestEntityTooLarge:
            message = "The body is larger than 6 MB."
            return platform_refusal(HTTPStatus.BAD_REQUEST, "FUNCTION_PARAM_INVALID", message)
        except UnknownFunctionError:
            return unknown_function(name, functions, "wx_http")
        if outcome.status != HTTPStatus.OK:
            return json_answer(outcome.result, HTTPStatus.BAD_GATEWAY, _JSON)
        try:
            return to_response(outcome.result)
        except InvalidResponseError as error:
            message = f"The function returned an invalid response: {error}"
            functions.log_of(name).add_own(f"Warning: HTTP access: {message}")
            return platform_refusal(HTTPStatus.BAD_GATEWAY, "FUNCTION_INVOCATION_FAILED", message)


def access_event(request: Request, path: str) -> dict[str, Any]:
    """Return the event of a request, with a binary body in base64."""
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
