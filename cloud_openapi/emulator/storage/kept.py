"""The changes of the files that outlast a run: contents in a folder, their paths in SQLite."""

import sqlite3
from datetime import datetime
from errno import EIO
from pathlib import Path
from typing import Any, Final

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.storage.stored_file import StoredFile

FILE: Final = "files.sqlite"
_BEGIN: Final = """
pragma locking_mode = exclusive;
pragma journal_mode = wal;
pragma synchronous = normal;
create table if not exists files (path text primary key, content text, modified text);
begin exclusive;
commit;
"""


class Kept:
    """The changes since the seed, in a folder that one process uses at a time.

    A row without content is a file of the seed that was removed. Raises OSError, and
    InvalidInputError for a folder that another process uses or that is damaged.
    """

    def __init__(self, place: Path) -> None:
        self.folder = place / "contents"
        """The folder of the contents."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = place / FILE
        try:
            self._database = _connect(file)
        except sqlite3.Error as error:
            if "locked" in str(error):
                raise InvalidInputError(
                    f"{place} is in use by another emulator: stop it, or give another --data"
                ) from None
            advice = (
                "check that the folder can be written"
                if isinstance(error, sqlite3.OperationalError)
                else "move it away"
            )
            raise InvalidInputError(f"{file}: {error}: {advice}, or give another --data") from None

    def apply_to(self, files: dict[str, StoredFile]) -> None:
        """Apply the changes to the files of the seed; remove contents that belong to no file."""
        sizes = {file.name: file.stat().st_size for file in self.folder.iterdir()}
        rows = self._execute("select path, content, modified from files")
        for path, content, modified in rows:
            if content is None:
                files.pop(path, None)
            elif content in sizes:
                size, moment = sizes.pop(content), datetime.fromisoformat(modified)
                files[path] = StoredFile(self.folder / content, size, moment)
        for name in sizes:
            (self.folder / name).unlink()

    def put(self, path: str, stored: StoredFile) -> None:
        """Keep a file."""
        self._change(path, stored.content.name, stored.modified.isoformat())

    def remove(self, path: str) -> None:
        """Keep that there is no file at a path."""
        self._change(path, None, None)

    def clear(self) -> None:
        """Forget the changes."""
        self._execute("delete from files")

    def close(self) -> None:
        """Let another process use the folder."""
        self._database.close()

    def _change(self, *row: str | None) -> None:
        self._execute("insert or replace into files values (?, ?, ?)", *row)

    def _execute(self, statement: str, *values: str | None) -> list[Any]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise OSError(EIO, str(error), str(self.folder.parent / FILE)) from None


def _connect(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        database.executescript(_BEGIN)
    except sqlite3.Error:
        database.close()
        raise
    return database
