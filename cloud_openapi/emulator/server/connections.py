"""The server's connections: how many there may be, and how long each may take.

A client that opens many connections, or sends a request drop by drop, must not keep others out.
"""

import errno
import logging
from contextlib import suppress
from copy import copy
from heapq import nsmallest
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.utilities import BadRequest

from cloud_openapi.clocks import monotonic
from cloud_openapi.emulator.server.dispatch import Task
from cloud_openapi.fibers import Fibers
from cloud_openapi.loopback import without_mapping

_MOST = 1000
# Connections beyond the limit, for control routes while all others run.
_RESERVE = 24
# Descriptors for everything else: the functions' processes above all.
_SPARE_DESCRIPTORS = 128
# Seconds in which a client must send its next byte, a whole head, a whole body.
_IDLE_SECONDS, _HEAD_SECONDS, _BODY_SECONDS = 30, 30, 300
# While there is room, a younger connection does not give way: its request is on its way.
_GRACE_SECONDS = 1.0
_CHECK_SECONDS, _PAUSE_SECONDS, _SAME_WARNING_SECONDS = 1.0, 1.0, 60.0
_LONGEST_CHUNK_HEAD = 8192
# Paths of files, and the bytes of the largest, which the application refuses with its own message.
_FILES, _LARGEST_FILE = ("/storage/", "/_emulator/storage/", "/_console/storage"), 6 * 2**30
_TLS_HANDSHAKE = 0x16
# Methods, and the empty lines that may stand before a request.
_FIRST_BYTES = frozenset(b"\r\n") | frozenset(range(0x21, 0x7F))
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_logger = logging.getLogger(__name__)


class _Parser(HTTPRequestParser):
    def parse_header(self, header_plus: bytes) -> None:
        """Raise ParsingError, which is a 400, for what Python's own parsers refuse, too."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError(str(error)) from None
        # waitress refuses other bytes, too, but not in a URI with two slashes in front.
        if not self.request_uri.isascii():  # type: ignore[attr-defined]
            raise ParsingError("Bad URI")
        if self.path.startswith(_FILES):  # type: ignore[attr-defined]
            self.adj = copy(self.adj)
            self.adj.max_request_body_size = _LARGEST_FILE

    def received(self, data: bytes) -> int:
        """Read data; refuse a chunk's head or a trailer that does not end."""
        consumed: int = super().received(data)
        if self.chunked and not self.completed:
            body: Any = self.body_rcv
            # waitress keeps them without a limit, and reads them again with each piece.
            if max(len(body.control_line), len(body.trailer)) > _LONGEST_CHUNK_HEAD:
                self.error = BadRequest("The head of a chunk, or the trailer, is too long")
                self.completed = True
        return consumed


class Channel(HTTPChannel):
    """A connection to which the loop's thread may write answers."""

    task_class = Task
    parser_class = _Parser
    begun = 0.0
    """The time at which the first byte of the request in progress arrived."""

    def received(self, data: bytes) -> bool:
        """Read data; close the connection if it does not begin with HTTP."""
        former = self.request
        if former is None and data and data[0] not in _FIRST_BYTES:
            connections: Connections = self.server.connections  # type: ignore[attr-defined]
            connections.warn_no_http(data[0])
            self.handle_close()
            return False
        received = super().received(data)
        if self.request is not former:
            self.begun = monotonic()
        return bool(received)

    @property
    def last_activity(self) -> float:
        """Return the time of the last byte that was received or sent."""
        return self._active_at

    @last_activity.setter
    def last_activity(self, _now: float) -> None:
        # waitress gives the time of a clock that tests freeze.
        self._active_at = monotonic()

    def waits_since(self) -> float:
        """Return the time since which the client owes a whole request."""
        return self.last_activity if self.request is None else self.begun

    def is_late(self, now: float) -> bool:
        """Return whether the client has taken too long to send its request."""
        if now - self.last_activity > _IDLE_SECONDS:
            return True
        if self.request is None:
            return False
        most = _BODY_SECONDS if self.request.headers_finished else _HEAD_SECONDS
        return now - self.begun > most

    def write_soon(self, data: Any) -> int:
        """Send data; waitress's buffer is only for what the socket does not take at once."""
        dispatcher: Any = self.server.task_dispatcher
        at_once = dispatcher.in_loop and self.connected and not self.total_outbufs_len
        if not at_once or not isinstance(data, bytes):
            return int(super().write_soon(data))
        sent = 0
        with suppress(OSError):  # it is met again with the rest
            sent = self.send(data, do_close=False)
        if sent < len(data):
            super().write_soon(data[sent:])
        return len(data)

    def _flush_outbufs_below_high_watermark(self) -> None:
        # The original blocks until the loop sends: a deadlock in the loop's own thread.
        dispatcher: Any = self.server.task_dispatcher
        if not dispatcher.in_loop:
            super()._flush_outbufs_below_high_watermark()  # type: ignore[misc]


class Connections:
    """The connections of one server; only the loop's thread may use this object.

    ``channels`` is the map of waitress, which has a few channels of the server's own and those of
    ``fibers``, too.
    """

    def __init__(self, channels: dict[int, Any], fibers: Fibers) -> None:
        self._channels = channels
        self._fibers = fibers
        self._most = most_connections()
        self._own_channels = 0
        self._next_check = 0.0
        self._exhausted = False
        self._paused_until = 0.0
        self._warned: dict[str, float] = {}

    def begin(self) -> None:
        """Count the server's own channels, before the first connection."""
        self._own_channels = len(self._channels)

    def __len__(self) -> int:
        return len(self._channels) - self._own_channels - self._fibers.watched

    def may_accept(self) -> bool:
        """Return whether there is room for one more connection."""
        return len(self) < self._most + _RESERVE and monotonic() >= self._paused_until

    def is_full(self) -> bool:
        """Return whether only requests for control routes may run besides those that run now."""
        if len(self) <= self._most:
            return False
        return sum(bool(each.requests) for each in self._all()) > self._most

    def tidy(self) -> None:
        """Close connections that are late, and the longest idle ones beyond the limit."""
        now, over = monotonic(), len(self) - self._most
        # So many at once: without them, no further connection can be accepted.
        at_once = max(over - _RESERVE + 1, int(self._exhausted))
        over = max(over, at_once)
        if over <= 0 and now < self._next_check:
            return
        self._next_check = now + _CHECK_SECONDS
        waiting = [each for each in self._all() if not each.requests]
        for late in [each for each in waiting if each.is_late(now)]:
            late.handle_close()
        idle = [each for each in waiting if each.connected and not each.total_outbufs_len]
        for number, oldest in enumerate(nsmallest(over, idle, key=Channel.waits_since)):
            if number < at_once or now - oldest.waits_since() > _GRACE_SECONDS:
                oldest.handle_close()
                self._paused_until = 0.0
        self._exhausted = False

    def pause(self, error: OSError) -> None:
        """Stop accepting connections for a second, because descriptors or memory are used up."""
        self._exhausted = True
        self._paused_until = monotonic() + _PAUSE_SECONDS
        self._warn("accept", f"Cannot accept a connection: {error.strerror}{_hint(error)}")

    def warn_no_http(self, byte: int) -> None:
        """Warn about a client that sends something other than HTTP."""
        if byte == _TLS_HANDSHAKE:
            self._warn("tls", "A client spoke TLS: the emulator's URL begins with http, not https.")
        else:
            self._warn(
                "garbage", f"A client sent something other than HTTP: it began 0x{byte:02x}."
            )

    def _warn(self, kind: str, message: str) -> None:
        """Log a warning, at most once a minute for each kind."""
        now = monotonic()
        if now >= self._warned.get(kind, now):
            self._warned[kind] = now + _SAME_WARNING_SECONDS
            _logger.warning(message)

    def _all(self) -> list[Channel]:
        return [each for each in list(self._channels.values()) if isinstance(each, Channel)]


class Listener(TcpWSGIServer):
    """Accepts connections on a listening socket."""

    channel_class = Channel

    def __init__(self, connections: Connections, *arguments: Any, **settings: Any) -> None:
        self.connections = connections
        super().__init__(*arguments, **settings)

    def readable(self) -> bool:
        """Return whether to accept a connection."""
        return bool(self.accepting) and self.connections.may_accept()

    def accept(self) -> Any:
        """Return a connection and its address, or None if there is none."""
        try:
            accepted = super().accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self.connections.pause(error)
            return None
        if accepted is None:
            return None
        connection, (host, *rest) = accepted
        # A socket for both families names an IPv4 client by an IPv6 address.
        return connection, (without_mapping(host), *rest)

    def pull_trigger(self) -> None:
        """Wake the loop, unless this is its thread: it is awake, and checks all channels next."""
        dispatcher: Any = self.task_dispatcher
        if not dispatcher.in_loop:
            super().pull_trigger()


def most_connections() -> int:
    """Return the largest number of connections that leaves descriptors for everything else."""
    most = _MOST
    with suppress(ImportError):  # Windows
        import resource  # noqa: PLC0415

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY:
            most = min(most, soft - min(soft // 2, _SPARE_DESCRIPTORS) - _RESERVE)
    return max(most, 1)


def _hint(error: OSError) -> str:
    if error.errno != errno.EMFILE:
        return "."
    return ". Raise the limit with `ulimit -n 4096` before you start the emulator."
