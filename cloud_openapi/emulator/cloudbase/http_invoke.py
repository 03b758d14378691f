"""Invoke a function over HTTP, as CloudBase's HTTP API does."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wsgi import get_input_stream

from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.json_response import JSON_UTF8, platform_refusal, unknown_function
from cloud_openapi.json_text import read_json
from cloud_openapi.runtime import LARGE_EVENT, MOST_BYTES, Functions, UnknownFunctionError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SOURCE_PATTERN = re.compile(r"[a-z_]{1,32}(,[a-z_]{1,32}){0,8}")
SOURCE_FORM = "must be wx_client, wx_http or another SOURCE of the platform"
_DEFAULT_SOURCE = "wx_client"


def add_http_invoke(app: Flask, emulator: Emulator, functions: Functions) -> None:
    """Add ``POST /v1/functions/<name>`` to the application.

    The body is the event. The response is the function's result, or the platform's error object
    with its status. The query may set ``source``, ``wx_client`` by default, a call from the mini
    program: most functions read its user's OPENID. ``wx_http`` has no user, as on CloudBase.
    """
    # Not a Flask route: Flask takes as long as the rest of an invocation.
    invoke = _Invocations(emulator, functions)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/v1/functions": invoke})  # type: ignore[method-assign]


class _Invocations:
    """A WSGI application that invokes the function that the path names."""

    def __init__(self, emulator: Emulator, functions: Functions) -> None:
        self._emulator = emulator
        self._functions = functions

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        name = environ["PATH_INFO"].removeprefix("/").encode("latin-1").decode("utf-8", "replace")
        source = _DEFAULT_SOURCE
        try:
            source = _source(environ)
            event = _event(environ)
            now = self._emulator.clock_of(self._emulator.first_appid).now()
            outcome = self._functions.invoke(name, event, now, source)
        except UnknownFunctionError:
            return unknown_function(name, self._functions, source)(environ, start)
        except _InvalidRequestError as error:
            if name in self._functions:
                self._functions.refuse(name, source, error.status, error.message)
            refused = platform_refusal(error.status, "FUNCTION_PARAM_INVALID", error.message)
            if error.status == HTTPStatus.METHOD_NOT_ALLOWED:
                refused.headers["Allow"] = "POST"
            return refused(environ, start)
        body = outcome.text.encode()
        status = f"{outcome.status} {HTTP_STATUS_CODES.get(outcome.status, 'Function Failed')}"
        start(status, [("Content-Type", JSON_UTF8), ("Content-Length", str(len(body)))])
        return [body]


def _body(environ: "WSGIEnvironment") -> bytes:
    length = environ.get("CONTENT_LENGTH", "")
    if length.isdecimal() and int(length) <= MOST_BYTES:
        data: bytes = environ["wsgi.input"].read(int(length))
        return data
    return get_input_stream(environ, max_content_length=MOST_BYTES).read()


class _InvalidRequestError(Exception):
    """A request that does not invoke a function: the status and the reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


def _event(environ: "WSGIEnvironment") -> Any:
    if environ["REQUEST_METHOD"] != "POST":
        raise _InvalidRequestError(HTTPStatus.METHOD_NOT_ALLOWED, "Invoke a function with POST.")
    try:
        data = _body(environ)
        return read_json(data.decode().removeprefix("\ufeff")) if data else {}
    except RequestEntityTooLarge:
        message = f"RequestTooLarge: {LARGE_EVENT}"
        raise _InvalidRequestError(HTTPStatus.NOT_ACCEPTABLE, message) from None
    except UnicodeDecodeError as error:
        message = f"The body is not JSON in UTF-8: see its byte {error.start + 1}"
        raise _InvalidRequestError(HTTPStatus.BAD_REQUEST, message) from None
    except (ValueError, RecursionError) as error:
        message = f"The body is not JSON: {error}"
        raise _InvalidRequestError(HTTPStatus.BAD_REQUEST, message) from None


def _source(environ: "WSGIEnvironment") -> str:
    query = environ.get("QUERY_STRING")
    source = parse_qs(query).get("source", [_DEFAULT_SOURCE])[0] if query else _DEFAULT_SOURCE
    if SOURCE_PATTERN.fullmatch(source) is None:
        raise _InvalidRequestError(HTTPStatus.BAD_REQUEST, f"source {SOURCE_FORM}")
    return source
