"""Known secrets, searched everywhere and in every spelling."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from cloud_openapi.recordings._rules import REDACTED

T = TypeVar("T")

# What is shorter may be a word, which is not searched for elsewhere.
_SHORTEST = 10
_ATTRIBUTE = re.compile(
    r"\b(?:expires|max-age|path|domain|samesite|httponly|secure)\b", re.IGNORECASE
)


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
    return {part for part in parts if len(part) >= _SHORTEST and REDACTED not in part}


def hidden(value: T, secrets: Iterable[str]) -> T:
    """Return a text, bytes, or a collection of them, without these secrets."""
    pattern = _pattern(frozenset(secrets))
    return value if pattern is None else _hidden(value, pattern)


def _hidden(value: Any, pattern: re.Pattern[bytes]) -> Any:
    if isinstance(value, bytes):
        return pattern.sub(REDACTED.encode(), value)
    if isinstance(value, str):
        return _hidden(value.encode("utf-8", "surrogatepass"), pattern).decode(
            "utf-8", "surrogatepass"
        )
    if isinstance(value, Mapping):
        return {_hidden(name, pattern): _hidden(item, pattern) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_hidden(item, pattern) for item in value)
    return value


@lru_cache(maxsize=64)
def _pattern(secrets: frozenset[str]) -> re.Pattern[bytes] | None:
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    # The longest first, so that nothing is left of one that begins with another.
    ordered = sorted(map(re.escape, spellings), key=len, reverse=True)
    return re.compile(b"|".join(ordered)) if ordered else None


def _spellings(secret: str) -> set[bytes]:
    data = secret.encode("utf-8", "surrogatepass")
    found = {data, json.dumps(secret)[1:-1].encode(), *_in_base64(data)}
    for encode in (quote, quote_plus):
        encoded = encode(data, safe="")
        lower = re.sub("%..", lambda match: match[0].lower(), encoded)
        found |= {encoded.encode(), lower.encode(), quote(encoded, safe="").encode()}
    return found


def _in_base64(data: bytes) -> set[bytes]:
    """Return the characters that base64 has for these bytes, wherever in a text they begin."""
    found = set()
    for before in range(3):
        # Those that share bits with neighbours are not known.
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        padded = bytes(before) + data
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(padded)[first:last])
    return found


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""
