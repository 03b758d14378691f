"""A schema without its openness: whatever no page or recording shows is an error, and back.

An object is open by ``additionalProperties``; a list of values by ``examples`` beside a
``$comment`` that begins with "Open:", or by an alternative beside those of single values.
"""

from typing import Any

_OPEN = "x-open"


def strict(schema: Any) -> Any:
    """Return a copy of a JSON Schema that allows what it documents and no more."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {name: strict(value) for name, value in schema.items()}
    if copy.get("additionalProperties") is True:
        copy.update({"additionalProperties": False, _OPEN: "object"})
    elif is_open_list(copy):
        copy = {**_renamed(copy, "examples", "enum"), _OPEN: "examples"}
    elif "anyOf" in copy and single_values(copy):
        open_ones = [each for each in copy["anyOf"] if "const" not in each]
        copy["anyOf"] = [each for each in copy["anyOf"] if "const" in each]
        copy[_OPEN] = open_ones
    return copy


def loose(schema: Any) -> Any:
    """Return a copy of what `strict` returned with its openness back."""
    if isinstance(schema, list):
        return [loose(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {name: loose(value) for name, value in schema.items() if name != _OPEN}
    how = schema.get(_OPEN)
    if how == "object":
        copy["additionalProperties"] = True
    elif how == "examples":
        copy = _renamed(copy, "enum", "examples")
    elif how is not None:
        copy["anyOf"] += how
    return copy


def _renamed(schema: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: value for name, value in schema.items()}


def is_open_list(schema: Any) -> bool:
    """Say whether a schema lists the values that are known of more."""
    return "examples" in schema and str(schema.get("$comment", "")).startswith("Open:")


def single_values(schema: Any) -> list[Any]:
    """Return the values of an anyOf or oneOf of single values, with or without an open end."""
    alternatives = schema.get("anyOf") or schema.get("oneOf") or []
    if not isinstance(alternatives, list):
        return []
    return [each["const"] for each in alternatives if isinstance(each, dict) and "const" in each]
