"""A series: the windows of one API over a range, and the days on which an answer changes."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Final

from cloud_openapi.catalogue import Operation, RuleViolation, default_catalogue, put_value
from cloud_openapi.errors import CloudSDKError, UsageError
from cloud_openapi.known_names import nearest
from cloud_openapi.periods import Period

_DAY: Final = timedelta(days=1)
_ANY_DAY: Final = date(2020, 1, 1)
_MOST_PERIODS: Final = 1000
LATE_DAYS: Final = 2
"""Days for which an answer without an expected key is asked for again."""


class Series:
    """An API with the parameters that all its windows share.

    ``days`` is the length of a window, for an API that offers several. Raises ConfigError for an
    API whose answers are not about a period, for parameters that are no mapping or that JSON cannot
    write, and for other ``days``.
    """

    def __init__(self, api: str, params: Mapping[str, Any] | None = None, days: int = 1) -> None:
        self.operation: Operation = _dated(api)
        self.api = self.operation.name
        self.days = days
        self._rule = self.operation.rules[0]
        if not isinstance(params, Mapping | None):
            raise UsageError(f"{self.api}: the parameters are an object, not {params!r}")
        self._params = dict(params or {})
        self._key_days: dict[Period, list[tuple[int, date]]] = {}
        dates = {name.partition(".")[0] for name in (self._rule.begin, self._rule.end)}
        if taken := sorted(dates & self._params.keys()):
            raise UsageError(f"{self.api}: {', '.join(taken)} follows from the range; leave it out")
        required = set(self.operation.schema("https", "request")["required"])
        if lacks := sorted(required - dates - self._params.keys()):
            raise UsageError(f"{self.api} needs parameters: {', '.join(lacks)}")
        self.params = _params_text(self.api, self._params)
        """The shared parameters as JSON with sorted names, empty without any."""
        try:
            next(self._rule.windows(_ANY_DAY, _ANY_DAY, days))
        except ValueError as error:
            raise UsageError(f"{self.api}: {error}") from None

    def __repr__(self) -> str:
        return f"<Series {self.api} {self.params}>"

    @cached_property
    def span(self) -> str:
        """The length of a window: day, week, month, or such as ``7 days``."""
        return span_of(next(self._rule.windows(_ANY_DAY, _ANY_DAY, self.days)))

    @cached_property
    def _keys(self) -> list[int]:
        return sorted(set().union(*self.operation.keyed.values())) or [0]

    def windows(self, begin: date, end: date, today: date) -> Iterator[Period]:
        """Yield the windows that touch the range and are over, the oldest first."""
        for period in self._rule.windows(begin, min(end, today - _DAY), self.days):
            if period.end < today:
                yield period

    def between(self, first: date, last: date) -> Iterator[Period]:
        """Yield the windows from the one that begins on a day to the one that ends on another."""
        return self._rule.windows(first + (self.days - 1) * _DAY, last, self.days)

    def first_days(self, begin: date, end: date) -> tuple[date, date]:
        """Return the days on which the first and the last window of a range begin."""
        first, last = (next(self._rule.windows(day, day, self.days)) for day in (begin, end))
        return first.begin, last.begin

    def refusal(self, period: Period, today: date) -> CloudSDKError | None:
        """Return the error of a window that the API does not answer for any more, without a call.

        None for all others.
        """
        found = self._rule.check(self.request(period), today)
        if not isinstance(found, RuleViolation):
            return None
        text = f"openapi.{self.api}:fail {period.ref} is not offered on {today}"
        return CloudSDKError(found.code, text, self._rule.describe())

    def request(self, period: Period) -> dict[str, Any]:
        """Return the parameters that ask for a window."""
        asked = self._rule.put(self._params, period)
        if self._rule.wants_seconds:
            # The last second of the day: with midnight the answer has the next day too.
            last = int(self._rule.last(period.end)) - 1
            asked = put_value(asked, self._rule.end, last)
        return asked

    def key_days(self, period: Period) -> list[tuple[int, date]]:
        """Return each key that an answer can have, with the day from which it can exist.

        An API without keys has one, 0.
        """
        # Asked for twice: when a call is planned, and when its answer has come.
        days = self._key_days.get(period)
        if days is None:
            if len(self._key_days) >= _MOST_PERIODS:
                self._key_days.clear()
            days = [(key, _later(period, key).end + _DAY) for key in self._keys]
            self._key_days[period] = days
        return days

    def next_due(self, period: Period, answer: Mapping[str, Any], asked: date) -> date | None:
        """Return the day to ask for a window again, None if its answer is complete.

        It is the day of a key's first chance. If a key that could exist is missing, it is the day
        of the answer itself, for two more days: the service may be late.
        """
        present = self._keys_of(answer)
        days = [
            max(day, asked)
            for key, day in self.key_days(period)
            if key not in present and asked < day + LATE_DAYS * _DAY
        ]
        return min(days, default=None)

    def _keys_of(self, answer: Mapping[str, Any]) -> set[int]:
        """Return the keys that every list of an answer has."""
        if not self.operation.keyed:
            return {0}
        try:
            found = [{row["key"] for row in answer[field]} for field in self.operation.keyed]
        except (KeyError, TypeError):
            # Not the answer of this API: a key that can exist is missing.
            return set()
        return set.intersection(*found)


def span_of(period: Period) -> str:
    """Return the length of a window: day, week, month, or such as ``7 days``."""
    if period.span != "window":
        return period.span
    return f"{(period.end - period.begin).days + 1} days"


def days_of(span: str) -> int:
    """Return the ``days`` of a series by the length of its windows."""
    number, _, unit = span.partition(" ")
    return int(number) if unit else 1


def _later(period: Period, steps: int) -> Period:
    return period.after(steps) if steps else period


def _dated(api: str) -> Operation:
    catalogue = default_catalogue()
    operation = catalogue.find(api)
    if operation.rules:
        return operation
    dated = [name for name, outline in catalogue.outlines.items() if outline.simulated]
    like = nearest(operation.name, dated)
    hint = f"; did you mean {like}?" if like else f", unlike {', '.join(dated)}"
    raise UsageError(f"{operation.name} does not answer for a period{hint}")


def _params_text(api: str, params: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(params, sort_keys=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{api}: the parameters cannot be written as JSON: {error}") from None
    if len(text) > _LONGEST_PARAMS:
        raise UsageError(f"{api}: the parameters are longer than {_LONGEST_PARAMS} characters")
    return text if params else ""


_LONGEST_PARAMS: Final = 255
"""The width of the store's column, which is a part of its key."""
