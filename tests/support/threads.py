"""Concurrent threads, switched as often as possible."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor


def waiting_for(event):
    """Return how many threads wait for a threading.Event."""
    return len(event._cond._waiters)


def run_concurrently(*jobs):
    """Run each job in a thread, started together; return the results, or raise an error of one."""
    barrier = threading.Barrier(len(jobs))

    def run(job):
        barrier.wait()
        return job()

    # Makes races between a check and an action likely.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(jobs)) as pool:
            return [future.result() for future in [pool.submit(run, job) for job in jobs]]
    finally:
        sys.setswitchinterval(interval)
