"""Which functions a folder has, and what their files say about them."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from cloud_openapi.runtime._cloudbaserc import CloudbaseRC
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

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,58}[a-zA-Z0-9]")


class Found(NamedTuple):
    """A function as it is now; unequal to what it was when a file or a setting has changed."""

    files: Fingerprint
    settings: Settings


class Folder:
    """The functions of a folder. It may be missing: then there are none."""

    def __init__(self, path: Path, defaults: Settings) -> None:
        self.path = path.resolve()
        self._defaults = defaults
        self._rc = CloudbaseRC(self.path)
        self._found: dict[str, tuple[object, Found]] = {}
        self._permissions: dict[Path, tuple[Stamp, frozenset[str], str]] = {}

    def __iter__(self) -> Iterator[str]:
        entries, _ = self._rc.entries()
        return (name for name in sorted({*self._listed(), *entries}) if self.folder_of(name))

    def folder_of(self, name: object) -> Path | None:
        """Return the folder of a function; nothing, if there is no function of the name."""
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            return None
        entry = self._rc.entries()[0].get(name)
        below = entry.get("dir", name) if entry else name
        if not isinstance(below, str):
            below = name
        folder = self.path / below
        # A file system that folds case must not make two names of one function.
        if below == name and name not in self._listed():
            return None
        is_one = folder.is_dir() and (entry is not None or entry_file(folder) is not None)
        return folder if is_one else None

    def find(self, name: str) -> Found:
        """Return a function with its settings as they are now. Raises KeyError."""
        folder = self.folder_of(name)
        if folder is None:
            raise KeyError(name)
        entries, wrong = self._rc.entries()
        entry = entries.get(name, {})
        files = fingerprint(folder)
        state = (files, folder, entry, wrong)
        known = self._found.get(name)
        if known is None or known[0] != state:
            settings = read_settings(name, folder, entry, self._rc.path, self._defaults)
            if wrong:
                settings = replace(settings, problems=(wrong, *settings.problems))
            known = self._found[name] = (state, Found(files, settings))
        return known[1]

    def permissions(self, path: Path) -> tuple[frozenset[str], str]:
        """Return ``permissions.openapi`` of a config.json, and what is wrong with it, if it is."""
        current = stamp(path)
        known = self._permissions.get(path)
        if known is None or known[0] != current:
            try:
                known = (current, _permissions(path), "")
            except FileError as error:
                known = (current, frozenset(), str(error))
            self._permissions[path] = known
        return known[1], known[2]

    def _listed(self) -> list[str]:
        try:
            return os.listdir(self.path)  # noqa: PTH208 - names are all that is wanted
        except OSError:
            return []


def _permissions(path: Path) -> frozenset[str]:
    value = (read_object(path) or {}).get("permissions", {})
    if not isinstance(value, dict):
        raise FileError(f"{path}: permissions must be an object, not {kind(value)}")
    names = value.get("openapi", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FileError(f"{path}: permissions.openapi must be an array of API names")
    return frozenset(names)
