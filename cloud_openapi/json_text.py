"""JSON with readable text, and without Python's NaN and Infinity."""

import json
import math
from collections.abc import Callable
from itertools import chain
from typing import Any, Final

DEEPEST: Final = 100
"""Levels of arrays and objects in a body."""

_LONGEST_NUMBER = 300


def json_text(value: Any, *, indent: int | None = None, compact: bool = False) -> str:
    """Return a value as readable JSON, in ASCII only if UTF-8 cannot encode it.

    A ``compact`` text has no spaces between the tokens.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8 form, but it has one in JSON.
        return json.dumps(value, indent=indent, separators=separators)
    return text


def read_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises ValueError for invalid JSON, NaN, Infinity and a number of thousands of digits,
    RecursionError for deep nesting.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _mistake(error) from None
    except ValueError as error:
        # Python's own message advises to raise its limit.
        if "integer string conversion" in str(error):
            raise ValueError("a number has more digits than can be read") from None
        raise


def _mistake(error: json.JSONDecodeError) -> json.JSONDecodeError:
    # Only a mistake needs the module, and importing it costs every start.
    from cloud_openapi.json_mistake import JSONMistakeError  # noqa: PLC0415

    return JSONMistakeError(error)


def reading_mistake(error: Exception) -> str:
    """Return why a text cannot be read: the first byte that is not UTF-8, the system's words."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8; save it as UTF-8"
    return str(getattr(error, "strerror", None) or error)


def json_mistake(error: json.JSONDecodeError) -> str:
    """Return the place of a mistake and what is wrong, for an error of `read_json`."""
    return f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}"


def read_json_body(
    body: bytes | str,
    object_of: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None,
    *,
    strict: bool = True,
) -> Any:
    """Return the value of a JSON body in UTF-8; ``object_of`` makes an object of its members.

    With ``strict=False`` a string may hold control characters.

    Raises ValueError for any other encoding, a byte order mark, NaN, numbers beyond a double's
    range, and more than `DEEPEST` levels.
    """
    usual = _BODY_DECODER if strict else _LENIENT_DECODER
    decoder = usual if object_of is None else _body_decoder(object_of, strict=strict)
    text = body if isinstance(body, str) else body.decode()
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise _mistake(error) from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    # The levels are counted only in a body with many brackets.
    if text.count("[") + text.count("{") > DEEPEST and _is_too_deep(value):
        raise ValueError(_TOO_DEEP)
    return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        inner = (
            each.values() if isinstance(each, dict) else each
            for each in level
            if isinstance(each, dict | list)
        )
        level = list(chain.from_iterable(inner))
    return any(isinstance(each, dict | list) for each in level)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _fraction(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"a number is too large: {text[:20]}")
    return value


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        _fraction(text)
    return int(text)


def _body_decoder(object_of: Any, *, strict: bool = True) -> json.JSONDecoder:
    return json.JSONDecoder(
        strict=strict,
        parse_constant=_refuse,
        parse_float=_fraction,
        parse_int=_integer,
        object_pairs_hook=object_of,
    )


_TOO_DEEP: Final = f"more than {DEEPEST} levels of arrays and objects"
_DECODER = json.JSONDecoder(parse_constant=_refuse)
_BODY_DECODER = _body_decoder(None)
_LENIENT_DECODER = _body_decoder(None, strict=False)
