"""Read cloudbaserc.json, by which the CloudBase CLI deploys the functions of a folder."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.runtime._files import FileError, Stamp, kind, read_object, stamp

FILE = "cloudbaserc.json"
DEFAULT_ROOT = "functions"
_VARIABLE = re.compile(r"\{\{\s*env\.(\w+)\s*\}\}")


def functions_folder(project: Path) -> Path:
    """Return the folder of a project's functions: ``functionRoot``, by default ``functions``."""
    try:
        return project / _root(project / FILE, read_object(project / FILE) or {})
    except FileError:
        return project / DEFAULT_ROOT  # the functions there report the problem


class RC(NamedTuple):
    """The content of a cloudbaserc.json: an entry for each function, or else the error."""

    path: Path | None
    entries: Mapping[str, Mapping[str, Any]]
    wrong: str = ""


class CloudbaseRC:
    """The cloudbaserc.json for a folder of functions; it is read again when it changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        projects = (folder, *folder.parents)
        self._candidates = [(project, os.fspath(project / FILE)) for project in projects]
        self._read: tuple[Stamp, RC] | None = None

    def read(self) -> RC:
        """Return its content as it is now; without entries if the file is missing."""
        path = self._path()
        if path is None:
            return RC(None, {})
        current = stamp(path)
        if self._read is None or self._read[0] != current or self._read[1].path != path:
            try:
                self._read = current, RC(path, _entries(path))
            except FileError as error:
                self._read = current, RC(path, {}, str(error))
        return self._read[1]

    def _path(self) -> Path | None:
        """Return the file in the folder, beside it, or further up if its functionRoot matches."""
        for project, path in self._candidates:
            # Called at every invocation. Unlike isfile, access raises nothing for a missing file.
            if not os.access(path, os.F_OK) or not os.path.isfile(path):  # noqa: PTH113
                continue
            near = project in (self._folder, self._folder.parent)
            if near or functions_folder(project).resolve() == self._folder:
                return Path(path)
        return None


def _entries(path: Path) -> dict[str, Mapping[str, Any]]:
    value = read_object(path) or {}
    listed = value.get("functions", [])
    if not isinstance(listed, list):
        raise FileError(f"{path}: functions must be an array, not {kind(listed)}")
    found: dict[str, Mapping[str, Any]] = {}
    for index, entry in enumerate(listed):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise FileError(f"{path}: functions[{index}] must be an object with a name")
        if entry["name"] in found:
            raise FileError(f'{path}: functions[{index}].name: "{entry["name"]}" is a duplicate')
        found[entry["name"]] = entry
    return found


def _root(path: Path, value: Mapping[str, Any]) -> str:
    root = value.get("functionRoot", DEFAULT_ROOT)
    if not isinstance(root, str):
        raise FileError(f"{path}: functionRoot must be a string, not {kind(root)}")
    return root


def fill_in(text: str) -> str:
    """Replace ``{{env.NAME}}`` by the environment's value, as the CLI does. Raises KeyError."""
    return _VARIABLE.sub(lambda found: os.environ[found[1]], text)
