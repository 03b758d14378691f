"""Calls into the WSGI application, without socket and client."""

import io
import json
import sys
from typing import Any

from flask import Flask


def post(app: Flask, path: str, token: str, params: Any) -> bytes:
    """Make a call to an API, and return the body of its answer."""
    return send(app, "POST", path, f"access_token={token}", json.dumps(params).encode())


def send(app: Flask, method: str, path: str, query: str, body: bytes = b"") -> bytes:
    """Send a request, and return the body of its answer."""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "7070",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    return b"".join(app(environ, _start_response))


def _start_response(_status: str, _headers: Any, _error: Any = None) -> Any:
    return None
