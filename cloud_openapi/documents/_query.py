"""Queries, compiled once into a function of a document."""

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from cloud_openapi.documents import _geo
from cloud_openapi.documents._errors import OperationFailure, unparsable
from cloud_openapi.documents._expressions import expression, truthy
from cloud_openapi.documents._paths import values_at
from cloud_openapi.documents._regex import regex, searcher
from cloud_openapi.documents._schema import schema
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import (
    MISSING,
    TYPE_NUMBERS,
    Document,
    Key,
    is_number,
    is_operators,
    key,
    type_name,
    whole,
)

Match = Callable[[Document], bool]
Test = Callable[[Any], bool]
_Builder = Callable[[str, Any, Document, Scope], Match]

REFUSED: Final = {
    "$where": "$where runs JavaScript, which this engine does not have. Use $expr",
    "$text": "$text needs a text index, which this engine does not have. Use a regular expression",
}


def query(conditions: Any, scope: Scope) -> Match:
    """Return the function that says whether a document satisfies a query.

    Raises OperationFailure for an invalid query; so does the function for a text that a regular
    expression cannot search in time.
    """
    if type(conditions) is not dict:
        raise unparsable(f"A query must be an object, not {type_name(conditions)}")
    return _all([_condition(path, each, scope) for path, each in conditions.items()])


def fixed_values(conditions: Document) -> dict[str, list[Any]]:
    """Return the paths that a query compares with values, as $eq and $in do, and the values."""
    found: dict[str, list[Any]] = {}
    for path, condition in conditions.items():
        if path == "$and":
            for each in condition:
                found |= fixed_values(each)
        elif not path.startswith("$"):
            if not is_operators(condition):
                found[path] = [condition]
            elif "$eq" in condition:
                found[path] = [condition["$eq"]]
            elif "$in" in condition:
                found[path] = condition["$in"]
    return found


def equalities(conditions: Document) -> dict[str, list[Key]]:
    """Return the keys of fixed values that an index finds."""
    return {
        path: [key(each) for each in values]
        for path, values in fixed_values(conditions).items()
        if not any(type(each) in {list, re.Pattern} for each in values)
    }


def nearest(conditions: Document) -> tuple[str, _geo.Distance] | None:
    """Return the path and distance by which a query sorts, with $near or $nearSphere."""
    for path, condition in conditions.items():
        if path == "$and":
            for each in condition:
                if found := nearest(each):
                    return found
        elif is_operators(condition):
            for name in {"$near", "$nearSphere"} & condition.keys():
                return path, _geo.near(condition[name], condition)
    return None


def _condition(path: str, operand: Any, scope: Scope) -> Match:
    if path in _LOGICAL:
        return _LOGICAL[path](operand, scope)
    if path.startswith("$"):
        raise OperationFailure(REFUSED.get(path, f"unknown top level operator: {path:.100}"))
    if is_operators(operand):
        return operators(path, operand, scope)
    return _equal(path, operand, operand, scope)


def operators(path: str, conditions: Document, scope: Scope) -> Match:
    """Return the match of operators such as ``{"$gt": 1, "$lt": 5}`` with the value at a path."""
    matches = []
    for name, operand in conditions.items():
        if name not in _OPERATORS:
            raise OperationFailure(REFUSED.get(name, f"unknown operator: {name:.100}"))
        if builder := _OPERATORS[name]:
            matches.append(builder(path, operand, conditions, scope))
    return _all(matches)


def value_test(condition: Any, scope: Scope) -> Test:
    """Return a test of single values, as $elemMatch and $pull apply them to elements."""
    if is_operators(condition) and next(iter(condition)) not in _LOGICAL:
        match = operators("", condition, scope)  # the value is a document's only field
        return lambda value: match({"": value})
    match = query(condition, scope)
    return lambda value: type(value) is dict and match(value)


def _all(matches: Sequence[Match]) -> Match:
    if len(matches) == 1:
        return matches[0]
    return lambda document: all(match(document) for match in matches)


def _anywhere(path: str, test: Test) -> Match:
    """Return the match of a test with a value or one of its elements."""
    read = values_at(path)

    def match(document: Document) -> bool:
        for value in read(document):
            if test(value) or (type(value) is list and any(map(test, value))):
                return True
        return False

    return match


def _whole(path: str, test: Test) -> Match:
    read = values_at(path)
    return lambda document: any(map(test, read(document)))


def _not(match: Match) -> Match:
    return lambda document: not match(document)


# Logical operators -------------------------------------------------------------------------------


def _queries(name: str, operand: Any, scope: Scope) -> list[Match]:
    if type(operand) is not list or not operand:
        raise OperationFailure(f"{name} must be a nonempty array")
    return [query(each, scope) for each in operand]


def _and(operand: Any, scope: Scope) -> Match:
    return _all(_queries("$and", operand, scope))


def _or(operand: Any, scope: Scope) -> Match:
    matches = _queries("$or", operand, scope)
    return lambda document: any(match(document) for match in matches)


def _nor(operand: Any, scope: Scope) -> Match:
    return _not(_or(operand, scope))


def _expr(operand: Any, scope: Scope) -> Match:
    value = expression(operand, scope)
    return lambda document: truthy(value(document, scope.variables))


_LOGICAL: Final[dict[str, Callable[[Any, Scope], Match]]] = {
    "$and": _and,
    "$or": _or,
    "$nor": _nor,
    "$expr": _expr,
    "$jsonSchema": schema,
    "$comment": lambda *_: _all([]),
}

# Operators of a field ----------------------------------------------------------------------------


def _equals(operand: Any) -> Test:
    if operand is None:
        return lambda value: value is None or value is MISSING
    if type(operand) is str:
        return lambda value: value == operand and type(value) is str
    if is_number(operand) and operand == operand:  # noqa: PLR0124 - NaN equals nothing
        return lambda value: value == operand and type(value) is not bool
    wanted = key(operand)
    return lambda value: key(value) == wanted


def _equal(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    if type(operand) is re.Pattern:
        return _anywhere(path, searcher(regex(operand), scope))
    return _anywhere(path, _equals(operand))


def _ordered(compare: Callable[[Any, Any], bool]) -> _Builder:
    """Return the builder of a comparison, which other types than the operand's never satisfy."""

    def build(path: str, operand: Any, *_: Any) -> Match:
        if type(operand) is re.Pattern:
            raise OperationFailure(f"Can't have RegEx as arg to predicate over field '{path}'.")
        if type(operand) is str:
            return _anywhere(path, lambda value: type(value) is str and compare(value, operand))
        if is_number(operand):
            return _anywhere(path, _compares_number(operand, compare))
        wanted = key(operand)

        def test(value: Any) -> bool:
            found = key(None if value is MISSING else value)
            return found[0] == wanted[0] and compare(found, wanted)

        return _anywhere(path, test)

    return build


def _compares_number(operand: float, compare: Callable[[Any, Any], bool]) -> Test:
    if operand != operand:  # noqa: PLR0124 - NaN is equal to NaN only
        return lambda value: is_number(value) and value != value and compare(0, 0)  # noqa: PLR0124
    return lambda value: is_number(value) and compare(value, operand)


def _in(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    if type(operand) is not list:
        raise OperationFailure("$in needs an array")
    if any(map(is_operators, operand)):
        raise OperationFailure("cannot nest $ under $in")
    searchers = [searcher(regex(each), scope) for each in operand if type(each) is re.Pattern]
    keys = {key(each) for each in operand}
    if key(None) in keys:
        keys.add(key(MISSING))
    return _anywhere(
        path, lambda value: key(value) in keys or any(search(value) for search in searchers)
    )


def _all_of(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    if type(operand) is not list:
        raise OperationFailure("$all needs an array")
    matches = [
        operators(path, each, scope)
        if is_operators(each) and "$elemMatch" in each
        else _equal(path, each, None, scope)
        for each in operand
    ]
    return _all(matches) if matches else _never


def _never(_: Document) -> bool:
    return False


def _negated(builder: _Builder) -> _Builder:
    return lambda *given: _not(builder(*given))


def _not_operators(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    if type(operand) is re.Pattern:
        return _not(_equal(path, operand, None, scope))
    if not is_operators(operand):
        raise OperationFailure("$not needs a regex or a document")
    return _not(operators(path, operand, scope))


def _exists(path: str, operand: Any, *_: Any) -> Match:
    match = _whole(path, lambda value: value is not MISSING)
    return match if truthy(operand) else _not(match)


def _size(path: str, operand: Any, *_: Any) -> Match:
    length = whole(operand)
    if length is None:
        raise OperationFailure("$size must be a whole number")
    if length < 0:
        raise OperationFailure("$size may not be negative")
    return _whole(path, lambda value: type(value) is list and len(value) == length)


def _mod(path: str, operand: Any, *_: Any) -> Match:
    if type(operand) is not list:
        raise OperationFailure("malformed mod, needs to be an array")
    if len(operand) != 2:  # noqa: PLR2004 - divisor and remainder
        few = "not enough" if len(operand) < 2 else "too many"  # noqa: PLR2004
        raise OperationFailure(f"malformed mod, {few} elements")
    if not all(map(_is_finite, operand)):
        raise OperationFailure("malformed mod, divisor and remainder must be numbers")
    divisor, remainder = map(int, operand)
    if divisor == 0:
        raise OperationFailure("divisor cannot be 0")

    def test(value: Any) -> bool:
        return _is_finite(value) and _remainder(int(value), divisor) == remainder

    return _anywhere(path, test)


def _is_finite(value: Any) -> bool:
    return is_number(value) and abs(value) < float("inf")


def _remainder(value: int, divisor: int) -> int:
    found = abs(value) % abs(divisor)  # with the sign of the value, as in C
    return found if value >= 0 else -found


def _type(path: str, operand: Any, *_: Any) -> Match:
    names: set[str] = set()
    numbers = {number: name for name, number in TYPE_NUMBERS.items()}
    for each in operand if type(operand) is list else [operand]:
        name = numbers.get(each) if is_number(each) else each
        if type(name) is not str or name not in {*TYPE_NUMBERS, "number"}:
            raise OperationFailure(f"Unknown type name alias: {each!r:.80}")
        names |= {"int", "long", "double"} if name == "number" else {name}
    return _anywhere(path, lambda value: type_name(value) in names)


def _regex(path: str, operand: Any, conditions: Document, scope: Scope) -> Match:
    pattern = regex(operand, conditions.get("$options", ""))
    return _anywhere(path, searcher(pattern, scope))


def _options(path: str, _: Any, conditions: Document, *__: Any) -> Match:
    if "$regex" not in conditions:
        raise OperationFailure(f"$options needs a $regex, at {path}")
    return _all([])


def _elem_match(path: str, operand: Any, _: Any, scope: Scope) -> Match:
    if type(operand) is not dict:
        raise OperationFailure("$elemMatch needs an Object")
    test = value_test(operand, scope)
    return _whole(path, lambda value: type(value) is list and any(map(test, value)))


def _geometry(build: Callable[[Any], Test]) -> _Builder:
    return lambda path, operand, *_: _whole(path, build(operand))


def _near(path: str, operand: Any, conditions: Document, *_: Any) -> Match:
    distance = _geo.near(operand, conditions)
    return _whole(path, lambda value: distance(value) is not None)


_OPERATORS: Final[dict[str, _Builder | None]] = {
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
    "$geoWithin": _geometry(_geo.within),
    "$geoIntersects": _geometry(_geo.intersects),
    "$near": _near,
    "$nearSphere": _near,
    "$maxDistance": None,
    "$minDistance": None,
}
