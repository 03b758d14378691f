"""Files among the parameters, as wx-server-sdk recognises and names them."""

import mimetypes
from collections.abc import Mapping
from typing import Any, Final

from cloud_openapi.wire.multipart import Part

# First extensions in the SDK's table, mime-db. Python's table depends on its version and on the
# machine, and lacks some types that WeChat takes.
_EXTENSIONS: Final = {
    "application/octet-stream": "bin",
    "application/pdf": "pdf",
    "audio/amr": "amr",
    "audio/mp3": "mp3",
    "audio/mpeg": "mpga",
    "audio/wav": "wav",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
    "text/csv": "csv",
    "text/plain": "txt",
    "video/mp4": "mp4",
    "video/quicktime": "qt",
}


def file_of(key: str, value: Any) -> Part | None:
    """Return the file of a parameter ``{"contentType": …, "value": bytes}``; None for another."""
    # The check for a string comes first: the one for a mapping costs more than the rest.
    if isinstance(value, str) or not isinstance(value, Mapping):
        return None
    content = value.get("value")
    kind = value.get("contentType") or value.get("content_type")
    if not kind or not isinstance(content, bytes):
        return None
    filename = value.get("fileName") or f"{key}.{_extension(str(kind))}"
    return Part(content, str(filename), str(kind))


def _extension(kind: str) -> str:
    return _EXTENSIONS.get(kind) or (mimetypes.guess_extension(kind) or ".png")[1:]
