"""$jsonSchema: the keywords of JSON Schema that MongoDB has."""

from collections.abc import Callable
from typing import Any, Final

from cloud_openapi.documents._errors import unparsable
from cloud_openapi.documents._regex import regex, searcher
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import Document, is_number, key, type_name

_Test = Callable[[Any], bool]
_TYPES: Final = {"boolean": "bool", "number": "number"}


def schema(keywords: Any, scope: Scope) -> _Test:
    """Return the test of a schema. Raises OperationFailure."""
    if type(keywords) is not dict:
        raise unparsable(f"$jsonSchema must be an object, not {type_name(keywords)}")
    tests = []
    for name, operand in keywords.items():
        if name not in _KEYWORDS:
            raise unparsable(f"Unknown $jsonSchema keyword: {name:.100}")
        try:
            tests.append(_KEYWORDS[name](operand, keywords, scope))
        except (TypeError, AttributeError, ValueError):
            raise unparsable(f"$jsonSchema keyword '{name}' has an invalid value") from None
    return lambda value: all(test(value) for test in tests)


_Keyword = Callable[[Any, Document, Scope], _Test]


def _of_type(operand: Any, *_: Any) -> _Test:
    names = {_TYPES.get(each, each) for each in (operand if type(operand) is list else [operand])}
    return lambda value: type_name(value) in names or (is_number(value) and "number" in names)


def _limit(kind: Callable[[Any], bool], measure: Callable[[Any], Any], sign: int) -> _Keyword:
    """Return the keyword of an upper limit, or, with the sign -1, of a lower one."""

    def build(operand: Any, keywords: Document, _: Scope) -> _Test:
        bound = sign * operand
        exclusive = kind is is_number and keywords.get(
            "exclusiveMaximum" if sign > 0 else "exclusiveMinimum", False
        )
        return lambda value: (
            not kind(value)
            or (sign * measure(value) < bound if exclusive else sign * measure(value) <= bound)
        )

    return build


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) is kind


def _properties(operand: Document, _: Document, scope: Scope) -> _Test:
    tests = {name: schema(each, scope) for name, each in operand.items()}
    return lambda value: (
        type(value) is not dict
        or all(test(value[name]) for name, test in tests.items() if name in value)
    )


def _pattern_properties(operand: Document, _: Document, scope: Scope) -> _Test:
    tests = [(searcher(regex(name), scope), schema(each, scope)) for name, each in operand.items()]
    return lambda value: (
        type(value) is not dict
        or all(test(each) for find, test in tests for name, each in value.items() if find(name))
    )


def _additional(operand: Any, keywords: Document, scope: Scope) -> _Test:
    known = keywords.get("properties", {})
    patterns = [searcher(regex(each), scope) for each in keywords.get("patternProperties", {})]
    test = (
        _annotation
        if operand is True
        else schema({"not": {}} if operand is False else operand, scope)
    )
    return lambda value: (
        type(value) is not dict
        or all(
            test(each)
            for name, each in value.items()
            if name not in known and not any(find(name) for find in patterns)
        )
    )


def _required(operand: list[str], *_: Any) -> _Test:
    names = {*operand}
    return lambda value: type(value) is not dict or names <= value.keys()


def _items(operand: Any, _: Document, scope: Scope) -> _Test:
    if type(operand) is list:
        tests = [schema(each, scope) for each in operand]
        return lambda value: (
            type(value) is not list
            or all(test(each) for test, each in zip(tests, value, strict=False))
        )
    test = schema(operand, scope)
    return lambda value: type(value) is not list or all(map(test, value))


def _combined(decide: Callable[[list[bool]], bool]) -> _Keyword:
    def build(operand: Any, _: Document, scope: Scope) -> _Test:
        tests = [schema(each, scope) for each in operand]
        return lambda value: decide([test(value) for test in tests])

    return build


def _not(operand: Any, _: Document, scope: Scope) -> _Test:
    test = schema(operand, scope)
    return lambda value: not test(value)


def _pattern(operand: Any, _: Document, scope: Scope) -> _Test:
    find = searcher(regex(operand), scope)
    return lambda value: type(value) is not str or find(value)


def _enum(operand: Any, *_: Any) -> _Test:
    keys = {key(each) for each in operand}
    return lambda value: key(value) in keys


def _unique(operand: Any, *_: Any) -> _Test:
    return lambda value: (
        not operand or type(value) is not list or len({key(each) for each in value}) == len(value)
    )


def _multiple(operand: Any, *_: Any) -> _Test:
    return lambda value: not is_number(value) or value % operand == 0


def _annotation(*_: Any) -> _Test:
    return lambda _: True


_KEYWORDS: Final[dict[str, _Keyword]] = {
    "type": _of_type,
    "bsonType": _of_type,
    "enum": _enum,
    "minimum": _limit(is_number, lambda value: value, -1),
    "maximum": _limit(is_number, lambda value: value, 1),
    "multipleOf": _multiple,
    "minLength": _limit(_is(str), len, -1),
    "maxLength": _limit(_is(str), len, 1),
    "pattern": _pattern,
    "items": _items,
    "minItems": _limit(_is(list), len, -1),
    "maxItems": _limit(_is(list), len, 1),
    "uniqueItems": _unique,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "required": _required,
    "minProperties": _limit(_is(dict), len, -1),
    "maxProperties": _limit(_is(dict), len, 1),
    "allOf": _combined(all),
    "anyOf": _combined(any),
    "oneOf": _combined(lambda found: found.count(True) == 1),
    "not": _not,
    **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum", "title", "description"), _annotation),
}
