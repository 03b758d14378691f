"""The client and its databases."""

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from typing import Any

from cloud_openapi.documents._collection import Collection
from cloud_openapi.documents._errors import check
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._store import Change, ClientSession, Store
from cloud_openapi.documents._table import Tables, own, share


class Database:
    """Collections by name."""

    def __init__(self, client: "Client", store: Store, name: str) -> None:
        self.client, self.name = client, name
        self._store = store

    def __getitem__(self, name: str) -> Collection:
        return Collection(self._store, self.name, name)

    def list_collection_names(self) -> list[str]:
        """Return the names of the collections."""
        return list(self._store.tables(self.name))

    def create_collection(self, name: str) -> Collection:
        """Create an empty collection. Raises OperationFailure if it exists."""
        collection = self[name]
        with self._store.lock:
            exists = name in self._store.tables(self.name)
            check(not exists, f"a collection '{collection.full_name}' already exists", 48)
            own(self._store.tables(self.name), name)
        return collection

    def drop_collection(self, name: str) -> None:
        """Remove a collection, if there is one."""
        with self._store.lock:
            self._store.tables(self.name).pop(name, None)

    def snapshot(self) -> Tables:
        """Return all collections as they are now, for `restore`. Nothing is copied."""
        with self._store.lock:
            return share(self._store.tables(self.name))

    def restore(self, snapshot: Tables) -> None:
        """Replace all collections by those of a snapshot; ``on_write`` is not called."""
        with self._store.lock:
            self._store.databases[self.name] = dict(snapshot)


class Client:
    """Databases in memory by name; any thread may use them.

    ``now`` returns the time in UTC, without a zone, for $currentDate and the end of transactions,
    ``new_id`` an ``_id`` for a document without one, by which $sample also picks, ``monotonic`` the
    seconds that limit a query to ``time_limit``. ``on_write`` gets the changes of each operation
    before it returns.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc).replace(tzinfo=None),
        new_id: Callable[[], Any] = lambda: os.urandom(16).hex(),
        monotonic: Callable[[], float] = time.monotonic,  # noqa: TID251 - only a default
        time_limit: float = 30.0,
        on_write: Callable[[list[Change]], None] | None = None,
    ) -> None:
        self._store = Store(now, new_id, lambda: Scope(time_limit, monotonic, new_id), on_write)

    def __getitem__(self, name: str) -> Database:
        return Database(self, self._store, name)

    @property
    def lock(self) -> AbstractContextManager[bool]:
        """Return the lock of all writes and restores, which its thread may take again."""
        return self._store.lock

    def list_database_names(self) -> list[str]:
        """Return the names of the databases that have collections."""
        return [name for name, tables in self._store.databases.items() if tables]

    def start_session(self) -> ClientSession:
        """Return a session, in which transactions may run."""
        return ClientSession(self._store)
