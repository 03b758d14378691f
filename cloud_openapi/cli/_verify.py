import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud_openapi.cli._options import Choice, option
from cloud_openapi.cli._terminal import progress
from cloud_openapi.drafts import write_whole
from cloud_openapi.errors import CloudOpenAPIError, RecordingError, message_of

# Imported where they are used: --help and completion do without.
if TYPE_CHECKING:
    from cloud_openapi.contract import Report, Verification

_COULD_NOT_RUN = 2


@click.command("verify")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@option(
    "--functions",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Check the functions of this folder too.",
)
@option("--against", metavar="REV|FOLDER", help="Compare the catalogue with an earlier one.")
@option("--report", type=Choice(["text", "json", "junit"]), default="text", show_default=True)
@option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def verify_(
    paths: tuple[Path, ...],
    functions: Path | None,
    against: str | None,
    report: "Report",
    output: Path | None,
) -> None:
    """Check recordings (files, folders) against the schemas, and the emulator against them.

    Exit code 0: no difference, 1: differences, 2: an error.
    """
    from cloud_openapi.catalogue import FOLDER, entries
    from cloud_openapi.contract import (
        Verification,
        add_comparison,
        compare,
        earlier_catalogue,
        render,
    )

    if not paths and against is None:
        raise click.UsageError("give recordings, or --against an earlier catalogue")
    with could_not_run():
        outcome = _of_recordings(paths, functions) if paths else Verification()
        if against is not None:
            add_comparison(outcome, compare(earlier_catalogue(against, FOLDER), entries()))
        write(render(outcome, report), output)
    sys.exit(1 if outcome.failed else 0)


def _of_recordings(paths: tuple[Path, ...], folder: Path | None) -> "Verification":
    from cloud_openapi.catalogue import default_catalogue
    from cloud_openapi.cli._local_emulator import serving
    from cloud_openapi.contract import FunctionCheck, verify
    from cloud_openapi.emulator import Emulator, listen

    catalogue = default_catalogue()
    with progress("verify", sum(map(_count, paths))) as advance:
        if folder is None:
            return verify(paths, catalogue, after_file=advance)
        emulator = Emulator()
        with serving(emulator, folder, listen("127.0.0.1", 0)) as functions:
            check = FunctionCheck(catalogue, functions, emulator)
            return verify(paths, catalogue, check, after_file=advance)


def _count(path: Path) -> int:
    """Return the number of files at a path; 0 for a wrong path, which `verify` will name."""
    from cloud_openapi.recordings import files_of

    try:
        return len(files_of(path))
    except RecordingError:
        return 0


@contextmanager
def could_not_run() -> Iterator[None]:
    """Exit with 2 and one line on stderr on an error."""
    try:
        yield
    except (CloudOpenAPIError, OSError) as error:
        # One for each file that cannot be used.
        reasons = (" ".join(line.split()) for line in message_of(error).splitlines())
        click.echo("cloud-openapi: " + "; ".join(reasons), err=True)
        sys.exit(_COULD_NOT_RUN)


def write(text: str, output: Path | None) -> None:
    """Write a text to a file, or to stdout. Raises OSError."""
    # A recording may hold a lone surrogate, which cannot be encoded as UTF-8.
    text = text.encode("utf-8", "backslashreplace").decode()
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text.encode())
