"""The gateway's actions ``database.…`` of both generations of SDKs.

Each action reads its fields, makes one operation of the engine and writes the answer in the form
that its SDKs read. Sources: requests of wx-server-sdk 0.4.3 to 4.0.2, tcb-admin-node and
@cloudbase/node-sdk.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from cloud_openapi.emulator.database.database import Database
from cloud_openapi.emulator.database.failures import DatabaseError, invalid
from cloud_openapi.emulator.database.request import Document, Fields
from cloud_openapi.wire.extended_json import encode, write

LARGEST_ANSWER: Final = 50 * 1024 * 1024
_USUAL_RESULTS, MOST_RESULTS = 20, 10_000


class Answer(NamedTuple):
    """The answer of an action: ``data``, what stands beside it, and the number of documents."""

    documents: int
    data: Any = None
    beside: Mapping[str, Any] = {}
    warning: str = ""


class _Generation(NamedTuple):
    """What differs between the answers for old and new SDKs."""

    document: Callable[[Document], Any]
    upserted: str


_OLD: Final = _Generation(partial(encode, form="plain"), "upserted_id")
_NEW: Final = _Generation(write, "upsert_id")


def answer(database: Database, action: str, fields: Fields) -> Answer:
    """Answer an action. Raises DatabaseError, and KeyError for an unknown action."""
    fields.check_database()
    return ACTIONS[action](database, fields)


def _add(database: Database, fields: Fields, *, old: bool = False) -> Answer:
    ids = database.insert(fields.collection, fields.documents, fields.transaction)
    return Answer(len(ids), {"_id": ids[0]} if old else {"insertedIds": ids})


def _get(database: Database, fields: Fields, generation: _Generation) -> Answer:
    if not fields.of_document and fields.transaction:
        raise _no_where()
    found = database.find(
        fields.collection,
        fields.query,
        projection=fields.projection,
        order=fields.order,
        skip=fields.offset,
        limit=1 if fields.of_document else fields.limit,
        transaction=fields.transaction,
    )
    documents = _limited(generation.document(each) for each in found)
    return Answer(len(documents), {"list": documents})


def _count(database: Database, fields: Fields) -> Answer:
    total = database.count(fields.collection, fields.query)
    return Answer(total, {"total": total})


def _modify(database: Database, fields: Fields, generation: _Generation) -> Answer:
    if not fields.of_document and fields.transaction:
        raise _no_where()
    changed = database.update(
        fields.collection,
        fields.query,
        fields.update,
        many=fields.flag("multi", default=False),
        replace=not fields.flag("merge", default=True),
        upsert=fields.flag("upsert", default=False),
        transaction=fields.transaction,
    )
    created = {} if changed.created is None else {generation.upserted: changed.created}
    return Answer(changed.documents, {"updated": changed.updated, **created})


def _modify_and_return(database: Database, fields: Fields) -> Answer:
    found = database.update_and_return(
        fields.collection, fields.query, fields.update, fields.transaction
    )
    count = int(found is not None)
    return Answer(count, {"updated": count, "doc": None if found is None else write(found)})


def _remove(database: Database, fields: Fields) -> Answer:
    if not fields.of_document and fields.transaction:
        raise _no_where()
    many = fields.flag("multi", default=not fields.of_document)
    deleted = database.delete(fields.collection, fields.query, fields.transaction, many=many)
    return Answer(deleted, {"deleted": deleted})


def _aggregate(database: Database, fields: Fields, *, old: bool = False) -> Answer:
    pipeline = fields.pipeline
    usual = all("$limit" not in stage for stage in pipeline)
    most = _USUAL_RESULTS if usual else MOST_RESULTS
    found = database.aggregate(fields.collection, [*pipeline, {"$limit": most + 1}])
    documents = _limited(map(write, found[:most]))
    warning = ""
    if len(found) > most and fields.collection not in database.cut:
        database.cut.add(fields.collection)
        warning = (
            f"the aggregation of {fields.collection} has more than {most} results, and the others "
            "are left out, as on the platform"
        ) + (": add .limit(n), or count or page them" if usual else "")
    shown = json.dumps(documents, ensure_ascii=False) if old else documents
    return Answer(len(documents), {"list": shown}, warning=warning)


def _add_collection(database: Database, fields: Fields) -> Answer:
    database.create_collection(fields.collection)
    return Answer(0, {})


def _start(database: Database, _fields: Fields) -> Answer:
    return Answer(0, beside={"transactionId": database.transactions.start()})


def _commit(database: Database, fields: Fields) -> Answer:
    database.commit(_given_transaction(fields))
    return Answer(0, {})


def _abort(database: Database, fields: Fields) -> Answer:
    database.transactions.abort(_given_transaction(fields))
    return Answer(0, {})


# ---- transactions of old SDKs: the answers are texts beside the request id ------------------


def _get_in_transaction(database: Database, fields: Fields) -> Answer:
    found = database.find(
        fields.collection, _by_id(fields), limit=1, transaction=_given_transaction(fields)
    )
    return Answer(len(found), write(found[0]) if found else "null")


def _insert_in_transaction(database: Database, fields: Fields) -> Answer:
    ids = database.insert(fields.collection, fields.documents, _given_transaction(fields))
    beside = {"inserted": str(len(ids)), "ok": "1", "_id": ids[0]}
    return Answer(len(ids), beside=beside)


def _update_in_transaction(database: Database, fields: Fields) -> Answer:
    changed = database.update(
        fields.collection,
        _by_id(fields),
        fields.update,
        replace=not any(name.startswith("$") for name in fields.update),
        upsert=fields.flag("upsert", default=False),
        transaction=_given_transaction(fields),
    )
    created = [] if changed.created is None else [{"_id": changed.created}]
    upserted = {"upserted": json.dumps(created)} if created else {}
    return Answer(changed.documents, beside={"updated": str(changed.updated), **upserted})


def _delete_in_transaction(database: Database, fields: Fields) -> Answer:
    deleted = database.delete(fields.collection, _by_id(fields), _given_transaction(fields))
    return Answer(deleted, beside={"deleted": str(deleted)})


def _by_id(fields: Fields) -> Document:
    """Return the conditions of an action on one document, whose id may stand in either field."""
    return fields.query or {"_id": fields.id}


def _given_transaction(fields: Fields) -> str:
    if fields.transaction is None:
        raise invalid("transactionId is missing")
    return fields.transaction


def _no_where() -> DatabaseError:
    return invalid(
        "a transaction has no where(): name each document by doc()",
        "a transaction takes add() and doc() only: read the ids before, and use doc(id)",
    )


def _limited(documents: Iterable[Any]) -> list[Any]:
    """Return documents unless the answer is larger than the platform's limit."""
    found, size = [], 0
    for each in documents:
        size += len(each) if isinstance(each, str) else len(json.dumps(each))
        if size > LARGEST_ANSWER:
            raise invalid("the result is larger than 50 MB: read fewer documents at a time")
        found.append(each)
    return found


ACTIONS: Final[Mapping[str, Callable[[Database, Fields], Answer]]] = {
    "database.addCollection": _add_collection,
    "database.startTransaction": _start,
    "database.commitTransaction": _commit,
    "database.abortTransaction": _abort,
    "database.insertDocument": _add,
    "database.getDocument": partial(_get, generation=_NEW),
    "database.modifyDocument": partial(_modify, generation=_NEW),
    "database.modifyAndReturnDoc": _modify_and_return,
    "database.removeDocument": _remove,
    "database.calculateDocument": _count,
    "database.aggregateDocuments": _aggregate,
    "database.addDocument": partial(_add, old=True),
    "database.queryDocument": partial(_get, generation=_OLD),
    "database.updateDocument": partial(_modify, generation=_OLD),
    "database.deleteDocument": _remove,
    "database.countDocument": _count,
    "database.aggregate": partial(_aggregate, old=True),
    "database.getInTransaction": _get_in_transaction,
    "database.insertDocInTransaction": _insert_in_transaction,
    "database.updateDocInTransaction": _update_in_transaction,
    "database.deleteDocInTransaction": _delete_in_transaction,
}
