"""$jsonSchema: the keywords of JSON Schema that MongoDB has."""

from collections.abc import Callable
from typing import Any, Final

from cloud_openapi.documents._errors import PARSE, OperationFailure, check
from cloud_openapi.documents._regex import regex, searcher
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import Document, distinct, is_number, key, needs, type_name

_Test = Callable[[Any], bool]
_Build = Callable[[Any, Document, Scope], _Test]
"""From an operand, the keywords beside it and the scope to a test."""


def schema(keywords: Any, scope: Scope) -> _Test:
    """Return the test of a schema. Raises OperationFailure."""
    tests = []
    for name, operand in needs(dict, "$jsonSchema", keywords, PARSE).items():
        check(name in _KEYWORDS, f"Unknown $jsonSchema keyword: {name:.100}", PARSE)
        kind, build = _KEYWORDS[name]
        try:
            tests.append((kind, build(operand, keywords, scope)))
        except (TypeError, AttributeError, ValueError, OverflowError):
            error = f"$jsonSchema keyword '{name}' has an invalid value"
            raise OperationFailure(error, PARSE) from None
    return lambda value: all(kind not in (None, type(value)) or test(value) for kind, test in tests)


def _type(operand: Any, *_: Any) -> _Test:
    names = {*operand} if type(operand) is list else {operand}
    names |= {"bool"} if "boolean" in names else set()
    return lambda value: type_name(value) in names or ("number" in names and is_number(value))


def _bound(sign: int, exclusive: str) -> _Build:
    def build(operand: Any, keywords: Document, _: Scope) -> _Test:
        bound, strict = sign * (operand + 0), keywords.get(exclusive, False)
        return lambda value: (
            not is_number(value) or sign * value < bound or (sign * value == bound and not strict)
        )

    return build


def _length(sign: int) -> _Build:
    def build(operand: Any, *_: Any) -> _Test:
        most = sign * int(operand)
        return lambda value: sign * len(value) <= most

    return build


def _properties(operand: Document, _: Document, scope: Scope) -> _Test:
    tests = {name: schema(each, scope) for name, each in operand.items()}
    return lambda value: all(test(value[name]) for name, test in tests.items() if name in value)


def _additional(operand: Any, keywords: Document, scope: Scope) -> _Test:
    known, schemas = keywords.get("properties", {}).keys(), {True: Document(), False: {"not": {}}}
    test = schema(schemas[operand] if type(operand) is bool else operand, scope)
    return lambda value: all(test(value[name]) for name in value.keys() - known)


def _items(operand: Any, _: Document, scope: Scope) -> _Test:
    test = schema(operand, scope)
    return lambda value: all(map(test, value))


def _combined(decide: Callable[[list[bool]], bool]) -> _Build:
    def build(operand: Any, _: Document, scope: Scope) -> _Test:
        tests = [schema(each, scope) for each in (operand if type(operand) is list else [operand])]
        return lambda value: decide([test(value) for test in tests])

    return build


def _enum(operand: Any, *_: Any) -> _Test:
    keys = {key(each) for each in operand}
    return lambda value: key(value) in keys


# Each keyword with the type of the values that it tests, None for all.
_KEYWORDS: Final[dict[str, tuple[type | None, _Build]]] = {
    "type": (None, _type),
    "bsonType": (None, _type),
    "enum": (None, _enum),
    "required": (dict, lambda operand, *_: {*operand}.issubset),
    "items": (list, _items),
    "properties": (dict, _properties),
    "additionalProperties": (dict, _additional),
    "minimum": (None, _bound(-1, "exclusiveMinimum")),
    "maximum": (None, _bound(1, "exclusiveMaximum")),
    "minLength": (str, _length(-1)),
    "maxLength": (str, _length(1)),
    "minItems": (list, _length(-1)),
    "maxItems": (list, _length(1)),
    "minProperties": (dict, _length(-1)),
    "maxProperties": (dict, _length(1)),
    "allOf": (None, _combined(all)),
    "anyOf": (None, _combined(any)),
    "oneOf": (None, _combined(lambda found: found.count(True) == 1)),
    "not": (None, _combined(lambda found: not found[0])),
    "pattern": (str, lambda operand, _, scope: searcher(regex(operand), scope)),
    "uniqueItems": (list, lambda yes, *_: lambda v: not yes or len(distinct(v)) == len(v)),
    **dict.fromkeys(
        ("exclusiveMinimum", "exclusiveMaximum", "title", "description"),
        (None, lambda *_: lambda _: True),
    ),
}
