"""The functions' logs, invocations and timers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response

from cloud_openapi.emulator.cloudbase.timers import Timers
from cloud_openapi.emulator.control.input import flag, query
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.json_response import json_answer, platform_refusal, unknown_function
from cloud_openapi.runtime import Functions, Line

_LONGEST_NAME = 200
_MOST_LINES, _MOST_INVOCATIONS = 100_000, 100
_LONGEST_NUMBER = 18


def add_function_logs(app: Flask, functions: Functions) -> None:
    """Add ``/_emulator/log`` and ``/_emulator/functions/<name>/log`` to the application.

    The answer of the first is ``{"lines": [{"function", "invocation", "depth", "text"}], "next":
    n}``, that of the second ``{"lines": [texts], "next": n}``; ``?since=n`` then gives only newer
    lines. The first takes ``function``, which may be repeated, ``failed`` (true: whole invocations
    that have failed since) and ``limit``, a number of newest lines.
    """

    @app.get("/_emulator/log")
    def common_log() -> Response:
        try:
            given = query("function", "since", "failed", "limit")
            since, limit = _number(given, "since", 0), _number(given, "limit", _MOST_LINES)
            failed = flag(given, "failed")
        except InvalidInputError as error:
            return _invalid(str(error))
        names = given.getlist("function")
        unknown = next((name for name in names if name not in functions), None)
        if unknown is not None:
            return unknown_function(unknown, functions)
        found, newest = functions.logs.since(since, names, failed=failed)
        return json_answer({"lines": list(map(_described, found[-limit:])), "next": newest})

    @app.get("/_emulator/functions/<name>/log")
    def log(name: str) -> Response:
        if name not in functions:
            return unknown_function(name, functions)
        try:
            since = _number(query("since"), "since", 0)
        except InvalidInputError as error:
            return _invalid(str(error))
        entries = functions.log_of(name).since(since)
        newest = entries[-1][0] if entries else since
        return json_answer({"lines": [line for _, line in entries], "next": newest})


def add_invocations(app: Flask, functions: Functions | None) -> None:
    """Add ``/_emulator/invocations`` to the application.

    The answer is ``{"invocations": [the newest that have ended], "next": n}``; ``?since=n`` then
    gives only newer ones. It also takes ``function``, ``failed``, ``text`` and ``limit``.
    """

    @app.get("/_emulator/invocations")
    def invocations() -> Response:
        try:
            given = query("function", "failed", "text", "since", "limit")
            since, limit = _number(given, "since", 0), _number(given, "limit", _MOST_INVOCATIONS)
            failed = flag(given, "failed")
        except InvalidInputError as error:
            return _invalid(str(error))
        # A copy, as others end meanwhile.
        ended = [] if functions is None else list(functions.ended)
        found = [
            each.describe()
            for each in ended
            if each.number > since
            and given.get("function", each.function) == each.function
            and not (failed and each.status == HTTPStatus.OK)
            and each.contains(given.get("text", ""))
        ]
        newest = ended[-1].number if ended else since
        return json_answer({"invocations": found[-limit:], "next": newest})


def _described(found: tuple[str, Line]) -> dict[str, Any]:
    name, line = found
    return {
        "function": name,
        "invocation": line.invocation,
        "depth": line.depth,
        "text": line.text,
    }


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    least = min(default, 1)
    # Longer ones are slow to read, and no line has such a number.
    if not (text.isdecimal() and len(text) <= _LONGEST_NUMBER and int(text) >= least):
        meaning = "the next of an earlier answer, or 0" if name == "since" else "at least 1"
        raise InvalidInputError(f"{name} is a whole number, {meaning}")
    return int(text)


def _invalid(message: str) -> Response:
    return platform_refusal(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", message)


def add_timers(app: Flask, timers: Timers) -> None:
    """Add ``/_emulator/timers`` to the application.

    GET lists them with their last outcomes. POST to ``/<function>/<trigger>`` fires one now, and
    answers its result, which the platform throws away, its status and its log.
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
