"""The documents of one database in a file of SQLite, so that they outlast the process."""

import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cloud_openapi.emulator.database.content import Collection, Content, Document, Index
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.forks import fork_safe, renew_in_children
from cloud_openapi.wire.extended_json import Decoder, write

FILE: Final = "documents.sqlite"
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE collections (name TEXT PRIMARY KEY, indexes TEXT NOT NULL);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (collection, id)
);
CREATE TABLE runs (number INTEGER PRIMARY KEY);
"""
_PUT: Final = """
INSERT INTO documents (collection, id, body) VALUES (?, ?, ?)
ON CONFLICT (collection, id) DO UPDATE SET body = excluded.body
"""
_MOST: Final = 2.0**63
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_decoder: Final = Decoder()


class ClosedError(Exception):
    """The file was released: by a reset, or because this process is a forked child."""


class Kept:
    """The file below a folder; each method changes it whole or not at all.

    Only one process may use it. Raises InvalidInputError if another one does, or if the file cannot
    be used. The methods raise sqlite3.Error if the disk is full, and ClosedError after `close`.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputError(f"{folder} cannot be made: {error.strerror}") from None
        self.path = folder / FILE
        self._lock = fork_safe(threading.RLock())
        self._db: sqlite3.Connection | None = _connect(self.path)
        self.is_new = self._prepare()
        self.run = self._next_run()
        renew_in_children(self)

    def load(self) -> Content:
        """Return all collections with their documents, in the order of their insertion."""
        with self._changing() as db:
            try:
                return _content(db)
            except (KeyError, TypeError, ValueError) as error:
                why = f"{type(error).__name__}: {error}"
            raise InvalidInputError(
                f"{self.path} is damaged: {why}: move it away, or give another --data"
            )

    def put(self, changes: Iterable[tuple[str, Any, Document | None]]) -> None:
        """Write documents by collection and id; None removes one."""
        with self._changing() as db:
            for collection, identity, document in changes:
                key = collection, _id_text(identity)
                if document is None:
                    db.execute("DELETE FROM documents WHERE collection = ? AND id = ?", key)
                else:
                    db.execute(_PUT, (*key, _json(document)))

    def add(self, content: Content) -> None:
        """Add collections with their documents."""
        with self._changing() as db:
            _insert(db, content)

    def drop(self, collection: str) -> None:
        """Remove a collection with its documents."""
        with self._changing() as db:
            db.execute("DELETE FROM collections WHERE name = ?", (collection,))
            db.execute("DELETE FROM documents WHERE collection = ?", (collection,))

    def replace(self, content: Content) -> None:
        """Replace all collections and documents."""
        with self._changing() as db:
            db.execute("DELETE FROM collections")
            db.execute("DELETE FROM documents")
            _insert(db, content)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    def renew_in_child(self) -> None:
        """Leave the file to the parent."""
        self._db = None

    def _prepare(self) -> bool:
        """Make the tables, and return whether there were none."""
        with self._changing() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == _VERSION:
                return False
            if version:
                raise InvalidInputError(
                    f"{self.path} was written by another version of cloud_openapi: move it away"
                )
            for statement in filter(str.strip, _SCHEMA.split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {_VERSION}")
            return True

    def _next_run(self) -> int:
        with self._changing() as db:
            return int(db.execute("INSERT INTO runs VALUES (NULL)").lastrowid or 0)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            db = self._db
            if db is None:
                raise ClosedError
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.commit()
            except BaseException:
                db.rollback()
                raise


def _connect(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        # A commit outlasts the process; after a power failure the newest ones may be missing.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise InvalidInputError(f"another emulator uses {path}: stop it first") from None
        advice = (
            "check that the folder can be written"
            if isinstance(error, sqlite3.OperationalError)
            else "move it away"
        )
        raise InvalidInputError(
            f"{path} cannot be used: {error}: {advice}, or give another --data"
        ) from None
    return db


def _content(db: sqlite3.Connection) -> Content:
    rows = db.execute("SELECT name, indexes FROM collections")
    found = {name: Collection([], _indexes(text)) for name, text in rows}
    for name, body in db.execute("SELECT collection, body FROM documents ORDER BY number"):
        found[name].documents.append(_decoder.decode(json.loads(body)))
    return found


def _insert(db: sqlite3.Connection, content: Content) -> None:
    for name, each in content.items():
        db.execute("INSERT INTO collections VALUES (?, ?)", (name, json.dumps(each.indexes)))
        rows = ((name, _id_text(one["_id"]), _json(one)) for one in each.documents)
        db.executemany(_PUT, rows)


def _indexes(text: str) -> tuple[Index, ...]:
    return tuple(Index(tuple(fields), unique) for fields, unique in json.loads(text))


def _id_text(identity: Any) -> str:
    # 1 and 1.0 are the same id: both are written as 1. Integers have at most 64 bits, so that a
    # larger float equals none of them.
    whole = isinstance(identity, float) and identity.is_integer() and abs(identity) < _MOST
    return _json(int(identity) if whole else identity)


def _json(value: Any) -> str:
    """Return a value as JSON; SQLite takes half of a surrogate pair only as its number."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", write(value))
