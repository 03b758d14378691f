"""Options that several commands share. Each is also a variable CLOUD_OPENAPI_<NAME>."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cloud_openapi.emulator import Clock, Emulator
from cloud_openapi.periods import parse_now

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


class Json(click.ParamType[Any]):
    """A JSON value on the command line."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the text; a usage error if it is not JSON."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            self.fail(f"not JSON: {error}", param, ctx)


class Moment(click.ParamType[datetime]):
    """A time such as 2017-03-14T10:00, Beijing's unless it has an offset."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Parse the text; a usage error if it is no time."""
        try:
            moment = parse_now(value) if isinstance(value, str) else value
        except ValueError:
            moment = None
        if not isinstance(moment, datetime):
            self.fail(f"{value!r} is no time such as 2017-03-14T10:00 or 2017-03-14", param, ctx)
        return moment


def emulator_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --seed and --now."""
    for add in (
        option("--now", type=Moment(), help="Let the emulator's time stand still at this moment."),
        option("--seed", type=int, default=0, show_default=True, help="Seed of its numbers."),
    ):
        command = add(command)
    return command


def new_emulator(seed: int, now: datetime | None) -> Emulator:
    """Return the emulator that the options ask for."""
    return Emulator(seed=seed, clock=Clock(now))


folder_option = option(
    "--functions",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("functions"),
    show_default=True,
    help="The folder that holds one folder for each function.",
)


def echo_json(value: Any) -> None:
    """Write a value as JSON to stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
