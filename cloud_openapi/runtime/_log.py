import threading
from collections import deque
from collections.abc import Callable, Collection
from functools import partial
from typing import Literal, NamedTuple

from cloud_openapi.masking import MASK

_MOST_LINES = 2000
_LONGEST_LINE = 32 * 1024
_LONGEST_LOG = 2 * 1024 * 1024
_LONGEST_SHOWN = 4096
_LONGEST_TEXT = 256 * 1024


Kind = Literal["own", "platform", "reason"]


class Line(NamedTuple):
    """A line of a function's log; ``number`` counts the lines of all functions."""

    number: int
    text: str
    kind: Kind = "own"
    """Printed by the function, of the platform, or a reason that a call or its end repeats."""

    invocation: str = ""
    """The request id of the invocation, empty for a line outside of one."""

    depth: int = 0
    """1 in an invocation that a function made, 2 in one that it made, and so on."""

    failed: bool = False
    """True for the lines that end a failed invocation."""


class _Numbers:
    """The number of the newest line of several logs, and the lock under which all are changed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.newest = 0


class Log:
    """The newest lines of a function's log, numbered; at most 2,000 lines and 2 MB.

    ``on_line`` is called with each line.
    """

    def __init__(
        self, on_line: Callable[[Line], None] | None = None, numbers: _Numbers | None = None
    ) -> None:
        self._numbers = numbers or _Numbers()
        self._lines: deque[Line] = deque()
        self._length = 0
        self._on_line = on_line

    def add(
        self,
        *texts: str,
        kind: Kind = "platform",
        invocation: str = "",
        depth: int = 0,
        failed: bool = False,
    ) -> None:
        """Add lines, by default of the platform."""
        with self._numbers.lock:
            first = self._numbers.newest + 1
            self._numbers.newest += len(texts)
            lines = [
                Line(number, text, kind, invocation, depth, failed)
                for number, text in enumerate(texts, first)
            ]
            self._lines.extend(lines)
            self._length += sum(map(len, texts))
            while len(self._lines) > _MOST_LINES or self._length > _LONGEST_LOG:
                self._length -= len(self._lines.popleft().text)
        if self._on_line is not None:
            for line in lines:
                self._on_line(line)

    def add_own(self, *texts: str) -> None:
        """Add lines that the function printed, or warnings, outside of an invocation."""
        self.add(*texts, kind="own")

    def since(self, number: int = 0) -> list[tuple[int, str]]:
        """Return the lines after a number, each with its own."""
        return [(line.number, line.text) for line in self.lines() if line.number > number]

    def lines(self) -> list[Line]:
        """Return all lines, the oldest first."""
        with self._numbers.lock:
            return list(self._lines)


class Logs:
    """The logs of all functions, whose lines are numbered in their common order.

    ``on_line`` is called with the function's name and each line.
    """

    def __init__(self, on_line: Callable[[str, Line], None] | None = None) -> None:
        self._on_line = on_line
        self._numbers = _Numbers()
        self._logs: dict[str, Log] = {}

    def of(self, function: str) -> Log:
        """Return the log of a function; it is empty at first."""
        with self._numbers.lock:
            if function not in self._logs:
                self._logs[function] = Log(self._callback(function), self._numbers)
            return self._logs[function]

    def since(
        self, number: int, functions: Collection[str] = (), *, failed: bool = False
    ) -> tuple[list[tuple[str, Line]], int]:
        """Return the lines after a number in their order, and the number of the newest of all.

        ``functions`` leaves only theirs. ``failed`` leaves whole invocations that have failed
        after that number.
        """
        with self._numbers.lock:
            newest = self._numbers.newest
            logs = [(name, each) for name, each in self._logs.items()]
        chosen = [pair for pair in logs if not functions or pair[0] in functions]
        found = [(name, line) for name, log in chosen for line in log.lines()]
        found = [pair for pair in found if pair[1].number <= newest]
        if failed:
            ended = {line.invocation for _, line in found if line.failed and line.number > number}
            found = [pair for pair in found if pair[1].invocation in ended]
        else:
            found = [pair for pair in found if pair[1].number > number]
        return sorted(found, key=lambda pair: pair[1].number), newest

    def _callback(self, function: str) -> Callable[[Line], None] | None:
        return None if self._on_line is None else partial(self._on_line, function)


class InvocationLog:
    """The log of one invocation, which is added to the function's log line by line.

    The ``secrets`` of the invocation are masked: many functions print their context or their
    environment, and the platform's lines show the value that was returned.
    """

    def __init__(
        self, log: Log, secrets: Collection[str] = (), invocation: str = "", depth: int = 0
    ) -> None:
        self._add = partial(log.add, invocation=invocation, depth=depth)
        self._secrets = secrets
        self._lock = threading.Lock()
        self._kept: deque[str] = deque()
        self._length = 0
        self._rest = b""

    def own(self, chunk: bytes) -> None:
        """Add a piece of the function's output; an empty piece ends its last line."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        # Masked before they are cut, which may leave a part of a secret.
        texts = [self.masked(_decoded(line)) for line in lines]
        if self._rest and (len(self._rest) >= _LONGEST_LINE or not chunk):
            text = self.masked(_decoded(self._rest))
            # The next piece may have the rest of a secret.
            end = len(text) - (self._begun(text) if chunk else 0)
            texts.append(text[:end])
            self._rest = text[end:].encode()
        if texts:
            # Added together: many short lines would block other invocations.
            texts = [text[:_LONGEST_LINE] for text in texts]
            self._keep(*texts)
            self._add(*texts, kind="own")

    def platform(self, *lines: str, failed: bool = False) -> None:
        """Add lines of the platform, after the function's output so far."""
        if self._rest:
            self.own(b"")
        shown = [self._shown(line) for line in lines]
        self._keep(*shown)
        self._add(*shown, failed=failed)

    def add_reason(self, reason: str, *, nested: bool = False) -> None:
        """Add a line with a reason, unless it repeats one of this invocation; any thread may.

        The log of this invocation has a ``nested`` reason already, within the log of another one.
        """
        self._add_once(f"Reason: {reason}", "reason", kept=not nested)

    def add_warning(self, warning: str) -> None:
        """Add a line about a call that did not fail, once in this invocation; any thread may."""
        self._add_once(f"Warning: {warning}", "own", kept=True)

    def nest(self, name: str, text: str) -> None:
        """Add the log of an invocation that this one made, indented; any thread may."""
        self._keep(f"{name}:", *(f"  {line}" for line in text.splitlines()))

    @property
    def text(self) -> str:
        """Return the log of the invocation; of a long one only the end."""
        with self._lock:
            return "\n".join([*self._kept, ""])

    def masked(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _add_once(self, line: str, kind: Kind, *, kept: bool) -> None:
        with self._lock:
            repeated = line in self._kept
        if not repeated:
            if kept:
                self._keep(line)
            self._add(line, kind=kind)

    def _begun(self, text: str) -> int:
        """Return the length of the longest end of a text that begins a secret."""
        longest = max(map(len, self._secrets), default=1) - 1
        ends = (text[-size:] for size in range(min(longest, len(text)), 0, -1))
        begun = (end for end in ends if any(each.startswith(end) for each in self._secrets))
        return len(next(begun, ""))

    def _shown(self, line: str) -> str:
        line = self.masked(line)
        return line if len(line) <= _LONGEST_SHOWN else line[:_LONGEST_SHOWN] + "…"

    def _keep(self, *lines: str) -> None:
        with self._lock:
            self._kept.extend(lines)
            self._length += sum(map(len, lines)) + len(lines)
            while self._length > _LONGEST_TEXT:
                self._length -= len(self._kept.popleft()) + 1


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "replace").removesuffix("\r")
