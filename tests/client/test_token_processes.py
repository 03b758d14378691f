"""Many processes share a token while holders are killed and the store fails in every way."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import count

import pytest
from support.processes import stopped, until
from support.redis_server import redis_server

from cloud_openapi.tokens import AccessToken, Granted
from cloud_openapi.tokens._shared import SharedToken
from cloud_openapi.tokens._store import FileStore, Key, RedisStore

pytestmark = pytest.mark.slow

PROCESSES, LIFE, LATENCY, KILLS = 64, 6, 0.2, 200
KEY = Key("http://x", "wx1")
# Forks the processes: an interpreter for each would take longer than the rest. Each one writes a
# line when it has a token, and a line with its warnings and its error at the end.
HERD = """
import json, logging, os, sys, time, urllib.request
from cloud_openapi.tokens import AccessToken, Granted
from cloud_openapi.tokens import _store
from cloud_openapi.tokens._shared import SharedToken
url, processes, seconds, lease = sys.argv[2], *map(float, sys.argv[3:6])
_store._REDIS_SECONDS = float(sys.argv[6])
store = _store.token_store(sys.argv[1])
said = []
logging.getLogger("cloud_openapi.tokens").addFilter(lambda record: said.append(record.getMessage()))
def fetch(path="token"):
    with urllib.request.urlopen(url + path, timeout=600) as answer:
        return Granted(*json.load(answer))
def use():
    shared = SharedToken(store, _store.Key("http://x", "wx1"), lambda: fetch("stable"), lease)
    token = AccessToken(fetch, shared=shared)
    write(token=token.get())
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        token.get()
        time.sleep(0.05)
def write(**values):
    os.write(1, json.dumps({"pid": os.getpid(), **values}).encode() + b"\\n")
for _ in range(int(processes)):
    if os.fork() == 0:
        error = ""
        try:
            use()
        except BaseException as failure:
            error = repr(failure)
        write(said=said, error=error)
        os._exit(0)
for _ in range(int(processes)):
    os.wait()
"""


class Granting:
    """A service whose tokens live for some seconds, and whose answer takes a while.

    ``/stable`` repeats the newest token while it lives, as stable_token does.
    """

    def __init__(self):
        self.times, self.sent, self.stable = [], [], 0
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection:
            is_stable = b"GET /stable" in connection.recv(4096)
            with self._lock:
                if is_stable:
                    self.stable += 1
                else:
                    self.times.append(time.monotonic())
                number = len(self.times)
            time.sleep(LATENCY)
            body = json.dumps([f"token-{number}", LIFE]).encode()
            head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            if not is_stable:
                self.sent.append(time.monotonic())
            connection.sendall(head + body)

    def close(self):
        self._socket.close()


class Run:
    """What some processes did that share a store, while ``disturb`` was called with this."""

    def __init__(self, store, seconds, lease, disturb=None, patience=1.0):
        self.service = Granting()
        options = [store, self.service.url, PROCESSES, seconds, lease, patience]
        command = [sys.executable, "-c", HERD, *map(str, options)]
        self.herd = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.killed = []
        begun = time.monotonic()
        try:
            first = [json.loads(self.herd.stdout.readline()) for _ in range(PROCESSES)]
            self.pids = [each["pid"] for each in first if each.get("token")]
            assert len(self.pids) == PROCESSES, first
            if disturb is not None:
                disturb(self)
            lines = self.herd.communicate()[0].splitlines()
        finally:
            self.herd.kill()
            self.service.close()
        self.ends = [json.loads(line) for line in lines]
        self.seconds = time.monotonic() - begun
        self.times, self.sent, self.stable = (
            self.service.times,
            self.service.sent,
            self.service.stable,
        )

    def wait_for_fetch(self):
        """Wait until the next fetch has begun."""
        before = len(self.service.times)
        assert until(lambda: len(self.service.times) > before)

    def kill(self):
        self.killed.append(self.pids[len(self.killed)])
        os.kill(self.killed[-1], signal.SIGKILL)

    def check(self):
        """Check that all others went on to their end; return how many said once that it fails."""
        assert {each["pid"] for each in self.ends} == {*self.pids} - {*self.killed}
        assert [each["error"] for each in self.ends if each["error"]] == []
        said = [each["said"] for each in self.ends]
        assert all(len(lines) <= 1 for lines in said), said
        assert all("stable_token" in line for lines in said for line in lines), said
        return sum(map(len, said))


def most_fetches(run, lost=0):
    """Return how many fetches there may be: a token is replaced after half of its life."""
    return run.seconds / (LIFE / 2) + 1 + lost


@pytest.fixture
def server(tmp_path):
    with redis_server(tmp_path) as server:
        yield server


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_one_fetch_a_token(kind, tmp_path, request):
    store = f"file:{tmp_path}" if kind == "file" else request.getfixturevalue("server").url
    run = Run(store, 12, lease=600, patience=600)
    assert run.check() == 0
    # None begins before half of the former token's life.
    waits = [later - sent for sent, later in zip(run.sent, run.times[1:], strict=False)]
    assert len(waits) > 1
    assert all(wait > LIFE / 2 - 0.1 for wait in waits), waits
    assert run.stable == 0


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_killed_holders_hold_nobody_up(kind, tmp_path, request):
    def kill_three(run):
        for _ in range(3):
            run.wait_for_fetch()
            run.kill()

    store = f"file:{tmp_path}" if kind == "file" else request.getfixturevalue("server").url
    run = Run(store, 15, lease=2, disturb=kill_three)
    lost = 3 + run.check()
    assert 3 < len(run.times) <= most_fetches(run, lost)


def test_a_flushed_store_costs_one_fetch_each_time(server):
    def flush(run):
        for _ in range(4):
            time.sleep(1.5)
            server.client().flushall()

    run = Run(server.url, 12, lease=600, disturb=flush, patience=600)
    assert run.check() == 0
    # A flush may lose a token, and the lease of the process that fetches the next one.
    assert len(run.times) <= most_fetches(run, lost=2 * 4)
    assert run.stable == 0


def test_an_emptied_folder_costs_one_fetch_each_time(tmp_path):
    folder = tmp_path / "tokens"

    def remove(run):
        for _ in range(4):
            time.sleep(1.5)
            shutil.rmtree(folder, ignore_errors=True)

    run = Run(f"file:{folder}", 12, lease=600, disturb=remove, patience=600)
    lost = run.check()
    # The lease of the process that fetches may be lost with the token.
    assert len(run.times) <= most_fetches(run, lost + 2 * 4)


def test_a_folder_that_is_gone_fails_no_call_and_is_used_again(tmp_path):
    folder = tmp_path / "tokens"

    def replace(run):
        time.sleep(1)
        folder.rename(tmp_path / "former")
        folder.touch()
        time.sleep(5)
        folder.unlink()
        assert until(lambda: any(folder.glob("*.json")))

    run = Run(f"file:{folder}", 16, lease=2, disturb=replace)
    assert (lost := run.check()) > 0
    assert run.stable > 0
    assert len(run.times) <= most_fetches(run, lost)


def test_a_paused_store_fails_no_call(server):
    def pause(run):
        time.sleep(1)
        server.client().client_pause(4000)
        time.sleep(5)
        with stopped(server.process):
            time.sleep(4)

    run = Run(server.url, 16, lease=2, disturb=pause)
    # Each process that met the failure may have lost the token that it fetched.
    assert (lost := run.check()) > 0
    assert run.stable > 0
    assert len(run.times) <= most_fetches(run, lost)


def test_a_full_store_fails_no_call(server):
    def fill(run):
        time.sleep(1)
        server.client().config_set("maxmemory", 1)
        time.sleep(5)
        server.client().config_set("maxmemory", 0)

    run = Run(server.url, 12, lease=2, disturb=fill)
    # Each process that met the failure may have lost the token that it fetched.
    assert (lost := run.check()) > 0
    assert run.stable > 0
    assert len(run.times) <= most_fetches(run, lost)


def test_a_store_that_is_gone_fails_no_call_and_is_used_again(server):
    name = f"cloud_openapi:token:{KEY.base_url}:{KEY.appid}"

    def restart(run):
        time.sleep(1)
        server.stop()
        time.sleep(5)
        server.start()
        run.before = run.service.stable
        assert until(lambda: server.client().exists(name))

    run = Run(server.url, 16, lease=2, disturb=restart)
    assert (lost := run.check()) > 0
    assert run.before > 0
    assert len(run.times) <= most_fetches(run, lost)


def renew_for_ever(store):
    """Renew a token again and again, each time as one that was refused."""
    service = count(1)
    shared = SharedToken(store, KEY, lambda: Granted("stable", 7200), 0.05)
    refused = None
    while True:
        refused = shared.grant(lambda: Granted(f"token-{next(service)}", 7200), refused).token


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_a_renewal_that_is_killed_at_any_moment_leaves_a_whole_token_and_no_lease(
    kind, tmp_path, request
):
    if kind == "file":
        store = FileStore(tmp_path)
    else:
        store = RedisStore(request.getfixturevalue("server").url)
    rng, seen, numbers = random.Random(7), set(), count(1_000_000)
    for _ in range(KILLS):
        pid = os.fork()
        if pid == 0:
            try:
                renew_for_ever(store)
            finally:
                os._exit(1)
        time.sleep(rng.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        held = store.read(KEY)
        assert held is None or held.token.startswith("token-")
        seen.add(held and held.token)
        # The next process fetches once, as soon as the lease has ended.
        fetched = []

        def fetch(fetched=fetched):
            fetched.append(f"token-{next(numbers)}")
            return Granted(fetched[-1], 7200)

        token = AccessToken(fetch, shared=SharedToken(store, KEY, fetch, 30))
        refused = held.token if held else "token-0"
        assert [token.renew(refused)] == fetched
    assert len(seen) > 1
