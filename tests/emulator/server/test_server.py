"""The emulator on a real socket."""

import http.client
import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace

import pytest
from support.paths import sample
from support.processes import WAIT, stopped, until
from support.values import DAILY
from waitress import wasyncore

from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator, Server, create_app, listen, listen_all, url_of
from cloud_openapi.runtime import Functions

BODY = json.dumps(sample("getDailyRetain.request.official-https.json")).encode()
ANSWER = sample("getDailyRetain.response.official-https.json")


def port_of(server):
    return int(server.url.rpartition(":")[2])


@pytest.fixture(scope="module")
def emulator():
    return Emulator()


@pytest.fixture(scope="module", params=["by threads", "by the loop"])
def server(emulator, request):
    never_blocks = {"by threads": lambda _path: False, "by the loop": emulator.never_blocks}
    with Server(
        create_app(emulator), listen("127.0.0.1", 0), never_blocks[request.param]
    ) as server:
        yield server


@pytest.fixture
def target(emulator):
    token, _ = emulator.program(DEMO_APPID).tokens.grant()
    return f"{DAILY}?access_token={token}"


def exchange(server, request):
    """Send bytes over a new connection; return the status line and the body."""
    with socket.create_connection(("127.0.0.1", port_of(server)), WAIT) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode(), json.loads(body)


def request_of(line, *headers, body=b""):
    return "\r\n".join([line, "Connection: close", *headers, "", ""]).encode() + body


def chunks_of(body, size):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def test_the_loop_looks_again_at_once_after_an_answer_and_then_sleeps(
    emulator, target, monkeypatch
):
    timeouts, clock = [], SimpleNamespace(now=0.0)

    def recorded(timeout, **settings):
        timeouts.append(timeout)
        loop(timeout, **settings)

    loop = wasyncore.loop
    monkeypatch.setattr(wasyncore, "loop", recorded)
    monkeypatch.setattr("cloud_openapi.emulator.server.server.monotonic", lambda: clock.now)
    with Server(create_app(emulator), listen("127.0.0.1", 0), emulator.never_blocks) as server:
        request = request_of(f"POST {target} HTTP/1.1", "Content-Length: 2", body=b"{}")
        exchange(server, request)
        assert until(lambda: 0 in timeouts)
        clock.now += 1
        assert until(lambda: timeouts[-1] > 0)


@pytest.mark.parametrize("size", [1, 7, 1000], ids=["one byte each", "several", "one"])
def test_a_chunked_body_is_decoded(server, target, size):
    request = request_of(
        f"POST {target} HTTP/1.1",
        "Host: api.weixin.qq.com",
        "Transfer-Encoding: chunked",
        body=chunks_of(BODY, size),
    )
    assert exchange(server, request) == ("HTTP/1.1 200 OK", ANSWER)


@pytest.mark.parametrize(
    "base", ["http://api.weixin.qq.com", "https://api.weixin.qq.com", "http://127.0.0.1:7070"]
)
def test_absolute_request_line_is_routed_by_its_path(server, target, base):
    request = request_of(
        f"POST {base}{target} HTTP/1.1",
        "Host: api.weixin.qq.com",
        f"Content-Length: {len(BODY)}",
        body=BODY,
    )
    assert exchange(server, request) == ("HTTP/1.1 200 OK", ANSWER)


def test_body_in_pieces_is_awaited(server, target):
    head = request_of(f"POST {target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(BODY)}")
    with socket.create_connection(("127.0.0.1", port_of(server)), WAIT) as connection:
        for piece in (head[:20], head[20:], BODY[:9], BODY[9:]):
            connection.sendall(piece)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == ANSWER


@pytest.mark.parametrize("head", [b"NONSENSE", b"GET / HTTP/1.1\r\nno header"])
def test_unparsable_request_is_400(server, head):
    with socket.create_connection(("127.0.0.1", port_of(server)), WAIT) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(12).endswith(b" 400")


def test_one_connection_carries_several_requests_and_errors(server, target):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=WAIT)
    connection.connect()
    kept = connection.sock
    answers = []
    for path in (target, DAILY, target, "/nowhere", target):
        connection.request("POST", path, BODY)
        answers.append(json.load(connection.getresponse()))
    assert connection.sock is kept
    connection.close()
    assert answers[::2] == [ANSWER] * 3
    assert [answer["errcode"] for answer in answers[1::2]] == [41001, 40066]


def test_response_has_a_length_and_no_server_header(server, target):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=WAIT)
    connection.request("POST", target, BODY)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.headers["Server"] is None
    assert answer.headers["Content-Type"] == "application/json; encoding=utf-8"
    assert int(answer.headers["Content-Length"]) == len(body)


def test_body_over_six_mebibytes_is_45002(server, target):
    body = b" " * (6 * 2**20 + 1)
    request = request_of(
        f"POST {target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", body=body
    )
    status, answer = exchange(server, request)
    assert (status, answer["errcode"]) == ("HTTP/1.1 200 OK", 45002)


class Waiting:
    """A WSGI application whose /wait answers when `go_on` is set."""

    def __init__(self):
        self.arrived = threading.Semaphore(0)
        self.go_on = threading.Event()

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/wait":
            self.arrived.release()
            self.go_on.wait(WAIT)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(environ["PATH_INFO"]).encode()]


def test_server_answers_while_31_other_requests_wait():
    app = Waiting()
    with (
        Server(app, listen("127.0.0.1", 0)) as server,
        ThreadPoolExecutor(31) as pool,
    ):
        waiting = [
            pool.submit(exchange, server, request_of("GET /wait HTTP/1.1", "Host: localhost"))
            for _ in range(31)
        ]
        try:
            assert all(app.arrived.acquire(timeout=WAIT) for _ in waiting)
            quick = exchange(server, request_of("GET /quick HTTP/1.1", "Host: localhost"))
            assert not any(request.done() for request in waiting)
        finally:
            app.go_on.set()
        assert quick == ("HTTP/1.1 200 OK", "/quick")
        assert [request.result() for request in waiting] == [("HTTP/1.1 200 OK", "/wait")] * 31


def test_server_answers_a_hundred_connections_at_once():
    app = create_app(Emulator())
    ask = request_of("GET /healthz HTTP/1.1", "Host: localhost")
    with Server(app, listen("127.0.0.1", 0)) as server, ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: exchange(server, ask), range(100)))
    assert {status for status, _ in answers} == {"HTTP/1.1 200 OK"}


def test_close_frees_the_port_for_another_server():
    app = create_app(Emulator())
    ask = request_of("GET /healthz HTTP/1.1", "Host: localhost")
    with Server(app, listen("127.0.0.1", 0)) as first:
        assert exchange(first, ask)[1]["status"] == "ok"
    with pytest.raises(ConnectionRefusedError):
        exchange(first, ask)
    with Server(app, listen("127.0.0.1", port_of(first))) as second:
        assert second.url == first.url
        assert exchange(second, ask)[1]["status"] == "ok"


def test_close_ends_the_server_while_a_client_keeps_its_connection():
    before = set(threading.enumerate())
    with Server(create_app(Emulator()), listen("127.0.0.1", 0)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=WAIT)
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    left = [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]
    connection.close()
    for thread in left:
        thread.join(WAIT)
    assert left == []


def test_closing_twice_does_no_harm():
    with Server(create_app(Emulator()), listen("127.0.0.1", 0)) as server:
        server.close()


def test_close_frees_the_port_of_a_server_that_never_ran():
    with listen("127.0.0.1", 0) as listening:
        server = Server(create_app(Emulator()), listening)
        server.close()
        try:
            listen("127.0.0.1", port_of(server)).close()
        finally:
            server.run()  # which ends at once


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (("127.0.0.1", 7070), "http://127.0.0.1:7070"),
        (("0.0.0.0", 80), "http://127.0.0.1:80"),
        (("192.0.2.1", 7070), "http://192.0.2.1:7070"),
        (("::1", 7070, 0, 0), "http://[::1]:7070"),
        (("::", 7070, 0, 0), "http://[::1]:7070"),
    ],
)
def test_url_of_a_socket_works_for_a_client_on_this_machine(address, url):
    assert url_of(SimpleNamespace(getsockname=lambda: address)) == url


def test_listen_on_a_port_in_use_raises_os_error():
    with listen("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1])


def test_listen_refuses_an_empty_host():
    with pytest.raises(ValueError, match="empty"):
        listen("", 0)


@pytest.mark.parametrize("host", ["::", "localhost"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_both_families_are_answered(host, address):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    listening = listen_all(host, 0)
    with Server(create_app(Emulator()), listening) as server:
        connection = http.client.HTTPConnection(address, port_of(server), timeout=WAIT)
        with closing(connection):
            for _ in range(2):
                connection.request("GET", "/_emulator/clock")
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_client_of_a_socket_for_both_families_has_its_own_address(address):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    emulator = Emulator()
    emulator.faults.add({"kind": "error", "errcode": 40164})
    with Server(create_app(emulator), listen("::", 0)) as server:
        connection = http.client.HTTPConnection(address, port_of(server), timeout=WAIT)
        with closing(connection):
            connection.request("GET", "/cgi-bin/token")
            answer = json.load(connection.getresponse())
    assert answer["errmsg"].startswith(f"invalid ip {address} ipv6 ")
    assert answer["errmsg"].count("::ffff:") == 1


def test_localhost_with_one_address_in_use_takes_another_port():
    with listen("::1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            listen_all("localhost", port)
        for listening in listen_all("localhost", 0):
            assert listening.getsockname()[1] != port
            listening.close()


def test_control_answers_while_moves_of_the_clock_run_timers():
    moves, go_on = threading.Semaphore(0), threading.Event()
    emulator = Emulator()

    def slow(*, passes):
        moves.release()
        go_on.wait(WAIT)
        return [f"passes: {passes}"]

    emulator.clock.listen(lambda: slow)
    with Server(create_app(emulator), listen("127.0.0.1", 0)) as server:

        def ask(method, path, body=None):
            connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=WAIT)
            with closing(connection):
                connection.request(method, path, body)
                return json.load(connection.getresponse())

        with ThreadPoolExecutor(6) as pool:
            advance = json.dumps({"advance": 60})
            moving = [pool.submit(ask, "PUT", "/_emulator/clock", advance) for _ in range(6)]
            try:
                assert all(moves.acquire(timeout=WAIT) for _ in range(4))
                assert ask("GET", "/_emulator/clock")["frozen"] is False
                assert ask("POST", "/_emulator/faults", '{"kind": "html"}')["id"] == 1
                assert ask("DELETE", "/_emulator/faults") == {"faults": []}
                assert not any(each.done() for each in moving)
            finally:
                go_on.set()
            assert [each.result()["warnings"] for each in moving] == [["passes: True"]] * 6


# A fault may be added after `never_blocks` returned True for a request.
@pytest.mark.parametrize("never_blocks", [False, True])
def test_fault_can_be_removed_while_requests_sleep(never_blocks):
    emulator = Emulator()
    emulator.faults.add({"kind": "latency", "seconds": 60})
    app = create_app(emulator)
    with Server(app, listen("127.0.0.1", 0), lambda _path: never_blocks) as server:
        sleepers = [socket.create_connection(("127.0.0.1", port_of(server))) for _ in range(40)]
        for sleeper in sleepers:
            sleeper.sendall(request_of("GET /cgi-bin/token HTTP/1.1", "Host: localhost"))
        control = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=WAIT)
        control.request("DELETE", "/_emulator/faults")
        assert json.load(control.getresponse()) == {"faults": []}
        control.close()
        for sleeper in sleepers:
            sleeper.settimeout(WAIT)
            assert sleeper.recv(15) == b"HTTP/1.1 200 OK"
            sleeper.close()


def test_request_that_blocks_by_now_gets_a_thread():
    said = iter([True])
    threads = []

    def app(_environ, start):
        threads.append(threading.current_thread().name)
        start("200 OK", [("Content-Length", "0")])
        return []

    with Server(app, listen("127.0.0.1", 0), lambda _path: next(said, False)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=WAIT)
        connection.request("GET", "/x")
        assert connection.getresponse().status == 200
        connection.close()
    (thread,) = threads
    assert thread.startswith("waitress-")


def test_close_ends_a_server_in_another_thread_at_once():
    server = Server(create_app(Emulator()), listen("127.0.0.1", 0))
    # The loop would sleep for longer than the test waits, if closing did not wake it.
    server._dispatcher.fibers.timeout = lambda _most: 10 * WAIT
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    address = ("127.0.0.1", port_of(server))
    with socket.create_connection(address, WAIT) as connection:
        connection.sendall(request_of("GET /healthz HTTP/1.1", "Host: localhost"))
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    server.close()
    thread.join(WAIT)
    assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, WAIT)


def test_interrupted_server_can_be_closed():
    server = Server(create_app(), listen("127.0.0.1", 0))

    def interrupt():
        raise KeyboardInterrupt

    server._dispatcher.work = interrupt
    address = ("127.0.0.1", port_of(server))
    with socket.create_connection(address), pytest.raises(KeyboardInterrupt):
        server.run()
    server.close()


@pytest.fixture
def functions(tmp_path):
    sources = {
        "quick": "return 1",
        "slow": "while not os.path.exists(event['until']): time.sleep(0.01)\n    return 2",
    }
    for name, source in sources.items():
        (tmp_path / name).mkdir()
        text = f"import os, time\n\ndef main(event, context):\n    {source}\n"
        (tmp_path / name / "index.py").write_text(text)
    with closing(Functions(tmp_path, {})) as functions:
        yield functions


def invoke(server, name, **event):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=WAIT)
    with closing(connection):
        connection.request("POST", f"/v1/functions/{name}", json.dumps(event))
        return json.load(connection.getresponse())


def serving(functions, emulator=None):
    emulator = emulator or Emulator()
    return Server(create_app(emulator, functions), listen("127.0.0.1", 0), emulator.never_blocks)


def test_functions_run_in_parallel_while_every_thread_sleeps(functions, tmp_path):
    emulator = Emulator()
    go = tmp_path / "go"
    emulator.faults.add({"kind": "latency", "seconds": 60})
    with serving(functions, emulator) as server, ThreadPoolExecutor(8) as pool:
        sleepers = [socket.create_connection(("127.0.0.1", port_of(server))) for _ in range(32)]
        for sleeper in sleepers:
            sleeper.sendall(request_of("GET /cgi-bin/token HTTP/1.1", "Host: localhost"))
        slow = [pool.submit(invoke, server, "slow", until=str(go)) for _ in range(8)]
        assert invoke(server, "quick") == 1
        assert not any(each.done() for each in slow)
        go.touch()
        assert [each.result() for each in slow] == [2] * 8
        emulator.faults.clear()
        for sleeper in sleepers:
            sleeper.close()


def test_functions_run_while_another_process_starts(functions):
    with serving(functions) as server, ThreadPoolExecutor(2) as pool:
        assert invoke(server, "quick") == 1
        with stopped(functions._fork_server._process):
            slow = pool.submit(invoke, server, "slow", until=".")
            log = functions.log_of("slow")
            assert until(lambda: any("START" in line for _, line in log.since()))
            assert pool.submit(invoke, server, "quick").result(WAIT) == 1
        assert slow.result() == 2


def test_close_during_a_process_start_leaves_no_pipe_open(functions, monkeypatch):
    opened, pipe = [], os.pipe
    with serving(functions) as server, ThreadPoolExecutor(1) as pool:
        assert invoke(server, "quick") == 1
        with stopped(functions._fork_server._process):
            monkeypatch.setattr(os, "pipe", lambda: opened.append(pipe()) or opened[-1])
            waiting = pool.submit(invoke, server, "slow", until=".")
            assert until(lambda: len(opened) == 3)
            server.close()
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            waiting.result()
    for end in (end for ends in opened for end in ends):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(end)


def test_close_ends_running_invocations(functions):
    with serving(functions) as server, ThreadPoolExecutor(1) as pool:
        assert invoke(server, "slow", until=".") == 2
        waiting = pool.submit(invoke, server, "slow", until="never")
        log = functions.log_of("slow")
        assert until(lambda: sum("START" in line for _, line in log.since()) == 2)
        server.close()
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            waiting.result()


ODD_LINES = [
    (b"GET //x?a=\xff", b"400"),
    (b"GET /x?a=\xff", b"400"),
    (b"GET /\xe4\xb8\xad", b"400"),
    (b"GET http://[/", b"400"),
    (b"GET http://a:b/", b"403"),
    (b"GET //x?a=%ff", b"200"),
    (b"GET /%00%ff%ed%a0%80", b"200"),
    (b"BREW /nowhere", b"200"),
    (b"GET /" + b"a" * 30_000, b"200"),
    (b"GET /" + b"a" * 70_000, b"431"),
    (b"POST /x HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\nX:", b"400"),
    (b"POST /x HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\nX:", b"400"),
    (b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\nX:", b"501"),
    (
        b"GET /healthz HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(5000)) + b"X:",
        b"200",
    ),
]


@pytest.mark.parametrize(("line", "status"), ODD_LINES, ids=lambda text: repr(text[:25]))
def test_an_odd_request_has_an_answer_and_no_traceback(server, caplog, line, status):
    with socket.create_connection(("127.0.0.1", port_of(server)), WAIT) as connection:
        connection.sendall(line + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(12)[9:] == status
    assert caplog.records == []
