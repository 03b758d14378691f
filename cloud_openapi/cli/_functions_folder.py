"""The option --functions, and messages about names that are not functions."""

from pathlib import Path

import click

from cloud_openapi.cli._options import option
from cloud_openapi.errors import ConfigError
from cloud_openapi.runtime import (
    CloudbaseRC,
    Finding,
    Functions,
    Place,
    entry_file,
    functions_folder,
    refused_name,
)

folder_option = option(
    "--functions",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: functions_folder(Path()),
    show_default="functionRoot of cloudbaserc.json, or functions",
    help="The folder that holds one folder for each function.",
)


def check_known(name: str, functions: Functions) -> None:
    """Raise ConfigError with the reason if a name is not a function."""
    if name in functions:
        return
    folder, rc = functions.folder, CloudbaseRC(functions.folder).read()
    there = name in _folders(folder)
    if refused_name(name) and (there or name in rc.entries):
        raise ConfigError(f"{folder / name} is not a function: {refused_name(name)}.")
    if there:
        hint = rc.wrong or "To use another file, set the function's handler in cloudbaserc.json."
        raise ConfigError(
            f"{folder / name} is not a function: it has no index.py and no index.js. {hint}"
        )
    known = ", ".join(functions) or "none"
    message = f'There is no function "{name}" in {folder}. Known: {known}.'
    raise ConfigError(f"{message} {rc.wrong}".rstrip())


def notes_on_rc(folder: Path) -> list[str]:
    """Return a line for each part of Tencent's configuration that is not read."""
    rc = CloudbaseRC(folder)
    return [*rc.unread(), *rc.read().notes]


def project_findings(functions: Functions) -> list[Finding]:
    """Return notes on what belongs to no function: Tencent's configuration, and other folders."""
    texts = [*notes_on_rc(functions.folder), *misnamed(functions.folder), *_web_only(functions)]
    return [_project_note(text) for text in texts]


def _web_only(functions: Functions) -> list[str]:
    """Return a line for each folder that only starts a web function."""
    return [
        f"{functions.folder / name}: scf_bootstrap starts a web function, which is not emulated; "
        "it is not checked without an entry in cloudbaserc.json"
        for name in sorted(_folders(functions.folder))
        if name not in functions and (functions.folder / name / "scf_bootstrap").is_file()
    ]


def _project_note(text: str) -> Finding:
    """Return the note of a text that begins with a path."""
    path, separator, rest = text.partition(": ")
    if not separator or " is not " in path:
        path, _separator, rest = text.partition(" is not ")
        rest = f"it is not {rest}"
    code = "web-function" if "web function" in rest else "not-read"
    return Finding("", Place(path), "note", code, rest)


def misnamed(folder: Path) -> list[str]:
    """Return a line for each folder that is not a function because of its name."""
    names = sorted(name for name in _folders(folder) if entry_file(folder / name))
    return [
        f"{folder / name} is not a function: {why}" for name in names if (why := refused_name(name))
    ]


def _folders(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
