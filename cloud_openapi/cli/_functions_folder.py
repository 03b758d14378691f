"""The option --functions, the argument NAME, and messages about names that are not functions."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from cloud_openapi.cli._options import option
from cloud_openapi.errors import ConfigError
from cloud_openapi.known_names import nearest, shortened

# Imported where they are used: --help and completion do without.
if TYPE_CHECKING:
    from cloud_openapi.runtime import Functions
    from cloud_openapi.runtime.check import Finding


_MOST_NAMES = 50
# Files that only the folder of a function has.
_OF_FUNCTION = ("config.json", "index.ts")
_BOOTSTRAP = "scf_bootstrap"
_HANDLER = "To use another file, set the function's handler in cloudbaserc.json"
_NOT_READ, _NOT_FUNCTION = "is not read: use cloudbaserc.json", "is not a function"
_WEB_ONLY = (
    "scf_bootstrap starts a web function, which is not emulated; it is not checked without an "
    "entry in cloudbaserc.json"
)


def _default_folder() -> Path | None:
    if click.get_current_context().resilient_parsing:
        return None  # for completion, which must be fast

    from cloud_openapi.runtime import find_project

    return find_project(Path()).functions


folder_option = option(
    "--functions",
    type=click.Path(path_type=Path, file_okay=False),
    default=_default_folder,
    show_default="as cloudbaserc.json or project.config.json say, cloudfunctions, or functions",
    help="The folder that holds one folder for each function.",
)


def function_named(text: str | None, functions: "Functions") -> str:
    """Return the function that a name or a path means; without one, that of this folder.

    Raises ConfigError with the reason if there is none.
    """
    from cloud_openapi.runtime import find_project

    if text is None:
        text = find_project(Path(), functions.folder).name
        if not text:
            refuse_none(functions)
            raise click.UsageError(f"give the NAME of a function: {_listed(functions)}")
    return text if text in functions else _of_path(text, functions) or _refuse(text, functions)


def check_known(name: str, functions: "Functions") -> None:
    """Raise ConfigError with the reason if a name is not a function."""
    if name not in functions:
        _refuse(name, functions)


def refuse_none(functions: "Functions") -> None:
    """Raise ConfigError if a folder has no functions, with what was seen instead."""
    from cloud_openapi.runtime import CloudbaseRC, nothing_found

    if next(iter(functions), None) is None:
        wrong = (CloudbaseRC(functions.folder).read().wrong, *misnamed(functions.folder))
        raise ConfigError(" ".join(filter(None, (nothing_found(functions.folder), *wrong))))


def notes_on_rc(folder: Path) -> list[str]:
    """Return a line for each part of Tencent's configuration that is not read."""
    from cloud_openapi.runtime import CloudbaseRC

    rc = CloudbaseRC(folder)
    return [*(f"{path} {_NOT_READ}" for path in rc.unread()), *rc.read().notes]


def misnamed(folder: Path) -> list[str]:
    """Return a line for each folder that is not a function because of its name."""
    return [f"{path} {_NOT_FUNCTION}: {why}" for path, why in _misnamed(folder)]


def without_entry(folder: Path) -> list[str]:
    """Return a line for each folder with the files of a function, but no index.js or index.py."""
    return [f"{path} {_NOT_FUNCTION}: {why}" for path, why in _without_entry(folder, _OF_FUNCTION)]


def project_findings(functions: "Functions") -> "list[Finding]":
    """Return notes on what belongs to no function: Tencent's configuration, and other folders."""
    from cloud_openapi.runtime import CloudbaseRC, refused_name

    folder, rc = functions.folder, CloudbaseRC(functions.folder)
    file, entries = rc.read().path, rc.read().entries
    notes = [text.removeprefix(f"{file}: ") for text in rc.read().notes]
    # An entry whose folder is missing is not a function.
    absent = [name for name in entries if name not in functions and not refused_name(name)]
    notes += [
        f'functions, "{name}": its folder is missing, and it is not checked' for name in absent
    ]
    return [
        *(_note(path, f"it {_NOT_READ}") for path in rc.unread()),
        *(_note(str(file), text) for text in notes),
        *(_note(path, f"it {_NOT_FUNCTION}: {why}") for path, why in _misnamed(folder)),
        *(
            _note(path, f"it {_NOT_FUNCTION}: {why}", "missing-handler")
            # A package that functions share has a package.json, too: it is a note only.
            for path, why in _without_entry(folder, (*_OF_FUNCTION, "package.json"))
        ),
        *(
            _note(folder / name, _WEB_ONLY, "web-function")
            for name in sorted(_folders(folder))
            if name not in functions and (folder / name / _BOOTSTRAP).is_file()
        ),
    ]


def _misnamed(folder: Path) -> list[tuple[Path, str]]:
    """Return each folder that is not a function because of its name, and the rule."""
    from cloud_openapi.runtime import entry_file, refused_name

    names = sorted(name for name in _folders(folder) if entry_file(folder / name))
    return [(folder / name, why) for name in names if (why := refused_name(name))]


def _without_entry(folder: Path, names: Sequence[str]) -> list[tuple[Path, str]]:
    """Return each folder with one of these files, but no index.js or index.py, and why."""
    from cloud_openapi.runtime import CloudbaseRC, entry_file, missing_entry

    others = (folder / name for name in {*_folders(folder)} - {*CloudbaseRC(folder).read().entries})
    return [
        (path, f"it {missing_entry(path)}. {_HANDLER}")
        for path in sorted(others)
        if entry_file(path) is None
        and not (path / _BOOTSTRAP).is_file()
        and any((path / name).is_file() for name in names)
    ]


def _note(path: Path | str, text: str, code: str = "not-read") -> "Finding":
    from cloud_openapi.runtime.check import Finding, Place

    return Finding("", Place(str(path)), "note", code, text)


def _of_path(text: str, functions: "Functions") -> str | None:
    """Return the function that a path leads to, from here or from the functions' folder."""
    above = (Path(), functions.folder, functions.folder.parent)
    paths = [Path(folder, text).resolve() for folder in above if os.path.exists(folder / text)]  # noqa: PTH110 - raises nothing
    for name in functions if paths else ():
        folder = functions.settings_of(name).folder.resolve()
        if any(path.is_relative_to(folder) for path in paths):
            return name
    return None


def _listed(functions: "Functions") -> str:
    return shortened(list(functions), _MOST_NAMES)


def _refuse(name: str, functions: "Functions") -> NoReturn:
    from cloud_openapi.runtime import CloudbaseRC, missing_entry, refused_name

    folder, rc = functions.folder, CloudbaseRC(functions.folder).read()
    name = name.rstrip("/") or name
    there = name in _folders(folder)
    if refused_name(name) and (there or name in rc.entries):
        raise ConfigError(f"{folder / name} is not a function: {refused_name(name)}.")
    if there:
        hint = rc.wrong or f"{_HANDLER}."
        raise ConfigError(
            f"{folder / name} is not a function: it {missing_entry(folder / name)}. {hint}"
        )
    refuse_none(functions)
    close = nearest(name, functions)
    meant = f" Did you mean {close}?" if close else ""
    message = f'There is no function "{name}" in {folder}.{meant} Known: {_listed(functions)}.'
    raise ConfigError(f"{message} {rc.wrong}".rstrip())


def _folders(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
