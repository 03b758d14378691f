import shlex
from pathlib import Path

import click

from cloud_openapi.cli._completion import complete_function
from cloud_openapi.cli._functions_folder import folder_option, function_named
from cloud_openapi.cli._options import option


@click.command()
@click.argument("name", required=False, shell_complete=complete_function)
@option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    default="build",
    show_default=True,
    help="The folder to write to.",
)
@option("--zip", "zipped", is_flag=True, help="Write NAME.zip instead of a folder.")
@folder_option
def package(
    name: str | None,
    to: Path,
    zipped: bool,  # noqa: FBT001 - a flag
    functions: Path,
) -> None:
    """Make a copy of a function that can be uploaded, with the Python packages it needs.

    The platform installs what a package.json lists, but no Python packages. The copy of a Python
    function has those of requirements.txt for the function's runtime, and cloud_openapi if the
    function imports it. NAME is a name or a path, by default the function of the working
    directory.
    """
    from cloud_openapi.runtime import Functions, make_upload

    found = Functions(functions, {})
    try:
        name = function_named(name, found)
        settings = found.settings_of(name)
    finally:
        found.close()
    made = make_upload(settings, to, zipped=zipped)
    size = f"{made.bytes / 2**20:.1f} MB" if made.bytes >= 2**20 else f"{made.bytes / 1024:.1f} KB"
    click.echo(f"{name}: {made.path}: {made.files} files, {size}")
    for note in made.notes:
        click.echo(f"{name}: {note}")
    if not zipped:
        click.echo(f"Upload it: tcb fn deploy {name} --dir {shlex.quote(str(made.path))}")
