"""Invoke a function over HTTP, as CloudBase's HTTP API does, and read its log."""

import json
import re
import uuid
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wsgi import get_input_stream

from cloud_openapi.emulator.control_input import from_this_machine, query
from cloud_openapi.emulator.state import Emulator
from cloud_openapi.emulator.timers import Timers
from cloud_openapi.json_text import json_text
from cloud_openapi.runtime import MOST_BYTES, Functions, UnknownFunctionError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_SOURCE = re.compile(r"[a-z_]{1,32}(,[a-z_]{1,32}){0,8}")
_USUAL_SOURCE = "wx_http"
_JSON = "application/json; charset=utf-8"


def add_functions(app: Flask, emulator: Emulator, functions: Functions) -> None:
    """Add ``POST /v1/functions/<name>`` to the application.

    The body is the event; the answer is what the function returned, or the platform's error
    object with its status. It is invoked as by an HTTP API, unless the query names another
    ``source``: ``wx_client`` is a call from the mini program.
    """
    # Beside Flask, to which an invocation costs as much as to the function's process.
    invoke = _Invocations(emulator, functions)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/v1/functions": invoke})  # type: ignore[method-assign]


class _Invocations:
    """A WSGI application in which the path is a function's name."""

    def __init__(self, emulator: Emulator, functions: Functions) -> None:
        self._emulator = emulator
        self._functions = functions

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        name = environ["PATH_INFO"].removeprefix("/").encode("latin-1").decode("utf-8", "replace")
        try:
            event, source = _event(environ), _source(environ)
            now = self._emulator.now(self._emulator.first_appid)
            outcome = self._functions.invoke(name, event, now, source)
        except UnknownFunctionError:
            return _unknown(name, self._functions)(environ, start)
        except _UnusableError as error:
            code, message = "FUNCTION_PARAM_INVALID", error.args[1]
            return _refusal(code, message, error.args[0])(environ, start)
        body = outcome.text.encode()
        status = f"{outcome.status} {HTTP_STATUS_CODES.get(outcome.status, 'Function Failed')}"
        start(status, [("Content-Type", _JSON), ("Content-Length", str(len(body)))])
        return [body]


def _body(environ: "WSGIEnvironment") -> bytes:
    length = environ.get("CONTENT_LENGTH", "")
    if length.isdecimal() and int(length) <= MOST_BYTES:
        data: bytes = environ["wsgi.input"].read(int(length))
        return data
    return get_input_stream(environ, max_content_length=MOST_BYTES).read()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no value of JSON")


# Python would take NaN and Infinity.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


class _UnusableError(Exception):
    """A request that invokes nothing: the status, and why."""


def _event(environ: "WSGIEnvironment") -> Any:
    if environ["REQUEST_METHOD"] != "POST":
        raise _UnusableError(HTTPStatus.METHOD_NOT_ALLOWED, "A function is invoked by POST.")
    try:
        data = _body(environ)
        return _DECODER.decode(data.decode("utf-8-sig")) if data else {}
    except RequestEntityTooLarge:
        message = "RequestTooLarge: an event is at most 6 MB"
        raise _UnusableError(HTTPStatus.NOT_ACCEPTABLE, message) from None
    except (ValueError, RecursionError) as error:
        message = f"The body is no event in JSON: {error}"
        raise _UnusableError(HTTPStatus.BAD_REQUEST, message) from None


def _source(environ: "WSGIEnvironment") -> str:
    query = environ.get("QUERY_STRING")
    source = parse_qs(query).get("source", [_USUAL_SOURCE])[0] if query else _USUAL_SOURCE
    if _SOURCE.fullmatch(source) is None:
        message = "source is wx_client, wx_http or another SOURCE of the platform"
        raise _UnusableError(HTTPStatus.BAD_REQUEST, message)
    return source


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
            return _refusal("NOT_FOUND", f"There is no {error.args[0]}.", HTTPStatus.NOT_FOUND)
        told = {"status": outcome.status, "result": outcome.result, "log": outcome.log}
        return _json(told, HTTPStatus.OK)


def _not_from_here() -> Response | None:
    if from_this_machine(request):
        return None
    message = "/_emulator is for this machine: call it by localhost or 127.0.0.1."
    return _refusal("NOT_LOOPBACK", message, HTTPStatus.FORBIDDEN)


def _unknown(name: str, functions: Functions) -> Response:
    known = ", ".join(functions) or "none"
    message = f'There is no function "{name}" in {functions.folder}. Known: {known}.'
    return _refusal("FUNCTION_NOT_FOUND", message, HTTPStatus.NOT_FOUND)


def _refusal(code: str, message: str, status: HTTPStatus) -> Response:
    return _json({"code": code, "message": message, "requestId": str(uuid.uuid4())}, status)


def _json(value: Any, status: int) -> Response:
    return Response(json_text(value), status, content_type=_JSON)
