"""Signals to other processes, and waiting for conditions."""

import multiprocessing
import os
import resource
import signal
import time
import warnings
from contextlib import contextmanager, suppress

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


@contextmanager
def descriptors_left(count):
    """Leave this process a number of file descriptors while entered."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(0)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 40, limits[1]))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for _ in range(count):
            os.close(taken.pop())
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def in_children(count, work):
    """Run ``work(number)`` in forked children, all at once; return the results.

    Raises the error of a child, or TimeoutError for a child that hangs.
    """
    children = [_child(work, number) for number in range(count)]
    try:
        results = [receiving.recv() if receiving.poll(WAIT) else None for _, receiving in children]
    finally:
        for pid, receiving in children:
            receiving.close()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    for result in results:
        if result is None:
            raise TimeoutError("a child hangs")
        if isinstance(result[0], BaseException):
            raise result[0]
    return [result for (result,) in results]


def _child(work, number):
    receiving, sending = multiprocessing.Pipe(duplex=False)
    with warnings.catch_warnings():
        # Python 3.12 and newer warn of a fork while there are other threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        sending.close()
        return pid, receiving
    try:
        sending.send((work(number),))
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        sending.send((error,))
    finally:
        signal.pause()
