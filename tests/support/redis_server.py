"""A real Redis server, that a test may stop, pause, fill and start again."""

import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager

import pytest
from support.processes import until


class RedisServer:
    """A redis-server on a free port, without a file."""

    def __init__(self, program, folder, port):
        self._command = [program, "--port", str(port), "--bind", "127.0.0.1"]
        self._command += ["--save", "", "--appendonly", "no"]
        self._folder = folder
        self._port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self._command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert until(self._answers)

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def stop(self):
        """End it as a crash does."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()

    def client(self):
        import redis  # noqa: PLC0415

        return redis.Redis.from_url(self.url)


@contextmanager
def redis_server(folder):
    """Serve a Redis until the end of the with block; skip the test where it is not installed."""
    pytest.importorskip("redis", reason="the package redis is missing")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is missing: apt-get install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = RedisServer(program, folder, port)
    try:
        yield server
    finally:
        server.stop()
