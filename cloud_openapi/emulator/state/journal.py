"""What was asked, what was answered, and why; the newest entries only."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.state.bounded_store import Newest

_BODY_LIMIT = 64 * 1024
# Clients are known to send their token in the body too, under more than one name.
_HINT = re.compile(rb"token|secret|emulator_|\\u00|%5f", re.IGNORECASE)
_NAME = re.compile("token|secret", re.IGNORECASE)
_SECRET = re.compile(
    r"""((?:token|secret)\\?["']?\s*(?:[:=>]|%3d)\s*\\?)(?:"[^"\\]*|'[^'\\]*|[^"'&\s<>\\]+)""",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"emulator_[\w-]{136}")


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

    status: int = HTTPStatus.OK
    """The answer's HTTP status; 0 where none was sent."""

    rid: str = ""
    """What ends the answer's errmsg."""

    via: str = "https"
    """Which way it came: ``https`` or ``gateway``."""

    function: str | None = None
    """The function that made a call by the gateway, where it was one."""

    differences: tuple[str, ...] = ()
    """Where the simulation's answer has another shape than the service's, in mode ``diff``."""

    def describe(self) -> dict[str, Any]:
        """Return the entry as JSON; what is no UTF-8 in a body is replaced.

        ``differences`` is there if there are some.
        """
        body = self.body.decode("utf-8", "replace")
        shown = {**self._asdict(), "time": self.time.isoformat(), "body": body}
        differences = shown.pop("differences")
        return {**shown, "differences": list(differences)} if differences else shown


class Journal:
    """The newest entries, the oldest first: so many of each mini program, ten times that of all.

    Of long bodies fewer are kept: 4 MiB of a mini program's, 40 MiB of all. Each has a number, in
    the order in which they came.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._number = 0
        self._entries: Newest[int, Entry] = Newest()

    def add(self, entry: Entry) -> None:
        """Keep an entry; an overlong body is cut, and the oldest entry makes room."""
        body = entry.body
        if len(body) > _BODY_LIMIT or _HINT.search(body):
            entry = entry._replace(body=cleaned(body)[:_BODY_LIMIT])
        # A query lands in the path where its question mark was forgotten.
        if "=" in entry.path or "emulator_" in entry.path:
            path, equals, _query = entry.path.partition("=")
            entry = entry._replace(path=_TOKEN.sub("***", path) + (equals and "=***"))
        # Together, so that nobody who has seen a number misses a lower one.
        with self._lock:
            self._number += 1
            self._entries.add(entry.appid, self._number, entry, self._size, len(entry.body))

    def select(  # noqa: PLR0913 - a filter each
        self,
        *,
        appid: str | None = None,
        path: str | None = None,
        errcode: int | None = None,
        rid: str | None = None,
        since: datetime | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> tuple[list[Entry], int]:
        """Return the newest entries that match, the oldest first, and the number of the last seen.

        Those ``after`` a number came later. Raises ValueError.
        """
        if limit < 1:
            raise InvalidInputError(f"limit is at least 1, not {limit}")
        asked = self._entries.items() if appid is None else self._entries.items_of(appid)
        found = [
            entry
            for number, entry in asked
            if number > after
            and path in {None, entry.path}
            and errcode in {None, entry.errcode}
            and rid in {None, entry.rid}
            and (since is None or entry.time >= since)
        ]
        return found[-limit:], asked[-1][0] if asked else 0

    def clear(self, appid: str | None = None) -> None:
        """Drop the entries of one mini program, or all."""
        if appid is None:
            self._entries.clear()
        else:
            self._entries.forget(appid)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter([entry for _number, entry in self._entries.items()])


def cleaned(body: bytes) -> bytes:
    """Return a body without the tokens and secrets that it names; others stay as they are."""
    if not _HINT.search(body):
        return body
    try:
        value = json.loads(body)
        masked = _masked(value)
    except (ValueError, RecursionError):
        return _masked_text(body.decode("latin-1")).encode("latin-1")
    if masked == value:
        return body
    return json.dumps(masked, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            _TOKEN.sub("***", name): "***" if _NAME.search(name) else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return _masked_text(value) if isinstance(value, str) else value


def _masked_text(text: str) -> str:
    return _TOKEN.sub("***", _SECRET.sub(r"\1***", text))
