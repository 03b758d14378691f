"""Transactions: a session writes into copies of tables; a commit writes them to the store."""

from datetime import timedelta
from typing import Final

from cloud_openapi.documents._errors import DuplicateKeyError, InvalidOperation, OperationFailure
from cloud_openapi.documents._store import Place, Store
from cloud_openapi.documents._table import Tables, own, share
from cloud_openapi.documents._values import Document, Key

_LONGEST: Final = timedelta(seconds=30)


class ClientSession:
    """A session, in which one transaction after the other may run.

    A transaction sees the documents as they were at its first operation. If another one writes the
    same document, the second gets code 112. After 30 seconds it is aborted, code 251.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._started = store.now()
        self.in_transaction = False
        self._first: dict[str, Tables] = {}
        self._tables: dict[str, Tables] = {}
        self._written: dict[Place, dict[Key, Document | None]] = {}

    def __enter__(self) -> "ClientSession":  # noqa: PYI034 - typing.Self is of Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.end_session()

    def end_session(self) -> None:
        """End the session, and abort its transaction."""
        self._end()

    def start_transaction(self) -> None:
        """Start a transaction. Raises InvalidOperation while one runs."""
        if self.in_transaction:
            raise InvalidOperation("Transaction already in progress")
        self.in_transaction, self._started = True, self._store.now()

    def abort_transaction(self) -> None:
        """Discard what the transaction wrote. Raises InvalidOperation without one."""
        self._check_started()
        self._end()

    def commit_transaction(self) -> None:
        """Write what the transaction wrote, all or nothing. Raises OperationFailure."""
        self._check_started()
        with self._store.writing():
            if not self.is_running():
                raise _aborted()
            before = {name: share(tables) for name, tables in self._store.databases.items()}
            try:
                for place, documents in self._written.items():
                    for identity, document in documents.items():
                        self._store.put(place, identity, document)
            except DuplicateKeyError:  # a value that another one has written since
                self._store.databases, self._store.changes = before, []
                raise _conflict() from None
            finally:
                self._end()

    def is_running(self) -> bool:
        """Return whether a transaction runs; end one that has taken too long."""
        if self.in_transaction and self._store.now() - self._started > _LONGEST:
            self._end()
        return self.in_transaction

    def tables(self, database: str) -> Tables:
        """Return the tables of a database as the transaction sees them. Raises OperationFailure."""
        with self._store.lock:
            if not self.is_running():
                raise _aborted()
            if not self._first:
                self._first = {name: share(each) for name, each in self._store.databases.items()}
                self._tables = {name: dict(each) for name, each in self._first.items()}
            return self._tables.setdefault(database, {})

    def write(self, place: Place, identity: Key, document: Document | None) -> None:
        """Write a document within the transaction. Raises OperationFailure, DuplicateKeyError."""
        database, name = place
        tables, written = self.tables(database), self._written.setdefault(place, {})
        if identity not in written:
            seen = self._first.get(database, {}).get(name)
            current = self._store.tables(database).get(name)
            unchanged = (seen and seen.get(identity)) is (current and current.get(identity))
            if self._store.holder(place, identity) or not unchanged:
                self._end()
                raise _conflict()
        own(tables, name).write(identity, document, ".".join(place))
        written[identity] = document
        self._store.locks[place, identity] = self

    def _check_started(self) -> None:
        if not self.in_transaction:
            raise InvalidOperation("No transaction started")

    def _end(self) -> None:
        self.in_transaction = False
        with self._store.lock:
            locks = self._store.locks
            self._store.locks = {key: each for key, each in locks.items() if each is not self}
        self._first, self._tables, self._written = {}, {}, {}


def _conflict() -> OperationFailure:
    return OperationFailure("WriteConflict", 112)


def _aborted() -> OperationFailure:
    return OperationFailure("Transaction has been aborted.", 251)
