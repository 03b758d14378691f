"""Values of documents: types and order.

The types are None, bool, int, float, str, bytes, list, dict, datetime (naive, in UTC), re.Pattern,
and any class named ``ObjectId``.
"""

import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from types import NoneType
from typing import Any, Final

from cloud_openapi.documents._numbers import INT32

Document = dict[str, Any]
Key = tuple[Any, ...]


class _Missing:
    """The value of a field that a document does not have."""


MISSING: Final[Any] = _Missing()


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
NAMES: Final = {kind: name for kind, (name, _) in _KINDS.items()}
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
    return NAMES.get(type(value), "objectId")


def shown(value: Any, levels: int = 3) -> str:
    """Return the beginning of a value as MongoDB's errors show it: ``{ a: 1, b: "x" }``."""
    if type(value) is dict and levels:
        fields = [f"{name}: {shown(value[name], levels - 1)}" for name in [*value][:9]]
        return f"{{ {', '.join(fields)} }}" if fields else "{}"
    if type(value) is list and levels:
        return f"[ {', '.join([shown(each, levels - 1) for each in value[:9]])} ]"
    if type(value) is str:
        return f'"{value[:100]}"'
    words: dict[Any, str] = {None: "null", MISSING: "missing", True: "true", False: "false"}
    return words[value] if type(value) in {NoneType, _Missing, bool} else str(value)[:100]
