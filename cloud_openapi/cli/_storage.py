"""The files of cloud storage of a running emulator, by the routes below /_emulator/storage."""

import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import quote

import click

from cloud_openapi.cli._control_client import ControlClient, take_url_last, url_option
from cloud_openapi.cli._options import STREAM, FileOrStream
from cloud_openapi.drafts import draft_of
from cloud_openapi.errors import CloudOpenAPIError, ConfigError

_FILE = {"path": str, "size": int, "modified": str}
_AT_A_TIME = 1000
_appid = click.option("--appid", help="The mini program.  [default: the first one]")


@click.group()
@url_option
@click.pass_context
def storage(context: click.Context, url: str) -> None:
    """List, read, write and remove the files of cloud storage of a running emulator.

    Its first files are those of the folder storage beside the functions.
    """
    context.obj = ControlClient(url)


@storage.command("list")
@click.argument("prefix", default="")
@_appid
@click.pass_obj
def list_(client: ControlClient, prefix: str, appid: str | None) -> None:
    """List the files whose paths begin with PREFIX: size in bytes, time, path."""
    for each in _listed(client, prefix, appid):
        click.echo(f"{each['size']:>12,}  {each['modified'][:19]}  {each['path']}")


@storage.command()
@click.argument("path")
@click.argument("target", required=False, type=FileOrStream())
@_appid
@click.pass_obj
def get(client: ControlClient, path: str, target: Path | None, appid: str | None) -> None:
    """Write the file PATH to TARGET, by default its name here; - is the output.

    A PATH that ends with a slash is a folder: all files below it are written below TARGET.
    """
    if not path.endswith("/"):
        _read(client, path, target or Path(PurePosixPath(path).name), appid)
        return
    folder = target or Path(PurePosixPath(path).name)
    found = list(_listed(client, path, appid))
    if not found:
        raise CloudOpenAPIError(f"There is no file below {path} here.")
    for each in found:
        place = _below(folder, each["path"].removeprefix(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        _read(client, each["path"], place, appid)
        click.echo(place)


@storage.command()
@click.argument("file", type=FileOrStream())
@click.argument("path", default="")
@_appid
@click.pass_obj
def put(client: ControlClient, file: Path, path: str, appid: str | None) -> None:
    """Write FILE to the PATH in cloud storage, by default its name; - is the input.

    A PATH that ends with a slash is a folder. If FILE is a folder, all files below it are written.
    """
    if file is STREAM:
        if not path or path.endswith("/"):
            raise click.UsageError("Give the path of the file.")
        _write(client, path, sys.stdin.buffer, appid)
        return
    given = [(file, file.name)]
    if file.is_dir():
        names = sorted(each for each in file.rglob("*") if each.is_file())
        given = [(each, each.relative_to(file).as_posix()) for each in names]
        path = path.rstrip("/") + "/" if path else ""
    for each, name in given:
        target = f"{path}{name}" if not path or path.endswith("/") else path
        try:
            with each.open("rb") as content:
                _write(client, target, content, appid)
        except OSError as error:
            raise ConfigError(f"{each}: {error.strerror}.") from error


@storage.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@_appid
@click.pass_obj
def remove(client: ControlClient, paths: tuple[str, ...], appid: str | None) -> None:
    """Remove the files PATH."""
    for path in paths:
        client.send("DELETE", _route(path), appid=appid)


@storage.command()
@_appid
@click.pass_obj
def reset(client: ControlClient, appid: str | None) -> None:
    """Go back to the files that cloud storage began with."""
    client.send("POST", "storage/reset", appid=appid)


def _listed(client: ControlClient, prefix: str, appid: str | None) -> Iterator[Any]:
    after = ""
    while True:
        given = {"prefix": prefix, "after": after, "limit": _AT_A_TIME, "appid": appid}
        files = client.read("storage", {"files": list}, **given)["files"]
        for each in files:
            yield client.check(each, _FILE, "storage")
        if len(files) < _AT_A_TIME:
            return
        after = files[-1]["path"]


def _read(client: ControlClient, path: str, target: Path, appid: str | None) -> None:
    if target is STREAM:
        client.read_file(_route(path), sys.stdout.buffer, appid=appid)
        return
    try:
        # A failure must not cost the former content.
        with draft_of(target) as draft, draft.open("wb") as file:
            client.read_file(_route(path), file, appid=appid)
    except OSError as error:
        raise ConfigError(f"{target}: {error.strerror}.") from error


def _write(client: ControlClient, path: str, content: IO[bytes], appid: str | None) -> None:
    stored = client.write_file(_route(path), content, appid=appid)
    client.check(stored, {"path": str, "fileID": str}, "storage")
    click.echo(stored["fileID"])


def _below(folder: Path, name: str) -> Path:
    """Return a file's place below a folder. Raises CloudOpenAPIError for a name that leaves it."""
    place = folder / name
    # A path of cloud storage may have backslashes and colons, which mean folders on Windows.
    if not place.resolve().is_relative_to(folder.resolve()):
        raise CloudOpenAPIError(f"{name} would be written outside of {folder}.")
    return place


def _route(path: str) -> str:
    # Two slashes in a row would be another route.
    if path.startswith("/"):
        raise CloudOpenAPIError(f"{path}: a path of cloud storage does not begin with a slash")
    # A client of HTTP would leave such a segment out.
    if not {".", ".."}.isdisjoint(path.split("/")):
        raise CloudOpenAPIError(f"{path}: a path of cloud storage has no segment . or ..")
    return f"storage/files/{quote(path)}"


take_url_last(storage)
