"""Who answers a request: the server's loop, one of many threads, or one kept for steering."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.task import ThreadedTaskDispatcher, WSGITask

from cloud_openapi.emulator.overrides.broken_responses import DroppedConnectionError
from cloud_openapi.fibers import Fibers

_THREADS = 32
_STEERING_THREADS = 2
_STEERING_PATHS = "/_emulator"


class _Task(WSGITask):
    def execute(self) -> None:
        """Let the application drop its connection: waitress closes it without another byte."""
        try:
            super().execute()
        except DroppedConnectionError:
            raise ClientDisconnected from None

    def write(self, data: bytes) -> None:
        """Send the head together with the body: one packet, one step of the client's."""
        whole = self.complete and self.has_body and len(data) == self.content_length
        if self.wrote_header or not data or not whole:
            super().write(data)
            return
        self.channel.write_soon(self.build_response_header() + data)
        self.wrote_header = True
        self.content_bytes_written = len(data)


class Channel(HTTPChannel):
    """A connection whose answers may be written by the loop's thread."""

    task_class = _Task

    def _flush_outbufs_below_high_watermark(self) -> None:
        # It waits for the loop to send, which the loop's own thread must not.
        dispatcher: Any = self.server.task_dispatcher
        if threading.get_ident() != dispatcher.loop:
            super()._flush_outbufs_below_high_watermark()  # type: ignore[misc]


class Dispatcher(ThreadedTaskDispatcher):
    """Gives each request a thread, or none at all where it never blocks.

    To wake a thread costs as much as a small answer, and threads that take turns cost more than
    that. Some threads are kept for steering, so that a fault which puts all others to sleep can be
    taken back.
    """

    def __init__(self, never_blocks: Callable[[str], bool]) -> None:
        super().__init__()
        self._never_blocks = never_blocks
        self._tasks: deque[Any] = deque()
        self.fibers = Fibers()
        self.loop: int | None = None
        """The thread of the server's loop."""
        self._steering = ThreadedTaskDispatcher()
        self.set_thread_count(_THREADS)
        self._steering.set_thread_count(_STEERING_THREADS)
        # Its depth is no news: the queue is what holds requests while others sleep.
        self.queue_logger = self._steering.queue_logger = logging.getLogger(f"{__name__}.queue")
        self.queue_logger.setLevel(logging.ERROR)

    def add_task(self, task: Any) -> None:
        """Take a connection that has a request."""
        # One whose first lines cannot be read has none; what it is told comes from a thread.
        path = getattr(task.requests[0], "path", "")
        if path.startswith(_STEERING_PATHS):
            self._steering.add_task(task)
        elif threading.get_ident() == self.loop and self._never_blocks(path):
            self._tasks.append(task)
        else:
            super().add_task(task)

    def work(self) -> None:
        """Answer in this thread, the loop's, what can be answered without blocking it."""
        self.fibers.resume()
        while self._tasks:
            task = self._tasks.popleft()
            # What steers the emulator may have changed meanwhile whether it blocks.
            if self._never_blocks(task.requests[0].path):
                self.fibers.run(partial(self._serve, task))
            else:
                super().add_task(task)

    def _serve(self, task: Any) -> None:
        try:
            task.service()
        except Exception:
            self.logger.exception("Exception when servicing %r", task)

    def shutdown(self, *args: Any, **settings: Any) -> bool:
        """End what waits in the loop's thread, and then the others."""
        self.fibers.close()
        self._steering.shutdown(*args, **settings)
        return bool(super().shutdown(*args, **settings))
