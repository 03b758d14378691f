"""The common part of every API call: mini program, faults, refusals, rids, journal."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
from flask import Response
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request

from cloud_openapi import clocks
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import (
    CREDENTIAL_PATHS,
    STABLE_TOKEN,
    PlatformError,
    RefusalError,
    SideCarError,
    error_body,
    make_rid,
)
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.overrides.broken_responses import status_page
from cloud_openapi.emulator.overrides.caller import Caller
from cloud_openapi.emulator.overrides.faults import AppliedFault
from cloud_openapi.emulator.raw_response import RawResponse
from cloud_openapi.emulator.reasons import control_command, reason_of, unknown_appid
from cloud_openapi.emulator.state.cloud_run import TOKEN_NAME
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.emulator.state.rids import Record
from cloud_openapi.emulator.state.tokens import UNKNOWN
from cloud_openapi.emulator.weixin.request_fields import (
    INVALID_JSON,
    fields_json,
    json_object,
    read_fields,
)
from cloud_openapi.errors import advice, one_line
from cloud_openapi.masking import MASK, mask_json, mask_named

if TYPE_CHECKING:
    from cloud_openapi.catalogue import Operation

# As other APIs of WeChat; headers of these APIs were not recorded.
WEIXIN_JSON = "application/json; encoding=utf-8"
UNREAD: Final = object()
Rename = Callable[[str], str]
Mask = Callable[[bytes], bytes]
_PIN = re.compile(r"pin \d+")
_NOT_PRINTABLE = re.compile(r"[^ -~]")
_WORD = re.compile(rb"""[^\s"'&=:,;<>()\[\]{}|\\]+""")


class Call:
    """One request to api.weixin.qq.com, its mini program, and the time by its clock.

    ``program`` is the mini program of the token, even an expired one, and `Emulator.common` for
    unknown callers.
    """

    __slots__ = (
        "_emulator",
        "_json",
        "_refusal",
        "_token",
        "apis",
        "files",
        "now",
        "operation",
        "path",
        "program",
        "request",
        "side_car",
    )

    via = "https"
    function: str | None = None
    invocation = ""
    api = ""
    rename: Rename = staticmethod(str)
    """Returns the name of a parameter as the caller wrote it."""

    def __init__(self, request: Request, emulator: Emulator) -> None:
        self.request = request
        self._emulator = emulator
        self.path = request.path
        self.apis: Sequence[str] = emulator.apis_at.get(self.path, ())
        """The names of the API; a path may have several."""
        self.side_car = False
        self.operation: Operation | None = None
        """The API, once its endpoint reads the parameters."""
        self.files: Mapping[str, bytes] = {}
        """The contents of the parameters that are files."""
        self._json: Any = UNREAD
        self._refusal: RefusalError | SideCarError | None = None
        self._token = request.args.get("access_token")
        self.program = self._find_program(emulator) or emulator.common
        self.now = self.program.clock.now()

    @property
    def secrets(self) -> tuple[str | None, ...]:
        """Return the tokens that the caller sent and the secret of its mini program."""
        args = self.request.args
        return args.get("access_token"), args.get(TOKEN_NAME), self.program.secret

    @property
    def method(self) -> str:
        """Return the HTTP method."""
        return self.request.method

    @property
    def unknown_appid(self) -> str:
        """Return why an appid is refused."""
        return unknown_appid(
            self.request.environ, self._emulator.programs, lasting=self._emulator.lasting
        )

    def authorise(self, method: str) -> MiniProgram:
        """Return the mini program that makes the call. Raises RefusalError, SideCarError."""
        self.require(method)
        self._check_token()
        self.side_car = self._token is None and TOKEN_NAME not in self.request.args
        return self.program

    def require(self, method: str) -> None:
        """Raise RefusalError unless the request has this HTTP method."""
        if self.request.method != method:
            raise RefusalError(43001 if method == "GET" else 43002, "method")

    def params(self, form_error: int = INVALID_JSON) -> dict[str, Any]:
        """Return the parameters: those of the query, and the body, by default a JSON object.

        ``form_error`` is the code for a body encoded as a form. Raises RefusalError.
        """
        if not self.has_valid_json(form_error):
            raise self._json
        params: dict[str, Any] = self._json
        return params

    def has_valid_json(self, form_error: int) -> bool:
        """Return whether the parameters can be read."""
        if self._json is UNREAD:
            try:
                self._json = self._parse_body(form_error)
            except RefusalError as refusal:
                self._json = refusal
        return not isinstance(self._json, RefusalError)

    def caller(self, emulator: Emulator) -> Caller:
        """Return the sender, for the selection of faults."""
        address = self.request.remote_addr or ""
        # A token in the query of a request for a token is ignored.
        if self.path in CREDENTIAL_PATHS:
            return Caller(self.program, self.path, None, address)
        try:
            self._check_token()
        except (RefusalError, SideCarError):
            return Caller(emulator.common, self.path, None, address)
        return Caller(self.program, self.path, self._token, address)

    def journal_body(self, mask: Mask = bytes) -> bytes:
        """Return the body for the journal; ``mask`` hides the secrets in a file."""
        operation = self.operation
        # Requests for a token hold a secret.
        if operation is None and self.path.startswith("/cgi-bin/"):
            return b""
        if operation is not None and not operation.takes_json:
            return self._fields_json(mask)
        try:
            return self.request.get_data()
        except RequestEntityTooLarge:
            return b"(too large)"

    def _fields_json(self, mask: Mask) -> bytes:
        if self._json is UNREAD or not self.has_valid_json(INVALID_JSON):
            return b""
        return fields_json(self._json, {name: mask(data) for name, data in self.files.items()})

    def response(self, data: bytes, _platform_code: int, content_type: str) -> Response:
        """Return the HTTP response with WeChat's answer."""
        return Response(data, content_type=content_type)

    def explain(self, reason: str, code: int, rid: str) -> None:
        """Tell the caller why the call failed, if it has a log."""

    def _parse_body(self, form_error: int) -> dict[str, Any]:
        operation = self.operation
        if operation is None or operation.takes_json:
            return json_object(self.request, form_error)
        params, self.files = read_fields(self.request, operation, form_error)
        return params

    def _check_token(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self._token is not None:
            self.program.tokens.check(self._token)

    def _find_program(self, emulator: Emulator) -> MiniProgram | None:
        if self.path in CREDENTIAL_PATHS:
            return emulator.programs.get(self._requested_appid())
        if self._token is None:
            try:
                return _cloud_run_program(self.request, emulator)
            except (RefusalError, SideCarError) as refusal:
                self._refusal = refusal
                return None
        if not self._token:
            self._refusal = RefusalError(41001, "access_token")
            return None
        program = emulator.program_of_token(self._token)
        if program is None:
            self._refusal = RefusalError(40001, "access_token", reason=UNKNOWN)
        return program

    def _requested_appid(self) -> str:
        in_query = None if self.path == STABLE_TOKEN else self.request.args.get("appid")
        try:
            appid = in_query or self.params().get("appid")
        except RefusalError:
            return ""
        return appid if isinstance(appid, str) else ""


def _cloud_run_program(request: Request, emulator: Emulator) -> MiniProgram:
    """Return the mini program of a request without an access_token, by Cloud Run's rules.

    Raises RefusalError, and SideCarError for a path outside the side-car's whitelist.
    """
    programs = emulator.container
    if not programs:
        raise RefusalError(41001, "access_token")
    token = request.args.get(TOKEN_NAME)
    if token:
        program = emulator.program_of_cloud_run_token(token)
        if program is None:
            raise RefusalError(40001, TOKEN_NAME, reason=UNKNOWN)
        program.cloud_run.check_token(token, request.path)
        return program
    if request.is_secure:
        raise RefusalError(41001, "https", reason="without a token, Cloud Run's calls use http")
    program = programs.get(request.args.get("from_appid") or next(iter(programs)))
    service = None if program is None else program.cloud_run.service
    if program is None or service is None:
        raise RefusalError(85105, "from_appid")
    if not service.ready:
        raise RefusalError(41001, "cloud_run is not ready", reason=reason_of(85113))
    if not service.allows(request.path):
        raise SideCarError("api_whitelist")
    return program


class Answer(NamedTuple):
    """The body of an answer, and its source."""

    body: Any
    source: str
    status: int = HTTPStatus.OK
    raw: RawResponse | None = None
    differences: tuple[str, ...] = ()


Endpoint = Callable[[Call], Answer]
"""Answers a call. Raises RefusalError, SideCarError."""


def respond(call: Call, endpoint: Endpoint, emulator: Emulator) -> Response:
    """Answer a call or its refusal, and write the journal."""
    rid, platform_code, reason, began = "", 0, "", clocks.monotonic()
    program = call.program
    fault: AppliedFault | None = None
    delay: AppliedFault | None = None
    try:
        if emulator.faults:
            fault = emulator.faults.apply(call.caller(emulator))
            if fault is not None and fault.delays_only:
                fault, delay = None, fault
        answer = endpoint(call) if fault is None else _answer_with_fault(endpoint, call, fault)
    except PlatformError as refusal:
        platform_code, reason = refusal.code, refusal.reason
        answer = Answer({}, refusal.check)
    except RefusalError as refusal:
        rid, reason = _new_rid(call), refusal.reason
        answer = Answer(error_body(refusal.code, rid, refusal.text), refusal.check)
    except SideCarError as refusal:
        reason = refusal.reason
        answer = Answer({}, f"side-car: {refusal}", HTTPStatus.BAD_GATEWAY)
    data = _json_of(answer.body) if answer.raw is None else answer.raw.body
    response = _response(call, answer, data, platform_code)
    if fault is not None:
        response = fault.after(response)
    source = answer.source
    if delay is not None:
        source = f"{source.removesuffix('.')}, {delay.note}"
    body, check = _mask_secrets(call, emulator, source)
    errcode = platform_code or _errcode(answer.body)
    if errcode or fault is not None or response.status_code != HTTPStatus.OK:
        reason = _reason(call, emulator, answer, errcode, fault, reason)
        call.explain(reason, errcode, rid)
    milliseconds = (clocks.monotonic() - began) * 1000
    entry = Entry(
        time=call.now,
        method=call.method,
        path=call.path,
        appid=program.appid,
        body=body,
        errcode=errcode,
        check=check,
        status=response.status_code,
        rid=rid,
        via=call.via,
        function=call.function,
        differences=answer.differences,
        reason=reason,
        milliseconds=milliseconds,
        invocation=call.invocation,
        apis=call.apis,
        # Of a call of an API, it is masked when it is shown: that costs more than the answer.
        answer=mask_json(data) if call.path in CREDENTIAL_PATHS else _shown(answer, data),
        begun=began,
    )
    emulator.keep(program, entry)
    if rid:
        client = call.request.remote_addr or ""
        program.rids.add(rid, Record(call.now, int(milliseconds), body, data, client))
    return response


def _shown(answer: Answer, data: bytes) -> bytes:
    return data if answer.raw is None or answer.raw.shown is None else answer.raw.shown


def _json_of(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # Half a surrogate pair that the request had: JSON can write it as an escape.
        return json.dumps(body).encode()


def _response(call: Call, answer: Answer, data: bytes, platform_code: int) -> Response:
    raw = answer.raw
    if raw is not None and raw.status != HTTPStatus.OK:
        response = _unchanged(raw)
    else:
        kind = raw.content_type if raw is not None else ""
        response = call.response(data, platform_code, kind or WEIXIN_JSON)
    if answer.status != HTTPStatus.OK:
        return status_page(answer.status)
    if call.side_car:
        response.headers["x-openapi-seqid"] = _new_rid(call)
    return response


def _unchanged(raw: RawResponse) -> Response:
    reason = _NOT_PRINTABLE.sub("", raw.reason)
    return Response(raw.body, f"{raw.status} {reason}", content_type=raw.content_type)


def _new_rid(call: Call) -> str:
    return make_rid(call.now, call.program.streams.draw("rid", 8))


def _errcode(body: Any) -> int:
    # A forced pin may have any body.
    code = body.get("errcode", 0) if isinstance(body, dict) else 0
    return code if isinstance(code, int) else 0


def _reason(  # noqa: PLR0913 - each may be the cause
    call: Call,
    emulator: Emulator,
    answer: Answer,
    errcode: int,
    fault: AppliedFault | None,
    reason: str,
) -> str:
    """Return why a request failed: ``reason``, or a fault, a pin or a recording."""
    if fault is not None:
        reason = _override(call, fault.fault.name, "faults", fault.fault.id, ended=fault.fault.over)
    elif _PIN.fullmatch(answer.source):
        number = int(answer.source.removeprefix("pin "))
        known = any(pin.id == number and not pin.over for pin in emulator.pins.listed())
        reason = _override(call, answer.source, "pins", number, ended=not known)
    elif answer.raw is not None:
        told = answer.body.get("message") if isinstance(answer.body, dict) else None
        reason = str(told or f"the answer is that of the {answer.source}. {advice(errcode)}")
    return one_line(without_secrets(reason or reason_of(errcode), emulator, call.secrets))


def _override(call: Call, what: str, route: str, number: int, *, ended: bool) -> str:
    """Return that a fault or a pin made the answer, and how to remove it."""
    if ended:
        return f"{what} made this answer, its last one"
    command = control_command(call.request.environ, f"{route} remove {number}")
    return f"{what} makes this answer; to remove it: {command}"


def _answer_with_fault(endpoint: Endpoint, call: Call, fault: AppliedFault) -> Answer:
    fault.before(call.program.tokens)
    if fault.replaces_answer:
        return Answer({}, fault.note)
    answer = endpoint(call)
    return answer._replace(source=f"{answer.source}, {fault.note}")


def without_secrets(text: str, emulator: Emulator, own: Iterable[str | None]) -> str:
    """Return a text with all secrets masked, among them the caller's ``own``."""
    data = text.encode("utf-8", "surrogatepass")
    for secret in _secrets_in(data, emulator, own):
        data = data.replace(secret, MASK.encode())
    return mask_named(data.decode("utf-8", "surrogatepass"))


def _secrets_in(data: bytes, emulator: Emulator, own: Iterable[str | None]) -> set[bytes]:
    # Looked up by words: a search for each secret would be slow with many mini programs.
    known = emulator.secrets.intersection(word[0] for word in _WORD.finditer(data))
    given = {each.encode("utf-8", "surrogatepass") for each in own if each}
    return {secret for secret in given | known if secret in data}


def _mask_secrets(call: Call, emulator: Emulator, check: str) -> tuple[bytes, str]:
    """Return the body and the check without tokens and secrets."""

    def masked(data: bytes) -> bytes:
        for secret in _secrets_in(data, emulator, call.secrets):
            data = data.replace(secret, MASK.encode())
        return data

    # The content of a file is shown in base64, where no secret can be found.
    body = call.journal_body(masked)
    for secret in _secrets_in(body, emulator, call.secrets):
        shown = secret.decode("utf-8", "surrogatepass")
        body, check = body.replace(secret, MASK.encode()), check.replace(shown, MASK)
    return body, check
