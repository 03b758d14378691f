"""Options that several commands share. Each is also a variable CLOUD_OPENAPI_<NAME>."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cloud_openapi.emulator import Clock
from cloud_openapi.emulator.json_text import json_text
from cloud_openapi.errors import ConfigError
from cloud_openapi.periods import parse_now
from cloud_openapi.runtime import Functions, functions_folder

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def variable(name: str) -> str:
    """Return the environment variable of an option's name: begin_date → …_BEGIN_DATE."""
    return "CLOUD_OPENAPI_" + name.upper().replace("-", "_")


def option(flag: str, *more: str, **settings: Any) -> Decorator:
    """Return a click option that has its variable too, and says so in the help."""
    return click.option(
        flag,
        *more,
        envvar=variable(flag.strip("-")),
        show_envvar=True,
        **settings,
    )


def json_value(text: str) -> Any:
    """Parse a JSON value on the command line; a usage error if it is none."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}") from error


def moment(text: str) -> datetime:
    """Parse a time on the command line, Beijing's unless it has an offset."""
    try:
        parsed = Clock(parse_now(text)).frozen_at
    except ValueError:
        parsed = None
    if parsed is None:
        raise click.BadParameter(f"{text!r} is no time such as 2017-03-14T10:00 or 2017-03-14")
    return parsed


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
        if (functions.folder / name).is_dir():
            raise ConfigError(
                f"{functions.folder / name} is no function: it has no index.py and no index.js. "
                "Another file is named by the handler of the function in cloudbaserc.json."
            )
        known = ", ".join(functions) or "none"
        raise ConfigError(f'There is no function "{name}" in {functions.folder}. Known: {known}.')


def echo_json(value: Any) -> None:
    """Write a value as JSON to stdout."""
    click.echo(json_text(value, indent=2))
