"""Pass signals on to a child process, each exactly once."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Child:
    """Passes signals on to a process, including those that come before it is started.

    With a terminal, the process stays in this process's group, so that job control works. In the
    foreground the terminal sends Ctrl-C to the whole group, so it is not passed on. Without a
    terminal a signal may go to the group or to this process alone, which cannot be told apart:
    then the process gets a session of its own, and every signal is passed on.
    """

    def __init__(self, terminal: int | None) -> None:
        self._terminal = terminal
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: list[int] = []

    @property
    def is_apart(self) -> bool:
        """Return whether the process must be started in a session of its own."""
        return self._terminal is None

    def start(self, process: subprocess.Popen[bytes]) -> None:
        """Pass signals on to this process from now on."""
        self._process = process
        for number in self._waiting:
            process.send_signal(number)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Pass a signal on, unless the terminal has sent it to the process too."""
        if number == signal.SIGINT and self._in_foreground():
            return
        if self._process is None:
            self._waiting.append(number)
        else:
            self._process.send_signal(number)

    def _in_foreground(self) -> bool:
        if self._terminal is None:
            return False
        try:
            return os.tcgetpgrp(self._terminal) == os.getpgrp()
        except OSError:  # the terminal is gone
            return False


@contextmanager
def passed_on() -> Iterator[Child]:
    """Handle the signals that end a program; yield the `Child` that passes them on."""
    terminal = _terminal()
    child = Child(terminal)
    numbers = [signal.SIGINT, signal.SIGTERM]
    if child.is_apart:
        numbers += [signal.SIGHUP, signal.SIGQUIT]
    # Signals that the parent process ignores stay ignored, for the command too.
    former = {number: signal.getsignal(number) for number in numbers}
    changed = [number for number in numbers if former[number] is not signal.SIG_IGN]
    for number in changed:
        signal.signal(number, child.handle)
    try:
        yield child
    finally:
        for number in changed:
            signal.signal(number, former[number])
        if terminal is not None:
            os.close(terminal)


def _terminal() -> int | None:
    """Open the controlling terminal, None if missing."""
    try:
        return os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return None
