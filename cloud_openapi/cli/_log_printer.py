"""What functions write, on the terminal."""

import contextlib
import queue
import threading

import click

_MOST_LINES = 10_000
_PATIENCE_SECONDS = 1.0


class LogPrinter:
    """Shows lines on stderr in a thread of its own: no function waits for whoever reads them.

    Of what is written faster than it is read lines are left out, and their number is shown.
    """

    def __init__(self) -> None:
        # It has no bound of its own, but costs a tenth of one that has.
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._left_out = 0
        self._thread = threading.Thread(target=self._show, name="shown", daemon=True)
        self._thread.start()

    def add(self, function: str, line: str) -> None:
        """Show a line that a function has written."""
        if self._lines.qsize() < _MOST_LINES:
            self._lines.put(f"{function}: {line}")
        else:
            with self._lock:
                self._left_out += 1

    def close(self) -> None:
        """Show what is left, if somebody reads it within a second."""
        self._lines.put(None)
        self._thread.join(_PATIENCE_SECONDS)

    def _show(self) -> None:
        # The terminal may go away, and then there is nobody to tell.
        with contextlib.suppress(OSError):
            while (line := self._lines.get()) is not None:
                click.echo(line, err=True)
                self._tell_of_gap()
            self._tell_of_gap()

    def _tell_of_gap(self) -> None:
        with self._lock:
            left_out, self._left_out = self._left_out, 0
        if left_out:
            click.echo(f"({left_out:,} lines were written too fast to be shown)", err=True)
