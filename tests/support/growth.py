"""Measure how the time of a call grows with its text."""

import time

SMALL, LARGE = 1_000, 16_000
# A linear pattern takes 16 times as long for the large input, a quadratic one 256 times.
GROWTH = 64
# Shorter times are noise.
SHORTEST = 0.02


def taken(call, text):
    times = []
    for _ in range(2):
        began = time.process_time()
        call(text)
        times.append(time.process_time() - began)
    return min(times)


def grows_in_proportion(call, start, piece, end="\0", measures=5):
    """Return whether a call takes time in proportion to the length of its text."""
    # A busy machine can make one measure slow, but not each of several.
    return any(_grew_in_proportion(call, start, piece, end) for _ in range(measures))


def _grew_in_proportion(call, start, piece, end):
    large = 0.0
    # In steps, so that an exponential pattern ends the test early.
    for length in (25, 200, SMALL, LARGE):
        small, large = large, taken(call, start + (piece * length)[:length] + end)
        if large > max(small, SHORTEST / GROWTH) * GROWTH:
            return False
    return True
