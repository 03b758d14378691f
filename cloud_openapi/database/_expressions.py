"""The operators of ``db.command.aggregate`` and ``db.command.project``."""

from collections.abc import Callable
from typing import Any

from cloud_openapi.database._pipeline import Pipeline

Operator = Callable[[Any], dict[str, Any]]
"""Takes MongoDB's operand: ``$.sum("$score")``, ``$.add(["$a", 1])``."""


class AggregateCommands:
    """The operators of aggregation expressions, under MongoDB's names without ``$``.

    ``neq`` is MongoDB's ``$ne``. Python's words have an underscore: ``in_``, ``and_``, ``or_``,
    ``not_``.
    """

    abs: Operator
    add: Operator
    ceil: Operator
    divide: Operator
    exp: Operator
    floor: Operator
    ln: Operator
    log: Operator
    log10: Operator
    mod: Operator
    multiply: Operator
    pow: Operator
    sqrt: Operator
    subtract: Operator
    trunc: Operator
    arrayElemAt: Operator
    arrayToObject: Operator
    concatArrays: Operator
    filter: Operator
    in_: Operator
    indexOfArray: Operator
    isArray: Operator
    map: Operator
    range: Operator
    reduce: Operator
    reverseArray: Operator
    size: Operator
    slice: Operator
    zip: Operator
    and_: Operator
    not_: Operator
    or_: Operator
    cmp: Operator
    eq: Operator
    gt: Operator
    gte: Operator
    lt: Operator
    lte: Operator
    neq: Operator
    cond: Operator
    ifNull: Operator
    switch: Operator
    dateFromParts: Operator
    dateFromString: Operator
    dayOfMonth: Operator
    dayOfWeek: Operator
    dayOfYear: Operator
    isoDayOfWeek: Operator
    isoWeek: Operator
    isoWeekYear: Operator
    millisecond: Operator
    minute: Operator
    month: Operator
    second: Operator
    hour: Operator
    week: Operator
    year: Operator
    literal: Operator
    mergeObjects: Operator
    objectToArray: Operator
    allElementsTrue: Operator
    anyElementTrue: Operator
    setDifference: Operator
    setEquals: Operator
    setIntersection: Operator
    setIsSubset: Operator
    setUnion: Operator
    concat: Operator
    dateToString: Operator
    indexOfBytes: Operator
    indexOfCP: Operator
    split: Operator
    strLenBytes: Operator
    strLenCP: Operator
    strcasecmp: Operator
    substr: Operator
    substrBytes: Operator
    substrCP: Operator
    toLower: Operator
    toUpper: Operator
    meta: Operator
    addToSet: Operator
    avg: Operator
    first: Operator
    last: Operator
    max: Operator
    min: Operator
    push: Operator
    stdDevPop: Operator
    stdDevSamp: Operator
    sum: Operator
    let: Operator

    def __init__(self) -> None:
        for name in AggregateCommands.__annotations__:
            setattr(self, name, _operator("$ne" if name == "neq" else f"${name.rstrip('_')}"))

    def pipeline(self) -> Pipeline:
        """Return an empty pipeline for ``lookup``; ``done()`` ends it."""
        return Pipeline()


class ProjectCommands:
    """The operators of ``field``."""

    def slice(self, number: Any) -> dict[str, Any]:
        """Return the first elements of a list, with a list of two numbers some further on."""
        return {"$slice": number}

    def elemMatch(self, condition: Any) -> dict[str, Any]:
        """Return the first element of a list that meets a condition."""
        return {"$elemMatch": condition}


def _operator(name: str) -> Operator:
    return lambda operand: {name: operand}
