"""Find the folder of a project's functions, from any folder of the project.

project.config.json: https://developers.weixin.qq.com/miniprogram/dev/devtools/projectconfig.html
"""

import os
import re
import shlex
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cloud_openapi.errors import ConfigError
from cloud_openapi.json_schema.values import is_c_string, kind
from cloud_openapi.runtime._cloudbaserc import DEFAULT_ROOT, FILE, roots_of
from cloud_openapi.runtime._files import UNWATCHED, FileError, read_object, shown_path
from cloud_openapi.runtime._settings import Settings, entry_file

# The second one is a developer's own and overrides the first one.
_PROJECT_FILES = ("project.config.json", "project.private.config.json")
_ROOT = "cloudfunctionRoot"
_USUAL = ("cloudfunctions", DEFAULT_ROOT)
_LISTED = 5

# A handler of the usual name, so that a page of a mini program or any index.js is not a function.
_MAIN = re.compile(
    rb"exports\.main\b|module\.exports\s{0,9}=[^\n]{0,80}\bmain\b"
    rb"|\bexport\b[^\n]{0,80}\bmain\b|\bdef\s{1,9}main\b"
)
_HEAD = 200_000
_MOST_FOLDERS, _MOST_ENTRIES, _DEEPEST = 400, 1000, 3


class Project(NamedTuple):
    """The folder of a project's functions, which may be missing."""

    functions: Path
    found_by: str
    """The option, file or name that led to the folder, empty if nothing did."""
    looked: tuple[str, ...] = ()
    """The places that were looked at before, and what was seen there."""
    name: str = ""
    """The function whose folder the search began in, else empty."""


class _Place(NamedTuple):
    """A folder that may be the one, and what names it; without a folder ``named_by`` is a text."""

    folder: Path | None
    named_by: str


def find_project(start: Path, given: Path | None = None) -> Project:
    """Find the folder of the functions of the project that a folder belongs to.

    ``given`` is the folder of --functions. Without it, these follow each other: cloudbaserc.json,
    cloudfunctionRoot of project.config.json, cloudfunctions, functions; these files in the folders
    above; the folder itself, if it holds functions or is one. Raises ConfigError for an invalid
    project.config.json.
    """
    start = start.absolute()
    if given is not None:
        return Project(given, "--functions", name=_below(given, start))
    looked = []
    named = None
    for place in _places(start):
        if place.folder is None:
            looked.append(place.named_by)
        elif _is_folder(place.folder):
            return Project(place.folder, place.named_by, tuple(looked), _below(place.folder, start))
        else:
            named = named or place.folder
            shown = shlex.quote(os.path.relpath(place.folder, start))
            looked.append(f"{place.named_by} is {shown}, which is missing")
    return Project(named or start / DEFAULT_ROOT, "", tuple(looked))


def functions_option(folder: Path) -> str:
    """Return the option that a hint needs for this folder, with a space before it, else empty."""
    try:
        found = find_project(Path())
    except ConfigError:
        found = None
    if found is not None and found.functions.resolve() == folder.resolve():
        return ""
    return f" --functions {shlex.quote(shown_path(folder))}"


def install_command(settings: Settings) -> str:
    """Return the command that installs a function's dependencies, for a hint."""
    return f"cloud-openapi install {settings.name}{functions_option(settings.root)}"


def nothing_found(folder: Path) -> str:
    """Return a message: a folder has no functions, what was seen, and what to do."""
    if _is_function(folder):
        above = shlex.quote(shown_path(folder.parent))
        return f"{shown_path(folder)} is a function, not a folder of functions: --functions {above}"
    if _is_folder(folder):
        none = "no folder has a function's name" if _folders(folder) else "it has no folders"
        seen = "; ".join(islice(_misses(folder), _LISTED)) or none
        return f"There are no functions in {shown_path(folder)}: {seen}. {_advice(Path(), folder)}"
    found = find_project(Path())
    if found.functions.resolve() == folder.resolve():
        return f"There are no functions here: {'; '.join(found.looked)}. {_advice(Path())}"
    return f"--functions: the folder {shown_path(folder)} is missing. {_advice(Path())}"


def missing_entry(folder: Path) -> str:
    """Return why a folder is not a function, as text after the folder's name."""
    if (folder / "index.ts").is_file():
        return "has index.ts, but no index.js: compile it first"
    return "has no index.py and no index.js"


def _places(start: Path) -> Iterator[_Place]:
    """Yield the folders that may hold the functions, the likeliest first, and other findings."""
    yield from _named(start, start)
    for name in _USUAL:
        if any(entry_file(folder) for folder in _folders(start / name)):
            yield _Place(start / name, f"the folder {name}")
        else:
            yield _Place(None, _seen_in(start / name))
    for above in start.parents:
        yield from _named(above, start)
    if _is_function(start):
        yield _Place(start.parent, "the function here")
    elif any(map(_is_function, _folders(start))):
        yield _Place(start, "the functions here")


def _seen_in(folder: Path) -> str:
    """Return what a folder of a usual name has instead of functions."""
    if not _is_folder(folder):
        return f"no folder {folder.name}"
    missed = next(_misses(folder), "")
    return f"{folder.name} holds no functions{missed and f' ({missed})'}"


def _named(project: Path, start: Path) -> Iterator[_Place]:
    """Yield the folders that the files of a project name."""
    if os.path.isfile(project / FILE):  # noqa: PTH113 - raises nothing
        file = os.path.relpath(project / FILE, start)
        yield from (_Place(root, f"functionRoot of {file}") for root in roots_of(project))
        if (project / DEFAULT_ROOT).is_dir():
            yield _Place(project / DEFAULT_ROOT, f"the default of {file}")
    elif project == start:
        yield _Place(None, f"no {FILE}")
    try:
        yield from _of_devtools(project, start)
    except FileError as error:
        raise ConfigError(f"{error}. Correct it, or give the folder by --functions.") from None


def _of_devtools(project: Path, start: Path) -> Iterator[_Place]:
    """Yield the cloudfunctionRoot of a project of WeChat DevTools. Raises FileError."""
    found = [(path, read_object(path)) for path in map(project.joinpath, _PROJECT_FILES)]
    there = [(path, content) for path, content in found if content is not None]
    for path, content in reversed(there):
        root = content.get(_ROOT, "")
        if not isinstance(root, str):
            raise FileError(f"{path}: {_ROOT} must be a string, not {kind(root)}")
        if not is_c_string(root):
            raise FileError(f"{path}: {_ROOT} has a NUL or half a surrogate pair")
        if root:
            # DevTools of Windows write backslashes; a path is always relative to the project.
            folder = project / root.replace("\\", "/").lstrip("/")
            by = f"{_ROOT} of {os.path.relpath(path, start)}"
            yield _Place(Path(os.path.normpath(folder)), by)
            return
    if there:
        yield _Place(None, f"no {_ROOT} in {os.path.relpath(there[0][0], start)}")
    elif project == start:
        yield _Place(None, f"no {_PROJECT_FILES[0]}")


def _below(folder: Path, start: Path) -> str:
    """Return the first folder on the way from a folder down to another one, empty if not below."""
    try:
        return next(iter(start.resolve().relative_to(folder.resolve()).parts), "")
    except ValueError:
        return ""


def _is_function(folder: Path) -> bool:
    """Return whether a folder that no setting names looks like a function."""
    file = entry_file(folder)
    if file is None or os.path.exists(folder / "index.wxml"):  # noqa: PTH110 - raises nothing
        return False
    try:
        with file.open("rb") as stream:
            return _MAIN.search(stream.read(_HEAD)) is not None
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    # Unlike is_dir, isdir raises nothing for a name that is too long.
    return os.path.isdir(path)  # noqa: PTH112


def _folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, without hidden ones and installed packages."""
    try:
        with os.scandir(folder) as entries:
            found = [
                entry.name
                for entry in islice(entries, _MOST_ENTRIES)
                if entry.is_dir() and not entry.name.startswith(".")
            ]
    except OSError:
        return []
    return [folder / name for name in sorted(found) if name not in UNWATCHED]


def _misses(folder: Path) -> Iterator[str]:
    for each in _folders(folder):
        if entry_file(each) is None:
            yield f"{each.name} {missing_entry(each)}"


def _has_project_file(folder: Path) -> bool:
    # Unlike is_file, isfile raises nothing.
    return any(os.path.isfile(folder / name) for name in (FILE, *_PROJECT_FILES))  # noqa: PTH113


def _advice(start: Path, seen: Path | None = None) -> str:
    """Return the options that lead to the functions below a folder or in its project.

    ``seen`` is a folder without usable functions, which is not suggested. Without any option,
    return another way on.
    """
    above = (folder for folder in start.absolute().parents if _has_project_file(folder))
    for folder in (start, *islice(above, 1)):
        holders = (
            path for path in _holders(folder) if not seen or path.resolve() != seen.resolve()
        )
        found = [shlex.quote(os.path.relpath(path, start)) for path in holders]
        if found:
            return "There is " + "; ".join(f"{path}: --functions {path}" for path in found)
    return "Name the folder that holds them by --functions, or make a project: cloud-openapi init"


def _holders(start: Path) -> list[Path]:
    """Return folders below a folder that hold functions, those of the usual names first."""
    found: list[Path] = []
    queue = deque([(start, 0)])
    for _ in range(_MOST_FOLDERS):
        if not queue or len(found) == _LISTED:
            break
        folder, depth = queue.popleft()
        inner = _folders(folder)
        if any(map(_is_function, inner)):
            found.append(folder)
        elif depth < _DEEPEST:
            queue.extend((each, depth + 1) for each in inner)
    return sorted(found, key=lambda each: each.name not in _USUAL)
