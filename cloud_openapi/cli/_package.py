import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloud_openapi.cli._completion import complete_function
from cloud_openapi.cli._functions_folder import folder_option, function_named, refuse_none
from cloud_openapi.cli._options import Choice, json_value, option
from cloud_openapi.cli._terminal import progress
from cloud_openapi.errors import CloudOpenAPIError

# Imported where they are used: --help and completion do without.
if TYPE_CHECKING:
    from cloud_openapi.runtime import Functions, Settings
    from cloud_openapi.runtime.check import Finding
    from cloud_openapi.runtime.packing import Installer, Upload

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _variable(text: str) -> str:
    """Return the name of a variable. Raises BadParameter for anything else.

    The message leaves out what follows ``=``: it may be a secret.
    """
    if _VARIABLE.fullmatch(text):
        return text
    name, equals, _value = text.partition("=")
    if equals and _VARIABLE.fullmatch(name):
        raise click.BadParameter(f"give the name alone: --variable {name}")
    raise click.BadParameter("a name has letters, digits and _, and no digit at the beginning")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=complete_function)
@option("--all", "every", is_flag=True, help="Package every function of the folder.")
@option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    default="build",
    show_default=True,
    help="The folder to write to.",
)
@option("--zip", "zipped", is_flag=True, help="Write NAME.zip instead of a folder.")
@option(
    "--installer",
    type=Choice(["auto", "pip", "uv"]),
    default="auto",
    show_default=True,
    help="The program that installs Python packages. auto: uv where it is installed, else pip. uv "
    "asks the indexes that pip is set to.",
)
@option("--no-rc", "leave_rc", is_flag=True, help="Leave cloudbaserc.json as it is.")
@option(
    "--variable",
    "variables",
    type=_variable,
    multiple=True,
    metavar="NAME",
    help="A variable of the functions: cloudbaserc.json gets {{env.NAME}}, never its value. May be "
    "repeated; in the variable, separate names by spaces.",
)
@option(
    "--check",
    "trying",
    is_flag=True,
    help="Load each result as the platform does: with nothing but its own files, which are "
    "read-only.",
)
@option(
    "--data",
    type=json_value,
    metavar="JSON",
    help="With --check: also invoke each function with this event, against an emulator.",
)
@folder_option
def package(  # noqa: PLR0913 - an option each
    names: tuple[str, ...],
    every: bool,  # noqa: FBT001 - flags
    to: Path,
    zipped: bool,  # noqa: FBT001
    installer: "Installer",
    leave_rc: bool,  # noqa: FBT001
    variables: tuple[str, ...],
    trying: bool,  # noqa: FBT001
    data: Any,
    functions: Path,
) -> None:
    """Make what CloudBase takes of functions: a folder or a zip with all that they need.

    The platform installs what a package.json lists, but no Python packages. The copy of a Python
    function has those of requirements.txt for the function's runtime, and cloud_openapi if the
    function imports it. The same files give the same bytes. NAMEs are names or paths; without
    one, the function of the working directory is packaged.

    What the entries of cloudbaserc.json lack is added: runtime, handler, timeout, memorySize,
    variables and triggers. The commands that upload the functions are printed.
    """
    from cloud_openapi.runtime import Functions

    if names and every:
        raise click.UsageError("give NAMEs or --all, not both")
    if data is not None and not trying:
        raise click.UsageError("--data belongs to --check")
    found = Functions(functions, {})
    try:
        if every:
            refuse_none(found)
        chosen = (
            list(found) if every else [function_named(name, found) for name in names or (None,)]
        )
        settings = [found.settings_of(name) for name in dict.fromkeys(chosen)]
    finally:
        found.close()
    made, failures = _made(settings, to, zipped=zipped, installer=installer)
    for upload in made:
        _print(upload)
    if not leave_rc:
        _write_rc(made, variables)
    for upload in made:
        click.echo(_command(upload))
    if trying:
        failures += _tried(made, data)
    # Last, after what pip and uv print when they fail.
    for failure in failures:
        click.echo(f"cloud-openapi: {' '.join(failure.split())}", err=True)
    if failures:
        sys.exit(1)


def _made(
    settings: "Sequence[Settings]", to: Path, *, zipped: bool, installer: "Installer"
) -> "tuple[list[Upload], list[str]]":
    """Make the uploads; return them, and the error messages of the others."""
    from cloud_openapi.runtime.packing import uploads

    made, failures = [], []
    shown = progress("package", len(settings)) if len(settings) > 1 else nullcontext(_nothing)
    with uploads(to, zipped=zipped, installer=installer) as make, shown as advance:
        for each in settings:
            try:
                made.append(make(each))
            except (CloudOpenAPIError, OSError) as error:
                failures.append(str(error) if len(settings) == 1 else f"{each.name}: {error}")
            advance()
    return made, failures


def _nothing() -> None:
    """Show no progress of a single function."""


def _print(upload: "Upload") -> None:
    name = upload.settings.name
    size = f", {_size(upload.zipped)} zipped" if upload.zipped else ""
    click.echo(f"{name}: {upload.path}: {upload.files} files, {_size(upload.bytes)}{size}")
    for note in upload.notes:
        click.echo(f"{name}: {note}")


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{size / 1024:.1f} KB"


def _write_rc(made: "Sequence[Upload]", variables: Sequence[str]) -> None:
    from cloud_openapi.runtime import shown_path
    from cloud_openapi.runtime.packing import add_entry, rc_path

    for upload in made:
        edit = add_entry(upload.settings, rc_path(upload.settings.root), variables)
        where = shown_path(edit.path)
        if edit.added:
            click.echo(f"{where}: {upload.settings.name}: {', '.join(edit.added)} added")
        if edit.missing:
            click.echo(
                f"{where}: {upload.settings.name}: its entry is not in the list functions, and is "
                f"left as it is; it lacks {', '.join(edit.missing)}"
            )


def _command(upload: "Upload") -> str:
    """Return the line that says how a function is uploaded."""
    from cloud_openapi.runtime.packing import rc_path

    name, path = upload.settings.name, upload.path
    if upload.zipped:
        return f"Upload it: {path}, in the console of CloudBase or the developer tools"
    # The command reads the cloudbaserc.json of the working directory.
    project = rc_path(upload.settings.root).parent.resolve()
    if project == Path.cwd():
        return f"Upload it: tcb fn deploy {name} --dir {shlex.quote(str(path))}"
    place = os.path.relpath(path, project)
    folder = shlex.quote(os.path.relpath(project))
    return f"Upload it: cd {folder} && tcb fn deploy {name} --dir {shlex.quote(place)}"


def _tried(made: "Sequence[Upload]", data: Any) -> list[str]:
    """Run the results as the platform does; return the error messages."""
    from cloud_openapi.cli._local_emulator import serving
    from cloud_openapi.emulator import Emulator, listen
    from cloud_openapi.runtime import shown_path
    from cloud_openapi.runtime.packing import trial_of

    emulator = Emulator()
    emulator.lasting = False
    with (
        trial_of(made) as trial,
        serving(emulator, trial.functions, listen("127.0.0.1", 0), uploaded=True) as found,
    ):
        now = emulator.clock_of(emulator.first_appid).now()
        failures = []
        for upload in made:
            wrong = _wrong(upload.settings, found, data, now)
            if written := trial.written(upload.settings.name):
                wrong.append(f"it writes into its folder, which is read-only: {written[0]}")
            failures += [f"{upload.settings.name}: {each}" for each in wrong]
    # The temporary copies are gone.
    here = shown_path(made[0].settings.root) if made else ""
    return [each.replace(str(trial.functions), here) for each in failures]


def _wrong(settings: "Settings", functions: "Functions", data: Any, now: Any) -> list[str]:
    """Load an upload and invoke it; return what is wrong, and print the result otherwise."""
    from cloud_openapi.json_text import json_text
    from cloud_openapi.runtime import error_line, install_packages, is_web
    from cloud_openapi.runtime.packing import HERE, interpreter, python_of

    name = settings.name
    if is_web(settings):
        click.echo(f"{name}: not tried: web functions are not emulated")
        return []
    if settings.language == "node":
        install_packages(functions.settings_of(name))
    elif interpreter(version := python_of(settings)) is None:
        click.echo(f"{name}: tried with Python {HERE}: python{version} is not installed here")
    for each in functions.load(functions.settings_of(name)):
        return [_why(each)]
    if data is None:
        click.echo(f"{name}: it loads with nothing but its own files")
        return []
    outcome = functions.invoke(name, data, now)
    if outcome.status != 200:  # noqa: PLR2004
        return [outcome.reason or error_line(outcome.result)]
    click.echo(f"{name}: {json_text(outcome.result)}")
    return []


def _why(finding: "Finding") -> str:
    """Return why an upload does not load, and print the stack if a module of it raised an error."""
    text = finding.message.rstrip(":")
    if finding.code in ("unlisted-package", "not-installed"):
        return f"{text}: the result does not have it; list it where its packages are listed"
    if finding.details:
        click.echo(finding.details, err=True)
    return text
