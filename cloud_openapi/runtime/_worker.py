import contextlib
import os
import select
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cloud_openapi import clocks
from cloud_openapi.fibers import READ, WRITE, wait
from cloud_openapi.runtime._process import ForkServer

# The size of a pipe's buffer.
_CHUNK = 1 << 16
# How often the limits are checked: a function needs a few 100 ms to allocate 2 GB.
_STEP = 0.025
# Bytes of output at a time. Splitting more into lines would hold up other invocations.
_MOST_OUTPUT = 1 << 14
_MOST_DIGITS = 12
# A Node.js worker sends it when the handler has returned and the event loop is not empty.
_WAITING = b" "


class WorkerError(Exception):
    """The worker gave no answer."""


class WorkerTimeoutError(WorkerError):
    """The function exceeded its timeout.

    ``waiting`` means that the handler has returned, and the event loop was not empty.
    """

    def __init__(self, *, waiting: bool = False) -> None:
        super().__init__(waiting)
        self.waiting = waiting


class WorkerMemoryError(WorkerError):
    """The function exceeded its memory limit."""


class WorkerExitError(WorkerError):
    """The function's process ended before it answered."""


class Limits(NamedTuple):
    """Seconds (None: no limit) and MB that an invocation may take."""

    timeout: float | None
    memory: int


class Worker:
    """A process with one function loaded; it answers one invocation at a time.

    Its descendants end with it. Three pipes lead to it: requests, answers, and the function's
    output.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        fork_server: ForkServer,
    ) -> None:
        self._silent = False
        self._on_output: Callable[[bytes], None] | None = None
        # Another thread may flush the output.
        self._output_lock = threading.Lock()
        self.peak = 0.0
        self._open: list[int] = []
        far: list[int] = []
        try:
            for ours in (1, 0, 0):  # the writing end of requests, else the reading end
                ends = os.pipe()
                self._open.append(ends[ours])
                far.append(ends[1 - ours])
                os.set_blocking(ends[ours], False)
            self._requests, self._answers, self._output = self._open
            self._process = fork_server.start(command, folder, environment, far)
        except BaseException:  # also GreenletExit, which ends a fiber that waits
            self._close_pipes()
            raise
        finally:
            for descriptor in far:
                os.close(descriptor)

    def ask(self, call: bytes, limits: Limits, on_output: Callable[[bytes], None]) -> bytes:
        """Send a line of JSON, and return the answer, JSON too.

        Without a line, return the worker's first answer: whether it has loaded the function.
        Raises WorkerTimeoutError, WorkerMemoryError, WorkerExitError.
        """
        self._on_output = on_output
        try:
            line = self._converse(call, limits)
        except WorkerError:
            self.flush()
            raise
        finally:
            with self._output_lock:
                self._on_output = None
        answer, _, peak = line[:-1].lstrip(_WAITING).rpartition(b"\t")
        if not peak.isdigit() or len(peak) > _MOST_DIGITS:
            raise WorkerExitError  # the function itself has written to the pipe of the answers
        # Its ru_maxrss, which exec keeps. The supervisor's fork resets it to the small size of the
        # supervisor: a worker that this process spawned would tell this process's peak.
        self.peak = max(self.peak, int(peak) / 1024)
        if self.peak > limits.memory:
            raise WorkerMemoryError
        return answer

    def flush(self) -> None:
        """Pass on the output that is in the pipe, at most one buffer of it; any thread may."""
        left = _CHUNK
        with contextlib.suppress(BlockingIOError):
            while left > 0 and (passed := self._pass_on(left)):
                left -= passed

    @property
    def ready(self) -> bool:
        """Return whether the worker waits for a call; False if it has ended or is broken."""
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        return not poll.poll(0)

    @property
    def silent(self) -> bool:
        """Return whether the function has closed its output."""
        return self._silent

    @property
    def ended(self) -> bool:
        """Return whether the process has ended."""
        return self._process.ended

    def kill(self) -> None:
        """End the process and its descendants, and do not wait."""
        self._process.kill()

    def end(self) -> None:
        """End the process and its descendants, and wait for them."""
        self._process.end()

    def close(self) -> None:
        """End the process, wait for it, and close the pipes."""
        self._process.close()
        self._close_pipes()

    def leave(self) -> None:
        """Close the pipes, in a forked child: the process is its parent's."""
        self._process.leave()
        self._close_pipes()

    def _close_pipes(self) -> None:
        while self._open:
            os.close(self._open.pop())

    def _converse(self, call: bytes, limits: Limits) -> bytes:
        watched = {self._answers: READ, **({} if self._silent else {self._output: READ})}
        # The time counts from before the call is sent: the function may begin at once.
        begun = looked = clocks.monotonic()
        # The pipe is empty, so it nearly always takes the whole call at once.
        unsent = self._send(memoryview(call))
        if unsent:
            watched[self._requests] = WRITE
        answer = bytearray()
        while not answer.endswith(b"\n"):
            ready = wait(watched, _STEP)
            for descriptor in ready:
                if descriptor == self._output:
                    with contextlib.suppress(BlockingIOError):  # another thread was faster
                        self._pass_on(_MOST_OUTPUT)
                    if self._silent:
                        del watched[self._output]
                elif descriptor == self._requests:
                    unsent = self._send(unsent)
                    if not unsent:
                        del watched[self._requests]
                else:
                    answer += self._read_answer()
            now = clocks.monotonic()
            if now - looked >= _STEP:
                looked = now
                self._check(limits, now - begun, answer)
        # Output that was printed before the answer may be left in the pipe.
        if ready != [self._answers]:
            self.flush()
        return bytes(answer)

    def _check(self, limits: Limits, spent: float, answer: bytearray) -> None:
        """Raise WorkerError if a limit is exceeded, or the process ended without an answer."""
        used = self._process.used_mb(limits.memory)
        self.peak = max(self.peak, used)
        if used > limits.memory:
            raise WorkerMemoryError
        if limits.timeout is not None and spent > limits.timeout:
            raise WorkerTimeoutError(waiting=answer == _WAITING)
        # The pipes stay open if a child of the worker holds them.
        if self._process.ended:
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(self._answers, _CHUNK):
                    answer += chunk
            if not answer.endswith(b"\n"):
                raise WorkerExitError

    def _send(self, data: memoryview) -> memoryview:
        """Write as much as the pipe takes, and return the rest."""
        try:
            return data[os.write(self._requests, data) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:
            raise WorkerExitError from None

    def _read_answer(self) -> bytes:
        chunk = os.read(self._answers, _CHUNK)
        if not chunk:
            raise WorkerExitError
        return chunk

    def _pass_on(self, most: int) -> int:
        """Pass on output while an invocation runs, and return its size. Raises BlockingIOError."""
        with self._output_lock:
            if self._silent or self._on_output is None:
                return 0
            chunk = os.read(self._output, most)
            self._on_output(chunk)
            self._silent = not chunk
            return len(chunk)
