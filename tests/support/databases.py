"""A MongoDB-compatible server of others, in a process of its own.

SecantusDB is under the GPL: no test imports it, and the project does not depend on it.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

SECANTUSDB = "SecantusDB==0.7.0b3"
_SECONDS_TO_START = 60


def installed_folder(cache, environment, *packages):
    """Install packages of PyPI into a folder of pytest's cache, and return the folder."""
    kept = Path(cache.mkdir("pip-" + "_".join(packages).replace("=", "-"))) / "packages"
    if not kept.is_dir():
        # Another process of the tests may install the same packages at the same time.
        folder = Path(tempfile.mkdtemp(dir=kept.parent)) / "packages"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, *packages]
        made = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if made.returncode:
            pytest.skip(f"pip cannot install {packages}: {made.stderr[-200:]}")
        with contextlib.suppress(OSError):
            folder.rename(kept)
    return kept


@contextlib.contextmanager
def secantusdb(folder):
    """Serve an empty database in memory with the packages of a folder, and yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "secantus", "--port", str(port), "--storage-path", ":memory:"],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(process, port, log)
            yield f"mongodb://127.0.0.1:{port}/?directConnection=true"
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(process, port, log):
    give_up = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < give_up and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    log.seek(0)
    raise RuntimeError(f"{SECANTUSDB} did not start: {log.read()[-2000:]}")
