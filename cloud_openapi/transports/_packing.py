"""Parameters as wx-server-sdk 4.0.2 packs them into the gateway's message."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloud_openapi.transports._files import file_of
from cloud_openapi.transports._javascript import number_text
from cloud_openapi.wire.messages import Pair

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

# The SDK writes parameters with json-bigint, which escapes these beyond JSON's own.
_ESCAPED: Final = re.compile(
    "[\x7f-\x9f\u00ad\u0600-\u0604\u070f\u17b4\u17b5\u200c-\u200f\u2028-\u202f"
    "\u2060-\u206f\ufeff\ufff0-\uffff]"
)
_STRING_OR_FLOAT: Final = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"|(-?(?<!\d)\d+(?:\.\d+(?:e[+-]\d+)?|e[+-]\d+))'
)


def pack(api: str, params: Mapping[str, Any]) -> Iterator[Pair]:
    """Yield each parameter as JSON, a file as its content. Raises TypeError for other values.

    A file is ``{"contentType": …, "value": bytes}``. Its type is not sent but gives its name an
    extension.
    """
    for key, value in params.items():
        name = _whole(key)
        yield _media(name, value) or Pair(name, _value(api, value))


def _media(key: str, value: Any) -> Pair | None:
    file = file_of(key, value)
    return None if file is None else Pair(key, file.content, _whole(file.filename))


def to_json(name: str, value: Any) -> bytes:
    """Return a value as JSON.stringify writes it. Raises TypeError, whose text begins with name."""
    # JSON.stringify escapes half a surrogate pair.
    return _text(name, value).encode("utf-8", "backslashreplace")


def _value(api: str, value: Any) -> bytes:
    """Return a value as json-bigint writes it, in UTF-8 as Node.js does."""
    return _whole(_ESCAPED.sub(lambda m: f"\\u{ord(m[0]):04x}", _text(api, value))).encode()


def _text(name: str, value: Any) -> str:
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{name}: the parameters cannot be written as JSON: {error}") from error
    if isinstance(value, str):
        return text
    # Python writes other numbers as JavaScript does.
    return _STRING_OR_FLOAT.sub(lambda m: number_text(m[1]) if m[1] else m[0], text)


def _whole(text: str) -> str:
    """Return the text with U+FFFD for half a surrogate pair, as Node.js writes UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
