"""Operators of dates in expressions."""

import re
from collections.abc import Callable, Container
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, Final

from cloud_openapi.documents._errors import OperationFailure, check
from cloud_openapi.documents._values import MISSING, Document, shown, type_name, whole

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - dates of documents are in UTC
_OFFSET: Final = re.compile(r"([+-])([01]\d|2[0-3]):?(\d\d)?$")
_COMPACT: Final = re.compile(r"^(\d{4})(\d\d)(\d\d)(?!\d)")
_ISO: Final = re.compile(
    r"(?P<year>\d{4})([-/])(?P<month>\d\d?)\2(?P<day>\d\d?)"
    r"(?:[T ](?P<hour>\d\d?):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,3})\d*)?)?)?"
    r"\s*(?P<offset>Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?$"
)
_NAMES: Final = ("UTC", "GMT", "Z", MISSING)
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


def zone(name: Any) -> tzinfo:
    """Return a time zone by its Olson name or offset. Raises OperationFailure."""
    if name in _NAMES:
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


def local(date: Any, name: Any, operator: str) -> datetime:
    """Return a document's date in a time zone. Raises OperationFailure."""
    check(type(date) is datetime, f"{operator} needs a date, not {type_name(date)}", 16006)
    try:
        return date.replace(tzinfo=timezone.utc).astimezone(zone(name))  # type: ignore[no-any-return]
    except OverflowError:
        raise _out_of_range(operator) from None


def milliseconds(date: datetime) -> int:
    """Return the milliseconds since 1970."""
    return (date - _EPOCH) // timedelta(milliseconds=1)


def shifted(date: datetime, milliseconds: float) -> datetime:
    """Return a date so many milliseconds later. Raises OperationFailure."""
    try:
        return date + timedelta(milliseconds=round(milliseconds))
    except (OverflowError, ValueError):
        raise _out_of_range("$add") from None


_FORMATS: Final[dict[str, Callable[[datetime], str]]] = {
    "Y": lambda date: f"{date.year:04}",
    "L": lambda date: f"{date.microsecond // 1000:03}",
    "u": lambda date: str(date.isoweekday()),
    "w": lambda date: str(date.isoweekday() % 7 + 1),
    "z": lambda date: f"{date:%z}",
    "Z": lambda date: f"{(date.utcoffset() or timedelta()) // timedelta(minutes=1):+d}",
    "%": lambda _: "%",
}
_WRITTEN: Final = frozenset("dGHjmMSUV") | _FORMATS.keys()
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
_NULL: Final = (None, MISSING)


def _check_format(form: str, known: Container[str]) -> None:
    for match in _SPECIFIER.finditer(form):
        valid = match[1] in known
        check(valid, f"Invalid format character '{match[0]}' in format string", 18536)


def _zone_of(fields: Document) -> tzinfo | None:
    """Return the time zone of the operand ``timezone``, None for null. Raises OperationFailure."""
    name = fields.get("timezone", "UTC")
    return None if name in _NULL else zone(name)


def to_string(fields: Document) -> Any:
    """Return the result of $dateToString, with ``date``, ``format``, ``timezone``, ``onNull``."""
    date, form = fields["date"], fields.get("format", "%Y-%m-%dT%H:%M:%S.%LZ")
    if form not in _NULL:
        check(type(form) is str, "$dateToString requires that 'format' be a string", 18533)
        _check_format(form, _WRITTEN)
    place = _zone_of(fields)
    if date in _NULL:
        return fields.get("onNull")
    if place is None or form in _NULL:
        return None
    moment = local(date, fields.get("timezone", MISSING), "$dateToString")

    def part(match: "re.Match[str]") -> str:
        return _FORMATS[match[1]](moment) if match[1] in _FORMATS else moment.strftime(match[0])

    return _SPECIFIER.sub(part, form)


def from_parts(fields: Document) -> Any:
    """Return the result of $dateFromParts; parts beyond their range carry over."""
    if any(each is None for each in fields.values()):
        return None
    place = zone(fields.pop("timezone", MISSING))
    number = {name: whole(each) or 0 for name, each in fields.items()}
    valid = ("year" in number) != ("isoWeekYear" in number) and all(
        whole(each) is not None for each in fields.values()
    )
    check(valid, "$dateFromParts needs 'year' or 'isoWeekYear', and integers", 40515)
    try:
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
    except (OverflowError, ValueError):
        raise _out_of_range("$dateFromParts") from None


def from_string(fields: Document) -> Any:
    """Return the result of $dateFromString; ``format`` is like that of $dateToString."""
    text, form = fields["dateString"], fields.get("format", "")
    if form not in _NULL:
        check(type(form) is str, "$dateFromString requires that 'format' be a string", 40684)
        _check_format(form, _READ)
    place = _zone_of(fields)
    if text in _NULL:
        return fields.get("onNull")
    if type(text) is str and (place is None or form in _NULL):
        return None
    try:
        return _read(text, form, place) if "format" in fields else _read_iso(text, place)
    except (OverflowError, ValueError):
        if "onError" in fields:
            return fields["onError"]
        raise OperationFailure(f"Error parsing date string {shown(text)}", 241) from None


def _read_iso(text: Any, place: tzinfo | None) -> datetime:
    """Return the date of a text such as 2026-03-01, 2026/3/1 or 20260301. Raises ValueError."""
    match = type(text) is str and _ISO.match(_COMPACT.sub(r"\1-\2-\3", text, count=1))
    if not match:
        raise ValueError(text)
    parts = match.groupdict(default="0")
    names = ("year", "month", "day", "hour", "minute", "second")
    millisecond = int(parts["fraction"].ljust(3, "0"))
    date = datetime(*(int(parts[name]) for name in names), microsecond=millisecond * 1000)  # type: ignore[misc, arg-type]  # noqa: DTZ001
    own = zone(match["offset"]) if match["offset"] else None
    return _utc(date.replace(tzinfo=_only_zone(own, place)))


def _read(text: Any, form: str, place: tzinfo | None) -> datetime:
    """Return the date of a text in a format. Raises ValueError."""
    pattern = "".join(
        _READ[each[1]] if each[0] == "%" else re.escape(each)
        for each in re.findall("%.|[^%]", form, flags=re.DOTALL)
    )
    match = re.fullmatch(pattern, text) if type(text) is str else None
    if match is None:
        raise ValueError(text)
    parts = match.groupdict()
    offset, minutes = parts.pop("offset", None), parts.pop("minutes", None)
    own = zone(offset) if offset else None
    if minutes:
        own = timezone(timedelta(minutes=int(minutes)))
    number = {name: int(each) for name, each in parts.items()}
    if "isoWeekYear" in number:
        ordinal = ("isoWeekYear", "isoWeek", "isoDayOfWeek")
        day = datetime.fromisocalendar(*(number.get(name, 1) for name in ordinal))
    elif number.keys() >= {"year", "month", "day"}:
        day = datetime(number["year"], number["month"], number["day"])  # noqa: DTZ001
    else:
        raise ValueError(form)
    date = day.replace(
        hour=number.get("hour", 0),
        minute=number.get("minute", 0),
        second=number.get("second", 0),
        microsecond=number.get("millisecond", 0) * 1000,
    )
    return _utc(date.replace(tzinfo=_only_zone(own, place)))


def _only_zone(own: tzinfo | None, place: tzinfo | None) -> tzinfo | None:
    """Return the time zone of a text or of the operand. Raises ValueError if both have one."""
    if own is None:
        return place
    if place is not timezone.utc:
        raise ValueError
    return own


def _utc(date: datetime) -> datetime:
    return date.astimezone(timezone.utc).replace(tzinfo=None)


def _out_of_range(operator: str) -> OperationFailure:
    return OperationFailure(f"{operator}: the date is outside of the years 1 to 9999", 40523)
