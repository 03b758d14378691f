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

    Raises ValueError for invalid JSON, NaN and Infinity, RecursionError for deep nesting.
    """
    return _DECODER.decode(text)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
