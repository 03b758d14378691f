"""Parameters as wx-server-sdk 4.0.2 packs them into the gateway's message."""

import json
import mimetypes
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloud_openapi.wire.messages import Pair

# Where the SDK's table, mime-db, begins with another extension than Python's.
_EXTENSIONS: Final = {"image/jpeg": "jpeg", "audio/mpeg": "mpga"}

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def pack(api: str, params: Mapping[str, Any]) -> Iterator[Pair]:
    """Yield each parameter as JSON, a file as its content. Raises TypeError.

    A file is ``{"contentType": …, "value": bytes}``. Its type is not sent, its name is made of it.
    """
    for key, value in params.items():
        yield _media(key, value) or Pair(key, to_json(api, value))


def _media(key: str, value: Any) -> Pair | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("value"), bytes):
        return None
    kind = value.get("contentType") or value.get("content_type")
    if not kind or not value["value"]:
        return None
    return Pair(key, value["value"], value.get("fileName") or f"{key}.{_extension(str(kind))}")


def _extension(kind: str) -> str:
    return _EXTENSIONS.get(kind) or (mimetypes.guess_extension(kind) or ".png")[1:]


def to_json(what: str, value: Any) -> bytes:
    """Return a value as JSON.stringify writes it. Raises TypeError, which names what it is for."""
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{what}: the parameters cannot be written as JSON: {error}") from error
    # Half a surrogate pair, as JSON.stringify writes it.
    return text.encode("utf-8", "backslashreplace")
