"""Protection from other sites and foreign content: token, origin and headers."""

import secrets
from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from markupsafe import Markup
from werkzeug.exceptions import Forbidden

from cloud_openapi.emulator.console.texts import t

HEADER: Final = "X-Console-Token"
_FIELD: Final = "token"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def guard(app: Flask) -> None:
    """Refuse changes without the page's token and requests of other sites' pages."""
    # A page that was loaded before a restart has another token.
    token = secrets.token_urlsafe(24)
    app.jinja_env.globals["console_token"] = token
    app.jinja_env.globals["token_field"] = lambda: Markup(
        '<input type="hidden" name="{}" value="{}">'
    ).format(_FIELD, token)

    @app.before_request
    def check() -> None:
        origin = request.headers.get("Origin")
        # Pages of this machine may call the emulator's APIs, but not read or steer the console.
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise Forbidden(
                t(
                    "A page of another site may not use the console.",
                    "其他网站的页面不能使用控制台。",
                )
            )
        if request.method in ("GET", "HEAD"):
            return
        given = request.headers.get(HEADER) or request.form.get(_FIELD, "")
        if not compare_digest(given.encode("utf-8", "replace"), token.encode()):
            raise Forbidden(
                t(
                    "This page is from before a restart of the emulator: load it again, "
                    "and repeat the change.",
                    "此页面是模拟器重启之前的：请重新加载页面，再操作一次。",
                )
            )

    @app.after_request
    def harden(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", _POLICY)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if request.endpoint != "static":
            headers["Cache-Control"] = "no-store"
            headers["Vary"] = "HX-Request, Cookie, Accept-Language"
        return response
