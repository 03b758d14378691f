import sys
from pathlib import Path

import click

from cloud_openapi.cli._completion import complete_function
from cloud_openapi.cli._functions_folder import folder_option, function_named, notes_on_rc
from cloud_openapi.runtime import Functions, notes_of


@click.command()
@click.argument("name", shell_complete=complete_function)
@folder_option
def check(name: str, functions: Path) -> None:
    """List the problems that a function would have on the platform.

    The function is loaded with its own folder, its installed dependencies and the packages of
    the platform, but without this machine's other packages. Its settings and its config.json are
    checked too. A note is about a possible mistake, or a setting that the emulator ignores.
    """
    found = Functions(functions, {})
    try:
        name = function_named(name, found)
        problems = found.check(name)
        notes = [*notes_on_rc(found.folder), *notes_of(found.settings_of(name))]
    finally:
        found.close()
    for problem in problems:
        click.echo(f"{name}: {problem}")
    for note in notes:
        click.echo(f"{name}: note: {note}")
    if problems:
        sys.exit(1)
    click.echo(f"{name}: fine")
