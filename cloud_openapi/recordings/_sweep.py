"""Find and replace secrets by the rules, in each part of an interaction."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from itertools import groupby, pairwise
from typing import Any
from urllib.parse import quote_plus, unquote_plus, urlsplit, urlunsplit

from cloud_openapi.recordings._encoding import is_media, rewritten
from cloud_openapi.recordings._interaction import Headers
from cloud_openapi.recordings._rules import REDACTED, Pattern, Rules

_DEEPEST = 16  # levels of a URL in a URL, JSON in JSON
SHORTEST = 10
"""The length from which a secret is searched for within words; a shorter one could be in any."""
# A shorter word is not searched for, nor one of letters or of digits alone.
_SHORTEST_WORD = 6
_MIXED = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])")
_DISPOSITION = re.compile(r"(?im)^content-disposition:")
_PART_NAME = re.compile(r"""(?i)[;\s]name\*?=["']?([^"';\r]*)""")
_NUMBER = re.compile(r"[0-9eE.+-]*")
_ATTRIBUTE = re.compile(
    r"\b(?:expires|max-age|path|domain|samesite|httponly|secure)\b", re.IGNORECASE
)


class _File(str):
    """The content of a file in a form, which is kept as it is."""

    __slots__ = ()


class Sweep:
    """One pass by the rules. ``met`` collects the secrets, which a second pass searches for."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._depth = 0
        self.met: set[str] = set()

    def uri(self, uri: str) -> str:
        """Return a URL without secrets, user and fragment."""
        scheme, netloc, path, query, _fragment = urlsplit(uri)
        user, _, host = netloc.rpartition("@")
        self.met |= values_in(user.replace(":", " "))
        return urlunsplit((scheme, host, self.text(path), self.form(query), ""))

    def form(self, text: str) -> str:
        """Return a query or an encoded form without secrets; other parts keep their spelling."""
        return "&".join(map(self._pair, text.split("&")))

    def headers(self, headers: Headers) -> dict[str, list[str]]:
        """Return headers; only those that the rules list keep their values."""
        found = {}
        for name, values in headers.items():
            if name.lower() in self._rules.headers:
                found[name] = [self.text(value) for value in values]
            else:
                if self._rules.secret(name):
                    self.met.update(*map(values_in, values))
                found[name] = [REDACTED] * len(values)
        return found

    def body(self, body: bytes) -> bytes:
        """Return a body in UTF-8, -16 or -32 without secrets; the same bytes if it has none.

        An image is not text: a part that looks like a secret would be changed, and it with it.
        """
        return body if is_media(body) else rewritten(body, self.text)

    def text(self, text: str) -> str:
        """Return a text without secrets: JSON, an encoded form, or another format."""
        if self._depth == _DEEPEST:
            return self._patterns(text)
        self._depth += 1
        try:
            return self._text(text)
        finally:
            self._depth -= 1

    def _text(self, text: str) -> str:
        if text.lstrip()[:1] in {"{", "["}:
            swept = self._json(text)
            if swept is not None:
                return swept
        if "=" in text and not any(mark in text for mark in ' \n"<{'):
            text = self.form(text)
        if _DISPOSITION.search(text):
            return self._multipart(text)
        return self._patterns(text)

    def _multipart(self, text: str) -> str:
        """Return a text with the parts of a multipart form, line by line."""
        lines = text.split("\n")
        kept: list[str] = []
        value: list[str] | None = None
        name = ""
        is_delimiter = _delimiters(lines)
        for line in lines:
            bare = line.rstrip("\r")
            if is_delimiter(bare):
                kept += [self._part(name, value), line] if value else [line]
                name, value = "", None
            elif value is not None:
                value.append(line)
            else:
                kept.append(line)
                found = _PART_NAME.search(bare)
                name = found[1] if found else name
                value = [] if name and not bare else None
        if value:
            kept.append(self._part(name, value))
        runs = groupby(kept, lambda line: isinstance(line, _File))
        return "\n".join(
            "\n".join(run) if of_file else self._patterns("\n".join(run)) for of_file, run in runs
        )

    def _part(self, name: str, lines: list[str]) -> str:
        text = "\n".join(lines)
        value = text.removesuffix("\r")
        if value.strip() and self._rules.secret(name):
            self._meet(value.strip())
            value = REDACTED
        elif is_media(value.encode("utf-8", "surrogateescape")):
            return _File(text)
        else:
            value = self.text(value)
        return value + "\r" * text.endswith("\r")

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        plain = unquote_plus(value)
        if not equals or not value:
            return self._patterns(pair)
        if self._rules.secret(unquote_plus(name)):
            self._meet(plain)
            return f"{name}={REDACTED}"
        # An unencoded value is not a form.
        nested = plain != value or plain[:1] in {"{", "["}
        swept = self.text(plain) if nested else self._patterns(plain)
        return f"{self._patterns(name)}={value if swept == plain else quote_plus(swept)}"

    def _patterns(self, text: str) -> str:
        for pattern in self._rules.patterns:
            text = self._pattern(pattern, text)
        return text

    def _pattern(self, pattern: Pattern, text: str) -> str:
        kept, start, at = [], 0, 0
        while head := pattern.head.search(text, at):
            at = head.end()
            name = head.groupdict().get("name")
            # The value of a harmless name may contain another pair: search it too.
            secret = name is None or self._rules.secret(name)
            value = pattern.value.match(text, at) if secret else None
            if value is None:
                continue
            self._meet(value[0])
            kept += [text[start:at], REDACTED]
            start = at = value.end()
        return "".join([*kept, text[start:]])

    def _json(self, text: str) -> str | None:
        """Return a JSON text without secrets, None if it is not JSON."""
        changed: list[str] = []

        # Pair by pair: of two members with the same name, a dict keeps only the last.
        def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
            return {name: self._member(name, value, changed) for name, value in members}

        try:
            value = self._value(json.loads(text, object_pairs_hook=pairs), changed)
            return _written(value, text) if changed else text
        except (ValueError, RecursionError):
            return None

    def _member(self, name: str, value: Any, changed: list[str]) -> Any:
        if not self._rules.secret(name) or value in (None, "", True, False, REDACTED):
            # The members of an object are already redacted.
            return value if isinstance(value, dict) else self._value(value, changed)
        self._meet(value)
        changed.append(name)
        return REDACTED

    def _value(self, value: Any, changed: list[str]) -> Any:
        if isinstance(value, str):
            swept = self.text(value)
            if swept != value:
                changed.append("a text")
            return swept
        if isinstance(value, list):
            return [self._value(item, changed) for item in value]
        return value

    def _meet(self, value: Any) -> None:
        if isinstance(value, Mapping):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                self._meet(item)
        elif isinstance(value, str):
            self.met |= values_in(value)


def _delimiters(lines: list[str]) -> Callable[[str], bool]:
    """Return a check for the lines that separate the parts of a multipart form."""
    known = {
        line.rstrip("\r")
        for line, following in pairwise(lines)
        if line.startswith("--") and following[:8].lower() == "content-"
    }
    if not known:
        return lambda line: line.startswith("--")
    return (known | {f"{line}--" for line in known}).__contains__


def _written(value: Any, like: str) -> str:
    text = json.dumps(value, ensure_ascii=like.isascii(), separators=(",", ":"))
    # UTF-8 cannot encode a lone surrogate; a JSON escape can.
    return text.encode("utf-8", "backslashreplace").decode()


def values_in(text: str) -> set[str]:
    """Return a secret and its parts, as far as they are long enough to search for.

    Parts are a header's scheme and credentials, its cookies, and the decoded base64 of Basic.
    """
    parts = {text}
    for cookie in text.split(";"):
        name, _, value = cookie.strip().partition("=")
        if not _ATTRIBUTE.match(name):
            parts |= {value, value.strip('"')}
    parts.update(text.split())
    for part in text.split():
        parts.update(_decoded(part).split(":", 1))
    return {part for part in parts if _is_telling(part)}


def _is_telling(part: str) -> bool:
    # Digits could be part of a number elsewhere.
    if REDACTED in part or _NUMBER.fullmatch(part):
        return False
    return len(part) >= SHORTEST or (len(part) >= _SHORTEST_WORD and bool(_MIXED.match(part)))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""
