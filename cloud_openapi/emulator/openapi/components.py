"""Parts of an OpenAPI document: schemas as components, bodies, responses."""

from typing import Any, Final

from cloud_openapi.emulator.errors import error_body
from cloud_openapi.json_schema.values import type_of

_DEFINITIONS = "#/$defs/"
_SCHEMAS = "#/components/schemas/"
# Keys that only a whole document has.
_WHOLE = frozenset({"$schema", "$id", "$defs"})
# The keywords about one type alone, in schemas of several types.
_KEYWORDS: Final = {
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "object": {"required", "properties", "additionalProperties", "minProperties", "maxProperties"},
}
# Keywords whose values are data, not schemas.
_DATA = frozenset({"const", "default", "enum", "example", "examples"})
_EXAMPLE_RID = "6b05244e-38884479-126cbc8f"
ANSWER: Final = "The answer or an error"
"""The description of responses."""


def json_body(schema: dict[str, Any], examples: list[Any], *, required: bool = True) -> Any:
    """Return a request body of JSON."""
    content = {"schema": schema, "examples": _named("documented", examples)}
    return {"required": required, "content": {"application/json": content}}


def json_responses(
    names: list[str], examples: list[Any], code: int = 41001, description: str = ANSWER
) -> dict[str, Any]:
    """Return the responses of components' schemas or an error, all with status 200."""
    content = {
        "schema": {"anyOf": [reference(name) for name in (*names, "error")]},
        "examples": {
            **_named("documented", examples),
            "refused": {"value": error_body(code, _EXAMPLE_RID)},
        },
    }
    return {"200": {"description": description, "content": {"application/json": content}}}


def _named(name: str, values: list[Any]) -> dict[str, Any]:
    different = [value for at, value in enumerate(values) if value not in values[:at]]
    return {f"{name}{number}": {"value": value} for number, value in enumerate(different, 1)}


def reference(name: str) -> dict[str, str]:
    """Return the reference to a component's schema."""
    return {"$ref": _SCHEMAS + name}


def lifted(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema and its definitions as components, which is where tools look."""
    body = {key: value for key, value in schema.items() if key not in _WHOLE}
    parts = {name: body}
    parts.update({f"{name}.{key}": part for key, part in schema.get("$defs", {}).items()})
    return {key: within(name, part) for key, part in parts.items()}


def within(name: str, part: Any) -> Any:
    """Return a part of a schema that `lifted` makes components of, with references to these."""
    return _repointed(part, f"{_SCHEMAS}{name}.")


def _repointed(value: Any, target: str) -> Any:
    if isinstance(value, list):
        return [_repointed(item, target) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: item if key in _DATA else _repointed(item, target) for key, item in value.items()}
    reference = copy.get("$ref")
    if isinstance(reference, str) and reference.startswith(_DEFINITIONS):
        copy["$ref"] = target + reference.removeprefix(_DEFINITIONS)
    return _for_generators(copy)


def _for_generators(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that generators of clients can read.

    They write one class for an enum and for an object, so each type gets a schema of its own, and
    they name classes after titles, which here complete messages. They take conditions for the whole
    object: which of its fields it needs is left out.
    """
    schema = {name: inner for name, inner in schema.items() if not _is_condition(name, inner)}
    if isinstance(schema.get("title"), str) and "const" not in schema:
        del schema["title"]
    types = schema.get("type")
    if not isinstance(types, list) or "null" in types:
        return schema
    apart = {"type", "enum"}.union(*_KEYWORDS.values())
    rest = {key: value for key, value in schema.items() if key not in apart}
    return {**rest, "anyOf": [_of_type(name, schema) for name in types]}


def _is_condition(keyword: str, schemas: Any) -> bool:
    if keyword not in {"anyOf", "oneOf"} or not isinstance(schemas, list):
        return False
    return all(schema.keys() == {"required"} for schema in schemas)


def _of_type(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    keywords = {key: schema[key] for key in schema if key in _KEYWORDS.get(name, ())}
    if "enum" in schema:
        keywords["enum"] = [value for value in schema["enum"] if type_of(value) == name]
    return {"type": name, **keywords}
