import errno
import gc
import json
import os
import re
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cloud_openapi.cli._control_client import ControlClient, console_of, url_for_hints
from cloud_openapi.cli._debug_options import (
    debug_option,
    debug_wait_option,
    debugger_lines,
    debugger_of,
    waiting,
)
from cloud_openapi.cli._emulator_options import EmulatorOptions, data_option, mode_options
from cloud_openapi.cli._functions_folder import (
    check_known,
    folder_option,
    misnamed,
    notes_on_rc,
    without_entry,
)
from cloud_openapi.cli._options import Choice, function_time_option, option, pass_env_option
from cloud_openapi.errors import CloudOpenAPIError, ConfigError
from cloud_openapi.loopback import is_loopback

# Imported where they are used: --help and completion do without.
if TYPE_CHECKING:
    from cloud_openapi.emulator import Access
    from cloud_openapi.runtime import Debug, Functions

_PROBE_SECONDS = 2
_LOOK_SECONDS = 0.5
_PASSWORD = "CLOUD_OPENAPI_CONSOLE_PASSWORD"  # noqa: S105 - the name of a variable
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
    type=Choice(["loopback", "any"]),
    default="loopback",
    show_default=True,
    help="Who may use /_emulator: this machine, or every machine that reaches the emulator.",
)
@folder_option
@pass_env_option
@function_time_option
@debug_option
@debug_wait_option
@mode_options
@data_option
@option("--json", "as_json", is_flag=True, help="Print one line of JSON when ready.")
@option("--quiet", "-q", is_flag=True, help="Show only the calls that fail.")
@option(
    "--verbose",
    "-v",
    is_flag=True,
    help="Show requests, sources of answers, rids and the platform's log lines, too.",
)
def serve(  # noqa: PLR0913 - an option each
    host: str,
    port: int,
    hosts: frozenset[str],
    control: str,
    functions: Path,
    pass_env: Mapping[str, str],
    function_time: str,
    debug: "Debug | None",
    debug_wait: bool,  # noqa: FBT001 - a flag
    options: EmulatorOptions,
    as_json: bool,  # noqa: FBT001 - a flag
    quiet: bool,  # noqa: FBT001 - a flag
    verbose: bool,  # noqa: FBT001 - a flag
) -> None:
    """Run the emulator and the functions of a folder until interrupted.

    Each call is a line on stderr: time, function or API, status or errcode, duration, and why it
    failed. What a function printed and called stands above its line, indented.
    """
    with _without_collection():
        from cloud_openapi.cli._local_emulator import serving
        from cloud_openapi.cli._log_printer import Level, LogPrinter
        from cloud_openapi.cli._welcome import welcome
        from cloud_openapi.emulator import Access, emulator_variables, gateway_variables, url_of
        from cloud_openapi.runtime import find_project, nothing_found

    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other.")
    debug = waiting(debug, wait=debug_wait)
    emulator = options.emulator(functions)
    listening = _listen(host, port)
    url = url_of(listening[0])
    wide = not is_loopback(listening[0].getsockname()[0])
    access = Access(hosts, wide, control == "any", _console_password() if wide else "")
    variables = emulator_variables(url, emulator)
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in _ending_signals():
        signal.signal(number, stop)
    url_shown = url_for_hints(url)
    level: Level = "quiet" if quiet else "verbose" if verbose else "usual"
    printer = LogPrinter(level, url_shown)
    given: dict[str, Any] = {"passed": pass_env, "debug": debug, "function_time": function_time}
    with serving(emulator, functions, listening, printer=printer, access=access, **given) as found:
        # The banner says it, too.
        none = [nothing_found(found.folder)] if as_json and not any(found) else []
        for warning in (*_exposed(host, access), *none, *_warnings(found, debug, options)):
            click.echo(f"Warning: {warning}", err=True)
        found.start_debugger()
        debugger = debugger_of(debug, found)
        if as_json:
            environment = {**variables, **gateway_variables(url)}
            ready = {"url": url, "console": console_of(url), "functions": list(found)}
            # The secrets of mini programs that were chosen by an option.
            apps = {"apps": emulator.apps} if options.apps or options.settings else {}
            shown = {"debugger": debugger} if debugger else {}
            click.echo(json.dumps({**ready, "environment": environment, **apps, **shown}))
        else:
            project = find_project(Path(), functions if _is_given("functions") else None)
            lines = debugger_lines(debugger)
            click.echo(welcome(url, found, project, emulator, variables, url_shown, lines))
        sys.stdout.flush()
        # The kernel gives a signal to any thread, and another one than this does not wake it.
        while not stopped.wait(_LOOK_SECONDS):
            pass


def _ending_signals() -> list[int]:
    numbers: list[int] = [signal.SIGTERM, signal.SIGINT]
    # A terminal that is closed sends it; nohup lets the program ignore it. Windows has none.
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        numbers.append(hangup)
    return numbers


@contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no garbage during a block of imports, nor later among what they made: it stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _listen(host: str, port: int) -> list[socket.socket]:
    from cloud_openapi.emulator import listen_all, url_at

    try:
        return listen_all(host, port)
    except ValueError as error:
        raise ConfigError(f"--host: {error}.") from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ConfigError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
        other = "choose another port by --port or CLOUD_OPENAPI_PORT (0 takes a free one)"
        address = url_at(host, port)
        if _is_emulator(address):
            raise ConfigError(
                f"{host}:{port} is in use: another emulator runs there, at {address}. Use it, stop "
                f"it, or {other}."
            ) from error
        raise ConfigError(f"{host}:{port} is in use by another program; {other}.") from error


def _is_emulator(url: str) -> bool:
    """Return whether an emulator answers at a URL."""
    try:
        ControlClient(url, _PROBE_SECONDS).read("state", {"clock": dict, "apps": dict})
    except CloudOpenAPIError:
        return False
    return True


def _is_given(parameter: str) -> bool:
    """Return whether an option was given, by itself or by its variable."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is not ParameterSource.DEFAULT


def _console_password() -> str:
    """Return the password of the console: that of the variable, or a new one."""
    # No option: other users of this machine see a program's options.
    return os.environ.get(_PASSWORD) or secrets.token_urlsafe(12)


def _exposed(host: str, access: "Access") -> Iterator[str]:
    """Yield what other machines may do, if they reach the emulator."""
    if access.wide:
        others = f"--host {host}: other machines may call every API, run every function"
        if access.control:
            yield f"{others}, and control the emulator by /_emulator"
        else:
            yield f"{others}; /_emulator stays with this machine, unless --control any"
        given = os.environ.get(_PASSWORD)
        shown = f"the one in {_PASSWORD}" if given else access.console_password
        yield (
            f"--host {host}: other machines may see requests and control the emulator at /_console "
            f"with this password (any user name): {shown}"
        )


def _warnings(
    functions: "Functions", debug: "Debug | None", options: EmulatorOptions
) -> Iterator[str]:
    """Yield warnings about probable mistakes."""
    from cloud_openapi.runtime import CloudbaseRC

    yield from options.warnings()
    if wrong := CloudbaseRC(functions.folder).read().wrong:
        yield wrong
    yield from notes_on_rc(functions.folder)
    yield from misnamed(functions.folder)
    yield from without_entry(functions.folder)
    try:
        if debug is not None:
            check_known(debug.function, functions)
    except ConfigError as error:
        yield f"--debug: {error}"
