"""The documents of all databases, the only place where they are written, and transactions.

A transaction writes into copies of tables; its commit writes them to the store.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cloud_openapi.documents._errors import (
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    check,
)
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._table import Place, Tables, own, share
from cloud_openapi.documents._values import Document, Key

_LOCK_BUSY: Final = 46
_LONGEST_TRANSACTION: Final = timedelta(seconds=30)


class Change(NamedTuple):
    """One written document; ``document`` is None if it was removed."""

    database: str
    collection: str
    identity: Any
    document: Document | None


class Store:
    """Tables by database and collection, the lock of writers, and the sources of time and ids.

    Writes happen within ``with store``.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        new_id: Callable[[], Any],
        scope: Callable[[], Scope],
        on_write: Callable[[list[Change]], None] | None,
    ) -> None:
        self.now, self.new_id, self.scope, self._on_write = now, new_id, scope, on_write
        self.databases: dict[str, Tables] = {}
        self.locks: dict[tuple[Place, Key], ClientSession] = {}  # by document
        self.lock = threading.RLock()
        self.changes: list[Change] = []

    def __enter__(self) -> None:
        """Keep other writers out until the end of a block."""
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        """Report the changes, also if an error ended the block."""
        try:
            changes, self.changes = self.changes, []
            if changes and self._on_write:
                self._on_write(changes)
        finally:
            self.lock.release()

    def tables(self, database: str) -> Tables:
        """Return the tables of a database by collection."""
        return self.databases.setdefault(database, {})

    def write(self, place: Place, identity: Key, document: Document | None) -> None:
        """Write the document with the key of an ``_id``, None to remove it, within a block.

        Raises OperationFailure if a transaction has written it, DuplicateKeyError.
        """
        if self.holder(place, identity):
            where = ".".join(place)
            error = f"A transaction has written this document of {where}. Try again later"
            raise OperationFailure(error, _LOCK_BUSY)
        table = own(self.tables(place[0]), place[1])
        old = table.write(identity, document, place)
        if known := document or old:
            self.changes.append(Change(*place, known["_id"], document))

    def holder(self, place: Place, identity: Key) -> "ClientSession | None":
        """Return the running transaction that has written a document."""
        holder = self.locks.get((place, identity))
        return holder if holder and holder.is_running() else None


class ClientSession:
    """A session, in which one transaction after the other may run.

    A transaction sees the documents as they were at its first operation. If another one writes the
    same document, the second gets code 112. After 30 seconds it is aborted, code 251.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._started = store.now()
        self.in_transaction = False
        self._tables: dict[str, Tables] = {}
        self._written: dict[Place, dict[Key, Document | None]] = {}

    def __enter__(self) -> "ClientSession":  # noqa: PYI034 - typing.Self is of Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.end_session()

    def end_session(self) -> None:
        """End the session, and abort its transaction."""
        self.in_transaction = False
        with self._store.lock:
            locks = self._store.locks
            self._store.locks = {key: each for key, each in locks.items() if each is not self}
        self._tables, self._written = {}, {}

    def start_transaction(self) -> None:
        """Start a transaction. Raises InvalidOperation while one runs."""
        if self.in_transaction:
            raise InvalidOperation("Transaction already in progress")
        self.in_transaction, self._started = True, self._store.now()

    def abort_transaction(self) -> None:
        """Discard what the transaction wrote. Raises InvalidOperation without one."""
        self._check_started()
        self.end_session()

    def commit_transaction(self) -> None:
        """Write what the transaction wrote, all or nothing. Raises OperationFailure."""
        self._check_started()
        with self._store:
            check(self.is_running(), "Transaction has been aborted.", 251)
            before = {name: share(tables) for name, tables in self._store.databases.items()}
            written = self._written
            self.end_session()  # releases the locks
            try:
                for place, documents in written.items():
                    for identity, document in documents.items():
                        self._store.write(place, identity, document)
            except DuplicateKeyError:  # a value that another one has written since
                self._store.databases, self._store.changes = before, []
                raise OperationFailure("WriteConflict", 112) from None

    def is_running(self) -> bool:
        """Return whether a transaction runs; end one that has taken too long."""
        if self.in_transaction and self._store.now() - self._started > _LONGEST_TRANSACTION:
            self.end_session()
        return self.in_transaction

    def tables(self, database: str) -> Tables:
        """Return the tables of a database as the transaction sees them. Raises OperationFailure."""
        with self._store.lock:
            check(self.is_running(), "Transaction has been aborted.", 251)
            if not self._tables:
                self._tables = {name: share(each) for name, each in self._store.databases.items()}
            return self._tables.setdefault(database, {})

    def write(self, place: Place, identity: Key, document: Document | None) -> None:
        """Write a document within the transaction. Raises OperationFailure, DuplicateKeyError."""
        database, name = place
        tables, written = self.tables(database), self._written.setdefault(place, {})
        if identity not in written:
            seen, current = (each.get(name) for each in (tables, self._store.tables(database)))
            unchanged = (seen and seen.get(identity)) is (current and current.get(identity))
            if self._store.holder(place, identity) or not unchanged:
                self.end_session()
                raise OperationFailure("WriteConflict", 112)
        own(tables, name).write(identity, document, place)
        written[identity] = document
        self._store.locks[place, identity] = self

    def _check_started(self) -> None:
        if not self.in_transaction:
            raise InvalidOperation("No transaction started")
