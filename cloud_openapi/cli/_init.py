import os
import shutil
from pathlib import Path

import click

from cloud_openapi.errors import ConfigError

_SAMPLE = Path(__file__).with_name("sample")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
def init(folder: Path) -> None:
    """Write a sample project: two functions, their config.json, a test, a README.

    The folder is the working directory by default. A file that is there is never overwritten.
    """
    files = [path.relative_to(_SAMPLE) for path in sorted(_SAMPLE.rglob("*")) if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]
    # Of a new folder's "..", only the real path shows what is there already.
    root = Path(os.path.realpath(folder))
    # A file may also have the place of a folder, such as tests.
    places = dict.fromkeys(each for path in files for each in (path, *path.parents))
    there = [
        str(folder / each) for each in places if _is_taken(folder / each) or _is_taken(root / each)
    ]
    if there:
        raise ConfigError(f"Nothing is written, for these are there: {', '.join(there)}.")
    for path in files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_SAMPLE / path, root / path)
        click.echo(f"wrote {folder / path}")
    click.echo(f"The next steps are in {folder / 'README.md'} ({folder / 'README.zh-CN.md'}).")


def _is_taken(path: Path) -> bool:
    """Return whether there is a file, or a link that leads to nothing: writing would follow it."""
    return path.is_file() or (path.is_symlink() and not path.exists())
