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

_SCRIPT = Path(__file__).with_name("_fork_server.py")
_LONGEST = 1 << 16
_PATIENCE = 1.0


class Process:
    """A worker's process with all its descendants; they end together.

    They end when the worker ends, on `kill`, and when this process ends, even by SIGKILL.
    ``pid`` is the worker's.
    """

    def __init__(self, control: socket.socket, pid: int, supervisor: int) -> None:
        self.pid = pid
        self._control = control
        self._supervisor = supervisor

    @property
    def ended(self) -> bool:
        """Return whether the worker and its descendants have ended."""
        if self._control.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        return bool(poll.poll(0))

    def used_mb(self, limit: int) -> float:
        """Return the memory of the worker and its descendants in MB, 0 where it is unknown."""
        return used_mb(self._supervisor, limit)

    def kill(self) -> None:
        """End the worker and its descendants, and do not wait."""
        with contextlib.suppress(OSError):  # it has already ended
            self._control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End the worker and its descendants, and wait."""
        self.kill()
        with self._control, contextlib.suppress(OSError):
            while self._control.recv(_LONGEST):
                pass


class ForkServer:
    """The process that forks the workers, each with a supervisor that ends it; see _fork_server.

    A worker in an endless loop does not notice that this process has ended, and only an ancestor
    finds descendants that left the worker's session: hence a supervisor for each worker. If the
    fork server is killed, the workers stay, and the next worker starts a new fork server.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def start(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        pipes: Sequence[int],
    ) -> Process:
        """Start a worker with its ends of three pipes: requests, answers and output.

        The descriptors of the first two are appended to the command. Raises OSError.
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
            self.close()  # the fork server was killed
        raise ChildProcessError("the fork server, which starts the workers, was killed twice")

    def close(self) -> None:
        """End the fork server; the workers stay."""
        with self._lock:
            process, self._process = self._process, None
            connection, self._socket = self._socket, None
        if process is not None and connection is not None:
            connection.close()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:  # it was stopped, by SIGSTOP for instance
                process.kill()
                process.wait()

    def _send(self, task: bytes, descriptors: list[int]) -> bool:
        """Send a task, and return whether the fork server took it."""
        with self._lock:
            connection = self._socket = self._socket or self._started()
            try:
                socket.send_fds(connection, [len(task).to_bytes(4, "little")], descriptors)
                connection.sendall(task)
            except (BrokenPipeError, ConnectionResetError):
                return False
        return True

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter and a file of this package
                [sys.executable, "-I", "-S", _SCRIPT],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            undo.pop_all()
        return ours


def _received(control: socket.socket) -> bytes:
    """Return the supervisor's answer; other fibers run meanwhile."""
    while not wait({control.fileno(): READ}, _PATIENCE):
        pass
    return control.recv(_LONGEST)


def _process(control: socket.socket, answer: bytes) -> Process:
    first, second = marshal.loads(answer)  # noqa: S302 - from a file of this package, run by this Python
    if isinstance(second, int):
        return Process(control, first, second)
    raise OSError(first, os.strerror(first), os.fsdecode(second))
