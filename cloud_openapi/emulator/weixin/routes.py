"""api.weixin.qq.com: the token endpoints and a route for each API of the catalogue.

The order of the checks, the codes and the texts follow WeChat's pages and recorded answers; where
nothing is recorded, docs/faithfulness.md says what was chosen.
"""

import json
import re
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from cloud_openapi.catalogue import DATE_FORMAT_ERROR, Operation
from cloud_openapi.emulator.control.routes import only_this_machine, unknown_route
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import CLEAR_QUOTA_V2, RefusalError
from cloud_openapi.emulator.json_response import refusal
from cloud_openapi.emulator.state.cloud_run import TOKEN_NAME
from cloud_openapi.emulator.weixin.management import Handler, handlers
from cloud_openapi.emulator.weixin.operation import operate
from cloud_openapi.emulator.weixin.respond import Answer, Call, Endpoint, view_of

_COMMON_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_NO_JSON = 47001
_FORM = re.compile(rb"&?[A-Za-z_][\w.\[\]-]*=")


def add_weixin(app: Flask, emulator: Emulator) -> None:
    """Add the routes of api.weixin.qq.com to the application."""
    endpoints = {
        "/cgi-bin/token": _token(emulator),
        "/cgi-bin/stable_token": _stable_token(emulator),
        CLEAR_QUOTA_V2: _clear_quota_v2(emulator),
        **{path: _managed(handler, emulator) for path, handler in handlers(emulator).items()},
        **{api.path: _api(api, emulator) for api in emulator.catalogue.values()},
    }
    views = {path: view_of(endpoint, emulator) for path, endpoint in endpoints.items()}
    for path, view in views.items():
        app.add_url_rule(path, path, view, methods=_COMMON_METHODS, provide_automatic_options=False)
    unknown_url = view_of(_unknown_url, emulator)

    def steers() -> bool:
        return f"{request.path}/".startswith("/_emulator/")

    @app.errorhandler(404)
    def not_found(_error: HTTPException) -> Response:
        return unknown_route() if steers() else unknown_url()

    @app.errorhandler(405)
    def other_method(error: MethodNotAllowed) -> Response:
        # A method that nobody lists, such as TRACE, is WeChat's to refuse at WeChat's paths.
        view = views.get(request.path)
        if view is not None:
            return view()
        refused = only_this_machine() if steers() else None
        if refused is not None:
            return refused
        allowed = ", ".join(sorted(error.valid_methods or ()))
        message = f"{request.path} takes {allowed}, not {request.method}."
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)


def _api(operation: Operation, emulator: Emulator) -> Endpoint:
    answer = operate(operation, emulator)
    dated = any(DATE_FORMAT_ERROR in rule.CODES for rule in operation.rules)
    form_error = DATE_FORMAT_ERROR if dated else _NO_JSON

    def endpoint(call: Call) -> Answer:
        _require_method(call, operation.method)
        return answer(call, _appid_of(call, emulator), lambda: _json_body(call, form_error))

    return endpoint


def _appid_of(call: Call, emulator: Emulator) -> str:
    token = call.request.args.get("access_token")
    if token:
        call.appid = appid = emulator.tokens.appid_of(token)
    elif token is None:
        call.appid = appid = emulator.cloud_run.appid_of(call.request)
        call.through_side_car = TOKEN_NAME not in call.request.args
    else:
        raise RefusalError(41001, "access_token")
    return appid


def _managed(handler: Handler, emulator: Emulator) -> Endpoint:
    def endpoint(call: Call) -> Answer:
        _require_method(call, "POST")
        answer = handler(_appid_of(call, emulator), _json_body(call))
        return Answer({"errcode": 0, "errmsg": "ok", **answer}, "management")

    return endpoint


def _token(emulator: Emulator) -> Endpoint:
    def endpoint(call: Call) -> Answer:
        _require_method(call, "GET")
        field = call.request.args.get
        appid = field("appid", "")
        emulator.tokens.authenticate(appid, field("secret", ""), field("grant_type", ""))
        emulator.quota.spend(appid, call.request.path, emulator.now(appid))
        return _granted(call, appid, *emulator.tokens.grant(appid))

    return endpoint


def _stable_token(emulator: Emulator) -> Endpoint:
    def endpoint(call: Call) -> Answer:
        _require_method(call, "POST")
        fields = _json_body(call)
        appid = _text(fields, "appid")
        emulator.tokens.authenticate(appid, _text(fields, "secret"), _text(fields, "grant_type"))
        emulator.quota.spend(appid, call.request.path, emulator.now(appid))
        force = fields.get("force_refresh") is True
        return _granted(call, appid, *emulator.tokens.grant_stable(appid, force=force))

    return endpoint


def _clear_quota_v2(emulator: Emulator) -> Endpoint:
    """Take appid and appsecret from the query, where WeChat's example has them, or the body."""

    def endpoint(call: Call) -> Answer:
        _require_method(call, "POST")
        fields: dict[str, Any] = call.request.args.to_dict()
        if not {"appid", "appsecret"} <= fields.keys():
            fields = {**_json_body(call), **fields}
        appid = _text(fields, "appid")
        emulator.tokens.identify(appid, _text(fields, "appsecret"))
        call.appid = appid
        emulator.quota.clear(appid, emulator.now(appid))
        return Answer({"errcode": 0, "errmsg": "ok"}, "management")

    return endpoint


def _granted(call: Call, appid: str, token: str, expires_in: int) -> Answer:
    call.appid = appid
    return Answer({"access_token": token, "expires_in": expires_in}, "token")


def _unknown_url(_call: Call) -> Answer:
    raise RefusalError(40066, "url")


def _require_method(call: Call, method: str) -> None:
    if call.request.method != method:
        raise RefusalError(43001 if method == "GET" else 43002, "method")


def _json_body(call: Call, form_error: int = _NO_JSON) -> dict[str, Any]:
    """Read the body as a JSON object, whatever its Content-Type says.

    A body encoded as a form has an error of its own where there are dates, as recorded.
    """
    try:
        data = call.request.get_data()
    except RequestEntityTooLarge:
        raise RefusalError(45002, "body") from None
    if not data:
        raise RefusalError(44002, "body")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        is_form = _FORM.match(data) is not None
        code, check = (form_error, "body is a form") if is_form else (_NO_JSON, "body")
        raise RefusalError(code, check) from None
    if not isinstance(value, dict):
        raise RefusalError(_NO_JSON, "body")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""
