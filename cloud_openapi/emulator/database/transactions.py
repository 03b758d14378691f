"""The open transactions of one database, by the ids that SDKs send."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cloud_openapi import clocks
from cloud_openapi.emulator.database.failures import DatabaseError, ended_transaction
from cloud_openapi.forks import fork_safe

# https://developers.weixin.qq.com/miniprogram/dev/wxcloud/guide/database/transaction.html
SECONDS: Final = 30
_MOST_OPEN: Final = 100
_MOST_ENDED: Final = 1000


class _Open(NamedTuple):
    session: Any
    lock: Any
    until: datetime
    deadline: float
    """The same by the machine's clock, as the emulator's may stand still."""


class Transactions:
    """Sessions of the engine by id. A transaction is aborted after 30 seconds.

    ``start_session`` begins a session, ``now`` is the emulator's time, ``new_id`` makes ids.
    """

    def __init__(
        self,
        start_session: Callable[[], Any],
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._start_session = start_session
        self._now = now
        self._new_id = new_id
        self._lock = fork_safe(threading.Lock())
        self._open: dict[str, _Open] = {}
        self._ended: OrderedDict[str, str] = OrderedDict()

    def start(self) -> str:
        """Begin a transaction, and return its id. Raises DatabaseError if too many are open."""
        self.expire()
        if len(self._open) >= _MOST_OPEN:
            raise DatabaseError(
                "EXCEED_CONCURRENT_REQUEST_LIMIT",
                f"{_MOST_OPEN} transactions are open: commit them or roll them back",
            )
        session = self._start_session()
        session.start_transaction()
        number = self._new_id()
        until, deadline = self._now() + timedelta(seconds=SECONDS), clocks.monotonic() + SECONDS
        self._open[number] = _Open(session, threading.Lock(), until, deadline)
        return number

    @contextmanager
    def using(self, number: str) -> Iterator[Any]:
        """Give the session of an open transaction to one operation at a time.

        Raises DatabaseError if it has ended.
        """
        with self._entered(number) as session:
            if not session.in_transaction:
                raise ended_transaction("was rolled back because of a conflict")
            yield session

    def commit(self, number: str) -> None:
        """Commit a transaction. Raises DatabaseError if it has ended, or the engine's error."""
        with self.using(number) as session:
            self._end(number, "was committed")
            session.commit_transaction()
            session.end_session()

    def abort(self, number: str) -> None:
        """Roll a transaction back. Raises DatabaseError if it has ended."""
        with self._entered(number) as session:
            self._end(number, "was rolled back")
            _roll_back(session)

    @contextmanager
    def _entered(self, number: str) -> Iterator[Any]:
        self.expire()
        found = self._open.get(number)
        if found is None:
            raise ended_transaction(self._ended.get(number, "is unknown"))
        with found.lock:
            yield found.session

    def expire(self) -> None:
        """Roll back the transactions whose time is over, so that they block nothing."""
        now, monotonic = self._now(), clocks.monotonic()
        for number, each in list(self._open.items()):
            if now >= each.until or monotonic >= each.deadline:
                self._expire(number, each.session)

    def close(self) -> None:
        """Roll all transactions back."""
        for number, each in list(self._open.items()):
            self._expire(number, each.session)

    def _expire(self, number: str, session: Any) -> None:
        if self._end(number, f"has ended after {SECONDS} seconds"):
            _roll_back(session)

    def _end(self, number: str, why: str) -> bool:
        """Forget an open transaction, and return whether it was open."""
        with self._lock:
            if self._open.pop(number, None) is None:
                return False
            self._ended[number] = why
            while len(self._ended) > _MOST_ENDED:
                self._ended.popitem(last=False)
            return True


def _roll_back(session: Any) -> None:
    # After a conflict, the engine has done it already.
    if session.in_transaction:
        session.abort_transaction()
    session.end_session()
