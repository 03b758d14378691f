"""JSON and texts as wx-server-sdk reads and writes them in JavaScript."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from cloud_openapi.json_text import read_json_body

NO_JSON: Final = object()

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
# Compiled by re when it is first used, which in most processes is never.
_STRING_OR_FLOAT: Final = r'"[^"\\]*(?:\\.[^"\\]*)*"|(-?(?<!\d)\d+(?:\.\d+(?:e[+-]\d+)?|e[+-]\d+))'


def read_json(body: bytes) -> Any:
    """Return the JSON value of a body, or NO_JSON for any other body.

    As for json-bigint, the encoding is UTF-8 with U+FFFD for invalid bytes, a string may hold
    control characters, and NaN, an infinite number and a byte order mark are not JSON.
    """
    try:
        return read_json_body(body.decode("utf-8", "replace"), strict=False)
    except ValueError:
        return NO_JSON


def whole(value: Any) -> Any:
    """Return a float without a fraction as an int: JavaScript has one type for both."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def to_text(value: Any) -> str:
    """Return a JSON value as JavaScript's String writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if item is None else to_text(item) for item in value)
    if isinstance(value, dict):
        return "[object Object]"
    return number_text(repr(value)) if isinstance(value, float) else json.dumps(value)


def field_text(fields: Mapping[str, Any], name: str) -> str:
    """Return a field as JavaScript's String writes it; ``undefined`` if missing."""
    return to_text(fields[name]) if name in fields else "undefined"


def number_text(text: str) -> str:
    """Return a float as JavaScript writes it: up to 21 digits, whole numbers without a point."""
    size = abs(float(text))
    if size == 0:
        return "0"
    if 1e-6 <= size < 1e21:  # noqa: PLR2004 - ECMAScript's own
        # Few calls need it, and it takes as long to load as a third of the package.
        from decimal import Decimal  # noqa: PLC0415

        return f"{Decimal(text):f}".removesuffix(".0")
    return text.replace("e-0", "e-")


def to_json(name: str, value: Any) -> bytes:
    """Return a value as JSON.stringify writes it. Raises TypeError, whose text begins with name."""
    # JSON.stringify escapes half a surrogate pair.
    return stringify(name, value).encode("utf-8", "backslashreplace")


def stringify(name: str, value: Any) -> str:
    """Return a value as JSON. Raises TypeError, whose text begins with name."""
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{name}: the parameters cannot be written as JSON: {error}") from error
    if isinstance(value, str):
        return text
    # Python writes other numbers as JavaScript does.
    return re.sub(_STRING_OR_FLOAT, lambda m: number_text(m[1]) if m[1] else m[0], text)


def replace_halves(text: str) -> str:
    """Return the text with U+FFFD for half a surrogate pair, as Node.js writes UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
