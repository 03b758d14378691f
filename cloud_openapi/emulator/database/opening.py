"""Opens, resets and closes the databases of mini programs; it loads the engine."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from errno import EIO
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from cloud_openapi.emulator.database.backend import Backend
from cloud_openapi.emulator.database.content import Content
from cloud_openapi.emulator.database.database import Database
from cloud_openapi.emulator.database.embedded import Embedded, saved_of
from cloud_openapi.emulator.database.kept import Kept
from cloud_openapi.emulator.database.seed import Seed, merged, read_folder, read_mapping
from cloud_openapi.emulator.state.places import Places

if TYPE_CHECKING:
    from cloud_openapi.emulator.database.server import Server

Given = Mapping[str, Sequence[Any]] | Path
"""Documents by collection, or a folder of files."""


class Program(NamedTuple):
    """What a database needs of its mini program: appid, time, and the seed of the ids."""

    appid: str
    now: Callable[[], datetime]
    seed: Callable[[], int]


class _Files(NamedTuple):
    """A folder as it was read, and the state of its files, which tells whether they changed."""

    state: Any
    seed: Seed


class _Ready(NamedTuple):
    """The seed as it was read, and the same ready to be loaded."""

    files: _Files
    given: Given
    seed: Seed
    saved: Any


class Opener:
    """The databases of mini programs in this process. The caller holds a lock.

    With ``url`` a MongoDB server has the data. Raises InvalidInputError, OSError.
    """

    def __init__(self, places: Places, url: str | None) -> None:
        self._places = places
        self._server = None if url is None else _server(url)
        self._files = _Files(None, Seed({}, {}))
        self._ready: _Ready | None = None
        self._backends: dict[str, Backend] = {}
        self._databases: dict[str, Database] = {}
        self._kept: dict[str, Kept] = {}
        self._snapshots: dict[str, dict[str, Any]] = {}

    def open(self, program: Program, given: Given) -> Database:
        """Return the database of a mini program: what was kept of it, else its seed."""
        ready = self._seed(given)
        self._discard(program.appid)
        with self._on_disk(program.appid):
            backend, run = self._backend(program, ready)
        unread = ready.seed.unread
        database = Database(backend, program.now, _ids(program, run), unread)
        database.snapshots = self._snapshots.setdefault(program.appid, {})
        self._backends[program.appid], self._databases[program.appid] = backend, database
        return database

    def reset(self, appid: str, given: Given) -> None:
        """Let the next `open` of a mini program begin with its seed, or with all data on failure.

        The former database is discarded in any case: it keeps nothing any more.
        """
        self._discard(appid)
        content = self._seed(given).seed.content
        if self._server is not None:
            self._server.replace(appid, content)
        elif self._places.data is not None:
            with self._on_disk(appid):
                if kept := self._kept_of(appid):
                    kept.replace(content)

    def close(self) -> None:
        """Close all databases, and release the files."""
        for database in self._databases.values():
            database.close()
        for kept in self._kept.values():
            kept.close()
        if self._server is not None:
            self._server.close()

    def _backend(self, program: Program, ready: _Ready) -> tuple[Backend, str]:
        """Return the data of a mini program, and what tells this run from others."""
        if self._server is not None:
            return self._server.open(program.appid, ready.seed.content), uuid4().hex
        kept = self._kept_of(program.appid)
        if kept is None:
            return Embedded(ready.saved, program.now, _ids(program, "samples")), ""
        saved = saved_of(_with_new(kept, ready.seed.content), {})
        ids = _ids(program, f"samples/{kept.run}")
        return Embedded(saved, program.now, ids, kept), str(kept.run)

    def _discard(self, appid: str) -> None:
        """Let a database keep nothing any more; requests that still run may go on using it."""
        database, backend = self._databases.pop(appid, None), self._backends.pop(appid, None)
        if database is not None and backend is not None:
            backend.detach()
            database.close()

    def _kept_of(self, appid: str) -> Kept | None:
        folder = self._places.kept(appid, "database")
        if folder is not None and appid not in self._kept:
            self._kept[appid] = Kept(folder)
        return self._kept.get(appid)

    @contextmanager
    def _on_disk(self, appid: str) -> Iterator[None]:
        """Raise OSError with the folder for an error of SQLite."""
        try:
            yield
        except sqlite3.Error as error:
            folder = self._places.kept(appid, "database")
            raise OSError(EIO, str(error), str(folder)) from None

    def _seed(self, given: Given) -> _Ready:
        """Return the seed, which is read again if a file or what is given has changed."""
        folder = self._places.seed("database")
        state = None if folder is None else _state_of(folder)
        if folder is not None and state != self._files.state:
            self._files = _Files(state, read_folder(folder))
        ready = self._ready
        if ready is None or ready.files is not self._files or ready.given is not given:
            seed = merged(self._files.seed, read_given(given))
            saved = saved_of(seed.content, seed.unread)
            usable = {name: each for name, each in seed.content.items() if name not in seed.unread}
            self._ready = ready = _Ready(self._files, given, Seed(usable, seed.unread), saved)
        return ready


def read_given(given: Given) -> Seed:
    """Return the data of a mapping or a folder. Raises ValueError for an invalid mapping."""
    return read_folder(given) if isinstance(given, Path) else read_mapping(given)


def _with_new(kept: Kept, seed: Content) -> Content:
    """Return what was kept, with the collections of the seed that it lacks."""
    content = kept.load()
    added = {name: each for name, each in seed.items() if name not in content}
    if added:
        kept.add(added)
    return {**content, **added}


def _server(url: str) -> "Server":
    # pymongo is an optional dependency.
    from cloud_openapi.emulator.database.server import Server  # noqa: PLC0415

    return Server(url)


def _ids(program: Program, run: str) -> Callable[[], str]:
    """Return a function that makes ids of 32 hexadecimal digits, other ones in each run."""
    numbers = count()

    def new_id() -> str:
        text = f"{program.seed()}/{program.appid}/{run}/{next(numbers)}"
        return blake2b(text.encode(), digest_size=16).hexdigest()

    return new_id


def _state_of(folder: Path) -> Any:
    try:
        return sorted((path.name, *_time_and_size(path)) for path in folder.iterdir())
    except OSError as error:
        return error.errno


def _time_and_size(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:  # such as a link to a file that is missing, by which editors lock a file
        return 0, 0
    return state.st_mtime_ns, state.st_size
