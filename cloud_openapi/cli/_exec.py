import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from cloud_openapi.cli._emulator_options import EmulatorOptions, mode_options
from cloud_openapi.cli._functions_folder import folder_option
from cloud_openapi.cli._options import function_time_option, pass_env_option
from cloud_openapi.cli._signals import passed_on
from cloud_openapi.periods import NOW_VARIABLE

# As a shell returns.
_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
_KILLED = 128


# Options after the first argument belong to the command.
@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.argument(
    "command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARG]..."
)
@folder_option
@pass_env_option
@function_time_option
@mode_options
def exec_(
    command: tuple[str, ...],
    functions: Path,
    pass_env: Mapping[str, str],
    function_time: str,
    options: EmulatorOptions,
) -> NoReturn:
    """Run a command against an emulator of its own and return its exit code.

    The emulator listens on a free port until the command ends; CLOUD_OPENAPI_BASE_URL is its
    URL.
    """
    from cloud_openapi.cli._local_emulator import serving
    from cloud_openapi.cli._log_printer import LogPrinter
    from cloud_openapi.emulator import emulator_variables, gateway_variables, listen, url_of
    from cloud_openapi.runtime import isolated

    emulator = options.emulator(functions)
    # Commands in the reasons of failures are pasted after the command has ended.
    emulator.lasting = False
    for warning in options.warnings():
        click.echo(f"Warning: {warning}", err=True)
    listening = listen("127.0.0.1", 0)
    url = url_of(listening)
    variables = {**emulator_variables(url, emulator), **gateway_variables(url)}
    if options.now:
        variables[NOW_VARIABLE] = options.now.isoformat()
    given: dict[str, Any] = {"passed": pass_env, "function_time": function_time}
    with serving(emulator, functions, listening, printer=LogPrinter("output"), **given):
        code = _run(command, isolated({**os.environ, **variables}, url))
    sys.exit(code)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command to its end and return its exit code as a shell does."""
    with passed_on() as child:
        try:
            # Descriptors such as those of a shell's <(…) are inherited; our own are not.
            process = subprocess.Popen(  # noqa: S603
                command, env=environment, close_fds=False, start_new_session=child.is_apart
            )
        except FileNotFoundError:
            if shutil.which(command[0]) is None:
                return _refuse(_NOT_FOUND, f'Cannot run "{command[0]}": command not found.')
            message = f'Cannot run "{command[0]}": the interpreter in its first line is missing.'
            return _refuse(_NOT_EXECUTABLE, message)
        except OSError as error:
            return _refuse(_NOT_EXECUTABLE, f'Cannot run "{command[0]}": {error.strerror}.')
        child.start(process)
        code = process.wait()
    return code if code >= 0 else _KILLED - code


def _refuse(code: int, message: str) -> int:
    click.echo(f"cloud-openapi: {message}", err=True)
    return code
