"""$jsonSchema: the keywords of JSON Schema that MongoDB has."""

from collections.abc import Callable
from typing import Any, Final

from cloud_openapi.documents._errors import PARSE, OperationFailure, check
from cloud_openapi.documents._regex import regex, searcher
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import Document, is_number, key, type_name

_Test = Callable[[Any], bool]


def schema(keywords: Any, scope: Scope) -> _Test:
    """Return the test of a schema. Raises OperationFailure."""
    check(type(keywords) is dict, "$jsonSchema must be an object", PARSE)
    tests = []
    for name, operand in keywords.items():
        check(name in _KEYWORDS, f"Unknown $jsonSchema keyword: {name:.100}", PARSE)
        try:
            tests.append(_KEYWORDS[name](operand, keywords, scope))
        except (TypeError, AttributeError, ValueError):
            error = f"$jsonSchema keyword '{name}' has an invalid value"
            raise OperationFailure(error, PARSE) from None
    return lambda value: all(test(value) for test in tests)


def _for(kind: type, test: _Test) -> _Test:
    """Return a test that values of other types pass."""
    return lambda value: type(value) is not kind or test(value)


def _type(operand: Any, *_: Any) -> _Test:
    names = {*operand} if type(operand) is list else {operand}
    names |= {"bool"} if "boolean" in names else set()
    return lambda value: type_name(value) in names or ("number" in names and is_number(value))


def _bound(sign: int, exclusive: str) -> Callable[[Any, Document, Scope], _Test]:
    def build(operand: Any, keywords: Document, _: Scope) -> _Test:
        bound, strict = sign * operand, keywords.get(exclusive, False)
        return lambda value: (
            not is_number(value) or sign * value < bound or (sign * value == bound and not strict)
        )

    return build


def _length(kind: type, sign: int) -> Callable[[Any, Document, Scope], _Test]:
    return lambda operand, *_: _for(kind, lambda value: sign * len(value) <= sign * int(operand))


def _properties(operand: Document, _: Document, scope: Scope) -> _Test:
    tests = {name: schema(each, scope) for name, each in operand.items()}
    return _for(dict, lambda v: all(test(v[name]) for name, test in tests.items() if name in v))


def _additional(operand: Any, keywords: Document, scope: Scope) -> _Test:
    known, schemas = keywords.get("properties", {}), {True: Document(), False: {"not": {}}}
    test = schema(schemas[operand] if type(operand) is bool else operand, scope)
    return _for(dict, lambda value: all(test(value[name]) for name in value.keys() - known.keys()))


def _items(operand: Any, _: Document, scope: Scope) -> _Test:
    test = schema(operand, scope)
    return _for(list, lambda value: all(map(test, value)))


def _combined(decide: Callable[[list[bool]], bool]) -> Callable[[Any, Document, Scope], _Test]:
    def build(operand: Any, _: Document, scope: Scope) -> _Test:
        tests = [schema(each, scope) for each in (operand if type(operand) is list else [operand])]
        return lambda value: decide([test(value) for test in tests])

    return build


def _enum(operand: Any, *_: Any) -> _Test:
    keys = {key(each) for each in operand}
    return lambda value: key(value) in keys


def _required(operand: Any, *_: Any) -> _Test:
    names = {*operand}
    return _for(dict, lambda value: names <= value.keys())


_KEYWORDS: Final[dict[str, Callable[[Any, Document, Scope], _Test]]] = {
    "type": _type,
    "bsonType": _type,
    "enum": _enum,
    "required": _required,
    "items": _items,
    "properties": _properties,
    "additionalProperties": _additional,
    "minimum": _bound(-1, "exclusiveMinimum"),
    "maximum": _bound(1, "exclusiveMaximum"),
    "minLength": _length(str, -1),
    "maxLength": _length(str, 1),
    "minItems": _length(list, -1),
    "maxItems": _length(list, 1),
    "minProperties": _length(dict, -1),
    "maxProperties": _length(dict, 1),
    "allOf": _combined(all),
    "anyOf": _combined(any),
    "oneOf": _combined(lambda found: found.count(True) == 1),
    "not": _combined(lambda found: not found[0]),
    "pattern": lambda operand, _, scope: _for(str, searcher(regex(operand), scope)),
    "uniqueItems": lambda operand, *_: _for(
        list, lambda value: not operand or len({key(each) for each in value}) == len(value)
    ),
    **dict.fromkeys(
        ("exclusiveMinimum", "exclusiveMaximum", "title", "description"), lambda *_: lambda _: True
    ),
}
