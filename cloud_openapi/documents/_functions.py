"""Functions of evaluated operands: those of expressions, and the accumulators of $group."""

import math
import operator
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from cloud_openapi.documents import _dates
from cloud_openapi.documents._copies import LARGEST
from cloud_openapi.documents._errors import TOO_LARGE, TOO_MANY, TYPE, OperationFailure, check
from cloud_openapi.documents._numbers import INT32, INT64, is_number, number, remainder, whole
from cloud_openapi.documents._operands import is_null, needs, sliced, truthy
from cloud_openapi.documents._values import MISSING, Document, Key, distinct, key, shown, type_name

_CONTINUING: Final = bytes(range(0x80, 0xC0))  # bytes that follow the first of a UTF-8 character
_LONGEST_RANGE: Final = 1_000_000

KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    "any": lambda _: True,
    "numeric": is_number,
    "numeric or date": lambda value: is_number(value) or type(value) is datetime,
    "string": lambda value: type(value) is str,
    "array": lambda value: type(value) is list,
    "object": lambda value: type(value) is dict,
}


class Operator(NamedTuple):
    """A function of operands of one kind, and MongoDB's code for operands of another kind."""

    kind: str
    counts: str
    """The least and the most operands: ``2``, ``2-4``, or ``2*`` without a most."""
    function: Callable[..., Any]
    code: int = TYPE
    nulls: float = math.inf
    """The result is null if one of so many operands is null or missing."""


def _any(counts: str, function: Callable[..., Any], nulls: int = 0) -> Operator:
    """Return an operator of values of any type, null too."""
    return Operator("any", counts, function, nulls=nulls)


def _wholes(name: str, *values: Any, limit: int = INT32) -> list[int]:
    found = [each for value in values if (each := whole(value)) is not None]
    valid = len(found) == len(values) and all(-limit <= each < limit for each in found)
    check(valid, f"{name} needs numbers that are {limit.bit_length()}-bit integers", 34450)
    return found


# Numbers -----------------------------------------------------------------------------------------


def _add(*operands: Any) -> Any:
    dates = [each for each in operands if type(each) is datetime]
    check(len(dates) <= 1, "only one date allowed in an $add expression", 16612)
    found = number(sum(each for each in operands if type(each) is not datetime))
    return dates[0] + timedelta(milliseconds=round(found)) if dates else found


def _subtract(one: Any, other: Any) -> Any:
    if type(one) is datetime and type(other) is datetime:
        return (one - other) // timedelta(milliseconds=1)
    check(type(other) is not datetime, "cant $subtract a date from a number", 16556)
    return _add(one, -other)


def _mod(one: Any, other: Any) -> Any:
    if type(one) is int and type(other) is int:
        return remainder(one, other)
    return math.fmod(one, other) if math.isfinite(one) else math.nan


def _pow(base: Any, exponent: Any) -> Any:
    check(base or exponent >= 0, "$pow cannot take a base of 0 and a negative exponent", 28764)
    try:
        found = math.pow(base, exponent)
    except (OverflowError, ValueError) as error:  # ValueError: a root of a negative number
        return math.inf if isinstance(error, OverflowError) else math.nan
    exact = type(base) is int and type(exponent) is int and exponent >= 0 and abs(found) < 2**63
    return number(base**exponent) if exact else found


def _rounded(function: Callable[[float], float], value: Any) -> Any:
    return float(function(value)) if type(value) is float and math.isfinite(value) else value


def _exp(value: Any) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


# Texts -------------------------------------------------------------------------------------------


def _fitting(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return parts that are not too large together. Raises OperationFailure."""
    check(sum(map(len, parts)) <= LARGEST, "The result of an expression is too large", TOO_LARGE)
    return parts


def _text(value: Any) -> str:
    """Return a value as text, as the operators of letters take it."""
    if type(value) is datetime:
        return str(_dates.to_string({"date": value}))
    valid = is_null(value) or type(value) is str or is_number(value)
    check(valid, f"can't convert from BSON type {type_name(value)} to String", 16007)
    return "" if is_null(value) else f"{value:.15g}" if type(value) is float else str(value)


def _bytes(value: Any) -> bytes:
    return _text(value).encode(errors="surrogatepass")


def _decoded(text: bytes) -> str:
    return text.decode(errors="surrogatepass")


def _sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def _part_of_bytes(value: Any, start: Any, length: Any) -> str:
    text, (begin, count) = _bytes(value), _wholes("$substrBytes", start, length, limit=INT64)
    if begin < 0:
        return ""
    error = "$substrBytes: the range begins within a UTF-8 character"
    check(text[begin : begin + 1].translate(None, _CONTINUING) or begin >= len(text), error, 28656)
    return _decoded(text[begin:][: count if count >= 0 else None])


def _part(value: Any, start: Any, length: Any) -> str:
    begin, count = _wholes("$substrCP", start, length)
    check(begin >= 0 and count >= 0, "$substrCP: start and length must not be negative", 34455)
    return _text(value)[begin : begin + count]


def _index(
    name: str, kind: type, convert: Callable[[Any], Any], values: Any, wanted: Any, *given: Any
) -> int:
    sequence = convert(needs(kind, name, values, 40091))
    begin, stop = [*_wholes(name, *given), *(0, len(sequence))[len(given) :]]
    check(begin >= 0 and stop >= 0, f"{name} requires a nonnegative start and end", 40097)
    if type(sequence) is list:
        keys, key_ = [key(each) for each in sequence[begin:stop]], key(wanted)
        return begin + keys.index(key_) if key_ in keys else -1
    part = convert(needs(kind, name, wanted, 40091))
    return sequence.find(part, begin, stop) if begin <= len(sequence) else -1


# Arrays and objects ------------------------------------------------------------------------------


def _element_at(values: Any, index: Any) -> Any:
    (at,), found = _wholes("$arrayElemAt", index), needs(list, "$arrayElemAt", values, 28689)
    return found[at] if -len(found) <= at < len(found) else MISSING


def _slice(values: Any, *given: Any) -> list[Any]:
    found, (first, *count) = needs(list, "$slice", values, 28724), _wholes("$slice", *given)
    check(not count or count[0] > 0, "Third argument to $slice must be positive", 28729)
    return sliced(found, first, *count)


def _joined(*arrays: list[Any]) -> list[Any]:
    return [item for one in _fitting(arrays) for item in one]


def _range(*given: Any) -> list[int]:
    start, end, step = (*_wholes("$range", *given), 1)[:3]
    check(step, "$range requires a non-zero step value", 34449)
    numbers = range(start, end, step)
    count = max(0, -((start - end) // step))  # len of a range has a limit
    check(count <= _LONGEST_RANGE, "$range has too many numbers", TOO_MANY)
    return list(numbers)


def _zip(fields: Document) -> Any:
    inputs, fill = needs(list, "$zip", fields["inputs"]), fields.get("defaults")
    if any(map(is_null, inputs)):
        return None
    lengths = [len(needs(list, "$zip", each)) for each in inputs]
    count = (max if truthy(fields.get("useLongestLength")) else min)(lengths, default=0)
    defaults = fill if type(fill) is list and len(fill) == len(inputs) else [None] * len(inputs)
    pairs = list(zip(inputs, defaults, strict=True))
    return [[each[n] if n < len(each) else other for each, other in pairs] for n in range(count)]


def _to_object(values: list[Any]) -> Document:
    result = Document()
    for each in values:
        match each:
            case [str(name), value] | {"k": str(name), "v": value}:
                result[name] = value
            case _:
                error = f"$arrayToObject needs pairs, or objects with k and v, not {shown(each)}"
                raise OperationFailure(error, 40386)
    return result


def _keys(values: list[Any]) -> frozenset[Key]:
    return frozenset(key(each) for each in values)


def _intersection(*arrays: list[Any]) -> list[Any]:
    common = frozenset.intersection(*map(_keys, arrays)) if arrays else ()
    return [each for each in distinct(arrays[0] if arrays else []) if key(each) in common]


def _difference(one: list[Any], other: list[Any]) -> list[Any]:
    without = _keys(other)
    return [each for each in distinct(one) if key(each) not in without]


def _compared(test: Callable[[Any, Any], Any]) -> Operator:
    return _any("2", lambda one, other: test(key(one), key(other)))


# Accumulators of $group, which expressions apply to arrays too ----------------------------------

_Accumulator = Callable[[list[Any]], Any]
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


def _deviation(degrees: int, values: list[Any]) -> float | None:
    numbers = [each for each in values if is_number(each)]
    mean, count = _average(numbers), len(numbers) - degrees
    squares = [(each - mean) * (each - mean) for each in numbers]
    return math.sqrt(_sum(squares) / count) if count > 0 else None


def _merged(values: list[Any]) -> Document:
    """Return one object of several."""
    result: Document = {}
    for each in _known(values):
        result |= needs(dict, "$mergeObjects", each, 40400)
    return result


ACCUMULATORS: Final[dict[str, _Accumulator]] = {
    "$sum": _sum,
    "$avg": _average,
    "$max": lambda values: max(_known(values), key=key, default=None),
    "$min": lambda values: min(_known(values), key=key, default=None),
    "$stdDevPop": partial(_deviation, 0),
    "$stdDevSamp": partial(_deviation, 1),
    "$first": lambda values: values[0] if values else None,
    "$last": lambda values: values[-1] if values else None,
    "$push": lambda values: [each for each in values if each is not MISSING],
    "$addToSet": lambda values: distinct(each for each in values if each is not MISSING),
    "$mergeObjects": _merged,
}


def _accumulated(accumulate: _Accumulator, *operands: Any) -> Any:
    return accumulate(operands[0] if [*map(type, operands)] == [list] else [*operands])


OPERATORS: Final[dict[str, Operator]] = {
    **{name: _any("0*", partial(_accumulated, each)) for name, each in ACCUMULATORS.items()},
    "$add": Operator("numeric or date", "0*", _add, 16554),
    "$subtract": Operator("numeric or date", "2", _subtract, 16556),
    "$multiply": Operator("numeric", "0*", lambda *each: number(math.prod(each)), 16555),
    "$divide": Operator("numeric", "2", operator.truediv, 16609),
    "$mod": Operator("numeric", "2", _mod, 16611),
    "$pow": Operator("numeric", "2", _pow, 28762),
    "$abs": Operator("numeric", "1", lambda value: number(abs(value)), 28765),
    "$ceil": Operator("numeric", "1", partial(_rounded, math.ceil), 28765),
    "$floor": Operator("numeric", "1", partial(_rounded, math.floor), 28765),
    "$trunc": Operator("numeric", "1", partial(_rounded, math.trunc), 28765),
    "$sqrt": Operator("numeric", "1", math.sqrt, 28765),
    "$exp": Operator("numeric", "1", _exp, 28765),
    "$ln": Operator("numeric", "1", math.log, 28765),
    "$log10": Operator("numeric", "1", math.log10, 28765),
    "$log": Operator("numeric", "2", math.log, 28756),
    "$not": _any("1", lambda value: not truthy(value)),
    "$cmp": _compared(_sign),
    "$eq": _compared(operator.eq),
    "$ne": _compared(operator.ne),
    "$gt": _compared(operator.gt),
    "$gte": _compared(operator.ge),
    "$lt": _compared(operator.lt),
    "$lte": _compared(operator.le),
    "$concat": Operator("string", "0*", lambda *texts: "".join(_fitting(texts)), 16702),
    "$toUpper": _any("1", lambda value: _decoded(_bytes(value).upper())),
    "$toLower": _any("1", lambda value: _decoded(_bytes(value).lower())),
    "$strcasecmp": _any("2", lambda one, other: _sign(_bytes(one).upper(), _bytes(other).upper())),
    "$substr": _any("3", _part_of_bytes),
    "$substrBytes": _any("3", _part_of_bytes),
    "$substrCP": _any("3", _part),
    "$strLenCP": Operator("string", "1", len, 34471, nulls=0),
    "$strLenBytes": Operator("string", "1", lambda text: len(_bytes(text)), 34473, nulls=0),
    "$split": Operator("string", "2", str.split, 40085),
    "$indexOfCP": _any("2-4", partial(_index, "$indexOfCP", str, str), nulls=1),
    "$indexOfBytes": _any("2-4", partial(_index, "$indexOfBytes", str, _bytes), nulls=1),
    "$indexOfArray": _any("2-4", partial(_index, "$indexOfArray", list, list), nulls=1),
    "$size": Operator("array", "1", len, 17124, nulls=0),
    "$isArray": _any("1", lambda value: type(value) is list),
    "$arrayElemAt": _any("2", _element_at, nulls=2),
    "$slice": _any("2-3", _slice, nulls=3),
    "$concatArrays": Operator("array", "0*", _joined, 28664),
    "$in": _any(
        "2", lambda value, values: key(value) in map(key, needs(list, "$in", values, 40081))
    ),
    "$range": _any("2-3", _range),
    "$reverseArray": Operator("array", "1", lambda values: values[::-1], 34435),
    "$objectToArray": Operator(
        "object", "1", lambda given: [{"k": k, "v": v} for k, v in given.items()], 40390
    ),
    "$arrayToObject": Operator("array", "1", _to_object, 40386),
    "$mergeObjects": _any("0*", lambda *each: _merged(list(each))),
    "$setUnion": Operator("array", "0*", lambda *each: distinct(_joined(*each)), 17043),
    "$setIntersection": Operator("array", "0*", _intersection, 17047),
    "$setDifference": Operator("array", "2", _difference, 17048),
    "$setEquals": Operator("array", "2*", lambda *s: len({*map(_keys, s)}) == 1, 17044, nulls=0),
    "$setIsSubset": Operator("array", "2", lambda a, b: _keys(a) <= _keys(b), 17046, nulls=0),
    "$allElementsTrue": Operator("array", "1", lambda each: all(map(truthy, each)), 17040, nulls=0),
    "$anyElementTrue": Operator("array", "1", lambda each: any(map(truthy, each)), 17041, nulls=0),
}
_PARTS_OF_DATE: Final = (
    "year isoWeekYear month isoWeek day isoDayOfWeek hour minute second millisecond timezone"
)
FIELDS: Final[dict[str, tuple[Callable[[Document], Any], str, str]]] = {
    "$zip": (_zip, "inputs", "useLongestLength defaults"),
    "$dateToString": (_dates.to_string, "date", "format timezone onNull"),
    "$dateFromParts": (_dates.from_parts, "", _PARTS_OF_DATE),
    "$dateFromString": (_dates.from_string, "dateString", "format timezone onError onNull"),
    **{name: (partial(_dates.part, name), "date", "timezone") for name in _dates.PARTS},
}
"""Functions of one object with named operands: those required, those optional."""
