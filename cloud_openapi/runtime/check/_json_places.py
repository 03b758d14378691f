"""The places of the values in a valid JSON text."""

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path as FilePath
from typing import NamedTuple

from cloud_openapi.json_text import read_json
from cloud_openapi.runtime._files import read_limited
from cloud_openapi.runtime.check._finding import Place

JsonPath = tuple[str | int, ...]
_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_LINE = re.compile(r"line (\d+), column (\d+): ")
_ENTRY = re.compile(r'functions, "(.*?)": ')
_NAME = re.compile(r"[\w.\[\]]+")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


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


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return the line and the column of an offset; both begin at 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def path_of(name: str) -> JsonPath:
    """Return the path that a message names: ``permissions.openapi[1]``."""
    return tuple(key or int(index) for key, index in _STEP.findall(name))


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


class JsonFile:
    """The places of a JSON file; an invalid or missing file has only one, the whole."""

    def __init__(self, path: FilePath) -> None:
        self.path = path
        try:
            self._text = read_limited(path).decode("utf-8-sig")
            read_json(self._text)
            self._spans = places(self._text)
        except (OSError, ValueError, RecursionError):
            self._spans = {}

    def at(self, name: str) -> Place:
        """Return the place of a value, such as ``permissions.openapi[1]``, or of what holds it."""
        path = path_of(name)
        while path and path not in self._spans:
            path = path[:-1]
        if not path:
            return Place(str(self.path))
        return Place(str(self.path), *line_and_column(self._text, self._spans[path].key))

    def located(self, text: str) -> tuple[Place, str] | None:
        """Return the place and the message of an error text that begins with this file's path."""
        if not text.startswith(f"{self.path}: "):
            return None
        message = text.removeprefix(f"{self.path}: ")
        if found := _LINE.match(message):
            place = Place(str(self.path), int(found[1]), int(found[2]))
            return place, message[found.end() :]
        if found := _ENTRY.match(message):
            key = _NAME.match(message, found.end())
            return self.at(f"{self._entry(found[1])}.{key[0] if key else ''}"), message
        name = _NAME.match(message)
        return self.at(name[0] if name else ""), message

    def _entry(self, name: str) -> str:
        """Return the path of a function's entry in a cloudbaserc.json."""
        for path, span in self._spans.items():
            if (path[:1], path[2:]) == (("functions",), ("name",)) and (
                json.loads(self._text[span.start : span.end]) == name
            ):
                return f"functions[{path[1]}]"
        return "functions"
