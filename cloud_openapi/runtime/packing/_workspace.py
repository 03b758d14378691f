"""A folder for what is being made, from which finished files and folders are moved at once."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".cloud-openapi-"


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """Yield an empty folder in ``folder``, which is made; one process at a time has one there.

    What killed processes have left there is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        for left in folder.glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


def put(made: Path, target: Path) -> None:
    """Move a finished file or folder to its place, instead of what is there.

    ``made`` stands in a workspace. A process that is killed leaves the former, the new one or
    none there, never a part.
    """
    if target.is_dir():
        # A rename does not replace a folder with files.
        target.rename(made.with_name(f"{made.name}.former"))
    made.replace(target)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time pass; the lock of a killed process ends with it."""
    try:
        from fcntl import LOCK_EX, flock  # noqa: PLC0415 - Windows has none
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        flock(descriptor, LOCK_EX)
        yield
    finally:
        os.close(descriptor)
