"""Functions of expressions: they get evaluated operands."""

import math
import operator
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from cloud_openapi.documents import _dates
from cloud_openapi.documents._accumulators import merged, number
from cloud_openapi.documents._errors import TYPE, OperationFailure, check
from cloud_openapi.documents._values import (
    INT32,
    INT64,
    LARGEST,
    MISSING,
    Document,
    distinct,
    is_number,
    key,
    shown,
    truthy,
    type_name,
    whole,
)

_MANY: Final = math.inf
_TOO_LARGE, _TOO_MANY = 10334, 16819
_CONTINUING: Final = bytes(range(0x80, 0xC0))  # bytes that follow the first of a UTF-8 character
_LONGEST_RANGE: Final = 1_000_000


class Operator(NamedTuple):
    """A function of operands of some kinds, and MongoDB's code for another kind."""

    function: Callable[..., Any]
    least: int = 1
    most: float = 1
    code: int = TYPE
    kinds: str = "all"
    holds: Callable[[Any], bool] = lambda _: True
    nulls: float = _MANY  # the result is null if one of so many operands is null or missing


def _numeric(function: Callable[..., Any], count: int = 1, code: int = 28765) -> Operator:
    return Operator(function, count, count or _MANY, code, "numeric", is_number)


def _addable(function: Callable[..., Any], count: int, code: int) -> Operator:
    def holds(value: Any) -> bool:
        return is_number(value) or type(value) is datetime

    return Operator(function, count, count or _MANY, code, "numeric or date", holds)


def _of(kind: type, function: Callable[..., Any], counts: str, code: int, **more: int) -> Operator:
    """Return an operator of texts or arrays; ``counts`` has the least and most, * for any."""
    least, most = int(counts[0]), _MANY if counts[-1] == "*" else int(counts[-1])
    name = "string" if kind is str else "array"
    return Operator(function, least, most, code, name, lambda v: type(v) is kind, **more)


def _any(
    function: Callable[..., Any], least: int = 1, most: float = 0, nulls: float = 0
) -> Operator:
    """Return an operator of values of any type, null too."""
    return Operator(function, least, most or least, nulls=nulls)


def array(name: str, value: Any) -> list[Any]:
    """Return an operand that is an array. Raises OperationFailure."""
    if type(value) is list:
        return value
    raise OperationFailure(f"{name} needs an array, not {type_name(value)}", 28651)


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
    return _dates.shifted(dates[0], found) if dates else found


def _subtract(one: Any, other: Any) -> Any:
    if type(one) is datetime and type(other) is datetime:
        return _dates.milliseconds(one) - _dates.milliseconds(other)
    check(type(other) is not datetime, "cant $subtract a date from a number", 16556)
    return _dates.shifted(one, -other) if type(one) is datetime else number(one - other)


def _divide(one: Any, other: Any) -> float:
    check(other != 0, "can't $divide by zero", 16608)
    return float(one / other)


def _mod(one: Any, other: Any) -> Any:
    check(other != 0, "can't $mod by zero", 16610)
    if type(one) is int and type(other) is int:
        found = abs(one) % abs(other)
        return found if one >= 0 else -found
    return math.fmod(one, other) if math.isfinite(one) else math.nan


def _pow(base: Any, exponent: Any) -> Any:
    check(base or exponent >= 0, "$pow cannot take a base of 0 and a negative exponent", 28764)
    try:
        found = math.pow(base, exponent)
    except (OverflowError, ValueError) as error:  # ValueError: a root of a negative number
        return math.inf if isinstance(error, OverflowError) else math.nan
    exact = type(base) is int and type(exponent) is int and exponent >= 0 and abs(found) < 2**63
    return number(base**exponent) if exact else found


def _rounded(function: Callable[[float], float]) -> Operator:
    def rounded(value: Any) -> Any:
        return float(function(value)) if type(value) is float and math.isfinite(value) else value

    return _numeric(rounded)


def _logarithm(value: Any, base: Any = None) -> float:
    valid = value > 0 and (base is None or (base > 0 and base != 1))
    check(valid, f"a logarithm's argument must be a positive number, but is {value}", 28766)
    return math.log(value) if base is None else math.log(value, base)


def _log10(value: Any) -> float:
    check(value > 0, f"$log10's argument must be a positive number, but is {value}", 28761)
    return math.log10(value)


def _root(value: Any) -> float:
    check(not value < 0, "$sqrt's argument must be greater than or equal to 0", 28714)
    return math.sqrt(value)


def _exp(value: Any) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


# Texts -------------------------------------------------------------------------------------------


def _limited(result: Any) -> Any:
    check(len(result) <= LARGEST, "The result of an expression is too large", _TOO_LARGE)
    return result


def _text(value: Any) -> str:
    """Return a value as text, as the operators of letters take it."""
    if type(value) is datetime:
        return str(_dates.to_string({"date": value}))
    nothing = value is None or value is MISSING
    valid = nothing or type(value) is str or is_number(value)
    check(valid, f"can't convert from BSON type {type_name(value)} to String", 16007)
    return "" if nothing else f"{value:.15g}" if type(value) is float else str(value)


def _bytes(value: Any) -> bytes:
    return _text(value).encode(errors="surrogatepass")


def _upper(value: Any) -> str:
    return _bytes(value).upper().decode(errors="surrogatepass")  # letters of ASCII only


def _lower(value: Any) -> str:
    return _bytes(value).lower().decode(errors="surrogatepass")


def _sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def _part_of_bytes(value: Any, start: Any, length: Any) -> str:
    text, (begin, count) = _bytes(value), _wholes("$substrBytes", start, length, limit=INT64)
    if begin < 0:
        return ""
    error = "$substrBytes: the range begins within a UTF-8 character"
    check(text[begin : begin + 1].translate(None, _CONTINUING) or begin >= len(text), error, 28656)
    try:
        return text[begin:][: count if count >= 0 else None].decode(errors="surrogatepass")
    except UnicodeDecodeError:
        raise OperationFailure("$substrBytes: the range cuts a UTF-8 character", 28657) from None


def _part(value: Any, start: Any, length: Any) -> str:
    begin, count = _wholes("$substrCP", start, length)
    check(begin >= 0 and count >= 0, "$substrCP: start and length must not be negative", 34455)
    return _text(value)[begin : begin + count]


def _split(text: str, separator: str) -> list[str]:
    check(separator, "$split requires a non-empty separator", 40087)
    return text.split(separator)


def _index(name: str, convert: Callable[[Any], Any]) -> Operator:
    def index(values: Any, wanted: Any, *given: Any) -> Any:
        sequence = convert(values)
        begin, stop = [*_wholes(name, *given), *(0, len(sequence))[len(given) :]]
        check(begin >= 0 and stop >= 0, f"{name} requires a nonnegative start and end", 40097)
        if type(sequence) is list:
            keys, key_ = [key(each) for each in sequence[begin:stop]], key(wanted)
            return begin + keys.index(key_) if key_ in keys else -1
        return sequence.find(convert(wanted), begin, stop) if begin <= len(sequence) else -1

    return _any(index, 2, 4, nulls=1)


def _checked_text(value: Any) -> str:
    check(type(value) is str, f"a string is required, found: {type_name(value)}", 40091)
    return str(value)


# Arrays and objects ------------------------------------------------------------------------------


def _length(value: Any) -> int:
    error = f"The argument to $size must be an array, but was of type: {type_name(value)}"
    check(type(value) is list, error, 17124)
    return len(value)


def _element_at(values: Any, index: Any) -> Any:
    (at,), found = _wholes("$arrayElemAt", index), array("$arrayElemAt", values)
    return found[at] if -len(found) <= at < len(found) else MISSING


def _slice(values: Any, *given: Any) -> list[Any]:
    found, (first, *rest) = array("$slice", values), _wholes("$slice", *given)
    if not rest:
        return found[:first] if first >= 0 else found[first:]
    check(rest[0] > 0, "Third argument to $slice must be positive", 28729)
    begin = first if first >= 0 else max(0, len(found) + first)
    return found[begin : begin + rest[0]]


def _joined(*arrays: list[Any]) -> list[Any]:
    check(sum(map(len, arrays)) <= LARGEST, "The result of an array is too large", _TOO_LARGE)
    return [item for one in arrays for item in one]


def _range(*given: Any) -> list[int]:
    start, end, step = (*_wholes("$range", *given), 1)[:3]
    check(step, "$range requires a non-zero step value", 34449)
    numbers = range(start, end, step)
    count = max(0, -((start - end) // step))  # len of a range has a limit
    check(count <= _LONGEST_RANGE, "$range has too many numbers", _TOO_MANY)
    return list(numbers)


def _zip(fields: Document) -> Any:
    inputs, fill = array("$zip", fields["inputs"]), fields.get("defaults")
    if any(each is None or each is MISSING for each in inputs):
        return None
    lengths = [len(array("$zip", each)) for each in inputs]
    count = (max if truthy(fields.get("useLongestLength")) else min)(lengths, default=0)
    defaults = fill if type(fill) is list and len(fill) == len(inputs) else [None] * len(inputs)
    pairs = list(zip(inputs, defaults, strict=True))
    return [[each[n] if n < len(each) else other for each, other in pairs] for n in range(count)]


def _to_array(value: Any) -> list[Document]:
    error = f"$objectToArray requires a document input, found: {type_name(value)}"
    check(type(value) is dict, error, 40390)
    return [{"k": name, "v": each} for name, each in value.items()]


def _to_object(values: Any) -> Document:
    result = Document()
    for each in array("$arrayToObject", values):
        match each:
            case [str(name), value] | {"k": str(name), "v": value}:
                result[name] = value
            case _:
                error = f"$arrayToObject needs pairs, or objects with k and v, not {shown(each)}"
                raise OperationFailure(error, 40386)
    return result


def _keys(values: list[Any]) -> set[Any]:
    return {key(each) for each in values}


def _intersection(*arrays: list[Any]) -> list[Any]:
    common = set.intersection(*map(_keys, arrays)) if arrays else set()
    return [each for each in distinct(arrays[0] if arrays else []) if key(each) in common]


def _difference(one: list[Any], other: list[Any]) -> list[Any]:
    without = _keys(other)
    return [each for each in distinct(one) if key(each) not in without]


def _compared(test: Callable[[Any, Any], Any]) -> Operator:
    return _any(lambda one, other: test(key(one), key(other)), 2)


OPERATORS: Final[dict[str, Operator]] = {
    "$add": _addable(_add, 0, 16554),
    "$subtract": _addable(_subtract, 2, 16556),
    "$multiply": _numeric(lambda *each: number(math.prod(each)), 0, 16555),
    "$divide": _numeric(_divide, 2, 16609),
    "$mod": _numeric(_mod, 2, 16611),
    "$pow": _numeric(_pow, 2, 28762),
    "$abs": _numeric(lambda value: number(abs(value))),
    "$ceil": _rounded(math.ceil),
    "$floor": _rounded(math.floor),
    "$trunc": _rounded(math.trunc),
    "$sqrt": _numeric(_root),
    "$exp": _numeric(_exp),
    "$ln": _numeric(_logarithm),
    "$log10": _numeric(_log10),
    "$log": _numeric(_logarithm, 2, 28756),
    "$not": _any(lambda value: not truthy(value)),
    "$cmp": _compared(_sign),
    "$eq": _compared(operator.eq),
    "$ne": _compared(operator.ne),
    "$gt": _compared(operator.gt),
    "$gte": _compared(operator.ge),
    "$lt": _compared(operator.lt),
    "$lte": _compared(operator.le),
    "$concat": _of(str, lambda *each: _limited("".join(each)), "0*", 16702),
    "$toUpper": _any(_upper),
    "$toLower": _any(_lower),
    "$strcasecmp": _any(lambda one, other: _sign(_upper(one), _upper(other)), 2),
    "$substr": _any(_part_of_bytes, 3),
    "$substrBytes": _any(_part_of_bytes, 3),
    "$substrCP": _any(_part, 3),
    "$strLenCP": _of(str, len, "1", 34471, nulls=0),
    "$strLenBytes": _of(str, lambda text: len(_bytes(text)), "1", 34473, nulls=0),
    "$split": _of(str, _split, "2", 40085),
    "$indexOfCP": _index("$indexOfCP", _checked_text),
    "$indexOfBytes": _index("$indexOfBytes", lambda text: _bytes(_checked_text(text))),
    "$indexOfArray": _index("$indexOfArray", lambda values: array("$indexOfArray", values)),
    "$size": _any(_length),
    "$isArray": _any(lambda value: type(value) is list),
    "$arrayElemAt": Operator(_element_at, 2, 2),
    "$slice": Operator(_slice, 2, 3),
    "$concatArrays": _of(list, _joined, "0*", 28664),
    "$in": _any(lambda value, values: key(value) in map(key, array("$in", values)), 2),
    "$range": _any(_range, 2, 3),
    "$reverseArray": _of(list, lambda values: values[::-1], "1", 34435),
    "$objectToArray": Operator(_to_array),
    "$arrayToObject": Operator(_to_object),
    "$mergeObjects": _any(lambda *each: merged(list(each)), 0, _MANY),
    "$setUnion": _of(list, lambda *each: distinct(_joined(*each)), "0*", 17043),
    "$setIntersection": _of(list, _intersection, "0*", 17047),
    "$setDifference": _of(list, _difference, "2", 17048),
    "$setEquals": _of(
        list,
        lambda *sets: all(_keys(each) == _keys(sets[0]) for each in sets),
        "2*",
        17044,
        nulls=0,
    ),
    "$setIsSubset": _of(list, lambda a, b: _keys(a) <= _keys(b), "2", 17046, nulls=0),
    "$allElementsTrue": _of(list, lambda each: all(map(truthy, each)), "1", 17040, nulls=0),
    "$anyElementTrue": _of(list, lambda each: any(map(truthy, each)), "1", 17041, nulls=0),
}
_PARTS_OF_DATES: Final = (
    *("year", "isoWeekYear", "month", "isoWeek", "day", "isoDayOfWeek", "hour", "minute"),
    *("second", "millisecond", "timezone"),
)
FIELDS: Final[dict[str, tuple[Callable[[Document], Any], Sequence[str], Sequence[str]]]] = {
    "$zip": (_zip, ("inputs",), ("useLongestLength", "defaults")),
    "$dateToString": (_dates.to_string, ("date",), ("format", "timezone", "onNull")),
    "$dateFromParts": (_dates.from_parts, (), _PARTS_OF_DATES),
    "$dateFromString": (
        _dates.from_string,
        ("dateString",),
        ("format", "timezone", "onError", "onNull"),
    ),
}
"""Functions of operands with names: those required, those optional."""
