"""Signals to other processes, and waiting for conditions."""

import os
import signal
import time
from contextlib import contextmanager

WAIT = 30
"""Seconds that a test waits at most. A busy machine needs far less."""


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition):
    """Wait for a condition, and return whether it came true."""
    end = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@contextmanager
def stopped(process):
    """Stop a process while entered, as on a slow machine."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
