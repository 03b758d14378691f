import sys
from pathlib import Path

import click

from cloud_openapi.cli._functions_folder import folder_option, function_named, refuse_none
from cloud_openapi.cli._options import option
from cloud_openapi.errors import CloudOpenAPIError
from cloud_openapi.runtime import Functions, install_packages


@click.command()
@click.argument("name", required=False)
@option("--all", "every", is_flag=True, help="Install for every function of the folder.")
@folder_option
def install(name: str | None, functions: Path, every: bool) -> None:  # noqa: FBT001 - a flag
    """Install the dependencies in a function's requirements.txt or package.json.

    They are kept in a cache, outside the function's folder, which is uploaded as it is.
    """
    if (name is None) != every:
        raise click.UsageError("give the NAME of a function, or --all")
    found = Functions(functions, {})
    try:
        if name is not None:
            _install(function_named(name, found), found)
            return
        refuse_none(found)
        failures = [failure for each in found if (failure := _failure(each, found))]
    finally:
        found.close()
    # Last, after the output of pip and npm.
    for failure in failures:
        click.echo(f"cloud-openapi: {failure}", err=True)
    if failures:
        sys.exit(1)


def _install(name: str, found: Functions) -> None:
    target = install_packages(found.settings_of(name))
    click.echo(f"{name}: {target or 'lists no dependencies'}")


def _failure(name: str, found: Functions) -> str:
    """Install a function's dependencies; return the error message, empty on success."""
    try:
        _install(name, found)
    except (CloudOpenAPIError, OSError) as error:
        return f"{name}: {error}"
    return ""
