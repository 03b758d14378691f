"""Find the functions of a folder, and read their files again when they change."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from cloud_openapi.json_schema.values import kind
from cloud_openapi.runtime._cloudbaserc import RC, CloudbaseRC
from cloud_openapi.runtime._descriptors import no_descriptor
from cloud_openapi.runtime._files import (
    FileError,
    Fingerprint,
    Stamp,
    WatchedFolder,
    read_object,
    stamp,
)
from cloud_openapi.runtime._settings import Settings, entry_file, read_settings
from cloud_openapi.runtime._timer import Timer, read_timer

_T = TypeVar("_T")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,58}[a-zA-Z0-9]")


def refused_name(name: str) -> str:
    """Return why a function's name is invalid on the platform, empty if it is valid."""
    if _NAME.fullmatch(name):
        return ""
    return (
        "a function's name is 2 to 60 of a-z, A-Z, 0-9, - and _; it begins with a letter and ends "
        f"with a letter or digit, unlike {name!r}"
    )


class Function(NamedTuple):
    """A function as its files are now; unequal once a file or a setting has changed."""

    files: Fingerprint
    settings: Settings


class UnknownFunctionError(KeyError):
    """No function has the name."""


class _FileCache(Generic[_T]):
    """Parsed files; each is read again when it has changed. An invalid file gives the default."""

    def __init__(self, read: Callable[[Path], _T], default: _T) -> None:
        self._read = read
        self._default = default
        self._cached: dict[Path, tuple[Stamp, _T, str]] = {}

    def __call__(self, path: Path) -> tuple[_T, str]:
        """Return the parsed content and the error message, which is empty if the file is valid."""
        current = stamp(path)
        cached = self._cached.get(path)
        if cached is None or cached[0] != current:
            try:
                cached = (current, self._read(path), "")
            except ValueError as error:
                where = "" if isinstance(error, FileError) else f"{path}: "
                cached = (current, self._default, f"{where}{error}")
            self._cached[path] = cached
        return cached[1], cached[2]


class _Cached(NamedTuple):
    """A function with its files, and the state of the files that decide which folder it is."""

    surroundings: tuple[RC, Stamp]
    files: WatchedFolder
    function: Function


class Folder:
    """The functions of a folder; none if the folder is missing.

    Methods raise OSError if no file descriptor is left.
    """

    def __init__(self, path: Path, defaults: Settings) -> None:
        self.path = path.resolve()
        self._defaults = defaults
        self._rc = CloudbaseRC(self.path)
        self._cached: dict[str, _Cached] = {}
        self.permissions = _FileCache[frozenset[str]](_permitted, frozenset())
        """``permissions.openapi`` of a config.json, and the error message, else empty."""
        self.timer = _FileCache[Timer | None](_timer, None)
        """The timer of a config.json, None if it has none, and the error message, else empty."""

    def __iter__(self) -> Iterator[str]:
        names = {*self._listed(), *self._rc.read().entries}
        return (name for name in sorted(names) if self.folder_of(name))

    def folder_of(self, name: object) -> Path | None:
        """Return the folder of a function, None if no function has the name."""
        return self._folder_of(name, self._rc.read())

    def find(self, name: str) -> Function:
        """Return a function as its files are now. Raises UnknownFunctionError."""
        # The stamp of the folder changes when a function is added, removed or renamed.
        rc, above = self._rc.read(), stamp(self.path)
        cached = self._cached.get(name)
        if (
            cached is not None
            and cached.surroundings == (rc, above)
            and cached.function.files == cached.files.fingerprint()
        ):
            return cached.function
        folder = self._folder_of(name, rc)
        if folder is None:
            raise UnknownFunctionError(name)
        files = WatchedFolder(folder)
        function = Function(files.fingerprint(), _settings(name, folder, rc, self._defaults))
        self._cached[name] = _Cached((rc, above), files, function)
        return function

    def _folder_of(self, name: object, rc: RC) -> Path | None:
        if not isinstance(name, str) or refused_name(name):
            return None
        entry = rc.entries.get(name)
        folder = self.path / name
        if entry is not None and rc.path is not None and "dir" in entry:
            # The first is the CLI's; a folder among the functions is found too.
            candidates = (rc.path.parent / entry["dir"], self.path / entry["dir"])
            folder = next((path for path in candidates if os.path.isdir(path)), folder)  # noqa: PTH112
        elif not self._has(name):
            return None
        is_one = os.path.isdir(folder) and (entry is not None or entry_file(folder) is not None)  # noqa: PTH112
        return folder if is_one else None

    def _has(self, name: str) -> bool:
        """Return whether the folder has exactly this name, also where file names ignore case."""
        try:
            return name in os.listdir(self.path)  # noqa: PTH208 - names are all that is wanted
        except OSError:
            # No descriptor may be left; that does not mean that the function is missing.
            return True

    def _listed(self) -> list[str]:
        try:
            return os.listdir(self.path)  # noqa: PTH208 - names are all that is wanted
        except OSError as error:
            if no_descriptor(error):
                raise
            return []


def _settings(name: str, folder: Path, rc: RC, defaults: Settings) -> Settings:
    settings = read_settings(name, folder, rc.entries.get(name, {}), rc.path, defaults)
    if rc.wrong:
        settings = replace(settings, problems=(rc.wrong, *settings.problems))
    return settings


def read_permissions(path: Path) -> list[str]:
    """Return ``permissions.openapi`` of a config.json. Raises FileError, which names the key."""
    value = (read_object(path) or {}).get("permissions", {})
    if not isinstance(value, dict):
        raise FileError(f"{path}: permissions must be an object, not {kind(value)}")
    names = value.get("openapi", [])
    if not isinstance(names, list):
        raise FileError(
            f"{path}: permissions.openapi must be an array of API names, not {kind(names)}"
        )
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise FileError(
                f"{path}: permissions.openapi[{index}] must be the name of an API, not {kind(name)}"
            )
    return names


def _permitted(path: Path) -> frozenset[str]:
    return frozenset(read_permissions(path))


def _timer(path: Path) -> Timer | None:
    return read_timer(read_object(path) or {})
