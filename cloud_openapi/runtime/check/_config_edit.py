"""Change ``permissions.openapi`` of a config.json, and leave the rest of the file as it is."""

from collections.abc import Sequence
from pathlib import Path

from cloud_openapi.json_text import json_text
from cloud_openapi.runtime._discovery import read_permissions
from cloud_openapi.runtime._files import read_object
from cloud_openapi.runtime._json_edit import Style, indent_of, replace_file, with_child
from cloud_openapi.runtime._json_places import Span, places
from cloud_openapi.runtime.check._finding import Fix

_LIST = ("permissions", "openapi")


def apply_fixes(path: Path, fixes: Sequence[Fix]) -> None:
    """Write the changes into a config.json, which is created if it is missing.

    Raises FileError for an invalid file, which is left as it is, and OSError.
    """
    replace_file(path, fixed_text(path, fixes))


def fixed_text(path: Path, fixes: Sequence[Fix]) -> str:
    """Return a config.json with the changes. Raises FileError for an invalid file, and OSError."""
    listed = read_permissions(path)
    if read_object(path) is None:
        return json_text({"permissions": {"openapi": _changed(listed, fixes)}}, indent=2) + "\n"
    original = path.read_bytes().decode("utf-8")
    begin = "\ufeff" if original.startswith("\ufeff") else ""
    return begin + _edited(original.removeprefix("\ufeff"), _changed(listed, fixes))


def _changed(listed: Sequence[str], fixes: Sequence[Fix]) -> list[str]:
    names = list(listed)
    for fix in fixes:
        if fix.remove:
            names = [fix.add if name == fix.remove else name for name in names]
    names += [fix.add for fix in fixes if not fix.remove]
    return list(dict.fromkeys(filter(None, names)))


def _edited(text: str, names: Sequence[str]) -> str:
    spans = places(text)
    if _LIST in spans:
        span = spans[_LIST]
        first = spans.get((*_LIST, 0))
        return text[: span.start] + _array(text, span, first, names) + text[span.end :]
    holder = _LIST[:1] if _LIST[:1] in spans else ()
    member = {"openapi": names} if holder else {"permissions": {"openapi": names}}
    return with_child(text, holder, member)


def _array(text: str, span: Span, first: Span | None, names: Sequence[str]) -> str:
    """Return an array in the style of the old one: in one line, or a line for each element."""
    written = [json_text(name) for name in names]
    old = text[span.start : span.end]
    if "\n" not in old:
        padding = " " if old.startswith("[ ") else ""
        return f"[{padding}{', '.join(written)}{padding}]"
    style, outer = Style.of(text), indent_of(text, span.start)
    inner = indent_of(text, first.start) if first else outer + style.indent
    lines = f",{style.newline}{inner}".join(written)
    return f"[{style.newline}{inner}{lines}{style.newline}{outer}]"
