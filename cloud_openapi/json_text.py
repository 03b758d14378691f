"""JSON for people, in every case with a UTF-8 form."""

import json
from typing import Any


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON, in ASCII only if it could not be encoded otherwise."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8 form, but it has one in JSON.
        return json.dumps(value, indent=indent)
    return text


def read_json(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError, for NaN and Infinity too."""
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    # Python would take it.
    raise ValueError(f"{name} is no value of JSON")
