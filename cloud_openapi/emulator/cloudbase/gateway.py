"""The CloudBase gateway, ``POST /admin``, as wx-server-sdk of any age speaks to it."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple

from flask import Flask, Request, Response, request

from cloud_openapi.emulator.cloudbase.gateway_call import (
    Carry,
    GatewayCall,
    Params,
    params_of_pairs,
    params_of_text,
)
from cloud_openapi.emulator.cloudbase.gateway_caller import (
    ILLEGAL_SOURCE,
    Invoker,
    UnknownCallerError,
    known_caller,
    permits,
)
from cloud_openapi.emulator.cloudbase.gateway_fields import GatewayError, read_fields
from cloud_openapi.emulator.cloudbase.signature_check import signer_of
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import PlatformError, RefusalError
from cloud_openapi.emulator.json_response import json_answer, platform_refusal
from cloud_openapi.emulator.weixin.operation import OperationEndpoint
from cloud_openapi.emulator.weixin.respond import JSON_TYPE, Answer, Call, respond
from cloud_openapi.json_text import read_json
from cloud_openapi.runtime import UnknownFunctionError, new_request_id

_PERMISSION_DENIED, _API_NOT_FOUND = -604101, -604100
_TEXTS = {
    _API_NOT_FOUND: "API not found",
    _PERMISSION_DENIED: "function has no permission to call this API",
    ILLEGAL_SOURCE: "illegal source of invocation",
}


def add_gateway(app: Flask, emulator: Emulator, functions: Invoker | None) -> None:
    """Add ``POST /admin`` to the application; errors are ``{code, message, requestId}``."""
    gateway = _Gateway(emulator, functions)

    @app.post("/admin")
    def admin() -> Response:
        current: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            return gateway.answer(current)
        except GatewayError as error:
            return platform_refusal(HTTPStatus.OK, error.code, error.args[1])


class _Request(NamedTuple):
    """What came: the fields as bytes and as texts, and the function that signed, if one did."""

    http: Request
    fields: Mapping[str, bytes]
    texts: Mapping[str, str]
    signer: str | None

    @property
    def token(self) -> str:
        return self.texts.get("wxCloudApiToken", "")


class _Gateway:
    def __init__(self, emulator: Emulator, functions: Invoker | None) -> None:
        self._emulator = emulator
        self._functions = functions
        self._endpoints = {
            api.name: OperationEndpoint(api, emulator) for api in emulator.catalogue.values()
        }
        self._actions: dict[str, Callable[[_Request], Response]] = {
            "wx.openApi": self._open_api,
            "wx.api": self._api,
            "functions.invokeFunction": self._invoke,
        }

    def answer(self, asked: Request) -> Response:
        """Answer one request. Raises GatewayError."""
        fields = read_fields(asked)
        credentials = None if self._functions is None else self._functions.credentials
        signer = signer_of(asked, fields, credentials, self._emulator.gateway_secret)
        texts = {name: value.decode("utf-8", "replace") for name, value in fields.items()}
        action = texts.get("action", "")
        if action not in self._actions:
            known = ", ".join(self._actions)
            raise GatewayError(
                "INVALID_PARAM", f"action {action[:100]!r} is not emulated; these are: {known}"
            )
        return self._actions[action](_Request(asked, fields, texts, signer))

    def _open_api(self, asked: _Request) -> Response:
        # It loads protobuf, which an emulator that nobody calls by the gateway does without.
        try:
            from cloud_openapi.wire import messages  # noqa: PLC0415
        except ImportError as error:
            raise GatewayError(
                "SYS_ERR",
                f"The emulator cannot read cloud calls without protobuf ({error}). Install it "
                "beside the emulator: pip install 'cloud-openapi[gateway]'",
            ) from None
        try:
            message = messages.read_request(asked.fields.get("requestData", b""))
        except messages.MessageError as error:
            raise GatewayError("INVALID_PARAM", f"requestData is no CommApiData: {error}") from None
        if message.api_type != messages.OPEN_API:
            raise GatewayError(
                "INVALID_PARAM", f"apiType {message.api_type} is not emulated; 0 is: OPEN_API"
            )
        params = params_of_pairs(message.pairs)
        return self._call(asked, params, message.appid, _as_message)

    def _api(self, asked: _Request) -> Response:
        params = params_of_text(asked.texts.get("requestData", ""))
        return self._call(asked, params, "", _as_text)

    def _call(self, asked: _Request, params: Params, appid: str, carry: Carry) -> Response:
        name = asked.texts.get("apiName", "")
        program = self._emulator.programs.get(appid or self._emulator.first_appid)
        operation = self._emulator.catalogue.get(name)
        call = GatewayCall(asked.http, program or self._emulator.common, operation, params, carry)
        call.refusal = self._refusal(call, asked, name, known_appid=program is not None)
        endpoint = self._endpoints.get(name, _authorise)
        return respond(call, endpoint, self._emulator)

    def _refusal(
        self, call: GatewayCall, asked: _Request, name: str, *, known_appid: bool
    ) -> RefusalError | None:
        """Return the reason why the caller may not call an API, in the platform's order."""
        try:
            caller = known_caller(asked.token, asked.signer, self._functions)
        except UnknownCallerError:
            return PlatformError(ILLEGAL_SOURCE, "wxCloudApiToken")
        call.function = caller.function
        if name not in self._endpoints:
            return PlatformError(_API_NOT_FOUND, f"apiName {name[:200]}")
        if not permits(caller, name, self._functions):
            return PlatformError(_PERMISSION_DENIED, f"permissions.openapi: {name}")
        return None if known_appid else RefusalError(40013, "appid")

    def _invoke(self, asked: _Request) -> Response:
        functions = self._functions
        try:
            caller = known_caller(asked.token, asked.signer, functions)
        except UnknownCallerError:
            message = "wxCloudApiToken belongs to no running invocation of the function that signed"
            raise GatewayError("INVALID_REQUEST_SOURCE", message) from None
        name = asked.texts.get("function_name", "")
        try:
            event = read_json(asked.texts.get("request_data") or "{}")
        except (ValueError, RecursionError) as error:
            raise GatewayError("INVALID_PARAM", f"request_data is no JSON: {error}") from None
        source = f"{caller.source},scf".lstrip(",")
        now = self._emulator.clock_of(self._emulator.first_appid).now()
        outcome = None
        if functions is not None:
            with suppress(UnknownFunctionError):
                outcome = functions.invoke(name, event, now=now, source=source)
        if outcome is None:
            raise GatewayError(
                "FUNCTIONS_REQUEST_FAIL", f"FunctionName parameter could not be found: {name[:100]}"
            )
        if outcome.status != 200:  # noqa: PLR2004 - good
            raise GatewayError("FUNCTIONS_EXECUTE_FAIL", _blame(outcome.result))
        return json_answer({"requestId": new_request_id(), "data": {"response_data": outcome.text}})


def _authorise(call: Call) -> Answer:
    call.authorise(call.method)
    raise PlatformError(_API_NOT_FOUND, "apiName")


def _as_message(data: bytes, platform_code: int) -> Response:
    from cloud_openapi.wire import messages  # noqa: PLC0415

    if platform_code:
        body = messages.write_error(platform_code)
    else:
        body = messages.write_answer(data, JSON_TYPE)
    return Response(body, content_type="application/octet-stream")


def _as_text(data: bytes, platform_code: int) -> Response:
    text = data.decode()
    if platform_code:
        text = json.dumps({"errcode": platform_code, "errmsg": _TEXTS.get(platform_code, "")})
    return json_answer({"requestId": new_request_id(), "data": {"responseData": text}})


def _blame(failure: Mapping[str, Any]) -> str:
    """Return the line of a failed invocation that names the error, as JavaScript prints it."""
    stack = str(failure.get("stackTrace") or "").strip()
    lines = stack.splitlines() or [str(failure.get("errorMessage", ""))]
    return lines[-1] if stack.startswith("Traceback") else lines[0]
