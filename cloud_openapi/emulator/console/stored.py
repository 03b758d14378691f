"""A request of the journal to the database or to cloud storage: its parts, and their pages."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flask import url_for

from cloud_openapi.emulator.cloudbase.storage_mount import path_of_files
from cloud_openapi.emulator.console.forms import json_of, pretty
from cloud_openapi.emulator.console.programs import own_appid
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.emulator.storage.names import path_of

if TYPE_CHECKING:
    from cloud_openapi.emulator.database.database import Database

_DATABASE, _STORAGE = "database.", "storage."
# The journal writes the collection or the path first.
_FIRST: Final = re.compile(
    rb'\{"(?:collectionName|path|file_list|fileid_list)": ?'
    rb'(?:\[(?:\{"(?:fileid|src_path)": ?)?)?("(?:[^"\\]|\\.)*")'
)
_IDS: Final = ("_id", "insertedIds", "upsert_id", "upserted_id")
_DOCUMENTS: Final = ("list", "doc", "document")
_MOST_LINKS: Final = 5


class Link(NamedTuple):
    """A page of the console about a part: its kind, its name and its address."""

    kind: str
    name: str
    href: str


class StoredForm(NamedTuple):
    """A request to the database or to cloud storage; the texts are empty if they are not kept."""

    is_database: bool
    request: str
    answer: str
    links: list[Link]


def title_of(entry: Entry) -> str:
    """Return the name of a request: an API, an action of the gateway, or a method and a path."""
    return f"{entry.method} {entry.path}" if entry.name == entry.path else entry.name


def subject_of(entry: Entry) -> str:
    """Return the collection or the first file that an action is about, empty if unknown."""
    found = _FIRST.match(entry.body) if _is_action(entry) else None
    try:
        subject = json.loads(found[1]) if found else ""
    except ValueError:
        return ""
    return path_of(subject) or subject if entry.check.startswith(_STORAGE) else subject


def stored_form(tools: Tools, entry: Entry, secrets: Iterable[bytes]) -> StoredForm | None:
    """Return the parts of a request, None for any other request."""
    program = tools.emulator.programs.get(entry.appid or "")
    if program is None:
        return None
    own = own_appid(tools, program)
    if not _is_action(entry):
        prefix = f"{path_of_files(program)}/"
        if entry.via != "https" or not entry.path.startswith(prefix):
            return None
        paths = [entry.path.removeprefix(prefix)]
        return StoredForm(
            is_database=False, request="", answer="", links=_files(program, paths, own)
        )
    answer = entry.shown_answer(secrets) if entry.answer else b""
    is_database = entry.check.startswith(_DATABASE)
    if is_database:
        links = list(_collection(program.database, subject_of(entry), entry, own))
    else:
        links = _files(program, _paths(entry), own)
    return StoredForm(is_database, _text(entry.body), _text(answer), links)


def _is_action(entry: Entry) -> bool:
    return (
        entry.via == "gateway" and not entry.apis and entry.check.startswith((_DATABASE, _STORAGE))
    )


def _text(body: bytes) -> str:
    value = json_of(body)
    return body.decode("utf-8", "replace") if value is None else pretty(value[0])


def _object(body: bytes) -> dict[str, Any]:
    value = json_of(body)
    return value[0] if value and isinstance(value[0], dict) else {}


def _collection(database: "Database", name: str, entry: Entry, own: str | None) -> Iterator[Link]:
    """Yield the page of a collection and those of the documents that are still there."""
    from cloud_openapi.wire.extended_json import Decoder, write  # noqa: PLC0415

    if name not in database.names():
        return
    yield Link(t("Collection", "集合"), name, url_for("collection", name=name, appid=own))
    seen = set()
    for given in islice(_ids(_object(entry.body), _object(entry.answer)), _MOST_LINKS):
        identity = Decoder().read(json.dumps(given))
        text = write(identity)
        if text not in seen and database.count(name, {"_id": identity}):
            href = url_for("document", name=name, id=text, appid=own)
            yield Link(t("Document", "文档"), text, href)
        seen.add(text)


def _ids(request: dict[str, Any], answer: dict[str, Any]) -> Iterator[Any]:
    """Yield each ``_id`` that a request or its answer has, as JSON."""
    query = request.get("query")
    documents = [each for name in _DOCUMENTS for each in _listed(answer.get(name))]
    for found in (query, request, answer, *documents):
        if isinstance(found, dict):
            values = [each for name in _IDS for each in _listed(found.get(name))]
            yield from (each for each in values if not _has_operators(each))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _has_operators(value: Any) -> bool:
    """Return whether a condition is more than one value of ``_id``."""
    kinds = ("$oid", "$numberInt", "$numberLong", "$numberDouble", "$date")
    return isinstance(value, dict) and any(
        name.startswith("$") and name not in kinds for name in value
    )


def _paths(entry: Entry) -> Iterator[str]:
    given = _object(entry.body)
    items = [
        given.get("path"),
        *_listed(given.get("file_list")),
        *_listed(given.get("fileid_list")),
    ]
    for item in items:
        found = item if isinstance(item, dict) else {"path": item}
        for name in ("path", "fileid", "dst_path"):
            value = found.get(name)
            if isinstance(value, str):
                yield path_of(value) or value


def _files(program: MiniProgram, paths: Iterable[str], own: str | None) -> list[Link]:
    """Return the pages of the files that are still there."""
    files = program.storage.files
    there = (path for path in dict.fromkeys(paths) if files.get(path) is not None)
    return [
        Link(t("File", "文件"), path, url_for("file", path=path, appid=own))
        for path in islice(there, _MOST_LINKS)
    ]
