"""Parameters as wx-server-sdk 4.0.2 packs them into the gateway's message."""

import json
import mimetypes
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from cloud_openapi.wire.messages import Pair

# Where the SDK's table, mime-db, begins with another extension than Python's.
_EXTENSIONS: Final = {"image/jpeg": "jpeg", "audio/mpeg": "mpga"}

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


# What json-bigint, by which the SDK writes parameters, escapes beyond JSON's own.
_ESCAPED: Final = re.compile(
    "[\x7f-\x9f\u00ad\u0600-\u0604\u070f\u17b4\u17b5\u200c-\u200f\u2028-\u202f"
    "\u2060-\u206f\ufeff\ufff0-\uffff]"
)
_STRING_OR_FLOAT: Final = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"|(-?\d+(?:\.\d+(?:e[+-]\d+)?|e[+-]\d+))'
)


def pack(api: str, params: Mapping[str, Any]) -> Iterator[Pair]:
    """Yield each parameter as JSON, a file as its content. Raises TypeError.

    A file is ``{"contentType": …, "value": bytes}``. Its type is not sent, its name is made of it.
    """
    for key, value in params.items():
        name = _whole(key)
        yield _media(name, value) or Pair(name, _value(api, value))


def _media(key: str, value: Any) -> Pair | None:
    # A text is asked for first: to look for a mapping costs more than all else here.
    if isinstance(value, str) or not isinstance(value, Mapping):
        return None
    if not isinstance(value.get("value"), bytes):
        return None
    kind = value.get("contentType") or value.get("content_type")
    if not kind or not value["value"]:
        return None
    name = value.get("fileName") or f"{key}.{_extension(str(kind))}"
    return Pair(key, value["value"], _whole(str(name)))


def _extension(kind: str) -> str:
    return _EXTENSIONS.get(kind) or (mimetypes.guess_extension(kind) or ".png")[1:]


def to_json(what: str, value: Any) -> bytes:
    """Return a value as JSON.stringify writes it. Raises TypeError, which names what it is for."""
    # Half a surrogate pair is escaped there.
    return _text(what, value).encode("utf-8", "backslashreplace")


def _value(api: str, value: Any) -> bytes:
    """Return a value as json-bigint writes it, in UTF-8 as Node.js does."""
    return _whole(_ESCAPED.sub(lambda m: f"\\u{ord(m[0]):04x}", _text(api, value))).encode()


def _text(what: str, value: Any) -> str:
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{what}: the parameters cannot be written as JSON: {error}") from error
    if isinstance(value, str):
        return text
    # Python writes other numbers as JavaScript does.
    return _STRING_OR_FLOAT.sub(lambda m: _number(m[1]) if m[1] else m[0], text)


def _number(text: str) -> str:
    """Return a float as JavaScript writes it: to 21 digits in full, whole ones as integers."""
    size = abs(float(text))
    if size == 0:
        return "0"
    if 1e-6 <= size < 1e21:  # noqa: PLR2004 - ECMAScript's own
        return f"{Decimal(text):f}".removesuffix(".0")
    return text.replace("e-0", "e-")


def _whole(text: str) -> str:
    """Return a text that UTF-8 can write: half a surrogate pair becomes U+FFFD, as in Node.js."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
