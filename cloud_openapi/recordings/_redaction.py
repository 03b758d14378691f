"""Redact interactions before they are written to disk."""

import threading
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cloud_openapi.forks import fork_safe
from cloud_openapi.masking import mask_text
from cloud_openapi.recordings._encoding import decoded
from cloud_openapi.recordings._interaction import Headers, Interaction
from cloud_openapi.recordings._rules import REDACTED, RULES, Rules
from cloud_openapi.recordings._sweep import Sweep

_REMEMBERED = 100


class Redactor:
    """Replaces secrets in interactions. Safe to share between threads.

    It remembers the secrets that it finds, such as a granted token, and replaces them at any place
    in later interactions; likewise the secrets that it is given. A request is always redacted to
    the same result, so that it can be compared with a recorded one.
    """

    def __init__(self, secrets: Iterable[str] = (), rules: Rules = RULES) -> None:
        self.rules = rules
        self._given = frozenset(filter(None, secrets))
        self._lock = fork_safe(threading.Lock())
        self._met: dict[str, None] = {}

    def __repr__(self) -> str:
        return f"<Redactor, {len(self._given) + len(self._met)} secrets>"

    def give(self, *secrets: str) -> None:
        """Replace these secrets too, at any place in later interactions."""
        self._given |= frozenset(filter(None, secrets))

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
        secrets = self._remember(sweep.met)
        clean = Interaction(*_masked(tuple(swept), secrets))
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
        uri, body = _masked(swept, self._given | sweep.met)
        return uri, body

    def _remember(self, met: Iterable[str]) -> frozenset[str]:
        with self._lock:
            for secret in met:
                self._met.pop(secret, None)
                self._met[secret] = None
            for secret in list(self._met)[:-_REMEMBERED]:
                del self._met[secret]
            return self._given.union(self._met)


def _measured(headers: Headers, body: bytes) -> Headers:
    """Return headers with the body's Content-Length, if they have one."""
    return {
        name: [str(len(body))] if name.lower() == "content-length" else values
        for name, values in headers.items()
    }


def _masked(value: Any, secrets: Collection[str]) -> Any:
    """Mask secrets in a text, in bytes, or in a collection of them."""
    if not secrets:
        return value
    if isinstance(value, str):
        return mask_text(value, secrets, REDACTED)
    if isinstance(value, bytes):
        text = value.decode("utf-8", "surrogateescape")
        return _masked(text, secrets).encode("utf-8", "surrogateescape")
    if isinstance(value, Mapping):
        return {_masked(name, secrets): _masked(item, secrets) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_masked(item, secrets) for item in value)
    return value
