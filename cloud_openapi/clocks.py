"""The machine's clocks, also while a test freezes time.

freezegun replaces the functions of the module ``time`` wherever a module names them, but not
``clock_gettime``; time-machine replaces the answer of every clock that shows CLOCK_REALTIME. So
limits, the end of a token and the age of a signature are measured with the functions below.
"""

import sys
import time
from datetime import datetime, timezone
from functools import partial

# Linux's CLOCK_REALTIME_COARSE and CLOCK_MONOTONIC_COARSE, which Python does not name. Their
# resolution is 4 ms, and time-machine does not replace them.
_COARSE, _MONOTONIC_COARSE = 5, 6

if sys.platform == "win32":
    monotonic = partial(time.monotonic)
else:
    monotonic = partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    """Return the seconds of a clock that is never set."""

if sys.platform == "linux":
    now = partial(time.clock_gettime, _COARSE)
    """Return the seconds since 1970."""

    _ticks = partial(time.clock_gettime_ns, _MONOTONIC_COARSE)

    def _beginning() -> float:
        """Return the seconds from 1970 to the zero of `monotonic`."""
        # Both clocks tick together: within a tick their difference is always the same.
        while True:
            ticks, since_1970 = _ticks(), time.clock_gettime_ns(_COARSE)
            if _ticks() == ticks:
                return (since_1970 - ticks) / 10**9
else:
    # time-machine replaces every clock of the date here: count from the time of the import.
    # freezegun does not replace clock_gettime, which Windows lacks.
    _START = (
        time.time() if sys.platform == "win32" else time.clock_gettime(time.CLOCK_REALTIME)
    ) - monotonic()

    def now() -> float:
        """Return the seconds since 1970."""
        return monotonic() + _START

    def _beginning() -> float:
        return _START


def moment(seconds: float) -> datetime:
    """Return the date and time of a moment that `monotonic` has measured."""
    return datetime.fromtimestamp(_beginning() + seconds, timezone.utc)
