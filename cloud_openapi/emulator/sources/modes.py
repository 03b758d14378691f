"""The source of answers: the simulation, recordings, or the service."""

from typing import TYPE_CHECKING, Any, get_args

from cloud_openapi.emulator.errors import InvalidInputError, meant
from cloud_openapi.emulator.sources.source import Source, SourceSettings
from cloud_openapi.mode import Mode

if TYPE_CHECKING:
    from cloud_openapi.recordings import Replay


class Modes:
    """The mode that an emulator is in. Safe to share between threads.

    Raises ValueError for a missing or invalid setting, and RecordingError for invalid recordings.
    """

    def __init__(self, mode: Mode, settings: SourceSettings) -> None:
        self._first = mode
        self._settings = settings
        self.mode: Mode = "simulate"
        self.source: Source | None = None
        """Called before the simulation; None in mode ``simulate``."""
        self.recordings: Replay | None = None
        """The recordings that answer; None in the modes without."""
        self.set(mode)

    def set(self, mode: Any) -> None:
        """Change the mode; recordings begin again. Raises ValueError, RecordingError."""
        if mode not in get_args(Mode):
            known = get_args(Mode)
            raise InvalidInputError(
                f"mode is one of {', '.join(known)}, not {mode!r}{meant(mode, known)}"
            )
        source, recordings = None, None
        if mode != "simulate":
            # An emulator that only simulates does not load recordings.
            from cloud_openapi.emulator.sources import replay  # noqa: PLC0415

            source, recordings = replay.SOURCES[mode](self._settings)
        self.mode, self.source, self.recordings = mode, source, recordings

    def reset(self) -> None:
        """Go back to the first mode; recordings begin again."""
        self.set(self._first)

    def describe(self) -> dict[str, Any]:
        """Return the mode as JSON."""
        place = self._settings.recordings
        return {
            "mode": self.mode,
            "recordings": None if place is None else str(place),
            "upstream": self._settings.upstream,
        }
