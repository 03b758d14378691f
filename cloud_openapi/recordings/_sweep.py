"""One pass by the rules over the parts of an interaction."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus, urlsplit, urlunsplit

from cloud_openapi.recordings._interaction import Headers
from cloud_openapi.recordings._rules import REDACTED, Pattern, Rules

_DEEPEST = 16  # an address in an address, JSON in JSON
# What is shorter may be a word, which is not searched for elsewhere.
_SHORTEST = 10
_NUMBER = re.compile(r"[0-9eE.+-]*")
_ATTRIBUTE = re.compile(
    r"\b(?:expires|max-age|path|domain|samesite|httponly|secure)\b", re.IGNORECASE
)


class Sweep:
    """One pass by the rules. ``met`` are the secrets that it met, for a second pass to search."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._depth = 0
        self.met: set[str] = set()

    def uri(self, uri: str) -> str:
        """Return an address without secrets, user and fragment."""
        scheme, netloc, path, query, _fragment = urlsplit(uri)
        user, _, host = netloc.rpartition("@")
        self.met |= values_in(user.replace(":", " "))
        return urlunsplit((scheme, host, self.text(path), self.form(query), ""))

    def form(self, text: str) -> str:
        """Return a query or an encoded form without secrets; what stays keeps its spelling."""
        return "&".join(map(self._pair, text.split("&")))

    def headers(self, headers: Headers) -> dict[str, list[str]]:
        """Return headers with the values of those that are known to be harmless."""
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
        """Return a body without secrets; the same bytes, if it has none."""
        # What is no UTF-8 goes through as it is.
        text = body.decode("utf-8", "surrogateescape")
        swept = self.text(text)
        if swept == text:
            return body
        return swept.encode("utf-8", "surrogateescape")

    def text(self, text: str) -> str:
        """Return a text without secrets: JSON, an encoded form, or anything else."""
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
        return self._patterns(text)

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        plain = unquote_plus(value)
        if not equals or not value:
            return self._patterns(pair)
        if self._rules.secret(unquote_plus(name)):
            self._meet(plain)
            return f"{name}={REDACTED}"
        # What was not encoded is no form of its own.
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
            # The value of a harmless name may hold another pair: it is not skipped.
            secret = name is None or self._rules.secret(name)
            value = pattern.value.match(text, at) if secret else None
            if value is None:
                continue
            self._meet(value[0])
            kept += [text[start:at], REDACTED]
            start = at = value.end()
        return "".join([*kept, text[start:]])

    def _json(self, text: str) -> str | None:
        """Return a JSON text without secrets; nothing, if it is no JSON."""
        changed: list[str] = []

        # Pair by pair, since of two members with one name only the last would be kept.
        def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
            return {name: self._member(name, value, changed) for name, value in members}

        try:
            value = self._value(json.loads(text, object_pairs_hook=pairs), changed)
            return _written(value, text) if changed else text
        except (ValueError, RecursionError):
            return None

    def _member(self, name: str, value: Any, changed: list[str]) -> Any:
        if not self._rules.secret(name) or value in (None, "", True, False, REDACTED):
            # The members of an object went through here on their own.
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


def _written(value: Any, like: str) -> str:
    text = json.dumps(value, ensure_ascii=like.isascii(), separators=(",", ":"))
    # Half a surrogate pair has no UTF-8 form, but it has one in JSON.
    return text.encode("utf-8", "backslashreplace").decode()


def values_in(text: str) -> set[str]:
    """Return what is worth searching elsewhere of a secret: all of it, and its parts.

    The parts are those of a header: a scheme and credentials, cookies, Basic's base64.
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
    # Digits could be part of a number, which must stay one.
    return len(part) >= _SHORTEST and REDACTED not in part and not _NUMBER.fullmatch(part)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""
