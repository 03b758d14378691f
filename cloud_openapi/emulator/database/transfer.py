"""Documents in and out of a database in the formats of CloudBase's console."""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, get_args

from cloud_openapi.emulator.database.database import Database
from cloud_openapi.emulator.database.failures import DatabaseError, invalid, shown
from cloud_openapi.emulator.database.files import Document, Format, read_records, write_records
from cloud_openapi.emulator.database.request import checked
from cloud_openapi.wire.extended_json import Decoder, encode

Mode = Literal["insert", "upsert"]
_decoder: Final = Decoder()
MODES: Final[tuple[Mode, ...]] = get_args(Mode)


class Imported(NamedTuple):
    """Numbers of new documents and of replaced ones."""

    inserted: int
    replaced: int


def import_text(
    database: Database, collection: str, text: str, form: Format, mode: Mode
) -> Imported:
    """Add the records of a file to a collection, which is created: all of them or none.

    ``insert`` refuses ids that exist, ``upsert`` replaces their documents. Raises DatabaseError.
    """
    try:
        records = read_records(text, form)
    except ValueError as error:
        raise invalid(str(error)) from None
    return import_records(database, collection, records, mode)


def import_records(
    database: Database, collection: str, records: Sequence[Document], mode: Mode
) -> Imported:
    """Do what `import_text` does, with records that were read."""
    is_new = collection not in database.names()
    if is_new:
        database.create_collection(collection)
    try:
        return _write_all(database, collection, records, mode)
    except DatabaseError:
        if is_new:
            database.drop_collection(collection)
        raise


def find_page(  # noqa: PLR0913 - each is a part of the query
    database: Database, collection: str, query: str, order: str, *, skip: int, limit: int
) -> dict[str, Any]:
    """Return documents as Extended JSON, and the number of all that match. Raises DatabaseError."""
    conditions = read_object("query", query)
    pairs = list(read_object("order", order).items())
    found = database.find(collection, conditions, order=pairs, skip=skip, limit=limit)
    return {"documents": encode(found), "total": database.count(collection, conditions)}


def read_object(name: str, text: str) -> Document:
    """Return an object of Extended JSON. Raises DatabaseError."""
    try:
        value = _decoder.read(text)
    except ValueError as error:
        raise invalid(f"{name} is not Extended JSON: {error}") from None
    if not isinstance(value, dict):
        raise invalid(f"{name} is an object such as {{}}, not {shown(value)}")
    return checked(value)


def export_text(database: Database, collection: str, form: Format) -> str:
    """Return the documents of a collection as the text of a file. Raises DatabaseError."""
    return write_records(database.find(collection, {}), form)


def _write_all(
    database: Database, collection: str, records: Sequence[Document], mode: Mode
) -> Imported:
    """Write all records or none; a server without transactions keeps those before a failure."""
    transaction = database.start_atomic()
    if transaction is None:
        return _write(database, collection, records, mode, None)
    try:
        imported = _write(database, collection, records, mode, transaction)
    except DatabaseError:
        database.transactions.abort(transaction)
        raise
    database.commit(transaction)
    return imported


def _write(
    database: Database,
    collection: str,
    records: Sequence[Document],
    mode: Mode,
    transaction: str | None,
) -> Imported:
    if mode == "insert":
        _insert(database, collection, records, transaction)
        return Imported(len(records), 0)
    replaced: list[bool] = []
    try:
        replaced.extend(_replaces(database, collection, each, transaction) for each in records)
    except DatabaseError as error:
        raise error.of_record(len(replaced)) from None
    return Imported(replaced.count(False), replaced.count(True))


def _insert(
    database: Database, collection: str, records: Sequence[Document], transaction: str | None
) -> None:
    if not records:
        return
    try:
        database.insert(collection, records, transaction)
    except DatabaseError as error:
        raise error if error.index is None else error.of_record(error.index) from None


def _replaces(
    database: Database, collection: str, record: Document, transaction: str | None
) -> bool:
    """Write a record, and return whether it has replaced a document."""
    if "_id" not in record:
        database.insert(collection, [record], transaction)
        return False
    query = {"_id": record["_id"]}
    changed = database.update(
        collection, query, record, replace=True, upsert=True, transaction=transaction
    )
    return changed.created is None
