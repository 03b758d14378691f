"""The console's place in the emulator's application."""

from functools import cache
from threading import Lock

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from cloud_openapi.emulator.cloudbase.timers import Timers
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.forks import fork_safe
from cloud_openapi.runtime import Functions

PATH = "/_console"
_METHODS = ("GET", "POST")


def add_console(
    app: Flask, emulator: Emulator, functions: Functions | None, timers: Timers | None
) -> None:
    """Add the console to the emulator's application; it is made when it is first asked for."""
    making = fork_safe(Lock())

    @cache
    def console() -> Flask:
        # An emulator at which no browser looks does not pay for it.
        from cloud_openapi.emulator.console.application import make_console  # noqa: PLC0415
        from cloud_openapi.emulator.console.tools import Tools  # noqa: PLC0415

        return make_console(Tools(emulator, functions, timers, app))

    @app.get(PATH)
    def root() -> AnyResponse:
        return redirect(f"{PATH}/")

    @app.route(f"{PATH}/", methods=_METHODS, defaults={"path": ""})
    @app.route(f"{PATH}/<path:path>", methods=_METHODS)
    def page(path: str) -> Response:
        environ = {**request.environ, "SCRIPT_NAME": PATH, "PATH_INFO": _wsgi_text(f"/{path}")}
        # An event stream is sent piece by piece.
        # A browser asks for several files at once, and each console has a token of its own.
        with making:
            application = console()
        return Response.from_app(application, environ, buffered=False)  # type: ignore[return-value]


def _wsgi_text(path: str) -> str:
    """Return a path as WSGI has it: a character for each byte of UTF-8."""
    return path.encode("utf-8", "replace").decode("latin-1")
