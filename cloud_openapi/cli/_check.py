import sys
from pathlib import Path

import click

from cloud_openapi.cli._functions_folder import check_known, folder_option
from cloud_openapi.runtime import Functions, notes_of


@click.command()
@click.argument("name")
@folder_option
def check(name: str, functions: Path) -> None:
    """Say what would keep a function from running on the platform.

    It is loaded as there: with its own folder, what was installed for it, and what the platform
    has, but with nothing else that this machine has. Settings and config.json are checked too.
    A note is about what the emulator does not do, or what may be a slip.
    """
    found = Functions(functions, {})
    try:
        check_known(name, found)
        problems, notes = found.check(name), notes_of(found.settings_of(name))
    finally:
        found.close()
    for problem in problems:
        click.echo(f"{name}: {problem}")
    for note in notes:
        click.echo(f"{name}: note: {note}")
    if problems:
        sys.exit(1)
    click.echo(f"{name}: fine")
