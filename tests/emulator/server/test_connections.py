"""Clients that open many connections, are slow, or do not speak HTTP."""

import errno
import logging
import os
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress

import pytest
from support.processes import WAIT, until
from waitress.channel import HTTPChannel

from cloud_openapi.emulator import Emulator, Server, create_app, listen
from cloud_openapi.emulator.server import connections

HEAD = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
KEPT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def few(monkeypatch):
    """Limit the connections to eight and two for control."""
    monkeypatch.setattr(connections, "_MOST", 8)
    monkeypatch.setattr(connections, "_RESERVE", 2)


def connect(server):
    connection = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), WAIT)
    connection.settimeout(WAIT)
    return connection


def rest_of(connection):
    """Return what the server sends until it ends the connection."""
    with suppress(ConnectionResetError):
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


def ask(server, path="/healthz"):
    with closing(connect(server)) as connection:
        connection.sendall(HEAD % path.encode())
        return rest_of(connection)[9:12]


def serving(app=None, never_blocks=lambda _path: False):
    return Server(app or create_app(Emulator()), listen("127.0.0.1", 0), never_blocks)


# ---- many ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", KEPT])
def test_oldest_idle_connections_give_way(few, sent):
    with serving() as server, ExitStack() as held:
        idle = [held.enter_context(closing(connect(server))) for _ in range(8)]
        for each in idle:
            each.sendall(sent)
            assert sent != KEPT or each.recv(9) == b"HTTP/1.1 "
        for _ in range(20):
            idle.append(held.enter_context(closing(connect(server))))
            assert ask(server) == b"200"
        assert ask(server, "/_emulator/state") == b"200"
        idle[0].sendall(b"x")
        rest_of(idle[0])


def test_connection_that_drips_is_older_than_one_that_is_idle(few):
    with serving() as server, ExitStack() as held:
        dripping = held.enter_context(closing(connect(server)))
        dripping.sendall(b"G")
        assert until(lambda: any(each.request for each in server._connections._all()))
        idle = [held.enter_context(closing(connect(server))) for _ in range(7)]
        assert until(lambda: len(server._connections) == 8)
        dripping.sendall(b"E")
        idle.append(held.enter_context(closing(connect(server))))
        assert rest_of(dripping) == b""
        for each in idle:
            each.sendall(HEAD % b"/healthz")
            assert rest_of(each)[9:12] == b"200"


class Waiting:
    """A WSGI application whose /wait answers when `go_on` is set."""

    def __init__(self):
        self.arrived = threading.Semaphore(0)
        self.go_on = threading.Event()

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/wait":
            self.arrived.release()
            self.go_on.wait(WAIT)
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]


@pytest.mark.parametrize("never_blocks", [False, True])
def test_running_requests_are_not_cut_off_and_control_has_room(few, never_blocks):
    app = Waiting()
    quick = "/quick".__eq__ if never_blocks else lambda _path: False
    with serving(app, quick) as server, ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(ask, server, "/wait") for _ in range(8)]
        try:
            assert all(app.arrived.acquire(timeout=WAIT) for _ in waiting)
            assert ask(server, "/quick") == b"503"
            assert ask(server, "/_emulator/state") == b"200"
        finally:
            app.go_on.set()
        assert [each.result() for each in waiting] == [b"200"] * 8
        assert ask(server, "/quick") == b"200"


# ---- slow ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("_IDLE_SECONDS", b""),
        ("_IDLE_SECONDS", KEPT),
        ("_HEAD_SECONDS", b"GET / HTTP/1.1\r\nA: b"),
        ("_BODY_SECONDS", b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nx"),
        ("_BODY_SECONDS", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx"),
    ],
)
def test_a_connection_that_takes_too_long_is_closed(monkeypatch, limit, sent):
    monkeypatch.setattr(connections, limit, 0.01)
    monkeypatch.setattr(connections, "_CHECK_SECONDS", 0.01)
    with serving() as server, closing(connect(server)) as connection:
        connection.sendall(sent)
        rest_of(connection)  # it ends


def test_each_request_of_a_connection_has_the_whole_time():
    with serving() as server, closing(connect(server)) as connection:
        connection.sendall(KEPT[:9])
        assert until(lambda: any(each.request for each in server._connections._all()))
        (channel,) = server._connections._all()
        before = channel.begun
        connection.sendall(KEPT[9:] + KEPT[:9])
        assert connection.recv(9) == b"HTTP/1.1 "
        assert until(lambda: channel.begun > before)


@pytest.mark.slow
def test_client_that_does_not_read_is_closed(monkeypatch):
    monkeypatch.setattr(connections, "_CHECK_SECONDS", 0.01)

    def app(_environ, start):
        start("200 OK", [("Content-Length", str(2**24))])
        return [bytes(2**24)]

    with serving(app, lambda _path: True) as server, closing(connect(server)) as connection:
        connection.sendall(HEAD % b"/")
        assert until(lambda: [each.total_outbufs_len for each in server._connections._all()])
        monkeypatch.setattr(connections, "_IDLE_SECONDS", 0.01)
        assert until(lambda: len(server._connections) == 0)


@pytest.mark.parametrize("never_blocks", [False, True])
def test_answer_larger_than_the_sockets_buffer_arrives_whole(never_blocks):
    body = bytes(range(256)) * 2**16

    def app(_environ, start):
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    with serving(app, lambda _path: never_blocks) as server, closing(connect(server)) as connection:
        connection.sendall(HEAD % b"/")
        assert until(lambda: any(each.total_outbufs_len for each in server._connections._all()))
        assert rest_of(connection).partition(b"\r\n\r\n")[2] == body


def test_answer_that_the_socket_takes_at_once_is_not_buffered(monkeypatch):
    buffered = []
    monkeypatch.setattr(HTTPChannel, "write_soon", lambda _channel, data: buffered.append(data))
    with serving(never_blocks=lambda _path: True) as server:
        assert ask(server) == b"200"
    assert buffered == []


# ---- no HTTP -------------------------------------------------------------------------------


def test_tls_is_ended_at_once_with_one_warning(caplog):
    context = ssl.create_default_context()
    with serving() as server:
        for _ in range(3):
            with closing(connect(server)) as connection, pytest.raises(OSError):  # noqa: PT011
                context.wrap_socket(connection, server_hostname="localhost")
        assert ask(server) == b"200"
    (record,) = caplog.records
    assert "http, not https" in record.getMessage()


@pytest.mark.parametrize("byte", [b"\0", b"\x80", b"\xff", b"\x05\x01\0", b"\x1b[A"])
def test_bytes_that_begin_no_request_end_the_connection(caplog, byte):
    with serving() as server, closing(connect(server)) as connection:
        connection.sendall(byte)
        assert rest_of(connection) == b""
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("junk", [b"x" * 10, b"0\r\nA: " + b"x" * 10])
def test_chunk_head_and_trailer_that_do_not_end_are_refused(junk):
    with serving() as server, closing(connect(server)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + junk)
        with suppress(ConnectionError):
            for _ in range(1000):
                connection.sendall(b"x" * 1000)
        assert rest_of(connection)[9:12] in {b"400", b""}


# ---- descriptors ---------------------------------------------------------------------------


@pytest.mark.slow
def test_one_warning_while_there_are_no_descriptors(monkeypatch, caplog):
    tried = threading.Semaphore(0)
    accept, refusing = socket.socket.accept, threading.Event()

    def refused(self):
        if not refusing.is_set():
            return accept(self)
        tried.release()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(socket.socket, "accept", refused)
    monkeypatch.setattr(connections, "_PAUSE_SECONDS", 0.01)
    with serving() as server:
        refusing.set()
        with closing(connect(server)) as connection:
            connection.sendall(HEAD % b"/healthz")
            assert all(tried.acquire(timeout=WAIT) for _ in range(2))
            refusing.clear()
            assert rest_of(connection)[9:12] == b"200"
    (record,) = caplog.records
    assert record.getMessage() == (
        "Cannot accept a connection: Too many open files. Raise the limit with `ulimit -n 4096` "
        "before you start the emulator."
    )


@pytest.mark.parametrize(
    ("descriptors", "most"), [(64, 8), (256, 104), (1024, 872), (20000, 1000), (-1, 1000), (8, 1)]
)
def test_limit_leaves_descriptors_for_functions(monkeypatch, descriptors, most):
    monkeypatch.setattr("resource.getrlimit", lambda _which: (descriptors, descriptors))
    assert connections.most_connections() == most
