"""The engine in this process: documents in memory, and in a file if they are to be kept."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any, Final

from cloud_openapi import clocks, documents
from cloud_openapi.emulator.database.content import Collection, Content, Index
from cloud_openapi.emulator.database.failures import FAILED, DatabaseError
from cloud_openapi.emulator.database.kept import ClosedError, Kept
from cloud_openapi.wire.extended_json import ObjectId

NAME: Final = "tnt-local"
"""The name of the database, which errors show; the platform's begin with ``tnt-``, too."""

_MOST_SECONDS: Final = 5.0
_LOCKED: Final = 46


class Embedded:
    """A database in memory that begins with ``saved``, and the file of its changes, if any."""

    object_id: Final = ObjectId
    has_transactions: Final = True
    refused: Final[tuple[type[Exception], ...]] = (documents.PyMongoError,)

    def __init__(
        self,
        saved: Any,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        kept: Kept | None = None,
    ) -> None:
        self.client: Any = documents.Client(
            now=lambda: _milliseconds(now().astimezone(timezone.utc).replace(tzinfo=None)),
            new_id=new_id,
            monotonic=clocks.monotonic,
            time_limit=_MOST_SECONDS,
            on_write=self._keep,
        )
        self._database: Any = self.client[NAME]
        self._database.restore(saved)
        self._kept = kept
        self._not_undone: str | None = None

    @property
    def database(self) -> Any:
        """Return the database. Raises DatabaseError while a failed write cannot be undone."""
        if self._not_undone is not None:
            self._undo(self._not_undone)
        return self._database

    def has(self, name: str) -> bool:
        """Return whether a collection exists."""
        return name in self.database.list_collection_names()

    def is_locked(self, error: Exception) -> bool:
        """Return whether a write was refused because an open transaction changed its document."""
        return getattr(error, "code", None) == _LOCKED

    def create(self, name: str) -> None:
        """Add an empty collection."""
        self.database.create_collection(name)
        self._keeping(lambda kept: kept.add({name: Collection([])}))

    def drop(self, name: str) -> None:
        """Remove a collection with its documents."""
        self.database.drop_collection(name)
        self._keeping(lambda kept: kept.drop(name))

    def save(self) -> Any:
        """Return the data as they are now, for `load`."""
        return self.database.snapshot()

    def load(self, saved: Any) -> None:
        """Replace all data by saved ones, all at once."""
        self.database.restore(saved)
        self._keeping(lambda kept: kept.replace(content_of(self.database)))

    def detach(self) -> None:
        """Keep no changes any more: a reset has replaced this database."""
        self._kept = None

    def _keep(self, changes: Sequence[Any]) -> None:
        self._keeping(
            lambda kept: kept.put(
                (each.collection, each.identity, each.document) for each in changes
            )
        )

    def _keeping(self, change: Callable[[Kept], None]) -> None:
        """Write a change to the file, or undo it in memory. Raises DatabaseError."""
        kept = self._kept
        if kept is None:
            return
        try:
            change(kept)
        except ClosedError:
            self._kept = None
        except Exception as error:
            self._undo(str(error))
            if not isinstance(error, sqlite3.Error):
                raise
            raise DatabaseError(
                FAILED,
                "[FailedOperation] the data cannot be written",
                f"{kept.path} cannot be written, and the change is undone: {error}",
            ) from None

    def _undo(self, why: str) -> None:
        """Go back to the data of the file after a failed write.

        Raises DatabaseError if the file cannot be read; then the next use of the data tries again.
        """
        # No other thread may write between the two: its change would be lost in memory.
        with self.client.lock:
            self._restore_kept(why)

    def _restore_kept(self, why: str) -> None:
        kept, self._not_undone = self._kept, why
        try:
            content = None if kept is None else kept.load()
        except ClosedError:
            content = None
        except (sqlite3.Error, ValueError) as error:
            raise DatabaseError(
                FAILED,
                "[FailedOperation] the data cannot be read",
                f"a change could not be written ({why}), and the data before it cannot be read "
                f"from {kept and kept.path} ({error}): the next request reads them again, or start "
                "the emulator with another --data",
            ) from None
        if content is not None:
            self._database.restore(saved_of(content, {}))
        self._not_undone = None


def _milliseconds(moment: datetime) -> datetime:
    """Return a moment without the microseconds that dates of MongoDB do not have."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def saved_of(content: Content, unread: dict[str, str]) -> Any:
    """Return data as `Embedded.load` takes them.

    A collection that cannot be stored is left out, and ``unread`` gets the reason.
    """
    database = documents.Client()[NAME]
    for name, each in content.items():
        wrong = _fill(database.create_collection(name), each)
        if wrong:
            unread[name] = f"{name}: {wrong}"
            database.drop_collection(name)
    return database.snapshot()


def _fill(collection: Any, content: Collection) -> str:
    """Store documents, and return why one of them cannot be stored, empty for none."""
    try:
        for index in content.indexes:
            pairs = [(field, 1) for field in index.fields]
            collection.create_index(pairs, unique=index.unique)
        collection.insert_many(content.documents)
    except documents.OperationFailure as error:
        failure, *_ = error.details.get("writeErrors") or [{"errmsg": str(error)}]
        place = f"record {failure['index'] + 1}: " if "index" in failure else ""
        return f"{place}{failure['errmsg']}"
    return ""


def content_of(database: Any) -> Content:
    """Return the data of a database, without geographic indexes, which queries make again."""
    return {
        name: Collection(list(database[name].find()), tuple(_indexes(database[name])))
        for name in database.list_collection_names()
    }


def _indexes(collection: Any) -> Iterator[Index]:
    for name, index in collection.index_information().items():
        fields, kinds = zip(*index["key"], strict=True)
        if name != "_id_" and set(kinds) == {1}:
            yield Index(fields, index.get("unique", False))
