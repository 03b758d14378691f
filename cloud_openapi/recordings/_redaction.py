"""Redact interactions before they are written to disk."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from cloud_openapi.forks import fork_safe
from cloud_openapi.masking import Masker
from cloud_openapi.recordings._encoding import decoded, rewritten
from cloud_openapi.recordings._interaction import Headers, Interaction
from cloud_openapi.recordings._rules import REDACTED, RULES, Rules
from cloud_openapi.recordings._sweep import SHORTEST, Sweep


class Redactor:
    """Replaces secrets in interactions. Safe to share between threads.

    It remembers the secrets that it finds, such as a granted token, and replaces them at any place
    in later interactions; likewise the secrets that it is given. It never forgets one. A request is
    always redacted to the same result, so that it can be compared with a recorded one.
    """

    def __init__(self, secrets: Iterable[str] = (), rules: Rules = RULES) -> None:
        self.rules = rules
        self._given = frozenset(filter(None, secrets))
        self._lock = fork_safe(threading.Lock())
        self._known = Masker(self._given, REDACTED)

    def __repr__(self) -> str:
        return f"<Redactor, {len(self._known)} secrets>"

    def give(self, *secrets: str) -> None:
        """Replace these secrets too, at any place in later interactions."""
        with self._lock:
            self._given |= frozenset(filter(None, secrets))
            for secret in self._given:
                self._known.add(secret)

    def hide_given(self, interaction: Interaction) -> Interaction:
        """Return an interaction with only the given secrets replaced, in its response."""
        given = Masker(self._given, REDACTED)
        return interaction._replace(
            reason=_masked(interaction.reason, given),
            response_headers=_masked(interaction.response_headers, given),
            response_body=_masked(interaction.response_body, given),
        )

    def interaction(self, interaction: Interaction) -> Interaction:
        """Return an interaction without its secrets and with decoded bodies.

        Raises RecordingError for a body that cannot be decoded, since it may contain secrets.
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
        with self._lock:
            _add(self._known, sweep.met)
        return self.mask_known(swept)

    def mask_known(self, interaction: Interaction) -> Interaction:
        """Return an interaction without the secrets that are known by now."""
        clean = Interaction(*_masked(tuple(interaction), self._known))
        return clean._replace(
            request_headers=_measured(clean.request_headers, clean.request_body),
            response_headers=_measured(clean.response_headers, clean.response_body),
        )

    def request(self, uri: str, body: bytes) -> tuple[str, bytes]:
        """Return the URL and the body of a request without secrets.

        No secret is remembered: the result depends only on the request and the given secrets.
        """
        sweep = Sweep(self.rules)
        swept = sweep.uri(uri), sweep.body(body)
        secrets = Masker(self._given, REDACTED)
        _add(secrets, sweep.met)
        uri, body = _masked(swept, secrets)
        return uri, body


def _add(secrets: Masker, met: Iterable[str]) -> None:
    for secret in met:
        secrets.add(secret, as_word=len(secret) < SHORTEST)


def _measured(headers: Headers, body: bytes) -> Headers:
    """Return headers with the body's Content-Length, if they have one."""
    return {
        name: [str(len(body))] if name.lower() == "content-length" else values
        for name, values in headers.items()
    }


def _masked(value: Any, secrets: Masker) -> Any:
    """Mask secrets in a text, in bytes, or in a collection of them."""
    if isinstance(value, str):
        return secrets.mask(value)
    if isinstance(value, bytes):
        return rewritten(value, secrets.mask)
    if isinstance(value, Mapping):
        return {_masked(name, secrets): _masked(item, secrets) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_masked(item, secrets) for item in value)
    return value
