"""Find what SDKs send otherwise than a developer means it, without an error on the platform.

wx-server-sdk sends the object of a command that stands inside of another command or of a value,
where it is not translated to an operator of MongoDB. A Buffer loses its bytes.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

TRACES: Final = re.compile(r'"operands"|"Buffer"|"\$all":\s*[^\s\[]')
"""In every text of JSON that has such an object."""

_COMMAND: Final = {"operator", "operands", "fieldName"}
_BUFFER: Final = {"type": "Buffer", "data": []}
_NAME: Final = re.compile(r"[a-zA-Z]{2,20}")
_IN_QUERY: Final = "write the operators of MongoDB there, such as {$gt: 1, $lt: 9} or {$or: […]}"
# Commands of a condition, which may also stand in an update, as in _.pull().
_CONDITIONS: Final = {
    *("and", "or", "nor", "not", "eq", "neq", "gt", "gte", "lt", "lte", "in", "nin"),
    *("exists", "mod", "size", "all", "elemMatch"),
}
_ADVICE: Final = {
    "data": "a command of an update stands at a field of data, and add() takes values only",
    "projection": "write _.project.elemMatch() or _.project.slice()",
    "query": _IN_QUERY,
    "$match": _IN_QUERY,
}
_IN_STAGE: Final = "an expression is made by db.command.aggregate: $.gt(), not _.gt()"


def untranslated(field: str, value: Any) -> str:
    """Return what is sent otherwise in a field or a stage, and what to write; empty if nothing."""
    for each in _objects(value):
        name = each["operator"] if each.keys() == _COMMAND else None
        if isinstance(name, str) and _NAME.fullmatch(name):
            in_update = field == "data" and name in _CONDITIONS
            advice = _IN_QUERY if in_update else _ADVICE.get(field, _IN_STAGE)
            return (
                f"the SDK has not translated _.{name}, and its object is taken for a plain one, as "
                f"on the platform: {advice}"
            )
        if "$all" in each and not isinstance(each["$all"], list):
            return (
                "inside of _.elemMatch the SDK sends the first value of _.all alone: write "
                "{$all: […]} there"
            )
        if each == _BUFFER:
            return (
                "the SDK sends a Buffer without its bytes: store buffer.toString('base64'), or a "
                "file by cloud.uploadFile and its fileID"
            )
    return ""


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
