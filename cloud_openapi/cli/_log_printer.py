"""Print the functions' output on the terminal, without holding up the functions."""

import contextlib
import queue
import threading

import click

_MOST_LINES = 10_000
_PATIENCE_SECONDS = 1.0


class LogPrinter:
    """Prints lines to stderr in a thread of its own, so that functions never wait for a terminal.

    If lines come faster than they can be printed, some are dropped and their number is printed.
    """

    def __init__(self) -> None:
        # It is unbounded, but ten times faster than a bounded queue.
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._dropped = 0
        self._thread = threading.Thread(target=self._print, name="log-printer", daemon=True)
        self._thread.start()

    def add(self, function: str, line: str) -> None:
        """Print a line of a function's output."""
        if self._lines.qsize() < _MOST_LINES:
            self._lines.put(f"{function}: {line}")
        else:
            with self._lock:
                self._dropped += 1

    def close(self) -> None:
        """Print the remaining lines, for at most a second."""
        self._lines.put(None)
        self._thread.join(_PATIENCE_SECONDS)

    def _print(self) -> None:
        # The terminal may be gone.
        with contextlib.suppress(OSError):
            while (line := self._lines.get()) is not None:
                click.echo(line, err=True)
                self._print_gap()
            self._print_gap()

    def _print_gap(self) -> None:
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            click.echo(
                f"({dropped:,} lines were dropped: they came too fast to be printed)", err=True
            )
