"""Expressions of aggregation, compiled once into a function of a document and variables."""

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from cloud_openapi.documents import _dates
from cloud_openapi.documents._accumulators import ACCUMULATORS, distinct, merged, number
from cloud_openapi.documents._errors import Code, OperationFailure
from cloud_openapi.documents._paths import field, split
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import (
    LARGEST,
    MISSING,
    Document,
    is_number,
    is_operators,
    key,
    shown,
    type_name,
    whole,
)

Value = Callable[[Any, Document], Any]
"""From the current document and the variables to a value, `MISSING` for a field there is not."""

_LONGEST_RANGE: Final = 1_000_000
_TEN: Final = 10


def truthy(value: Any) -> bool:
    """Return whether a value counts as true: all but false, null, missing and 0."""
    return not (
        value is None or value is MISSING or value is False or (is_number(value) and not value)
    )


def expression(source: Any, scope: Scope) -> Value:
    """Return the function of an expression. Raises OperationFailure."""
    if type(source) is str and source.startswith("$"):
        return _variable(source[2:]) if source.startswith("$$") else _path(source[1:])
    if type(source) is list:
        items = [expression(each, scope) for each in source]
        return lambda document, variables: [
            None if (value := item(document, variables)) is MISSING else value for item in items
        ]
    if is_operators(source):
        return _operation(source, scope)
    if type(source) is dict:
        return _object({name: expression(each, scope) for name, each in source.items()})
    return lambda *_: source


def _path(path: str) -> Value:
    parts = split(path)
    if "" in parts:
        raise OperationFailure(f"FieldPath '${path}' has an empty name", 40353)
    read = field(parts)
    return lambda document, _: read(document)


def _variable(path: str) -> Value:
    name, *parts = split(path)
    read = field(parts) if parts else lambda value: value
    if name == "CURRENT":
        return lambda document, _: read(document)
    if name == "ROOT":
        return lambda document, variables: read(variables.get("ROOT", document))
    if name == "REMOVE":
        return lambda *_: MISSING

    def value(_: Any, variables: Document) -> Any:
        if name not in variables:
            raise OperationFailure(f"Use of undefined variable: {name:.100}", 17276)
        return read(variables[name])

    return value


def _object(fields: dict[str, Value]) -> Value:
    return lambda document, variables: {
        name: value
        for name, each in fields.items()
        if (value := each(document, variables)) is not MISSING
    }


def _operation(source: Document, scope: Scope) -> Value:
    name = next(iter(source))
    if len(source) != 1:
        raise OperationFailure(
            "an expression specification must contain exactly one field, the name of the "
            f"expression. Found {len(source)} fields in {shown(source)}",
            15983,
        )
    if name in _SPECIAL:
        return _SPECIAL[name](source[name], scope)
    if name in _FIELDS:
        return _with_fields(name, source[name], scope)
    operands = source[name] if type(source[name]) is list else [source[name]]
    values = [expression(each, scope) for each in operands]
    if name in _dates.PARTS:
        return _date_part(name, source[name], scope)
    if name in _OPERATORS:
        return _call(name, _OPERATORS[name], values)
    if name in ACCUMULATORS:
        return _accumulated(name, values)
    raise OperationFailure(f"Unrecognized expression '{name:.100}'", Code.INVALID_PIPELINE_OPERATOR)


class _Kind(NamedTuple):
    name: str
    holds: Callable[[Any], bool]


_ANY: Final = _Kind("any", lambda _: True)
_NUMBER: Final = _Kind("numeric", is_number)
_TEXT: Final = _Kind("string", lambda value: type(value) is str)
_ARRAY: Final = _Kind("array", lambda value: type(value) is list)
_ADDABLE: Final = _Kind(
    "numeric or date", lambda value: is_number(value) or type(value) is datetime
)


class _Operator(NamedTuple):
    """A function of evaluated operands of one kind, and MongoDB's code for another kind."""

    function: Callable[..., Any]
    least: int = 1
    most: float = 1
    kind: _Kind = _ANY
    code: int = Code.TYPE_MISMATCH
    nulls: bool = True
    """Whether the result is null if an operand is null or missing."""


def _call(name: str, called: _Operator, values: Sequence[Value]) -> Value:
    if not called.least <= len(values) <= called.most:
        wanted = (
            f"{called.least}" if called.least == called.most else f"{called.least}-{called.most}"
        )
        raise OperationFailure(
            f"Expression {name} takes exactly {wanted} arguments. {len(values)} were passed in.",
            16020,
        )
    function, holds, nulls = called.function, called.kind.holds, called.nulls

    def value(document: Any, variables: Document) -> Any:
        operands = [each(document, variables) for each in values]
        for each in operands:
            if nulls and (each is None or each is MISSING):
                return None
            if not holds(each):
                raise OperationFailure(
                    f"{name} only supports {called.kind.name} types, not {type_name(each)}",
                    called.code,
                )
        return function(*operands)

    return value


def _accumulated(name: str, values: list[Value]) -> Value:
    function = ACCUMULATORS[name]

    def value(document: Any, variables: Document) -> Any:
        operands = [each(document, variables) for each in values]
        if len(operands) == 1 and type(operands[0]) is list:
            operands = operands[0]
        return function(operands)

    return value


def _with_fields(name: str, operand: Any, scope: Scope) -> Value:
    """Return the operation of an operator whose operands have names."""
    function, required, optional = _FIELDS[name]
    if type(operand) is not dict:
        raise OperationFailure(f"{name} only supports an object as its argument", 9)
    if wrong := (operand.keys() - {*required, *optional}) or ({*required} - operand.keys()):
        raise OperationFailure(f"{name} has a missing or unknown argument: {min(wrong):.100}", 9)
    fields = {each: expression(value, scope) for each, value in operand.items()}
    return lambda document, variables: function(
        {each: value(document, variables) for each, value in fields.items()}
    )


# Operators that do not evaluate all operands, or more than once -----------------------------------


def _cond(operand: Any, scope: Scope) -> Value:
    parts = operand
    if type(operand) is dict and operand.keys() == {"if", "then", "else"}:
        parts = [operand["if"], operand["then"], operand["else"]]
    if type(parts) is not list or len(parts) != 3:  # noqa: PLR2004
        raise OperationFailure("$cond needs if, then and else", 17080)
    test, yes, no = (expression(each, scope) for each in parts)
    return lambda *given: yes(*given) if truthy(test(*given)) else no(*given)


def _switch(operand: Any, scope: Scope) -> Value:
    branches = operand.get("branches") if type(operand) is dict else None
    if type(branches) is not list or not branches:
        raise OperationFailure("$switch requires at least one branch", 40068)
    if not all(type(each) is dict and each.keys() == {"case", "then"} for each in branches):
        raise OperationFailure("$switch requires each branch to have 'case' and 'then'", 40067)
    pairs = [(expression(e["case"], scope), expression(e["then"], scope)) for e in branches]
    default = expression(operand["default"], scope) if "default" in operand else None

    def value(*given: Any) -> Any:
        for case, then in pairs:
            if truthy(case(*given)):
                return then(*given)
        if default is None:
            raise OperationFailure(
                "$switch could not find a matching branch for an input, and no default was "
                "specified.",
                40066,
            )
        return default(*given)

    return value


def _if_null(operand: Any, scope: Scope) -> Value:
    if type(operand) is not list or len(operand) != 2:  # noqa: PLR2004
        raise OperationFailure("Expression $ifNull takes exactly 2 arguments.", 16020)
    first, second = (expression(each, scope) for each in operand)

    def value(*given: Any) -> Any:
        found = first(*given)
        return second(*given) if found is None or found is MISSING else found

    return value


def _logic(decide: Callable[[Iterator[bool]], bool]) -> Callable[[Any, Scope], Value]:
    def build(operand: Any, scope: Scope) -> Value:
        operands = operand if type(operand) is list else [operand]
        values = [expression(each, scope) for each in operands]
        return lambda *given: decide(truthy(each(*given)) for each in values)

    return build


def _let(operand: Any, scope: Scope) -> Value:
    match operand:
        case {"vars": dict(sources), "in": body, **rest} if not rest:
            variables = {name: expression(each, scope) for name, each in sources.items()}
            inside = expression(body, scope)
            return lambda document, outer: inside(
                document,
                {**outer, **{name: each(document, outer) for name, each in variables.items()}},
            )
    raise OperationFailure("$let needs an object with vars and in", 16874)


def _loop(name: str, operand: Any, body: str, scope: Scope) -> Callable[..., Any]:
    """Return a function that yields each element with the result of the body for it."""
    if type(operand) is not dict or not {"input", body} <= operand.keys() <= {"input", "as", body}:
        raise OperationFailure(f"{name} needs an object with input, as and {body}", 28646)
    values, inside = expression(operand["input"], scope), expression(operand[body], scope)
    variable = operand.get("as", "this")

    def run(document: Any, variables: Document) -> Any:
        found = values(document, variables)
        if found is None or found is MISSING:
            return None
        scope.check()
        return [
            (each, inside(document, {**variables, variable: each})) for each in _array(name, found)
        ]

    return run


def _map(operand: Any, scope: Scope) -> Value:
    run = _loop("$map", operand, "in", scope)

    def value(*given: Any) -> Any:
        pairs = run(*given)
        return pairs if pairs is None else [None if new is MISSING else new for _, new in pairs]

    return value


def _filter(operand: Any, scope: Scope) -> Value:
    run = _loop("$filter", operand, "cond", scope)

    def value(*given: Any) -> Any:
        pairs = run(*given)
        return pairs if pairs is None else [each for each, kept in pairs if truthy(kept)]

    return value


def _reduce(operand: Any, scope: Scope) -> Value:
    if type(operand) is not dict or operand.keys() != {"input", "initialValue", "in"}:
        raise OperationFailure("$reduce needs an object with input, initialValue and in", 40075)
    values, initial, inside = (
        expression(operand[each], scope) for each in ("input", "initialValue", "in")
    )

    def value(document: Any, variables: Document) -> Any:
        found = values(document, variables)
        if found is None or found is MISSING:
            return None
        result = initial(document, variables)
        for each in scope.watch(_array("$reduce", found)):
            result = inside(document, {**variables, "this": each, "value": result})
        return result

    return value


def _literal(operand: Any, _: Scope) -> Value:
    return lambda *_: operand


def _date_part(name: str, operand: Any, scope: Scope) -> Value:
    source = operand[0] if type(operand) is list and len(operand) == 1 else operand
    fields = source if type(source) is dict and "date" in source else {"date": source}
    if fields.keys() - {"date", "timezone"}:
        raise OperationFailure(f"{name} takes date and timezone", 40535)
    date = expression(fields["date"], scope)
    zone = expression(fields["timezone"], scope) if "timezone" in fields else lambda *_: MISSING
    part = _dates.PARTS[name]

    def value(*given: Any) -> Any:
        moment, place = date(*given), zone(*given)
        if moment is None or moment is MISSING or place is None:
            return None
        return part(_dates.local(moment, place, name))

    return value


_SPECIAL: Final[dict[str, Callable[[Any, Scope], Value]]] = {
    "$cond": _cond,
    "$switch": _switch,
    "$ifNull": _if_null,
    "$and": _logic(all),
    "$or": _logic(any),
    "$let": _let,
    "$map": _map,
    "$filter": _filter,
    "$reduce": _reduce,
    "$literal": _literal,
}

# Functions of operands ---------------------------------------------------------------------------


def _array(name: str, value: Any) -> list[Any]:
    if type(value) is list:
        return value
    raise OperationFailure(f"{name} needs an array, not {type_name(value)}", 28651)


def _add(*operands: Any) -> Any:
    dates = [each for each in operands if type(each) is datetime]
    if len(dates) > 1:
        raise OperationFailure("only one date allowed in an $add expression", 16612)
    found = number(sum(each for each in operands if type(each) is not datetime))
    return _dates.shifted(dates[0], found) if dates else found


def _subtract(one: Any, other: Any) -> Any:
    if type(one) is datetime:
        if type(other) is datetime:
            return _dates.milliseconds(one) - _dates.milliseconds(other)
        return _dates.shifted(one, -other)
    if type(other) is datetime:
        raise OperationFailure(f"cant $subtract a date from a {type_name(one)}", 16556)
    return number(one - other)


def _divide(one: Any, other: Any) -> float:
    if other == 0:
        raise OperationFailure("can't $divide by zero", 16608)
    return float(one / other)


def _mod(one: Any, other: Any) -> Any:
    if other == 0:
        raise OperationFailure("can't $mod by zero", 16610)
    if type(one) is int and type(other) is int:
        found = abs(one) % abs(other)
        return found if one >= 0 else -found
    return math.fmod(one, other) if math.isfinite(one) else math.nan


def _pow(base: Any, exponent: Any) -> Any:
    if base == 0 and exponent < 0:
        raise OperationFailure("$pow cannot take a base of 0 and a negative exponent", 28764)
    try:
        found = math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:  # a root of a negative number
        return math.nan
    exact = type(base) is int and type(exponent) is int and exponent >= 0 and abs(found) < 2**63
    return number(base**exponent) if exact else found


def _rounded(function: Callable[[float], float]) -> Callable[[Any], Any]:
    def rounded(value: Any) -> Any:
        return float(function(value)) if type(value) is float and math.isfinite(value) else value

    return rounded


def _logarithm(value: Any, base: Any = math.e) -> Any:
    if value <= 0 or base <= 0 or base == 1:
        raise OperationFailure(
            f"a logarithm's argument must be a positive number, but is {value}", 28766
        )
    return math.log10(value) if base == _TEN else math.log(value, base)


def _root(value: Any) -> float:
    if value < 0:
        raise OperationFailure("$sqrt's argument must be greater than or equal to 0", 28714)
    return math.sqrt(value)


def _exp(value: Any) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _limited(result: Any) -> Any:
    if len(result) > LARGEST:
        raise OperationFailure("The result of an expression is too large", Code.DOCUMENT_TOO_LARGE)
    return result


def _text(value: Any) -> str:
    """Return a value as text, as the operators of letters take it."""
    if value is None or value is MISSING:
        return ""
    if type(value) is datetime:
        return str(_dates.to_string({"date": value}))
    if type(value) is str or is_number(value):
        return str(value)
    raise OperationFailure(f"can't convert from BSON type {type_name(value)} to String", 16007)


def _upper(value: Any) -> str:
    return _text(value).encode(errors="surrogatepass").upper().decode(errors="surrogatepass")


def _lower(value: Any) -> str:
    return _text(value).encode(errors="surrogatepass").lower().decode(errors="surrogatepass")


def _compare_text(one: Any, other: Any) -> int:
    return _sign(_upper(one), _upper(other))


def _sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def _part_of_bytes(value: Any, start: Any, length: Any) -> str:
    text, (begin, count) = _text(value).encode(), _wholes("$substrBytes", start, length)
    if begin < 0:
        return ""
    try:
        return text[begin:][: count if count >= 0 else None].decode()
    except UnicodeDecodeError:
        raise OperationFailure(
            "$substrBytes: Invalid range, amid a UTF-8 character", 28656
        ) from None


def _part(value: Any, start: Any, length: Any) -> str:
    begin, count = _wholes("$substrCP", start, length)
    if begin < 0 or count < 0:
        raise OperationFailure("$substrCP: start and length must not be negative", 34455)
    return _text(value)[begin : begin + count]


def _wholes(name: str, *values: Any) -> list[int]:
    found = [whole(each) for each in values]
    if None in found:
        raise OperationFailure(f"{name} needs numbers that are integers", 34450)
    return [each for each in found if each is not None]


def _split(text: str, separator: str) -> list[str]:
    if not separator:
        raise OperationFailure("$split requires a non-empty separator", 40087)
    return text.split(separator)


def _index(name: str, convert: Callable[[Any], Any]) -> Callable[..., Any]:
    def index(values: Any, wanted: Any, start: Any = 0, end: Any = None) -> Any:
        if values is None or values is MISSING:
            return None
        sequence, (begin,) = convert(values), _wholes(name, start)
        stop = len(sequence) if end is None else _wholes(name, end)[0]
        if begin < 0 or stop < 0:
            raise OperationFailure(f"{name} requires a nonnegative start and end", 40097)
        if type(sequence) is not list:
            return sequence.find(convert(wanted), begin, stop) if begin <= len(sequence) else -1
        keys, key_ = [key(each) for each in sequence[begin:stop]], key(wanted)
        return begin + keys.index(key_) if key_ in keys else -1

    return index


def _checked_text(value: Any) -> str:
    if type(value) is str:
        return value
    raise OperationFailure(f"a string is required, found: {type_name(value)}", 40091)


def _length(value: Any) -> int:
    if type(value) is list:
        return len(value)
    raise OperationFailure(
        f"The argument to $size must be an array, but was of type: {type_name(value)}", 17124
    )


def _element_at(values: Any, index: Any) -> Any:
    at, found = _wholes("$arrayElemAt", index)[0], _array("$arrayElemAt", values)
    return found[at] if -len(found) <= at < len(found) else MISSING


def _slice(values: Any, *given: Any) -> list[Any]:
    found, (first, *rest) = _array("$slice", values), _wholes("$slice", *given)
    if not rest:
        return found[:first] if first >= 0 else found[first:]
    if rest[0] <= 0:
        raise OperationFailure("Third argument to $slice must be positive", 28729)
    begin = first if first >= 0 else max(0, len(found) + first)
    return found[begin : begin + rest[0]]


def _is_in(value: Any, values: Any) -> bool:
    return key(value) in map(key, _array("$in", values))


def _range(*given: Any) -> list[int]:
    start, end, step = (*_wholes("$range", *given), 1)[:3]
    if step == 0:
        raise OperationFailure("$range requires a non-zero step value", 34449)
    numbers = range(start, end, step)
    if len(numbers) > _LONGEST_RANGE:
        raise OperationFailure("$range has too many numbers", Code.EXCEEDED_MEMORY_LIMIT)
    return list(numbers)


def _zip(fields: Document) -> Any:
    inputs, defaults = fields["inputs"], fields.get("defaults")
    arrays = inputs if type(inputs) is list else [inputs]
    if any(each is None or each is MISSING for each in arrays):
        return None
    lengths = [len(_array("$zip", each)) for each in arrays]
    longest = truthy(fields.get("useLongestLength"))
    count = max(lengths) if longest else min(lengths)
    fill = defaults if type(defaults) is list else [None] * len(arrays)
    return [
        [each[n] if n < len(each) else other for each, other in zip(arrays, fill, strict=False)]
        for n in range(count)
    ]


def _to_array(value: Any) -> Any:
    if type(value) is not dict:
        raise OperationFailure(
            f"$objectToArray requires a document input, found: {type_name(value)}", 40390
        )
    return [{"k": name, "v": each} for name, each in value.items()]


def _to_object(values: Any) -> Any:
    result = {}
    for each in _array("$arrayToObject", values):
        match each:
            case [str(name), value]:
                result[name] = value
            case {"k": str(name), "v": value}:
                result[name] = value
            case _:
                raise OperationFailure("$arrayToObject needs pairs, or objects with k and v", 40386)
    return result


def _keys(values: list[Any]) -> set[Any]:
    return {key(each) for each in values}


def _intersection(*arrays: list[Any]) -> list[Any]:
    common = set.intersection(*map(_keys, arrays)) if arrays else set()
    return [each for each in distinct(arrays[0] if arrays else []) if key(each) in common]


def _difference(one: list[Any], other: list[Any]) -> list[Any]:
    without = _keys(other)
    return [each for each in distinct(one) if key(each) not in without]


def _compared(test: Callable[[Any, Any], Any]) -> _Operator:
    return _Operator(lambda one, other: test(key(one), key(other)), 2, 2, nulls=False)


def _sets(
    function: Callable[..., Any], least: int, most: float, *, nulls: bool = True
) -> _Operator:
    return _Operator(function, least, most, _ARRAY, 17041, nulls)


_MANY: Final = math.inf
_OPERATORS: Final[dict[str, _Operator]] = {
    "$add": _Operator(_add, 0, _MANY, _ADDABLE, 16554),
    "$subtract": _Operator(_subtract, 2, 2, _ADDABLE, 16556),
    "$multiply": _Operator(lambda *each: number(math.prod(each)), 0, _MANY, _NUMBER, 16555),
    "$divide": _Operator(_divide, 2, 2, _NUMBER, 16609),
    "$mod": _Operator(_mod, 2, 2, _NUMBER, 16611),
    "$pow": _Operator(_pow, 2, 2, _NUMBER, 28762),
    "$abs": _Operator(lambda value: number(abs(value)), 1, 1, _NUMBER, 28765),
    "$ceil": _Operator(_rounded(math.ceil), 1, 1, _NUMBER, 28765),
    "$floor": _Operator(_rounded(math.floor), 1, 1, _NUMBER, 28765),
    "$trunc": _Operator(_rounded(math.trunc), 1, 1, _NUMBER, 28765),
    "$sqrt": _Operator(_root, 1, 1, _NUMBER, 28765),
    "$exp": _Operator(_exp, 1, 1, _NUMBER, 28765),
    "$ln": _Operator(_logarithm, 1, 1, _NUMBER, 28765),
    "$log10": _Operator(lambda value: _logarithm(value, _TEN), 1, 1, _NUMBER, 28765),
    "$log": _Operator(_logarithm, 2, 2, _NUMBER, 28756),
    "$not": _Operator(lambda value: not truthy(value), nulls=False),
    "$cmp": _compared(_sign),
    "$eq": _compared(operator.eq),
    "$ne": _compared(operator.ne),
    "$gt": _compared(operator.gt),
    "$gte": _compared(operator.ge),
    "$lt": _compared(operator.lt),
    "$lte": _compared(operator.le),
    "$concat": _Operator(lambda *each: _limited("".join(each)), 0, _MANY, _TEXT, 16702),
    "$toUpper": _Operator(_upper, nulls=False),
    "$toLower": _Operator(_lower, nulls=False),
    "$strcasecmp": _Operator(_compare_text, 2, 2, nulls=False),
    "$substr": _Operator(_part_of_bytes, 3, 3, nulls=False),
    "$substrBytes": _Operator(_part_of_bytes, 3, 3, nulls=False),
    "$substrCP": _Operator(_part, 3, 3, nulls=False),
    "$strLenCP": _Operator(len, 1, 1, _TEXT, 34471, nulls=False),
    "$strLenBytes": _Operator(lambda text: len(text.encode()), 1, 1, _TEXT, 34473, nulls=False),
    "$split": _Operator(_split, 2, 2, _TEXT, 40085),
    "$indexOfCP": _Operator(_index("$indexOfCP", _checked_text), 2, 4, nulls=False),
    "$indexOfBytes": _Operator(
        _index("$indexOfBytes", lambda text: _checked_text(text).encode()), 2, 4, nulls=False
    ),
    "$indexOfArray": _Operator(
        _index("$indexOfArray", lambda values: _array("$indexOfArray", values)), 2, 4, nulls=False
    ),
    "$size": _Operator(_length, nulls=False),
    "$isArray": _Operator(lambda value: type(value) is list, nulls=False),
    "$arrayElemAt": _Operator(_element_at, 2, 2),
    "$slice": _Operator(_slice, 2, 3),
    "$concatArrays": _Operator(
        lambda *each: _limited([item for one in each for item in one]), 0, _MANY, _ARRAY, 28664
    ),
    "$in": _Operator(_is_in, 2, 2, nulls=False),
    "$range": _Operator(_range, 2, 3, nulls=False),
    "$reverseArray": _Operator(lambda values: values[::-1], 1, 1, _ARRAY, 34435),
    "$objectToArray": _Operator(_to_array),
    "$arrayToObject": _Operator(_to_object),
    "$mergeObjects": _Operator(lambda *each: merged(list(each)), 0, _MANY, nulls=False),
    "$setUnion": _sets(lambda *each: distinct([item for one in each for item in one]), 0, _MANY),
    "$setIntersection": _sets(_intersection, 0, _MANY),
    "$setDifference": _sets(_difference, 2, 2),
    "$setEquals": _sets(
        lambda first, *rest: all(_keys(each) == _keys(first) for each in rest),
        2,
        _MANY,
        nulls=False,
    ),
    "$setIsSubset": _sets(lambda one, other: _keys(one) <= _keys(other), 2, 2, nulls=False),
    "$allElementsTrue": _sets(lambda values: all(map(truthy, values)), 1, 1, nulls=False),
    "$anyElementTrue": _sets(lambda values: any(map(truthy, values)), 1, 1, nulls=False),
}
_PARTS_OF_DATES: Final = (
    *("year", "isoWeekYear", "month", "isoWeek", "day", "isoDayOfWeek", "hour", "minute"),
    *("second", "millisecond", "timezone"),
)
# Function, required operands, optional operands
_FIELDS: Final[dict[str, tuple[Callable[[Document], Any], Sequence[str], Sequence[str]]]] = {
    "$zip": (_zip, ("inputs",), ("useLongestLength", "defaults")),
    "$dateToString": (_dates.to_string, ("date",), ("format", "timezone")),
    "$dateFromParts": (_dates.from_parts, (), _PARTS_OF_DATES),
    "$dateFromString": (_dates.from_string, ("dateString",), ("timezone", "onError", "onNull")),
}
