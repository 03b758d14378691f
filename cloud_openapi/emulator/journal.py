"""What was asked, what was answered, and why; the newest entries only."""

import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

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

    via: str = "https"
    """Which way it came: ``https`` or ``gateway``."""

    function: str | None = None
    """The function that made a call by the gateway, where it was one."""

    def describe(self) -> dict[str, Any]:
        """Return the entry as JSON; what is no UTF-8 in a body is replaced."""
        body = self.body.decode("utf-8", "replace")
        return {**self._asdict(), "time": self.time.isoformat(), "body": body}


class Journal:
    """A bounded list of entries, the oldest first."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)

    def add(self, entry: Entry) -> None:
        """Keep an entry; an overlong body is cut, and the oldest entry makes room."""
        body = entry.body
        if len(body) > _BODY_LIMIT or b"token" in body or b"secret" in body:
            entry = entry._replace(body=cleaned(body)[:_BODY_LIMIT])
        # A query lands in the path where its question mark was forgotten.
        if "=" in entry.path:
            entry = entry._replace(path=entry.path.partition("=")[0] + "=***")
        self._entries.append(entry)

    def select(
        self,
        *,
        appid: str | None = None,
        path: str | None = None,
        errcode: int | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """Return the newest entries that match, the oldest first. Raises ValueError."""
        if limit < 1:
            raise ValueError(f"limit is at least 1, not {limit}")
        found = [
            entry
            for entry in self
            if appid in {None, entry.appid}
            and path in {None, entry.path}
            and errcode in {None, entry.errcode}
            and (since is None or entry.time >= since)
        ]
        return found[-limit:]

    def clear(self, appid: str | None = None) -> None:
        """Drop the entries of one mini program, or all."""
        kept = [entry for entry in self if appid not in {None, entry.appid}]
        self._entries = deque(kept, self._entries.maxlen)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        # A copy: another thread may add an entry while this one reads.
        return iter(list(self._entries))


def cleaned(body: bytes) -> bytes:
    """Return a body without the tokens and secrets that it names."""
    return _SECRET.sub(rb"\1***", body)
