"""Accumulators of $group, which expressions apply to arrays too."""

import math
from collections.abc import Callable
from typing import Any, Final

from cloud_openapi.documents._numbers import is_number, number
from cloud_openapi.documents._operands import is_null, needs
from cloud_openapi.documents._values import MISSING, Document, distinct, key

Accumulator = Callable[[list[Any]], Any]
"""From the values of all documents of a group, `MISSING` among them, to the result."""


def _sum(values: list[Any]) -> Any:
    numbers = [each for each in values if is_number(each)]
    if float not in map(type, numbers):
        return number(sum(numbers))
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # of infinities
        return float(sum(numbers))


def _average(values: list[Any]) -> Any:
    count = sum(map(is_number, values))
    return _sum(values) / count if count else None


def _known(values: list[Any]) -> list[Any]:
    return [each for each in values if not is_null(each)]


def _deviation(degrees: int) -> Accumulator:
    def deviation(values: list[Any]) -> Any:
        numbers = [each for each in values if is_number(each)]
        mean, count = _average(numbers), len(numbers) - degrees
        squares = [(each - mean) * (each - mean) for each in numbers]
        return math.sqrt(_sum(squares) / count) if count > 0 else None

    return deviation


def merged(values: list[Any]) -> Document:
    """Return one object of several."""
    result: Document = {}
    for each in _known(values):
        result |= needs(dict, "$mergeObjects", each, 40400)
    return result


ACCUMULATORS: Final[dict[str, Accumulator]] = {
    "$sum": _sum,
    "$avg": _average,
    "$max": lambda values: max(_known(values), key=key, default=None),
    "$min": lambda values: min(_known(values), key=key, default=None),
    "$stdDevPop": _deviation(0),
    "$stdDevSamp": _deviation(1),
    "$first": lambda values: values[0] if values else None,
    "$last": lambda values: values[-1] if values else None,
    "$push": lambda values: [each for each in values if each is not MISSING],
    "$addToSet": lambda values: distinct(each for each in values if each is not MISSING),
    "$mergeObjects": merged,
}
