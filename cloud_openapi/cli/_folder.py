"""The folder of functions that a command is about."""

from pathlib import Path

import click

from cloud_openapi.cli._options import option
from cloud_openapi.errors import ConfigError
from cloud_openapi.runtime import Functions, functions_folder

folder_option = option(
    "--functions",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: functions_folder(Path()),
    show_default="functionRoot of cloudbaserc.json, or functions",
    help="The folder that holds one folder for each function.",
)


def check_known(name: str, functions: Functions) -> None:
    """Raise ConfigError for a name that is none of the functions."""
    if name not in functions:
        if name in _folders(functions.folder):
            raise ConfigError(
                f"{functions.folder / name} is no function: it has no index.py and no index.js. "
                "Another file is named by the handler of the function in cloudbaserc.json."
            )
        known = ", ".join(functions) or "none"
        raise ConfigError(f'There is no function "{name}" in {functions.folder}. Known: {known}.')


def _folders(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
