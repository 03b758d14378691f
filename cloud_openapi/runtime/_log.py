import threading
from collections import deque
from collections.abc import Callable
from itertools import count

_MOST_LINES = 2000
_LONGEST_LINE = 32 * 1024
_LONGEST_LOG = 2 * 1024 * 1024
_LONGEST_SHOWN = 4096
_LONGEST_TEXT = 256 * 1024


class Log:
    """The newest lines of a function's log, numbered; at most 2,000 lines and 2 MB.

    ``on_line`` is called with each line that the function prints.
    """

    def __init__(self, on_line: Callable[[str], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._lines: deque[tuple[int, str]] = deque()
        self._length = 0
        self._numbers = count(1)
        self._on_line = on_line

    def add(self, *lines: str) -> None:
        """Add lines of the platform."""
        with self._lock:
            self._lines.extend([(next(self._numbers), line) for line in lines])
            self._length += sum(map(len, lines))
            while len(self._lines) > _MOST_LINES or self._length > _LONGEST_LOG:
                self._length -= len(self._lines.popleft()[1])

    def add_own(self, *lines: str) -> None:
        """Add lines that the function printed."""
        self.add(*lines)
        if self._on_line is not None:
            for line in lines:
                self._on_line(line)

    def since(self, number: int = 0) -> list[tuple[int, str]]:
        """Return the lines after a number, each with its own."""
        with self._lock:
            return [entry for entry in self._lines if entry[0] > number]


class InvocationLog:
    """The log of one invocation, which is added to the function's log line by line.

    A ``secret`` is masked in the platform's lines, which show the value that was returned.
    """

    def __init__(self, log: Log, secret: str = "") -> None:
        self._log = log
        self._secret = secret
        self._lock = threading.Lock()
        self._kept: deque[str] = deque()
        self._length = 0
        self._rest = b""

    def own(self, chunk: bytes) -> None:
        """Add a piece of the function's output; an empty piece ends its last line."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) >= _LONGEST_LINE or not chunk:
            lines, self._rest = [*lines, *filter(None, [self._rest])], b""
        if lines:
            # Added together: many short lines would block other invocations.
            texts = [
                line[:_LONGEST_LINE].decode("utf-8", "replace").removesuffix("\r") for line in lines
            ]
            self._keep(*texts)
            self._log.add_own(*texts)

    def platform(self, *lines: str) -> None:
        """Add lines of the platform, after the function's output so far."""
        if self._rest:
            self.own(b"")
        shown = [self._shown(line) for line in lines]
        self._keep(*shown)
        self._log.add(*shown)

    def add_reason(self, reason: str, *, nested: bool = False) -> None:
        """Add a line with a reason, unless it repeats one of this invocation; any thread may.

        The log of this invocation has a ``nested`` reason already, within the log of another one.
        """
        line = f"Reason: {reason}"
        with self._lock:
            repeated = line in self._kept
        if not repeated:
            if not nested:
                self._keep(line)
            self._log.add_own(line)

    def nest(self, name: str, text: str) -> None:
        """Add the log of an invocation that this one made, indented; any thread may."""
        self._keep(f"{name}:", *(f"  {line}" for line in text.splitlines()))

    @property
    def text(self) -> str:
        """Return the log of the invocation; of a long one only the end."""
        with self._lock:
            return "".join(f"{line}\n" for line in self._kept)

    def _shown(self, line: str) -> str:
        if self._secret:
            line = line.replace(self._secret, "***")
        return line if len(line) <= _LONGEST_SHOWN else line[:_LONGEST_SHOWN] + "…"

    def _keep(self, *lines: str) -> None:
        with self._lock:
            self._kept.extend(lines)
            self._length += sum(map(len, lines)) + len(lines)
            while self._length > _LONGEST_TEXT:
                self._length -= len(self._kept.popleft()) + 1
