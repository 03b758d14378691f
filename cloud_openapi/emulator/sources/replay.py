"""The modes in which recordings or the service come before the simulation."""

import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.errors import InvalidInputError, RefusalError
from cloud_openapi.emulator.raw_response import RawResponse
from cloud_openapi.emulator.sources.source import (
    Sent,
    Simulate,
    Source,
    SourceAnswer,
    SourceSettings,
)
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
from cloud_openapi.recordings import Interaction, Recorder, Redactor, Replay

_CODES: Final[dict[type[Exception], str]] = {
    NoRecordingsError: "NO_RECORDINGS",
    NoMatchError: "NO_MATCH",
    UsedUpError: "USED_UP",
}
_JSON_TYPE = "application/json; charset=utf-8"
_MOST_DIFFERENCES = 20


_Made = tuple[Source, Replay | None]


def _replay(settings: SourceSettings) -> _Made:
    replay = _loaded(settings, repeat=False)
    return partial(_recorded, replay), replay


def _spy(settings: SourceSettings) -> _Made:
    replay = _loaded(settings, repeat=True)

    def source(operation: Operation, sent: Sent, _simulate: Simulate) -> SourceAnswer | None:
        try:
            return _answer(replay.find(operation.method, sent.target(operation.path), sent.body))
        except ReplayError:
            return None

    return source, replay


def _record(settings: SourceSettings) -> _Made:
    recorder = Recorder(_place(settings), catalogue=settings.catalogue)
    upstream = Upstream(settings.upstream, settings.app)
    recorder.redactor.give(*upstream.app)

    def source(operation: Operation, sent: Sent, _simulate: Simulate) -> SourceAnswer:
        try:
            found = upstream.send(operation.method, operation.path, sent)
            recorder.add(found)
        except UpstreamError as error:
            return _refusal(HTTPStatus.BAD_GATEWAY, "UPSTREAM", str(error))
        except (OSError, RecordingError) as error:
            return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "NOT_RECORDED", str(error))
        return _answer(found, "upstream, recorded", recorder.redactor)

    return source, None


def _diff(settings: SourceSettings) -> _Made:
    upstream = Upstream(settings.upstream, settings.app)
    redactor = Redactor(upstream.app)

    def source(operation: Operation, sent: Sent, simulate: Simulate) -> SourceAnswer:
        try:
            found = upstream.send(operation.method, operation.path, sent)
        except UpstreamError as error:
            return _refusal(HTTPStatus.BAD_GATEWAY, "UPSTREAM", str(error))
        answer = _answer(found, "upstream", redactor)
        return answer._replace(differences=_differences(operation, answer.body, simulate))

    return source, None


SOURCES: Final[dict[str, Callable[[SourceSettings], _Made]]] = {
    "replay": _replay,
    "spy": _spy,
    "record": _record,
    "diff": _diff,
}
"""Return the source of each mode and its recordings. Raise ValueError, RecordingError."""


def _recorded(
    replay: Replay, operation: Operation, sent: Sent, _simulate: Simulate
) -> SourceAnswer:
    try:
        return _answer(replay.find(operation.method, sent.target(operation.path), sent.body))
    except ReplayError as error:
        # WeChat never answers with this status, so it cannot be mistaken for WeChat's error.
        return _refusal(HTTPStatus.NOT_IMPLEMENTED, _CODES[type(error)], str(error))


def _place(settings: SourceSettings) -> Path:
    if settings.recordings is None:
        raise InvalidInputError("this mode needs recordings: start the emulator with their folder")
    return settings.recordings


def _loaded(settings: SourceSettings, *, repeat: bool) -> Replay:
    """Return the replay of the recordings, which may be missing still."""
    place = _place(settings)
    try:
        catalogue = settings.catalogue
        return Replay.load(place, repeat=repeat, by_api=settings.by_api, catalogue=catalogue)
    except NoRecordingsError:
        return Replay((), repeat=repeat, catalogue=settings.catalogue, place=str(place))


def _answer(found: Interaction, source: str = "", redactor: Redactor | None = None) -> SourceAnswer:
    """Return an answer; the journal keeps what the ``redactor`` of the service's leaves of it."""
    kind = next(
        (
            values[0]
            for name, values in found.response_headers.items()
            if name.lower() == "content-type" and values
        ),
        "",
    )
    when = "" if found.recorded_at is None else f" of {found.recorded_at.isoformat()}"
    shown = None if redactor is None else redactor.interaction(found).response_body
    raw = RawResponse(found.status, found.reason, kind, found.response_body, shown)
    return SourceAnswer(found.response_json, source or f"recording{when}", HTTPStatus.OK, raw)


def _refusal(status: HTTPStatus, code: str, message: str) -> SourceAnswer:
    body = json.dumps({"code": code, "message": message}).encode()
    raw = RawResponse(status, f"The emulator has no answer: {code}", _JSON_TYPE, body)
    return SourceAnswer({}, f"{code}: {message}", HTTPStatus.OK, raw)


def _differences(operation: Operation, answered: Any, simulate: Simulate) -> tuple[str, ...]:
    """Return where the simulation's answer has another shape, or is another error."""
    try:
        expected = simulate()
        code = error_code(expected)
    except RefusalError as refusal:
        expected, code = None, refusal.code
    got = error_code(answered)
    if (code or got) and answered is not None:
        return () if code == got else (f"$: simulated {_outcome(code)}, upstream {_outcome(got)}",)
    if answered is None and operation.binary:
        return (f"$: simulated {_outcome(code)}, upstream a file",) if code else ()
    if answered is None:
        return ("$: the upstream's answer is not JSON",)
    documented = fields_of(operation.schema("https", "response"))
    found = differences(shape_of(expected), shape_of(answered), documented)
    return tuple(f"{path}: {text}" for path, text in found[:_MOST_DIFFERENCES])


def _outcome(code: int) -> str:
    return f"error {code}" if code else "an answer"
