"""Extended JSON, in which SDKs and the cloud database exchange documents, queries and updates.

Newer SDKs send canonical texts and read relaxed ones; the older ones send and read plain objects.
https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/

In Python the values are None, bool, int, float, str, list, dict, datetime, re.Pattern, `ObjectId`
and `ServerDate`.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal, NamedTuple

from cloud_openapi.json_text import read_json_body

Form = Literal["canonical", "relaxed", "plain"]
"""``plain`` is that of SDKs before 2.1, in which numbers have no types."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND: Final = timedelta(milliseconds=1)
_INT, _LONG = 2**31, 2**63
_WHOLE: Final = re.compile(r"-?\d{1,19}")
_OBJECT_ID: Final = re.compile(r"[0-9a-fA-F]{24}")
# MongoDB ignores other flags, such as g of JavaScript.
_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
_LONGEST_PATTERN: Final = 32_764
_LONGEST_SHOWN: Final = 80
_FOREIGN: Final = (
    *("$binary", "$code", "$dbPointer", "$maxKey", "$minKey", "$symbol", "$timestamp"),
    *("$undefined", "$uuid"),
)


class ObjectId(str):
    """An id that MongoDB made: 24 hexadecimal digits."""

    __slots__ = ()


class ServerDate(NamedTuple):
    """The time at which the server answers the request, plus an offset in milliseconds."""

    offset: float = 0


def aware(milliseconds: float) -> datetime:
    """Return the time so many milliseconds after 1970 began, with the zone UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


class Decoder:
    """Decodes all forms of Extended JSON.

    ``date`` makes a date of the milliseconds since 1970, ``server_date`` a value of an offset,
    ``object_id`` one of 24 hexadecimal digits.
    """

    def __init__(
        self,
        date: Callable[[float], datetime] = aware,
        server_date: Callable[[float], Any] = ServerDate,
        object_id: Callable[[str], Any] = ObjectId,
    ) -> None:
        self._object_id = object_id
        self._date = date
        self._server_date = server_date

    def read(self, text: str | bytes) -> Any:
        """Return the value of a text. Raises ValueError."""
        return self.decode(read_json_body(text))

    def decode(self, value: Any) -> Any:
        """Return the value of parsed JSON. Raises ValueError for a type with invalid content."""
        if isinstance(value, dict):
            if 1 <= len(value) <= 2 and next(iter(value)).startswith("$"):  # noqa: PLR2004
                return self._of_dollar(value)
            return {name: self.decode(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.decode(each) for each in value]
        return _fitting(value) if type(value) is int else value

    def _of_dollar(self, value: dict[str, Any]) -> Any:
        """Return the value of an object whose first name begins with ``$``: a type or operators."""
        name, content = next(iter(value.items()))
        if len(value) > 1:
            if value.keys() == {"$regex", "$options"} and isinstance(value["$regex"], str):
                return _pattern(value["$regex"], value["$options"])
        elif name in _READERS:
            return _READERS[name](content)
        elif name == "$oid":
            return self._object_id(_object_id(content))
        elif name == "$date":
            if content in _INVALID_DATES:
                raise ValueError("a date is not valid: new Date() got a text that is not a date")
            return self._date_or_server_date(self.decode(content))
        elif name == "$tcb_server_date":
            return self._of_server(self.decode(content))
        elif name in _FOREIGN:
            raise ValueError(f"{name} is a type that the cloud database does not have")
        return {name: self.decode(each) for name, each in value.items()}

    def _date_or_server_date(self, content: Any) -> Any:
        if isinstance(content, dict):
            return self._of_server(content)
        try:
            if isinstance(content, str):
                content = _milliseconds(datetime.fromisoformat(content.replace("Z", "+00:00")))
            return self._date(content)
        except (OverflowError, TypeError, ValueError):
            raise _invalid("$date", content) from None

    def _of_server(self, content: Any) -> Any:
        offset = content.get("offset", 0) if isinstance(content, dict) else None
        if isinstance(offset, bool) or not isinstance(offset, int | float):
            raise _invalid("$tcb_server_date", content)
        try:
            return self._server_date(offset)
        except (OverflowError, ValueError):
            raise _invalid("$tcb_server_date", content) from None


def encode(value: Any, form: Form = "relaxed") -> Any:  # noqa: PLR0911 - a return for each type
    """Return a value as JSON in a form of Extended JSON; a date without a zone is in UTC.

    Raises TypeError for a type that the database does not have, and ValueError for a whole number
    of more than 64 bits. Without types, plain JSON has neither NaN nor Infinity: they become null.
    """
    if isinstance(value, str):
        return {"$oid": str(value)} if isinstance(value, ObjectId) else value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, form)
    if isinstance(value, Mapping):
        return {_name(name): encode(each, form) for name, each in value.items()}
    if isinstance(value, datetime):
        return {"$date": _date(_milliseconds(value), form)}
    if isinstance(value, ServerDate):
        offset = {"offset": encode(value.offset, form)}
        return {"$date" if form == "plain" else "$tcb_server_date": offset}
    if isinstance(value, list | tuple):
        return [encode(each, form) for each in value]
    if isinstance(value, re.Pattern):
        options = "".join(name for name, flag in _FLAGS.items() if value.flags & flag)
        if form == "plain":
            return {"$regex": value.pattern, "$options": options}
        return {"$regularExpression": {"pattern": value.pattern, "options": options}}
    raise TypeError(f"a {type(value).__name__} is a type that the cloud database does not have")


def write(value: Any, form: Form = "relaxed") -> str:
    """Return a value as a text. Raises the errors of `encode`."""
    return json.dumps(encode(value, form), ensure_ascii=False, separators=(",", ":"))


def _number(value: float, form: Form) -> Any:
    if isinstance(value, int):
        if not -_LONG <= value < _LONG:
            raise ValueError(f"a whole number has more than 64 bits: {str(value)[:20]}…")
        if form != "canonical":
            return value
        return {"$numberInt" if -_INT <= value < _INT else "$numberLong": str(value)}
    if math.isfinite(value):
        return value if form != "canonical" else {"$numberDouble": repr(value)}
    if form == "plain":
        return None
    return {"$numberDouble": "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity"}


def _milliseconds(moment: datetime) -> int:
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return (zoned - _EPOCH) // _MILLISECOND


def _date(milliseconds: int, form: Form) -> Any:
    if form == "plain":
        return milliseconds
    if form == "canonical" or milliseconds < 0:
        return {"$numberLong": str(milliseconds)}
    places = "milliseconds" if milliseconds % 1000 else "seconds"
    return aware(milliseconds).isoformat(timespec=places).replace("+00:00", "Z")


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a field is a text, not {name!r}")
    return name


def _fitting(number: int) -> float:
    """Return a number of plain JSON; JavaScript writes 1e20 with all its digits."""
    if -_LONG <= number < _LONG:
        return number
    try:
        return float(number)
    except OverflowError:
        raise _invalid("a number", number) from None


def _whole(content: Any) -> int:
    if not isinstance(content, str) or _WHOLE.fullmatch(content) is None:
        raise _invalid("a whole number", content)
    return int(content)


def _double(content: Any) -> float:
    try:
        return float(content if isinstance(content, str) else "")
    except ValueError:
        raise _invalid("a number", content) from None


def _object_id(content: Any) -> str:
    if not isinstance(content, str) or _OBJECT_ID.fullmatch(content) is None:
        raise _invalid("$oid", content)
    return content


def _regular_expression(content: Any) -> "re.Pattern[str]":
    given = content if isinstance(content, dict) else {}
    return _pattern(given.get("pattern"), given.get("options", ""))


def _pattern(pattern: Any, options: Any) -> "re.Pattern[str]":
    if not isinstance(pattern, str) or not isinstance(options, str):
        raise _invalid("a regular expression", pattern)
    if len(pattern) > _LONGEST_PATTERN:
        raise ValueError(f"a regular expression has more than {_LONGEST_PATTERN} characters")
    flags = sum({_FLAGS.get(each, 0) for each in options})
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        shown = pattern[:_LONGEST_SHOWN]
        raise ValueError(f"the regular expression {shown!r} is not valid: {error}") from None


def _invalid(what: str, content: Any) -> ValueError:
    return ValueError(f"{what} cannot be {str(content)[:_LONGEST_SHOWN]!r}")


# JavaScript's Invalid Date, as plain JSON and as the SDKs write it.
_INVALID_DATES: Final = (None, {"$numberLong": "NaN"})
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$numberInt": _whole,
    "$numberLong": _whole,
    "$numberDouble": _double,
    "$numberDecimal": _double,
    "$regularExpression": _regular_expression,
}
