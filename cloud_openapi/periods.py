"""Natural days, weeks and months in Beijing time, the time of WeChat's statistics."""

import os
import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal, NamedTuple, TypedDict

from cloud_openapi.errors import ConfigError

BEIJING = timezone(timedelta(hours=8), "Beijing")
LAUNCH = date(2017, 1, 9)
"""The Monday on which mini programs were opened to the public: no earlier day has numbers."""
NOW_VARIABLE = "CLOUD_OPENAPI_NOW"
# Compiled by re when it is first used, which in most processes is never.
_TIME = (
    r"(?a)(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)?)?"
    r" ?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?)?"
)

Span = Literal["day", "week", "month"]


class Dates(TypedDict):
    """The two dates of a cloud call."""

    beginDate: str
    endDate: str


class Period(NamedTuple):
    """A day, a week from Monday to Sunday, a month, or any window of days, both ends included."""

    span: Span | Literal["window"]
    begin: date
    end: date

    @property
    def ref(self) -> str:
        """Return the period as WeChat writes ``ref_date``: 20170313, 20170306-20170312, 201702."""
        if self.span == "day":
            return write_day(self.begin)
        if self.span != "month":
            return f"{write_day(self.begin)}-{write_day(self.end)}"
        return write_day(self.begin)[:6]

    def days_before(self, today: date) -> list[date]:
        """Return the days of the period before today."""
        end = min(self.end, today - timedelta(days=1))
        return [self.begin + timedelta(days=n) for n in range((end - self.begin).days + 1)]

    def after(self, steps: int) -> "Period":
        """Return the day, week or month that is ``steps`` days, weeks or months later."""
        if self.span == "window":
            raise ValueError("a window has no natural successor")
        if self.span == "month":
            months = self.begin.year * 12 + self.begin.month - 1 + steps
            return period_with(self.span, date(months // 12, months % 12 + 1, 1))
        days = timedelta(days=steps * (7 if self.span == "week" else 1))
        return Period(self.span, self.begin + days, self.end + days)


def period_with(span: Span, day: date) -> Period:
    """Return the day, week or month that contains a day."""
    if span == "day":
        return Period(span, day, day)
    if span == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(span, monday, monday + timedelta(days=6))
    first = day.replace(day=1)
    return Period(span, first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


@lru_cache(maxsize=64)
def last_complete(span: Span, today: date) -> Period:
    """Return the newest period that ended before today."""
    current = period_with(span, today)
    return current.after(-1)


def newest_dates(span: Span, now: datetime | None = None) -> Dates:
    """Return the dates of the newest complete day, week or month in Beijing.

    The result is ``{"beginDate": "20170306", "endDate": "20170312"}``, ready for a cloud call.
    ``now`` is an aware time; its default is the time in ``CLOUD_OPENAPI_NOW``, which the emulator
    sets for its functions, or else the clock's. Raises ValueError for another span, ConfigError
    for an invalid variable.
    """
    if span not in ("day", "week", "month"):
        raise ValueError(f'a span is "day", "week" or "month", not {span!r}')
    period = last_complete(span, (now or beijing_now()).astimezone(BEIJING).date())
    return {"beginDate": write_day(period.begin), "endDate": write_day(period.end)}


def beijing_now() -> datetime:
    """Return the time in ``CLOUD_OPENAPI_NOW``, or else the clock's, in Beijing.

    Raises ConfigError for an invalid variable.
    """
    text = os.environ.get(NOW_VARIABLE)
    try:
        return (parse_now(text) or datetime.now(BEIJING)).astimezone(BEIJING)
    except ValueError:
        raise ConfigError(
            f"{NOW_VARIABLE} is not a time such as 2017-03-14T10:00: {text!r}"
        ) from None


def parse_now(text: str | None) -> datetime | None:
    """Read an ISO 8601 time, in Beijing time if it has no offset; None for an empty text.

    Raises ValueError for any other text.
    """
    if not text:
        return None
    # datetime.fromisoformat accepts other texts in each release of Python.
    found = re.fullmatch(_TIME, text)
    if found is None:
        raise ValueError(f"not an ISO 8601 time: {text!r}")
    *parts, fraction, utc, sign, hours, minutes = found.groups(default="0")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    zone = timezone(-offset if sign == "-" else offset)
    year, month, day, hour, minute, second = map(int, parts)
    microsecond = int(fraction[:6].ljust(6, "0"))
    zone = BEIJING if utc == sign == "0" else zone
    return datetime(year, month, day, hour, minute, second, microsecond, zone)


def write_day(day: date) -> str:
    """Write a day ``yyyymmdd``."""
    # strftime's %Y has fewer than four digits for an early year on some systems.
    return day.isoformat().replace("-", "")


def parse_day(text: object) -> date | None:
    """Read a day written ``yyyymmdd``; None for any other value."""
    if not (isinstance(text, str) and len(text) == 8 and text.isascii() and text.isdigit()):  # noqa: PLR2004
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
