"""Draw on a terminal: progress and tables. In a pipe nothing is drawn, and rich is not loaded."""

import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, TextIO

import click

from cloud_openapi import clocks

if TYPE_CHECKING:
    from rich.console import Console

_PAUSE = 10.0
_FEWEST_COLUMNS, _USUAL_COLUMNS = 40, 80
_UNPRINTABLE = r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
_CONTROL = re.compile(_UNPRINTABLE)
_COLOUR = re.compile(r"\x1b\[[\d;:]*m")
_COLOUR_OR_CONTROL = re.compile(rf"{_COLOUR.pattern}|\t|{_UNPRINTABLE}")
_END_OF_COLOURS = "\x1b[0m"


def printable(text: str) -> str:
    """Return a text as one line that cannot move a terminal's cursor."""
    return _CONTROL.sub(_escaped, text.strip())


def printable_output(line: str) -> str:
    """Return a line of a function's output: its colours and tabs are kept, for that line."""
    if line.isprintable():
        return line
    shown = _COLOUR_OR_CONTROL.sub(_escaped, line)
    return f"{shown}{_END_OF_COLOURS}" if _COLOUR.search(line) else shown


def _escaped(found: re.Match[str]) -> str:
    control = len(found[0]) == 1 and found[0] != "\t"
    return found[0].encode("unicode_escape").decode() if control else found[0]


def is_drawn(*, err: bool = False) -> bool:
    """Return whether stdout, or stderr, is a terminal that can move its cursor."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}


def has_colours(*, err: bool = False) -> bool:
    """Return whether stdout, or stderr, is a terminal on which colours are wanted."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR")


def columns(*, err: bool = False) -> int:
    """Return the columns of the terminal on stdout, or stderr; 0 for a file or a pipe."""
    stream = sys.stderr if err else sys.stdout
    if not stream.isatty():
        return 0
    return max(os.get_terminal_size(stream.fileno()).columns or _USUAL_COLUMNS, _FEWEST_COLUMNS)


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show how much of ``total`` is done and the time that remains, until the with block ends.

    The value is a function to call after each step. At a terminal a bar is drawn on stderr and
    erased at the end; elsewhere a line is printed every ten seconds.
    """
    show = _bar if is_drawn(err=True) else _lines
    with show(label, total) as step:
        yield step


@contextmanager
def _bar(label: str, total: int) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    drawn = Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    with drawn as bar, ExitStack() as above:
        for_errors = above.enter_context(closing(_Above(console, sys.stderr)))
        above.enter_context(redirect_stderr(for_errors))
        if sys.stdout.isatty():  # else it is a file or a pipe, which gets its lines directly
            for_output = above.enter_context(closing(_Above(console, sys.stdout)))
            above.enter_context(redirect_stdout(for_output))
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


class _Above(io.TextIOBase):
    """A stream that prints its lines above a bar.

    click.echo bypasses rich's own stream, which has no encoding, and would leave bars behind.
    """

    def __init__(self, console: "Console", file: TextIO) -> None:
        self._console = console
        self._encoding = file.encoding
        self._rest = ""
        # By this name rich finds the stream below.
        self.rich_proxied_file = file

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
        return len(text)

    def close(self) -> None:
        if self._rest:
            self.write("\n")
        super().close()


@contextmanager
def _lines(label: str, total: int) -> Iterator[Callable[[], None]]:
    begun = shown = clocks.monotonic()
    done = 0

    def step() -> None:
        nonlocal done, shown
        done += 1
        now = clocks.monotonic()
        if now - shown >= _PAUSE and done < total:
            shown = now
            left = round((now - begun) / done * (total - done))
            click.echo(f"{label}: {done} of {total}, about {left} s remain", err=True)

    yield step


def table_width(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the columns that `table` takes without a cut or folded cell."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return sum(widths) + len("   ") * len(widths)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as wide as the terminal, in colours unless NO_COLOR is set."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column(header[0], style="cyan", no_wrap=True)
    for title in header[1:]:
        drawn.add_column(title)
    for row in rows:
        drawn.add_row(*map(Text, row))
    console = Console()
    with console.capture() as captured:
        console.print(drawn)
    return captured.get()
