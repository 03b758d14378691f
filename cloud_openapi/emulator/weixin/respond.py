"""What every endpoint of api.weixin.qq.com has in common: refusals, faults, rids, the journal."""

import os
import re
from collections.abc import Callable
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from flask import Request, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import (
    PlatformError,
    RefusalError,
    SideCarError,
    error_body,
    make_rid,
)
from cloud_openapi.emulator.overrides.broken_responses import status_page
from cloud_openapi.emulator.overrides.faults import Struck
from cloud_openapi.emulator.sources.modes import Verbatim
from cloud_openapi.emulator.state.caller import Caller, caller_of
from cloud_openapi.emulator.state.cloud_run import TOKEN_NAME
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.emulator.state.rids import Record

if TYPE_CHECKING:
    from datetime import datetime

# WeChat's neighbours of these APIs answer so; of these APIs themselves no header is recorded.
JSON_TYPE = "application/json; encoding=utf-8"
_NOT_PRINTABLE = re.compile(r"[^ -~]")
_WORD = re.compile(rb"""[^\s"'&=:,;<>()\[\]{}|\\]+""")


class Call:
    """One request, in whose name it was made as far as that is known, and when by their clock."""

    __slots__ = ("appid", "method", "now", "path", "request", "through_side_car")

    via = "https"
    function: str | None = None

    def __init__(self, request: Request) -> None:
        self.request = request
        self.method = request.method
        self.path = request.path
        self.appid: str | None = None
        self.now: datetime | None = None
        self.through_side_car = False

    def caller(self, emulator: Emulator) -> Caller:
        """Return who calls, as far as a fault may ask."""
        return caller_of(self.request, emulator.tokens, emulator.cloud_run, emulator.apps)

    def body_to_keep(self) -> bytes:
        """Return the body for the journal."""
        # A request for a token holds a secret, which is kept nowhere.
        if self.path.startswith("/cgi-bin/"):
            return b""
        try:
            return self.request.get_data()
        except RequestEntityTooLarge:
            return b"(too large to be kept)"

    def response(self, data: bytes, _platform_code: int) -> Response:
        """Return the HTTP answer that carries WeChat's."""
        return Response(data, content_type=JSON_TYPE)


class Answer(NamedTuple):
    """The body of an answer, and what it came from."""

    body: Any
    source: str
    status: int = HTTPStatus.OK
    verbatim: Verbatim | None = None
    differences: tuple[str, ...] = ()


Endpoint = Callable[[Call], Answer]


def view_of(endpoint: Endpoint, emulator: Emulator) -> Callable[[], Response]:
    """Turn an endpoint into a view that answers its refusals too, and keeps the journal."""

    def view() -> Response:
        call = Call(request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
        return respond(call, endpoint, emulator)

    return view


def respond(call: Call, endpoint: Endpoint, emulator: Emulator) -> Response:
    """Answer a call, refused or not, and keep the journal."""
    rid, platform_code, began, resets = "", 0, perf_counter(), emulator.resets
    struck: Struck | None = None
    try:
        if emulator.faults:
            struck = _strike(call, emulator, resets)
        answer = endpoint(call) if struck is None else _answer(endpoint, call, struck, emulator)
    except PlatformError as refusal:
        platform_code = refusal.code
        answer = Answer({}, refusal.check)
    except RefusalError as refusal:
        call.appid = call.appid or call.caller(emulator).named
        call.now = call.now or emulator.now(call.appid)
        rid = _rid(call, emulator, resets)
        answer = Answer(error_body(refusal.code, rid, refusal.text), refusal.check)
    except SideCarError as refusal:
        answer = Answer({}, f"side-car: {refusal}", HTTPStatus.BAD_GATEWAY)
    now = call.now or emulator.now(call.appid)
    errcode = platform_code or _errcode(answer.body)
    body, check = _without_secrets(call, emulator, answer.source)
    data = orjson.dumps(answer.body) if answer.verbatim is None else answer.verbatim.body
    response = call.response(data, platform_code)
    if answer.verbatim is not None:
        response = _as_it_is(call, response, answer.verbatim)
    if call.through_side_car or answer.status != HTTPStatus.OK:
        response = _from_side_car(response, answer.status, _rid(call, emulator, resets))
    if struck is not None:
        response = struck.after(response)
    if not emulator.reset_since(resets, call.appid):
        emulator.journal.add(
            Entry(
                now,
                call.method,
                call.path,
                call.appid,
                body,
                errcode,
                check,
                response.status_code,
                rid,
                call.via,
                call.function,
                answer.differences,
            )
        )
        if rid:
            cost = int((perf_counter() - began) * 1000)
            client = call.request.remote_addr or ""
            emulator.rids.add(rid, Record(now, call.appid, cost, body, data, client))
    return response


def _as_it_is(call: Call, response: Response, verbatim: Verbatim) -> Response:
    if verbatim.status != HTTPStatus.OK:
        reason = _NOT_PRINTABLE.sub("", verbatim.reason)
        status = f"{verbatim.status} {reason}"
        return Response(verbatim.body, status, content_type=verbatim.content_type)
    if call.via == "https" and verbatim.content_type:
        response.content_type = verbatim.content_type
    return response


def _rid(call: Call, emulator: Emulator, resets: int) -> str:
    now = call.now or emulator.now(call.appid)
    # Nothing of the new beginning's chance for a request of before.
    overtaken = emulator.reset_since(resets, call.appid)
    chance = os.urandom(8) if overtaken else emulator.seeds.draw(call.appid, "rid", 8)
    return make_rid(now, chance)


def _from_side_car(response: Response, status: int, seqid: str) -> Response:
    if status != HTTPStatus.OK:
        return status_page(status)
    response.headers["x-openapi-seqid"] = seqid
    return response


def _errcode(body: Any) -> int:
    # What is pinned by force may be anything.
    code = body.get("errcode", 0) if isinstance(body, dict) else 0
    return code if isinstance(code, int) else 0


def _strike(call: Call, emulator: Emulator, resets: int) -> Struck | None:
    caller = call.caller(emulator)
    # Before anybody sleeps for it.
    call.now = emulator.now(caller.named)
    struck = emulator.faults.strike(caller)
    # A token is gone with the reset; whoever has none must not spend of what has begun since.
    if caller.token is None and emulator.reset_since(resets, caller.named):
        raise RefusalError(-1, "reset")
    if struck is not None:
        call.appid = caller.named
    return struck


def _answer(endpoint: Endpoint, call: Call, struck: Struck, emulator: Emulator) -> Answer:
    struck.before(emulator.tokens)
    if struck.instead:
        return Answer({}, struck.note)
    answer = endpoint(call)
    return answer._replace(source=f"{answer.source}, {struck.note}")


def _without_secrets(call: Call, emulator: Emulator, check: str) -> tuple[bytes, str]:
    """Return the body and the check without the caller's token and anybody's secret."""
    body = call.body_to_keep()
    args = call.request.args
    own = args.get("access_token") or args.get(TOKEN_NAME), emulator.apps.get(call.appid or "")
    # Others' are looked up word by word, so that it does not matter how many there are.
    others = emulator.secrets.intersection(_WORD.findall(body))
    for secret in {*(each.encode("utf-8", "surrogatepass") for each in own if each), *others}:
        if secret in body:
            shown = secret.decode("utf-8", "surrogatepass")
            body, check = body.replace(secret, b"***"), check.replace(shown, "***")
    return body, check
