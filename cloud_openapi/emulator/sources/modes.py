"""Where answers come from: the simulation, recordings, or the service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, get_args

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.mode import Mode


class Verbatim(NamedTuple):
    """An HTTP answer to be given as it is."""

    status: int
    reason: str
    content_type: str
    body: bytes


class Given(NamedTuple):
    """An answer that is not the simulation's: the fields of an `Answer`."""

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
    """What the modes need beside the simulation.

    ``recordings`` is a folder or a cassette. ``upstream`` is the base URL of the service, by
    default WeChat's, and ``app`` the appid and the secret to ask it with. With ``by_api`` a request
    that was not recorded gets another recording of its API.
    """

    catalogue: Catalogue
    recordings: Path | None
    upstream: str | None
    app: tuple[str, str] | None
    by_api: bool = False


class Modes:
    """The mode that an emulator is in. Safe to share between threads.

    Raises ValueError for what a mode lacks, and RecordingError for recordings that are no good.
    """

    def __init__(self, mode: Mode, sources: Sources) -> None:
        self._first = mode
        self._sources = sources
        self.mode: Mode = "simulate"
        self.ask: Ask | None = None
        """What is asked first; None, where the simulation alone answers."""
        self.set(mode)

    def set(self, mode: Any) -> None:
        """Change the mode; recordings begin again. Raises ValueError, RecordingError."""
        if mode not in get_args(Mode):
            raise InvalidInputError(f"mode is one of {', '.join(get_args(Mode))}, not {mode!r}")
        ask = None
        if mode != "simulate":
            # An emulator that only simulates does not load recordings.
            from cloud_openapi.emulator.sources import replay  # noqa: PLC0415

            ask = replay.ASKS[mode](self._sources)
        self.mode, self.ask = mode, ask

    def reset(self) -> None:
        """Go back to the first mode; recordings begin again."""
        self.set(self._first)

    def describe(self) -> dict[str, Any]:
        """Return the mode as JSON."""
        place = self._sources.recordings
        return {
            "mode": self.mode,
            "recordings": None if place is None else str(place),
            "upstream": self._sources.upstream,
        }
