"""Operators of dates in expressions."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, Final

from cloud_openapi.documents._errors import OperationFailure, check
from cloud_openapi.documents._numbers import whole
from cloud_openapi.documents._operands import is_null, needs
from cloud_openapi.documents._values import MISSING, Document, shown

_OFFSET: Final = re.compile(r"([+-])([01]\d|2[0-3]):?(\d\d)?$")
_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?)?\s*"
    r"(Z|[+-]\d\d:?\d\d)?$"
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


def _local(name: str, fields: Document) -> datetime | None:
    """Return ``date`` in ``timezone``, None if one is null. Raises OperationFailure."""
    if is_null(fields["date"]) or fields.get("timezone", MISSING) is None:
        return None
    date = needs(datetime, name, fields["date"], 16006).replace(tzinfo=timezone.utc)
    return date.astimezone(zone(fields.get("timezone", MISSING)))


def part(name: str, fields: Document) -> int | None:
    """Return a part of ``date`` in ``timezone``."""
    date = _local(name, fields)
    return None if date is None else PARTS[name](date)


_FORMATS: Final[dict[str, Callable[[datetime], str]]] = {
    "Y": lambda date: f"{date.year:04}",
    "L": lambda date: f"{date.microsecond // 1000:03}",
    "u": lambda date: str(date.isoweekday()),
    "w": lambda date: str(date.isoweekday() % 7 + 1),
    "z": lambda date: f"{date:%z}",
    "Z": lambda date: f"{(date.utcoffset() or timedelta()) // timedelta(minutes=1):+d}",
    "%": lambda _: "%",
}


def to_string(fields: Document) -> Any:
    """Return the result of $dateToString, with ``date``, ``format`` and ``timezone``."""
    moment, form = _local("$dateToString", fields), fields.get("format", "%Y-%m-%dT%H:%M:%S.%LZ")
    if moment is None or form is None:
        return None

    def written(match: "re.Match[str]") -> str:
        known = match[1] in _FORMATS or match[1] in {*"dGHjmMSUV"}
        check(known, f"Invalid format character '{match[0]}' in format string", 18536)
        return _FORMATS[match[1]](moment) if match[1] in _FORMATS else moment.strftime(match[0])

    return re.sub("%(.?)", written, needs(str, "$dateToString", form, 18533), flags=re.DOTALL)


def from_parts(fields: Document) -> Any:
    """Return the result of $dateFromParts; parts beyond their range carry over."""
    if any(each is None for each in fields.values()):
        return None
    place = zone(fields.pop("timezone", MISSING))
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
    """Return the result of $dateFromString, with ``dateString`` and ``timezone``."""
    text = fields["dateString"]
    if is_null(text):
        return fields.get("onNull")
    match = _ISO.match(text) if type(text) is str else None
    try:
        *parts, fraction, offset = match.groups() if match else ("0", "0", "0", "0", "")
        given = [int(each) for each in parts if each]
        date = datetime(*given, microsecond=int((fraction or "0").ljust(3, "0")) * 1000)  # type: ignore[misc, arg-type]  # noqa: DTZ001
        return _utc(date.replace(tzinfo=zone(offset or fields.get("timezone", MISSING))))
    except (OverflowError, ValueError):
        if "onError" in fields:
            return fields["onError"]
        raise OperationFailure(f"Error parsing date string {shown(text)}", 241) from None


def _utc(date: datetime) -> datetime:
    return date.astimezone(timezone.utc).replace(tzinfo=None)
