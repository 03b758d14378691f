import contextlib
import os
import select
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cloud_openapi.fibers import READ, WRITE, wait
from cloud_openapi.runtime._memory import peak_mb
from cloud_openapi.runtime._process import ForkServer

# As much as a pipe holds.
_CHUNK = 1 << 16
# How often a running function is looked at: 2 GB take a few hundred ms to allocate.
_STEP = 0.025
# In so short a time nobody takes much memory.
_BRIEF = 0.005
# Of a flood of output so much at a time: its lines cost more than its bytes, and others wait.
_MOST_OUTPUT = 1 << 14


class WorkerError(Exception):
    """A worker that gave no answer."""


class WorkerTimeoutError(WorkerError):
    """The function took longer than it may."""


class WorkerMemoryError(WorkerError):
    """The function took more memory than it may."""


class WorkerExitError(WorkerError):
    """The function's process ended before it answered."""


class Limits(NamedTuple):
    """Seconds (None: no limit) and MB that an invocation may take."""

    timeout: float | None
    memory: int


class Worker:
    """One process that holds one function; it answers one invocation at a time.

    What it starts ends with it. Of the three pipes two are ours alone; what the function prints
    comes through the third.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        fork_server: ForkServer,
    ) -> None:
        self._silent = False
        self._measured = 0.0
        self.peak = 0.0
        self._open: list[int] = []
        far: list[int] = []
        try:
            for ours in (1, 0, 0):  # the end that writes, of the requests only
                ends = os.pipe()
                self._open.append(ends[ours])
                far.append(ends[1 - ours])
                os.set_blocking(ends[ours], False)
            self._requests, self._answers, self._output = self._open
            self._process = fork_server.start(command, folder, environment, far)
        except BaseException:  # what ends the server's calls while they wait is no Exception
            self._close_pipes()
            raise
        finally:
            for descriptor in far:
                os.close(descriptor)

    def ask(self, call: bytes, limits: Limits, on_output: Callable[[bytes], None]) -> bytes:
        """Send a call, a line of JSON or nothing, and return the answer, a line of JSON too.

        Raises WorkerTimeoutError, WorkerMemoryError, WorkerExitError.
        """
        begun = time.monotonic()
        try:
            line = self._converse(call, limits, on_output)
        except WorkerError:
            self._drain(on_output)
            raise
        now = time.monotonic()
        if now - begun > _BRIEF or now - self._measured > _STEP:
            self._measured = now
            self.peak = max(self.peak, peak_mb(self._process.pid))
        if self.peak > limits.memory:
            raise WorkerMemoryError
        return line[:-1]

    @property
    def ready(self) -> bool:
        """Say whether it is there and waits; one that answers unasked has ended or is broken."""
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        return not poll.poll(0)

    @property
    def silent(self) -> bool:
        """Say whether it has closed its output, so that nobody hears what it prints."""
        return self._silent

    @property
    def ended(self) -> bool:
        """Say whether the process is gone."""
        return self._process.ended

    def kill(self) -> None:
        """End the process and those that it started, whatever they are doing."""
        self._process.kill()

    def close(self) -> None:
        """End the process, wait for it, and let go of its pipes."""
        self._process.close()
        self._close_pipes()

    def _close_pipes(self) -> None:
        while self._open:
            os.close(self._open.pop())

    def _converse(self, call: bytes, limits: Limits, on_output: Callable[[bytes], None]) -> bytes:
        watched = {self._answers: READ, **({} if self._silent else {self._output: READ})}
        # The worker waits, and so the pipe nearly always takes all of it at once.
        unsent = self._send(memoryview(call))
        if unsent:
            watched[self._requests] = WRITE
        answer = bytearray()
        begun = looked = time.monotonic()
        while not answer.endswith(b"\n"):
            ready = wait(watched, _STEP)
            for descriptor in ready:
                if descriptor == self._output:
                    self._pass_on(on_output)
                    if self._silent:
                        del watched[self._output]
                elif descriptor == self._requests:
                    unsent = self._send(unsent)
                    if not unsent:
                        del watched[self._requests]
                else:
                    answer += self._read_answer()
            now = time.monotonic()
            if now - looked >= _STEP:
                looked = now
                self._check(limits, now - begun, answer)
        # What was printed before the answer was ready with it.
        if ready != [self._answers]:
            self._drain(on_output)
        return bytes(answer)

    def _check(self, limits: Limits, spent: float, answer: bytearray) -> None:
        """Raise if a limit was passed, or if the process ended and left no answer."""
        used = self._process.used_mb(limits.memory)
        self.peak = max(self.peak, used)
        if used > limits.memory:
            raise WorkerMemoryError
        if limits.timeout is not None and spent > limits.timeout:
            raise WorkerTimeoutError
        # A child may hold the pipes open, and then nothing else tells.
        if self._process.ended:
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(self._answers, _CHUNK):
                    answer += chunk
            if not answer.endswith(b"\n"):
                raise WorkerExitError

    def _send(self, data: memoryview) -> memoryview:
        """Send what there is room for, and return the rest."""
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

    def _pass_on(self, on_output: Callable[[bytes], None]) -> None:
        chunk = os.read(self._output, _MOST_OUTPUT)
        on_output(chunk)
        self._silent = not chunk

    def _drain(self, on_output: Callable[[bytes], None]) -> None:
        """Pass on what was printed before the answer: what the pipe holds, whatever comes yet."""
        left = _CHUNK
        with contextlib.suppress(BlockingIOError):
            while left > 0 and not self._silent:
                chunk = os.read(self._output, left)
                on_output(chunk)
                left -= len(chunk)
                self._silent = not chunk
