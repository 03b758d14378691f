"""Find cloudbaserc.json, by which the CloudBase CLI deploys the functions of a folder."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.runtime._cloudbaserc_content import Content
from cloud_openapi.runtime._files import FileError, Stamp, read_object, stamp
from cloud_openapi.runtime._template import ENV_FILES

FILE = "cloudbaserc.json"
DEFAULT_ROOT = "functions"
# The CLI reads the first of these files that there is, package.json if it has a key "cloudbase";
# its framework reads the last one too.
_FILES = (
    "package.json",
    "cloudbaserc",
    FILE,
    "cloudbaserc.yaml",
    "cloudbaserc.yml",
    "cloudbaserc.js",
    "cloudbase.config.js",
)
_FRAMEWORK_FILE = "cloudbase-framework.json"


class RC(NamedTuple):
    """The content of a cloudbaserc.json: an entry for each function, or else the error."""

    path: Path | None
    entries: Mapping[str, Mapping[str, Any]]
    wrong: str = ""
    notes: tuple[str, ...] = ()


_MISSING = RC(None, {})


class CloudbaseRC:
    """The cloudbaserc.json for a folder of functions; it is read again when it changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        projects = (folder, *folder.parents)
        self._candidates = [(project, os.fspath(project / FILE)) for project in projects]
        self._read: tuple[tuple[Stamp, ...], RC] | None = None

    def read(self) -> RC:
        """Return its content as it is now; without entries if the file is missing."""
        path = self._path()
        if path is None:
            return _MISSING
        folder = os.path.dirname(path)  # noqa: PTH120 - called at every invocation
        current = tuple(stamp(f"{folder}/{name}") for name in (FILE, *ENV_FILES))
        if self._read is None or self._read[0] != current or self._read[1].path != path:
            self._read = current, _read(path)
        return self._read[1]

    def written_variables(self, name: str) -> dict[str, Any]:
        """Return the variables of a function as the file has them, not filled in.

        Empty if the file is missing or invalid.
        """
        path = self._path()
        try:
            content = (read_object(path) if path else None) or {}
        except FileError:
            return {}
        listed = content.get("functions")
        found: dict[str, Any] = {}
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict) and entry.get("name") == name:
                for holder in (entry, entry.get("config")):
                    given = holder.get("envVariables") if isinstance(holder, dict) else None
                    found |= given if isinstance(given, dict) else {}
        return found

    def unread(self) -> list[Path]:
        """Return the files near the folder that the CLI reads, and this does not."""
        projects = (self._folder, self._folder.parent)
        found = [
            [project / name for name in _FILES if _is_config(project / name)]
            for project in projects
        ]
        first = [paths[0] for paths in found if paths and paths[0].name != FILE]
        others = [
            project / _FRAMEWORK_FILE
            for project in projects
            if (project / _FRAMEWORK_FILE).is_file()
        ]
        return [*first, *others]

    def _path(self) -> Path | None:
        """Return the file in the folder, beside it, or further up if a root of it matches."""
        for project, path in self._candidates:
            # Called at every invocation. Unlike isfile, access raises nothing for a missing file.
            if not os.access(path, os.F_OK) or not os.path.isfile(path):  # noqa: PTH113
                continue
            near = project in (self._folder, self._folder.parent)
            if near or self._folder in [root.resolve() for root in roots_of(project)]:
                return Path(path)
        return None


def roots_of(project: Path) -> list[Path]:
    """Return the folders that a project's cloudbaserc.json names: ``functionRoot`` comes first.

    The others are the roots of the framework's function plugins. An invalid file names none; the
    functions report it.
    """
    try:
        return Content(project / FILE).roots()
    except FileError:
        return []


def _is_config(path: Path) -> bool:
    if path.name != "package.json":
        return path.is_file()
    try:
        return "cloudbase" in (read_object(path) or {})
    except FileError:
        return False  # npm reports it


def _read(path: Path) -> RC:
    try:
        content = Content(path)
        content.roots()
        return RC(path, content.entries(), notes=tuple(content.notes()))
    except FileError as error:
        return RC(path, {}, str(error))
