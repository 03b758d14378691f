from datetime import date, datetime
from typing import Final

from cloud_openapi.errors import UsageError
from cloud_openapi.periods import parse_day

Day = date | str
"""A day: a date, or a text such as 20260301 or 2026-03-01."""

EARLIEST: Final = date(1970, 1, 1)
LATEST: Final = date(9999, 11, 30)
"""The days between which every window is."""


def day_of(name: str, value: Day) -> date:
    """Return a day. Raises UsageError, which calls the value ``name``."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    found = parse_day(value.replace("-", "")) if isinstance(value, str) else None
    if found is None:
        raise UsageError(f"{name} is a day such as 2026-03-01, not {value!r}")
    return found


def range_of(begin: Day, end: Day, earliest: date = EARLIEST) -> tuple[date, date]:
    """Return the ends of a range of days, no earlier than ``earliest`` and no later than LATEST.

    Raises UsageError unless the days are in order and some of them have windows.
    """
    first, last = day_of("begin", begin), day_of("end", end)
    if last < first:
        raise UsageError(f"begin, {first}, is later than end, {last}")
    if last < earliest or first > LATEST:
        raise UsageError(f"windows are from {earliest} to {LATEST}, not from {first} to {last}")
    return max(first, earliest), min(last, LATEST)
