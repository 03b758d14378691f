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


def same(one: Any, other: Any) -> bool:
    """Return whether two values are identical, also in the types of numbers and order of fields."""
    if one is other:
        return True
    if type(one) is dict and type(other) is dict:
        return same([*one.items()], [*other.items()])
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)
