"""What the functions of public mini programs use of the cloud database and storage.

The table was counted over 750 functions with a database, of 94 repositories. `habits_in` reads from
the emulator's journal which of them SDKs have used: a request that failed does not count.
"""

import json
from collections.abc import Iterator

HABITS = {
    "where": 74,
    "get": 71,
    "update": 50,
    "doc": 40,
    "add": 35,
    "limit": 25,
    "orderBy": 20,
    "remove": 16,
    "serverDate": 15,
    "count": 13,
    "skip": 12,
    "transaction": 7.3,
    "field": 5.1,
    "aggregate": 5.6,
    "createCollection": 4.9,
    "set": 3.7,
    "RegExp": 3.6,
    "Geo": 0.1,
    "uploadFile": 5.2,
    "getTempFileURL": 3.1,
    "downloadFile": 1.7,
    "deleteFile": 1,
    "_.inc": 11,
    "_.in": 9.6,
    "_.gt": 6.1,
    "_.gte": 6.1,
    "_.lt": 6.1,
    "_.lte": 6.1,
    "_.push": 5.3,
    "_.or": 4,
    "_.and": 4,
    "_.neq": 2.7,
    "_.set": 2.1,
    "_.pull": 1.1,
    "_.exists": 0.8,
    "_.remove": 0.7,
    "_.nin": 0.5,
    "_.elemMatch": 0.3,
    "_.all": 0.3,
    "_.unshift": 0.3,
    "_.pop": 0.3,
    "_.shift": 0.3,
    "_.size": 0.1,
    "_.rename": 0.1,
    "_.addToSet": 0.1,
    # How many of the aggregations have each was not counted.
    **dict.fromkeys(
        (
            *("aggregate.match", "aggregate.limit", "aggregate.project", "aggregate.lookup"),
            *("aggregate.sort", "aggregate.skip", "aggregate.count", "aggregate.group"),
            *("aggregate.replaceRoot", "aggregate.unwind", "aggregate.addFields"),
            "aggregate.sample",
        ),
        None,
    ),
}
"""The share of the functions in per cent."""
OF_STORAGE = {"uploadFile", "getTempFileURL", "downloadFile", "deleteFile"}
_ACTIONS = {
    "get": ("getDocument", "queryDocument", "getInTransaction"),
    "add": ("insertDocument", "addDocument", "insertDocInTransaction"),
    "update": ("modifyDocument", "updateDocument", "updateDocInTransaction"),
    "remove": ("removeDocument", "deleteDocument", "deleteDocInTransaction"),
    "count": ("calculateDocument", "countDocument"),
    "transaction": ("commitTransaction",),
    "createCollection": ("addCollection",),
    "uploadFile": ("getUploadMetadata", "uploadFile"),
    "getTempFileURL": ("batchGetDownloadUrl",),
    "deleteFile": ("batchDeleteFile",),
}
_METHODS = {action: name for name, actions in _ACTIONS.items() for action in actions}
_FIELDS = {"offset": "skip", "order": "orderBy", "projection": "field"}
_CONDITIONS = {
    **{f"${name}": f"_.{name}" for name in ("gt", "gte", "lt", "lte", "in", "nin", "or", "and")},
    **{f"${name}": f"_.{name}" for name in ("exists", "elemMatch", "all", "size")},
    "$ne": "_.neq",
    "$regularExpression": "RegExp",
    "$regex": "RegExp",
    **dict.fromkeys(("$nearSphere", "$geoWithin", "$geoIntersects"), "Geo"),
}
_CHANGES = {
    **{f"${name}": f"_.{name}" for name in ("inc", "pull", "rename", "addToSet")},
    "$pullAll": "_.pull",
    "$unset": "_.remove",
}
_DEFAULT_LIMIT = 100


def habits_in(entries):
    """Return the names of the habits in the successful requests of a journal."""
    return {name for entry in entries if not entry.failed for name in _of_request(entry)}


def _of_request(entry):
    if entry.method == "GET" and entry.path.startswith("/storage/"):
        yield "downloadFile"
    _, _, action = entry.check.partition(".")
    if entry.via != "gateway" or action not in {*_METHODS, "aggregateDocuments", "aggregate"}:
        return
    fields = json.loads(entry.body)
    method = _METHODS.get(action, "aggregate")
    yield "set" if method == "update" and fields.get("upsert") else method
    query = fields.get("query")
    if query:
        by_id = fields.get("queryType", "DOC") == "DOC" and query.keys() == {"_id"}
        yield "doc" if by_id else "where"
    yield from (name for field, name in _FIELDS.items() if fields.get(field))
    if fields.get("limit", _DEFAULT_LIMIT) != _DEFAULT_LIMIT:
        yield "limit"
    yield from (_CONDITIONS[name] for name, _ in _members(query) if name in _CONDITIONS)
    yield from _of_update(fields.get("data"))
    for stage in fields.get("stages", ()):
        yield from (f"aggregate.{name.removeprefix('$')}" for name in stage)


def _of_update(data) -> Iterator[str]:
    for name, value in _members(data):
        if name == "$tcb_server_date" or (name == "$date" and "offset" in _keys(value)):
            yield "serverDate"
        if name == "$push":
            given = [_keys(each) for each in value.values()]
            yield from ("_.unshift" if "$position" in each else "_.push" for each in given)
        if name == "$pop":
            yield from ("_.shift" if _number(each) < 0 else "_.pop" for each in value.values())
        if name == "$set" and any(map(_is_object, value.values())):
            yield "_.set"
        if name in _CHANGES:
            yield _CHANGES[name]


def _members(value):
    """Yield each name and value of objects, at any depth."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name, each
            yield from _members(each)
    if isinstance(value, list):
        for each in value:
            yield from _members(each)


def _keys(value):
    return value.keys() if isinstance(value, dict) else ()


def _is_object(value):
    return isinstance(value, dict) and not any(name.startswith("$") for name in value)


def _number(value):
    return int(value["$numberInt"]) if isinstance(value, dict) else value
