"""Print calls and the functions' output on the terminal, without holding up the server."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import click

from cloud_openapi import clocks
from cloud_openapi.cli._live_lines import (
    GOOD,
    Look,
    Told,
    call_texts,
    line_text,
    note_text,
    of_ended,
    of_entry,
)
from cloud_openapi.cli._live_window import Window
from cloud_openapi.cli._terminal import columns, has_colours
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.runtime import Ended, Line

Level = Literal["output", "quiet", "usual", "verbose"]
"""The lines to print: the functions' output; failed calls, too; all calls; all calls in detail."""

# Waiting items. A call has a body of up to 64 KiB.
_MOST_LINES, _MOST_FAILED, _MOST_GOOD = 10_000, 500, 100
_PAUSE_SECONDS, _PATIENCE_SECONDS = 0.05, 1.0


class _Written(NamedTuple):
    """A line of a function's log."""

    function: str
    line: Line


class _Called(NamedTuple):
    """A call of an API; ``depth`` is its indentation."""

    entry: Entry
    depth: int


_Item = _Written | _Called | Ended


class LogPrinter:
    """Prints lines to stderr in a thread of its own, so that no call waits for a terminal.

    The server's loop only puts references into a queue. If too many come, good calls are counted,
    and so are failures and lines beyond a limit. ``url`` is the emulator's as an option for hints.
    """

    def __init__(self, level: Level = "usual", url: str = "") -> None:
        self._level = level
        self._look = Look(has_colours(err=True), 0, level == "verbose", url)
        self._waiting: deque[tuple[float, _Item]] = deque()
        self._depths: dict[str, int] = {}
        self._lock = threading.Lock()
        self._dropped = self._good = self._failed = 0
        self._calls = 0
        """Those put since the thread has last taken all: an estimate, for threads race."""
        self._told = Told()
        self._window = Window()
        # The loop wakes the thread only if it sleeps: waking costs as much as a small call.
        self._sleeps = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._gone = False
        self._thread = threading.Thread(target=self._print, name="log-printer", daemon=True)
        self._thread.start()

    def line(self, function: str, line: Line) -> None:
        """Print a line of a function's log."""
        if line.depth and line.invocation not in self._depths:
            self._depths[line.invocation] = line.depth
        if line.kind != "own" and (self._level != "verbose" or line.kind == "reason"):
            return
        if len(self._waiting) < _MOST_LINES:
            self._put(_Written(function, line))
        else:
            with self._lock:
                self._dropped += 1

    def entry(self, entry: Entry) -> None:
        """Print a call of an API."""
        if self._may_put(good=not entry.failed):
            depth = self._depths.get(entry.invocation, 0) + 1 if entry.invocation else 0
            self._put(_Called(entry, depth))

    def ended(self, ended: Ended) -> None:
        """Print an invocation that has ended."""
        self._depths.pop(ended.invocation, None)
        if self._may_put(good=ended.status == GOOD):
            self._put(ended)

    def close(self) -> None:
        """Print what remains, for at most a second."""
        self._closing.set()
        self._wake.set()
        self._thread.join(_PATIENCE_SECONDS)

    def _may_put(self, *, good: bool) -> bool:
        if self._level == "output" or (good and self._level == "quiet"):
            return False
        if self._calls < (_MOST_GOOD if good else _MOST_FAILED):
            self._calls += 1
            return True
        with self._lock:
            if good:
                self._good += 1
            else:
                self._failed += 1
        return False

    def _put(self, item: _Item) -> None:
        if self._gone:
            return
        self._waiting.append((clocks.now(), item))
        if self._sleeps:
            self._sleeps = False
            self._wake.set()

    def _print(self) -> None:
        # The terminal may be gone.
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                self._sleep()
                self._write(self._texts())
                self._closing.wait(_PAUSE_SECONDS)
            self._write([*self._texts(), *self._notes()])
        self._gone = True
        self._waiting.clear()

    def _sleep(self) -> None:
        self._wake.clear()
        self._sleeps = True
        if not self._waiting and not self._closing.is_set():
            end = self._window.end
            self._wake.wait(None if end is None else max(0.0, end - clocks.monotonic()))
        self._sleeps = False

    def _texts(self) -> list[str]:
        look = self._look._replace(columns=columns(err=True))
        texts = self._notes() if self._window.is_over(clocks.monotonic()) else []
        self._calls = 0
        for _ in range(len(self._waiting)):
            moment, item = self._waiting.popleft()
            at = time.strftime("%H:%M:%S", time.localtime(moment))
            if isinstance(item, _Written):
                texts.append(line_text(item.function, item.line, at, look))
            else:
                texts += self._call(item, at, look)
        return [*texts, *self._gap()]

    def _call(self, item: _Called | Ended, at: str, look: Look) -> Iterator[str]:
        """Yield the lines of a call; a reason that its invocation's calls told is not repeated."""
        if isinstance(item, Ended):
            call = of_ended(self._told.shortened(item), look)
        else:
            call = of_entry(item.entry, item.depth)
        if self._window.takes(call):
            self._told.add(item if isinstance(item, Ended) else item.entry)
            yield from call_texts(call, at, look)

    def _notes(self) -> list[str]:
        return [note_text(text, self._look) for text in self._window.close(clocks.monotonic())]

    def _gap(self) -> Iterator[str]:
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            good, self._good = self._good, 0
            failed, self._failed = self._failed, 0
        self._window.count(good, failed)
        if dropped:
            yield f"({dropped:,} lines were dropped: they came too fast to be printed)"

    def _write(self, texts: Iterable[str]) -> None:
        text = "\n".join(texts)
        if text:
            click.echo(text, err=True)
