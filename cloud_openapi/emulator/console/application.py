"""The console's own Flask application, with its pages."""

import json
import secrets
from contextlib import suppress
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from flask import Flask, Request, redirect, render_template, request, url_for
from jinja2 import BytecodeCache, FileSystemBytecodeCache, StrictUndefined
from jinja2.bccache import Bucket
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from cloud_openapi._version import __version__
from cloud_openapi.emulator.console import texts
from cloud_openapi.emulator.console.apis import add_apis
from cloud_openapi.emulator.console.data import add_data
from cloud_openapi.emulator.console.database import add_database
from cloud_openapi.emulator.console.files import UPLOAD, add_files
from cloud_openapi.emulator.console.functions import add_functions
from cloud_openapi.emulator.console.guard import guard
from cloud_openapi.emulator.console.live import add_live
from cloud_openapi.emulator.console.overrides import add_overrides
from cloud_openapi.emulator.console.overview import add_overview
from cloud_openapi.emulator.console.recordings import add_recordings
from cloud_openapi.emulator.console.request import add_request
from cloud_openapi.emulator.console.requests import add_requests
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.console.trace import add_trace
from cloud_openapi.emulator.errors import InvalidInputError, NotFoundError
from cloud_openapi.emulator.storage.files import LARGEST
from cloud_openapi.errors import RecordingError
from cloud_openapi.periods import BEIJING

_MOST_BYTES: Final = 8 * 2**20
_MOST_FIELDS: Final = 2 * 2**20
_THEMES: Final = ("auto", "light", "dark")
_THEME_COOKIE: Final = "console_theme"
_A_YEAR: Final = 365 * 24 * 3600
# Endpoint, English, Chinese: the pages of the bar above each page, in its order.
_BAR: Final = (
    ("overview", "Overview", "概览"),
    ("requests", "Requests", "请求"),
    ("functions", "Functions", "云函数"),
    ("apis", "APIs", "接口"),
    ("data", "Data", "数据"),
    ("overrides", "Faults and pins", "故障与固定响应"),
    ("collections", "Database", "云数据库"),
    ("files", "Storage", "云存储"),
    ("recordings", "Recordings", "录制"),
)


class _Request(Request):
    @property  # type: ignore[misc]
    def max_content_length(self) -> int | None:  # type: ignore[override]
        """Return the most bytes of a form; those of an upload go to disk."""
        if self.method == "POST" and self.path == UPLOAD:
            return LARGEST
        return super().max_content_length


class _Route(Rule):
    """A route that compiles the code for its URL when a page first needs it.

    werkzeug compiles all at once, which takes half of the time in which the console is made.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Any:  # noqa: FBT001, FBT002
        make = cache(super()._compile_builder)

        def build(route: Rule, /, **values: Any) -> Any:
            return make(append_unknown)(route, **values)

        return build


class _Console(Flask):
    request_class = _Request
    url_rule_class = _Route


def make_console(tools: Tools) -> Flask:
    """Return the console of an emulator, as an application that is mounted at a path."""
    app = _Console(__name__)
    app.secret_key = secrets.token_bytes(32)
    app.config.update(
        MAX_CONTENT_LENGTH=_MOST_BYTES,
        MAX_FORM_MEMORY_SIZE=_MOST_FIELDS,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        SESSION_COOKIE_NAME="console_session",
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_PATH="/_console",
    )
    _add_template_helpers(app)
    guard(app)

    @app.teardown_request
    def close_uploads(_error: BaseException | None) -> None:
        request.close()

    for add_page in (
        add_overview,
        add_requests,
        add_request,
        add_trace,
        add_live,
        add_functions,
        add_apis,
        add_data,
        add_overrides,
        add_database,
        add_files,
        add_recordings,
    ):
        add_page(app, tools)
    _add_settings(app)
    _add_errors(app)
    return app


def _add_template_helpers(app: Flask) -> None:
    environment = app.jinja_env
    environment.undefined = StrictUndefined
    environment.bytecode_cache = _bytecode_cache()
    environment.finalize = _encodable
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals.update(asset=_asset(app), t=texts.t, version=__version__)
    environment.filters.update(pretty=_pretty, moment=_moment, milliseconds=_milliseconds)

    @app.context_processor
    def page() -> dict[str, Any]:
        partial = "HX-Request" in request.headers and "HX-History-Restore-Request" not in (
            request.headers
        )
        endpoint = (request.endpoint or "").partition(".")[0]
        return {
            "layout": "fragment.html" if partial else "layout.html",
            "bar": [(name, texts.t(english, chinese)) for name, english, chinese in _BAR],
            "current": endpoint if endpoint.endswith("s") else f"{endpoint}s",
            "endpoint": endpoint,
            "language": texts.language(),
            "languages": texts.LANGUAGES,
            "theme": _theme(),
            "here": request.full_path.removesuffix("?"),
        }


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates in the user's temporary folder: they are most of a first page's time."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        # Without room for it, the next emulator compiles again.
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _bytecode_cache() -> BytecodeCache | None:
    try:
        return _Compiled()
    except (OSError, RuntimeError):  # there is no folder that only this user can change
        return None


def _asset(app: Flask) -> Any:
    folder = Path(str(app.static_folder))

    def asset(name: str) -> str:
        """Return the URL of a file in static/, empty if it is not installed."""
        file = folder / name
        if not file.is_file():
            return ""
        # A browser keeps the file until it changes.
        return url_for("static", filename=name, v=int(file.stat().st_mtime))

    return asset


def _encodable(value: Any) -> Any:
    """Return a value without half surrogate pairs, which JSON may have but UTF-8 cannot."""
    if not isinstance(value, str) or value.isascii():
        return value
    return type(value)(value.encode("utf-8", "replace").decode())


def _pretty(value: Any) -> str:
    """Return a JSON value in lines; bytes that are not JSON as their text."""
    if isinstance(value, bytes):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return str(value, "utf-8", "replace")
    return json.dumps(value, ensure_ascii=False, indent=2)


def _moment(value: datetime) -> str:
    """Return a moment in Beijing, where WeChat's days begin."""
    return value.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _milliseconds(value: float) -> str:
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"  # noqa: PLR2004


def _theme() -> str:
    chosen = request.cookies.get(_THEME_COOKIE, "auto")
    return chosen if chosen in _THEMES else "auto"


def _add_settings(app: Flask) -> None:
    @app.post("/settings")
    def settings() -> Response:
        """Keep the language or the theme in a cookie, and return to the page."""
        back = request.form.get("next", "/")
        # A path of the console's own, never another host.
        own = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
        path = back if own else "/"
        response = redirect(request.script_root + path, HTTPStatus.SEE_OTHER)
        for name, cookie, known in (
            ("language", texts.COOKIE, texts.LANGUAGES),
            ("theme", _THEME_COOKIE, _THEMES),
        ):
            if request.form.get(name) in known:
                response.set_cookie(
                    cookie,
                    request.form[name],
                    max_age=_A_YEAR,
                    path=request.script_root,
                    httponly=True,
                    samesite="Strict",
                )
        return response


def _add_errors(app: Flask) -> None:
    def invalid(error: Exception) -> tuple[str, int]:
        return _error_page(str(error), HTTPStatus.BAD_REQUEST)

    app.register_error_handler(InvalidInputError, invalid)
    app.register_error_handler(RecordingError, invalid)

    @app.errorhandler(NotFoundError)
    def missing(error: NotFoundError) -> tuple[str, int]:
        name = error.args[0]
        message = texts.t(f"There is no {name} here (any more).", f"这里没有（或不再有）{name}。")
        return _error_page(message, HTTPStatus.NOT_FOUND)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response | tuple[str, int]:
        code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        if code < HTTPStatus.BAD_REQUEST:
            return error.get_response()
        message = error.description or ""
        if code == HTTPStatus.NOT_FOUND:
            message = texts.t(f"There is no page {request.path}.", f"没有页面 {request.path}。")
        elif code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            most = f"{_MOST_BYTES >> 20} MiB"
            message = texts.t(
                f"The form is larger than it may be: {most}.", f"表单超过了上限：{most}。"
            )
        return _error_page(message, code)


def _error_page(message: str, status: int) -> tuple[str, int]:
    return render_template("error.html", message=message, status=status), status
