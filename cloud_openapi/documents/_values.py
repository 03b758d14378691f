"""Values of documents: types, order, copies within MongoDB's limits.

The types are None, bool, int, float, str, bytes, list, dict, datetime (naive, in UTC), re.Pattern,
and any class named ``ObjectId``.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timezone
from types import NoneType
from typing import Any, Final, TypeVar

from cloud_openapi.documents._errors import (
    BAD_VALUE,
    OVERFLOW,
    PARSE,
    TOO_LARGE,
    OperationFailure,
    check,
)

Document = dict[str, Any]
Key = tuple[Any, ...]
_T = TypeVar("_T")

DEPTH: Final = 100
LARGEST: Final = 16 * 1024 * 1024  # bytes of a document
INT32, INT64 = 2**31, 2**63


class _Missing:
    """The value of a field that a document does not have."""


MISSING: Final[Any] = _Missing()


def is_number(value: Any) -> bool:
    """Return whether a value is a number; a bool is not."""
    return type(value) is int or type(value) is float


def is_null(value: Any) -> bool:
    """Return whether a value is null or missing."""
    return value is None or value is MISSING


def or_null(value: Any) -> Any:
    """Return a value, or None for a missing one."""
    return None if value is MISSING else value


def truthy(value: Any) -> bool:
    """Return whether a value counts as true: all but false, null, missing and 0."""
    return value not in (None, MISSING, 0)  # False is 0, too


def whole(value: Any) -> int | None:
    """Return a number without a fraction as int, None for any other value."""
    return int(value) if is_number(value) and value % 1 == 0 else None


def remainder(one: int, other: int) -> int:
    """Return the remainder with the sign of the first number, as in C."""
    found = abs(one) % abs(other)
    return found if one >= 0 else -found


def is_operators(value: Any) -> bool:
    """Return whether a value is an object of operators, such as ``{"$gt": 1}``."""
    return type(value) is dict and bool(value) and next(iter(value)).startswith("$")


# Of each type MongoDB's name, and a key. The keys give one order of all values, and those of equal
# values are equal: 1 and 1.0 have one key, True another.
# https://www.mongodb.com/docs/v4.2/reference/bson-type-comparison-order/
EMPTY_LIST: Final[Key] = (0, 0)  # is sorted before null
_KINDS: Final[dict[type, tuple[str, Callable[[Any], Key]]]] = {
    _Missing: ("missing", lambda _: (1, 0)),
    NoneType: ("null", lambda _: (5, 0)),
    int: ("int", lambda value: (10, value)),
    float: ("double", lambda value: (9, 0) if math.isnan(value) else (10, value)),
    str: ("string", lambda value: (15, value)),
    dict: ("object", lambda value: (20, tuple([_field_key(*each) for each in value.items()]))),
    list: ("array", lambda value: (25, tuple([key(each) for each in value]))),
    bytes: ("binData", lambda value: (30, len(value), value)),
    bool: ("bool", lambda value: (40, value)),
    datetime: ("date", lambda value: (45, value)),
    re.Pattern: ("regex", lambda value: (50, value.pattern, value.flags)),
}
_KEYS: Final = {kind: key for kind, (_, key) in _KINDS.items()}


def _field_key(name: str, value: Any) -> Key:
    group, *rest = key(value)
    return (group, name, *rest)


def _object_id_key(value: Any) -> Key:
    return (35, str(value))


def key(value: Any) -> Key:
    """Return a tuple that is ordered among those of all other values, whatever their types."""
    return _KEYS.get(type(value), _object_id_key)(value)


def distinct(values: Iterable[Any]) -> list[Any]:
    """Return each value once, the first of equal ones."""
    found: dict[Key, Any] = {}
    for each in values:
        found.setdefault(key(each), each)
    return list(found.values())


def type_name(value: Any) -> str:
    """Return MongoDB's name of a value's type."""
    if type(value) is int and not -INT32 <= value < INT32:
        return "long"
    return _KINDS[type(value)][0] if type(value) in _KINDS else "objectId"


def needs(kind: type[_T], name: str, value: Any, code: int = BAD_VALUE) -> _T:
    """Return the operand of an operator, which must be of a type. Raises OperationFailure."""
    if type(value) is kind:
        return value
    article = "a" if kind is str else "an"
    error = f"{name} needs {article} {_KINDS[kind][0]}, not {type_name(value)}: {shown(value)}"
    raise OperationFailure(error, code)


def options(
    name: str, operand: Any, required: Collection[str], optional: Collection[str] = ()
) -> Document:
    """Return an operand that is an object of named options. Raises OperationFailure."""
    given = needs(dict, name, operand, PARSE)
    wrong = (given.keys() - {*required, *optional}) or ({*required} - given.keys())
    check(not wrong, f"{name} has a missing or unknown option: {min(wrong, default='')}", PARSE)
    return given


def same(one: Any, other: Any) -> bool:
    """Return whether two values are identical, also in the types of numbers and order of fields."""
    if one is other:
        return True
    if type(one) is dict and type(other) is dict:
        return same([*one.items()], [*other.items()])
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def fresh(value: Any) -> Any:
    """Return a copy that the caller may change."""
    if type(value) is dict:
        copy = value.copy()
        for name, each in value.items():
            if type(each) is dict or type(each) is list:
                copy[name] = fresh(each)
        return copy
    return [fresh(each) for each in value] if type(value) is list else value


def clean(value: Any, depth: int = 0) -> Any:
    """Return a copy of a caller's value in the types of this module. Raises OperationFailure."""
    kind = type(value)
    if kind is str or kind is float or kind is bool or value is None:
        return value
    if depth > DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        return {_name(name): clean(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean(each, depth + 1) for each in value]
    return _clean_other(value)


def _name(name: Any) -> str:
    check(isinstance(name, str), f"The name of a field must be a string, not {name!r:.80}")
    return str(name)


def _clean_other(value: Any) -> Any:
    if isinstance(value, int):
        check(-INT64 <= value < INT64, "MongoDB can only handle up to 8-byte ints")
        return int(value)
    if isinstance(value, datetime):
        value = value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        return value.replace(microsecond=value.microsecond // 1000 * 1000)  # BSON has milliseconds
    if type(value).__name__ == "ObjectId" or isinstance(value, re.Pattern | bytes):
        return value
    check(isinstance(value, str | float), f"The database has no type for {type(value).__name__}")
    return str(value) if isinstance(value, str) else float(value)


def check_limits(document: Document) -> None:
    """Raise OperationFailure for a document that is too large as BSON, or nested too deep."""
    error = f"The document is larger than {LARGEST} bytes, the limit of a document"
    check(_size(document) <= LARGEST, error, TOO_LARGE)


def _size(value: Any, depth: int = 0) -> int:
    kind = type(value)
    if kind is str:
        return 5 + (len(value) if value.isascii() else len(value.encode(errors="replace")))
    if kind is not dict and kind is not list:
        return 5 + len(value) if kind is bytes else 10
    if depth > DEPTH:
        raise _too_deep()
    if kind is dict:
        return 5 + sum([2 + len(name) + _size(each, depth + 1) for name, each in value.items()])
    return 5 + sum([2 + len(str(n)) + _size(each, depth + 1) for n, each in enumerate(value)])


def _too_deep() -> OperationFailure:
    return OperationFailure(f"The value has more than {DEPTH} levels of nesting", OVERFLOW)


def shown(value: Any, levels: int = 3) -> str:
    """Return the beginning of a value as MongoDB's errors show it: ``{ a: 1, b: "x" }``."""
    if type(value) is dict and levels:
        fields = [f"{name}: {shown(value[name], levels - 1)}" for name in [*value][:9]]
        return f"{{ {', '.join(fields)} }}" if fields else "{}"
    if type(value) is list and levels:
        return f"[ {', '.join([shown(each, levels - 1) for each in value[:9]])} ]"
    if type(value) is str:
        return f'"{value[:100]}"'
    words: dict[Any, str] = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or type(value) is bool else str(value)[:100]
