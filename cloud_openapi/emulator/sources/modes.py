"""Where answers come from: the simulation, recordings, or the service."""

from typing import Any, get_args

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.sources.source import Ask, Sources
from cloud_openapi.mode import Mode


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
