import os
import subprocess
import sys
import threading
from pathlib import Path

_GUARDIAN = Path(__file__).with_name("_guardian.py")


class Guard:
    """A process that ends the workers when this process has ended without doing so, by kill -9 too.

    A worker in an endless loop would not notice by itself, nor would a process that it started;
    and Linux's PR_SET_PDEATHSIG goes by the thread that started a process, which ends earlier.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def add(self, group: int) -> None:
        """Watch a group of processes."""
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a group that was ended."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End the process, which ends what it still watches."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait()

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._process is None:
                if line[0] == "-":
                    return
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter and our own file
                    [sys.executable, "-I", "-S", _GUARDIAN],
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            assert self._process.stdin is not None  # noqa: S101 - it is a pipe
            try:
                os.write(self._process.stdin.fileno(), line.encode())
            except BrokenPipeError:
                self._process = None  # somebody killed it; the next worker brings a new one
