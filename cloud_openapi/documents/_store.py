"""The documents of all databases, and the only place where they are written."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from cloud_openapi.documents._errors import Code, OperationFailure
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._table import Tables, own
from cloud_openapi.documents._values import Document, Key

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
        self.now, self.new_id, self.scope = now, new_id, scope
        self.databases: dict[str, Tables] = {}
        self.locks: dict[tuple[str, str, Key], Holder] = {}
        """The transactions by the documents that they have written."""
        self.lock = threading.RLock()
        self._on_write = on_write
        self._changes: list[Change] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out, and report the changes at the end, also if an error ends it."""
        with self.lock:
            try:
                yield
            finally:
                changes, self._changes = self._changes, []
                if changes and self._on_write:
                    self._on_write(changes)

    def tables(self, database: str) -> Tables:
        """Return the tables of a database by collection."""
        return self.databases.setdefault(database, {})

    def write(self, place: Place, identity: Key, document: Document | None) -> None:
        """Write the document with the key of an ``_id``, None to remove it, within `writing`.

        Raises OperationFailure if a transaction has written it, DuplicateKeyError.
        """
        if self.holder(place, identity):
            raise OperationFailure(
                f"A transaction has written this document of {'.'.join(place)}. Try again later",
                Code.LOCK_BUSY,
            )
        self.put(place, identity, document)

    def put(self, place: Place, identity: Key, document: Document | None) -> None:
        """Write a document even if a transaction has written it. Raises DuplicateKeyError."""
        table = own(self.tables(place[0]), place[1])
        old = table.write(identity, document, ".".join(place))
        self.note(place, document or old, document)

    def note(self, place: Place, known: Document | None, new: Document | None) -> None:
        """Note a change for the report; ``known`` has the ``_id``."""
        self._changes.append(Change(*place, (known or {}).get("_id"), new))

    def forget_changes(self) -> None:
        """Report none of the changes noted so far."""
        self._changes.clear()

    def holder(self, place: Place, identity: Key) -> Holder | None:
        """Return the running transaction that has written a document."""
        holder = self.locks.get((*place, identity))
        return holder if holder and holder.is_running() else None
