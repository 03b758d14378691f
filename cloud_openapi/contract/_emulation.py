"""Compare the emulator's responses with recorded ones."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.contract._finding import Finding
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.json_schema.fields import Field, fields_of
from cloud_openapi.json_schema.shape import differences, shape_of
from cloud_openapi.json_schema.values import error_code, is_integer
from cloud_openapi.periods import BEIJING, parse_day
from cloud_openapi.recordings import Interaction
from cloud_openapi.recordings._interaction import header
from cloud_openapi.transports.wsgi import WSGIExchange

_EARLIEST = datetime(1972, 1, 1, tzinfo=BEIJING)
_LATEST = datetime(2105, 1, 1, tzinfo=BEIJING)
# Errors that depend only on the request's method and body. An API's rules add more; all other
# errors depend on the state of the account or the service.
_OF_THE_REQUEST = frozenset({43002, 44002, 47001, 61500})


class Emulation:
    """Sends recorded requests to the emulator, at the time of the recording.

    For a recording without a time, the emulator's time is the day after the requested period.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._emulator = Emulator(catalogue=catalogue, clock=Clock(), journal_size=1)
        self._exchange = WSGIExchange(cast("Any", create_app(self._emulator)))
        self._documented = cache(_documented)
        self.notes: Counter[str] = Counter()

    def findings(self, operation: Operation, interaction: Interaction) -> Iterator[Finding]:
        """Yield the differences in shape or error between recording and emulator."""
        recorded = interaction.response_json
        if operation.binary and recorded is None:
            # Only JSON has fields to compare.
            recorded = {}
        if not isinstance(recorded, dict):
            return
        code = error_code(recorded)
        if code and not _decided_by_request(code, operation):
            self.notes[
                f"errors that depend on the state of account or service ({code}), not compared"
            ] += 1
            return
        moments = moments_of(operation, interaction)
        if not moments:
            self.notes["requests that are not allowed at any time, not compared"] += 1
            return
        self.notes["recordings compared with the emulator"] += 1
        answers = [self._ask(operation, interaction, moment) for moment in moments]
        got = next((answer for answer in answers if error_code(answer) == code), answers[0])
        if error_code(got) != code:
            yield Finding("emulator", "$", f"expected {_outcome(recorded)}, got {_outcome(got)}")
        elif not code:
            documented = self._documented(operation)
            for path, text in differences(shape_of(recorded), shape_of(got), documented):
                yield Finding("emulator", path, text)

    def _ask(self, operation: Operation, interaction: Interaction, moment: datetime) -> Any:
        self._emulator.clock.freeze(moment)
        # Tokens of another time are useless, and ten thousand of them would be kept.
        self._emulator.program(DEMO_APPID).tokens.clear()
        token, _ = self._emulator.program(DEMO_APPID).tokens.grant_stable(force=False)
        pairs = parse_qsl(urlsplit(interaction.uri).query, keep_blank_values=True)
        query = [pair for pair in pairs if pair[0] in operation.query]
        target = f"{operation.path}?{urlencode([('access_token', token), *query])}"
        kind = header(interaction.request_headers, "content-type")
        headers = None if operation.takes_json or kind is None else {"Content-Type": kind}
        reply = self._exchange.send(
            interaction.method, target, interaction.request_body or None, headers
        )
        is_file = operation.binary and not reply.content_type.startswith("application/json")
        return {} if is_file else json.loads(reply.body)


def _documented(operation: Operation) -> dict[str, Field]:
    return fields_of(operation.schema("https", "response"))


def _decided_by_request(code: int, operation: Operation) -> bool:
    return code in _OF_THE_REQUEST or any(code in rule.CODES for rule in operation.rules)


def _outcome(answer: Any) -> str:
    code = error_code(answer)
    return f"error {code}" if code else "an answer"


def moments_of(operation: Operation, interaction: Interaction) -> list[datetime]:
    """Return the times at which the service may have given the recorded response."""
    if interaction.recorded_at is not None:
        return [interaction.recorded_at]
    if not operation.rules:
        return [datetime.now(BEIJING)]
    last = _last_day(operation, interaction.request_json)
    if not error_code(interaction.response_json):
        return [] if last is None else [_noon_after(last)]
    # An error: the request was too early, too late, or is refused at any time.
    days = [] if last is None else [_noon_after(last), _noon_after(last - timedelta(days=1))]
    return [*days, datetime.now(BEIJING)]


def _last_day(operation: Operation, sent: Any) -> date | None:
    """Return the last requested day, from a date or a time in seconds; None if unknown."""
    value = sent
    for name in operation.rules[0].end.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    day = parse_day(value)
    if is_integer(value, 0, _LATEST.timestamp()):
        day = datetime.fromtimestamp(value, BEIJING).date()
    # The range of the emulator's clock.
    return day if day and _EARLIEST.date() < day < _LATEST.date() else None


def _noon_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(12), BEIJING)
