import sys
from importlib import import_module
from typing import Final

import click

from cloud_openapi._version import __version__
from cloud_openapi.errors import CloudOpenAPIError, CloudSDKError

# Where each command is, and the first line of its help.
_COMMANDS: Final = {
    "apis": ("_apis:apis", "List the APIs of the catalogue."),
    "call": ("_call:call", "Make one call and print its answer as JSON."),
    "check": ("_check:check", "Say what would keep a function from running on the platform."),
    "control": (
        "_control:control",
        "Steer a running emulator: its time, faults, seeds, mini programs, journal.",
    ),
    "drift": (
        "_drift:drift",
        "Say what changed from recordings A to B, or from the catalogue to A.",
    ),
    "exec": (
        "_exec:exec_",
        "Run a command against an emulator of its own and return its exit code.",
    ),
    "import": (
        "_record:import_",
        "Make recordings of what a browser, Charles or mitmproxy saved as HAR, without secrets.",
    ),
    "install": (
        "_install:install",
        "Install what a function's requirements.txt or package.json lists.",
    ),
    "invoke": (
        "_invoke:invoke",
        "Run one function against an emulator of its own and print what it returns.",
    ),
    "logs": ("_logs:logs", "Print the newest lines of a function's log in a running emulator."),
    "openapi": (
        "_apis:openapi",
        "Print the OpenAPI document of the HTTPS form, for tools that take one.",
    ),
    "record": (
        "_record:record",
        "Call the service and record its answers, errors included, without tokens and secrets.",
    ),
    "schema": (
        "_apis:schema",
        'Print the JSON Schema of one side of an API in one form; NAME "error": of any error.',
    ),
    "serve": ("_serve:serve", "Run the emulator and the functions of a folder until interrupted."),
    "verify": (
        "_verify:verify_",
        "Hold recordings (files, folders) against the schemas, and the emulator against them.",
    ),
}


class _Lazy(click.Group):
    """Loads a command when it is run, for most need much that the others do without."""

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

    Every option is also a variable: --port is CLOUD_OPENAPI_PORT. Those of control, which say
    what to do to a running emulator, are not; --url is CLOUD_OPENAPI_BASE_URL.
    """


def run() -> None:
    """Run the group, and turn what can go wrong into one line."""
    try:
        group(prog_name="cloud-openapi")
    except CloudSDKError as error:
        parts = (f"{error.errMsg} (errCode {error.errCode})", error.hint)
        fail(". ".join(filter(None, parts)))
    except (CloudOpenAPIError, OSError) as error:
        fail(str(error))


def fail(message: str) -> None:
    """Write the one line and leave with 1."""
    click.echo("cloud-openapi: " + " ".join(message.split()), err=True)
    sys.exit(1)
