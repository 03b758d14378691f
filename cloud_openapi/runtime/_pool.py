import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from cloud_openapi import real_clock
from cloud_openapi.runtime._discovery import Function
from cloud_openapi.runtime._worker import Worker

# The platform keeps an unused instance for about as long.
_IDLE_SECONDS = 600


class _Idle(NamedTuple):
    found: Function
    worker: Worker
    since: float


class Pool:
    """Warm workers, kept for the next invocation of the same, unchanged function.

    A worker that has been idle for ten minutes is ended when another one is given back.
    """

    def __init__(self, start: Callable[[Function], Worker]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._idle: dict[str, list[_Idle]] = {}
        self._busy: set[Worker] = set()
        # A process with much memory takes a while to end, so threads wait for it.
        self._ending = ThreadPoolExecutor(thread_name_prefix="ending")
        self._closed = False

    def take(self, found: Function, *, alone: bool = False) -> tuple[Worker, bool]:
        """Return a worker of a function, and whether it is new and has to load the function.

        ``alone`` waits until the outdated workers that it replaces have ended.
        """
        stale, kept = [], None
        with self._lock:
            idle = self._idle.setdefault(found.settings.name, [])
            while idle and kept is None:
                last = idle.pop()
                if last.found == found and last.worker.ready:
                    kept = last.worker
                    self._busy.add(kept)
                else:
                    stale.append(last.worker)
        ending = self._end(stale)
        if alone:
            wait(ending)
        if kept is not None:
            return kept, False
        new = self._start(found)
        with self._lock:
            self._busy.add(new)
            if self._closed:
                new.kill()
        return new, True

    def give_back(self, found: Function, worker: Worker, *, keep: bool) -> None:
        """Keep a worker for the next invocation, or end it."""
        now = real_clock.monotonic()
        with self._lock:
            self._busy.discard(worker)
            unused = self._take_unused(now)
            if keep and not self._closed:
                idle = self._idle.setdefault(found.settings.name, [])
                idle.append(_Idle(found, worker, now))
            else:
                unused.append(worker)
        self._end(unused)

    def close(self) -> None:
        """End every worker, busy ones too."""
        with self._lock:
            self._closed = True
            idle = [each.worker for workers in self._idle.values() for each in workers]
            self._idle = {}
            for worker in self._busy:
                # The invocation that waits for it fails, and gives it back.
                worker.kill()
        wait(self._end(idle))

    def _take_unused(self, now: float) -> list[Worker]:
        """Remove the workers that have been idle for too long; a list has the oldest first."""
        unused = []
        for idle in self._idle.values():
            while idle and now - idle[0].since > _IDLE_SECONDS:
                unused.append(idle.pop(0).worker)
        return unused

    def _end(self, workers: list[Worker]) -> list[Future[None]]:
        for worker in workers:
            worker.kill()
        return [self._ending.submit(worker.close) for worker in workers]
