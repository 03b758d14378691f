"""The CloudBase gateway, ``POST /admin``, as wx-server-sdk of any age speaks to it."""

import json
import logging
from collections.abc import Callable, Collection, Mapping
from functools import partial
from http import HTTPStatus
from typing import NamedTuple, NoReturn

from flask import Flask, Request, Response
from flask import request as current_request

from cloud_openapi import clocks
from cloud_openapi.catalogue.cloud_calls import cloud_calls, meant_call
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
    FailedActionError,
    GatewayError,
    GatewayFields,
    NotEmulatedError,
    read_fields,
)
from cloud_openapi.emulator.cloudbase.signature_check import claimed_function, signing_function
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import PlatformError, RefusalError
from cloud_openapi.emulator.json_response import JSON_UTF8, json_answer, platform_refusal
from cloud_openapi.emulator.reasons import control_command, local_options, unknown_appid
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.emulator.weixin.operation import Endpoints
from cloud_openapi.emulator.weixin.respond import (
    Answer,
    Call,
    Endpoint,
    Rename,
    respond,
    without_secrets,
)
from cloud_openapi.errors import one_line
from cloud_openapi.json_text import read_json
from cloud_openapi.known_names import nearest, shortened
from cloud_openapi.naming import snake_to_camel
from cloud_openapi.runtime import Functions, UnknownFunctionError, error_line, new_request_id

_PERMISSION_DENIED, _API_NOT_FOUND = -604101, -604100
_FAILED_FUNCTION = "FUNCTIONS_EXECUTE_FAIL"
_UNKNOWN = -501001
# The codes of wx-server-sdk for those of the gateway.
_CODES = {
    "INVALID_PARAM": -501007,
    "INVALID_REQUEST_SOURCE": -501008,
    "DATABASE_REQUEST_FAILED": -502001,
    "DATABASE_COLLECTION_EXCEED_LIMIT": -502004,
    "DATABASE_COLLECTION_NOT_EXIST": -502005,
    "FUNCTIONS_REQUEST_FAIL": -504001,
    "STORAGE_FILE_NONEXIST": -503003,
    "STORAGE_REQUEST_FAIL": -503001,
}
_ILLEGAL = (
    "the call was made outside of an invocation, while the module was loaded or after the handler "
    "had returned: await it within the handler"
)
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
            return platform_refusal(error.status, error.code, error.message)


class _ActionRequest(NamedTuple):
    """A request, its fields and the function that signed it, None for another program."""

    http: Request
    began: float
    """The moment at which it came, by `clocks.monotonic`."""
    given: GatewayFields = GatewayFields()
    signer: str | None = None

    @property
    def fields(self) -> Mapping[str, bytes]:
        return self.given.texts

    def text(self, field: str) -> str:
        return self.fields.get(field.lower(), b"").decode("utf-8", "replace")


class _Actions:
    def __init__(self, emulator: Emulator, functions: Functions | None) -> None:
        self._emulator = emulator
        self._functions = functions
        self._endpoints = Endpoints(emulator)
        self._actions: dict[str, Callable[[_ActionRequest], Response]] = {
            "wx.openApi": self._open_api,
            "wx.api": self._api,
            "functions.invokeFunction": self._invoke,
        }

    def dispatch(self, http: Request) -> Response:
        """Answer a request by its action. Raises GatewayError."""
        request = _ActionRequest(http, clocks.monotonic())
        try:
            try:
                request = request._replace(given=read_fields(http))
            except GatewayError:
                # The signature covers the body, which was not read. A function's SecretId, which no
                # stranger knows, is enough for a line in its log and in the journal.
                request = request._replace(signer=claimed_function(http, self._functions))
                raise
            request = request._replace(signer=self._signer(http, request.fields))
            action = request.text("action")
            if action.startswith(("database.", "storage.")):
                self._warn_if_late(request, action)
            if action.startswith("database."):
                return self._database(request, action)
            if action.startswith("storage."):
                return self._storage(request, action)
            return self._actions.get(action, self._unknown_action)(request)
        except GatewayError as error:
            failed = error.code == _FAILED_FUNCTION
            # Some SDKs show only the status of an error of HTTP.
            mark = error.message if error.status == HTTPStatus.OK else str(error.status.value)
            self._explain(request, error.reason, (mark, *error.marks), nested=failed)
            if not failed:
                # A stranger's requests must not evict the entries of a mini program.
                own = isinstance(error, FailedActionError) or request.signer is not None
                self._keep(request, error, own=own)
            raise

    def _warn_if_late(self, request: _ActionRequest, action: str) -> None:
        """Warn a function of an action that no invocation waits for; the platform may lose it."""
        signer = request.signer
        if self._functions is not None and signer and self._functions.running_of(signer) is None:
            self._explain(request, f"{self._shown(request, action)}: {_ILLEGAL}")

    def _signer(self, http: Request, fields: Mapping[str, bytes]) -> str | None:
        return signing_function(http, fields, self._functions, self._emulator.gateway_secret)

    def _keep(
        self,
        request: _ActionRequest,
        error: GatewayError | None = None,
        *,
        own: bool,
        body: str = "",
        answer: bytes = b"",
    ) -> None:
        """Write a request that calls no API and no function to the journal.

        It is ``own``, the first mini program's, or a stranger's.
        """
        first = self._emulator.programs.get(self._emulator.first_appid)
        program = first if own and first is not None else self._emulator.common
        # The action of an answered request is a known one.
        action = request.text("action")
        action = action if error is None else self._shown(request, action)
        entry = Entry(
            time=program.clock.now(),
            method="POST",
            path=request.http.path,
            appid=program.appid,
            body=without_secrets(
                body if error is None else error.body, self._emulator, self._secrets_of(request)
            ).encode(),
            errcode=0 if error is None else _CODES.get(error.code, _UNKNOWN),
            check=action or (error.code if error else ""),
            status=HTTPStatus.OK if error is None else error.status,
            via="gateway",
            function=request.signer,
            reason="" if error is None else self._without_secrets(request, error.reason),
            milliseconds=(clocks.monotonic() - request.began) * 1000,
            invocation=self._invocation_of(request),
            answer=answer,
            begun=request.began,
        )
        self._emulator.keep(program, entry)

    def _invocation_of(self, request: _ActionRequest) -> str:
        """Return the request id of the invocation that sent a request, empty if it has none."""
        if self._functions is None or request.signer is None:
            return ""
        token = request.text("wxCloudApiToken")
        found = self._functions.invocation_of(token) or self._functions.running_of(request.signer)
        return found.request_id if found is not None and found.function == request.signer else ""

    def _unknown_action(self, request: _ActionRequest) -> NoReturn:
        action = request.text("action")
        raise NotEmulatedError(f"action {self._shown(request, action)!r}", action)

    def _shown(self, request: _ActionRequest, text: str) -> str:
        """Return a text of the caller for a message: cut, without secrets."""
        return self._without_secrets(request, text)[:_LONGEST_SHOWN]

    def _without_secrets(self, request: _ActionRequest, text: str) -> str:
        return one_line(without_secrets(text, self._emulator, self._secrets_of(request)))

    def _secrets_of(self, request: _ActionRequest) -> tuple[str | None, ...]:
        return request.text("wxCloudApiToken"), self._emulator.gateway_secret

    def _database(self, request: _ActionRequest, action: str) -> Response:
        """Answer an action of the database, for which config.json needs no permission."""
        # Loaded on demand: an emulator whose functions use no database does not pay for it.
        from cloud_openapi.emulator.cloudbase.database_actions import answer_action  # noqa: PLC0415

        program = self._emulator.program(self._emulator.first_appid)
        try:
            database = program.database
        except (OSError, ValueError) as error:
            raise GatewayError("SYS_ERR", f"cloud database: {error}") from None
        options = local_options(request.http.environ, lasting=self._emulator.lasting)
        answered = answer_action(database, action, request.given.values, options)
        if answered is None:
            self._unknown_action(request)
        for warning in answered.warnings:
            self._explain(request, warning)
        self._keep(request, own=True, body=answered.request, answer=answered.shown)
        return Response(answered.body, content_type=JSON_UTF8)

    def _storage(self, request: _ActionRequest, action: str) -> Response:
        """Answer an action of cloud storage, for which config.json needs no permission."""
        # Loaded on demand: an emulator whose functions use no files does not pay for it.
        from cloud_openapi.emulator.cloudbase.storage_actions import answer_action  # noqa: PLC0415
        from cloud_openapi.emulator.storage.storage import Sender  # noqa: PLC0415

        program = self._emulator.program(self._emulator.first_appid)
        sender = Sender(request.signer, self._invocation_of(request))
        environ = request.http.environ
        options = local_options(environ, lasting=self._emulator.lasting)
        answered = answer_action(program, action, request.given, environ, sender, options)
        if answered is None:
            self._unknown_action(request)
        if (missing := answered.missing) is not None:
            self._explain(request, missing.reason, (missing.message,))
        self._keep(request, missing, own=True, body=answered.request, answer=answered.shown)
        return json_answer({"requestId": new_request_id(), "data": answered.data})

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

        return self._call(request, read, _message_response, snake_to_camel)

    def _api(self, request: _ActionRequest) -> Response:
        def read() -> tuple[Params, str]:
            return params_from_json(request.fields.get("requestdata", b"")), ""

        return self._call(request, read, _json_response, str)

    def _call(
        self,
        request: _ActionRequest,
        read: Callable[[], tuple[Params, str]],
        build_response: ResponseBuilder,
        rename: Rename,
    ) -> Response:
        """Answer a call; ``read`` returns its parameters and its appid.

        ``rename`` turns the name of a parameter into the one that the function wrote.
        """
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
        call.apis = (self._shown(request, name) if operation is None else name,)
        call.rename = rename
        call.on_failure = partial(self._explain_call, request, name)
        if caller is not None and caller.invocation is not None:
            call.function = caller.invocation.function
            call.invocation = caller.invocation.request_id
        call.refusal = self._refusal(caller, request, name, known_appid=program is not None)
        endpoint = self._lacking(request, name) if operation is None else self._endpoints[name]
        return respond(call, endpoint, self._emulator)

    def _lacking(self, request: _ActionRequest, name: str) -> Endpoint:
        """Return the endpoint of an API that the catalogue lacks: a pin answers it, or an error."""

        def endpoint(call: Call) -> Answer:
            program = call.authorise(call.method)
            pinned = self._emulator.pins.answer(program, (name,), call.params())
            if pinned is None:
                shown = self._shown(request, name)
                reason = self._why_lacking(request, shown)
                raise PlatformError(_API_NOT_FOUND, f"apiName {shown}", reason=reason)
            return Answer(*pinned)

        return endpoint

    def _why_lacking(self, request: _ActionRequest, api: str) -> str:
        close = meant_call(api)
        meant = f"did you mean {close}? " if close else ""
        force = "" if api in cloud_calls() else "--force "
        pin = f"pins add {api} {force}--response '{{}}'"
        how = control_command(request.http.environ, pin, lasting=self._emulator.lasting)
        return f"{meant}The API is not emulated; to pin a response: {how}"

    def _explain_call(
        self, request: _ActionRequest, name: str, reason: str, code: int, rid: str
    ) -> None:
        """Say why a call of an API failed; the error that the SDK makes of it has the mark."""
        mark = rid or (str(code) if code else f"{name}:fail")
        shown = f"{self._shown(request, name)} {code or ''}".rstrip()
        # Tests of other programs expect WeChat's errors, which have positive codes.
        if request.signer is not None or code < 0:
            self._explain(request, f"{shown}: {reason}", (mark,))

    def _explain(
        self,
        request: _ActionRequest,
        reason: str,
        marks: Collection[str] = (),
        *,
        nested: bool = False,
    ) -> None:
        """Say why a request failed: to the function that signed it, or in the log of the server.

        The error that an SDK makes of it has one of the ``marks``; it has none if it succeeded.
        """
        reason = self._without_secrets(request, reason)
        if self._functions is not None and request.signer is not None:
            token = request.text("wxCloudApiToken")
            self._functions.explain(request.signer, reason, marks, token, nested=nested)
        elif not nested:
            _logger.warning(reason)

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
            return PlatformError(ILLEGAL_SOURCE, "wxCloudApiToken", reason=_ILLEGAL)
        if not is_permitted(caller, name, self._functions):
            shown = self._shown(request, name)
            check = f"permissions.openapi: {shown}"
            return PlatformError(_PERMISSION_DENIED, check, reason=self._why_denied(caller, shown))
        if known_appid:
            return None
        why = unknown_appid(
            request.http.environ, self._emulator.programs, lasting=self._emulator.lasting
        )
        return RefusalError(40013, "appid", reason=why)

    def _why_denied(self, caller: GatewayCaller, api: str) -> str:
        assert self._functions is not None  # noqa: S101 - without functions all is permitted
        catalogue = self._emulator.catalogue
        return self._functions.why_denied(caller.function, api, catalogue.nearest(api), catalogue)

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
        if functions is None:
            raise self._unknown_function(request, name)
        try:
            outcome = functions.invoke(name, event, now, source, parent=caller.invocation)
        except UnknownFunctionError:
            raise self._unknown_function(request, name) from None
        if outcome.status != HTTPStatus.OK:
            line = error_line(outcome.result)
            raise GatewayError(_FAILED_FUNCTION, line, f"{name}: {outcome.reason or line}")
        return json_answer({"requestId": new_request_id(), "data": {"response_data": outcome.text}})

    def _unknown_function(self, request: _ActionRequest, name: str) -> GatewayError:
        shown = self._shown(request, name)
        why = "functions are not served here: start the emulator with --functions"
        if self._functions is not None:
            close = nearest(name, self._functions)
            meant = f"did you mean {close}? " if close else ""
            known = shortened(list(self._functions)) or "none"
            why = f"there is no function {shown} in {self._functions.folder}: {meant}Known: {known}"
        message = f"FunctionName parameter could not be found: {shown}"
        return GatewayError("FUNCTIONS_REQUEST_FAIL", message, f"callFunction: {why}")


def _message_response(data: bytes, platform_code: int, content_type: str) -> Response:
    from cloud_openapi.wire import messages  # noqa: PLC0415

    if platform_code:
        body = messages.write_error(platform_code)
    else:
        body = messages.write_answer(data, content_type)
    return Response(body, content_type="application/octet-stream")


def _json_response(data: bytes, platform_code: int, _content_type: str) -> Response:
    # The JSON of this action cannot carry bytes: those of a file are damaged, as on the platform.
    text = data.decode("utf-8", "replace")
    if platform_code:
        text = json.dumps({"errcode": platform_code, "errmsg": _TEXTS.get(platform_code, "")})
    return json_answer({"requestId": new_request_id(), "data": {"responseData": text}})
