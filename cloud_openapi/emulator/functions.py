"""Invoke a function over HTTP, as CloudBase's HTTP API does, and read its log."""

import json
import re
import uuid
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.emulator.control_input import from_this_machine, query
from cloud_openapi.emulator.json_text import json_text
from cloud_openapi.emulator.state import Emulator
from cloud_openapi.emulator.timers import Timers
from cloud_openapi.runtime import Functions

_SOURCE = re.compile(r"[a-z_]{1,32}(,[a-z_]{1,32}){0,8}")
_USUAL_SOURCE = "wx_http"
_LONGEST_NAME = 200


def add_functions(app: Flask, emulator: Emulator, functions: Functions) -> None:
    """Add ``POST /v1/functions/<name>`` to the application.

    The body is the event; the answer is what the function returned, or the platform's error
    object with its status. It is invoked as by an HTTP API, unless the query names another
    ``source``: ``wx_client`` is a call from the mini program.
    """

    # A name with a slash, or none at all, is no path of WeChat's either.
    @app.post("/v1/functions/", strict_slashes=False)
    @app.post("/v1/functions/<name>")
    @app.post("/v1/functions/<path:name>")
    def invoke(name: str = "") -> Response:
        try:
            data = request.get_data()
            event = json.loads(data) if data else {}
        except RequestEntityTooLarge:
            message = "RequestTooLarge: an event is at most 6 MB"
            return _refusal("FUNCTION_PARAM_INVALID", message, HTTPStatus.NOT_ACCEPTABLE)
        except (ValueError, RecursionError) as error:
            message = f"The body is no event in JSON: {error}"
            return _refusal("FUNCTION_PARAM_INVALID", message, HTTPStatus.BAD_REQUEST)
        source = request.args.get("source", _USUAL_SOURCE)
        if _SOURCE.fullmatch(source) is None:
            message = "source is wx_client, wx_http or another SOURCE of the platform"
            return _refusal("FUNCTION_PARAM_INVALID", message, HTTPStatus.BAD_REQUEST)
        if name not in functions:
            return _unknown(name, functions)
        outcome = functions.invoke(name, event, emulator.now(emulator.first_appid), source)
        return _json(outcome.result, outcome.status)


def add_function_logs(app: Flask, functions: Functions) -> None:
    """Add ``GET /_emulator/functions/<name>/log`` to the application, for this machine only.

    The answer is ``{"lines": […], "next": n}``; ``?since=n`` then gives only what is newer.
    """

    @app.get("/_emulator/functions/<name>/log")
    def log(name: str) -> Response:
        refusal = _not_from_here()
        if refusal is not None:
            return refusal
        if name not in functions:
            return _unknown(name, functions)
        try:
            since = int(query("since").get("since", "0"))
        except ValueError:
            message = "since is the number of a line, the next of an earlier answer"
            return _refusal("INVALID_REQUEST", message, HTTPStatus.BAD_REQUEST)
        entries = functions.log_of(name).since(since)
        newest = entries[-1][0] if entries else since
        return _json({"lines": [line for _, line in entries], "next": newest}, HTTPStatus.OK)


def add_timers(app: Flask, timers: Timers) -> None:
    """Add ``/_emulator/timers`` to the application, for this machine only.

    GET lists them; POST to ``/<function>/<trigger>`` fires one now, and answers its result, which
    the platform throws away, its status and its log.
    """

    @app.get("/_emulator/timers")
    def listed() -> Response:
        return _not_from_here() or _json({"timers": timers.describe()}, HTTPStatus.OK)

    @app.post("/_emulator/timers/<function>/<trigger>")
    def fire(function: str, trigger: str) -> Response:
        refusal = _not_from_here()
        if refusal is not None:
            return refusal
        try:
            outcome = timers.fire_by_hand(function, trigger)
        except KeyError as error:
            message = f"There is no {error.args[0][:_LONGEST_NAME]}."
            return _refusal("NOT_FOUND", message, HTTPStatus.NOT_FOUND)
        told = {"status": outcome.status, "result": outcome.result, "log": outcome.log}
        return _json(told, HTTPStatus.OK)


def _not_from_here() -> Response | None:
    if from_this_machine(request):
        return None
    message = "/_emulator is for this machine: call it by localhost or 127.0.0.1."
    return _refusal("NOT_LOOPBACK", message, HTTPStatus.FORBIDDEN)


def _unknown(name: str, functions: Functions) -> Response:
    known = ", ".join(functions) or "none"
    message = (
        f'There is no function "{name[:_LONGEST_NAME]}" in {functions.folder}. Known: {known}.'
    )
    return _refusal("FUNCTION_NOT_FOUND", message, HTTPStatus.NOT_FOUND)


def _refusal(code: str, message: str, status: HTTPStatus) -> Response:
    return _json({"code": code, "message": message, "requestId": str(uuid.uuid4())}, status)


def _json(value: Any, status: int) -> Response:
    return Response(json_text(value), status, content_type="application/json; charset=utf-8")
