"""Convert a schema into one that allows only documented values, and back.

Open objects have ``additionalProperties``. Open lists of values have ``examples`` and a
``$comment`` that begins with "Open:", or an alternative besides those of single values.
"""

from typing import Any

_OPEN = "x-open"


def strict(schema: Any) -> Any:
    """Return a copy of a JSON Schema that allows only the values it documents."""
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
    """Return a copy of a result of `strict` that is open again."""
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
    """Return whether a schema lists known values but allows others."""
    return "examples" in schema and str(schema.get("$comment", "")).startswith("Open:")


def single_values(schema: Any) -> list[Any]:
    """Return the values of the single-value alternatives of an anyOf or oneOf."""
    alternatives = schema.get("anyOf") or schema.get("oneOf") or []
    if not isinstance(alternatives, list):
        return []
    return [each["const"] for each in alternatives if isinstance(each, dict) and "const" in each]
