"""The database of one mini program, on an engine behind pymongo's names."""

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from cloud_openapi import clocks
from cloud_openapi.emulator.database.backend import Backend
from cloud_openapi.emulator.database.failures import (
    FAILED,
    DatabaseError,
    busy,
    code_of,
    invalid,
    missing_collection,
    refused,
    shown,
)
from cloud_openapi.emulator.database.names import wrong_name
from cloud_openapi.emulator.database.seed import DECLARED
from cloud_openapi.emulator.database.transactions import Transactions
from cloud_openapi.fibers import pause
from cloud_openapi.known_names import shortened
from cloud_openapi.wire.extended_json import Decoder

Document = dict[str, Any]
Query = Mapping[str, Any]
_Result = TypeVar("_Result")

# https://docs.cloudbase.net/database/faq/
MOST_COLLECTIONS: Final = 100
# A write waits so long for the transaction that has changed its document.
_PATIENCE, _PAUSE = 2.0, 0.01
_NO_GEO_INDEX: Final = (27, 291)
_SNAPSHOT: Final = re.compile(r"[\w.-]{1,100}")
_MOST_SNAPSHOTS: Final = 20
_NEAR: Final = ("$near", "$nearSphere", "$geoNear")


class Changed(NamedTuple):
    """The result of an update: documents found and really changed, and the id of a new one."""

    documents: int
    updated: int
    created: Any = None


class Database:
    """Collections and transactions of one mini program. Safe to share between threads.

    ``now`` is the emulator's time, ``new_id`` makes the ids of documents and transactions.
    ``unread`` says why files of collections could not be read. The methods raise DatabaseError.
    """

    def __init__(
        self,
        backend: Backend,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        unread: Mapping[str, str],
    ) -> None:
        self._backend = backend
        self._now = now
        self._new_id = new_id
        self.unread = unread
        self._closed = threading.Event()
        self.cut: set[str] = set()
        """The collections whose aggregations have left out results: that is told once."""
        self.snapshots: dict[str, Any] = {}
        """Saved data by name."""
        self.transactions = Transactions(backend.client.start_session, now, new_id)

    def decoder(self) -> Decoder:
        """Return the decoder of one request: each date of the server in it is the same moment."""
        now = self._now()
        return Decoder(
            server_date=lambda offset: now + timedelta(milliseconds=offset),
            object_id=self._backend.object_id,
        )

    def names(self) -> list[str]:
        """Return the names of the collections, sorted."""
        return sorted(self._backend.database.list_collection_names())

    def find(  # noqa: PLR0913 - each is a part of a query
        self,
        collection: str,
        query: Query,
        *,
        projection: Query | None = None,
        order: Sequence[tuple[str, Any]] = (),
        skip: int = 0,
        limit: int = 0,
        transaction: str | None = None,
    ) -> list[Document]:
        """Return documents; a ``limit`` of 0 means all."""

        def find(found: Any, session: Any) -> list[Document]:
            cursor = found.find(query, projection, session=session)
            cursor = cursor.sort(list(order)) if order else cursor
            return list(cursor.skip(skip).limit(limit))

        return self._read(collection, find, transaction, query)

    def count(self, collection: str, query: Query) -> int:
        """Return the number of documents that match a query."""
        return self._read(
            collection, lambda found, _session: int(found.count_documents(query)), None, query
        )

    def aggregate(self, collection: str, pipeline: Sequence[Query]) -> list[Document]:
        """Return the results of a pipeline."""
        stages = list(pipeline)
        return self._read(
            collection, lambda found, _session: list(found.aggregate(stages)), None, stages
        )

    def insert(
        self, collection: str, documents: Iterable[Document], transaction: str | None = None
    ) -> list[Any]:
        """Add documents in order, up to the first one that is refused, and return their ids."""
        given = [each if "_id" in each else {"_id": self._new_id(), **each} for each in documents]

        def insert(found: Any, session: Any) -> list[Any]:
            found.insert_many(given, session=session)
            return [each["_id"] for each in given]

        return self._write(collection, insert, transaction, insert=True)

    def update(  # noqa: PLR0913 - each is a part of an update
        self,
        collection: str,
        query: Query,
        update: Document,
        *,
        many: bool = False,
        replace: bool = False,
        upsert: bool = False,
        transaction: str | None = None,
    ) -> Changed:
        """Update the documents that match a query, or replace the first one."""

        def change(found: Any, session: Any) -> Changed:
            method = (
                found.replace_one if replace else found.update_many if many else found.update_one
            )
            result = method(query, update, upsert=upsert, session=session)
            return Changed(result.matched_count, result.modified_count, result.upserted_id)

        return self._write(collection, change, transaction)

    def update_and_return(
        self,
        collection: str,
        query: Query,
        update: Document,
        transaction: str | None = None,
    ) -> Document | None:
        """Update the first document that matches a query, and return it as it is then."""
        found: Document | None = self._write(
            collection,
            lambda found, session: found.find_one_and_update(
                query, update, return_document=True, session=session
            ),
            transaction,
        )
        return found

    def delete(
        self, collection: str, query: Query, transaction: str | None = None, *, many: bool = False
    ) -> int:
        """Delete the documents that match a query, or the first one, and return their number."""

        def delete(found: Any, session: Any) -> int:
            method = found.delete_many if many else found.delete_one
            return int(method(query, session=session).deleted_count)

        return self._write(collection, delete, transaction)

    def create_collection(self, name: str) -> None:
        """Add an empty collection."""
        if wrong := wrong_name(name):
            raise invalid(wrong)
        names = self.names()
        if name in names:
            message = "[FailedOperation] Table exist. Please check your request."
            raise DatabaseError(FAILED, message, f"there is a collection {name} already")
        if len(names) >= MOST_COLLECTIONS:
            raise DatabaseError(
                "DATABASE_COLLECTION_EXCEED_LIMIT",
                f"an environment has at most {MOST_COLLECTIONS} collections",
            )
        self._backend.create(name)

    def collection(self, name: str) -> Any:
        """Return a collection of the engine, with pymongo's methods; it may not exist yet."""
        if wrong := wrong_name(name):
            raise invalid(wrong)
        # A new collection would hide the mistake in the file.
        if (unread := self._unread(name)) and not self._backend.has(name):
            raise invalid(unread)
        return self._backend.database[name]

    def describe(self) -> list[dict[str, Any]]:
        """Return the collections as JSON: names, numbers of documents, indexes."""
        return [self._described(name) for name in self.names()]

    def start_atomic(self) -> str | None:
        """Start a transaction, None on a server, where not every server has them."""
        return self.transactions.start() if self._backend.has_transactions else None

    def save(self, name: str) -> None:
        """Keep a snapshot of all data under a name, in place of a former one."""
        if not isinstance(name, str) or not _SNAPSHOT.fullmatch(name):
            raise invalid(f"{shown(name)} is not a name for a snapshot: letters, digits, . _ and -")
        if name not in self.snapshots and len(self.snapshots) >= _MOST_SNAPSHOTS:
            raise invalid(f"there are {_MOST_SNAPSHOTS} snapshots already: remove one")
        self.snapshots[name] = self._refusable(self._backend.save)

    def restore(self, name: str) -> None:
        """Go back to a snapshot; open transactions are rolled back."""
        saved = self._snapshot(name)
        self.transactions.close()
        self._refusable(lambda: self._backend.load(saved))

    def forget(self, name: str) -> None:
        """Remove a snapshot."""
        self._snapshot(name)
        del self.snapshots[name]

    def drop_collection(self, name: str) -> None:
        """Remove a collection with its documents."""
        self._collection(name)
        self._backend.drop(name)

    def commit(self, transaction: str) -> None:
        """Commit a transaction."""
        self._refusable(lambda: self.transactions.commit(transaction))

    def close(self) -> None:
        """Roll back open transactions, and end the waits for them."""
        self._closed.set()
        self.transactions.close()

    def _snapshot(self, name: str) -> Any:
        if name not in self.snapshots:
            known = shortened(list(self.snapshots)) or "none"
            raise invalid(f"there is no snapshot {shown(name)}; there are: {known}")
        return self.snapshots[name]

    def _described(self, name: str) -> dict[str, Any]:
        collection = self._backend.database[name]
        indexes = [
            {"fields": dict(index["key"]), "unique": index.get("unique", False)}
            for key, index in collection.index_information().items()
            if key != "_id_"
        ]
        return {"name": name, "documents": collection.count_documents({}), "indexes": indexes}

    def _refusable(self, operation: Callable[[], _Result]) -> _Result:
        try:
            return operation()
        except self._backend.refused as error:
            raise refused(error) from None

    def _collection(self, name: str) -> Any:
        if not self._backend.has(name):
            raise missing_collection(name, self.names(), self._unread(name))
        return self._backend.database[name]

    def _unread(self, name: str) -> str:
        """Return why the files that may have a collection could not be read, empty if they were."""
        return self.unread.get(name) or self.unread.get(DECLARED, "")

    def _read(
        self,
        collection: str,
        operation: Callable[[Any, Any], _Result],
        transaction: str | None,
        conditions: Any,
    ) -> _Result:
        """Return the result of an operation, for which a geographic index is made if it needs one.

        On the platform somebody makes it in the console.
        """
        try:
            return self._apply(collection, operation, transaction)
        except self._backend.refused as error:
            field = _geo_field(conditions) if code_of(error) in _NO_GEO_INDEX else None
            if field is None:
                raise refused(error) from None
        index = [(field, "2dsphere")]
        self._refusable(lambda: self._backend.database[collection].create_index(index))
        return self._refusable(lambda: self._apply(collection, operation, transaction))

    def _write(
        self,
        collection: str,
        operation: Callable[[Any, Any], _Result],
        transaction: str | None,
        *,
        insert: bool = False,
    ) -> _Result:
        """Return the result of an operation, for which it waits while a transaction is open."""
        patience = clocks.monotonic() + _PATIENCE
        while True:
            try:
                return self._apply(collection, operation, transaction)
            except self._backend.refused as error:
                if transaction is not None or not self._backend.is_locked(error):
                    raise refused(error, write=True, insert=insert) from None
            if clocks.monotonic() > patience or self._closed.is_set():
                raise busy()
            self.transactions.expire()
            pause(_PAUSE, self._closed)

    def _apply(
        self,
        collection: str,
        operation: Callable[[Any, Any], _Result],
        transaction: str | None,
    ) -> _Result:
        found = self._collection(collection)
        if transaction is None:
            return operation(found, None)
        with self.transactions.using(transaction) as session:
            return operation(found, session)


def _geo_field(conditions: Any, field: str = "") -> str | None:
    """Return the field by which a query or a pipeline sorts by distance, None without one."""
    if isinstance(conditions, list):
        found = (_geo_field(each, field) for each in conditions)
        return next(filter(None, found), None)
    if not isinstance(conditions, dict):
        return None
    if "$geoNear" in conditions and isinstance(conditions["$geoNear"], dict):
        return conditions["$geoNear"].get("key")
    if field and any(name in conditions for name in _NEAR):
        return field
    found = (
        _geo_field(each, field if name.startswith("$") else name)
        for name, each in conditions.items()
    )
    return next(filter(None, found), None)
