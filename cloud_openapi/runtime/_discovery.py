"""Which functions a folder has, and what their files say about them."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from cloud_openapi.runtime._cloudbaserc import RC, CloudbaseRC
from cloud_openapi.runtime._files import (
    FileError,
    Fingerprint,
    Stamp,
    fingerprint,
    kind,
    read_object,
    stamp,
)
from cloud_openapi.runtime._settings import Settings, entry_file, read_settings
from cloud_openapi.runtime._timer import Timer, read_timer

_T = TypeVar("_T")
NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,58}[a-zA-Z0-9]")


class Found(NamedTuple):
    """A function as it is now; unequal to what it was when a file or a setting has changed."""

    files: Fingerprint
    settings: Settings


class UnknownFunctionError(KeyError):
    """There is no function of the name."""


class _Kept(Generic[_T]):
    """What is read of files, each again when it has changed; of one that is no good, nothing."""

    def __init__(self, read: Callable[[Path], _T], nothing: _T) -> None:
        self._read = read
        self._nothing = nothing
        self._known: dict[Path, tuple[Stamp, _T, str]] = {}

    def __call__(self, path: Path) -> tuple[_T, str]:
        """Return what a file says, and what is wrong with it, if it is."""
        current = stamp(path)
        known = self._known.get(path)
        if known is None or known[0] != current:
            try:
                known = (current, self._read(path), "")
            except ValueError as error:
                where = "" if isinstance(error, FileError) else f"{path}: "
                known = (current, self._nothing, f"{where}{error}")
            self._known[path] = known
        return known[1], known[2]


class _Known(NamedTuple):
    """A function that was found, its folder, and what told that it is this one."""

    surroundings: tuple[RC, Stamp]
    folder: Path
    found: Found


class Folder:
    """The functions of a folder. It may be missing: then there are none."""

    def __init__(self, path: Path, defaults: Settings) -> None:
        self.path = path.resolve()
        self._defaults = defaults
        self._rc = CloudbaseRC(self.path)
        self._known: dict[str, _Known] = {}
        self.permissions = _Kept[frozenset[str]](read_permissions, frozenset())
        """``permissions.openapi`` of a config.json, and what is wrong with it, if it is."""
        self.timer = _Kept[Timer | None](_timer, None)
        """The timer of a config.json, if it has one, and what is wrong with it."""

    def __iter__(self) -> Iterator[str]:
        names = {*self._listed(), *self._rc.read().entries}
        return (name for name in sorted(names) if self.folder_of(name))

    def folder_of(self, name: object) -> Path | None:
        """Return the folder of a function; nothing, if there is no function of the name."""
        return self._folder_of(name, self._rc.read())

    def find(self, name: str) -> Found:
        """Return a function with its settings as they are now. Raises UnknownFunctionError."""
        # The stamp of the folder of all functions changes with the name of any of them.
        rc, above = self._rc.read(), stamp(self.path)
        known = self._known.get(name)
        if (
            known is not None
            and known.surroundings == (rc, above)
            and known.found.files == fingerprint(known.folder)
        ):
            return known.found
        folder = self._folder_of(name, rc)
        if folder is None:
            raise UnknownFunctionError(name)
        found = Found(fingerprint(folder), _settings(name, folder, rc, self._defaults))
        self._known[name] = _Known((rc, above), folder, found)
        return found

    def _folder_of(self, name: object, rc: RC) -> Path | None:
        if not isinstance(name, str) or NAME.fullmatch(name) is None:
            return None
        entry = rc.entries.get(name)
        below = entry.get("dir", name) if entry else name
        if not isinstance(below, str):
            below = name
        if below == name and not self._has(name):
            return None
        folder = self.path / below
        is_one = folder.is_dir() and (entry is not None or entry_file(folder) is not None)
        return folder if is_one else None

    def _has(self, name: str) -> bool:
        """Say whether there is the name to the letter, where a file system folds case too."""
        try:
            return name in os.listdir(self.path)  # noqa: PTH208 - names are all that is wanted
        except OSError:
            # There may be no descriptor left: what is there is there all the same.
            return True

    def _listed(self) -> list[str]:
        try:
            return os.listdir(self.path)  # noqa: PTH208 - names are all that is wanted
        except OSError:
            return []


def _settings(name: str, folder: Path, rc: RC, defaults: Settings) -> Settings:
    settings = read_settings(name, folder, rc.entries.get(name, {}), rc.path, defaults)
    if rc.wrong:
        settings = replace(settings, problems=(rc.wrong, *settings.problems))
    return settings


def read_permissions(path: Path) -> frozenset[str]:
    """Return ``permissions.openapi`` of a config.json. Raises FileError, which names the key."""
    value = (read_object(path) or {}).get("permissions", {})
    if not isinstance(value, dict):
        raise FileError(f"{path}: permissions must be an object, not {kind(value)}")
    names = value.get("openapi", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FileError(f"{path}: permissions.openapi must be an array of API names")
    return frozenset(names)


def _timer(path: Path) -> Timer | None:
    return read_timer(read_object(path) or {})
