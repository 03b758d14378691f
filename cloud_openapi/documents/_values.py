"""Values of documents: their types, their order, and copies within MongoDB's limits.

Types: None, bool, int, float, str, bytes, list, dict, datetime (naive, UTC), re.Pattern, and any
class named ``ObjectId``.
"""

import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from types import NoneType
from typing import Any, Final

from cloud_openapi.documents._errors import Code, OperationFailure, WriteError

Document = dict[str, Any]
Key = tuple[Any, ...]

DEPTH: Final = 100
LARGEST: Final = 16 * 1024 * 1024
"""Limits of a document: levels of nesting, bytes as BSON."""
_INT32, INT64 = 2**31, 2**63


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING: Final[Any] = _Missing()
"""The value of a field that a document does not have."""


def is_number(value: Any) -> bool:
    """Return whether a value is a number, which a bool is not."""
    return type(value) is int or type(value) is float


def whole(value: Any) -> int | None:
    """Return a number without a fraction as int, None for any other value."""
    if type(value) is int:
        return value
    return int(value) if type(value) is float and value.is_integer() else None


def is_operators(value: Any) -> bool:
    """Return whether a value is an object of operators, such as ``{"$gt": 1}``."""
    return type(value) is dict and bool(value) and next(iter(value)).startswith("$")


_BSON_TYPES: Final[dict[type, tuple[str, int]]] = {
    float: ("double", 1),
    str: ("string", 2),
    dict: ("object", 3),
    list: ("array", 4),
    bytes: ("binData", 5),
    bool: ("bool", 8),
    datetime: ("date", 9),
    NoneType: ("null", 10),
    re.Pattern: ("regex", 11),
    _Missing: ("missing", 0),
}
TYPE_NUMBERS: Final = {
    **{name: number for name, number in _BSON_TYPES.values() if number},
    "undefined": 6,
    "objectId": 7,
    "dbPointer": 12,
    "javascript": 13,
    "symbol": 14,
    "javascriptWithScope": 15,
    "int": 16,
    "timestamp": 17,
    "long": 18,
    "decimal": 19,
    "minKey": -1,
    "maxKey": 127,
}


def type_name(value: Any) -> str:
    """Return MongoDB's name of a value's type."""
    if type(value) is int:
        return "int" if -_INT32 <= value < _INT32 else "long"
    return _BSON_TYPES.get(type(value), ("objectId", 7))[0]


# One order of all values: the number of the type's group, then the value. Keys of equal values are
# equal, so that they serve as keys of a dict: 1 and 1.0 are one key, True is another.
# https://www.mongodb.com/docs/v4.2/reference/bson-type-comparison-order/
_NULL: Final[Key] = (5, 0)
EMPTY_LIST: Final[Key] = (0, 0)
"""The key by which an empty list is sorted, before null."""


def _object_key(value: Document) -> Key:
    keys = [(name, key(each)) for name, each in value.items()]
    return (20, tuple((each[0], name, each[1:]) for name, each in keys))


_KEYS: Final[dict[type, Callable[[Any], Key]]] = {
    _Missing: lambda _: (1, 0),
    NoneType: lambda _: _NULL,
    int: lambda value: (10, value),
    float: lambda value: (9, 0) if math.isnan(value) else (10, value),
    str: lambda value: (15, value),
    dict: _object_key,
    list: lambda value: (25, tuple([key(each) for each in value])),
    bytes: lambda value: (30, len(value), value),
    bool: lambda value: (40, value),
    datetime: lambda value: (45, value),
    re.Pattern: lambda value: (50, value.pattern, value.flags),
}


def key(value: Any) -> Key:
    """Return a tuple that orders a value among all others, and that is equal for equal values."""
    return _KEYS.get(type(value), _object_id_key)(value)


def _object_id_key(value: Any) -> Key:
    return (35, str(value))


def same(one: Any, other: Any) -> bool:
    """Return whether two values are identical, also in the types of numbers and order of fields."""
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return len(one) == len(other) and all(
            a == b and same(one[a], other[b]) for a, b in zip(one, other, strict=True)
        )
    if type(one) is list:
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def fresh(value: Any) -> Any:
    """Return a copy which the caller may change."""
    if type(value) is dict:
        return {name: fresh(each) for name, each in value.items()}
    if type(value) is list:
        return [fresh(each) for each in value]
    return value


def clean(value: Any, depth: int = 0) -> Any:
    """Return a copy of a caller's value in the types of this module.

    Raises OperationFailure for a value of another type, and for too many levels.
    """
    kind = type(value)
    if kind is str or kind is float or kind is bool or value is None:
        return value
    if depth > DEPTH:
        raise _too_deep()
    if kind is dict:
        return {_name(name): clean(each, depth + 1) for name, each in value.items()}
    if kind is list:
        return [clean(each, depth + 1) for each in value]
    return _clean_other(value, depth)


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise OperationFailure(f"The name of a field must be a string, not {name!r:.80}")
    return name


def _clean_other(value: Any, depth: int) -> Any:
    if isinstance(value, int):
        if -INT64 <= value < INT64:
            return int(value)
        raise OperationFailure("MongoDB can only handle up to 8-byte ints", Code.BAD_VALUE)
    if isinstance(value, datetime):
        value = value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        return value.replace(microsecond=value.microsecond // 1000 * 1000)  # BSON has milliseconds
    if type(value).__name__ == "ObjectId" or isinstance(value, re.Pattern | bytes):
        return value
    if isinstance(value, list | tuple):
        return clean([*value], depth)
    if isinstance(value, dict):
        return clean({**value}, depth)
    if isinstance(value, str | float):
        return clean(str(value) if isinstance(value, str) else float(value), depth)
    raise OperationFailure(f"The database has no type for {type(value).__name__}")


_SIZES: Final[dict[type, int]] = {
    NoneType: 0,
    bool: 1,
    int: 8,
    float: 8,
    datetime: 8,
    re.Pattern: 8,
}


def _size(value: Any, depth: int = 0) -> int:
    kind = type(value)
    if kind is str:
        return 5 + (len(value) if value.isascii() else len(value.encode(errors="replace")))
    if kind is not dict and kind is not list:
        return 5 + len(value) if kind is bytes else _SIZES.get(kind, 12)
    if depth > DEPTH:
        raise _too_deep()
    if kind is dict:
        return 5 + sum([2 + len(name) + _size(each, depth + 1) for name, each in value.items()])
    return 5 + sum([2 + len(str(n)) + _size(each, depth + 1) for n, each in enumerate(value)])


def check_limits(document: Document) -> None:
    """Raise OperationFailure for a document that is too large as BSON, or nested too deep."""
    if _size(document) > LARGEST:
        raise WriteError(
            f"The document is larger than {LARGEST} bytes, the limit of a document",
            Code.DOCUMENT_TOO_LARGE,
        )


def _too_deep() -> OperationFailure:
    return OperationFailure(
        f"The value has more than {DEPTH} levels of nested objects and arrays", Code.OVERFLOW
    )


def shown(value: Any) -> str:
    """Return the beginning of a value as MongoDB's errors show it: ``{ a: 1, b: "x" }``."""
    return _shown(value, 4)[:200]


def _shown(value: Any, levels: int) -> str:
    if levels and type(value) is dict:
        fields = [f"{name}: {_shown(value[name], levels - 1)}" for name in _first(value)]
        return f"{{ {', '.join(fields)} }}" if fields else "{}"
    if levels and type(value) is list:
        return f"[ {', '.join(_shown(each, levels - 1) for each in _first(value))} ]"
    if type(value) is str:
        return f'"{value[:100]}"'
    if value is None or type(value) is bool:
        return {None: "null", True: "true", False: "false"}[value]
    return "..." if isinstance(value, dict | list) else str(value)[:100]


def _first(values: Iterable[Any]) -> list[Any]:
    return [each for each, _ in zip(values, range(20), strict=False)]
