"""Options that several commands share. Each is also a variable CLOUD_OPENAPI_<NAME>."""

import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cloud_openapi.emulator import Clock
from cloud_openapi.emulator.json_text import json_text
from cloud_openapi.errors import ConfigError
from cloud_openapi.periods import parse_now
from cloud_openapi.runtime import Functions, functions_folder

_OF_THE_PLATFORM = (
    "CLOUD_OPENAPI_",
    "QCLOUD_",
    "SCF_",
    "TCB_",
    "TENCENTCLOUD_",
    "WX_",
    "_SCF_",
    "PWD",
    "TRIGGER_SRC",
    "USER_CODE_ROOT",
)

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


def _from_here(
    _context: click.Context, _option: click.Parameter, names: Sequence[str]
) -> dict[str, str]:
    """Return variables of this process by their names."""
    for name in names:
        if name.startswith(_OF_THE_PLATFORM):
            raise click.BadParameter(f"{name} is the platform's; the emulator sets it itself")
        if name not in os.environ:
            raise click.BadParameter(f"{name} is not set here")
    return {name: os.environ[name] for name in names}


pass_env_option = option(
    "--pass-env",
    multiple=True,
    metavar="NAME",
    callback=_from_here,
    help="Hand a variable of this shell to the functions, which get none but PATH, proxies and "
    "certificates; may be given again. Several in the variable: with spaces between.",
)


def check_known(name: str, functions: Functions) -> None:
    """Raise ConfigError for a name that is none of the functions."""
    if name not in functions:
        known = ", ".join(functions) or "none"
        raise ConfigError(f'There is no function "{name}" in {functions.folder}. Known: {known}.')


def echo_json(value: Any) -> None:
    """Write a value as JSON to stdout."""
    click.echo(json_text(value, indent=2))
