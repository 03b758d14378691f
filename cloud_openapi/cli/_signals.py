"""Signals for a command that another process waits for: each reaches it exactly once."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Child:
    """Passes signals on to a process, even those that come before there is a process.

    A terminal sends Ctrl-C to a whole process group. Where there is one, the process stays in
    this group, so that job control works, and is left to what the terminal sends while the group
    is in its foreground. Where there is none nobody can tell a signal to the group from one to
    this process alone: the process is apart then, and is passed on whatever comes.
    """

    def __init__(self, terminal: int | None) -> None:
        self._terminal = terminal
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: list[int] = []

    @property
    def is_apart(self) -> bool:
        """Say whether the process has to be started in a session of its own."""
        return self._terminal is None

    def start(self, process: subprocess.Popen[bytes]) -> None:
        """Pass on to this process from now on."""
        self._process = process
        for number in self._waiting:
            process.send_signal(number)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Pass a signal on, unless the process was sent it anyway."""
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
        except OSError:  # it is gone
            return False


@contextmanager
def passed_on() -> Iterator[Child]:
    """Handle the signals that end a program meanwhile; give what passes them on."""
    terminal = _terminal()
    child = Child(terminal)
    numbers = [signal.SIGINT, signal.SIGTERM]
    if child.is_apart:
        numbers += [signal.SIGHUP, signal.SIGQUIT]
    # What a parent asked to be ignored stays so. SIG_IGN for SIGINT would reach the command.
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
    """Open the terminal that this process is controlled by, if it is by one."""
    try:
        return os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return None
