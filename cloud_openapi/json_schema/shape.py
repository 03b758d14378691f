"""The shape of a body: its paths, and the types of the values there."""

from typing import Any

from cloud_openapi.json_schema.fields import Field
from cloud_openapi.json_schema.paths import member, parent_of
from cloud_openapi.json_schema.values import one_of, type_of, without_integer

Shape = dict[str, set[str]]


def shape_of(body: Any) -> Shape:
    """Return the types at each path; ``[]`` in a path stands for every item of an array."""
    found: Shape = {}
    _add(found, "$", body)
    return found


def _add(found: Shape, path: str, value: Any) -> None:
    found.setdefault(path, set()).add(type_of(value))
    if isinstance(value, dict):
        for name, inner in value.items():
            _add(found, path + member(name), inner)
    elif isinstance(value, list):
        for inner in value:
            _add(found, f"{path}[]", inner)


def differences(expected: Shape, got: Shape, documented: dict[str, Field]) -> list[tuple[str, str]]:
    """Return the paths where two responses to one request differ in shape, with a description.

    Integers count as numbers, since a mean may happen to be one. Items are not compared if an
    array is empty. An optional field of the schema may be missing.
    """
    found = []
    for path in sorted(expected.keys() | got.keys()):
        if not _reached(path, expected, got):
            continue
        here, there = (without_integer(shape.get(path, ())) for shape in (expected, got))
        optional = path in documented and not documented[path].required
        if here and there and not here & there:
            found.append((path, f"expected {one_of(here)}, got {one_of(there)}"))
        elif not ((here and there) or optional):
            wanted, seen = (one_of(each) if each else "nothing" for each in (here, there))
            found.append((path, f"expected {wanted}, got {seen}"))
    return found


def _reached(path: str, *shapes: Shape) -> bool:
    """Return whether each shape contains the parent of a path."""
    if path.endswith("[]"):
        return all(path in shape for shape in shapes)
    return path == "$" or all("object" in shape.get(parent_of(path), ()) for shape in shapes)
