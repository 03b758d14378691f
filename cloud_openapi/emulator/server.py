"""The emulator on a socket: waitress, in a thread or in the caller's own."""

import logging
import socket
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask

from cloud_openapi.emulator.spoil import DroppedConnectionError

if TYPE_CHECKING:
    from typing_extensions import Self

_THREADS = 32
_STEERING_THREADS = 2
# A little above what the application takes, so that it can refuse in its own words.
_LARGEST_BODY = 8 * 1024 * 1024
_STEERING_PATHS = "/_emulator"


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that the port is known before the application is made.

    Port 0 takes a free one. Raises OSError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


def url_of(listening: socket.socket) -> str:
    """Return the base URL of a listening socket, for a client on this machine."""
    host, port = listening.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
    return f"http://[{local}]:{port}" if ":" in local else f"http://{local}:{port}"


class _Task(WSGITask):
    def execute(self) -> None:
        """Let the application drop its connection: waitress closes it without another byte."""
        try:
            super().execute()
        except DroppedConnectionError:
            raise ClientDisconnected from None


class _Channel(HTTPChannel):
    task_class = _Task


class _Dispatcher(ThreadedTaskDispatcher):
    """Gives each request a thread, or none at all where it is quick.

    Some threads are kept for steering, so that a fault which puts all others to sleep can be taken
    back.
    """

    def __init__(self, is_quick: Callable[[str], bool]) -> None:
        super().__init__()
        self._is_quick = is_quick
        self._quick: deque[Any] = deque()
        self.loop: int | None = None
        """The thread of the server's loop."""
        self._steering = ThreadedTaskDispatcher()
        self.set_thread_count(_THREADS)
        self._steering.set_thread_count(_STEERING_THREADS)
        # Its depth is no news: the queue is what holds requests while others sleep.
        self.queue_logger = logging.getLogger(f"{__name__}.queue")
        self.queue_logger.setLevel(logging.ERROR)

    def add_task(self, task: Any) -> None:
        path = task.requests[0].path
        if path.startswith(_STEERING_PATHS):
            self._steering.add_task(task)
        elif threading.get_ident() == self.loop and self._is_quick(path):
            self._quick.append(task)
        else:
            super().add_task(task)

    def serve_quick(self) -> None:
        """Answer what is quick in this thread, the loop's."""
        while self._quick:
            task = self._quick.popleft()
            try:
                task.service()
            except Exception:
                self.logger.exception("Exception when servicing %r", task)

    def shutdown(self, *args: Any, **settings: Any) -> bool:
        self._steering.shutdown(*args, **settings)
        return bool(super().shutdown(*args, **settings))


class Server:
    """Serves a WSGI application on a listening socket; 32 requests may wait at a time.

    ``is_quick`` says of a path whether its request is sure to be answered at once. Then no thread
    is woken for it, which would cost as much as a small answer.
    """

    def __init__(
        self,
        app: Any,
        listening: socket.socket,
        is_quick: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self.url = url_of(listening)
        self._channels: dict[int, Any] = {}
        self._dispatcher = _Dispatcher(is_quick)
        self._server: Any = create_server(
            app,
            map=self._channels,
            sockets=[listening],
            _dispatcher=self._dispatcher,
            connection_limit=1000,
            max_request_body_size=_LARGEST_BODY,
            channel_timeout=30,
            clear_untrusted_proxy_headers=True,
            ident="",
        )
        server: Any = self._server
        server.channel_class = _Channel
        self._started = False
        self._stopping = False
        # A loop that ends by itself must not let go of what `close` wakes it with. An RLock, for
        # a signal's handler may call `close` in the thread of the loop.
        self._ending = threading.RLock()
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Serve until `close` is called or an exception such as KeyboardInterrupt ends it."""
        self._started = True
        self._dispatcher.loop = threading.get_ident()
        # waitress's own loop goes on for as long as any client keeps its connection.
        try:
            while not self._stopping:
                wasyncore.loop(timeout=1, map=self._channels, use_poll=True, count=1)
                self._dispatcher.serve_quick()
        finally:
            self._release()

    def close(self) -> None:
        """Stop serving and let go of the socket.

        Where `run` was called in another thread, it is that one which does so, at once.
        """
        with self._ending:
            if self._stopping:
                return
            self._stopping = True
            if not self._started and self._thread is None:
                self._release()
                return
            if self._channels:
                self._server.pull_trigger()
        if self._thread is not None:
            self._thread.join()

    def _release(self) -> None:
        self._server.task_dispatcher.shutdown()
        with self._ending:
            wasyncore.close_all(self._channels, ignore_all=True)

    def __enter__(self) -> "Self":
        self._thread = threading.Thread(target=self.run, name="emulator", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()
