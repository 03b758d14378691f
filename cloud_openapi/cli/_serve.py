import errno
import json
import re
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote_plus

import click

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.cli._emulator_options import EmulatorOptions, mode_options
from cloud_openapi.cli._functions_folder import check_known, folder_option, misnamed, notes_on_rc
from cloud_openapi.cli._local_emulator import serving
from cloud_openapi.cli._options import option, pass_env_option
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import (
    Access,
    Emulator,
    emulator_variables,
    gateway_variables,
    listen_all,
    url_of,
)
from cloud_openapi.errors import ConfigError
from cloud_openapi.loopback import is_loopback
from cloud_openapi.naming import to_camel_case
from cloud_openapi.runtime import CloudbaseRC, Debug, Functions, nothing_found

_APPS_SHOWN = 10
_HOST_NAME = re.compile(r"[\w.-]+")


def _host_name(text: str) -> str:
    if _HOST_NAME.fullmatch(text) is None:
        raise click.BadParameter(f"{text!r} is not a host name such as emulator.example")
    return text.lower()


@click.command()
@option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; :: is every address, IPv6 and IPv4.",
)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=7070,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    callback=lambda _context, _option, names: frozenset(map(_host_name, names)),
    help="A further host name of the emulator. May be repeated; in the variable, separate names by "
    "spaces.",
)
@option(
    "--control",
    type=click.Choice(["loopback", "any"]),
    default="loopback",
    show_default=True,
    help="Who may use /_emulator: this machine, or every machine that reaches the emulator.",
)
@folder_option
@pass_env_option
@option(
    "--debug",
    type=Debug.parse,
    metavar="NAME[:PORT]",
    help="Let a debugger attach to this function, on port 5678 (Python) or 9229 (Node.js).",
)
@mode_options
@option("--json", "as_json", is_flag=True, help="Print one line of JSON when ready.")
def serve(  # noqa: PLR0913 - an option each
    host: str,
    port: int,
    hosts: frozenset[str],
    control: str,
    functions: Path,
    pass_env: Mapping[str, str],
    debug: Debug | None,
    options: EmulatorOptions,
    as_json: bool,  # noqa: FBT001 - a flag
) -> None:
    """Run the emulator and the functions of a folder until interrupted."""
    emulator = options.emulator()
    listening = _listen(host, port)
    url = url_of(listening[0])
    wide = not is_loopback(listening[0].getsockname()[0])
    access = Access(hosts, wide, control == "any")
    variables = emulator_variables(url, emulator)
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    given: dict[str, Any] = {"passed": pass_env, "debug": debug, "show": True, "access": access}
    with serving(emulator, functions, listening, **given) as found:
        for warning in (*_exposed(host, access), *_warnings(found, debug, options)):
            click.echo(f"Warning: {warning}", err=True)
        if as_json:
            environment = {**variables, **gateway_variables(url)}
            ready = {"url": url, "functions": list(found), "environment": environment}
            # The secrets of mini programs that were chosen by an option.
            apps = {"apps": emulator.apps} if options.apps or options.settings else {}
            click.echo(json.dumps({**ready, **apps}))
        else:
            click.echo(_welcome(url, found, emulator, variables))
        sys.stdout.flush()
        stopped.wait()


def _listen(host: str, port: int) -> list[socket.socket]:
    try:
        return listen_all(host, port)
    except ValueError as error:
        raise ConfigError(f"--host: {error}.") from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ConfigError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
        raise ConfigError(
            f"{host}:{port} is in use by another program; choose another port by --port or "
            "CLOUD_OPENAPI_PORT (0 takes a free one)."
        ) from error


def _exposed(host: str, access: Access) -> Iterator[str]:
    """Yield what other machines may do, if they reach the emulator."""
    if access.wide:
        others = f"--host {host}: other machines may call every API, run every function"
        if access.control:
            yield f"{others}, and control the emulator by /_emulator"
        else:
            yield f"{others}; /_emulator stays with this machine, unless --control any"


def _warnings(functions: Functions, debug: Debug | None, options: EmulatorOptions) -> Iterator[str]:
    """Yield warnings about probable mistakes."""
    if next(iter(functions), None) is None:
        yield nothing_found(functions.folder)
    if options.mode in ("replay", "spy") and options.recordings and not options.recordings.exists():
        yield f"--recordings: {options.recordings} is missing; --mode record makes recordings"
    if wrong := CloudbaseRC(functions.folder).read().wrong:
        yield wrong
    yield from notes_on_rc(functions.folder)
    yield from misnamed(functions.folder)
    try:
        if debug is not None:
            check_known(debug.function, functions)
    except ConfigError as error:
        yield f"--debug: {error}"


def _welcome(
    url: str, functions: Functions, emulator: Emulator, variables: Mapping[str, str]
) -> str:
    exports = [f"  export {name}={shlex.quote(value)}" for name, value in variables.items()]
    lines = [
        f"Emulator    {url}",
        f"Functions   {', '.join(functions) or 'none'}  ({functions.folder})",
        *_apps(emulator),
        "",
        "To call it from another shell, set these variables there:",
        *exports,
        "",
        "Try it:",
    ]
    name = next(iter(functions), None)
    if name is None:
        appid, secret = emulator.first_appid, quote_plus(emulator.apps[emulator.first_appid])
        query = f"grant_type=client_credential&appid={appid}&secret={secret}"
        lines.append(f"  curl '{url}/cgi-bin/token?{query}'")
    else:
        event = json.dumps(_documented_event(name))
        lines.append(f"  curl -d {shlex.quote(event)} {url}/v1/functions/{name}")
    return "\n".join([*lines, "", "Ctrl-C stops it."])


def _apps(emulator: Emulator) -> list[str]:
    """Return lines with appids and secrets, none for the demo mini program alone."""
    if set(emulator.apps) == {DEMO_APPID}:
        return []
    shown = [f"{appid}  {secret}" for appid, secret in emulator.apps.items()][:_APPS_SHOWN]
    more = len(emulator.apps) - _APPS_SHOWN
    lines = [*shown, f"and {more:,} more"] if more > 0 else shown
    return [f"{'' if number else 'Apps':11} {line}" for number, line in enumerate(lines)]


def _documented_event(function: str) -> Any:
    """Return WeChat's example for an API with the function's name, else an empty event."""
    for operation in default_catalogue().values():
        if operation.name.rpartition(".")[2] == function:
            return to_camel_case(operation.examples[0]["request"])
    return {}
