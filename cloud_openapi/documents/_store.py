"""The documents of all databases, and the only place where they are written."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from cloud_openapi.documents._errors import check
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._table import Tables, own
from cloud_openapi.documents._values import Document, Key

_LOCK_BUSY = 46

Place = tuple[str, str]
"""Names of a database and a collection."""


class Change(NamedTuple):
    """One written document; ``document`` is None if it was removed."""

    database: str
    collection: str
    identity: Any
    document: Document | None


class Holder(Protocol):
    """A transaction, as others see it that want to write the same document."""

    def is_running(self) -> bool:
        """Return whether the transaction still runs."""


class Store:
    """Tables by database and collection, the lock of writers, and the sources of time and ids."""

    def __init__(
        self,
        now: Callable[[], datetime],
        new_id: Callable[[], Any],
        scope: Callable[[], Scope],
        on_write: Callable[[list[Change]], None] | None,
    ) -> None:
        self.now, self.new_id, self.scope, self._on_write = now, new_id, scope, on_write
        self.databases: dict[str, Tables] = {}
        self.locks: dict[tuple[Place, Key], Holder] = {}  # by document
        self.lock = threading.RLock()
        self.changes: list[Change] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out, and report the changes at the end, also if an error ends it."""
        with self.lock:
            try:
                yield
            finally:
                changes, self.changes = self.changes, []
                if changes and self._on_write:
                    self._on_write(changes)

    def tables(self, database: str) -> Tables:
        """Return the tables of a database by collection."""
        return self.databases.setdefault(database, {})

    def write(self, place: Place, identity: Key, document: Document | None) -> None:
        """Write the document with the key of an ``_id``, None to remove it, within `writing`.

        Raises OperationFailure if a transaction has written it, DuplicateKeyError.
        """
        error = f"A transaction has written this document of {'.'.join(place)}. Try again later"
        check(self.holder(place, identity) is None, error, _LOCK_BUSY)
        self.put(place, identity, document)

    def put(self, place: Place, identity: Key, document: Document | None) -> None:
        """Write a document even if a transaction has written it. Raises DuplicateKeyError."""
        table = own(self.tables(place[0]), place[1])
        old = table.write(identity, document, ".".join(place))
        if known := document or old:
            self.changes.append(Change(*place, known["_id"], document))

    def holder(self, place: Place, identity: Key) -> Holder | None:
        """Return the running transaction that has written a document."""
        holder = self.locks.get((place, identity))
        return holder if holder and holder.is_running() else None
