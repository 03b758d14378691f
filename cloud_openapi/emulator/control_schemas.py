"""Check faults, pins and settings against control_schemas.json, and explain what is wrong.

A schema's title completes the message "<field> is …"; its description is the help text.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema_rs import Draft202012Validator

from cloud_openapi.emulator.errors import InvalidInputError, meant
from cloud_openapi.json_schema.values import is_text
from cloud_openapi.known_names import shortened

_MOST_NAMED: Final = 20
_Place = tuple[str | int, ...]


@cache
def control_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of a ``fault``, a ``pin`` and an ``app``."""
    text = Path(__file__).with_suffix(".json").read_text("utf-8")
    schemas: dict[str, dict[str, Any]] = json.loads(text)
    return schemas


def checked_input(kind: str, given: Any, /, **names: Collection[str]) -> dict[str, Any]:
    """Return the fields of a fault, pin or app without nulls; only a response may be null.

    ``names`` has the values that a field may have. Raises InvalidInputError.
    """
    schema = control_schemas()[kind]
    fields = schema["properties"]
    if not isinstance(given, Mapping):
        example = json.dumps(schema["examples"][0])
        raise InvalidInputError(f"{schema['title']} is an object such as {example}")
    unknown = [str(name) for name in given if name not in fields]
    if unknown:
        raise InvalidInputError(f"{', '.join(unknown)}: {schema['title']} has {', '.join(fields)}")
    for name, known in names.items():
        if given.get(name) is not None or name in schema.get("required", ()):
            require_known(name, given.get(name), known)
    values = {name: given[name] for name in given if given[name] is not None or name == "response"}
    check_fields(kind, values)
    return values


def require_known(name: str, value: Any, known: Collection[str]) -> None:
    """Raise InvalidInputError unless a value is one of the known names."""
    if not (isinstance(value, str) and value in known):
        long = name == "appid" or len(known) > _MOST_NAMED
        shown = shortened(known) if long else ", ".join(known)
        raise InvalidInputError(f"{name} is one of {shown}, not {value!r}{meant(value, known)}")


def check_fields(kind: str, given: dict[str, Any]) -> None:
    """Raise InvalidInputError for the first value that the schema rejects."""
    try:
        places: list[tuple[_Place, _Place]] = [
            (place, ()) for place in _beyond_schema(control_schemas()[kind], given, ())
        ]
        errors = [] if places else _validator(kind).iter_errors(given)
    except ValueError as error:
        raise InvalidInputError(f"{control_schemas()[kind]['title']} is JSON: {error}") from None
    places += ((tuple(error.instance_path), tuple(error.schema_path)) for error in errors)
    if places:
        # Errors of the whole object come before those of a field.
        place, rule = min(places, key=lambda pair: len(pair[0]))
        message = explained(kind, given, place) if place else _broken_rule(kind, given, rule)
        raise InvalidInputError(message)


def explained(kind: str, given: Any, place: _Place) -> str:
    """Return the message about an invalid value, made of the nearest title above it."""
    schema, value, where, message = control_schemas()[kind], given, "", ""
    for part in place:
        schema, value = _inner(schema, part), value[part]
        where += f"[{part}]" if isinstance(part, int) else f": {part}"
        if "title" in schema:
            # A secret must not stand in a message.
            got = "" if schema.get("writeOnly") else f", not {value!r}"
            message = f"{where[2:]} is {schema['title']}{got}"
    return message


def _broken_rule(kind: str, given: Mapping[str, Any], path: Collection[str | int]) -> str:
    schema: Any = control_schemas()[kind]
    rule = schema
    for part in path:
        schema = schema[part]
        rule = schema if "title" in schema else rule
    title, allowed = rule["title"], rule.get("propertyNames", {}).get("enum", given)
    missing = [name for name in rule.get("required", ()) if name not in given]
    unknown = [name for name in given if name not in allowed]
    if missing:
        return f"{title} needs {', '.join(missing)}"
    if not unknown:
        return str(title)
    names = [f"{name}{meant(name, allowed)}" for name in unknown]
    return f"{', '.join(names)}: {title} has {', '.join(allowed)}"


def _beyond_schema(schema: Mapping[str, Any], value: Any, place: _Place) -> Iterator[_Place]:
    """Yield places that JSON Schema wrongly accepts: 5.0 as an integer, and lone surrogates."""
    is_whole_float = isinstance(value, float) and "integer" in schema.get("type", "")
    if is_whole_float or (isinstance(value, str) and not is_text(value)):
        yield place
    elif isinstance(value, dict):
        for part, inner in value.items():
            yield from _beyond_schema(_inner(schema, part), inner, (*place, part))


def _inner(schema: Mapping[str, Any], part: str | int) -> dict[str, Any]:
    inner = schema.get("properties", {}).get(part)
    return inner or schema.get("items" if isinstance(part, int) else "additionalProperties") or {}


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(control_schemas()[kind])
