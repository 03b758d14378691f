"""Options that several commands share. Each is also a variable CLOUD_OPENAPI_<NAME>."""

from collections.abc import Callable
from typing import Any

import click

from cloud_openapi.json_text import json_text, read_json

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
        return read_json(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"not JSON: {error}") from error


def echo_json(value: Any) -> None:
    """Write a value as JSON to stdout."""
    click.echo(json_text(value, indent=2))
