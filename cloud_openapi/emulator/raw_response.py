"""Bytes to send as they are, in place of JSON."""

from typing import NamedTuple


class RawResponse(NamedTuple):
    """An HTTP response to pass on unchanged: a recording, or a file."""

    status: int
    reason: str
    content_type: str
    body: bytes
