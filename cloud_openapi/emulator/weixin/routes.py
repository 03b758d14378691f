"""api.weixin.qq.com: the token endpoints and a route for each API of the catalogue.

Order of checks, codes and texts follow WeChat's pages and recorded answers; other choices are
listed in docs/background/faithfulness.md.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.wrappers import Request

from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import CLEAR_QUOTA_V2, RefusalError
from cloud_openapi.emulator.json_response import no_descriptors
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.weixin.management import Handler, handlers
from cloud_openapi.emulator.weixin.operation import endpoint_at
from cloud_openapi.emulator.weixin.respond import Answer, Call, Endpoint, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LARGEST_BODY = 6 * 1024 * 1024
_OTHER_APP = (
    "the secret is not that of {} here: use the one that serve prints, or set another with "
    "cloud-openapi control app set"
)


class _Request(Request):
    max_content_length = LARGEST_BODY


def add_weixin(app: Flask, emulator: Emulator) -> None:
    """Add the routes to the application, whatever the method; see also `unknown_url`."""
    endpoints: dict[str, Endpoint] = {
        "/cgi-bin/token": _token,
        "/cgi-bin/stable_token": _stable_token,
        CLEAR_QUOTA_V2: _clear_quota_v2,
        **{path: _management_endpoint(handler) for path, handler in handlers(emulator).items()},
    }
    answer_others = app.wsgi_app

    # Not Flask routes: Flask takes twice as long as an answer.
    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        endpoint = endpoints.get(path)
        if endpoint is None:
            if path not in emulator.apis_at:
                return answer_others(environ, start)
            # Not at the start: most entries are never used.
            endpoint = endpoints[path] = endpoint_at(path, emulator)
        try:
            response = respond(Call(_Request(environ), emulator), endpoint, emulator)
        except OSError as error:
            response = no_descriptors(error)
        return response(environ, start)

    app.wsgi_app = answer  # type: ignore[method-assign, assignment]


def unknown_url(_call: Call) -> Answer:
    """Answer a request for any other URL. Raises RefusalError."""
    raise RefusalError(40066, "url")


def _management_endpoint(handler: Handler) -> Endpoint:
    def endpoint(call: Call) -> Answer:
        answer = handler(call.authorise("POST"), call.params())
        return Answer({"errcode": 0, "errmsg": "ok", **answer}, "management")

    return endpoint


def _token(call: Call) -> Answer:
    call.require("GET")
    program = _authenticate(call, call.request.args)
    program.quota.spend(call.path, program.clock.now())
    return _token_answer(*program.tokens.grant())


def _stable_token(call: Call) -> Answer:
    call.require("POST")
    fields = call.params()
    program = _authenticate(call, fields)
    program.quota.spend(call.path, program.clock.now())
    return _token_answer(*program.tokens.grant_stable(force=fields.get("force_refresh") is True))


def _clear_quota_v2(call: Call) -> Answer:
    """Take appid and appsecret from the query, as WeChat's example does, or from the body."""
    call.require("POST")
    fields: dict[str, Any] = call.request.args.to_dict()
    if not {"appid", "appsecret"} <= fields.keys():
        fields = {**call.params(), **fields}
    _check_credentials(call, _string_field(fields, "appid"), _string_field(fields, "appsecret"))
    call.program.quota.clear(call.program.clock.now())
    return Answer({"errcode": 0, "errmsg": "ok"}, "management")


def _authenticate(call: Call, fields: Mapping[str, Any]) -> MiniProgram:
    """Return the mini program of a token request. Raises RefusalError.

    As recorded, the appid is checked before grant_type.
    """
    _check_credentials(call, _string_field(fields, "appid"), _string_field(fields, "secret"))
    if _string_field(fields, "grant_type") != "client_credential":
        raise RefusalError(40002, "grant_type")
    return call.program


def _check_credentials(call: Call, appid: str, secret: str) -> None:
    if not appid:
        raise RefusalError(41002, "appid")
    if appid != call.program.appid:
        raise RefusalError(40013, "appid", reason=call.unknown_appid)
    if not secret:
        raise RefusalError(41004, "secret")
    if secret != call.program.secret:
        raise RefusalError(40125, "secret", reason=_OTHER_APP.format(appid))


def _token_answer(token: str, expires_in: int) -> Answer:
    return Answer({"access_token": token, "expires_in": expires_in}, "token")


def _string_field(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""
