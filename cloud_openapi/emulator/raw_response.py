"""Bytes to send as they are, in place of JSON."""

import re
from typing import Final, NamedTuple

_CONTENT_TYPE: Final = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}(?:; ?[ -~]{1,100})?", re.ASCII)


class RawResponse(NamedTuple):
    """An HTTP response to pass on unchanged: a recording, or a file."""

    status: int
    reason: str
    content_type: str
    body: bytes
    shown: bytes | None = None
    """The body without what belongs to the service's mini program; None if nothing does."""


def is_content_type(text: str) -> bool:
    """Return whether a text can be sent as the type of a body."""
    return _CONTENT_TYPE.fullmatch(text) is not None
