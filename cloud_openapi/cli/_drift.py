import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cloud_openapi.catalogue import Catalogue

from cloud_openapi.cli._emulator_options import moment
from cloud_openapi.cli._options import option
from cloud_openapi.cli._verify import could_not_run, write
from cloud_openapi.periods import BEIJING


def _propose(newest: Path, output: Path | None, catalogue: "Catalogue", now: datetime) -> int:
    from cloud_openapi.contract import changes_since, not_proposed, proposals, write_proposals

    found = proposals([newest], catalogue)
    write_proposals(found, output, click.echo)
    left = not_proposed(changes_since([newest], catalogue, now))
    for text in left:
        click.echo(f"Not proposed: {text}.", err=True)
    if not (found or left):
        click.echo("Nothing to propose: the catalogue accepts all of it.", err=True)
    return 1 if found or left else 0


@click.command()
@click.argument("former", type=click.Path(path_type=Path), metavar="A")
@click.argument("latter", type=click.Path(path_type=Path), metavar="[B]", required=False)
@option(
    "--propose", is_flag=True, help="Write catalogue entries that accept the newest recordings."
)
@option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file; with --propose, to this folder.",
)
@option("--now", type=moment, metavar="TIME", help="The time from which ages are counted.")
def drift(
    former: Path,
    latter: Path | None,
    propose: bool,  # noqa: FBT001 - a flag
    output: Path | None,
    now: datetime | None,
) -> None:
    """List what changed from recordings A to B, or from the catalogue to A.

    Exit code 0: no change, 1: changes, 2: an error.
    """
    from cloud_openapi.catalogue import default_catalogue
    from cloud_openapi.contract import (
        Observed,
        changes_between,
        changes_since,
        describe_changes,
    )

    catalogue = default_catalogue()
    now = now or datetime.now(BEIJING)
    with could_not_run():
        if propose:
            sys.exit(_propose(latter or former, output, catalogue, now))
        sets = Observed.of_each([former] if latter is None else [former, latter], catalogue)
        if latter is None:
            changes = changes_since([former], catalogue, now)
        else:
            changes = changes_between(sets[0], sets[1], catalogue)
        write(describe_changes(changes, sets, now), output)
    sys.exit(1 if changes else 0)
