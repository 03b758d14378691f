"""Change ``permissions.openapi`` of a config.json, and leave the rest of the file as it is."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.json_text import json_text
from cloud_openapi.runtime._discovery import read_permissions
from cloud_openapi.runtime._files import read_object
from cloud_openapi.runtime.check._finding import Fix
from cloud_openapi.runtime.check._json_places import JsonPath, Span, places

_INDENT = re.compile(r"\n([ \t]+)\S")
_LIST = ("permissions", "openapi")


class _Style(NamedTuple):
    """How a file is written."""

    indent: str
    newline: str

    @classmethod
    def of(cls, text: str) -> "_Style":
        found = _INDENT.search(text)
        return cls(found[1] if found else "  ", "\r\n" if "\r\n" in text else "\n")


def apply_fixes(path: Path, fixes: Sequence[Fix]) -> None:
    """Write the changes into a config.json, which is created if it is missing.

    Raises FileError for an invalid file, which is left as it is, and OSError.
    """
    _write(path, fixed_text(path, fixes).encode())


def fixed_text(path: Path, fixes: Sequence[Fix]) -> str:
    """Return a config.json with the changes. Raises FileError for an invalid file, and OSError."""
    listed = read_permissions(path)
    if read_object(path) is None:
        return json_text({"permissions": {"openapi": _changed(listed, fixes)}}, indent=2) + "\n"
    original = path.read_bytes().decode("utf-8")
    begin = "\ufeff" if original.startswith("\ufeff") else ""
    return begin + _edited(original.removeprefix("\ufeff"), _changed(listed, fixes))


def _write(path: Path, data: bytes) -> None:
    """Replace a file as a whole: a full disk or an interrupt leaves the old content."""
    target = path.resolve()  # a link stays a link
    if not target.exists():
        target.write_bytes(data)
        return
    target.open("r+b").close()  # refuses a read-only file, which could be replaced too
    made, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    new = Path(name)
    try:
        with os.fdopen(made, "wb") as file:
            file.write(data)
        shutil.copymode(target, new)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)


def _changed(listed: Sequence[str], fixes: Sequence[Fix]) -> list[str]:
    names = list(listed)
    for fix in fixes:
        if fix.remove:
            names = [fix.add if name == fix.remove else name for name in names]
    names += [fix.add for fix in fixes if not fix.remove]
    return list(dict.fromkeys(filter(None, names)))


def _edited(text: str, names: Sequence[str]) -> str:
    style = _Style.of(text)
    spans = places(text)
    if _LIST in spans:
        span = spans[_LIST]
        first = spans.get((*_LIST, 0))
        return text[: span.start] + _array(text, span, first, names, style) + text[span.end :]
    holder = _LIST[:1] if _LIST[:1] in spans else ()
    member = {"openapi": names} if holder else {"permissions": {"openapi": names}}
    return _with_member(text, spans, holder, member, style)


def _array(text: str, span: Span, first: Span | None, names: Sequence[str], style: _Style) -> str:
    """Return an array in the style of the old one: in one line, or a line for each element."""
    written = [json_text(name) for name in names]
    old = text[span.start : span.end]
    if "\n" not in old:
        padding = " " if old.startswith("[ ") else ""
        return f"[{padding}{', '.join(written)}{padding}]"
    outer = _indent_of(text, span.start)
    inner = _indent_of(text, first.start) if first else outer + style.indent
    lines = f",{style.newline}{inner}".join(written)
    return f"[{style.newline}{inner}{lines}{style.newline}{outer}]"


def _with_member(
    text: str,
    spans: dict[JsonPath, Span],
    holder: tuple[str, ...],
    member: dict[str, Any],
    style: _Style,
) -> str:
    """Return the text with one more member at the end of an object."""
    span = spans[holder]
    members = [
        spans[path] for path in spans if len(path) == len(holder) + 1 and path[:-1] == holder
    ]
    if members and "\n" not in text[span.start : span.end]:
        last = max(each.end for each in members)
        return f"{text[:last]}, {json_text(member)[1:-1]}{text[last:]}"
    written = json.dumps(member, ensure_ascii=False, indent=style.indent)
    outer = _indent_of(text, span.start)
    lines = written.replace("\n", style.newline + outer)
    if not members:
        return text[: span.start] + lines + text[span.end :]
    last = max(each.end for each in members)
    inner = lines[1:-1].rstrip()  # without the braces of the object that is there
    return f"{text[:last]},{inner}{text[last:]}"


def _indent_of(text: str, offset: int) -> str:
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]
