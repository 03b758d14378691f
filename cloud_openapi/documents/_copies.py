"""Copies of documents: those of callers, within MongoDB's limits, and those for callers."""

import re
from datetime import datetime, timezone
from typing import Any, Final

from cloud_openapi.documents._errors import OVERFLOW, TOO_LARGE, OperationFailure, check
from cloud_openapi.documents._numbers import INT64
from cloud_openapi.documents._values import Document

DEPTH: Final = 100
LARGEST: Final = 16 * 1024 * 1024  # bytes of a document


def fresh(value: Any) -> Any:
    """Return a copy that the caller may change."""
    if type(value) is dict:
        copy = value.copy()
        for name, each in value.items():
            if type(each) is dict or type(each) is list:
                copy[name] = fresh(each)
        return copy
    return [fresh(each) for each in value] if type(value) is list else value


def clean(value: Any) -> Any:
    """Return a copy of a caller's value in the types of this module. Raises OperationFailure."""
    return measured(value)[0]


def check_limits(document: Document) -> None:
    """Raise OperationFailure for a document that is too large as BSON, or nested too deep."""
    check_size(measured(document)[1])


def check_size(size: int) -> None:
    """Raise OperationFailure for the size of a document that is too large."""
    if size > LARGEST:
        error = f"The document is larger than {LARGEST} bytes, the limit of a document"
        raise OperationFailure(error, TOO_LARGE)


def measured(value: Any, depth: int = 0) -> tuple[Any, int]:
    """Return a copy as `clean` does, and about its bytes as BSON: one walk finds both."""
    kind = type(value)
    if kind is str:
        return value, 5 + (len(value) if value.isascii() else len(value.encode(errors="replace")))
    if kind is float or kind is bool or value is None:
        return value, 10
    if kind is int and -INT64 <= value < INT64:
        return value, 10
    if depth >= DEPTH and isinstance(value, dict | list | tuple):
        raise OperationFailure(f"The value has more than {DEPTH} levels of nesting", OVERFLOW)
    copy: Any
    if isinstance(value, dict):
        copy, size = {}, 5
        for given, each in value.items():
            name = given if type(given) is str else _name(given)
            copy[name], more = measured(each, depth + 1)
            size += 2 + len(name) + more
    elif isinstance(value, list | tuple):
        copy, size = [], 5
        for each in value:
            item, more = measured(each, depth + 1)
            size += 2 + len(str(len(copy))) + more
            copy.append(item)
    elif isinstance(value, str):
        copy, size = measured(str(value), depth)
    else:
        copy = _clean_other(value)
        size = 5 + len(copy) if isinstance(copy, bytes) else 10
    return copy, size


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
    check(isinstance(value, float), f"The database has no type for {type(value).__name__}")
    return float(value)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are identical, also in the types of numbers and order of fields."""
    if one is other:
        return True
    if type(one) is dict and type(other) is dict:
        return same([*one.items()], [*other.items()])
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)
