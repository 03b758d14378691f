"""A disk without room."""

import resource
import signal
from contextlib import contextmanager


@contextmanager
def full_disk():
    """Let this process write no more than 100 bytes to a file."""
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)
