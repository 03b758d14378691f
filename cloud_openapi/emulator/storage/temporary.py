"""A temporary folder that goes with its process, however that ends."""

import os
import shutil
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Final

_RANDOM: Final = "[a-z0-9_]" * 8
"""The end of a name that mkdtemp gives."""


class TemporaryFolder:
    """A folder of this process, at ``path``, until it is removed.

    A killed process cannot remove its folder: the next one that makes a folder with the same
    ``prefix`` does, in a thread, as there may be gigabytes. A lock tells which processes live, so
    on Windows, without it, folders stay.
    """

    def __init__(self, prefix: str) -> None:
        if others := list(Path(gettempdir()).glob(prefix + _RANDOM)):
            threading.Thread(
                target=_remove_left, args=(others,), name="temporary-folders", daemon=True
            ).start()
        self._process = os.getpid()
        self.path, self._lock = _made(prefix)

    def remove(self) -> None:
        """Remove the folder, unless it is that of a forked child's parent."""
        if os.getpid() != self._process:
            return
        _remove(self.path)
        if self._lock is not None:
            os.close(self._lock)


def _remove_left(folders: Iterable[Path]) -> None:
    """Remove the folders of this user that no living process has."""
    for folder in folders:
        with suppress(OSError):
            lock = _lock(folder)
            _remove(folder)
            os.close(lock)


def _made(prefix: str) -> tuple[Path, int | None]:
    while True:
        folder = Path(mkdtemp(prefix=prefix))
        try:
            lock = _lock(folder)
        except (BlockingIOError, FileNotFoundError):
            continue  # not locked yet, it looked to another process like one that was left
        except OSError:  # a system without locks, where nothing is removed either
            return folder, None
        if folder.exists():
            return folder, lock
        os.close(lock)


def _remove(folder: Path) -> None:
    for place, _folders, _names in os.walk(folder):
        with suppress(OSError):  # files can be removed only from a folder that can be written
            Path(place).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path) -> int:
    """Return a descriptor that holds the lock of a folder of this user.

    Raises OSError: BlockingIOError if a living process holds it.
    """
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock  # noqa: PLC0415 - Windows has none
    except ImportError as error:
        raise OSError("there are no locks") from error
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise PermissionError("the folder is another user's")
        flock(descriptor, LOCK_EX | LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
