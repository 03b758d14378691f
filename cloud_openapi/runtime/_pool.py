import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from cloud_openapi import clocks
from cloud_openapi.runtime._discovery import Function
from cloud_openapi.runtime._worker import Worker

# The platform keeps an unused instance for about as long.
_IDLE_SECONDS = 600


class _Idle(NamedTuple):
    found: Function
    worker: Worker
    since: float
    loaded: bool

    @property
    def usable(self) -> bool:
        return self.worker.ready if self.loaded else not self.worker.ended


class Pool:
    """Warm workers, kept for the next invocation of the same, unchanged function.

    A worker that has been idle for ten minutes is ended, unless its function ``is_debugged``.
    """

    def __init__(
        self, start: Callable[[Function], Worker], is_debugged: Callable[[str], bool]
    ) -> None:
        self._start = start
        self._is_debugged = is_debugged
        self._lock = threading.Lock()
        self._idle: dict[str, list[_Idle]] = {}
        self._busy: set[Worker] = set()
        # A process with much memory takes a while to end, so threads wait for it.
        self._ending = ThreadPoolExecutor(thread_name_prefix="ending")
        self.closed = False
        self._timer: threading.Timer | None = None

    def take(self, found: Function, *, alone: bool = False) -> tuple[Worker, bool]:
        """Return a worker of a function, and whether it has still to load the function.

        ``alone`` waits until the outdated workers that it replaces have ended.
        """
        stale: list[Worker] = []
        kept = None
        with self._lock:
            idle = self._idle.setdefault(found.settings.name, [])
            while idle and kept is None:
                last = idle.pop()
                if last.found == found and last.usable:
                    kept = last
                    self._busy.add(kept.worker)
                else:
                    stale.append(last.worker)
        ending = self._end(stale)
        if alone:
            wait(ending)
        if kept is not None:
            return kept.worker, not kept.loaded
        new = self._start(found)
        with self._lock:
            self._busy.add(new)
            if self.closed:
                new.kill()
        return new, True

    def start_early(self, found: Function) -> None:
        """Start a worker before the first invocation, which finds it loaded or loading."""
        worker, _ = self.take(found)
        self.give_back(found, worker, keep=True, loaded=False)

    def give_back(
        self, found: Function, worker: Worker, *, keep: bool, loaded: bool = True
    ) -> None:
        """Keep a worker for the next invocation, or end it."""
        with self._lock:
            self._busy.discard(worker)
            kept = keep and not self.closed
            if kept:
                idle = self._idle.setdefault(found.settings.name, [])
                idle.append(_Idle(found, worker, clocks.monotonic(), loaded))
                if self._timer is None:
                    self._end_unused_after(_IDLE_SECONDS)
        if not kept:
            self._end([worker])

    def close(self) -> None:
        """End every worker, busy ones too."""
        with self._lock:
            self.closed = True
            idle = [each.worker for workers in self._idle.values() for each in workers]
            self._idle = {}
            # The invocation that waits for a busy one fails, and gives it back.
            busy = [self._ending.submit(worker.end) for worker in self._busy]
            if self._timer is not None:
                self._timer.cancel()
        wait([*busy, *self._end(idle)])

    def leave(self) -> None:
        """Close the pipes to the workers, in a forked child: they are its parent's."""
        idle = [each.worker for workers in self._idle.values() for each in workers]
        for worker in [*idle, *self._busy]:
            worker.leave()

    def _end_unused_after(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end_unused)
        self._timer.name, self._timer.daemon = "idle workers", True
        self._timer.start()

    def _end_unused(self) -> None:
        """End the workers that have been idle for too long, and look again for the next ones."""
        with self._lock:
            now, unused = clocks.monotonic(), []
            groups = [idle for name, idle in self._idle.items() if not self._is_debugged(name)]
            for idle in groups:
                while idle and now - idle[0].since >= _IDLE_SECONDS:  # the oldest come first
                    unused.append(idle.pop(0).worker)
            oldest = min((idle[0].since for idle in groups if idle), default=None)
            self._timer = None
            if oldest is not None:
                self._end_unused_after(oldest + _IDLE_SECONDS - now)
        self._end(unused)

    def _end(self, workers: list[Worker]) -> list[Future[None]]:
        for worker in workers:
            worker.kill()
        return [self._ending.submit(worker.close) for worker in workers]
