"""Invoke a function over HTTP, as CloudBase's HTTP API does, and read its log."""

import json
import re
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.emulator.control import only_this_machine
from cloud_openapi.emulator.control_input import query
from cloud_openapi.emulator.json_answer import json_answer, platform_refusal
from cloud_openapi.emulator.state import Emulator
from cloud_openapi.emulator.timers import Timers
from cloud_openapi.runtime import Functions

_SOURCE = re.compile(r"[a-z_]{1,32}(,[a-z_]{1,32}){0,8}")
_USUAL_SOURCE = "wx_http"


def add_functions(app: Flask, emulator: Emulator, functions: Functions) -> None:
    """Add ``POST /v1/functions/<name>`` to the application.

    The body is the event; the answer is what the function returned, or the platform's error
    object with its status. It is invoked as by an HTTP API, unless the query names another
    ``source``: ``wx_client`` is a call from the mini program.
    """

    @app.post("/v1/functions/<name>")
    def invoke(name: str) -> Response:
        try:
            data = request.get_data()
            event = json.loads(data) if data else {}
        except RequestEntityTooLarge:
            message = "RequestTooLarge: an event is at most 6 MB"
            return platform_refusal(HTTPStatus.NOT_ACCEPTABLE, "FUNCTION_PARAM_INVALID", message)
        except (ValueError, RecursionError) as error:
            message = f"The body is no event in JSON: {error}"
            return platform_refusal(HTTPStatus.BAD_REQUEST, "FUNCTION_PARAM_INVALID", message)
        source = request.args.get("source", _USUAL_SOURCE)
        if _SOURCE.fullmatch(source) is None:
            message = "source is wx_client, wx_http or another SOURCE of the platform"
            return platform_refusal(HTTPStatus.BAD_REQUEST, "FUNCTION_PARAM_INVALID", message)
        if name not in functions:
            return _unknown(name, functions)
        outcome = functions.invoke(name, event, emulator.now(emulator.first_appid), source)
        return json_answer(outcome.result, outcome.status)


def add_function_logs(app: Flask, functions: Functions) -> None:
    """Add ``GET /_emulator/functions/<name>/log`` to the application, for this machine only.

    The answer is ``{"lines": […], "next": n}``; ``?since=n`` then gives only what is newer.
    """

    @app.get("/_emulator/functions/<name>/log")
    def log(name: str) -> Response:
        refusal = only_this_machine()
        if refusal is not None:
            return refusal
        if name not in functions:
            return _unknown(name, functions)
        try:
            since = int(query("since").get("since", "0"))
        except ValueError:
            message = "since is the number of a line, the next of an earlier answer"
            return platform_refusal(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", message)
        entries = functions.log_of(name).since(since)
        newest = entries[-1][0] if entries else since
        return json_answer({"lines": [line for _, line in entries], "next": newest})


def add_timers(app: Flask, timers: Timers) -> None:
    """Add ``/_emulator/timers`` to the application, for this machine only.

    GET lists them; POST to ``/<function>/<trigger>`` fires one now, and answers its result, which
    the platform throws away, its status and its log.
    """

    @app.get("/_emulator/timers")
    def listed() -> Response:
        return only_this_machine() or json_answer({"timers": timers.describe()})

    @app.post("/_emulator/timers/<function>/<trigger>")
    def fire(function: str, trigger: str) -> Response:
        refusal = only_this_machine()
        if refusal is not None:
            return refusal
        try:
            outcome = timers.fire_by_hand(function, trigger)
        except KeyError as error:
            return platform_refusal(
                HTTPStatus.NOT_FOUND, "NOT_FOUND", f"There is no {error.args[0]}."
            )
        told = {"status": outcome.status, "result": outcome.result, "log": outcome.log}
        return json_answer(told)


def _unknown(name: str, functions: Functions) -> Response:
    known = ", ".join(functions) or "none"
    message = f'There is no function "{name}" in {functions.folder}. Known: {known}.'
    return platform_refusal(HTTPStatus.NOT_FOUND, "FUNCTION_NOT_FOUND", message)
