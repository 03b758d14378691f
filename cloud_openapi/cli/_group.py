import io
import os
import sys
from importlib import import_module
from typing import Final, NoReturn

import click

from cloud_openapi._version import __version__
from cloud_openapi.cli._options import variable
from cloud_openapi.errors import CloudOpenAPIError, CloudSDKError
from cloud_openapi.json_schema.values import is_text

_PREFIX = variable("")
# The place of each command, and the first line of its help.
_COMMANDS: Final = {
    "apis": ("_apis:apis", "List the APIs of the catalogue."),
    "call": ("_call:call", "Make one call and print its answer as JSON."),
    "check": ("_check:check", "List the problems that functions would have on the platform."),
    "control": (
        "_control:control",
        "Control a running emulator: its time, faults, seeds, mini programs, journal.",
    ),
    "drift": (
        "_drift:drift",
        "List what changed from recordings A to B, or from the catalogue to A.",
    ),
    "exec": (
        "_exec:exec_",
        "Run a command against an emulator of its own and return its exit code.",
    ),
    "import": (
        "_record:import_",
        "Convert a HAR file of a browser, Charles or mitmproxy to recordings, without secrets.",
    ),
    "install": (
        "_install:install",
        "Install the dependencies in a function's requirements.txt or package.json.",
    ),
    "invoke": (
        "_invoke:invoke",
        "Run one function against an emulator of its own and print its result.",
    ),
    "logs": ("_logs:logs", "Print the newest lines of a function's log in a running emulator."),
    "openapi": (
        "_apis:openapi",
        "Print the OpenAPI document of the HTTPS form.",
    ),
    "record": (
        "_record:record",
        "Call the service and record its answers, including errors, without secrets.",
    ),
    "schema": (
        "_apis:schema",
        "Print a JSON Schema of an API's requests or responses; NAME error: of any error.",
    ),
    "serve": ("_serve:serve", "Run the emulator and the functions of a folder until interrupted."),
    "verify": (
        "_verify:verify_",
        "Check recordings (files, folders) against the schemas, and the emulator against them.",
    ),
}


class _Lazy(click.Group):
    """Imports a command only when it runs: each needs other, large packages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"{__package__}.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_where, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cloud-openapi")
def group() -> None:
    """Call WeChat's analysis APIs as cloud calls do, and emulate them on this machine.

    Options can be set by variables too: --port by CLOUD_OPENAPI_PORT, for example, and --url by
    CLOUD_OPENAPI_BASE_URL. The other options of control cannot.
    """


def run() -> None:
    """Run the group; report an error of this package or of the system as one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A text may have half a surrogate pair, or characters that the terminal lacks.
            stream.reconfigure(errors="backslashreplace")
    _refuse_bytes()
    try:
        group(prog_name="cloud-openapi")
    except CloudSDKError as error:
        parts = (f"{error.errMsg} (errCode {error.errCode})", error.hint)
        fail(". ".join(filter(None, parts)))
    except (CloudOpenAPIError, OSError) as error:
        fail(str(error))


def fail(message: str, code: int = 1) -> NoReturn:
    """Write a message as one line to stderr, and exit with a code."""
    click.echo("cloud-openapi: " + " ".join(message.split()), err=True)
    sys.exit(code)


def _refuse_bytes() -> None:
    """Exit with 2 if an argument or a variable of this program is not text in UTF-8."""
    # The command of exec gets its arguments as they are.
    arguments = [] if sys.argv[1:2] == ["exec"] else sys.argv[1:]
    given = {f"argument {number}": text for number, text in enumerate(arguments, 1)}
    given |= {name: text for name, text in os.environ.items() if name.startswith(_PREFIX)}
    for place, text in given.items():
        # No argument has a NUL. A file may have a name of other bytes.
        if not is_text(text) and not os.path.exists(text):  # noqa: PTH110 - that raises for some
            fail(f"{place} is not text in UTF-8.", 2)
