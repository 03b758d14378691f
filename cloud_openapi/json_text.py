"""JSON as everybody else reads and writes it."""

import json
from typing import Any


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON for people, in ASCII only if it could not be encoded otherwise."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8 form, but it has one in JSON.
        return json.dumps(value, indent=indent)
    return text


def read_json(text: str) -> Any:
    """Return the value of JSON. Raises ValueError, for NaN and Infinity too; RecursionError."""
    return _DECODER.decode(text)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no value of JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
