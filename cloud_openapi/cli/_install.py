from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud_openapi.cli._folder import check_known, folder_option
from cloud_openapi.cli._options import option
from cloud_openapi.runtime import Functions, install_packages

if TYPE_CHECKING:
    from collections.abc import Iterable


@click.command()
@click.argument("name", required=False)
@option("--all", "every", is_flag=True, help="Install for every function of the folder.")
@folder_option
def install(name: str | None, functions: Path, every: bool) -> None:  # noqa: FBT001 - a flag
    """Install what a function's requirements.txt or package.json lists.

    It goes to a cache outside of the function's folder, which stays as it will be uploaded.
    """
    if (name is None) != every:
        raise click.UsageError("give the NAME of a function, or --all")
    found = Functions(functions, {})
    try:
        names: Iterable[str] = found if name is None else (name,)
        for each in names:
            check_known(each, found)
            target = install_packages(found.settings_of(each))
            click.echo(f"{each}: {target or 'lists no dependencies'}")
    finally:
        found.close()
