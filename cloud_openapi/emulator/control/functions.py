"""The functions' logs and timers."""

from http import HTTPStatus

from flask import Flask, Response

from cloud_openapi.emulator.cloudbase.timers import Timers
from cloud_openapi.emulator.control.input import query
from cloud_openapi.emulator.json_response import json_answer, platform_refusal, unknown_function
from cloud_openapi.runtime import Functions

_LONGEST_NAME = 200


def add_function_logs(app: Flask, functions: Functions) -> None:
    """Add ``GET /_emulator/functions/<name>/log`` to the application.

    The answer is ``{"lines": […], "next": n}``; ``?since=n`` then gives only newer lines.
    """

    @app.get("/_emulator/functions/<name>/log")
    def log(name: str) -> Response:
        if name not in functions:
            return unknown_function(name, functions)
        try:
            since = int(query("since").get("since", "0"))
        except ValueError:
            message = "since is the number of a line, the next of an earlier answer"
            return platform_refusal(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", message)
        entries = functions.log_of(name).since(since)
        newest = entries[-1][0] if entries else since
        return json_answer({"lines": [line for _, line in entries], "next": newest})


def add_timers(app: Flask, timers: Timers) -> None:
    """Add ``/_emulator/timers`` to the application.

    GET lists them; POST to ``/<function>/<trigger>`` fires one now, and answers its result, which
    the platform throws away, its status and its log.
    """

    @app.get("/_emulator/timers")
    def listed() -> Response:
        return json_answer({"timers": timers.describe()})

    @app.post("/_emulator/timers/<function>/<trigger>")
    def fire(function: str, trigger: str) -> Response:
        try:
            outcome = timers.fire_now(function, trigger)
        except KeyError as error:
            message = f"There is no {error.args[0][:_LONGEST_NAME]}."
            return platform_refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", message)
        told = {"status": outcome.status, "result": outcome.result, "log": outcome.log}
        return json_answer(told)
