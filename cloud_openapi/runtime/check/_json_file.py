"""The places in a JSON file that findings name."""

import json
import re
from pathlib import Path as FilePath

from cloud_openapi.json_text import read_json
from cloud_openapi.runtime._files import read_limited
from cloud_openapi.runtime._json_places import JsonPath, places
from cloud_openapi.runtime.check._finding import Place

_LINE = re.compile(r"line (\d+), column (\d+): ")
_ENTRY = re.compile(r'functions, "(.*?)": ')
_NAME = re.compile(r"[\w.\[\]]+")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return the line and the column of an offset; both begin at 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def path_of(name: str) -> JsonPath:
    """Return the path that a message names: ``permissions.openapi[1]``."""
    return tuple(key or int(index) for key, index in _STEP.findall(name))


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
