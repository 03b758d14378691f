"""The types of the sources of an answer: the simulation, recordings or the service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.catalogue import Catalogue, Operation


class Verbatim(NamedTuple):
    """An HTTP response that is sent unchanged."""

    status: int
    reason: str
    content_type: str
    body: bytes


class Given(NamedTuple):
    """An answer from another source than the simulation: the fields of an `Answer`."""

    body: Any
    source: str
    status: int
    verbatim: Verbatim
    differences: tuple[str, ...] = ()


Simulated = Callable[[], Any]
"""Returns the body of the simulation's answer. Raises RefusalError."""
Ask = Callable[[Operation, bytes, Simulated], Given | None]
"""Answers a request with a body; None leaves it to the simulation."""


class Sources(NamedTuple):
    """The settings of the modes.

    ``recordings`` is a folder or a cassette. ``upstream`` is the base URL of the service, by
    default WeChat's, and ``app`` the appid and the secret for it. With ``by_api`` a request
    without a recording of its own gets another recording of its API.
    """

    catalogue: Catalogue
    recordings: Path | None
    upstream: str | None
    app: tuple[str, str] | None
    by_api: bool = False
