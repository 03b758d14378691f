"""The emulator's time for functions, where it is not the machine's."""

from cloud_openapi import clocks
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.runtime import MovedClock

# The machine's clock for limits is coarse, and both are read one after the other.
_SAME = 1.0


def moved_clock(emulator: Emulator) -> MovedClock | None:
    """Return the clock of the functions' mini program, None while it shows the machine's time."""
    clock = emulator.clock_of(emulator.first_appid)
    frozen_at, offset = clock.setting
    if frozen_at is not None:
        return MovedClock(frozen_at.timestamp())
    seconds, now = offset.total_seconds(), clock.now().timestamp()
    if abs(now - seconds - clocks.now()) > _SAME:
        return MovedClock(now)  # a test has frozen the time of this process
    return MovedClock(None, seconds) if seconds else None
