"""The newest requests of each mini program, with the responses and their reasons.

A mini program has at most ``journal_size`` entries and 4 MiB of bodies; all journals together,
that times the number of mini programs plus one, for unknown callers.
"""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from operator import itemgetter
from typing import Any, NamedTuple

from cloud_openapi import clocks
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.state.bounded_store import BoundedStore
from cloud_openapi.forks import fork_safe
from cloud_openapi.masking import MASK, mask_json, mask_named

BODY_LIMIT = 64 * 1024
_ACTION = re.compile(r"[\w.]+")


class Entry(NamedTuple):
    """One request, without tokens and secrets, and without the body of a request for a token."""

    time: datetime
    method: str
    path: str
    appid: str | None
    body: bytes
    errcode: int
    check: str
    """The check that refused the request, or the source of the answer."""

    status: int = HTTPStatus.OK
    """The answer's HTTP status; 0 if the connection was dropped before it."""

    rid: str = ""
    """The request id at the end of the answer's errmsg."""

    via: str = "https"
    """``https`` or ``gateway``."""

    function: str | None = None
    """The function that made the call by the gateway, or None."""

    differences: tuple[str, ...] = ()
    """Differences between the simulation's and the service's answer, in mode ``diff``."""

    reason: str = ""
    """Why the request failed and what to do, in one line; empty for a success."""

    milliseconds: float = 0.0
    """The time that the answer took."""

    invocation: str = ""
    """The request id of the invocation that made the call, empty for other programs."""

    apis: Sequence[str] = ()
    """The names of the API: over HTTPS, those at its path that the request fits."""

    answer: bytes = b""
    """The body of the answer in the HTTPS form; show it by `shown_answer`."""

    begun: float = 0.0
    """The moment at which the request came, by `clocks.monotonic`."""

    @property
    def api(self) -> str | None:
        """Return the name of the API that answered, or None for other paths."""
        return next(iter(self.apis), None)

    @property
    def name(self) -> str:
        """Return the name of the API; for other requests, the gateway's action or the path."""
        is_action = self.via == "gateway" and _ACTION.fullmatch(self.check)
        return self.api or (self.check if is_action else self.path)

    @property
    def outcome(self) -> str:
        """Return the errcode, the HTTP status of a failure, ``dropped`` or ``ok``."""
        if self.errcode:
            return str(self.errcode)
        if not self.status:
            return "dropped"
        return "ok" if self._is_good else f"HTTP {self.status}"

    @property
    def answered(self) -> float:
        """Return the moment of the answer, by `clocks.monotonic`."""
        return self.begun + self.milliseconds / 1000

    @property
    def failed(self) -> bool:
        """Return whether the request got an errcode, a status of failure, or no answer."""
        return self.errcode != 0 or not self._is_good

    @property
    def _is_good(self) -> bool:
        # Cloud storage answers an upload with 204, a part of a file with 206.
        good = HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
        return good or self.status == HTTPStatus.NOT_MODIFIED

    def shown_answer(self, secrets: Iterable[bytes] = ()) -> bytes:
        """Return the body of the answer without tokens, and without the secrets."""
        answer = self.answer
        for secret in secrets:
            answer = answer.replace(secret, MASK.encode())
        return mask_json(answer)

    def describe(self) -> dict[str, Any]:
        """Return the entry as JSON, with ``differences`` only if there are any."""
        body = self.body.decode("utf-8", "replace")
        shown = {
            **self._asdict(),
            "time": self.time.isoformat(),
            "answered": clocks.moment(self.answered).isoformat(),
            "body": body,
            "milliseconds": round(self.milliseconds, 1),
        }
        differences = shown.pop("differences")
        if differences:
            shown["differences"] = list(differences)
        del shown["apis"], shown["answer"], shown["begun"]
        return {**shown, "api": self.api}


def containing(text: str) -> Callable[[Entry], bool]:
    """Return a test whether a text stands in an entry, whatever the case of ASCII letters."""
    wanted = text.lower()
    # JSON may have other characters than ASCII escaped.
    spellings = {wanted.encode("utf-8", "replace"), json.dumps(wanted)[1:-1].encode()}

    def contains(entry: Entry) -> bool:
        texts = (entry.path, entry.appid, entry.function, entry.invocation, entry.rid, entry.reason)
        if wanted in "\n".join([*entry.apis, *filter(None, texts)]).lower():
            return True
        bodies = b"\n".join((entry.body, entry.answer)).lower()
        return any(each in bodies for each in spellings)

    return contains


class Numbers:
    """A counter for the entries of all journals, in the order of the answers."""

    def __init__(self) -> None:
        self.lock = fork_safe(threading.Lock())
        self.newest = 0


class Journal:
    """The newest entries of one mini program: ``size`` at most, with at most 4 MiB of bodies.

    Safe to share between threads.
    """

    def __init__(self, size: int, numbers: Numbers) -> None:
        self._numbers = numbers
        self._entries: BoundedStore[int, Entry] = BoundedStore(size)

    def add(self, entry: Entry) -> Entry:
        """Keep and return an entry, its body masked and cut; the oldest entry is evicted."""
        # Some clients send their token in the body too, under various names.
        body = mask_json(entry.body)
        if body is not entry.body or max(len(body), len(entry.answer)) > BODY_LIMIT:
            entry = entry._replace(body=body[:BODY_LIMIT], answer=entry.answer[:BODY_LIMIT])
        # Without its question mark, a query is part of the path.
        if "=" in entry.path or "emulator_" in entry.path:
            path, equals, _query = entry.path.partition("=")
            entry = entry._replace(path=mask_named(path) + (equals and "=***"))
        # In one step: when a reader sees a number, all lower ones are stored.
        with self._numbers.lock:
            self._numbers.newest += 1
            weight = len(entry.body) + len(entry.answer)
            self._entries.add(self._numbers.newest, entry, weight)
        return entry

    def get(self, number: int) -> Entry | None:
        """Return the entry with a number, None if it is another journal's or evicted."""
        return self._entries.get(number)

    def numbered(self) -> list[tuple[int, Entry]]:
        """Return the entries with their numbers, the oldest first."""
        return self._entries.items()

    def after(self, number: int) -> list[tuple[int, Entry]]:
        """Return the entries with higher numbers, the newest first, without reading the others."""
        return self._entries.newest(lambda each: each > number)

    @property
    def oldest(self) -> int:
        """Return the number of the oldest entry, 0 if there are no entries."""
        return self._entries.oldest() or 0

    def __len__(self) -> int:
        return len(self._entries)


class Journals:
    """The journals of all mini programs, read as one, the oldest entry first."""

    def __init__(self, numbers: Numbers, journals: Callable[[], Iterable[Journal]]) -> None:
        self._numbers = numbers
        self._journals = journals

    @property
    def newest(self) -> int:
        """Return the number of the newest entry, 0 before the first."""
        return self._numbers.newest

    def get(self, number: int) -> Entry | None:
        """Return the entry with a number, None if there is none any more."""
        found = (each.get(number) for each in self._journals())
        return next((entry for entry in found if entry is not None), None)

    @property
    def oldest(self) -> int:
        """Return the number of the oldest entry, 0 if there are no entries."""
        return min(filter(None, (each.oldest for each in self._journals())), default=0)

    def numbered(self) -> list[tuple[int, Entry]]:
        """Return the entries with their numbers, the oldest first."""
        return self._in_order(Journal.numbered)

    def after(self, number: int) -> list[tuple[int, Entry]]:
        """Return the entries with higher numbers, the oldest first, without reading the others."""
        return self._in_order(lambda journal: journal.after(number))

    def _in_order(
        self, read: Callable[[Journal], list[tuple[int, Entry]]]
    ) -> list[tuple[int, Entry]]:
        with self._numbers.lock:
            newest = self._numbers.newest
        # Left out are entries added meanwhile: an older one in another journal may be missed.
        found = [pair for each in self._journals() for pair in read(each) if pair[0] <= newest]
        return sorted(found, key=itemgetter(0))

    def __len__(self) -> int:
        return sum(map(len, self._journals()))

    def __iter__(self) -> Iterator[Entry]:
        return iter([entry for _number, entry in self.numbered()])


def select(  # noqa: PLR0913 - a filter each
    journal: Journal | Journals,
    *,
    api: str | None = None,
    path: str | None = None,
    errcode: int | None = None,
    failed: bool = False,
    function: str | None = None,
    via: str | None = None,
    rid: str | None = None,
    text: str | None = None,
    since: datetime | None = None,
    after: int = 0,
    limit: int = 100,
) -> tuple[list[tuple[int, Entry]], int]:
    """Return the newest matching entries with their numbers, and the number of the newest of all.

    The oldest stands first. ``after`` leaves only entries with a higher number, ``failed`` those
    that failed, ``text`` those that contain it. Raises ValueError for a limit below 1 and
    an unknown ``via``.
    """
    if limit < 1:
        raise InvalidInputError(f"limit is at least 1, not {limit}")
    if via not in {None, "https", "gateway"}:
        raise InvalidInputError(f"via is https or gateway, not {via!r}")
    numbered = journal.numbered()
    contains = containing(text or "")
    found = [
        (number, entry)
        for number, entry in numbered
        if number > after
        and (api is None or api in entry.apis)
        and path in {None, entry.path}
        and errcode in {None, entry.errcode}
        and (not failed or entry.failed)
        and function in {None, entry.function}
        and via in {None, entry.via}
        and rid in {None, entry.rid}
        and (since is None or entry.time >= since)
        and (text is None or contains(entry))
    ]
    return found[-limit:], numbered[-1][0] if numbered else 0
