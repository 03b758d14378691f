"""Change a JSON file, and leave the rest of it as it is."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.drafts import draft_of
from cloud_openapi.json_text import json_text
from cloud_openapi.runtime._json_places import JsonPath, places

_INDENT = re.compile(r"\n([ \t]+)\S")


class Style(NamedTuple):
    """How a file is written."""

    indent: str
    newline: str

    @classmethod
    def of(cls, text: str) -> "Style":
        """Return the style of a text."""
        found = _INDENT.search(text)
        return cls(found[1] if found else "  ", "\r\n" if "\r\n" in text else "\n")


def with_child(text: str, holder: JsonPath, child: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return the text with one more member of an object, or element of an array, at its end.

    ``child`` is an object with the member, or an array with the element.
    """
    spans, style = places(text), Style.of(text)
    span = spans[holder]
    children = [
        spans[path] for path in spans if len(path) == len(holder) + 1 and path[:-1] == holder
    ]
    if children and "\n" not in text[span.start : span.end]:
        last = max(each.end for each in children)
        return f"{text[:last]}, {json_text(child)[1:-1]}{text[last:]}"
    written = json.dumps(child, ensure_ascii=False, indent=style.indent)
    outer = indent_of(text, span.start)
    lines = written.replace("\n", style.newline + outer)
    if not children:
        return text[: span.start] + lines + text[span.end :]
    last = max(each.end for each in children)
    inner = lines[1:-1].rstrip()  # without the brackets of the one that is there
    return f"{text[:last]},{inner}{text[last:]}"


def indent_of(text: str, offset: int) -> str:
    """Return the spaces at the begin of an offset's line."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]


def replace_file(path: Path, text: str) -> None:
    """Write a file as a whole: a full disk or an interrupt leaves the old content."""
    target = path.resolve()  # a link stays a link
    if target.exists():
        target.open("r+b").close()  # refuses a read-only file, which could be replaced too
    with draft_of(target) as draft:
        draft.write_bytes(text.encode())
