"""What JSON Schema cannot say about a request: which dates may be asked for."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, cast

from cloud_openapi.periods import Period, Span, last_complete, parse_day, period_with

DATE_FORMAT_ERROR = 61500
DATE_RANGE_ERROR = 61501
_LONGEST_SHOWN = 20

_DESCRIPTIONS = {
    "day": "{begin} and {end} are one and the same day, at the latest yesterday",
    "week": "{begin} is a Monday and {end} the Sunday after it, at the latest last week",
    "month": "{begin} and {end} are the first and the last day of one month, at the latest last month",  # noqa: E501
}


class Violation(NamedTuple):
    """A request that a rule refuses: WeChat's code, and why, for a person."""

    code: int
    reason: str


class DateRange:
    """Two dates that are the ends of one natural day, week or month that is over."""

    CODES = frozenset({DATE_FORMAT_ERROR, DATE_RANGE_ERROR})

    def __init__(self, begin: str, end: str, span: Span, ref: str) -> None:
        self.begin = begin
        self.end = end
        self.span: Span = span
        self.ref = ref

    @classmethod
    def from_entry(cls, entry: Mapping[str, str]) -> "DateRange":
        """Build the rule from its object in the catalogue."""
        return cls(entry["begin"], entry["end"], cast("Span", entry["span"]), entry["ref"])

    def describe(self, rename: Mapping[str, str] | None = None) -> str:
        """Say the rule in words, with the parameters' names or those in ``rename``."""
        names = {"begin": self.begin, "end": self.end}
        if rename:
            names = {role: rename.get(name, name) for role, name in names.items()}
        return _DESCRIPTIONS[self.span].format(**names) + " (Beijing time)."

    def check(self, params: Mapping[str, Any], today: date) -> Period | Violation:
        """Return the period that the dates name, or what is wrong with them.

        A date that cannot be read comes before a date that may not be asked for.
        """
        days = {}
        for field in (self.begin, self.end):
            day = parse_day(params.get(field))
            if day is None:
                return Violation(DATE_FORMAT_ERROR, f"{field} {_shown(params, field)}")
            days[field] = day
        begin, end = days[self.begin], days[self.end]
        if max(begin, end) >= today:
            return Violation(DATE_RANGE_ERROR, f"{begin} to {end} is not over: {self.describe()}")
        period = period_with(self.span, begin)
        if (period.begin, period.end) != (begin, end):
            return Violation(DATE_RANGE_ERROR, f"{begin} to {end}: {self.describe()}")
        if period.end > last_complete(self.span, today).end:
            return Violation(DATE_RANGE_ERROR, f"{begin} to {end} is not over: {self.describe()}")
        return period


def _shown(params: Mapping[str, Any], field: str) -> str:
    if field not in params:
        return "is missing"
    text = repr(params[field])
    # Whatever is longer is no slip of the pen; it could even be a token.
    shown = text if len(text) <= _LONGEST_SHOWN else f"a value of {len(text)} characters"
    return f"is {shown}, not a day written yyyymmdd"
