"""The data that a database begins with, and goes back to: files beside the functions, or a mapping.

``database/<collection>.json``, ``.jsonl`` and ``.csv`` have documents; the endings may be in
upper case. ``database/collections.json`` declares collections without documents, and indexes::

    {"todos": {}, "users": {"unique": ["phone", ["city", "name"]], "indexes": ["age"]}}

If it has records with an ``_id`` instead, as an export has, they are a collection ``collections``.
Hidden files, and links to files that are missing, are left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

from cloud_openapi.emulator.database.content import Collection, Content, Document, Index
from cloud_openapi.emulator.database.files import ENDINGS, Format, decode_record, read_records
from cloud_openapi.emulator.database.names import wrong_name
from cloud_openapi.json_text import read_json, reading_mistake

DECLARED: Final = "collections"
"""The name of the file of declarations before its ending.

It is the key of `Seed.unread` for declarations, and for a folder that cannot be read.
"""

LARGEST_FILE: Final = 256 * 1024 * 1024
_KEYS: Final = ("unique", "indexes")
_RECORD: Final = re.compile(r'"_id"\s*:')
_FORM: Final = (
    'a list of names, or an object such as {"users": {"unique": ["phone"], "indexes": ["age"]}}'
)


class Seed(NamedTuple):
    """Collections, and why files could not be read, by their collections."""

    content: Content
    unread: dict[str, str]


def read_folder(folder: Path) -> Seed:
    """Return the data in a folder, which may be missing."""
    seed = Seed({}, {})
    try:
        paths = sorted(_files(folder), key=_is_document_file)
    except FileNotFoundError:
        return seed
    except OSError as error:
        return Seed({}, {DECLARED: f"{folder} cannot be read: {error.strerror}"})
    for path in paths:
        _read(seed, path)
    return merged(Seed({}, {}), seed)


def read_mapping(given: Mapping[str, Sequence[Any]]) -> Seed:
    """Return the data of a mapping of collections to their documents. Raises ValueError."""
    seed = Seed({}, {})
    for name, documents in given.items():
        if wrong := wrong_name(name):
            raise ValueError(wrong)
        if isinstance(documents, str | Mapping) or not isinstance(documents, Sequence):
            raise ValueError(f"{name}: a collection is a list of documents")  # noqa: TRY004
        records = [decode_record(each, f"{name}[{n}]") for n, each in enumerate(documents)]
        seed.content[name] = Collection(_with_ids(name, records))
    return seed


def merged(first: Seed, second: Seed) -> Seed:
    """Return both seeds; a collection of the second one replaces that of the first one.

    A collection with a file that could not be read is left out.
    """
    content = {**first.content, **second.content}
    earlier = {name: why for name, why in first.unread.items() if name not in second.content}
    unread = {**earlier, **second.unread}
    return Seed({name: each for name, each in content.items() if name not in unread}, unread)


def read_file(path: Path, form: Format) -> list[Document]:
    """Return the records of a file. Raises OSError, and ValueError with the place of a mistake."""
    return read_records(_text(path), form)


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"it is larger than {LARGEST_FILE // 1024 // 1024} MB")
    return path.read_text("utf-8").removeprefix("\ufeff")


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        named = path.suffix.lower() in ENDINGS and not path.name.startswith(".")
        if named and path.is_file():
            yield path


def _is_document_file(path: Path) -> bool:
    return (path.stem, path.suffix.lower()) != (DECLARED, ".json")


def _read(seed: Seed, path: Path) -> None:
    """Add the content of a file, or why it could not be read."""
    try:
        (_add if _is_document_file(path) else _declare)(seed, path)
    except (OSError, ValueError) as error:
        # A collection may have two files.
        earlier = seed.unread.get(path.stem)
        reason = f"{path}: {reading_mistake(error)}"
        seed.unread[path.stem] = f"{earlier}; {reason}" if earlier else reason


def _add(seed: Seed, path: Path) -> None:
    if wrong := wrong_name(path.stem):
        raise ValueError(wrong)
    declared = seed.content.get(path.stem, Collection([]))
    if declared.documents:
        raise ValueError(f"{path.stem} has another file, and a collection is one file")
    records = read_file(path, ENDINGS[path.suffix.lower()])
    documents = _with_ids(path.stem, records)
    seed.content[path.stem] = declared._replace(documents=documents)


def _with_ids(name: str, records: list[Document]) -> list[Document]:
    """Return records with an id each, which depends only on the collection and the position."""
    return [
        record if "_id" in record else {"_id": _made_id(name, number), **record}
        for number, record in enumerate(records)
    ]


def _made_id(name: str, number: int) -> str:
    return blake2b(f"{name}/{number}".encode(), digest_size=16).hexdigest()


def _declare(seed: Seed, path: Path) -> None:
    """Add the collections and indexes of a file. Raises ValueError."""
    text = _text(path)
    if _RECORD.search(text):
        _add(seed, path)
        return
    # Declarations are read before documents, but for those of a collection with this name.
    if seed.content.keys() - {path.stem}:
        raise ValueError("another file declares collections: write all into one collections.json")
    content = read_json(text)
    declared = {name: {} for name in content} if _is_names(content) else content
    if not isinstance(declared, dict):
        raise ValueError(f"it is {_FORM}")  # noqa: TRY004
    for name, settings in declared.items():
        if wrong := wrong_name(name):
            raise ValueError(wrong)
        if not isinstance(settings, dict) or settings.keys() - set(_KEYS):
            raise ValueError(f"{name}: an object of {' and '.join(_KEYS)}; the file is {_FORM}")
        seed.content[name] = Collection([], tuple(_indexes(name, settings)))


def _is_names(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(each, str) for each in content)


def _indexes(name: str, settings: Mapping[str, Any]) -> Iterator[Index]:
    for key, given in settings.items():
        for each in given if isinstance(given, list) else [None]:
            fields = [each] if isinstance(each, str) else each
            if not fields or not _is_names(fields):
                raise ValueError(f"{name}: an index is the name of a field, or a list of names")
            yield Index(tuple(fields), key == "unique")
