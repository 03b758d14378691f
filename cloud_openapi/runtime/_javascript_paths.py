"""The places of a JavaScript source that lead out of the function's folder."""

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator

from cloud_openapi.runtime._files import leads_out

# A text and a comment end with the source at the latest: they match wherever they begin, so that
# the time is linear.
_TOKEN = re.compile(
    r"""(?P<blank>//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<text>"(?:\\.|[^"\n])*"?|'(?:\\.|[^'\n])*'?|`(?:\\.|[^`])*`?)
    |(?P<word>[\w$]+)
    |(?P<space>\s+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\n])*\]?|[^/\n])*/?")
_BEFORE_REGEX = {*"(,=:[!&|?{};+-*%<>~^", "", "return", "typeof", "case", "of", "in", "await"}

_TEXT = r"""(?:"([^"\n]*)"|'([^'\n]*)'|`([^`$]*)`)"""
_MODULE = re.compile(
    r"(?<![\w$.])(?:require(?:\s*\.\s*resolve)?\s*\(|import\s*\(|import|from)\s*"
    + _TEXT
    + r"(?:\s*\))?"
)
_OF_FS = re.compile(r"\bfs\s*\.\s*(?:promises\s*\.\s*)?\w+\s*\(\s*" + _TEXT)
_URL = re.compile(r"\bURL\s*\(\s*" + _TEXT + r"\s*,\s*import\s*\.\s*meta")
_JOINED = re.compile(
    r"(?:__dirname|process\s*\.\s*cwd\s*\(\s*\))(?:\s*[,+]\s*(?:\"[^\"\n]*\"|'[^'\n]*'))+"
)
_PART = re.compile(r"""([,+])\s*["']([^"'\n]*)""")
_TEMPLATE = re.compile(r"`\$\{\s*__dirname\s*\}([^$`]*)")
# The path may be an argument of other calls: join(…), path.join(…), require('path').join(…).
_LOADS = re.compile(
    r"(?:require(?:\s*\.\s*resolve)?|import)\s*\(\s*"
    r"(?:(?:require\s*\([^()]*\)\s*\.\s*)?[\w$]+(?:\s*\.\s*[\w$]+)*\s*\(\s*){0,3}\Z"
)


def javascript_references(name: str, source: str) -> Iterator[tuple[int, str, bool]]:
    """Yield line, source text and whether a module is loaded from there, for each such place.

    ``name``, which is the file's, is relative to the function's folder. Only paths that the source
    spells out are found.
    """
    lines = [found.end() for found in re.finditer("\n", source)]
    for found, path, module in _paths(_code(source), posixpath.dirname(name)):
        if leads_out(path):
            text = " ".join(source[found.start() : found.end()].split())
            yield bisect_right(lines, found.start()) + 1, text, module


def _paths(code: str, folder: str) -> Iterator[tuple[re.Match[str], str, bool]]:
    for found in _MODULE.finditer(code):
        path = _text(found).removeprefix("file://")
        if path.startswith((".", "/")):  # other names are of packages
            yield found, posixpath.join(folder, path), True
    for pattern, base in ((_OF_FS, ""), (_URL, folder)):
        for found in pattern.finditer(code):
            yield found, posixpath.join(base, _text(found)), False
    for found in _JOINED.finditer(code):
        path = folder if found[0].startswith("__dirname") else ""
        for sign, part in _PART.findall(found[0]):
            path = f"{path or '.'}{'/' * (sign == ',')}{part}"
        yield found, path, _loads(code, found)
    for found in _TEMPLATE.finditer(code):
        yield found, f"{folder or '.'}{found[1]}", _loads(code, found)


def _text(found: re.Match[str]) -> str:
    return next((text for text in found.groups() if text), "")


def _loads(code: str, path: re.Match[str]) -> bool:
    """Return whether a path is that of a module."""
    return _LOADS.search(code[max(path.start() - 100, 0) : path.start()]) is not None


def _code(source: str) -> str:
    """Return a source of the same length, with blanks for comments, regular expressions and prose.

    Prose is a text with quotes, escapes or more than one line; paths have none of them.
    """
    parts, position, previous = [], 0, ""
    while found := _TOKEN.match(source, position):
        text, kind = found[0], found.lastgroup
        if text == "/" and previous in _BEFORE_REGEX and (regex := _REGEX.match(source, position)):
            text, kind = regex[0], "blank"
        quoted = kind == "text" and re.search(r"[\"'`\\\n]", text[1:-1])
        parts.append(" " * len(text) if kind == "blank" or quoted else text)
        previous = previous if kind in ("blank", "space") else text
        position += len(text)
    return "".join(parts)
