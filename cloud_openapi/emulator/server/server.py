"""The emulator on a socket: waitress, in a thread or in the caller's own."""

import errno
import os
import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.adjustments import Adjustments

from cloud_openapi.clocks import monotonic
from cloud_openapi.emulator.server.connections import Connections, Listener
from cloud_openapi.emulator.server.dispatch import Dispatcher
from cloud_openapi.fibers import Fibers

if TYPE_CHECKING:
    from typing_extensions import Self

# Far above the application's limit, which it refuses with a message of its own.
_LARGEST_BODY = 64 * 1024 * 1024


_LARGEST_HEAD = 64 * 1024
_NEVER = 10**9
_LOCALHOST = ("127.0.0.1", "::1")
# A free port of one address may be in use at another.
_ATTEMPTS = 20
# Falling asleep and waking up takes about as long as a warm worker's answer.
_AWAKE_SECONDS = 60e-6
# On a single core, the worker needs its turn meanwhile.
_give_way = getattr(os, "sched_yield", lambda: None)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that the port is known before the application is made.

    Port 0 takes a free one. ``::`` listens on IPv4, too. Raises OSError, and ValueError for an
    empty host, which would be all addresses.
    """
    if not host:
        raise ValueError("the host is empty; 0.0.0.0 listens on all addresses")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=family, backlog=1024, dualstack_ipv6=both)


def listen_all(host: str, port: int) -> list[socket.socket]:
    """Do what `listen` does, for both addresses of localhost if the machine has both."""
    if host != "localhost":
        return [listen(host, port)]
    left = _ATTEMPTS
    while True:
        left -= 1
        first = listen(_LOCALHOST[0], port)
        try:
            return [first, listen(_LOCALHOST[1], first.getsockname()[1])]
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                return [first]
            first.close()
            if port or error.errno != errno.EADDRINUSE or not left:
                raise


def url_of(listening: socket.socket) -> str:
    """Return the base URL of a listening socket, for a client on this machine."""
    return url_at(*listening.getsockname()[:2])


def url_at(host: str, port: int) -> str:
    """Return the base URL of a server that listens on an address, for a client on this machine."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
    return f"http://[{local}]:{port}" if ":" in local else f"http://{local}:{port}"


class Server:
    """A server of a WSGI application on a listening socket; 32 requests may block at a time.

    Requests for a path for which ``never_blocks`` returns True need no thread: the application
    answers them at once, or waits with `fibers.wait`.
    """

    def __init__(
        self,
        app: Any,
        listening: socket.socket | Sequence[socket.socket],
        never_blocks: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        sockets = [listening] if isinstance(listening, socket.socket) else list(listening)
        self.url = url_of(sockets[0])
        self._channels: dict[int, Any] = {}
        fibers = Fibers(self._channels)
        self._connections = Connections(self._channels, fibers)
        self._dispatcher = Dispatcher(never_blocks, fibers)
        self._listeners = [self._listener(app, each) for each in sockets]
        self._connections.begin()
        self._started = False
        self._stopping = False
        # Held by `close` while it wakes the loop, which must not close the trigger meanwhile. An
        # RLock, as a signal handler may call `close` in the loop's thread.
        self._ending = threading.RLock()
        self._thread: threading.Thread | None = None

    def _listener(self, app: Any, listening: socket.socket) -> Listener:
        settings = Adjustments(
            sockets=[listening],
            max_request_header_size=_LARGEST_HEAD,
            max_request_body_size=_LARGEST_BODY,
            # `Connections` closes them.
            channel_timeout=_NEVER,
            clear_untrusted_proxy_headers=True,
            ident="",
        )
        return Listener(
            self._connections,
            app,
            map=self._channels,
            _sock=listening,
            dispatcher=self._dispatcher,
            adj=settings,
            sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
            bind_socket=False,
        )

    def run(self) -> None:
        """Serve until `close` is called or an exception such as KeyboardInterrupt ends it."""
        self._started = True
        self._dispatcher.loop = threading.get_ident()
        awake_until = 0.0
        # waitress's own loop does not end while a client keeps its connection.
        try:
            while not self._stopping:
                awake = monotonic() < awake_until
                if awake:
                    _give_way()
                timeout = 0 if awake else self._dispatcher.fibers.timeout(1)
                wasyncore.loop(timeout, map=self._channels, use_poll=True, count=1)
                if self._dispatcher.work():
                    awake_until = monotonic() + _AWAKE_SECONDS
                self._connections.tidy()
        finally:
            self._release()

    def close(self) -> None:
        """Stop serving and close the socket; if another thread is in `run`, `run` does both."""
        with self._ending:
            if self._stopping:
                return
            self._stopping = True
            if not self._started and self._thread is None:
                self._release()
                return
            if self._channels:
                # Even in the loop's thread, where a signal handler may run while the loop waits.
                trigger: Any = self._listeners[0].trigger
                trigger.pull_trigger()
        if self._thread is not None:
            self._thread.join()

    def _release(self) -> None:
        self._dispatcher.shutdown()
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
