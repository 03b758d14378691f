import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BOOTSTRAP = Path(__file__).with_name("_bootstrap.py")


class WorkerTimeoutError(Exception):
    """The function took longer than it may; its process was killed."""


class WorkerExitError(Exception):
    """The function's process ended before it answered."""


class Worker:
    """One process that holds one Python function; it answers one invocation at a time."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter and our own file
            [sys.executable, _BOOTSTRAP],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def invoke(self, call: str, timeout: float) -> dict[str, Any]:
        """Return the worker's answer to a call in one line of JSON.

        Raises WorkerTimeoutError, WorkerExitError.
        """
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None  # noqa: S101 - both are pipes
        assert answers is not None  # noqa: S101
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._process.kill()

        timer = threading.Timer(timeout, expire)
        timer.daemon = True
        timer.start()
        try:
            requests.write(call + "\n")
            requests.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if line.endswith("\n") and not expired.is_set():
            return _parse(line)
        raise WorkerTimeoutError if expired.is_set() else WorkerExitError

    @property
    def alive(self) -> bool:
        """Say whether the process is still there."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()

    def close(self) -> None:
        """End the process, wait for it, and let go of its pipes."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # the process ended with an invocation unread
        self._process.wait()


def _parse(line: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(line)
    except RecursionError as error:
        # The worker's stack was less full than ours is.
        answer = {"failed": "call", "message": str(error), "stack": f"RecursionError: {error}"}
    return answer
