"""Operators of dates in expressions."""

import re
from collections.abc import Callable, Container
from datetime import datetime, timedelta, timezone, tzinfo
from operator import methodcaller
from typing import Any, Final

from cloud_openapi.documents._errors import OperationFailure, check
from cloud_openapi.documents._numbers import whole
from cloud_openapi.documents._operands import is_null, needs
from cloud_openapi.documents._values import Document, shown

_OFFSET: Final = re.compile(r"([+-])([01]\d|2[0-3]):?(\d\d)?$")
_COMPACT: Final = re.compile(r"^(\d{4})(\d\d)(\d\d)(?!\d)")
_ISO: Final = (
    r"(?P<year>\d{4})([-/])(?P<month>\d\d?)\2(?P<day>\d\d?)"
    r"(?:[T ](?P<hour>\d\d?):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,3})\d*)?)?)?"
    r"\s*(?P<offset>Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?"
)
PARTS: Final[dict[str, Callable[[datetime], int]]] = {
    "$year": lambda date: date.year,
    "$month": lambda date: date.month,
    "$dayOfMonth": lambda date: date.day,
    "$hour": lambda date: date.hour,
    "$minute": lambda date: date.minute,
    "$second": lambda date: date.second,
    "$millisecond": lambda date: date.microsecond // 1000,
    "$dayOfYear": lambda date: int(f"{date:%j}"),
    "$dayOfWeek": lambda date: date.isoweekday() % 7 + 1,
    "$week": lambda date: int(f"{date:%U}"),
    "$isoDayOfWeek": lambda date: date.isoweekday(),
    "$isoWeek": lambda date: date.isocalendar()[1],
    "$isoWeekYear": lambda date: date.isocalendar()[0],
}


def zone(name: Any) -> tzinfo | None:
    """Return a time zone by its Olson name or offset, None for null. Raises OperationFailure."""
    if is_null(name):
        return None
    if name in ("UTC", "GMT", "Z"):
        return timezone.utc
    if type(name) is str and (match := _OFFSET.match(name)):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return timezone(offset if match[1] == "+" else -offset)
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most programs need none

    try:
        return ZoneInfo(name)
    except Exception:  # noqa: BLE001 - it raises OSError, ValueError, KeyError, TypeError …
        error = f"unrecognized time zone identifier: {shown(name)}"
        raise OperationFailure(error, 40485) from None


def _local(name: str, date: Any, place: tzinfo) -> datetime:
    return needs(datetime, name, date, 16006).replace(tzinfo=timezone.utc).astimezone(place)


def part(name: str, fields: Document) -> int | None:
    """Return a part of ``date`` in ``timezone``."""
    date, place = fields["date"], zone(fields.get("timezone", "UTC"))
    return None if is_null(date) or place is None else PARTS[name](_local(name, date, place))


_FORMATS: Final[dict[str, Callable[[datetime], str]]] = {
    "Y": lambda date: f"{date.year:04}",
    "L": lambda date: f"{date.microsecond // 1000:03}",
    "u": lambda date: str(date.isoweekday()),
    "w": lambda date: str(date.isoweekday() % 7 + 1),
    "Z": lambda date: f"{(date.utcoffset() or timedelta()) // timedelta(minutes=1):+d}",
    **{each: methodcaller("strftime", f"%{each}") for each in "dGHjmMSUVz%"},
}
_READ: Final = {
    "d": r"(?P<day>\d{1,2})",
    "m": r"(?P<month>\d{1,2})",
    "Y": r"(?P<year>\d{1,4})",
    "G": r"(?P<isoWeekYear>\d{1,4})",
    "V": r"(?P<isoWeek>\d{1,2})",
    "u": r"(?P<isoDayOfWeek>[1-7])",
    "H": r"(?P<hour>\d{1,2})",
    "M": r"(?P<minute>\d\d)",
    "S": r"(?P<second>\d\d)",
    "L": r"(?P<millisecond>\d{1,3})",
    "z": r"(?P<offset>[+-](?:[01]\d|2[0-3]):?[0-5]\d)",
    "Z": r"(?P<minutes>[+-]\d{1,3})",
    "%": "%",
}
"""The patterns of the parts that $dateFromString reads, with the names of $dateFromParts."""
_SPECIFIER: Final = re.compile("%(.?)", re.DOTALL)


def _check_format(form: Any, known: Container[str], code: int) -> None:
    text = "" if is_null(form) else needs(str, "the format of a date", form, code)
    for match in _SPECIFIER.finditer(text):
        valid = match[1] in known
        check(valid, f"Invalid format character '{match[0]}' in format string", 18536)


def to_string(fields: Document) -> Any:
    """Return the result of $dateToString, with ``date``, ``format``, ``timezone``, ``onNull``."""
    date, form = fields["date"], fields.get("format", "%Y-%m-%dT%H:%M:%S.%LZ")
    _check_format(form, _FORMATS, 18533)
    place = zone(fields.get("timezone", "UTC"))
    if is_null(date):
        return fields.get("onNull")
    if place is None or is_null(form):
        return None
    moment = _local("$dateToString", date, place)
    return _SPECIFIER.sub(lambda match: _FORMATS[match[1]](moment), form)


def from_parts(fields: Document) -> Any:
    """Return the result of $dateFromParts; parts beyond their range carry over."""
    if any(map(is_null, fields.values())):
        return None
    place = zone(fields.pop("timezone", "UTC"))
    number: dict[str, Any] = {name: whole(each) for name, each in fields.items()}
    valid = ("year" in number) != ("isoWeekYear" in number) and None not in number.values()
    check(valid, "$dateFromParts needs 'year' or 'isoWeekYear', and integers", 40515)
    if "year" in number:
        years, month = divmod(number.get("month", 1) - 1, 12)
        day = datetime(number["year"] + years, month + 1, 1)  # noqa: DTZ001
        days = number.get("day", 1) - 1
    else:
        day = datetime.fromisocalendar(number["isoWeekYear"], 1, 1)
        days = 7 * (number.get("isoWeek", 1) - 1) + number.get("isoDayOfWeek", 1) - 1
    units = ("hour", "minute", "second", "millisecond")
    rest = timedelta(days, **{f"{unit}s": number.get(unit, 0) for unit in units})
    return _utc((day + rest).replace(tzinfo=place))


def from_string(fields: Document) -> Any:
    """Return the result of $dateFromString; ``format`` is like that of $dateToString."""
    text, form = fields["dateString"], fields.get("format", "")
    _check_format(form, _READ, 40684)
    place = zone(fields.get("timezone", "UTC"))
    if is_null(text):
        return fields.get("onNull")
    if type(text) is str and (place is None or is_null(form)):
        return None
    try:
        return _read(text, form if "format" in fields else None, place)
    except (OverflowError, ValueError, KeyError, TypeError, re.error):
        if "onError" in fields:
            return fields["onError"]
        raise OperationFailure(f"Error parsing date string {shown(text)}", 241) from None


def _read(text: Any, form: str | None, place: tzinfo | None) -> datetime:
    """Return the date of a text, such as 2026-03-01, 2026/3/1 or 20260301 without a format.

    Raises ValueError, KeyError for a part that is not there, TypeError for another type.
    """
    if form is None:
        match = re.fullmatch(_ISO, _COMPACT.sub(r"\1-\2-\3", text, count=1))
    else:
        pattern = _SPECIFIER.sub(lambda letter: _READ[letter[1]], re.escape(form))
        match = re.fullmatch(pattern, text)
    parts = {name: each for name, each in match.groupdict().items() if each} if match else {}
    offset, minutes, fraction = (parts.pop(name, "") for name in ("offset", "minutes", "fraction"))
    own = zone(offset) if offset else timezone(timedelta(minutes=int(minutes))) if minutes else None
    if own and place is not timezone.utc:
        raise ValueError(text)  # only one of them may be given
    number = {name: int(each) for name, each in parts.items()}
    if "isoWeekYear" in number:
        week = (number.get(name, 1) for name in ("isoWeekYear", "isoWeek", "isoDayOfWeek"))
        day = datetime.fromisocalendar(*week)
    else:
        day = datetime(number["year"], number["month"], number["day"])  # noqa: DTZ001
    hour, minute, second = (number.get(name, 0) for name in ("hour", "minute", "second"))
    millisecond = number.get("millisecond", int(fraction.ljust(3, "0")))
    date = day.replace(hour=hour, minute=minute, second=second, microsecond=millisecond * 1000)
    return _utc(date.replace(tzinfo=own or place))


def _utc(date: datetime) -> datetime:
    return date.astimezone(timezone.utc).replace(tzinfo=None)
