"""Steer a running emulator: the routes below /_emulator as commands."""

import json
import time
from collections.abc import Callable
from typing import Any, get_args
from urllib.parse import quote

import click

from cloud_openapi.cli._control_client import ControlClient, url_option
from cloud_openapi.cli._options import echo_json, json_value
from cloud_openapi.mode import Mode

_PAUSE = 0.5
_AT_A_TIME = 10_000

_appid = click.option("--appid", help="The mini program that it is about.")


@click.group()
@url_option
@click.pass_context
def control(context: click.Context, url: str) -> None:
    """Steer a running emulator: its time, faults, seeds, mini programs, journal.

    Each command is a route below /_emulator and prints its answer as JSON.
    """
    context.obj = ControlClient(url)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _group(name: str, text: str) -> click.Group:
    group = click.Group(name, help=text)
    control.add_command(group)
    return group


def list_commands(route: str, what: str) -> click.Group:
    """Return a group with the commands list, remove and clear of a route that is a list."""
    group = _group(route, f"{what[0].upper()}{what[1:]}: list, add, take back.")

    @group.command("list", help=f"Show the {what}.")
    @click.pass_obj
    def listed(client: ControlClient) -> None:
        echo_json(client.send("GET", route))

    @group.command(help="Take one back by its id.")
    @click.argument("number", metavar="ID", type=int)
    @click.pass_obj
    def remove(client: ControlClient, number: int) -> None:
        echo_json(client.send("DELETE", f"{route}/{number}"))

    @group.command(help=f"Take back all {what}, or those of one mini program.")
    @_appid
    @click.pass_obj
    def clear(client: ControlClient, appid: str | None) -> None:
        echo_json(client.send("DELETE", route, appid=appid))

    return group


# ---- state ---------------------------------------------------------------------------------


@control.command()
@click.pass_obj
def state(client: ControlClient) -> None:
    """Show clock, seed, mini programs and faults."""
    echo_json(client.send("GET", "state"))


@control.command()
@click.argument("appid", required=False)
@click.option("--all", "everything", is_flag=True, help="Reset the whole emulator.")
@click.pass_obj
def reset(client: ControlClient, appid: str | None, everything: bool) -> None:  # noqa: FBT001 - a flag
    """Forget one mini program's tokens, faults, settings and journal, or everything."""
    if everything == (appid is not None):
        raise click.UsageError("Give an APPID or --all.")
    echo_json(client.send("POST", "reset", {"all": True} if everything else {"appid": appid}))


@control.command()
@click.argument("seed", type=int)
@click.pass_obj
def seed(client: ControlClient, seed: int) -> None:
    """Start numbers, tokens and request ids anew from a seed."""
    echo_json(client.send("PUT", "seed", {"seed": seed}))


@control.command()
@click.argument("mode", type=click.Choice(get_args(Mode)))
@click.pass_obj
def mode(client: ControlClient, mode: Mode) -> None:
    """Say who answers from now on; recordings begin again."""
    echo_json(client.send("PUT", "mode", {"mode": mode}))


# ---- the clock -----------------------------------------------------------------------------

_clock = _group("clock", "The time: the common one, or a mini program's own with --appid.")


@_clock.command("show")
@_appid
@click.pass_obj
def show_clock(client: ControlClient, appid: str | None) -> None:
    """Show the time."""
    echo_json(client.send("GET", "clock", appid=appid))


@_clock.command()
@click.argument("time", required=False)
@_appid
@click.pass_obj
def freeze(client: ControlClient, time: str | None, appid: str | None) -> None:
    """Let the time stand still, at TIME or where it is."""
    echo_json(client.send("PUT", "clock", _given({"freeze": time or True, "appid": appid})))


@_clock.command()
@click.argument("time", required=False)
@_appid
@click.pass_obj
def run(client: ControlClient, time: str | None, appid: str | None) -> None:
    """Let the time run, from TIME or as this machine's."""
    echo_json(client.send("PUT", "clock", _given({"run": time or True, "appid": appid})))


# A step back begins with a hyphen, and is no option.
@_clock.command(context_settings={"ignore_unknown_options": True})
@click.argument("seconds", type=float)
@_appid
@click.pass_obj
def advance(client: ControlClient, seconds: float, appid: str | None) -> None:
    """Move the time by SECONDS; it goes on running, or standing still."""
    echo_json(client.send("PUT", "clock", _given({"advance": seconds, "appid": appid})))


# ---- mini programs -------------------------------------------------------------------------

_app = _group("app", "Mini programs: their settings.")


@_app.command("show")
@click.argument("appid")
@click.pass_obj
def show_app(client: ControlClient, appid: str) -> None:
    """Show a mini program's settings."""
    echo_json(client.send("GET", f"apps/{quote(appid, safe='')}"))


def _limit(text: str) -> tuple[str, int | None]:
    name, equals, number = text.rpartition("=")
    if not (name and equals) or not (number.isdecimal() or number == "none"):
        raise click.BadParameter(f"{text!r} is not NAME=NUMBER or NAME=none")
    return name, None if number == "none" else int(number)


@_app.command("set")
@click.argument("appid")
@click.option("--secret", help="Needed to add one; it is the emulator's alone, never a real one.")
@click.option("--ready-hour", type=int, help="Until then what ended yesterday is 61503; 0 to 24.")
@click.option(
    "--daily-limit",
    "daily_limits",
    type=_limit,
    multiple=True,
    metavar="API=NUMBER",
    help="Calls of an API or path a day, then 45009; none lifts it. May be repeated.",
)
@click.option(
    "--minute-limit",
    "minute_limits",
    type=_limit,
    multiple=True,
    metavar="API=NUMBER",
    help="Calls of an API or path a minute, then 45011; none lifts it. May be repeated.",
)
@click.option(
    "--cloud-run",
    type=json_value,
    metavar="JSON",
    help='Cloud Run\'s calls without a token: {"api_whitelist": ["/*"]}, or false.',
)
@click.option("--seed", type=int, help="A seed of its own.")
@click.pass_obj
def set_app(client: ControlClient, /, appid: str, **given: Any) -> None:
    """Change a mini program, or add one."""
    for limits in ("daily_limits", "minute_limits"):
        given[limits] = dict(given[limits]) or None
    echo_json(client.send("PUT", f"apps/{quote(appid, safe='')}", _given(given)))


# ---- faults --------------------------------------------------------------------------------

_faults = list_commands("faults", "faults")


def _options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def add_all(command: Callable[..., Any]) -> Callable[..., Any]:
        for add in reversed(options):
            command = add(command)
        return command

    return add_all


@_faults.command()
@click.argument("kind")
@_options(
    click.option("--errcode", type=int, help="Of kind error."),
    click.option("--errmsg", help="Of kind error, in place of WeChat's text."),
    click.option("--status", type=int, help="Of kind status."),
    click.option("--seconds", type=json_value, metavar="JSON", help="Of kind latency."),
    click.option("--content-type", help="Of kind content_type."),
    click.option("--api", help="Strike this API only."),
    click.option("--path", help="Strike this path only."),
    _appid,
    click.option("--times", type=int, help="End after so many strikes."),
    click.option("--rate", type=float, help="Strike this share of the requests."),
    click.option("--until", metavar="TIME", help="End at this time."),
)
@click.pass_obj
def add(client: ControlClient, /, **given: Any) -> None:
    """Put a fault of a KIND in force, such as error, latency, drop."""
    echo_json(client.send("POST", "faults", _given(given)))


# ---- pins ----------------------------------------------------------------------------------

_pins = list_commands("pins", "pins")


@_pins.command("add")
@click.argument("api")
@_options(
    click.option("--request", type=json_value, metavar="JSON", help="What has to be asked."),
    click.option("--response", type=json_value, metavar="JSON", help="The answer."),
    click.option("--responses", type=json_value, metavar="JSON", help="Several in turn."),
    _appid,
    click.option("--times", type=int, help="End after so many answers."),
    click.option("--force", is_flag=True, default=None, help="Let pass what breaks the schema."),
)
@click.pass_obj
def pin(client: ControlClient, /, **given: Any) -> None:
    """Pin an answer to requests of an API."""
    echo_json(client.send("POST", "pins", _given(given)))


# ---- the journal ---------------------------------------------------------------------------


@control.command()
@_options(
    _appid,
    click.option("--api"),
    click.option("--path"),
    click.option("--errcode", type=int),
    click.option("--since", metavar="TIME"),
    click.option("--limit", type=int, help="The newest so many.  [default: 100]"),
    click.option("--follow", is_flag=True, help="Go on, with a line for each entry."),
)
@click.pass_obj
def journal(client: ControlClient, /, *, follow: bool, **filters: Any) -> None:
    """Show what was asked and answered."""
    if not follow:
        echo_json({"entries": client.send("GET", "journal", **filters)["entries"]})
        return
    try:
        _follow(client, filters)
    except KeyboardInterrupt:
        # As a shell says it, and with nothing to say.
        raise SystemExit(130) from None


def _follow(client: ControlClient, filters: dict[str, Any]) -> None:
    page = client.send("GET", "journal", **filters)
    while True:
        for entry in page["entries"]:
            click.echo(json.dumps(entry))
        time.sleep(_PAUSE)
        later = {**filters, "after": page["last"], "limit": _AT_A_TIME}
        page = client.send("GET", "journal", **later)
