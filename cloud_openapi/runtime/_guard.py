import contextlib
import marshal
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from cloud_openapi.fibers import READ, wait
from cloud_openapi.runtime._memory import used_mb

_GUARDIAN = Path(__file__).with_name("_guardian.py")
_LONGEST = 1 << 16
_PATIENCE = 1.0


class Process:
    """A worker's process and all that it starts, which end together.

    They end when the worker does, when they are told to, and when this process ends, by kill -9
    too. ``pid`` is the worker's own.
    """

    def __init__(self, control: socket.socket, pid: int, supervisor: int) -> None:
        self.pid = pid
        self._control = control
        self._supervisor = supervisor

    @property
    def ended(self) -> bool:
        """Say whether all of it is gone."""
        if self._control.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        return bool(poll.poll(0))

    def used_mb(self, limit: int) -> float:
        """Return the memory of all of it in MB, as ``used_mb`` of _memory does."""
        return used_mb(self._supervisor, limit)

    def kill(self) -> None:
        """End all of it, and do not wait."""
        with contextlib.suppress(OSError):  # it has ended
            self._control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End all of it, and wait."""
        self.kill()
        with self._control, contextlib.suppress(OSError):
            while self._control.recv(_LONGEST):
                pass


class Guard:
    """Starts workers by a process of its own, the guardian, which sees to it that they end.

    A worker in an endless loop would not notice by itself that this process is gone, nor would
    what it started; and whoever leaves its session is found by an ancestor only. That is a small
    process for each worker: that the guardian is killed does no harm to those that there are,
    and the next worker brings a new one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._guardian: socket.socket | None = None

    def start(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        pipes: Sequence[int],
    ) -> Process:
        """Start a worker with the far ends of its pipes: requests, answers and output.

        The first two are added to the command. Raises OSError.
        """
        task = marshal.dumps(
            (
                list(map(os.fsencode, command)),
                os.fsencode(folder),
                {os.fsencode(name): os.fsencode(value) for name, value in environment.items()},
            )
        )
        for _ in range(2):
            with contextlib.ExitStack() as undo:
                control, theirs = socket.socketpair()
                undo.callback(control.close)
                with theirs:
                    sent = self._send(task, [*pipes, theirs.fileno()])
                answer = _received(control) if sent else b""
                if answer:
                    process = _process(control, answer)
                    undo.pop_all()
                    return process
            self.close()  # somebody killed the guardian
        raise ChildProcessError("the process that starts the functions' processes was killed")

    def close(self) -> None:
        """Start no more workers; those that there are stay."""
        with self._lock:
            process, self._process = self._process, None
            guardian, self._guardian = self._guardian, None
        if process is not None and guardian is not None:
            guardian.close()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:  # somebody has stopped it
                process.kill()
                process.wait()

    def _send(self, task: bytes, descriptors: list[int]) -> bool:
        """Send a task to the guardian; say whether there was one to take it."""
        with self._lock:
            guardian = self._guardian = self._guardian or self._started()
            try:
                socket.send_fds(guardian, [len(task).to_bytes(4, "little")], descriptors)
                guardian.sendall(task)
            except (BrokenPipeError, ConnectionResetError):
                return False
        return True

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter and our own file
                [sys.executable, "-I", "-S", _GUARDIAN],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            undo.pop_all()
        return ours


def _received(control: socket.socket) -> bytes:
    """Return what the supervisor says, while the calls of the same thread go on."""
    while not wait({control.fileno(): READ}, _PATIENCE):
        pass
    return control.recv(_LONGEST)


def _process(control: socket.socket, answer: bytes) -> Process:
    first, second = marshal.loads(answer)  # noqa: S302 - it is from our own file, run by this Python
    if isinstance(second, int):
        return Process(control, first, second)
    raise OSError(first, os.strerror(first), os.fsdecode(second))
