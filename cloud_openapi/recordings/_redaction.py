"""Tokens and secrets, taken out before anything touches the disk."""

import json
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus, urlsplit, urlunsplit

from cloud_openapi.recordings._encoding import decoded
from cloud_openapi.recordings._hiding import hidden, values_in
from cloud_openapi.recordings._interaction import Headers, Interaction
from cloud_openapi.recordings._rules import REDACTED, RULES, Rules

_REMEMBERED = 100


class Redactor:
    """Takes secrets out of interactions. Safe to share between threads.

    A secret that it met, such as the token that an answer granted, or that it was given, is taken
    out of whatever it sees from then on, wherever it stands. The same request always comes out
    the same, so that it can be compared to a recorded one.
    """

    def __init__(self, secrets: Iterable[str] = (), rules: Rules = RULES) -> None:
        self.rules = rules
        self._given = frozenset(filter(None, secrets))
        self._lock = threading.Lock()
        self._met: dict[str, None] = {}

    def __repr__(self) -> str:
        return f"<Redactor, {len(self._given) + len(self._met)} secrets>"

    def interaction(self, interaction: Interaction) -> Interaction:
        """Return an interaction without its secrets; its bodies are decoded, if they were not.

        Raises RecordingError for a body that cannot be decoded: nobody knows what it holds.
        """
        sent, sent_headers = decoded(interaction.request_body, interaction.request_headers)
        got, got_headers = decoded(interaction.response_body, interaction.response_headers)
        sweep = Sweep(self.rules)
        swept = interaction._replace(
            uri=sweep.uri(interaction.uri),
            request_headers=sweep.headers(sent_headers),
            request_body=sweep.body(sent),
            reason=sweep.text(interaction.reason),
            response_headers=sweep.headers(got_headers),
            response_body=sweep.body(got),
            origin=None if interaction.origin is None else sweep.text(interaction.origin),
        )
        secrets = self._remember(sweep.met)
        clean = Interaction._make(hidden(tuple(swept), secrets))
        return clean._replace(
            request_headers=_measured(clean.request_headers, clean.request_body),
            response_headers=_measured(clean.response_headers, clean.response_body),
        )

    def request(self, uri: str, body: bytes) -> tuple[str, bytes]:
        """Return the address and the body of a request without their secrets.

        Nothing is remembered of it: what it becomes depends on it, and on what was given, alone.
        """
        sweep = Sweep(self.rules)
        swept = sweep.uri(uri), sweep.body(body)
        uri, body = hidden(swept, self._given | sweep.met)
        return uri, body

    def _remember(self, met: Iterable[str]) -> frozenset[str]:
        with self._lock:
            for secret in met:
                self._met.pop(secret, None)
                self._met[secret] = None
            for secret in list(self._met)[:-_REMEMBERED]:
                del self._met[secret]
            return self._given.union(self._met)


class Sweep:
    """One pass by the rules. ``met`` are the secrets that it met, for a second pass to search."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
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
        swept = self.text(plain)
        return f"{self._patterns(name)}={value if swept == plain else quote_plus(swept)}"

    def _patterns(self, text: str) -> str:
        for pattern in self._rules.patterns:
            text = self._pattern(pattern, text)
        return text

    def _pattern(self, pattern: re.Pattern[str], text: str) -> str:
        kept, start, at = [], 0, 0
        while match := pattern.search(text, at):
            groups = match.groupdict()
            if "name" in groups and not self._rules.secret(groups["name"]):
                # What looks like its value may hold another pair.
                at = match.end("name")
                continue
            self._meet(groups["value"])
            kept += [text[start : match.start("value")], REDACTED]
            start = at = match.end("value")
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


def _measured(headers: Headers, body: bytes) -> Headers:
    """Return headers whose length is that of the body, if they give one."""
    return {
        name: [str(len(body))] if name.lower() == "content-length" else values
        for name, values in headers.items()
    }
