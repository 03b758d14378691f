"""The places of the values in a valid JSON text."""

import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import NamedTuple

JsonPath = tuple[str | int, ...]
_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[^\s,\]}]+")


class Span(NamedTuple):
    """A value from ``start`` to ``end``; ``key`` is where its key begins, or it itself."""

    key: int
    start: int
    end: int


def places(text: str) -> dict[JsonPath, Span]:
    """Return the place of each value by its path; of members with one name, of the last.

    The text must be valid JSON. Raises RecursionError for deep nesting.
    """
    found: dict[JsonPath, Span] = {}
    _scan(text, _space(text, 0), (), found, None)
    return found


def _scan(
    text: str, start: int, path: JsonPath, found: dict[JsonPath, Span], key: int | None
) -> int:
    """Note the value at a place and those in it, and return where it ends."""
    if text[start] == "{":
        end = _members(text, start, path, found)
    elif text[start] == "[":
        end = _elements(text, start, path, found)
    elif text[start] == '"':
        end = scanstring(text, start + 1)[1]
    else:
        end = _SCALAR.match(text, start).end()  # type: ignore[union-attr]
    found[path] = Span(start if key is None else key, start, end)
    return end


def _members(text: str, start: int, path: JsonPath, found: dict[JsonPath, Span]) -> int:
    position = _space(text, start + 1)
    while text[position] != "}":
        key = position
        name, position = scanstring(text, position + 1)
        _forget((*path, name), found)
        position = _space(text, _space(text, position) + 1)  # the colon
        position = _space(text, _scan(text, position, (*path, name), found, key))
        if text[position] == ",":
            position = _space(text, position + 1)
    return position + 1


def _elements(text: str, start: int, path: JsonPath, found: dict[JsonPath, Span]) -> int:
    position, index = _space(text, start + 1), 0
    while text[position] != "]":
        position = _space(text, _scan(text, position, (*path, index), found, None))
        index += 1
        if text[position] == ",":
            position = _space(text, position + 1)
    return position + 1


def _forget(path: JsonPath, found: dict[JsonPath, Span]) -> None:
    """Remove an earlier member of the same name, with all that is in it."""
    if path in found:
        for each in [each for each in found if each[: len(path)] == path]:
            del found[each]


def _space(text: str, start: int) -> int:
    return _SPACE.match(text, start).end()  # type: ignore[union-attr]
