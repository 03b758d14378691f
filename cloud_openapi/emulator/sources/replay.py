"""The modes in which recordings or the service are asked before the simulation."""

import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.errors import InvalidInputError, RefusalError
from cloud_openapi.emulator.sources.source import Ask, Given, Simulated, Sources, Verbatim
from cloud_openapi.emulator.sources.upstream import Upstream, UpstreamError
from cloud_openapi.errors import (
    NoMatchError,
    NoRecordingsError,
    RecordingError,
    ReplayError,
    UsedUpError,
)
from cloud_openapi.json_schema.fields import fields_of
from cloud_openapi.json_schema.shape import differences, shape_of
from cloud_openapi.json_schema.values import error_code
from cloud_openapi.recordings import Interaction, Recorder, Replay

_CODES: Final[dict[type[Exception], str]] = {
    NoRecordingsError: "NO_RECORDINGS",
    NoMatchError: "NO_MATCH",
    UsedUpError: "USED_UP",
}
_JSON_TYPE = "application/json; charset=utf-8"
_MOST_DIFFERENCES = 20


def _replay(sources: Sources) -> Ask:
    return partial(_recorded, _loaded(sources, repeat=False))


def _spy(sources: Sources) -> Ask:
    replay = _loaded(sources, repeat=True)

    def ask(operation: Operation, body: bytes, _simulated: Simulated) -> Given | None:
        try:
            return _answer(replay.find(operation.method, operation.path, body))
        except ReplayError:
            return None

    return ask


def _record(sources: Sources) -> Ask:
    recorder = Recorder(_place(sources), catalogue=sources.catalogue)
    upstream = Upstream(sources.upstream, sources.app)
    recorder.redactor.give(*upstream.app)

    def ask(operation: Operation, body: bytes, _simulated: Simulated) -> Given:
        try:
            found = upstream.ask(operation.method, operation.path, body)
            recorder.add(found)
        except UpstreamError as error:
            return _refusal(HTTPStatus.BAD_GATEWAY, "UPSTREAM", str(error))
        except (OSError, RecordingError) as error:
            return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "NOT_RECORDED", str(error))
        return _answer(found, "upstream, recorded")

    return ask


def _diff(sources: Sources) -> Ask:
    upstream = Upstream(sources.upstream, sources.app)

    def ask(operation: Operation, body: bytes, simulated: Simulated) -> Given:
        try:
            found = upstream.ask(operation.method, operation.path, body)
        except UpstreamError as error:
            return _refusal(HTTPStatus.BAD_GATEWAY, "UPSTREAM", str(error))
        given = _answer(found, "upstream")
        return given._replace(differences=_differences(operation, given.body, simulated))

    return ask


ASKS: Final[dict[str, Callable[[Sources], Ask]]] = {
    "replay": _replay,
    "spy": _spy,
    "record": _record,
    "diff": _diff,
}
"""Each makes what answers in a mode. Raises ValueError, RecordingError."""


def _recorded(replay: Replay, operation: Operation, body: bytes, _simulated: Simulated) -> Given:
    try:
        return _answer(replay.find(operation.method, operation.path, body))
    except ReplayError as error:
        # A status that WeChat never gives, so that nobody takes it for an error of WeChat's.
        return _refusal(HTTPStatus.NOT_IMPLEMENTED, _CODES[type(error)], str(error))


def _place(sources: Sources) -> Path:
    if sources.recordings is None:
        raise InvalidInputError("this mode needs recordings: start the emulator with their folder")
    return sources.recordings


def _loaded(sources: Sources, *, repeat: bool) -> Replay:
    """Return the replay of the recordings; that of none, where there are none yet."""
    place = _place(sources)
    try:
        return Replay.load(place, repeat=repeat, by_api=sources.by_api)
    except NoRecordingsError:
        return Replay((), repeat=repeat, catalogue=sources.catalogue, place=str(place))


def _answer(found: Interaction, source: str = "") -> Given:
    kind = next(
        (
            values[0]
            for name, values in found.response_headers.items()
            if name.lower() == "content-type" and values
        ),
        "",
    )
    when = "" if found.recorded_at is None else f" of {found.recorded_at.isoformat()}"
    verbatim = Verbatim(found.status, found.reason, kind, found.response_body)
    return Given(found.response_json, source or f"recording{when}", HTTPStatus.OK, verbatim)


def _refusal(status: HTTPStatus, code: str, message: str) -> Given:
    body = json.dumps({"code": code, "message": message}).encode()
    verbatim = Verbatim(status, f"The emulator has no answer: {code}", _JSON_TYPE, body)
    return Given({}, f"{code}: {message}", HTTPStatus.OK, verbatim)


def _differences(operation: Operation, answered: Any, simulated: Simulated) -> tuple[str, ...]:
    """Say where the simulation's answer has another shape, or is another error."""
    try:
        expected = simulated()
        code = error_code(expected)
    except RefusalError as refusal:
        expected, code = None, refusal.code
    got = error_code(answered)
    if (code or got) and answered is not None:
        return () if code == got else (f"$: simulated {_outcome(code)}, upstream {_outcome(got)}",)
    if answered is None:
        return ("$: the upstream's answer is no JSON",)
    documented = fields_of(operation.schema("https", "response"))
    found = differences(shape_of(expected), shape_of(answered), documented)
    return tuple(f"{path}: {text}" for path, text in found[:_MOST_DIFFERENCES])


def _outcome(code: int) -> str:
    return f"error {code}" if code else "an answer"
