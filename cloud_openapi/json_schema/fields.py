"""The documented fields of a schema, by path."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cloud_openapi.json_schema.paths import member
from cloud_openapi.json_schema.strict import is_open_list

_LIMITS = frozenset(
    {"pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}
)
_CONDITIONS = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_NUMBERS = frozenset({"integer", "number"})


class Field(NamedTuple):
    """The schema of the values at a path."""

    types: frozenset[str]
    """JSON types; ``number`` implies ``integer``."""
    required: bool
    values: tuple[Any, ...] | None
    """The allowed values, None if the schema does not list them."""
    known: tuple[Any, ...] | None
    """The known values: the allowed ones, or the examples of an open list; None if not listed."""
    limits: Mapping[str, Any]
    """Keywords such as ``minimum`` with their values."""
    is_open: bool
    """Whether an object may have other members."""
    conditions: Mapping[str, Any]
    """Keywords such as allOf and anyOf with their values, references resolved."""


def fields_of(schema: Mapping[str, Any]) -> dict[str, Field]:
    """Return every field of a schema; ``[]`` in a path stands for each item of an array."""
    return dict(_fields("$", schema, schema, required=True))


def _fields(
    path: str, schema: Mapping[str, Any], root: Mapping[str, Any], *, required: bool
) -> Iterator[tuple[str, Field]]:
    schema = resolved(schema, root)
    yield path, _field(schema, root, required=required)
    needed = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        yield from _fields(path + member(name), inner, root, required=name in needed)
    if "items" in schema:
        yield from _fields(f"{path}[]", schema["items"], root, required=False)


def _field(schema: Mapping[str, Any], root: Mapping[str, Any], *, required: bool) -> Field:
    types = schema.get("type", ())
    types = frozenset([types] if isinstance(types, str) else types)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return Field(
        types=types | _NUMBERS if "number" in types else types,
        required=required,
        values=None if values is None else tuple(values),
        known=_known(values, schema),
        limits={name: schema[name] for name in schema.keys() & _LIMITS},
        is_open=schema.get("additionalProperties", True) is not False,
        conditions={name: _plain(schema[name], root) for name in _CONDITIONS if name in schema},
    )


def _known(values: Any, schema: Mapping[str, Any]) -> tuple[Any, ...] | None:
    if values is None and is_open_list(schema):
        values = schema["examples"]
    return None if values is None else tuple(values)


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the target of a schema's $ref into the same document, or the schema itself."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def _plain(value: Any, root: Mapping[str, Any]) -> Any:
    """Return a copy of a schema's part, references resolved, without titles and comments."""
    if isinstance(value, list):
        return [_plain(item, root) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "$ref" in value:
        return _plain(resolved(value, root), root)
    remarks = {"title", "description", "$comment"}
    return {name: _plain(inner, root) for name, inner in value.items() if name not in remarks}
