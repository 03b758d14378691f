import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud_openapi.cli._completion import complete_function
from cloud_openapi.cli._functions_folder import folder_option, function_named, refuse_none
from cloud_openapi.cli._options import option
from cloud_openapi.cli._terminal import progress
from cloud_openapi.errors import CloudOpenAPIError, message_of

# Imported where they are used: --help and completion do without.
if TYPE_CHECKING:
    from cloud_openapi.runtime import Functions


@click.command()
@click.argument("name", required=False, shell_complete=complete_function)
@option("--all", "every", is_flag=True, help="Install for every function of the folder.")
@option(
    "--registry",
    metavar="URL",
    help="The npm registry, in place of those that npm's settings and a lock file name.",
)
@folder_option
def install(
    name: str | None,
    functions: Path,
    every: bool,  # noqa: FBT001 - a flag
    registry: str | None,
) -> None:
    """Install the dependencies in a function's requirements.txt or package.json.

    NAME is a name or a path, by default the function of the working directory. The dependencies
    are kept in a cache, outside the function's folder, which is uploaded as it is. A
    package-lock.json that names a mirror of npm, as many do, is installed from your own registry,
    in the versions and with the hashes that it names.
    """
    from cloud_openapi.runtime import Functions, find_project

    wanted = name or ("" if every else find_project(Path(), functions).name)
    if bool(wanted) == every:
        raise click.UsageError("give the NAME of a function, or --all")
    found = Functions(functions, {})
    try:
        if not every:
            _install(function_named(wanted, found), found, registry)
            return
        refuse_none(found)
        failures = _failures(found, registry)
    finally:
        found.close()
    # Last, after what pip and npm print when they fail.
    for failure in failures:
        click.echo(f"cloud-openapi: {failure}", err=True)
    if failures:
        sys.exit(1)


def _install(name: str, found: "Functions", registry: str | None) -> None:
    from cloud_openapi.runtime import install_packages

    def say(text: str) -> None:
        click.echo(f"{name}: {text}", err=True)

    target = install_packages(found.settings_of(name), registry, say)
    click.echo(f"{name}: {target or 'lists no dependencies'}")


def _failures(found: "Functions", registry: str | None) -> list[str]:
    """Install for every function; return the error messages."""
    names, failures = list(found), []
    with progress("install", len(names)) as advance:
        for name in names:
            failures.append(_failure(name, found, registry))
            advance()
    return [failure for failure in failures if failure]


def _failure(name: str, found: "Functions", registry: str | None) -> str:
    """Install a function's dependencies; return the error message, empty on success."""
    try:
        _install(name, found, registry)
    except (CloudOpenAPIError, OSError) as error:
        return f"{name}: {message_of(error)}"
    return ""
