"""The machine's clocks, also while a test freezes time.

freezegun replaces the functions of the module ``time`` wherever a module names them, but not
``clock_gettime``; time-machine replaces the answer of every clock that shows CLOCK_REALTIME. So
limits, the end of a token and the age of a signature are measured with the functions below.
"""

import sys
import time
from functools import partial

# The number of Linux's CLOCK_REALTIME_COARSE, for which Python has no name: a clock of 4 ms that
# time-machine does not know.
_COARSE = 5

if sys.platform == "win32":
    now = partial(time.time)
    monotonic = partial(time.monotonic)
else:
    now = partial(time.clock_gettime, _COARSE if sys.platform == "linux" else time.CLOCK_REALTIME)
    """Return the seconds since 1970."""
    monotonic = partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    """Return the seconds of a clock that is never set."""
