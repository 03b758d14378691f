"""Queries, compiled once into a function of a document."""

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from cloud_openapi.documents import _geo
from cloud_openapi.documents._errors import PARSE, OperationFailure, check
from cloud_openapi.documents._expressions import expression
from cloud_openapi.documents._numbers import is_number, remainder, whole
from cloud_openapi.documents._operands import is_null, is_operators, needs, truthy
from cloud_openapi.documents._paths import values_at
from cloud_openapi.documents._regex import searcher
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import MISSING, Document, Key, distinct, key, type_name

Match = Callable[[Document], bool]
Test = Callable[[Any], bool]
_Decide = Callable[[Sequence[Match]], Match]

_ITSELF: Final = "$"
"""The path of a value that no document has around it."""


class _Field(NamedTuple):
    """A path, and the operators of a condition on it."""

    path: str
    conditions: Document
    scope: Scope

    def whole(self, test: Test, *, elements: bool = False) -> Match:
        """Return the match of a test with a value."""
        if self.path == _ITSELF:
            return test
        read = values_at(self.path, elements=elements)
        return lambda document: any(map(test, read(document)))

    def anywhere(self, test: Test) -> Match:
        """Return the match of a test with a value or one of its elements."""
        return self.whole(test, elements=True)

    def search(self, source: Any, options: Any = "") -> Match:
        """Return the match of a regular expression."""
        return self.anywhere(searcher(source, options, self.scope))


def query(conditions: Any, scope: Scope) -> Match:
    """Return the function that says whether a document satisfies a query.

    Raises OperationFailure for an invalid query; so does the function for a text that a regular
    expression cannot search in time.
    """
    found = needs(dict, "A query", conditions, PARSE)
    return _all([_condition(path, each, scope) for path, each in found.items()])


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
        operators = condition if is_operators(condition) else {}
        for name in {"$near", "$nearSphere"} & operators.keys():
            return path, _geo.near(operators[name], operators)
    return None


def _condition(path: str, operand: Any, scope: Scope) -> Match:
    if path in _LOGICAL:
        return _LOGICAL[path](operand, scope)
    check(not path.startswith("$"), f"unknown top level operator: {path:.100}")
    if is_operators(operand):
        return _operators(path, operand, scope)
    return _equal(_Field(path, {}, scope), operand)


def _operators(path: str, conditions: Document, scope: Scope) -> Match:
    for name in conditions:
        check(name in _OPERATORS, f"unknown operator: {name:.100}")
    field = _Field(path, conditions, scope)
    return _all([_OPERATORS[name](field, operand) for name, operand in conditions.items()])


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


def _any(matches: Sequence[Match]) -> Match:
    return lambda document: any(match(document) for match in matches)


def _not(match: Match) -> Match:
    return lambda document: not match(document)


def _queries(decide: _Decide, operand: Any, scope: Scope) -> Match:
    check(type(operand) is list and operand, "$and/$or/$nor must be a nonempty array")
    return decide([query(each, scope) for each in operand])


def _expr(operand: Any, scope: Scope) -> Match:
    value = expression(operand, scope)
    return lambda document: truthy(value(document, scope.variables))


def _schema(operand: Any, scope: Scope) -> Test:
    keywords, tests = needs(dict, "$jsonSchema", operand, PARSE), []
    for name, each in keywords.items():
        check(name in _KEYWORDS, f"Unknown $jsonSchema keyword: {name:.100}", PARSE)
        kinds, build = _KEYWORDS[name]
        try:
            tests.append((kinds, build(_Field(_ITSELF, keywords, scope), each)))
        except (TypeError, AttributeError, ValueError, OverflowError):
            error = f"$jsonSchema keyword '{name}' has an invalid value"
            raise OperationFailure(error, PARSE) from None
    return lambda value: all(
        test(value) for kinds, test in tests if not kinds or type(value) in kinds
    )


_LOGICAL: Final[dict[str, Callable[[Any, Scope], Match]]] = {
    "$and": partial(_queries, _all),
    "$or": partial(_queries, _any),
    "$nor": partial(_queries, lambda matches: _not(_any(matches))),
    "$expr": _expr,
    "$jsonSchema": _schema,
    "$comment": lambda *_: _all([]),
}

# Operators of a field ----------------------------------------------------------------------------

_Build = Callable[[_Field, Any], Match]


def _equal(field: _Field, operand: Any) -> Match:
    return field.search(operand) if type(operand) is re.Pattern else _same(field, operand)


def _same(field: _Field, operand: Any) -> Match:
    if type(operand) is str:
        return field.anywhere(lambda value: value == operand and type(value) is str)
    if operand is None:
        return field.anywhere(is_null)
    wanted = key(operand)
    return field.anywhere(lambda value: key(value) == wanted)


def _ordered(compare: Callable[[Any, Any], bool], field: _Field, operand: Any) -> Match:
    """Return the match of a comparison, which values of other types never satisfy."""
    error = f"Can't have RegEx as arg to predicate over '{field.path}'."
    check(type(operand) is not re.Pattern, error)
    wanted = key(operand)
    if is_number(operand) and not math.isnan(operand):
        return field.anywhere(lambda value: is_number(value) and compare(value, operand))

    def test(value: Any) -> bool:
        found = key(None if value is MISSING else value)
        return found[0] == wanted[0] and compare(found, wanted)

    return field.anywhere(test)


def _in(field: _Field, operand: Any) -> Match:
    values = needs(list, "$in", operand)
    check(not any(map(is_operators, values)), "cannot nest $ under $in")
    tests = [searcher(each, "", field.scope) for each in values if type(each) is re.Pattern]
    keys = {key(each) for each in [*values, *([MISSING] if None in values else [])]}
    return field.anywhere(lambda value: key(value) in keys or any(test(value) for test in tests))


def _all_of(field: _Field, operand: Any) -> Match:
    matches = [
        _operators(field.path, each, field.scope)
        if is_operators(each) and "$elemMatch" in each
        else _equal(field, each)
        for each in needs(list, "$all", operand)
    ]
    return _all(matches) if matches else _any([])


def _negated(build: _Build, field: _Field, operand: Any) -> Match:
    return _not(build(field, operand))


def _not_operators(field: _Field, operand: Any) -> Match:
    if type(operand) is re.Pattern:
        return _not(field.search(operand))
    check(is_operators(operand), "$not needs a regex or a document")
    return _not(_operators(field.path, operand, field.scope))


def _exists(field: _Field, operand: Any) -> Match:
    match = field.whole(lambda value: value is not MISSING)
    return match if truthy(operand) else _not(match)


def _size(field: _Field, operand: Any) -> Match:
    length = whole(operand)
    check(length is not None and length >= 0, "$size must be a whole number, and not negative")
    return field.whole(lambda value: type(value) is list and len(value) == length)


def _mod(field: _Field, operand: Any) -> Match:
    valid = type(operand) is list and len(operand) == 2 and all(map(_is_finite, operand))  # noqa: PLR2004
    check(valid, "malformed mod, needs to be an array of a divisor and a remainder")
    divisor, left = map(int, operand)
    check(divisor, "divisor cannot be 0")
    return field.anywhere(lambda v: _is_finite(v) and remainder(int(v), divisor) == left)


def _is_finite(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)


def _type(field: _Field, operand: Any) -> Match:
    given = operand if type(operand) is list else [operand]
    names = [_TYPES.get(each) if is_number(each) else each for each in given]
    for name in names:
        check(name in [*_TYPES.values(), "number"], f"Unknown type name alias: {name}")
    wanted = {*names} | ({"int", "long", "double"} if "number" in names else set())
    return field.anywhere(lambda value: type_name(value) in wanted)


_NAMES: Final = (
    *("double", "string", "object", "array", "binData", "undefined", "objectId", "bool", "date"),
    *("null", "regex", "dbPointer", "javascript", "symbol", "javascriptWithScope", "int"),
    *("timestamp", "long", "decimal"),
)
_TYPES: Final = {-1: "minKey", 127: "maxKey", **dict(enumerate(_NAMES, 1))}


def _options(field: _Field, _: Any) -> Match:
    check("$regex" in field.conditions, f"$options needs a $regex, at {field.path}")
    return _all([])


def _elem_match(field: _Field, operand: Any) -> Match:
    test = value_test(needs(dict, "$elemMatch", operand), field.scope)
    return field.whole(lambda value: type(value) is list and any(map(test, value)))


def _near(field: _Field, operand: Any) -> Match:
    distance = _geo.near(operand, field.conditions)
    return field.whole(lambda value: distance(value) is not None)


_OPERATORS: Final[dict[str, _Build]] = {
    "$eq": _same,
    "$ne": partial(_negated, _equal),
    "$gt": partial(_ordered, operator.gt),
    "$gte": partial(_ordered, operator.ge),
    "$lt": partial(_ordered, operator.lt),
    "$lte": partial(_ordered, operator.le),
    "$in": _in,
    "$nin": partial(_negated, _in),
    "$all": _all_of,
    "$not": _not_operators,
    "$exists": _exists,
    "$size": _size,
    "$mod": _mod,
    "$type": _type,
    "$regex": lambda field, source: field.search(source, field.conditions.get("$options", "")),
    "$options": _options,
    "$elemMatch": _elem_match,
    "$geoWithin": lambda field, operand: field.whole(_geo.within(operand)),
    "$geoIntersects": lambda field, operand: field.whole(_geo.intersects(operand)),
    "$near": _near,
    "$nearSphere": _near,
    "$maxDistance": lambda *_: _all([]),
    "$minDistance": lambda *_: _all([]),
}

# Keywords of $jsonSchema -------------------------------------------------------------------------


def _kinds(field: _Field, operand: Any) -> Match:
    names = operand if type(operand) is list else [operand]
    return _type(field, ["bool" if each == "boolean" else each for each in names])


def _bound(name: str, strict: str, exclusive: str, field: _Field, operand: Any) -> Match:
    return _OPERATORS[strict if field.conditions.get(exclusive) else name](field, operand + 0)


def _length(compare: Callable[[int, int], bool], _: _Field, operand: Any) -> Test:
    bound = int(operand)
    return lambda value: compare(len(value), bound)


def _properties(field: _Field, operand: Any) -> Test:
    tests = {name: _schema(each, field.scope) for name, each in operand.items()}
    return lambda value: all(test(value[name]) for name, test in tests.items() if name in value)


def _additional(field: _Field, operand: Any) -> Test:
    known = field.conditions.get("properties", {}).keys()
    allowed = {} if type(operand) is bool else operand
    test = _any([]) if operand is False else _schema(allowed, field.scope)
    return lambda value: all(test(value[name]) for name in value.keys() - known)


def _items(field: _Field, operand: Any) -> Test:
    test = _schema(operand, field.scope)
    return lambda value: all(map(test, value))


def _schemas(decide: _Decide, field: _Field, operand: Any) -> Test:
    return decide([_schema(each, field.scope) for each in needs(list, "$jsonSchema", operand)])


def _one_of(tests: Sequence[Test]) -> Test:
    return lambda value: sum(test(value) for test in tests) == 1


# Each with the types of the values that it tests, without one for all.
_KEYWORDS: Final[dict[str, tuple[Sequence[type], _Build]]] = {
    "type": ((), _kinds),
    "bsonType": ((), _kinds),
    "enum": ((), _in),
    "required": ([dict], lambda _, operand: {*operand}.issubset),
    "items": ([list], _items),
    "properties": ([dict], _properties),
    "additionalProperties": ([dict], _additional),
    "minimum": ([int, float], partial(_bound, "$gte", "$gt", "exclusiveMinimum")),
    "maximum": ([int, float], partial(_bound, "$lte", "$lt", "exclusiveMaximum")),
    "minLength": ([str], partial(_length, operator.ge)),
    "maxLength": ([str], partial(_length, operator.le)),
    "minItems": ([list], partial(_length, operator.ge)),
    "maxItems": ([list], partial(_length, operator.le)),
    "minProperties": ([dict], partial(_length, operator.ge)),
    "maxProperties": ([dict], partial(_length, operator.le)),
    "allOf": ((), partial(_schemas, _all)),
    "anyOf": ((), partial(_schemas, _any)),
    "oneOf": ((), partial(_schemas, _one_of)),
    "not": ((), lambda field, operand: _not(_schema(operand, field.scope))),
    "pattern": ([str], lambda field, operand: field.search(operand)),
    "uniqueItems": ([list], lambda _, yes: lambda v: not yes or len(distinct(v)) == len(v)),
    **dict.fromkeys(
        ("exclusiveMinimum", "exclusiveMaximum", "title", "description"), ((), lambda *_: _all([]))
    ),
}
