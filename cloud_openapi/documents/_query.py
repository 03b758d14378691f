"""Queries, compiled once into a function of a document."""

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from cloud_openapi.documents import _geo
from cloud_openapi.documents._errors import PARSE, check
from cloud_openapi.documents._expressions import expression
from cloud_openapi.documents._paths import values_at
from cloud_openapi.documents._regex import regex, searcher
from cloud_openapi.documents._schema import schema
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import (
    MISSING,
    TYPES,
    Document,
    Key,
    is_number,
    is_operators,
    key,
    truthy,
    type_name,
    whole,
)

Match = Callable[[Document], bool]
Test = Callable[[Any], bool]
_Build = Callable[[str, Any, Document, Scope], Match]
"""From a path, an operand, the operators beside it and the scope to a match."""

_ITSELF: Final = "$"
"""The path of a value that no document has around it."""
_REFUSED: Final = {
    "$where": "$where runs JavaScript, which this engine does not have. Use $expr",
    "$text": "$text needs a text index, which this engine does not have. Use a regular expression",
}


def query(conditions: Any, scope: Scope) -> Match:
    """Return the function that says whether a document satisfies a query.

    Raises OperationFailure for an invalid query; so does the function for a text that a regular
    expression cannot search in time.
    """
    check(
        type(conditions) is dict, f"A query must be an object, not {type_name(conditions)}", PARSE
    )
    return _all([_condition(path, each, scope) for path, each in conditions.items()])


def fixed_values(conditions: Document) -> Iterator[tuple[str, list[Any]]]:
    """Yield the paths that a query compares with values, as $eq and $in do, and the values."""
    for path, condition in conditions.items():
        if path == "$and" or (path == "$or" and len(condition) == 1):
            for each in condition:
                yield from fixed_values(each)
        elif not path.startswith("$"):
            operators = condition if is_operators(condition) else {"$eq": condition}
            equal = [operators["$eq"]] if "$eq" in operators else []
            for each in [*equal, *operators.get("$all", [])]:
                if not is_operators(each):
                    yield path, [each]
            if "$in" in operators:
                yield path, operators["$in"]


def equalities(conditions: Document) -> dict[str, list[Key]]:
    """Return the keys of fixed values that an index finds."""
    return {
        path: [key(each) for each in values]
        for path, values in fixed_values(conditions)
        if not {type(each) for each in values} & {list, re.Pattern}
    }


def nearest(conditions: Document) -> tuple[str, _geo.Distance] | None:
    """Return the path and distance by which a query sorts, with $near or $nearSphere."""
    for path, condition in conditions.items():
        for each in condition if path == "$and" else []:
            if found := nearest(each):
                return found
        for name in {"$near", "$nearSphere"} & (
            condition.keys() if is_operators(condition) else set()
        ):
            return path, _geo.near(condition[name], condition)
    return None


def _condition(path: str, operand: Any, scope: Scope) -> Match:
    if path in _LOGICAL:
        return _LOGICAL[path](operand, scope)
    check(not path.startswith("$"), _REFUSED.get(path, f"unknown top level operator: {path:.100}"))
    if is_operators(operand):
        return _operators(path, operand, scope)
    return _equal(path, operand, {}, scope)


def _operators(path: str, conditions: Document, scope: Scope) -> Match:
    for name in conditions:
        check(name in _OPERATORS, _REFUSED.get(name, f"unknown operator: {name:.100}"))
    return _all(
        [_OPERATORS[name](path, each, conditions, scope) for name, each in conditions.items()]
    )


def value_test(condition: Any, scope: Scope, *, inside: bool = False) -> Test:
    """Return a test of single values, as $elemMatch applies them to elements.

    ``inside``, as for $pull, also tests the elements of a value that is a list.
    """
    if is_operators(condition) and next(iter(condition)) not in _LOGICAL:
        if not inside:
            return _operators(_ITSELF, condition, scope)
        match = _operators("", condition, scope)  # the value is a document's only field
        return lambda value: match({"": value})
    match = query(condition, scope)
    return lambda value: type(value) is dict and match(value)


def _all(matches: Sequence[Match]) -> Match:
    if len(matches) == 1:
        return matches[0]
    return lambda document: all(match(document) for match in matches)


def _anywhere(path: str, test: Test) -> Match:
    """Return the match of a test with a value or one of its elements."""
    return _whole(path, test, elements=True)


def _whole(path: str, test: Test, *, elements: bool = False) -> Match:
    if path == _ITSELF:
        return test
    read = values_at(path, elements=elements)
    return lambda document: any(map(test, read(document)))


def _not(match: Match) -> Match:
    return lambda document: not match(document)


def _queries(decide: Callable[[Sequence[Match]], Match]) -> Callable[[Any, Scope], Match]:
    def build(operand: Any, scope: Scope) -> Match:
        check(type(operand) is list and operand, "$and/$or/$nor must be a nonempty array")
        return decide([query(each, scope) for each in operand])

    return build


def _any(matches: Sequence[Match]) -> Match:
    return lambda document: any(match(document) for match in matches)


def _expr(operand: Any, scope: Scope) -> Match:
    value = expression(operand, scope)
    return lambda document: truthy(value(document, scope.variables))


_LOGICAL: Final[dict[str, Callable[[Any, Scope], Match]]] = {
    "$and": _queries(_all),
    "$or": _queries(_any),
    "$nor": _queries(lambda matches: _not(_any(matches))),
    "$expr": _expr,
    "$jsonSchema": schema,
    "$comment": lambda *_: _all([]),
}

# Operators of a field ----------------------------------------------------------------------------


def _equals(operand: Any) -> Test:
    if type(operand) is str:
        return lambda value: value == operand and type(value) is str
    if operand is None:
        return lambda value: value is None or value is MISSING
    wanted = key(operand)
    return lambda value: key(value) == wanted


def _equal(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    is_pattern = type(operand) is re.Pattern
    return _anywhere(path, searcher(regex(operand), scope) if is_pattern else _equals(operand))


def _ordered(compare: Callable[[Any, Any], bool]) -> _Build:
    """Return the builder of a comparison, which values of other types never satisfy."""

    def build(path: str, operand: Any, *_: Any) -> Match:
        check(
            type(operand) is not re.Pattern, f"Can't have RegEx as arg to predicate over '{path}'."
        )
        wanted = key(operand)
        if is_number(operand) and wanted != key(math.nan):
            return _anywhere(path, lambda value: is_number(value) and compare(value, operand))

        def test(value: Any) -> bool:
            found = key(None if value is MISSING else value)
            return found[0] == wanted[0] and compare(found, wanted)

        return _anywhere(path, test)

    return build


def _in(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    check(type(operand) is list, "$in needs an array")
    check(not any(map(is_operators, operand)), "cannot nest $ under $in")
    searchers = [searcher(regex(each), scope) for each in operand if type(each) is re.Pattern]
    keys = {key(each) for each in operand} | ({key(MISSING)} if None in operand else set())
    return _anywhere(
        path, lambda value: key(value) in keys or any(search(value) for search in searchers)
    )


def _all_of(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    check(type(operand) is list, "$all needs an array")
    matches = [
        _operators(path, each, scope)
        if is_operators(each) and "$elemMatch" in each
        else _equal(path, each, {}, scope)
        for each in operand
    ]
    return _all(matches) if matches else _any([])


def _negated(build: _Build) -> _Build:
    return lambda *given: _not(build(*given))


def _not_operators(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    if type(operand) is re.Pattern:
        return _not(_equal(path, operand, {}, scope))
    check(is_operators(operand), "$not needs a regex or a document")
    return _not(_operators(path, operand, scope))


def _exists(path: str, operand: Any, *_: Any) -> Match:
    match = _whole(path, lambda value: value is not MISSING)
    return match if truthy(operand) else _not(match)


def _size(path: str, operand: Any, *_: Any) -> Match:
    length = whole(operand)
    check(length is not None and length >= 0, "$size must be a whole number, and not negative")
    return _whole(path, lambda value: type(value) is list and len(value) == length)


def _mod(path: str, operand: Any, *_: Any) -> Match:
    check(type(operand) is list, "malformed mod, needs to be an array")
    check(len(operand) >= 2, "malformed mod, not enough elements")  # noqa: PLR2004
    check(len(operand) == 2, "malformed mod, too many elements")  # noqa: PLR2004
    check(all(map(_is_finite, operand)), "malformed mod, divisor and remainder must be numbers")
    divisor, remainder = map(int, operand)
    check(divisor, "divisor cannot be 0")

    def test(value: Any) -> bool:
        if not _is_finite(value):
            return False
        found = abs(int(value)) % abs(divisor)  # with the sign of the value, as in C
        return (found if value >= 0 else -found) == remainder

    return _anywhere(path, test)


def _is_finite(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)


def _type(path: str, operand: Any, *_: Any) -> Match:
    numbers, names = {number: name for name, number in TYPES.items()}, set[str]()
    for each in operand if type(operand) is list else [operand]:
        name = numbers.get(each) if is_number(each) else each
        check(type(name) is str and name in {*TYPES, "number"}, f"Unknown type name alias: {name}")
        names |= {"int", "long", "double"} if name == "number" else {str(name)}
    return _anywhere(path, lambda value: type_name(value) in names)


def _regex(path: str, operand: Any, conditions: Document, scope: Scope) -> Match:
    return _anywhere(path, searcher(regex(operand, conditions.get("$options", "")), scope))


def _options(path: str, _: Any, conditions: Document, __: Scope) -> Match:
    check("$regex" in conditions, f"$options needs a $regex, at {path}")
    return _all([])


def _elem_match(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    check(type(operand) is dict, "$elemMatch needs an Object")
    test = value_test(operand, scope)
    return _whole(path, lambda value: type(value) is list and any(map(test, value)))


def _near(path: str, operand: Any, conditions: Document, _: Scope) -> Match:
    distance = _geo.near(operand, conditions)
    return _whole(path, lambda value: distance(value) is not None)


_OPERATORS: Final[dict[str, _Build]] = {
    "$eq": lambda path, operand, *_: _anywhere(path, _equals(operand)),
    "$ne": _negated(_equal),
    "$gt": _ordered(operator.gt),
    "$gte": _ordered(operator.ge),
    "$lt": _ordered(operator.lt),
    "$lte": _ordered(operator.le),
    "$in": _in,
    "$nin": _negated(_in),
    "$all": _all_of,
    "$not": _not_operators,
    "$exists": _exists,
    "$size": _size,
    "$mod": _mod,
    "$type": _type,
    "$regex": _regex,
    "$options": _options,
    "$elemMatch": _elem_match,
    "$geoWithin": lambda path, operand, *_: _whole(path, _geo.within(operand)),
    "$geoIntersects": lambda path, operand, *_: _whole(path, _geo.intersects(operand)),
    "$near": _near,
    "$nearSphere": _near,
    "$maxDistance": lambda *_: _all([]),
    "$minDistance": lambda *_: _all([]),
}
