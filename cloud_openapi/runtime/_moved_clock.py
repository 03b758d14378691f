from typing import NamedTuple

from cloud_openapi import clocks


class MovedClock(NamedTuple):
    """A clock that stands still at a time, or runs at an offset from the machine's, in seconds."""

    frozen_at: float | None
    offset: float = 0.0

    def now(self) -> float:
        """Return the seconds since 1970 that the clock shows."""
        return clocks.now() + self.offset if self.frozen_at is None else self.frozen_at
