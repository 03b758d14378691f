"""Read the JSON files that say how functions are deployed, and notice when files change."""

import json
import os
import posixpath
from collections import Counter, deque
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi import clocks
from cloud_openapi.json_schema.values import kind
from cloud_openapi.json_text import json_mistake, read_json, reading_mistake
from cloud_openapi.runtime._descriptors import no_descriptor

Stamp = tuple[int, int, int] | None
Fingerprint = tuple[tuple[str, int, int, int], ...]

# Dependencies are thousands of files, and are replaced as a whole.
UNWATCHED = frozenset({"node_modules", "__pycache__"})
# Folders that belong to a developer's machine; others, such as /tmp and /opt, are the platform's.
_OF_PEOPLE = ("/home/", "/Users/", "/root/", "/Volumes/")
_NAME = attrgetter("name")
_DIST_INFO = ".dist-info"
_LARGEST = 4 * 2**20
# The coarsest times of changes that file systems keep, in seconds: FAT's.
_COARSEST_SECONDS = 2
MOST_WATCHED = 400
"""The number of files in a function's folder that are watched for changes."""


class FileError(ValueError):
    """An invalid file; the message names file and key."""


def is_file(path: Path) -> bool:
    """Return whether a file exists; Path.is_file raises OSError for a name that is too long."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Return whether a folder exists, as `is_file` does."""
    return os.path.isdir(path)  # noqa: PTH112


def read_object(path: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file, None if the file is missing. Raises FileError."""
    try:
        value = read_json(read_limited(path).decode().removeprefix("\ufeff"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except json.JSONDecodeError as error:
        raise FileError(f"{path}: {json_mistake(error)}") from None
    except (OSError, ValueError, RecursionError) as error:
        if no_descriptor(error):
            raise
        mistake = reading_mistake(error)
        raise FileError(f"{path}: cannot be read as JSON in UTF-8: {mistake}") from error
    if not isinstance(value, dict):
        raise FileError(f"{path}: must be an object, not {kind(value)}")
    return value


def read_limited(path: Path) -> bytes:
    """Return the content of a file. Raises OSError, ValueError for a large file."""
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST // 2**20} MB")
    return data


def shown_path(path: Path) -> str:
    """Return a path for a message: relative to the working directory if it is in there."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


def repeated_keys(path: Path) -> list[str]:
    """Return the keys that an object of a JSON file has twice: the last one counts.

    Raises FileError.
    """
    found: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found.extend(key for key, count in Counter(key for key, _ in members).items() if count > 1)
        return dict(members)

    if read_object(path) is not None:
        json.loads(path.read_text("utf-8-sig"), object_pairs_hook=pairs)
    return found


def leads_out(path: str) -> bool:
    """Return whether a path, relative to a function's folder, leads out of that folder.

    Links and the name of the folder do not count: it has another one on the platform.
    /home/qcloud is the platform's own.
    """
    normal = posixpath.normpath(path)
    if f"{normal}/".startswith("/home/qcloud/"):
        return False
    return normal == ".." or normal.startswith(("../", *_OF_PEOPLE))


def stamp(path: str | Path) -> Stamp:
    """Return a value that changes when the file does, None if the file is missing."""
    try:
        # Called several times at every invocation, and pathlib is slower.
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ctime_ns


def fingerprint(folder: Path) -> Fingerprint:
    """Return a value that changes when a file of the folder does; see `WatchedFolder`."""
    return WatchedFolder(folder).fingerprint()


class WatchedFolder:
    """The files of a folder and its subfolders, listed again when one of these has changed.

    Installed dependencies are skipped. To bound the cost, only the first 400 files count, in the
    order of their depth.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = os.fspath(folder)
        self._listing = _Listing((), (), settled=False)

    def fingerprint(self) -> Fingerprint:
        """Return a value that changes when a file of the folder does."""
        if not self._listing.is_current():
            self._listing = _list(self._folder)
        found: list[tuple[str, int, int, int]] = []
        for path in self._listing.files:
            try:
                # Called at every invocation, and pathlib is slower.
                status = os.stat(path)  # noqa: PTH116
            except OSError:
                continue  # it was removed meanwhile, or is a broken link
            found.append((path, status.st_mtime_ns, status.st_size, status.st_ctime_ns))
        return tuple(found)


class _Listing(NamedTuple):
    """The paths of files, and the folders with them as they were before they were listed.

    It is ``settled`` if no folder can change again without a new time of its change.
    """

    files: tuple[str, ...]
    folders: tuple[tuple[str, Stamp], ...]
    settled: bool

    def is_current(self) -> bool:
        """Return whether the folders have the same entries as then."""
        return self.settled and all(stamp(folder) == former for folder, former in self.folders)


def _list(folder: str) -> _Listing:
    files: list[str] = []
    folders: dict[str, Stamp] = {}
    begun = clocks.now()
    waiting = deque([folder])
    while waiting and len(files) < MOST_WATCHED:
        current = waiting.popleft()
        folders[current] = stamp(current)
        entries = _entries(current)
        dist_infos = [entry.path for entry in entries if entry.name.endswith(_DIST_INFO)]
        installed = UNWATCHED.union(*map(_installed, dist_infos))
        for entry in entries:
            if not _is_folder(entry):
                files.append(entry.path)
            elif entry.name not in installed and not entry.name.startswith("."):
                waiting.append(entry.path)
    changes = [changed for _, _, changed in filter(None, folders.values())]
    settled = max(changes, default=0) < (begun - _COARSEST_SECONDS) * 10**9
    return _Listing(tuple(files[:MOST_WATCHED]), tuple(folders.items()), settled)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself


def _entries(folder: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=_NAME)
    except OSError as error:
        if no_descriptor(error):
            raise
        return []


@lru_cache(maxsize=1024)
def _installed(dist_info: str) -> frozenset[str]:
    """Return the folders that the RECORD of a .dist-info lists, as pip wrote it."""
    try:
        record = Path(dist_info, "RECORD").read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        if no_descriptor(error):
            raise
        return frozenset()
    return frozenset(line.partition("/")[0] for line in record.splitlines() if "/" in line)
