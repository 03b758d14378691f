"""Looking at other processes, and waiting for what they do."""

import os
import signal
import time
from contextlib import contextmanager

WAIT = 10
"""Seconds within which anything is done, on a busy machine too."""


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition):
    """Wait for a condition; say whether it came true."""
    end = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@contextmanager
def stopped(process):
    """Let a process wait, as a slow machine would, while entered."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
