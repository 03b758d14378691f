import io
import os
import signal
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

import click

from cloud_openapi._version import __version__
from cloud_openapi.cli._examples import with_examples
from cloud_openapi.cli._options import variable
from cloud_openapi.errors import (
    CloudOpenAPIError,
    CloudSDKError,
    UnknownAPIError,
    UsageError,
    message_of,
)
from cloud_openapi.json_schema.values import is_text

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_PREFIX = variable("")
_WRONG_USAGE: Final = 2


class _Entry(NamedTuple):
    """A command: its place, and the first line of its help."""

    place: str
    text: str


_SECTIONS: Final = {
    "Run": {
        "serve": _Entry(
            "_serve:serve", "Run the emulator and the functions of a folder until interrupted."
        ),
        "invoke": _Entry(
            "_invoke:invoke",
            "Run one function against an emulator of its own and print its result.",
        ),
        "call": _Entry("_call:call", "Make one call and print its answer as JSON."),
        "exec": _Entry(
            "_exec:exec_",
            "Run a command against an emulator of its own and return its exit code.",
        ),
    },
    "A running emulator": {
        "ui": _Entry("_ui:ui", "Open the console of a running emulator in the browser."),
        "requests": _Entry(
            "_requests:requests",
            "Print the newest requests to a running emulator, and why they failed.",
        ),
        "logs": _Entry(
            "_logs:logs", "Print the newest lines of functions' logs in a running emulator."
        ),
        "control": _Entry(
            "_control:control",
            "Control a running emulator: its time, faults, seeds, mini programs, journal.",
        ),
        "database": _Entry(
            "_database:database",
            "Look at the cloud database of a running emulator, change it, reset it.",
        ),
        "storage": _Entry(
            "_storage:storage",
            "List, read, write and remove the files of cloud storage of a running emulator.",
        ),
    },
    "Your functions": {
        "init": _Entry(
            "_init:init",
            "Write a sample project: two functions, their config.json, a test, a README.",
        ),
        "check": _Entry(
            "_check:check", "List the problems that functions would have on the platform."
        ),
        "install": _Entry(
            "_install:install",
            "Install the dependencies in a function's requirements.txt or package.json.",
        ),
        "doctor": _Entry(
            "_doctor:doctor", "Find out why calls or functions fail, and what to do about it."
        ),
        "package": _Entry(
            "_package:package",
            "Make what CloudBase takes of functions: a folder or a zip with all that they need.",
        ),
    },
    "Your numbers": {
        "report": _Entry(
            "_report:report",
            "Show retention, trends, pages and users of a mini program; as CSV, HTML, PNG, too.",
        ),
        "history": _Entry(
            "_history:history",
            "Keep the answers of a range of days, weeks or months in a database.",
        ),
    },
    "Recordings": {
        "record": _Entry(
            "_record:record",
            "Call the service and record its answers, including errors, without secrets.",
        ),
        "import": _Entry(
            "_record:import_",
            "Convert a HAR file of a browser, Charles or mitmproxy to recordings, without secrets.",
        ),
        "verify": _Entry(
            "_verify:verify_",
            "Check recordings (files, folders) against the schemas, and the emulator against them.",
        ),
        "drift": _Entry(
            "_drift:drift",
            "List what changed from recordings A to B, or from the catalogue to A.",
        ),
    },
    "Reference": {
        "apis": _Entry("_apis:apis", "List the cloud calls that WeChat documents, or show one."),
        "schema": _Entry(
            "_apis:schema",
            "Print a JSON Schema of an API's requests or responses; NAME error: of any error.",
        ),
        "openapi": _Entry("_apis:openapi", "Print the OpenAPI document of the HTTPS form."),
        "completion": _Entry(
            "_completion:completion", "Print the script by which a shell completes this command."
        ),
    },
}
_COMMANDS: Final = {
    name: entry for section in _SECTIONS.values() for name, entry in section.items()
}


class _Commands(MutableMapping[str, click.Command]):
    """The commands by name. A command is imported when it is read: each needs other packages."""

    def __getitem__(self, name: str) -> click.Command:
        module, _, attribute = _COMMANDS[name].place.partition(":")
        command: click.Command = getattr(import_module(f"{__package__}.{module}"), attribute)
        return with_examples(name, command)

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)

    def __setitem__(self, name: str, command: click.Command) -> NoReturn:
        raise TypeError(name)

    def __delitem__(self, name: str) -> NoReturn:
        raise TypeError(name)


class _Group(click.Group):
    """Lists its commands in sections, without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Return the commands and options that begin so; click's own imports each command."""
        from click.shell_completion import CompletionItem

        commands = [
            CompletionItem(name, help=entry.text)
            for name, entry in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; the second Ctrl-C ends the process at once."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # Python waits for threads with calls in flight.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        width = max(map(len, _COMMANDS))
        for title, entries in _SECTIONS.items():
            with formatter.section(title):
                rows = [(f"{name:{width}}", entry.text) for name, entry in entries.items()]
                formatter.write_dl(rows)


@click.group(
    cls=_Group,
    commands=_Commands(),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nBegin with:\n  cloud-openapi serve",
)
@click.version_option(__version__, prog_name="cloud-openapi")
def group() -> None:
    """Call WeChat's APIs as cloud calls do, and emulate them on this machine.

    Options can be set by variables too: --port by CLOUD_OPENAPI_PORT, for example, and --url by
    CLOUD_OPENAPI_BASE_URL. The other options of control, database and storage cannot.
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
    except UnknownAPIError as error:
        fail(error.hint)
    except CloudSDKError as error:
        parts = (f"{error.errMsg} (errCode {error.errCode})", error.hint)
        fail(". ".join(filter(None, parts)))
    except UsageError as error:
        fail(str(error), _WRONG_USAGE)
    except (CloudOpenAPIError, OSError) as error:
        fail(message_of(error))


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
            fail(f"{place} is not text in UTF-8.", _WRONG_USAGE)
