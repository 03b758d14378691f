"""The cloud database of a running emulator, by the routes below /_emulator/database."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from cloud_openapi.cli._control_client import ControlClient, take_url_last, url_option
from cloud_openapi.cli._options import STREAM, Choice, FileOrStream, echo_json
from cloud_openapi.drafts import write_whole
from cloud_openapi.errors import ConfigError
from cloud_openapi.json_text import json_text, reading_mistake

_FORMATS = ("json", "csv")
_LARGEST_FILE = 64 * 1024 * 1024
_STATE = {"collections": list, "snapshots": list}
_appid = click.option("--appid", help="The mini program.  [default: the first one]")


@click.group()
@url_option
@click.pass_context
def database(context: click.Context, url: str) -> None:
    """Look at the cloud database of a running emulator, change it, reset it.

    Its first documents are those of database/COLLECTION.json, .jsonl or .csv beside the functions.
    """
    context.obj = ControlClient(url)


@database.command("list")
@_appid
@click.pass_obj
def list_(client: ControlClient, appid: str | None) -> None:
    """List the collections, with their numbers of documents, and the snapshots."""
    _echo_state(client, client.send("GET", "database", appid=appid))


@database.command()
@click.argument("collection")
@_appid
@click.pass_obj
def create(client: ControlClient, collection: str, appid: str | None) -> None:
    """Create an empty collection."""
    answer = client.send("POST", "database/collections", {"name": collection}, appid=appid)
    _echo_state(client, answer)


@database.command()
@click.argument("collection")
@click.argument("query", default="{}")
@click.option("--order", metavar="JSON", help='The fields to sort by, such as {"at": -1}.')
@click.option("--skip", type=click.IntRange(0), help="Leave out so many documents.")
@click.option("--limit", type=click.IntRange(1, 1000), help="At most so many.  [default: 20]")
@_appid
@click.pass_obj
def find(client: ControlClient, /, collection: str, **given: Any) -> None:
    """Print the documents that match QUERY, such as {"done": false}, a line each."""
    page = client.read(f"{_path(collection)}/documents", {"documents": list, "total": int}, **given)
    for each in page["documents"]:
        click.echo(json_text(each))
    if page["total"] > len(page["documents"]):
        click.echo(f"{len(page['documents'])} of {page['total']}", err=True)


@database.command("import")
@click.argument("file", type=FileOrStream(dir_okay=False))
@click.option("--collection", help="The collection.  [default: the name of the file]")
@click.option("--format", "form", type=Choice(_FORMATS), help="[default: by the name of the file]")
@click.option(
    "--mode",
    type=Choice(("insert", "upsert")),
    default="insert",
    show_default=True,
    help="Refuse ids that exist, or replace their documents.",
)
@_appid
@click.pass_obj
def import_(  # noqa: PLR0913 - an option each
    client: ControlClient,
    file: Path,
    collection: str | None,
    form: str | None,
    mode: str,
    appid: str | None,
) -> None:
    """Add the documents of FILE, JSON or CSV as CloudBase's console exports them: all or none.

    JSON has one record after another, or a list of records. The collection is created if it is
    missing. FILE may be - for the input.
    """
    if collection is None:
        if file is STREAM:
            raise click.UsageError("Give the collection: --collection NAME.")
        collection = file.stem
    form = form or ("csv" if file.suffix.lower() == ".csv" else "json")
    answer = client.upload(
        f"{_path(collection)}/documents", _content(file), format=form, mode=mode, appid=appid
    )
    echo_json(client.check(answer, {"inserted": int, "replaced": int}, "database"))


@database.command()
@click.argument("collection")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.option("--format", "form", type=Choice(_FORMATS), help="[default: by the name, else json]")
@_appid
@click.pass_obj
def export(
    client: ControlClient, collection: str, to: Path | None, form: str | None, appid: str | None
) -> None:
    """Write the documents of a collection to the output, or to the file --to."""
    form = form or ("csv" if to is not None and to.suffix.lower() == ".csv" else "json")
    content = client.download(f"{_path(collection)}/export", format=form, appid=appid)
    if to is None:
        sys.stdout.buffer.write(content)
        return
    try:
        write_whole(to, content)
    except OSError as error:
        raise ConfigError(f"{to}: {error.strerror}.") from error


@database.command()
@_appid
@click.pass_obj
def reset(client: ControlClient, appid: str | None) -> None:
    """Go back to the documents that the database began with."""
    _echo_state(client, client.send("POST", "database/reset", appid=appid))


@database.command()
@click.argument("name")
@click.option("--remove", is_flag=True, help="Remove the snapshot instead.")
@_appid
@click.pass_obj
def snapshot(client: ControlClient, name: str, appid: str | None, *, remove: bool) -> None:
    """Keep all documents as they are now under NAME, until the emulator ends."""
    if remove:
        answer = client.send("DELETE", f"database/snapshots/{quote(name, safe='')}", appid=appid)
    else:
        answer = client.send("POST", "database/snapshots", {"name": name}, appid=appid)
    _echo_state(client, answer)


@database.command()
@click.argument("name")
@_appid
@click.pass_obj
def restore(client: ControlClient, name: str, appid: str | None) -> None:
    """Go back to the snapshot NAME."""
    path = f"database/snapshots/{quote(name, safe='')}/restore"
    _echo_state(client, client.send("POST", path, appid=appid))


def _path(collection: str) -> str:
    return f"database/collections/{quote(collection, safe='')}"


def _content(file: Path) -> bytes:
    try:
        content = sys.stdin.buffer.read() if file is STREAM else file.read_bytes()
        content.decode()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: {reading_mistake(error)}.") from None
    if len(content) > _LARGEST_FILE:
        # The server would refuse it before the application, in other words.
        raise ConfigError(
            f"{file}: larger than 64 MB, the limit of an import; a file of database/ beside the "
            "functions may have 256 MB."
        )
    return content


def _echo_state(client: ControlClient, answer: Any) -> None:
    client.check(answer, _STATE, "database")
    for line in _lines(answer):
        click.echo(line)
    for reason in answer.get("unread", {}).values():
        click.echo(f"Warning: {reason}", err=True)


def _lines(state: Any) -> Iterator[str]:
    width = max((len(each["name"]) for each in state["collections"]), default=0)
    for each in state["collections"]:
        unique = [", ".join(one["fields"]) for one in each["indexes"] if one["unique"]]
        more = f"  unique: {'; '.join(unique)}" if unique else ""
        yield f"{each['name']:{width}}  {each['documents']:>7,}{more}"
    if not state["collections"]:
        yield "no collections"
    if state["snapshots"]:
        yield f"snapshots: {', '.join(state['snapshots'])}"


take_url_last(database)
