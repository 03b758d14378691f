"""JSON with readable text, and without Python's NaN and Infinity."""

import json
from typing import Any


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as readable JSON, in ASCII only if UTF-8 cannot encode it."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8 form, but it has one in JSON.
        return json.dumps(value, indent=indent)
    return text


def read_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises ValueError for invalid JSON, NaN, Infinity and a number of thousands of digits,
    RecursionError for deep nesting.
    """
    try:
        return _DECODER.decode(text)
    except ValueError as error:
        # Python's own message advises to raise its limit.
        if "integer string conversion" in str(error):
            raise ValueError("a number has more digits than can be read") from None
        raise


def is_text(value: str) -> bool:
    """Return whether a text can be a variable, a file's name or a header: UTF-8 without NUL.

    JSON can hold half a surrogate pair, and so can what Python makes of bytes.
    """
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
