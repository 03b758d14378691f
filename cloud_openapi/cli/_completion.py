"""Completion of commands, options, functions and APIs in a shell."""

from pathlib import Path

import click
from click.shell_completion import get_completion_class

from cloud_openapi.cli._options import Choice

_PROGRAM, _VARIABLE = "cloud-openapi", "_CLOUD_OPENAPI_COMPLETE"


@click.command()
@click.argument("shell", type=Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which a shell completes this command.

    For bash, add this line to ~/.bashrc: eval "$(cloud-openapi completion bash)". For zsh, add the
    like to ~/.zshrc, after compinit. For fish, write the script to
    ~/.config/fish/completions/cloud-openapi.fish.
    """
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - click has the three
    root = context.find_root().command
    click.echo(made(root, {}, _PROGRAM, _VARIABLE).source())


def complete_function(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the names of the functions that begin so; none if the project cannot be read."""
    from cloud_openapi.errors import ConfigError
    from cloud_openapi.runtime._discovery import Folder
    from cloud_openapi.runtime._project import find_project
    from cloud_openapi.runtime._settings import Settings

    try:
        folder = find_project(Path(), context.params.get("functions")).functions
        found = Folder(folder, Settings("", folder, timeout=0, memory=0))
        return [name for name in found if name.startswith(incomplete)]
    except (ConfigError, OSError):
        return []  # a message would end up in the command line


def complete_api(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the names of the APIs that begin so."""
    from cloud_openapi.catalogue import default_catalogue

    return [name for name in default_catalogue() if name.startswith(incomplete)]


def complete_cloud_call(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the names of the documented cloud calls that begin so."""
    from cloud_openapi.catalogue.cloud_calls import cloud_calls

    return sorted(name for name in cloud_calls() if name.startswith(incomplete))
