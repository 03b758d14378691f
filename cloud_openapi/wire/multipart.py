"""multipart/form-data as bytes.

A form parser that takes every part without a filename for text destroys the gateway's
``requestData``, which is binary and has none. Here a part is bytes.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

CONTENT_TYPE: Final = "multipart/form-data"

# Compiled by re when they are first used: a client only writes, and its start counts.
_BOUNDARY = r"""(?i)boundary=(?:"([^"]+)"|([^\s;"]+))"""
_NAME = rb'(?im)^content-disposition:[^\r\n]*[;\s]name="([^"\r\n]*)"'
_FILENAME = rb'(?im)^content-disposition:[^\r\n]*[;\s]filename="([^"\r\n]*)"'
_TYPE = rb"(?im)^content-type:[ \t]*([^\r\n]*)"
MOST_PARTS: Final = 100


class Part(NamedTuple):
    """One part of a form: a text, or a file with a name and a type."""

    content: bytes
    filename: str = ""
    content_type: str = ""


class MultipartError(ValueError):
    """An incomplete multipart/form-data body."""


def write(fields: Mapping[str, "str | bytes | Part"], boundary: str) -> bytes:
    """Return a body as the form-data package of Node.js writes it: bytes are binary parts."""
    parts: list[bytes] = []
    for name, value in fields.items():
        content = value if isinstance(value, bytes) else b""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, Part):
            head += f'; filename="{_quoted(value.filename)}"\r\nContent-Type: {value.content_type}'
            content = value.content
        elif isinstance(value, bytes):
            head += "\r\nContent-Type: application/octet-stream"
        else:
            content = value.encode()
        parts += f"{head}\r\n\r\n".encode(), content, b"\r\n"
    return b"".join((*parts, f"--{boundary}--\r\n".encode()))


def _quoted(filename: str) -> str:
    """Return a filename as browsers write it in a header."""
    return filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def read(content_type: str, body: bytes) -> dict[str, bytes]:
    """Return the contents of the parts by name. Raises MultipartError."""
    return {name: part.content for name, part in read_parts(content_type, body).items()}


def read_parts(content_type: str, body: bytes) -> dict[str, Part]:
    """Return the parts by name, unique whatever the case. Raises MultipartError."""
    found = re.search(_BOUNDARY, content_type)
    if found is None:
        raise MultipartError(f"no boundary in Content-Type: {content_type[:200]}")
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("latin-1")
    pieces = (b"\r\n" + body).split(delimiter, MOST_PARTS + 1)
    fields: dict[str, Part] = {}
    seen: set[str] = set()
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return fields
        # RFC 2046: without a body, a part ends after its header.
        head, _, value = piece.partition(b"\r\n\r\n")
        name = re.search(_NAME, head)
        if name is None:
            raise MultipartError("a part has no name")
        decoded = name[1].decode("utf-8", "replace")
        # The signature covers one of the two; the other might be read.
        if decoded.lower() in seen:
            raise MultipartError(f"two parts are named {decoded[:100]!r}")
        seen.add(decoded.lower())
        fields[decoded] = Part(value, _found(_FILENAME, head), _found(_TYPE, head))
    raise MultipartError(f"the last delimiter is missing, or there are over {MOST_PARTS} parts")


def _found(pattern: bytes, head: bytes) -> str:
    found = re.search(pattern, head)
    return "" if found is None else found[1].decode("utf-8", "replace").strip()
