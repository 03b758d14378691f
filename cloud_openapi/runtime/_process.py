import contextlib
import marshal
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from cloud_openapi.fibers import READ, wait
from cloud_openapi.runtime._memory import kill_all, used_mb

_SCRIPT = Path(__file__).with_name("_fork_server.py")
_LONGEST = 1 << 16
# Seconds in which a process ends that is not stopped.
_PATIENCE = 1.0
# Seconds in which a fork server answers that is not stopped, on a busy machine too.
_LONGEST_START = 10.0
# Functions can read the environment of these processes, so it must not contain secrets.
_NEEDED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Process:
    """A worker's process with all its descendants; they end together.

    They end when the worker ends, on `kill`, and when this process ends, even by SIGKILL.
    ``pid`` is the worker's. A supervisor that does not end them in time is killed with them.
    """

    def __init__(self, control: socket.socket, pid: int, supervisor: int) -> None:
        self.pid = pid
        self._control = control
        self._supervisor = supervisor
        # Two threads may end it: one that closes the pool, and one whose invocation fails then.
        self._ending = threading.Lock()

    @property
    def ended(self) -> bool:
        """Return whether the worker and its descendants have ended."""
        return self._control.fileno() < 0 or _has_ended(self._control, 0)

    def used_mb(self, limit: int) -> float:
        """Return the memory of the worker and its descendants in MB, 0 where it is unknown."""
        return used_mb(self._supervisor, limit)

    def kill(self) -> None:
        """End the worker and its descendants, and do not wait."""
        with contextlib.suppress(OSError):  # it has already ended
            self._control.shutdown(socket.SHUT_WR)
            if not self.ended:
                os.kill(self._supervisor, signal.SIGCONT)  # a function may have stopped it

    def end(self) -> None:
        """End the worker and its descendants, and wait."""
        self.kill()
        with self._ending:
            if not self.ended and not _has_ended(self._control, _PATIENCE):
                # A function stops it again and again. Until it reaps them, PIDs are its children's.
                kill_all(self._supervisor, _PATIENCE)

    def close(self) -> None:
        """Do the same, and close the socket."""
        self.end()
        self.leave()

    def leave(self) -> None:
        """Close the socket: in a forked child, where another process is to end the worker."""
        self._control.close()


class ForkServer:
    """The process that forks the workers, each with a supervisor that ends it; see _fork_server.

    A worker in an endless loop does not notice that this process has ended, and only an ancestor
    finds descendants that left the worker's session: hence a supervisor for each worker. If the
    fork server is killed or stopped, the workers stay, and the next worker starts a new one.
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
                    connection, sent = self._send(task, [*pipes, theirs.fileno()])
                answer = _received(control) if sent else b""
                if answer:
                    process = _process(control, answer)
                    undo.pop_all()
                    return process
            self._drop(connection)
        raise ChildProcessError(
            "the fork server, which starts the workers, was killed or stopped twice"
        )

    def close(self) -> None:
        """End the fork server; the workers stay."""
        connection = self._socket
        if connection is not None:
            with contextlib.suppress(OSError):  # it has already ended
                connection.shutdown(socket.SHUT_WR)
            _has_ended(connection, _PATIENCE)
            self._drop(connection)

    def leave(self) -> None:
        """Close the socket, in a forked child: the fork server is its parent's."""
        if self._socket is not None and self._process is not None:
            self._socket.close()
            self._process.returncode = 0  # it is not this process's child

    def _drop(self, connection: socket.socket) -> None:
        """End a fork server at once, unless another thread has done it."""
        with self._lock:
            process = self._process if self._socket is connection else None
            if process is None:
                return
            self._process = self._socket = None
        connection.close()
        process.kill()
        process.wait()

    def _send(self, task: bytes, descriptors: list[int]) -> tuple[socket.socket, bool]:
        """Send a task; return the fork server's socket, and whether it took the task."""
        with self._lock:
            connection = self._socket = self._socket or self._started()
            try:
                socket.send_fds(connection, [len(task).to_bytes(4, "little")], descriptors)
                connection.sendall(task)
            except (BrokenPipeError, ConnectionResetError, TimeoutError):
                return connection, False
        return connection, True

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.settimeout(_LONGEST_START)
        with theirs, contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter and a file of this package
                [sys.executable, "-I", "-S", _SCRIPT],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _NEEDED if name in os.environ},
                start_new_session=True,
            )
            undo.pop_all()
        return ours


def _received(control: socket.socket) -> bytes:
    """Return the supervisor's answer, b"" if none comes; other fibers run meanwhile."""
    return control.recv(_LONGEST) if wait({control.fileno(): READ}, _LONGEST_START) else b""


def _has_ended(connection: socket.socket, seconds: float) -> bool:
    """Return whether the other end is closed, after a number of seconds at most."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _process(control: socket.socket, answer: bytes) -> Process:
    first, second = marshal.loads(answer)  # noqa: S302 - from a file of this package, run by this Python
    if isinstance(second, int):
        return Process(control, first, second)
    raise OSError(first, os.strerror(first), os.fsdecode(second))
