"""Requests that were meant for another host: the emulator forwards nothing.

wx-server-sdk before 2.1 calls a fixed address and is led here by ``http_proxy``; so is whatever
else its process calls over http.
"""

import json
import re
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request

_GATEWAY = re.compile(r"([\w-]+\.)*(tcb-open|tcb-admin|tcb-api)\.(tencentyun|tencentcloudapi)\.com")
_SELF = frozenset({"127.0.0.1", "localhost", "::1"})
_REASON = "403 The emulator forwards nothing"


def add_proxy(app: Flask) -> None:
    """Refuse what a client sends to a proxy, unless it is for the gateway or the emulator."""

    @app.before_request
    def refuse() -> Response | None:
        target = _other_host(request)
        if target is None:
            return None
        message = (
            f"This is the cloud_openapi emulator as http_proxy. It answers {target} for nobody and "
            "forwards nothing: only http://tcb-open.tencentcloudapi.com/admin and the like are "
            "answered. Take the host into no_proxy."
        )
        if request.method == "CONNECT":
            message += " An SDK that asks for https here cannot be used: take wx-server-sdk 2.1+."
        body = json.dumps({"code": "NOT_FORWARDED", "message": message})
        return Response(body, _REASON, content_type="application/json; charset=utf-8")


def _other_host(request: Request) -> str | None:
    """Return the address of a request that was not for the emulator."""
    uri = request.environ.get("REQUEST_URI", "")
    if request.method == "CONNECT":
        return str(uri)[:200]
    if not uri.startswith(("http:", "https:")):
        return None
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return str(uri)[:200]
    if _GATEWAY.fullmatch(host) and parts.path == "/admin":
        return None
    if host in _SELF and str(port or 80) == request.environ.get("SERVER_PORT"):
        return None
    return f"{parts.scheme}://{host}"[:200]
