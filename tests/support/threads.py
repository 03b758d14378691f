"""Several threads at once."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor


def waiting_for(event):
    """Return how many threads wait for a threading.Event."""
    return len(event._cond._waiters)


def at_once(*jobs):
    """Run jobs in a thread each, begun together; return their results, or raise their error.

    They are switched as often as possible.
    """
    all_there = threading.Barrier(len(jobs))

    def run(job):
        all_there.wait()
        return job()

    # So that a thread is left between a look and a step, where a lock is missing.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(jobs)) as pool:
            return [future.result() for future in [pool.submit(run, job) for job in jobs]]
    finally:
        sys.setswitchinterval(interval)
