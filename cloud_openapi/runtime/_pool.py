import threading
from collections.abc import Callable

from cloud_openapi.runtime._discovery import Found
from cloud_openapi.runtime._worker import Worker


class Pool:
    """Workers, kept for the next invocation of the function as it was when they began."""

    def __init__(self, start: Callable[[Found], Worker]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._idle: dict[str, list[tuple[Found, Worker]]] = {}
        self._busy: set[Worker] = set()
        self._closed = False

    def take(self, found: Found) -> tuple[Worker, bool]:
        """Return a worker of a function, and whether it is a new one that has to load first."""
        stale, kept = [], None
        with self._lock:
            idle = self._idle.setdefault(found.settings.name, [])
            while idle and kept is None:
                state, worker = idle.pop()
                if state == found and worker.ready:
                    kept = worker
                    self._busy.add(kept)
                else:
                    stale.append(worker)
        for worker in stale:
            worker.close()
        if kept is not None:
            return kept, False
        new = self._start(found)
        with self._lock:
            self._busy.add(new)
            if self._closed:
                new.kill()
        return new, True

    def give_back(self, found: Found, worker: Worker, *, keep: bool) -> None:
        """Keep a worker for the next invocation, or end it."""
        with self._lock:
            self._busy.discard(worker)
            keep = keep and not self._closed
            if keep:
                self._idle.setdefault(found.settings.name, []).append((found, worker))
        if not keep:
            worker.close()

    def close(self) -> None:
        """End every worker, whatever it is doing."""
        with self._lock:
            self._closed = True
            idle = [worker for workers in self._idle.values() for _, worker in workers]
            self._idle = {}
            for worker in self._busy:
                # The thread that waits for its answer sees it end, and closes it.
                worker.kill()
        for worker in idle:
            worker.close()
