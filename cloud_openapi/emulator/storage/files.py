"""The files of one mini program: those of the seed, and the changes since.

A file's content stands under a random name in one flat folder, and only the index knows its path:
no path of a caller ever reaches the file system.
"""

import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Final
from uuid import uuid4
from weakref import finalize

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.storage.names import check_path
from cloud_openapi.emulator.storage.stored_file import StoredFile
from cloud_openapi.emulator.storage.temporary import TemporaryFolder
from cloud_openapi.forks import fork_safe, renew_in_children
from cloud_openapi.periods import BEIJING

if TYPE_CHECKING:
    from cloud_openapi.emulator.storage.kept import Kept

LARGEST: Final = 5 * 2**30
"""Bytes of a file, as COS takes them in one request."""

MOST_SEEDS: Final = 100_000


class TooLargeError(InvalidInputError):
    """A file that is larger than `LARGEST`."""


class ResetError(InvalidInputError):
    """The files were reset while one was being written."""


class Files:
    """Files by path, with the ``seed``'s at the start and after a reset.

    ``folder`` keeps the changes between runs; without it they are in a temporary folder. Nothing is
    read or made before the first use. Safe to share between threads.
    """

    def __init__(self, seed: Path | None = None, folder: Path | None = None) -> None:
        self._seed = seed
        self._place = folder
        self._lock = fork_safe(threading.RLock())
        self._index: dict[str, StoredFile] | None = None
        self._kept: Kept | None = None
        self._folder: Path | None = None
        self._resets = 0
        self.unread = ""
        """Why a folder of the seed could not be read."""
        renew_in_children(self)

    def open(self) -> None:
        """Read the seed and what was kept, if that was not done before.

        Raises OSError, and InvalidInputError if another process uses the folder.
        """
        with self._lock:
            self._files()

    def get(self, path: str) -> StoredFile | None:
        """Return a file, None if there is none at this path."""
        with self._lock:
            return self._files().get(path)

    def listed(self, prefix: str = "") -> list[tuple[str, StoredFile]]:
        """Return the files whose paths begin with a prefix, in the order of their paths."""
        with self._lock:
            found = [pair for pair in self._files().items() if pair[0].startswith(prefix)]
        return sorted(found)

    def write(self, path: str, content: Iterable[bytes], now: datetime) -> StoredFile:
        """Write a file of these pieces, whole or not at all, in place of a former one.

        Raises InvalidInputError for an invalid path, TooLargeError, ResetError, OSError.
        """
        check_path(path)
        with self._blob() as (blob, resets):
            size = 0
            with blob.open("xb") as file:
                for piece in content:
                    size += len(piece)
                    if size > LARGEST:
                        raise TooLargeError(f"a file is larger than {LARGEST >> 30} GiB")
                    file.write(piece)
            stored = StoredFile(blob, size, now)
            self._put(path, stored, resets)
        return stored

    def copy(self, source: str, target: str, now: datetime) -> bool:
        """Copy a file; return False if there is none. Raises as `write` does."""
        check_path(target)
        found = self.get(source)
        if found is None:
            return False
        with self._blob() as (blob, resets):
            self._copy_content(found.content, blob)
            self._put(target, StoredFile(blob, found.size, now), resets)
        return True

    def remove(self, path: str) -> bool:
        """Remove a file; return False if there is none."""
        with self._lock:
            files = self._files()
            found = files.get(path)
            if found is None:
                return False
            if self._kept is not None:
                self._kept.remove(path)
            del files[path]
        self._drop(found)
        return True

    def reset(self) -> None:
        """Go back to the seed; a file that is still being written is refused."""
        with self._lock:
            former = self._index or {}
            if self._place is not None:
                former = self._files()
            if self._kept is not None:
                self._kept.clear()
            self._index = None
            self._resets += 1
        for each in former.values():
            self._drop(each)

    def close(self) -> None:
        """Release the folder that keeps the changes; the next use takes it again."""
        with self._lock:
            if self._kept is not None:
                self._kept.close()
            self._index = self._kept = None

    def renew_in_child(self) -> None:
        """Write to a folder of its own, and leave the kept one to the parent."""
        # To close the parent's connection would write to its database.
        self._parents = self._kept
        self._folder = self._kept = self._place = None

    # ---- the index, under the lock -------------------------------------------------------------

    def _files(self) -> dict[str, StoredFile]:
        if self._index is None:
            found = dict(self._seeded())
            if self._place is not None and self._kept is None:
                from cloud_openapi.emulator.storage.kept import Kept  # noqa: PLC0415

                self._kept = Kept(self._place)
                self._folder = self._kept.folder
            if self._kept is not None:
                self._kept.apply_to(found)
            self._index = found
        return self._index

    def _seeded(self) -> Iterator[tuple[str, StoredFile]]:
        """Yield the files of the seed with their paths.

        Hidden files, links and what is no file, such as a pipe, are left out.
        """
        self.unread = ""
        if self._seed is None:
            return
        count = 0
        for folder, names, files in os.walk(self._seed, onerror=self._note_unread):
            names[:] = [name for name in names if not name.startswith(".")]
            for name in files:
                file = Path(folder, name)
                path = file.relative_to(self._seed).as_posix()
                status = _status_of(file)
                if name.startswith(".") or status is None or not _is_valid(path):
                    continue
                count += 1
                if count > MOST_SEEDS:
                    raise InvalidInputError(f"{self._seed} has more than {MOST_SEEDS:,} files")
                modified = datetime.fromtimestamp(status.st_mtime, BEIJING)
                yield path, StoredFile(file, status.st_size, modified)

    def _note_unread(self, error: OSError) -> None:
        # The seed may be missing.
        if not isinstance(error, FileNotFoundError):
            self.unread = f"{error.filename} cannot be read: {error.strerror}"

    def _put(self, path: str, stored: StoredFile, resets: int) -> None:
        with self._lock:
            files = self._files()
            if resets != self._resets:
                raise ResetError("the mini program was reset while the file was written: repeat it")
            if self._kept is not None:
                self._kept.put(path, stored)
            former = files.get(path)
            files[path] = stored
        if former is not None:
            self._drop(former)

    # ---- contents ------------------------------------------------------------------------------

    @contextmanager
    def _blob(self) -> Iterator[tuple[Path, int]]:
        """Yield the place of a new content, and the number of resets before it.

        The content is removed if the body of the with statement fails.
        """
        with self._lock:
            self._files()
            if self._folder is None:
                made = TemporaryFolder("cloud-openapi-storage-")
                finalize(self, made.remove)
                self._folder = made.path
            blob, resets = self._folder / uuid4().hex, self._resets
        try:
            yield blob, resets
        except BaseException:
            blob.unlink(missing_ok=True)
            raise

    def _copy_content(self, source: Path, target: Path) -> None:
        # Contents are never changed in place, so that a link is a copy; seeds are the project's.
        if source.parent == self._folder:
            with suppress(OSError):  # a file system without links
                os.link(source, target)
                return
        shutil.copyfile(source, target)

    def _drop(self, stored: StoredFile) -> None:
        """Remove a content, unless it is the seed's or a parent process's."""
        # Windows refuses while the file is being sent.
        with suppress(OSError):
            if stored.content.parent == self._folder:
                stored.content.unlink(missing_ok=True)


def _status_of(file: Path) -> os.stat_result | None:
    """Return the status of a file, None for a link, a pipe, and a file that is gone."""
    try:
        status = file.lstat()
    except OSError:
        return None
    return status if S_ISREG(status.st_mode) else None


def _is_valid(path: str) -> bool:
    try:
        check_path(path)
    except InvalidInputError:
        return False
    return True
