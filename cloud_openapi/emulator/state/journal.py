"""Requests, answers and their reasons; the newest only."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from http import HTTPStatus
from operator import itemgetter
from typing import Any, NamedTuple

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.state.bounded_store import BoundedStore
from cloud_openapi.redaction import mask_json, mask_named

_BODY_LIMIT = 64 * 1024


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


class Numbers:
    """The numbers of all journals' entries, in the order in which the requests were answered."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.newest = 0


class Journal:
    """The newest entries of one mini program: so many, and at most 4 MiB of bodies.

    Safe to share between threads.
    """

    def __init__(self, size: int, numbers: Numbers) -> None:
        self._numbers = numbers
        self._entries: BoundedStore[int, Entry] = BoundedStore(size)

    def add(self, entry: Entry) -> None:
        """Keep an entry; an overlong body is cut, and the oldest entry is evicted."""
        # Clients are known to send their token in the body too, under more than one name.
        body = mask_json(entry.body)
        if body is not entry.body or len(body) > _BODY_LIMIT:
            entry = entry._replace(body=body[:_BODY_LIMIT])
        # A query lands in the path where its question mark was forgotten.
        if "=" in entry.path or "emulator_" in entry.path:
            path, equals, _query = entry.path.partition("=")
            entry = entry._replace(path=mask_named(path) + (equals and "=***"))
        # Together, so that a reader who has seen a number misses no lower one.
        with self._numbers.lock:
            self._numbers.newest += 1
            self._entries.add(self._numbers.newest, entry, len(entry.body))

    def numbered(self) -> list[tuple[int, Entry]]:
        """Return the entries with their numbers, the oldest first."""
        return self._entries.items()

    def __len__(self) -> int:
        return len(self._entries)


class Journals:
    """The journals of all mini programs, read as one, the oldest entry first."""

    def __init__(self, numbers: Numbers, journals: Callable[[], Iterable[Journal]]) -> None:
        self._numbers = numbers
        self._journals = journals

    def numbered(self) -> list[tuple[int, Entry]]:
        """Return the entries with their numbers, the oldest first."""
        with self._numbers.lock:
            newest = self._numbers.newest
        # Entries that are added meanwhile may stand in one journal and be missed in another.
        found = [pair for each in self._journals() for pair in each.numbered() if pair[0] <= newest]
        return sorted(found, key=itemgetter(0))

    def __len__(self) -> int:
        return sum(map(len, self._journals()))

    def __iter__(self) -> Iterator[Entry]:
        return iter([entry for _number, entry in self.numbered()])


def select(  # noqa: PLR0913 - a filter each
    journal: Journal | Journals,
    *,
    path: str | None = None,
    errcode: int | None = None,
    rid: str | None = None,
    since: datetime | None = None,
    after: int = 0,
    limit: int = 100,
) -> tuple[list[Entry], int]:
    """Return the newest entries that match, the oldest first, and the number of the last seen.

    Those ``after`` a number came later. Raises ValueError for a limit below 1.
    """
    if limit < 1:
        raise InvalidInputError(f"limit is at least 1, not {limit}")
    numbered = journal.numbered()
    found = [
        entry
        for number, entry in numbered
        if number > after
        and path in {None, entry.path}
        and errcode in {None, entry.errcode}
        and rid in {None, entry.rid}
        and (since is None or entry.time >= since)
    ]
    return found[-limit:], numbered[-1][0] if numbered else 0
