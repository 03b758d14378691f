"""What every endpoint of api.weixin.qq.com has in common: refusals, faults, rids, the journal."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import orjson
from flask import Request, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.emulator.caller import caller_of
from cloud_openapi.emulator.errors import RefusalError, error_body, make_rid
from cloud_openapi.emulator.faults import Struck
from cloud_openapi.emulator.journal import Entry
from cloud_openapi.emulator.rids import Record
from cloud_openapi.emulator.state import Emulator

# WeChat's neighbours of these APIs answer so; of these APIs themselves no header is recorded.
_CONTENT_TYPE = "application/json; encoding=utf-8"


class Call:
    """One request, and in whose name it was made as far as that is known."""

    __slots__ = ("appid", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.appid: str | None = None


class Answer(NamedTuple):
    """The body of an answer, and what it came from."""

    body: dict[str, Any]
    source: str


Endpoint = Callable[[Call], Answer]


def view_of(endpoint: Endpoint, emulator: Emulator) -> Callable[[], Response]:
    """Turn an endpoint into a view that answers its refusals too, and keeps the journal."""

    def view() -> Response:
        errcode, rid, began = 0, "", perf_counter()
        now = emulator.clock.now()
        call = Call(request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
        struck = _strike(call, emulator) if emulator.faults.active else None
        try:
            answer = endpoint(call) if struck is None else _answer(endpoint, call, struck, emulator)
        except RefusalError as refusal:
            errcode = refusal.code
            rid = make_rid(now, emulator.chance)
            answer = Answer(error_body(errcode, rid, refusal.text), refusal.check)
        body, check = _without_token(call.request, _body_to_keep(call.request), answer.source)
        emulator.journal.add(
            Entry(now, call.request.method, call.request.path, call.appid, body, errcode, check)
        )
        data = orjson.dumps(answer.body)
        if rid:
            cost = int((perf_counter() - began) * 1000)
            client = call.request.remote_addr or ""
            emulator.rids.add(rid, Record(now, call.appid, cost, body, data, client))
        response = Response(data, content_type=_CONTENT_TYPE)
        return response if struck is None else struck.after(response)

    return view


def _strike(call: Call, emulator: Emulator) -> Struck | None:
    caller = caller_of(call.request, emulator.tokens, emulator.apps)
    struck = emulator.faults.strike(caller)
    if struck is not None:
        call.appid = caller.appid
    return struck


def _answer(endpoint: Endpoint, call: Call, struck: Struck, emulator: Emulator) -> Answer:
    struck.before(emulator.tokens)
    if struck.instead:
        return Answer({}, struck.note)
    answer = endpoint(call)
    return Answer(answer.body, f"{answer.source}, {struck.note}")


def _body_to_keep(request: Request) -> bytes:
    # A request for a token holds a secret, which is kept nowhere.
    if request.path.startswith("/cgi-bin/"):
        return b""
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        return b"(too large to be kept)"


def _without_token(request: Request, body: bytes, check: str) -> tuple[bytes, str]:
    token = request.args.get("access_token")
    if not token or token.encode() not in body:
        return body, check
    return body.replace(token.encode(), b"***"), check.replace(token, "***")
