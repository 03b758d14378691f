"""The machine's clocks, also in a test that freezes Python's with freezegun or time-machine.

Limits, waits and the age of signatures use these clocks: other processes do not see a frozen time.
freezegun replaces the functions of ``time`` but ``clock_gettime``, and time-machine replaces what
reads the date, so that only the C library still has the real one.
"""

import sys
import time
from functools import lru_cache
from typing import Any

if sys.platform == "win32":  # it has no other clocks
    monotonic, now = time.monotonic, time.time
else:

    def monotonic() -> float:
        """Return the seconds of a clock that is never set."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def now() -> float:
        """Return the seconds since 1970."""
        c_library, timespec = _c_library()
        moment = timespec()
        c_library.clock_gettime(time.CLOCK_REALTIME, moment)
        return float(moment[0] + moment[1] / 1e9)

    @lru_cache(maxsize=1)
    def _c_library() -> tuple[Any, Any]:
        import ctypes  # noqa: PLC0415 - most programs that use this module do not need it

        return ctypes.CDLL(None), ctypes.c_long * 2
