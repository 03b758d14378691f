"""The types of the sources of an answer: the simulation, recordings or the service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.emulator.raw_response import RawResponse


class SourceAnswer(NamedTuple):
    """An answer of recordings or the service: the fields of an `Answer`."""

    body: Any
    source: str
    status: int
    raw: RawResponse
    differences: tuple[str, ...] = ()


class Sent(NamedTuple):
    """A request as HTTPS carries it, without its token."""

    query: str
    content_type: str
    body: bytes

    def target(self, path: str, **token: str) -> str:
        """Return a path with the token and the query."""
        query = "&".join(filter(None, (urlencode(token), self.query)))
        return f"{path}?{query}" if query else path


Simulate = Callable[[], Any]
"""Returns the body of the simulation's answer. Raises RefusalError."""
Source = Callable[[Operation, Sent, Simulate], SourceAnswer | None]
"""Answers a request, or returns None to let the simulation answer."""


class SourceSettings(NamedTuple):
    """The settings of recordings and of the service.

    ``recordings`` is a folder or a cassette. ``upstream`` is the base URL of the service, by
    default WeChat's; ``app`` is the appid and the secret to call it with. With ``by_api`` a request
    without a recording gets another recording of its API.
    """

    catalogue: Catalogue
    recordings: Path | None
    upstream: str | None
    app: tuple[str, str] | None
    by_api: bool = False
