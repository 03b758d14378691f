"""CORS for local pages, as CloudBase's HTTP access with its check of origins on.

https://docs.cloudbase.net/service/cors: the gateway answers the preflight and adds the headers; the
function does not see it. All pages of this machine count as safe.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_OPEN = ("/http/", "/openapi.json", "/storage/")
_ALLOW_ORIGIN = "access-control-allow-origin"
_ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"


def answer_cross_origin(
    app: Callable[..., Iterable[bytes]], environ: "WSGIEnvironment", start: "StartResponse"
) -> Iterable[bytes]:
    """Answer a request of another origin, which was found safe."""
    if not environ["PATH_INFO"].startswith(_OPEN):
        return app(environ, start)
    headers = [
        ("Access-Control-Allow-Origin", environ["HTTP_ORIGIN"]),
        (_ALLOW_CREDENTIALS, "true"),
        ("Vary", "Origin"),
    ]
    wanted = "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    if environ["REQUEST_METHOD"] == "OPTIONS" and wanted:
        return _preflight(environ, headers)(environ, start)

    def start_response(status: str, given: list[tuple[str, str]], *exc_info: Any) -> Any:
        # A browser refuses two answers: the function's own stands.
        if any(name.lower() == _ALLOW_ORIGIN for name, _ in given):
            return start(status, given, *exc_info)
        kept = [field for field in given if field[0].lower() != _ALLOW_CREDENTIALS.lower()]
        return start(status, [*kept, *headers], *exc_info)

    return app(environ, start_response)


def _preflight(environ: "WSGIEnvironment", headers: list[tuple[str, str]]) -> Response:
    answer = Response(status=204, headers=headers)
    answer.headers["Access-Control-Allow-Methods"] = _METHODS
    wanted = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
    if wanted:
        answer.headers["Access-Control-Allow-Headers"] = wanted
    answer.headers["Access-Control-Max-Age"] = "600"
    return answer
