from collections.abc import Callable
from datetime import datetime
from threading import Event

from cloud_openapi import clocks
from cloud_openapi.periods import beijing_now


class Clock:
    """The time of a run: the date in Beijing, and the seconds that it waits."""

    def __init__(self, now: Callable[[], datetime] = beijing_now) -> None:
        self.now = now
        """Return the time in Beijing, by which windows are over."""

    def seconds(self) -> float:
        """Return the seconds of a clock that is never set."""
        return clocks.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait without a call in flight."""
        Event().wait(seconds)
