"""The thread that answers a request: the server's loop, one of many, or one for control routes."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from waitress.channel import ClientDisconnected
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import Error

from cloud_openapi.emulator.overrides.broken_responses import DroppedConnectionError
from cloud_openapi.fibers import Fibers

_THREADS = 32
_CONTROL_THREADS = 2
_CONTROL_PATHS = "/_emulator"
# A move of the clock runs the functions whose timers are due, and returns when they have ended.
_TIMER_THREADS = 4
_TIMER_PATHS = ("/_emulator/clock", "/_emulator/timers")
# A form may run a function, of which so many run at a time, and a page must not wait for it; a
# stream of events keeps its thread while a browser looks.
_PAGE_THREADS, _FORM_THREADS, _STREAM_THREADS = 4, 16, 8
_CONSOLE_PATHS = "/_console"
_STREAM_PATHS = "/_console/events"
CLOSING = "cloud_openapi.closing"
"""The key of a WSGI environment for an event that is set when the server stops."""


class _BusyError(Error):
    code = 503
    reason = "Service Unavailable"


class Task(WSGITask):
    """Answers one request."""

    def execute(self) -> None:
        """Close the connection without another byte if the application drops it."""
        try:
            super().execute()
        except DroppedConnectionError:
            raise ClientDisconnected from None

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment, with the event that ends a stream."""
        environ: dict[str, Any] = super().get_environment()
        dispatcher: Any = self.channel.server.task_dispatcher
        environ[CLOSING] = dispatcher.closing
        return environ

    def write(self, data: bytes) -> None:
        """Send the head and the body in one packet, so that the client wakes once."""
        whole = self.complete and self.has_body and len(data) == self.content_length
        if self.wrote_header or not data or not whole:
            super().write(data)
            return
        self.channel.write_soon(self.build_response_header() + data)
        self.wrote_header = True
        self.content_bytes_written = len(data)


class Dispatcher(ThreadedTaskDispatcher):
    """Answers a request in the loop's thread if it never blocks, else in another thread.

    Waking a thread costs as much as a small answer, and switching between threads costs more. Two
    threads are reserved for control routes, so that a fault that makes all others sleep can be
    removed, and others for those control routes that run functions.
    """

    def __init__(self, never_blocks: Callable[[str], bool], fibers: Fibers) -> None:
        super().__init__()
        self._never_blocks = never_blocks
        self._tasks: deque[Any] = deque()
        self.fibers = fibers
        self.loop: int | None = None
        """The identifier of the loop's thread."""
        self._control = ThreadedTaskDispatcher()
        self._timers = ThreadedTaskDispatcher()
        self._pages = ThreadedTaskDispatcher()
        self._forms = ThreadedTaskDispatcher()
        self._streams = ThreadedTaskDispatcher()
        self.closing = threading.Event()
        """Set when the server stops, for requests that would not end by themselves."""
        # A long queue is expected while requests sleep; do not warn.
        quiet = logging.getLogger(f"{__name__}.queue")
        quiet.setLevel(logging.ERROR)
        for each in (self, *self._others()):
            each.queue_logger = quiet
        self.set_thread_count(_THREADS)
        self._control.set_thread_count(_CONTROL_THREADS)
        self._timers.set_thread_count(_TIMER_THREADS)

    def _others(self) -> Iterable[ThreadedTaskDispatcher]:
        return self._control, self._timers, self._pages, self._forms, self._streams

    @property
    def in_loop(self) -> bool:
        """Return whether the current thread is the loop's."""
        return threading.get_ident() == self.loop

    def add_task(self, task: Any) -> None:
        """Choose the thread for a connection's next request."""
        request = task.requests[0]
        # An unparsable request has no path.
        path = getattr(request, "path", "")
        if path.startswith(_CONTROL_PATHS):
            slow = path.startswith(_TIMER_PATHS) and request.command != "GET"
            (self._timers if slow else self._control).add_task(task)
        elif path.startswith(_CONSOLE_PATHS):
            self._add_console_task(task, path, request.command)
        elif self.in_loop and self._is_quick(task, path):
            self._tasks.append(task)
        else:
            super().add_task(task)

    def _add_console_task(self, task: Any, path: str, method: str) -> None:
        chosen, threads = self._pages, _PAGE_THREADS
        if method == "POST":
            chosen, threads = self._forms, _FORM_THREADS
        elif path.startswith(_STREAM_PATHS):
            chosen, threads = self._streams, _STREAM_THREADS
        # Without a browser these threads are not started.
        chosen.set_thread_count(threads)
        chosen.add_task(task)

    def _is_quick(self, task: Any, path: str) -> bool:
        """Return whether a request never blocks; with too many connections, refuse it."""
        request = task.requests[0]
        if request.error is None and task.server.connections.is_full():
            request.error = _BusyError("Too many requests at once. Try again later.")
        return request.error is not None or self._never_blocks(path)

    def work(self) -> bool:
        """Answer requests in the loop's thread, which calls this; return whether there were any."""
        found = self.fibers.resume() or bool(self._tasks)
        while self._tasks:
            task = self._tasks.popleft()
            request = task.requests[0]
            # Checked again: a control route may have added a latency fault since.
            if request.error is not None or self._never_blocks(request.path):
                self.fibers.run(partial(self._serve, task))
            else:
                super().add_task(task)
        return found

    def _serve(self, task: Any) -> None:
        try:
            task.service()
        except Exception:
            self.logger.exception("Exception when servicing %r", task)

    def shutdown(self, *args: Any, **settings: Any) -> bool:
        """End the waiting fibers, and then the threads."""
        self.closing.set()
        self.fibers.close()
        for each in self._others():
            each.shutdown(*args, **settings)
        return bool(super().shutdown(*args, **settings))
