"""The CloudBase gateway, ``POST /admin``, as wx-server-sdk of any age speaks to it."""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple, NoReturn

from flask import Flask, Request, Response
from flask import request as current_request

from cloud_openapi.emulator.cloudbase.gateway_call import (
    GatewayCall,
    Params,
    ResponseBuilder,
    params_from_json,
    params_from_pairs,
)
from cloud_openapi.emulator.cloudbase.gateway_caller import (
    ILLEGAL_SOURCE,
    GatewayCaller,
    UnknownCallerError,
    authenticate,
    is_permitted,
)
from cloud_openapi.emulator.cloudbase.gateway_fields import (
    GatewayError,
    NotEmulatedError,
    read_fields,
)
from cloud_openapi.emulator.cloudbase.signature_check import signing_function
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import PlatformError, RefusalError
from cloud_openapi.emulator.json_response import json_answer, platform_refusal
from cloud_openapi.emulator.weixin.operation import OperationEndpoint
from cloud_openapi.emulator.weixin.respond import (
    WEIXIN_JSON,
    Answer,
    Call,
    Endpoint,
    respond,
    without_secrets,
)
from cloud_openapi.json_text import read_json
from cloud_openapi.runtime import Functions, UnknownFunctionError, error_line, new_request_id

_PERMISSION_DENIED, _API_NOT_FOUND = -604101, -604100
_LONGEST_SHOWN = 100
_logger = logging.getLogger(__name__)
_TEXTS = {
    _API_NOT_FOUND: "API not found",
    _PERMISSION_DENIED: "function has no permission to call this API",
    ILLEGAL_SOURCE: "illegal source of invocation",
}


def add_gateway(app: Flask, emulator: Emulator, functions: Functions | None) -> None:
    """Add ``POST /admin`` to the application; errors are ``{code, message, requestId}``."""
    actions = _Actions(emulator, functions)

    @app.post("/admin")
    def admin() -> Response:
        current: Request = current_request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            return actions.dispatch(current)
        except GatewayError as error:
            return platform_refusal(error.status, error.code, error.args[1])


class _ActionRequest(NamedTuple):
    """A request, its fields and the function that signed it, None for another program."""

    http: Request
    fields: Mapping[str, bytes]
    signer: str | None

    def text(self, field: str) -> str:
        return self.fields.get(field.lower(), b"").decode("utf-8", "replace")


class _Actions:
    def __init__(self, emulator: Emulator, functions: Functions | None) -> None:
        self._emulator = emulator
        self._functions = functions
        self._endpoints = {
            api.name: OperationEndpoint(api, emulator) for api in emulator.catalogue.values()
        }
        self._actions: dict[str, Callable[[_ActionRequest], Response]] = {
            "wx.openApi": self._open_api,
            "wx.api": self._api,
            "functions.invokeFunction": self._invoke,
        }

    def dispatch(self, http: Request) -> Response:
        """Answer a request by its action. Raises GatewayError."""
        fields = read_fields(http)
        credentials = None if self._functions is None else self._functions.credentials
        signer = signing_function(http, fields, credentials, self._emulator.gateway_secret)
        request = _ActionRequest(http, fields, signer)
        try:
            return self._actions.get(request.text("action"), self._unknown_action)(request)
        except NotEmulatedError as error:
            self._warn(request, error.args[1])
            raise

    def _unknown_action(self, request: _ActionRequest) -> NoReturn:
        action = request.text("action")
        raise NotEmulatedError(f"action {self._shown(request, action)!r}", action)

    def _shown(self, request: _ActionRequest, text: str) -> str:
        """Return a text of the caller for a message: cut, without secrets."""
        shown = without_secrets(text, self._emulator, self._secrets_of(request))
        return shown[:_LONGEST_SHOWN]

    def _secrets_of(self, request: _ActionRequest) -> tuple[str | None, ...]:
        return request.text("wxCloudApiToken"), self._emulator.gateway_secret

    def _open_api(self, request: _ActionRequest) -> Response:
        # Loaded on demand: protobuf is an optional dependency.
        try:
            from cloud_openapi.wire import messages  # noqa: PLC0415
        except ImportError as error:
            raise GatewayError(
                "SYS_ERR",
                f"The emulator cannot read cloud calls without protobuf ({error}). Install it for "
                "the emulator: pip install 'protobuf>=4.25'",
            ) from None

        def read() -> tuple[Params, str]:
            try:
                message = messages.read_request(request.fields.get("requestdata", b""))
            except messages.MessageError as error:
                raise GatewayError(
                    "INVALID_PARAM", f"requestData is not a CommApiData message: {error}"
                ) from None
            if message.api_type != messages.OPEN_API:
                raise NotEmulatedError(f"apiType {message.api_type}", request.text("apiName"))
            return params_from_pairs(message.pairs), message.appid

        return self._call(request, read, _message_response)

    def _api(self, request: _ActionRequest) -> Response:
        def read() -> tuple[Params, str]:
            return params_from_json(request.fields.get("requestdata", b"")), ""

        return self._call(request, read, _json_response)

    def _call(
        self,
        request: _ActionRequest,
        read: Callable[[], tuple[Params, str]],
        build_response: ResponseBuilder,
    ) -> Response:
        """Answer a call; ``read`` returns its parameters and its appid."""
        name = request.text("apiName")
        operation = self._emulator.catalogue.get(name)
        try:
            caller = authenticate(request.text("wxCloudApiToken"), request.signer, self._functions)
        except UnknownCallerError:
            # The parameters of an unknown caller are not read.
            caller, params, appid = None, params_from_json(b""), ""
        else:
            params, appid = read()
        program = self._emulator.programs.get(appid or self._emulator.first_appid)
        owner = program or self._emulator.common
        secrets = self._secrets_of(request)
        call = GatewayCall(request.http, owner, operation, params, build_response, secrets)
        if caller is not None and caller.invocation is not None:
            call.function = caller.invocation.function
            call.invocation = caller.invocation.request_id
        call.refusal = self._refusal(caller, request, name, known_appid=program is not None)
        endpoint = self._endpoints.get(name) or self._lacking(request, name)
        return respond(call, endpoint, self._emulator)

    def _lacking(self, request: _ActionRequest, name: str) -> Endpoint:
        """Return the endpoint of an API that the catalogue lacks: a pin answers it, or an error."""

        def endpoint(call: Call) -> Answer:
            program = call.authorise(call.method)
            pinned = self._emulator.pins.answer(program, name, call.params())
            if pinned is None:
                shown = self._shown(request, name)
                nearest = self._emulator.catalogue.nearest(shown)
                port = request.http.environ["SERVER_PORT"]
                self._warn(request, _advice(shown, nearest, port))
                raise PlatformError(_API_NOT_FOUND, f"apiName {shown}")
            return Answer(*pinned)

        return endpoint

    def _warn(self, request: _ActionRequest, text: str) -> None:
        """Write a warning to the log of the function that signed, or log it for another program."""
        if self._functions is None or request.signer is None:
            _logger.warning(text)
        else:
            self._functions.warn(request.signer, text)

    def _refusal(
        self,
        caller: GatewayCaller | None,
        request: _ActionRequest,
        name: str,
        *,
        known_appid: bool,
    ) -> RefusalError | None:
        """Return the first failed check of a call, in the platform's order."""
        if caller is None:
            return PlatformError(ILLEGAL_SOURCE, "wxCloudApiToken")
        if not is_permitted(caller, name, self._functions):
            shown = self._shown(request, name)
            return PlatformError(_PERMISSION_DENIED, f"permissions.openapi: {shown}")
        return None if known_appid else RefusalError(40013, "appid")

    def _invoke(self, request: _ActionRequest) -> Response:
        functions = self._functions
        try:
            # SDKs that know no cloud calls do not send the token.
            sent = "wxcloudapitoken" in request.fields
            token = request.text("wxCloudApiToken") if sent else None
            caller = authenticate(token, request.signer, functions)
        except UnknownCallerError:
            message = "the function that signed has no running invocation with this wxCloudApiToken"
            raise GatewayError("INVALID_REQUEST_SOURCE", message) from None
        name = request.text("function_name")
        try:
            event = read_json(request.text("request_data") or "{}")
        except (ValueError, RecursionError) as error:
            raise GatewayError("INVALID_PARAM", f"request_data is not JSON: {error}") from None
        source = f"{caller.source},scf".lstrip(",")
        now = self._emulator.clock_of(self._emulator.first_appid).now()
        outcome = None
        if functions is not None:
            with suppress(UnknownFunctionError):
                outcome = functions.invoke(name, event, now, source, parent=caller.invocation)
        if outcome is None:
            raise GatewayError(
                "FUNCTIONS_REQUEST_FAIL",
                f"FunctionName parameter could not be found: {self._shown(request, name)}",
            )
        if outcome.status != HTTPStatus.OK:
            raise GatewayError("FUNCTIONS_EXECUTE_FAIL", error_line(outcome.result))
        return json_answer({"requestId": new_request_id(), "data": {"response_data": outcome.text}})


def _advice(api: str, nearest: str | None, port: str) -> str:
    meant = f" (did you mean {nearest}?)" if nearest else ""
    return (
        f"{api} is not emulated, so it fails with {_API_NOT_FOUND}{meant}. To pin a response: "
        f"cloud-openapi control --url http://localhost:{port} pins add {api} --force "
        "--response JSON"
    )


def _message_response(data: bytes, platform_code: int) -> Response:
    from cloud_openapi.wire import messages  # noqa: PLC0415

    if platform_code:
        body = messages.write_error(platform_code)
    else:
        body = messages.write_answer(data, WEIXIN_JSON)
    return Response(body, content_type="application/octet-stream")


def _json_response(data: bytes, platform_code: int) -> Response:
    text = data.decode()
    if platform_code:
        text = json.dumps({"errcode": platform_code, "errmsg": _TEXTS.get(platform_code, "")})
    return json_answer({"requestId": new_request_id(), "data": {"responseData": text}})
