"""Mask secrets in texts: known ones in every spelling, others by their name or look."""

import base64
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
# Compiled by re when they are first used, which in most processes is never.
_HINT = rb"(?i)token|secret|emulator_|\\u00|%5f"
_NAME = "(?i)token|secret"
_NAMED = (
    r"""(?i)((?:token|secret)\\?["']?\s*(?:[:=>]|%3d)\s*\\?)(?:"[^"\\]*|'[^'\\]*|[^"'&\s<>\\]+)"""
)
# Base64 of a shorter one is a character or two, which any text holds.
_SHORTEST_IN_BASE64 = 3
_END = 6
_EMULATED = r"emulator_[\w-]{136}"


def mask_text(text: str, secrets: Iterable[str | None], mask: str = MASK) -> str:
    """Replace known secrets, also where they are escaped, URL-encoded or part of base64."""
    found = [spelling for spelling in _all_spellings(frozenset(secrets)) if spelling in text]
    # The longest first: a secret may begin with another one.
    for spelling in sorted(found, key=len, reverse=True):
        text = text.replace(spelling, mask)
    return text


class Masker:
    """A growing set of secrets, replaced in time that does not depend on their number."""

    def __init__(self, secrets: Iterable[str] = (), mask: str = MASK) -> None:
        self._mask = mask
        # By their last characters: all openids of a mini program begin alike.
        self._by_end: dict[str, dict[str, bool]] = {}
        self._short: list[str] = []
        # Each secret, and whether it is masked as a word only.
        self._secrets: dict[str, bool] = {}
        for secret in secrets:
            self.add(secret)

    def __len__(self) -> int:
        return len(self._secrets)

    def add(self, secret: str, *, as_word: bool = False) -> None:
        """Replace a secret from now on; ``as_word`` only where no letter or digit is beside it."""
        if secret in self._secrets and self._secrets[secret] <= as_word:
            return
        self._secrets[secret] = as_word
        for spelling in {secret} if as_word else _spellings(secret):
            if len(spelling) < _END:
                self._short.append(spelling)
            known = self._by_end.setdefault(spelling[-_END:], {})
            known[spelling] = as_word and known.get(spelling, True)

    def mask(self, text: str) -> str:
        """Return a text without the secrets."""
        found = {
            spelling: as_word
            for end in self._ends_in(text)
            for spelling, as_word in list(self._by_end.get(end, {}).items())
            if spelling in text
        }
        # The longest first: a secret may begin with another one.
        for spelling in sorted(found, key=len, reverse=True):
            if found[spelling]:
                word = rf"(?<![0-9A-Za-z]){re.escape(spelling)}(?![0-9A-Za-z])"
                text = re.sub(word, self._mask, text)
            else:
                text = text.replace(spelling, self._mask)
        return text

    def _ends_in(self, text: str) -> Iterable[str]:
        if len(self._by_end) < len(text):
            return [end for end in list(self._by_end) if end in text]
        return {text[at : at + _END] for at in range(len(text) - _END + 1)}.union(self._short)


def mask_url(url: str) -> str:
    """Return a URL without user, password, query and fragment, which may hold secrets."""
    url = re.sub(r"(?s)^([\w+]+://)?.*@", rf"\1{MASK}@", url)
    return re.sub(r"(?s)([?#]).*", rf"\1{MASK}", url)


def mask_named(text: str) -> str:
    """Replace the emulator's tokens, and each value whose name contains token or secret."""
    return re.sub(_EMULATED, MASK, re.sub(_NAMED, rf"\1{MASK}", text))


def mask_json(body: bytes) -> bytes:
    """Mask a body as `mask_named` does, JSON at any depth; a body without secrets is unchanged."""
    if not re.search(_HINT, body):
        return body
    try:
        value = json.loads(body)
        masked = _masked(value)
    except (ValueError, RecursionError):
        return mask_named(body.decode("latin-1")).encode("latin-1")
    if masked == value:
        return body
    return json.dumps(masked, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            re.sub(_EMULATED, MASK, name): MASK if re.search(_NAME, name) else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return mask_named(value) if isinstance(value, str) else value


@lru_cache(maxsize=64)
def _all_spellings(secrets: frozenset[str | None]) -> tuple[str, ...]:
    return tuple(spelling for secret in secrets if secret for spelling in _spellings(secret))


@lru_cache(maxsize=512)
def _spellings(secret: str) -> frozenset[str]:
    data = secret.encode("utf-8", "surrogatepass")
    found = {secret, json.dumps(secret)[1:-1]}
    if len(data) >= _SHORTEST_IN_BASE64:
        found |= _in_base64(data)
    for encode in (quote, quote_plus):
        encoded = encode(data, safe="")
        lower = re.sub("%..", lambda match: match[0].lower(), encoded)
        found |= {encoded, lower, quote(encoded, safe="")}
    return frozenset(found)


def _in_base64(data: bytes) -> set[str]:
    """Return the base64 characters of these bytes at each offset in a text.

    Characters that share bits with neighbouring bytes are left out.
    """
    found = set()
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(bytes(before) + data)[first:last].decode())
    return found
