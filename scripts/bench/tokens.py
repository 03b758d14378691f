"""The access token that processes share in a store."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from cloud_openapi.tokens import Granted
from cloud_openapi.tokens._shared import SharedToken
from cloud_openapi.tokens._store import FileStore, Key, RedisStore, TokenStore
from scripts.bench.measuring import Effort, NotMeasuredError, Samples, timed

_KEY = Key("https://api.weixin.qq.com", "wx0123456789abcdef")
_TRIES = 200


def stored_token(effort: Effort, kind: Literal["file", "redis"]) -> Samples:
    """Measure the wall seconds in which a process gets the token that another one has fetched."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "file":
            return _measured(FileStore(Path(folder)), effort)
        with _redis(folder) as store:
            return _measured(store, effort)


def _measured(store: TokenStore, effort: Effort) -> Samples:
    def fetch() -> Granted:
        return Granted("x" * 136, 7200)

    shared = SharedToken(store, _KEY, fetch, 15)
    shared.grant(fetch, None)

    def get() -> dict[str, str]:
        return {"access_token": shared.grant(fetch, None).token}

    measure = timed(get, effort.calls, time.perf_counter)
    return Samples([measure() for _ in range(1 + effort.rounds)][1:], [])


@contextmanager
def _redis(folder: str) -> Iterator[RedisStore]:
    """Serve a Redis; yield a store in it."""
    program = shutil.which("redis-server")
    if program is None:
        raise NotMeasuredError("redis-server is missing")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([program, *options], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        for _ in range(_TRIES):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield RedisStore(f"redis://127.0.0.1:{port}/0")
    finally:
        server.terminate()
        server.wait()
