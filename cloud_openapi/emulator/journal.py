"""What was asked, what was answered, and why; the newest entries only."""

import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

_BODY_LIMIT = 64 * 1024
# Clients are known to send their token in the body too.
_SECRET = re.compile(rb"""((?:access_token|secret)["']?\s*[:=]\s*["']?)[^"'&\s]+""")


class Entry(NamedTuple):
    """One request. It holds no token, no secret, and no body of a request for a token."""

    time: datetime
    method: str
    path: str
    appid: str | None
    body: bytes
    errcode: int
    check: str
    """The check that refused the request, or what the answer came from."""


class Journal:
    """A bounded list of entries, the oldest first."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)

    def add(self, entry: Entry) -> None:
        """Keep an entry; an overlong body is cut, and the oldest entry makes room."""
        body = entry.body
        if len(body) > _BODY_LIMIT or b"token" in body or b"secret" in body:
            entry = entry._replace(body=_SECRET.sub(rb"\1***", body)[:_BODY_LIMIT])
        # A query lands in the path where its question mark was forgotten.
        if "=" in entry.path:
            entry = entry._replace(path=entry.path.partition("=")[0] + "=***")
        self._entries.append(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        # A copy: another thread may add an entry while this one reads.
        return iter(list(self._entries))
