"""Calls a WSGI application in this process, without a socket and with the same bytes."""

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from cloud_openapi.transports._base import Exchange, Reply, unreachable

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WSGIExchange(Exchange):
    """Sends requests to a WSGI application, such as the emulator's, by calling it."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __repr__(self) -> str:
        return "<WSGIExchange in this process>"

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request. Raises ExchangeError for a response that breaks off."""
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json" if body else "",
            "CONTENT_LENGTH": str(len(body or b"")),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body or b""),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in (headers or {}).items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        status: list[str] = []
        kind = ""

        def start_response(line: str, answered: Iterable[tuple[str, str]], *_rest: Any) -> None:
            nonlocal kind
            status[:] = [line]
            kind = dict(answered).get("Content-Type", "")

        try:
            chunks = self._app(environ, start_response)
            try:
                content = b"".join(chunks)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        except ConnectionError:
            # After the status line the connection ended within the body.
            raise unreachable("aborted" if status else "socket hang up", path) from None
        number, _, reason = status[0].partition(" ")
        return Reply(int(number), reason, content, {"Content-Type": kind})
