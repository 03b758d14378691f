import json
import re
from typing import Final

_COMMENT: Final = re.compile(r"//|/\*|#")
_WORD: Final = re.compile(r"[\w$.+-]+")
_DIGIT: Final = re.compile(r"\d")
_GAP: Final = re.compile(r"\s*")
# The words of other languages, and what JSON has for them.
_INSTEAD: Final = {
    "True": "true",
    "TRUE": "true",
    "False": "false",
    "FALSE": "false",
    "None": "null",
    "nil": "null",
    "NULL": "null",
    "undefined": "null",
}
# The beginning of a message of Python's, and JSON's words.
_OF_STRINGS: Final = {
    "Unterminated string": "the string that begins here has no closing quote",
    "Invalid control character": "a string holds a line break or a tab: write \\n or \\t",
    "Invalid \\u": "\\u needs four hexadecimal digits",
    "Invalid \\esc": "a string holds a single backslash: write \\\\",
    "Unexpected UTF-8 BOM": "a byte order mark comes before the text",
}
_OF_PLACES: Final = {
    "Expecting property name": "a name in double quotes is missing",
    "Expecting ':'": "a colon is missing after the name",
    "Expecting ','": "a comma or a closing bracket is missing",
    "Extra data": "further text follows the value",
}
_NO_VALUE: Final = (
    "a value is a string in double quotes, a number, an object, an array, true, false or null"
)


class JSONMistakeError(json.JSONDecodeError):
    """A mistake in a JSON text, in JSON's words instead of those of Python's decoder."""

    def __init__(self, error: json.JSONDecodeError) -> None:
        doc, pos = error.doc, error.pos
        if error.msg.startswith("Expecting"):
            # Versions of Python differ: some point at the white space, or at the comma, before it.
            pos = _next(doc, pos)
        elif error.msg.startswith("Illegal trailing comma"):
            pos = _next(doc, pos + 1)
        super().__init__(_mistake(error.msg, doc, pos), doc, pos)

    def __str__(self) -> str:
        """Return the place and the mistake."""
        return f"line {self.lineno}, column {self.colno}: {self.msg}"


def _mistake(python: str, doc: str, pos: int) -> str:
    for start, words in _OF_STRINGS.items():
        if python.startswith(start):
            return words
    seen = doc[pos : pos + 1]
    if not seen:
        early = "the text ends too early: a bracket, brace or value is missing"
        return early if doc.strip() else "the text is empty"
    if _COMMENT.match(doc, pos):
        return "JSON has no comments: remove it"
    if seen == "'":
        return "strings and names have double quotes, not single ones"
    if seen in {"}", "]"} and doc[:pos].rstrip().endswith(","):
        return f'remove the comma before "{seen}"'
    return _missing(python, doc, pos)


def _missing(python: str, doc: str, pos: int) -> str:
    word = _WORD.match(doc, pos)
    for start, words in _OF_PLACES.items():
        if python.startswith(start):
            inside = word and _DIGIT.match(doc[pos - 1])
            return "a number begins with 0, or is none" if inside else words
    if word is None:
        return f'a value is missing before "{doc[pos]}"'
    # Not any word: it could be a secret.
    instead = _INSTEAD.get(word[0])
    return f"{word[0]} is not a JSON value: write {instead}" if instead else _NO_VALUE


def _next(doc: str, pos: int) -> int:
    gap = _GAP.match(doc, pos)
    return gap.end() if gap else pos
