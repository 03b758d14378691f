"""Options that several commands share. Each is also a variable CLOUD_OPENAPI_<NAME>."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import click

from cloud_openapi.json_text import json_text, read_json
from cloud_openapi.known_names import nearest
from cloud_openapi.periods import parse_day

_TYPES = {"string": str, "integer": int, "number": float, "boolean": bool}
_FIRST_YEAR = 1900

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


STREAM = Path("-")
"""What stands for the input or output; ``./-`` is a file, which is equal but another object."""


class FileOrStream(click.Path):
    """The path of a file, or STREAM for ``-``."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(path_type=Path, allow_dash=True, **settings)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a Path."""
        return STREAM if value == "-" else super().convert(value, param, ctx)


class Choice(click.Choice[str]):
    """One of some words; a message about another word suggests the nearest."""

    def fail(
        self,
        message: str,
        param: click.Parameter | None = None,
        ctx: click.Context | None = None,
    ) -> NoReturn:
        """Raise BadParameter; the wrong word is the first one in quotes of click's message."""
        wrong = message.partition("'")[2].partition("'")[0]
        close = nearest(wrong, self.choices)
        super().fail(message + (f" Did you mean {close}?" if close else ""), param, ctx)


def variable(name: str) -> str:
    """Return the environment variable of an option: begin_date → …_BEGIN_DATE."""
    return "CLOUD_OPENAPI_" + name.upper().replace("-", "_")


def option(flag: str, *more: str, **settings: Any) -> Decorator:
    """Return a click option that also has a variable, which the help shows."""
    return click.option(
        flag,
        *more,
        envvar=variable(flag.strip("-")),
        show_envvar=True,
        **settings,
    )


def field_option(name: str, field: Mapping[str, Any], **settings: Any) -> click.Option:
    """Return the option of a field of a JSON Schema."""
    if "contentMediaType" in field:
        settings["metavar"] = "FILE"
        return click.Option([_flag(name), name], help=field.get("description"), **settings)
    kind = field.get("type", "object")
    # A string or a number is taken as a string, as any text on a command line.
    kind = "string" if "string" in kind else str(kind)
    given = {"type": _TYPES[kind]} if kind in _TYPES else {"type": json_value, "metavar": "JSON"}
    return click.Option([_flag(name), name], help=field.get("description"), **given, **settings)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def json_value(text: str) -> Any:
    """Parse a JSON value on the command line. Raises BadParameter."""
    try:
        return read_json(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"not JSON: {error}") from error


def day(text: str) -> date:
    """Parse a day on the command line. Raises BadParameter."""
    found = parse_day(text.replace("-", ""))
    if found is None:
        raise click.BadParameter(f"{text!r} is not a day such as 2026-03-01")
    # Windows before the year 1 cannot be counted.
    if found.year < _FIRST_YEAR:
        raise click.BadParameter(f"{text!r} is before {_FIRST_YEAR}: choose a later day")
    return found


def echo_json(value: Any) -> None:
    """Write a value as JSON to stdout."""
    click.echo(json_text(value, indent=2))


_PLATFORM_PREFIXES = (
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


def _from_here(
    _context: click.Context, _option: click.Parameter, names: Sequence[str]
) -> dict[str, str]:
    """Return variables of this process by name. Raises BadParameter."""
    for name in names:
        if name.startswith(_PLATFORM_PREFIXES):
            raise click.BadParameter(f"{name} is a variable of the platform; the emulator sets it")
        if name not in os.environ:
            raise click.BadParameter(f"{name} is not set here")
    return {name: os.environ[name] for name in names}


function_time_option = option(
    "--function-time",
    type=Choice(["machine", "emulator"]),
    default="machine",
    show_default=True,
    help="The time that functions see in Date, time and datetime; the emulator's may be moved.",
)

pass_env_option = option(
    "--pass-env",
    multiple=True,
    metavar="NAME",
    callback=_from_here,
    help="Pass this variable to the functions; they inherit only PATH, proxies and certificates. "
    "May be repeated; in the variable, separate names by spaces.",
)
