import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from cloud_openapi.cli._options import emulator_options, folder_option, new_emulator
from cloud_openapi.cli._serve import emulator_variables, print_line
from cloud_openapi.emulator import Emulator, Server, create_app, listen, url_of
from cloud_openapi.periods import NOW_VARIABLE
from cloud_openapi.runtime import Functions

# What a shell returns for these, so that scripts need to know nothing new.
_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
_KILLED = 128


# The first word that is no option begins the command: its own options are its own.
@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.argument(
    "command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARG]..."
)
@folder_option
@emulator_options
def exec_(command: tuple[str, ...], functions: Path, seed: int, now: datetime | None) -> NoReturn:
    """Run a command against an emulator of its own and return its exit code.

    The emulator takes a free port, which the command finds in CLOUD_OPENAPI_BASE_URL, and is
    gone when the command is. Example: cloud-openapi exec -- pytest
    """
    with _emulator(functions, new_emulator(seed, now)) as variables:
        if now:
            variables[NOW_VARIABLE] = now.isoformat()
        code = _run(command, {**os.environ, **variables})
    sys.exit(code)


@contextmanager
def _emulator(folder: Path, emulator: Emulator) -> Iterator[dict[str, str]]:
    """Serve an emulator and its functions meanwhile, and give the variables that lead there."""
    listening = listen("127.0.0.1", 0)
    variables = emulator_variables(url_of(listening))
    found = Functions(folder, variables, on_line=print_line)
    try:
        with Server(create_app(emulator, found), listening):
            yield dict(variables)
    finally:
        found.close()
        listening.close()


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command to its end and return its exit code as a shell does."""
    with _signals() as child:
        try:
            # A shell's <(…) is a descriptor too; this process marks its own not to be inherited.
            process = subprocess.Popen(command, env=environment, close_fds=False)  # noqa: S603
        except FileNotFoundError:
            return _refuse(_NOT_FOUND, f'Cannot run "{command[0]}": there is no such command.')
        except OSError as error:
            return _refuse(_NOT_EXECUTABLE, f'Cannot run "{command[0]}": {error.strerror}.')
        child.start(process)
        code = process.wait()
    return code if code >= 0 else _KILLED - code


class _Child:
    """Passes a signal on to a process, even one that comes before there is a process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: list[int] = []

    def start(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        for number in self._waiting:
            process.send_signal(number)

    def pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._waiting.append(number)
        else:
            self._process.send_signal(number)


@contextmanager
def _signals() -> Iterator[_Child]:
    """Leave SIGINT to the command, which a terminal sends it anyway, and pass SIGTERM on."""
    child = _Child()
    handlers = {signal.SIGINT: _leave, signal.SIGTERM: child.pass_on}
    # What a parent asked to be ignored stays so. SIG_IGN for SIGINT would reach the command.
    former = {number: signal.getsignal(number) for number in handlers}
    changed = [number for number in handlers if former[number] is not signal.SIG_IGN]
    for number in changed:
        signal.signal(number, handlers[number])
    try:
        yield child
    finally:
        for number in changed:
            signal.signal(number, former[number])


def _leave(_number: int, _frame: FrameType | None) -> None:
    pass


def _refuse(code: int, message: str) -> int:
    click.echo(f"cloud-openapi: {message}", err=True)
    return code
