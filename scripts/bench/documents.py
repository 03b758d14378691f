"""The embedded document database, and others with the same operations."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from scripts.bench.measuring import ROOT, Effort, NotMeasuredError, Samples, alternate

_PACKAGES = {"mongomock": "mongomock-ng==7.11.1", "SecantusDB": "SecantusDB==0.7.0b3 pymongo"}
_SECONDS_TO_START = 60


class Worker:
    """A process with one database that measures what it is asked for."""

    def __init__(self, kind: str, packages: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.bench.document_work", kind],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), packages)))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, name: str) -> float:
        """Return the seconds of one operation, or MiB."""
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError("the process has no pipes")
        print(name, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def figure(effort: Effort, name: str) -> Samples:
    """Measure an operation of the embedded database."""
    with contextlib.closing(Worker("embedded")) as ours:
        ours(name)
        return Samples([ours(name) for _ in range(effort.rounds)], [])


_IMPORT = """
import time

def memory():
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) / 256  # pages of 4 KiB

import cloud_openapi
before, begun = memory(), time.process_time()
from cloud_openapi.documents import Client
print(time.process_time() - begun, memory() - before)
"""


def imported(effort: Effort, place: int) -> Samples:
    """Measure the import beside the facade: the CPU seconds (place 0) or the MiB (place 1)."""
    if not Path("/proc/self/statm").exists():
        raise NotMeasuredError("/proc/self/statm is missing")
    command = [sys.executable, "-c", _IMPORT]
    # The first one does not count: it compiles modules and reads from the disk.
    lines = [subprocess.check_output(command, cwd=ROOT) for _ in range(1 + effort.rounds)]
    return Samples([float(line.split()[place]) for line in lines[1:]], [])


def compared(effort: Effort, name: str, other: str) -> Samples:
    """Measure an operation of the embedded database and of another one in turn."""
    with contextlib.closing(Worker("embedded")) as ours, other_worker(other) as theirs:
        return alternate(effort.rounds, partial(ours, name), partial(theirs, name))


def grown(_effort: Effort) -> Samples:
    """Measure the memory of the embedded database after 100,000 updates, and before."""
    with contextlib.closing(Worker("embedded")) as ours:
        before = ours("memory")
        return Samples([ours("memory after updates")], [before])


@contextlib.contextmanager
def other_worker(other: str) -> Iterator[Worker]:
    """Yield a process that measures another database."""
    with packages(other) as folder, contextlib.ExitStack() as stack:
        kind = stack.enter_context(secantusdb(folder)) if other == "SecantusDB" else other
        yield stack.enter_context(contextlib.closing(Worker(kind, folder)))


@contextlib.contextmanager
def packages(other: str) -> Iterator[str]:
    """Yield a folder with a database's packages: the variable's, or a temporary one."""
    given = os.environ.get(f"{other.upper()}_PACKAGES")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder]
        made = subprocess.run(
            [*command, *_PACKAGES[other].split()], check=False, capture_output=True
        )
        if made.returncode:
            raise NotMeasuredError(f"pip could not install {_PACKAGES[other]}")
        yield folder


@contextlib.contextmanager
def secantusdb(folder: str) -> Iterator[str]:
    """Serve SecantusDB, which is under the GPL, in a process of its own; yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "secantus", "--storage-path", ":memory:", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": folder}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            give_up = time.monotonic() + _SECONDS_TO_START
            while not _listens(port) and time.monotonic() < give_up:
                time.sleep(0.05)
            yield f"mongodb://127.0.0.1:{port}/?directConnection=true"
        finally:
            server.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
