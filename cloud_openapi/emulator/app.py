from http import HTTPStatus
from typing import Any

from flask import Flask, Request, Response, redirect, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Rule
from werkzeug.wrappers import Response as AnyResponse

from cloud_openapi._version import __version__
from cloud_openapi.catalogue.states import state_of
from cloud_openapi.emulator.cloudbase.gateway import add_gateway
from cloud_openapi.emulator.cloudbase.http_access import add_http_access
from cloud_openapi.emulator.cloudbase.http_invoke import add_http_invoke
from cloud_openapi.emulator.cloudbase.storage_mount import PATH as STORAGE
from cloud_openapi.emulator.cloudbase.storage_mount import add_storage, answer_other_method
from cloud_openapi.emulator.cloudbase.timers import Timers
from cloud_openapi.emulator.console.mount import PATH as CONSOLE
from cloud_openapi.emulator.console.mount import add_console
from cloud_openapi.emulator.control.functions import add_function_logs, add_invocations, add_timers
from cloud_openapi.emulator.control.routes import add_control, unknown_route
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.json_response import json_answer, no_descriptors, refusal
from cloud_openapi.emulator.openapi.document import openapi_document
from cloud_openapi.emulator.openapi.schemas import add_schemas
from cloud_openapi.emulator.server.foreign_requests import Access, refuse_foreign_requests
from cloud_openapi.emulator.weixin.respond import Call, respond
from cloud_openapi.emulator.weixin.routes import LARGEST_BODY, add_weixin, unknown_url
from cloud_openapi.runtime import Functions


class _MatchOnlyRule(Rule):
    """A route without code for building its URL, which would take most of the start."""

    def _compile_builder(self, _append_unknown: bool = True) -> Any:  # noqa: FBT001, FBT002
        return _refuse_url


def _refuse_url(rule: Rule, **_values: Any) -> None:
    raise NotImplementedError(f"url_for is disabled for {rule}: write the URL as a text.")


class _App(Flask):
    url_rule_class = _MatchOnlyRule


def create_app(
    emulator: Emulator | None = None,
    functions: Functions | None = None,
    timers: Timers | None = None,
    access: Access | None = None,
) -> Flask:
    """Return the emulator as a Flask application.

    ``emulator`` is its state, a new one by default. With ``functions`` it invokes them, and the
    gateway permits the APIs of their config.json; without, it permits every API. ``timers`` fire
    when a clock is moved; enter them to fire by a running clock too. ``access`` says under which
    names it answers, and who may control it: by default this machine's, and this machine.
    """
    emulator = emulator or Emulator()
    app = _App(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    # WeChat does not redirect: a path with two slashes is another path.
    app.url_map.merge_slashes = False
    add_weixin(app, emulator)
    add_control(app, emulator)
    add_gateway(app, emulator, functions)
    add_storage(app, emulator)
    add_schemas(app, emulator.catalogue)
    if functions is not None:
        add_http_invoke(app, emulator, functions)
        add_function_logs(app, functions)
        add_http_access(app, emulator, functions)
        timers = timers or Timers(emulator, functions)
        add_timers(app, timers)
    add_invocations(app, functions)
    add_console(app, emulator, functions, timers)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {
            "status": "ok",
            "version": __version__,
            "now": emulator.clock.now().isoformat(timespec="seconds"),
        }

    @app.get("/openapi.json")
    def document() -> Response:
        return json_answer(openapi_document(emulator.catalogue))

    @app.get("/")
    def index() -> AnyResponse:
        if request.accept_mimetypes.best_match(["text/plain", "text/html"]) == "text/html":
            return redirect(f"{CONSOLE}/")
        lines = ["cloud_openapi emulator", "", "GET  /healthz", "GET  /openapi.json"]
        lines += ["GET  /schemas", "GET  /_emulator/state", "GET  /cgi-bin/token"]
        lines += ["POST /cgi-bin/stable_token", "POST /admin  the CloudBase gateway"]
        lines += [
            f"{api.method:4} {api.path}  {name} ({state_of(api)})"
            for name, api in emulator.catalogue.outlines.items()
        ]
        for name in functions or ():
            lines += [f"POST /v1/functions/{name}", f"     /http/{name}"]
        return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")

    _add_error_handlers(app, emulator)
    # Last, around all others: a foreign page must not run a function either.
    refuse_foreign_requests(app, emulator.paths, access or Access())
    return app


def _add_error_handlers(app: Flask, emulator: Emulator) -> None:
    """Answer unknown paths and methods: as WeChat and COS do, or as control below /_emulator."""

    def is_control() -> bool:
        return f"{request.path}/".startswith("/_emulator/")

    @app.errorhandler(404)
    def not_found(_error: HTTPException) -> Response:
        if is_control():
            return unknown_route()
        current: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        return respond(Call(current, emulator), unknown_url, emulator)

    app.register_error_handler(OSError, no_descriptors)

    @app.errorhandler(405)
    def method_not_allowed(error: MethodNotAllowed) -> AnyResponse:
        if request.path.startswith(f"{STORAGE}/"):
            return answer_other_method(emulator, request.path)
        allowed = ", ".join(sorted(error.valid_methods or ()))
        message = f"{request.path} takes {allowed}, not {request.method}."
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
