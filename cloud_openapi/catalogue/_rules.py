"""Rules about the dates of a request, which JSON Schema cannot express."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from cloud_openapi.json_schema.values import is_integer
from cloud_openapi.periods import (
    BEIJING,
    Period,
    Span,
    last_complete,
    parse_day,
    period_with,
    write_day,
)

DATA_FORMAT_ERROR = 47001
DATE_FORMAT_ERROR = 61500
DATE_RANGE_ERROR = 61501
_LONGEST_SHOWN = 20
_SECONDS_A_DAY = 86400
_MOST = 2**37 - 1  # a time far in the future, year 6325

_DESCRIPTIONS = {
    "day": "{begin} and {end} are one and the same day, at the latest yesterday",
    "week": "{begin} is a Monday and {end} the Sunday after it, at the latest last week",
    "month": "{begin} and {end} are the first and the last day of one month, at the latest last month",  # noqa: E501
}


class RuleViolation(NamedTuple):
    """WeChat's code for a request that breaks a rule, and the reason."""

    code: int
    reason: str


class Rule:
    """A rule about the begin and the end of a request's period."""

    CODES: frozenset[int]
    wants_seconds = False
    """Whether the parameters are Unix times."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.begin: str = entry["begin"]
        self.end: str = entry["end"]

    def describe(self, rename: Callable[[str], str] | None = None) -> str:
        """Give the rule as text, with the parameters' names as they are or renamed."""
        begin, end = (rename(name) if rename else name for name in (self.begin, self.end))
        return f"{self._words(begin, end)} (Beijing time)."

    def check(self, params: Mapping[str, Any], today: date) -> Period | RuleViolation:
        """Return the requested period, or the violation of the rule."""
        raise NotImplementedError

    def reads(self, value: Any) -> bool:
        """Return whether a value is a day or a time as the rule's parameters are."""
        return parse_day(value) is not None

    def nearest(self, params: Mapping[str, Any], today: date) -> tuple[str | int, str | int]:
        """Return a begin and an end that keep the rule, near those of readable parameters."""
        raise NotImplementedError

    def newest(self, today: date) -> Iterator[Period]:
        """Yield the periods that keep the rule, the newest first; they may be endless."""
        raise NotImplementedError

    def windows(self, begin: date, end: date, days: int = 1) -> Iterator[Period]:
        """Yield the periods by which the answers about a range are kept, the oldest first.

        They are natural days, weeks or months, or windows of ``days`` days, one for each day on
        which they end. Whether they are over, or too old, is left to `check`.
        """
        raise NotImplementedError

    def put(self, params: Mapping[str, Any], period: Period) -> dict[str, Any]:
        """Return parameters with the begin and the end of a period."""
        begun = put_value(params, self.begin, self.first(period.begin))
        return put_value(begun, self.end, self.last(period.end))

    def first(self, day: date) -> str | int:
        """Return a day as a request's begin."""
        return write_day(day)

    def last(self, day: date) -> str | int:
        """Return a day as a request's end."""
        return write_day(day)

    def _words(self, begin: str, end: str) -> str:
        raise NotImplementedError


class DateRule(Rule):
    """A rule about two dates."""

    CODES = frozenset({DATE_FORMAT_ERROR, DATE_RANGE_ERROR})

    def check(self, params: Mapping[str, Any], today: date) -> Period | RuleViolation:
        """Return the period that the dates name, or the violation.

        A date that cannot be read comes before a date that may not be asked for.
        """
        days = []
        for field in (self.begin, self.end):
            day = parse_day(params.get(field))
            if day is None:
                return RuleViolation(DATE_FORMAT_ERROR, f"{field} {_shown(params, field)}")
            days.append(day)
        begin, end = days
        if max(begin, end) >= today:
            return RuleViolation(
                DATE_RANGE_ERROR, f"{begin} to {end} is not over: {self.describe()}"
            )
        period = self._period(begin, end, today)
        if period is None:
            return RuleViolation(DATE_RANGE_ERROR, f"{begin} to {end}: {self.describe()}")
        return period

    def _period(self, begin: date, end: date, today: date) -> Period | None:
        """Return the period that begins and ends with two past days, None if there is none."""
        raise NotImplementedError


class DateRange(DateRule):
    """Two dates that are the ends of one natural day, week or month that is over."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        super().__init__(entry)
        self.span: Span = entry["span"]

    def newest(self, today: date) -> Iterator[Period]:
        """Yield the days, weeks or months that are over, the newest first."""
        period = last_complete(self.span, today)
        while True:
            yield period
            period = period.after(-1)

    def windows(self, begin: date, end: date, days: int = 1) -> Iterator[Period]:
        """Yield the days, weeks or months that have a day of the range."""
        if days != 1:
            raise ValueError(f"the API answers for a {self.span}, not for {days} days")
        period = period_with(self.span, begin)
        while period.begin <= end:
            yield period
            period = period.after(1)

    def _words(self, begin: str, end: str) -> str:
        return _DESCRIPTIONS[self.span].format(begin=begin, end=end)

    def _period(self, begin: date, end: date, today: date) -> Period | None:
        period = period_with(self.span, begin)
        fits = (period.begin, period.end) == (begin, end)
        return period if fits and end <= last_complete(self.span, today).end else None

    def nearest(self, params: Mapping[str, Any], today: date) -> tuple[str | int, str | int]:
        """Return the ends of the period of the begin, at the latest the last complete one."""
        begin, newest = parse_day(params[self.begin]) or today, last_complete(self.span, today)
        period = period_with(self.span, min(begin, newest.begin))
        return self.first(period.begin), self.last(period.end)


class DateWindow(DateRule):
    """Two dates that are the ends of a window of so many days, which ended lately."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        super().__init__(entry)
        self.days: tuple[int, ...] = tuple(entry["days"])
        self.most_age: int = entry["newest"]
        """How many days ago a window may have ended."""

    def newest(self, today: date) -> Iterator[Period]:
        """Yield the windows that ended lately, the shorter ones of each day first."""
        for age in range(1, self.most_age + 1):
            end = today - timedelta(days=age)
            for days in self.days:
                yield _window(end - timedelta(days=days - 1), end)

    def windows(self, begin: date, end: date, days: int = 1) -> Iterator[Period]:
        """Yield the window of so many days that ends on each day of the range."""
        if days not in self.days:
            known = ", ".join(map(str, self.days))
            raise ValueError(f"the API answers for a number of days among {known}, not {days}")
        for day in _days(begin, end):
            yield _window(day - timedelta(days=days - 1), day)

    def _words(self, begin: str, end: str) -> str:
        days = " or ".join(map(str, self.days))
        return f"{begin} to {end} are {days} days that ended at most {self.most_age} days ago"

    def _period(self, begin: date, end: date, today: date) -> Period | None:
        length = (end - begin).days + 1
        lately = (today - end).days <= self.most_age
        if length not in self.days or not lately:
            return None
        return _window(begin, end)

    def nearest(self, params: Mapping[str, Any], today: date) -> tuple[str | int, str | int]:
        """Return the longest window that the dates hold, ended yesterday if they ended earlier."""
        begin, end = (parse_day(params[name]) or today for name in (self.begin, self.end))
        length = (end - begin).days + 1
        days = max((n for n in self.days if n <= length), default=min(self.days))
        lately = 1 <= (today - end).days <= self.most_age
        last = end if lately else today - timedelta(days=1)
        return self.first(last - timedelta(days=days - 1)), self.last(last)


class TimeRange(Rule):
    """Two unix times in seconds, so many days apart at most."""

    CODES = frozenset({DATA_FORMAT_ERROR})
    wants_seconds = True

    def __init__(self, entry: Mapping[str, Any]) -> None:
        super().__init__(entry)
        self.days: int = entry["days"]

    def check(self, params: Mapping[str, Any], today: date) -> Period | RuleViolation:
        """Return the days of the two times in Beijing, today at the latest."""
        seconds = []
        for field in (self.begin, self.end):
            value: Any = params
            for name in field.split("."):
                value = value.get(name) if isinstance(value, dict) else None
            if not self.reads(value):
                return RuleViolation(DATA_FORMAT_ERROR, f"{field} is not a Unix time")
            seconds.append(value)
        begin, end = seconds
        if not 0 <= end - begin <= self.days * _SECONDS_A_DAY:
            return RuleViolation(DATA_FORMAT_ERROR, self.describe())
        first, last = (datetime.fromtimestamp(value, BEIJING).date() for value in seconds)
        return Period("window", min(first, today), min(last, today))

    def newest(self, today: date) -> Iterator[Period]:
        """Yield the days before today, the newest first."""
        day = period_with("day", today)
        while True:
            day = day.after(-1)
            yield day

    def windows(self, begin: date, end: date, days: int = 1) -> Iterator[Period]:
        """Yield the days of the range: an answer has a value for each day."""
        if days != 1:
            raise ValueError(f"the API's answers are kept by the day, not for {days} days")
        for day in _days(begin, end):
            yield _window(day, day)

    def reads(self, value: Any) -> bool:
        """Return whether a value is a Unix time."""
        return is_integer(value, 0, _MOST)

    def nearest(self, _params: Mapping[str, Any], today: date) -> tuple[str | int, str | int]:
        """Return the day before today."""
        yesterday = today - timedelta(days=1)
        return self.first(yesterday), self.last(yesterday)

    def first(self, day: date) -> int:
        """Return the first second of a day in Beijing."""
        return int(datetime(day.year, day.month, day.day, tzinfo=BEIJING).timestamp())

    def last(self, day: date) -> int:
        """Return the midnight after a day, as in WeChat's example."""
        return self.first(day) + _SECONDS_A_DAY

    def _words(self, begin: str, end: str) -> str:
        return f"{end} is at most {self.days} days after {begin}"


_RULES: dict[str, type[Rule]] = {
    "date_range": DateRange,
    "date_window": DateWindow,
    "time_range": TimeRange,
}


def rule_from_entry(entry: Mapping[str, Any]) -> Rule:
    """Return the rule of an object in the catalogue."""
    return _RULES[entry["rule"]](entry)


def put_value(params: Mapping[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    """Return parameters with one more, whose dotted name may lead into another."""
    name, _, inner = dotted.partition(".")
    held = params.get(name)
    within = held if isinstance(held, Mapping) else {}
    return {**params, name: put_value(within, inner, value) if inner else value}


def _days(begin: date, end: date) -> Iterator[date]:
    return (begin + timedelta(days=n) for n in range((end - begin).days + 1))


def _window(begin: date, end: date) -> Period:
    return Period("day" if begin == end else "window", begin, end)


def _shown(params: Mapping[str, Any], field: str) -> str:
    if field not in params:
        return "is missing"
    text = repr(params[field])
    # A longer value is not a typing error; it could even be a token.
    shown = text if len(text) <= _LONGEST_SHOWN else f"a value of {len(text)} characters"
    return f"is {shown}, not a day written yyyymmdd"
