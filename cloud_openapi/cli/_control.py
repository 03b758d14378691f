"""Control a running emulator: the routes below /_emulator as commands."""

import json
import time
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, get_args
from urllib.parse import quote

import click

from cloud_openapi.cli._control_client import ControlClient, take_url_last, url_option
from cloud_openapi.cli._options import Choice, echo_json, field_option
from cloud_openapi.mode import Mode

_PAUSE = 0.5
_AT_A_TIME = 10_000
_PAGE = {"entries": list, "last": int}
# Read without importing the emulator, which would slow each command down.
_SCHEMAS = json.loads(
    files("cloud_openapi").joinpath("emulator/control_schemas.json").read_text("utf-8")
)

_appid = click.option("--appid", help="Only this mini program.")


@click.group()
@url_option
@click.pass_context
def control(context: click.Context, url: str) -> None:
    """Control a running emulator: its time, faults, seeds, mini programs, journal.

    Each command is a route below /_emulator and prints its response as JSON.
    """
    context.obj = ControlClient(url)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _group(name: str, text: str) -> click.Group:
    group = click.Group(name, help=text)
    control.add_command(group)
    return group


def list_commands(route: str, what: str) -> click.Group:
    """Return a group with the commands list, remove and clear of a route."""
    group = _group(route, f"{what[0].upper()}{what[1:]}: list, add, remove.")

    def echo(client: ControlClient, answer: Any) -> None:
        echo_json({route: client.check(answer, {route: list}, route)[route]})

    @group.command("list", help=f"Show the {what}.")
    @click.pass_obj
    def listed(client: ControlClient) -> None:
        echo(client, client.send("GET", route))

    @group.command(help="Remove one by its id.")
    @click.argument("number", metavar="ID", type=int)
    @click.pass_obj
    def remove(client: ControlClient, number: int) -> None:
        echo(client, client.send("DELETE", f"{route}/{number}"))

    @group.command(help=f"Remove all {what}, or those of one mini program.")
    @_appid
    @click.pass_obj
    def clear(client: ControlClient, appid: str | None) -> None:
        echo(client, client.send("DELETE", route, appid=appid))

    return group


def _limit(text: str) -> tuple[str, int | None]:
    name, equals, number = text.rpartition("=")
    if not (name and equals) or not (number.isdecimal() or number == "none"):
        raise click.BadParameter(f"{text!r} is not NAME=NUMBER or NAME=none")
    return name, None if number == "none" else int(number)


def _option(name: str, field: Mapping[str, Any]) -> click.Option:
    text = field["description"]
    if name.endswith("_limits"):
        flag, metavar = f"--{name[:-1].replace('_', '-')}", "API=NUMBER"
        text = f"{text.replace('null', 'none')} May be repeated."
        return click.Option([flag, name], type=_limit, multiple=True, metavar=metavar, help=text)
    if field.get("type") == "boolean":
        return click.Option([f"--{name}"], is_flag=True, default=None, help=text)
    return field_option(name, field)


def _add_sender(group: click.Group, name: str, route: str, schema: Any, argument: str) -> None:
    """Add a command that sends an object of a JSON Schema, with an option for each field.

    An argument that is not among the fields is an appid in the path.
    """
    fields = {each: field for each, field in schema["properties"].items() if each != argument}

    @click.pass_obj
    def send(client: ControlClient, /, **given: Any) -> None:
        body = _given({each: value for each, value in given.items() if value != ()})
        body = {each: dict(v) if isinstance(v, tuple) else v for each, v in body.items()}
        if argument in schema["properties"]:
            echo_json(client.send("POST", route, body))
        else:
            echo_json(client.send("PUT", f"{route}/{quote(body.pop(argument), safe='')}", body))

    parameters = [click.Argument([argument]), *(_option(*field) for field in fields.items())]
    group.add_command(
        click.Command(name, callback=send, params=parameters, help=schema["description"])
    )


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
    """Reset one mini program (tokens, faults, settings, journal) or the whole emulator."""
    if everything == (appid is not None):
        raise click.UsageError("Give an APPID or --all.")
    echo_json(client.send("POST", "reset", {"all": True} if everything else {"appid": appid}))


@control.command()
@click.argument("seed", type=int)
@click.pass_obj
def seed(client: ControlClient, seed: int) -> None:
    """Restart numbers, tokens and request ids from a seed."""
    echo_json(client.send("PUT", "seed", {"seed": seed}))


@control.command()
@click.argument("mode", type=Choice(get_args(Mode)))
@click.pass_obj
def mode(client: ControlClient, mode: Mode) -> None:
    """Set the source of responses; recordings start again."""
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
    """Freeze the time, at TIME or at the current time."""
    echo_json(client.send("PUT", "clock", _given({"freeze": time or True, "appid": appid})))


@_clock.command()
@click.argument("time", required=False)
@_appid
@click.pass_obj
def run(client: ControlClient, time: str | None, appid: str | None) -> None:
    """Let the time run, from TIME or with this machine's clock."""
    echo_json(client.send("PUT", "clock", _given({"run": time or True, "appid": appid})))


# A negative number begins with a hyphen, as an option does.
@_clock.command(context_settings={"ignore_unknown_options": True})
@click.argument("seconds", type=float)
@_appid
@click.pass_obj
def advance(client: ControlClient, seconds: float, appid: str | None) -> None:
    """Move the time by SECONDS; a frozen clock stays frozen."""
    echo_json(client.send("PUT", "clock", _given({"advance": seconds, "appid": appid})))


# ---- mini programs -------------------------------------------------------------------------

_app = _group("app", "Mini programs: their settings.")


@_app.command("show")
@click.argument("appid")
@click.pass_obj
def show_app(client: ControlClient, appid: str) -> None:
    """Show a mini program's settings."""
    echo_json(client.send("GET", f"apps/{quote(appid, safe='')}"))


_add_sender(_app, "set", "apps", _SCHEMAS["app"], "appid")


# ---- faults --------------------------------------------------------------------------------

_add_sender(list_commands("faults", "faults"), "add", "faults", _SCHEMAS["fault"], "kind")
_add_sender(list_commands("pins", "pins"), "add", "pins", _SCHEMAS["pin"], "api")


# ---- the journal ---------------------------------------------------------------------------


@control.command()
@_appid
@click.option("--api")
@click.option("--path")
@click.option("--errcode", type=int)
@click.option("--since", metavar="TIME")
@click.option("--limit", type=int, help="The number of newest entries.  [default: 100]")
@click.option("--follow", is_flag=True, help="Wait for further entries, a line each.")
@click.pass_obj
def journal(client: ControlClient, /, *, follow: bool, **filters: Any) -> None:
    """Show the requests and their responses."""
    if not follow:
        echo_json({"entries": client.read("journal", {"entries": list}, **filters)["entries"]})
        return
    try:
        _follow(client, filters)
    except KeyboardInterrupt:
        # The exit status of a program that SIGINT ended.
        raise SystemExit(130) from None


def _follow(client: ControlClient, filters: dict[str, Any]) -> None:
    page = client.read("journal", _PAGE, **filters)
    while True:
        for entry in page["entries"]:
            click.echo(json.dumps(entry))
        time.sleep(_PAUSE)
        later = {**filters, "after": page["last"], "limit": _AT_A_TIME}
        page = client.read("journal", _PAGE, **later)


take_url_last(control)
