"""A load generator with concurrent connections."""

import http.client
import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import cycle
from urllib.parse import urlsplit

from scripts.bench.calls import Call

CONNECTIONS = 8
_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)


class Channel:
    """One connection of the load. It sends prepared requests, one at a time."""

    def __init__(
        self, selector: selectors.BaseSelector, url: str, turns: Iterator[tuple[bytes, Call]]
    ) -> None:
        place = urlsplit(url)
        self._turns = turns
        self._address = (place.hostname, place.port or http.client.HTTP_PORT)
        self._selector = selector
        self._received = self.body = b""
        self._asked = self.seconds = 0.0
        self._is_last = False
        self._connect()

    def ask(self) -> None:
        """Send the next request; reconnect if the server has closed the connection."""
        if self._is_last:
            self.close()
            self._connect()
            self._is_last = False
        request, self._call = next(self._turns)
        self._asked = time.perf_counter()
        self._socket.sendall(request)

    def is_answered(self) -> bool:
        """Read available bytes; return True if the answer is complete. Raise if it is wrong."""
        chunk = self._socket.recv(65536)
        # Before the answer is checked: that is work of the client.
        self.seconds = time.perf_counter() - self._asked
        self._received += chunk
        head, _, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if chunk and (length is None or len(body) < int(length[1])):
            return False
        expected = self._call.answer
        if b" 200 " not in head[:20] or expected not in {None, body}:
            raise RuntimeError(f"The measured call returns a wrong answer: {self._received!r}")
        self.body = body
        self._received = b""
        self._is_last = b"\r\nConnection: close" in head
        return True

    def close(self) -> None:
        """Close the connection."""
        self._selector.unregister(self._socket)
        self._socket.close()

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=10)
        self._selector.register(self._socket, selectors.EVENT_READ, self)


def load(url: str, calls: Sequence[Call], seconds: float, connections: int = CONNECTIONS) -> float:
    """Return a server's answered calls per second over concurrent connections.

    One thread does very little work for each call, so the figure measures the server.
    """
    done = 0
    turns = cycle([(_request(url, call), call) for call in calls])
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(closing(Channel(selector, url, turns))).ask()
        begun = now = time.perf_counter()
        while now < begun + seconds or not done:
            for key, _ in selector.select(timeout=seconds):
                if key.data.is_answered():
                    done += 1
                    key.data.ask()
            now = time.perf_counter()
    return done / (now - begun)


def timed_answers(url: str, call: Call, calls: int) -> Iterator[tuple[float, bytes]]:
    """Make calls one after another; yield the wall seconds and the body of each answer.

    The seconds are those from the first byte of the request to the last one of the answer.
    """
    turns = cycle([(_request(url, call), call)])
    with (
        selectors.DefaultSelector() as selector,
        closing(Channel(selector, url, turns)) as channel,
    ):
        for _ in range(calls):
            channel.ask()
            # The socket blocks until more bytes arrive.
            while not channel.is_answered():
                continue
            yield channel.seconds, channel.body


def _request(url: str, call: Call) -> bytes:
    head = (
        f"POST {call.target} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n{call.headers}"
        f"Content-Type: {call.content_type}\r\nContent-Length: {len(call.body)}\r\n\r\n"
    )
    return head.encode() + call.body
