"""Requests for other hosts, which are refused.

wx-server-sdk before 2.3.3 calls a fixed address. With ``http_proxy`` it calls the emulator, and so
do all other HTTP requests of its process.
"""

from collections.abc import Collection, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response

from cloud_openapi.emulator.json_response import refusal
from cloud_openapi.loopback import is_loopback
from cloud_openapi.runtime import is_gateway_host, is_weixin_host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_SELF = frozenset({"127.0.0.1", "localhost", "::1"})
_REASON = "403 The emulator forwards nothing"


def refuse_foreign_requests(app: Flask, paths: Collection[str]) -> None:
    """Refuse requests for other hosts, and requests of other sites' pages.

    The emulator answers for WeChat, whose paths are ``paths``, for the gateway and for itself.
    """
    answer = app.wsgi_app

    # A WSGI wrapper: one of Flask's `before_request` functions costs as much as a small answer.
    def refuse_others(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if is_foreign_page(environ):
            return _foreign_page()(environ, start)
        target = _other_host(environ, paths)
        if target is None:
            return answer(environ, start)
        return _not_forwarded(target, environ["REQUEST_METHOD"])(environ, start)

    app.wsgi_app = refuse_others  # type: ignore[method-assign, assignment]


def is_foreign_page(environ: "WSGIEnvironment") -> bool:
    """Return whether a page of another site sent the request: it must not run functions here.

    Browsers send the origin of the page with each request that may change something.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return environ.get("HTTP_SEC_FETCH_SITE") == "cross-site"
    try:
        return not is_loopback(urlsplit(origin).hostname)
    except ValueError:
        return True


def _foreign_page() -> Response:
    message = "A page of another site may not call the emulator; pages of localhost may."
    return refusal(HTTPStatus.FORBIDDEN, "FOREIGN_PAGE", message)


def _not_forwarded(target: str, method: str) -> Response:
    message = (
        f"{target}: http_proxy leads to the cloud_openapi emulator, which forwards nothing. It "
        "answers requests for http://tcb-open.tencentcloudapi.com/admin, the gateway's other "
        "hosts and api.weixin.qq.com. Add the host to no_proxy."
    )
    if method == "CONNECT":
        message += " https cannot be answered: use wx-server-sdk 2.3.3 or later."
    answer = refusal(HTTPStatus.FORBIDDEN, "NETWORK_BLOCKED", message)
    answer.status = _REASON
    return answer


def _other_host(environ: "WSGIEnvironment", paths: Collection[str]) -> str | None:
    """Return the address that a request is for, or None if it is for the emulator."""
    uri: str = environ.get("REQUEST_URI", "")
    if environ["REQUEST_METHOD"] == "CONNECT":
        return uri[:200]
    if not uri.startswith(("http:", "https:")):
        return None
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return uri[:200]
    if is_weixin_host(host) or (is_gateway_host(host) and parts.path == "/admin"):
        return None
    # Another port is another program's, unless the path is WeChat's.
    own = str(port or 80) == environ.get("SERVER_PORT") or parts.path in paths
    if host in _SELF and own:
        return None
    return f"{parts.scheme}://{host}"[:200]
