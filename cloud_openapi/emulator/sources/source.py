"""The types of the sources of an answer: the simulation, recordings or the service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.emulator.raw_response import RawResponse


class SourceAnswer(NamedTuple):
    """An answer of recordings or the service: the fields of an `Answer`."""

    body: Any
    source: str
    status: int
    raw: RawResponse
    differences: tuple[str, ...] = ()


Simulate = Callable[[], Any]
"""Returns the body of the simulation's answer. Raises RefusalError."""
Source = Callable[[Operation, bytes, Simulate], SourceAnswer | None]
"""Answers a request with a body, or returns None to let the simulation answer."""


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
