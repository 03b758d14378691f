"""Operands: what operators take, and the errors for others."""

import re
from typing import Any, Final, TypeVar

from cloud_openapi.documents._errors import BAD_VALUE, PARSE, OperationFailure, check
from cloud_openapi.documents._values import MISSING, NAMES, Document, shown, type_name

_FALSE: Final = (None, MISSING, 0)  # False is 0, too
_FIRST: Final = re.compile("[a-z\x80-\U0010ffff]")
_NAME: Final = re.compile("[A-Za-z0-9_\x80-\U0010ffff]*")
_T = TypeVar("_T")


def is_null(value: Any) -> bool:
    """Return whether a value is null or missing."""
    return value is None or value is MISSING


def or_null(value: Any) -> Any:
    """Return a value, or None for a missing one."""
    return None if value is MISSING else value


def truthy(value: Any) -> bool:
    """Return whether a value counts as true: all but false, null, missing and 0."""
    return value not in _FALSE


def is_operators(value: Any) -> bool:
    """Return whether a value is an object of operators, such as ``{"$gt": 1}``."""
    return type(value) is dict and bool(value) and next(iter(value)).startswith("$")


def needs(kind: type[_T], name: str, value: Any, code: int = BAD_VALUE) -> _T:
    """Return the operand of an operator, which must be of a type. Raises OperationFailure."""
    if type(value) is kind:
        return value
    wanted = f"{'an' if NAMES[kind][0] in 'ao' else 'a'} {NAMES[kind]}"
    error = f"{name} needs {wanted}, not {type_name(value)}: {shown(value)}"
    raise OperationFailure(error, code)


def sliced(values: list[Any], first: int, count: int | None = None) -> list[Any]:
    """Return the part of an array that the operands of $slice name."""
    if count is None:
        return values[:first] if first >= 0 else values[first:]
    begin = first if first >= 0 else max(0, len(values) + first)
    return values[begin : begin + count]


def options(name: str, operand: Any, required: str, optional: str = "") -> Document:
    """Return an operand that is an object of options, named in texts. Raises OperationFailure."""
    given, needed = needs(dict, name, operand, PARSE), {*required.split()}
    wrong = (given.keys() - needed - {*optional.split()}) or (needed - given.keys())
    check(not wrong, f"{name} has a missing or unknown option: {min(wrong, default='')}", PARSE)
    return given


def variable(name: Any) -> str:
    """Return the name of a variable that an aggregation may set. Raises OperationFailure."""
    text: str = name if type(name) is str else ""
    check(text, "empty variable names are not allowed", 16866)
    error = f"'{text:.100}' starts with an invalid character for a user variable name"
    check(_FIRST.match(text) or text == "CURRENT", error, 16867)
    error = f"'{text:.100}' contains an invalid character for a variable name"
    check(_NAME.fullmatch(text), error, 16868)
    return text
