"""JSON values: type checks, how messages show them, and the cloud form of a response."""

import json
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any, TypeGuard

from cloud_openapi.naming import to_camel_case

_ENVELOPE = frozenset({"errcode", "errmsg"})
_LONGEST_SHOWN = 20
_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
_SCALARS = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


def type_of(value: Any) -> str:
    """Return the name of a value's JSON type, ``integer`` apart from ``number``."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list | tuple):
        return "array"
    return _SCALARS.get(type(value), type(value).__name__)


def kind(value: Any) -> str:
    """Return a value's JSON type with its article, for a message: ``an object``, ``null``."""
    return "null" if value is None else _KINDS.get(type(value), "a number")


def one_of(types: Iterable[str]) -> str:
    """Return the names of types for a message."""
    return " or ".join(sorted(types))


def without_integer(types: Iterable[str]) -> set[str]:
    """Return types with ``number`` instead of ``integer``: a mean may happen to be whole."""
    return {"number" if name == "integer" else name for name in types}


def is_number(value: object, least: float = -inf, most: float = inf) -> TypeGuard[float]:
    """Return whether a value is a number in a range, bounds included; booleans and NaN are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value <= most


def is_integer(value: object, least: float = -inf, most: float = inf) -> TypeGuard[int]:
    """Return whether a value is an integer in a range, bounds included; a boolean is not."""
    return isinstance(value, int) and is_number(value, least, most)


def is_text(value: object) -> TypeGuard[str]:
    """Return whether a value is a string that UTF-8 can encode: without lone surrogates."""
    return isinstance(value, str) and value.encode("utf-8", "ignore").decode() == value


def is_c_string(value: object) -> TypeGuard[str]:
    """Return whether a value can be a variable, a file's name or a header: text without NUL."""
    return is_text(value) and "\0" not in value


def shown(value: Any, longest: int = _LONGEST_SHOWN) -> str:
    """Return a value for a message: JSON if it is short, otherwise its type and size."""
    kind = type_of(value)
    if isinstance(value, dict | list | tuple):
        return f"an {kind} of {len(value)}"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return f"a Python {kind}, which is not JSON"
    # A longer text could be a token.
    return text if len(text) <= longest else f"a {kind} of {len(text)} characters"


def error_code(body: Any) -> int:
    """Return the error code of a body of either form; 0 for a success."""
    if not isinstance(body, dict):
        return 0
    code = body.get("errcode", body.get("errCode", 0))
    return code if isinstance(code, int) else 0


def to_cloud(api: str, body: Any) -> Any:
    """Convert a response of the HTTPS form, error or not, to that of a cloud call."""
    if not isinstance(body, Mapping):
        return body
    code = error_code(body)
    if code:
        return {"errCode": code, "errMsg": f"openapi.{api}:fail {body.get('errmsg', '')}"}
    rest = {name: value for name, value in body.items() if name not in _ENVELOPE}
    return {**to_camel_case(rest), "errMsg": f"openapi.{api}:ok"}
