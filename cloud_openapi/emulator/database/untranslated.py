"""Find what SDKs send otherwise than a developer means it, without an error on the platform.

wx-server-sdk sends the object of some commands instead of an operator of MongoDB: of and, or, not
and chained ones inside of _.elemMatch and _.pull, of those in add() or in a value, and of those of
a query in a stage other than match. A Buffer loses its bytes.
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
_QUERIES: Final = {"$elemMatch", "$pull", "$match"}
_ADVICE: Final = {
    "data": "a command of an update stands at a field of data, and add() takes values only",
    "projection": "write _.project.elemMatch() or _.project.slice()",
    "query": _IN_QUERY,
    "$match": _IN_QUERY,
}
_IN_STAGE: Final = "an expression is made by db.command.aggregate: $.gt(), not _.gt()"


def untranslated(field: str, value: Any) -> str:
    """Return what is sent otherwise in a field or a stage, and what to write; empty if nothing."""
    for each, above in _objects(value):
        name = each["operator"] if _is_command(each, above) else None
        if isinstance(name, str) and _NAME.fullmatch(name):
            advice = _IN_QUERY if _QUERIES.intersection(above) else _ADVICE.get(field, _IN_STAGE)
            return (
                f"the SDK has not translated _.{name}, and its object is taken for a plain one, as "
                f"on the platform: {advice}"
            )
        if "$all" in each and not isinstance(each["$all"], list):
            outer = next((name for name in ("elemMatch", "pull") if f"${name}" in above), "")
            if not outer:
                return "$all needs a list: write _.all([…])"
            return (
                f"inside of _.{outer} the SDK sends the first value of _.all alone: write "
                "{$all: […]} there"
            )
        if each == _BUFFER:
            return (
                "the SDK sends a Buffer without its bytes: store buffer.toString('base64'), or a "
                "file by cloud.uploadFile and its fileID"
            )
    return ""


def _is_command(each: dict[str, Any], above: tuple[str, ...]) -> bool:
    """Return whether an object is a command, and not one that a function has made."""
    if each.keys() != _COMMAND:
        return False
    # A Symbol, which JSON does not have, stands for no name; only $elemMatch passes its field on.
    field = each["fieldName"]
    return field == {} or ("$elemMatch" in above and field in above)


def _objects(value: Any) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Yield each object with the names above it; what is below $literal is a plain value."""
    waiting: list[tuple[Any, tuple[str, ...]]] = [(value, ())]
    while waiting:
        each, above = waiting.pop()
        if isinstance(each, dict):
            yield each, above
            waiting += [
                (below, (*above, name))
                for name, below in each.items()
                if isinstance(below, dict | list) and name != "$literal"
            ]
        elif isinstance(each, list):
            waiting += [(below, above) for below in each]
