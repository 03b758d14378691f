"""Parameters as wx-server-sdk 4.0.2 packs them into the gateway's message."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloud_openapi.transports._files import file_of
from cloud_openapi.transports.javascript import replace_halves, stringify
from cloud_openapi.wire.messages import Pair

# The SDK writes parameters with json-bigint, which escapes these beyond JSON's own.
_ESCAPED: Final = re.compile(
    "[\x7f-\x9f\u00ad\u0600-\u0604\u070f\u17b4\u17b5\u200c-\u200f\u2028-\u202f"
    "\u2060-\u206f\ufeff\ufff0-\uffff]"
)


def pack(api: str, params: Mapping[str, Any]) -> Iterator[Pair]:
    """Yield each parameter as JSON, a file as its content. Raises TypeError for other values.

    A file is ``{"contentType": …, "value": bytes}``. Its type is not sent but gives its name an
    extension.
    """
    for key, value in params.items():
        name = replace_halves(key)
        yield _media(name, value) or Pair(name, _value(api, value))


def _media(key: str, value: Any) -> Pair | None:
    file = file_of(key, value)
    return None if file is None else Pair(key, file.content, replace_halves(file.filename))


def _value(api: str, value: Any) -> bytes:
    """Return a value as json-bigint writes it, in UTF-8 as Node.js does."""
    return replace_halves(
        _ESCAPED.sub(lambda m: f"\\u{ord(m[0]):04x}", stringify(api, value))
    ).encode()
