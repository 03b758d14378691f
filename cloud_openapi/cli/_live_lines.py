"""The lines that serve prints: one for each call, and those of the functions.

A call's line comes when the call ends. So the lines that an invocation printed and the calls that
it made stand above its own line, indented once more than it is.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import click
from rich.cells import cell_len

from cloud_openapi.cli._terminal import printable, printable_output
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.runtime import Ended, Line

GOOD = 200
_INDENT = "  "
# The widest name of an API stands in it with one step of indentation.
_NAME_COLUMNS, _STATUS_COLUMNS, _TIME_COLUMNS = 32, 8, 8
_CLOCK_COLUMNS = len("12:03:39 ")
_MOST_TOLD = 100
_LONGEST_NAME, _LONGEST_REQUEST = 200, 4000
_ONE_DIGIT_BELOW, _SECONDS_FROM = 10.0, 10_000.0
# Characters between which a line may be broken, and those that no line begins with.
_WIDE, _CLOSING = (
    "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef",
    "、。〉》」』】）！，：；？",
)
_WORDS = re.compile(f"[{_WIDE}][{_CLOSING}]* *|[^ {_WIDE}]+[{_CLOSING}]* *| +")
_TIMER_SOURCE = "wx_trigger"


class Look(NamedTuple):
    """How lines are shown: with which colours, on how many columns (0: never wrapped)."""

    coloured: bool = False
    columns: int = 0
    verbose: bool = False
    url: str = ""
    """The emulator's URL as an option of hints, empty for the default."""

    def style(self, text: str, **style: object) -> str:
        """Return a text in a style, if there are colours."""
        return click.style(text, **style) if self.coloured and text else text  # type: ignore[arg-type]


Kind = tuple[str, str]
"""The name and the status of a call."""


class Shown(NamedTuple):
    """A finished call, ready to be shown or counted."""

    name: str
    status: str
    milliseconds: float
    depth: int
    good: bool
    reasons: tuple[str, ...] = ()
    """The error and its reason, each a text that may be wrapped."""

    hint: str = ""
    """A command that can be pasted, and so is never wrapped."""

    details: tuple[str, ...] = ()
    """For --verbose only."""

    @property
    def kind(self) -> Kind:
        """Return what calls have in common that are counted together."""
        return self.name, self.status


def of_entry(entry: Entry, depth: int) -> Shown:
    """Return the call of an API."""
    good = not entry.failed
    reason = entry.reason or ("" if good else f"refused because of {entry.check}")
    body = entry.body.decode("utf-8", "replace")
    cut = body[:_LONGEST_REQUEST] + "…" * (len(body) > _LONGEST_REQUEST)
    details = (f"request {cut}" if cut else "", f"answered by {entry.check}" if good else "")
    ids = {"appid": entry.appid, "rid": entry.rid}
    return Shown(
        name=entry.name[:_LONGEST_NAME],
        status=entry.outcome,
        milliseconds=entry.milliseconds,
        depth=depth,
        good=good,
        reasons=(reason,) if reason else (),
        details=(*filter(None, details), " ".join(f"{k} {v}" for k, v in ids.items() if v)),
    )


def of_ended(ended: Ended, look: Look) -> Shown:
    """Return an invocation that has ended."""
    good = ended.status == GOOD
    timer = " (timer)" if ended.source == _TIMER_SOURCE else ""
    return Shown(
        name=f"{ended.function}{timer}",
        status=str(ended.status),
        milliseconds=ended.milliseconds,
        depth=ended.depth,
        good=good,
        reasons=tuple(filter(None, (ended.message, ended.reason))),
        hint=""
        if good or not ended.invocation
        else f"→ cloud-openapi logs {ended.function}{look.url}",
        details=(f"source {ended.source} RequestId {ended.invocation or '-'}",),
    )


class Told:
    """The reasons of the newest calls, which the invocation that made them does not repeat."""

    def __init__(self) -> None:
        self._reasons: deque[tuple[str, str]] = deque(maxlen=_MOST_TOLD)

    def add(self, call: Entry | Ended) -> None:
        """Keep the reason of a call that was shown."""
        if isinstance(call, Ended):
            told = (call.parent, call.reason or call.message)
        else:
            told = (call.invocation, call.reason)
        if all(told):
            self._reasons.append(told)

    def shortened(self, ended: Ended) -> Ended:
        """Return an invocation without its reason if a call told it, maybe without the API."""
        was_told = any(
            invocation == ended.invocation and ended.reason.endswith(reason)
            for invocation, reason in self._reasons
        )
        return ended._replace(reason="") if was_told else ended


def call_texts(shown: Shown, at: str, look: Look) -> Iterator[str]:
    """Yield the lines of a call: one, and on a terminal as many more as its reasons need."""
    head = (
        f"{_clock(at, look)}{_name(shown, look)} {_status_text(shown, look)} "
        f"{_duration(shown.milliseconds):>{_TIME_COLUMNS}}"
    )
    reasons = [printable(each) for each in shown.reasons]
    if not look.columns:
        yield "  ".join([head, *reasons, *filter(None, [shown.hint])])
        yield from _detail_texts(shown, look)
        return
    begin = _CLOCK_COLUMNS + max(_NAME_COLUMNS, _name_width(shown)) + _STATUS_COLUMNS
    room = look.columns - begin - _TIME_COLUMNS - len("  " * 2)
    if reasons and cell_len(reasons[0]) <= room:
        head += f"  {reasons.pop(0)}"
    yield head
    indent = " " * _CLOCK_COLUMNS + _INDENT * (shown.depth + 1)
    for reason in reasons:
        yield from (indent + text for text in wrapped(reason, look.columns - len(indent)))
    if shown.hint:
        yield indent + look.style(shown.hint, fg="cyan")
    yield from _detail_texts(shown, look)


def line_text(function: str, line: Line, at: str, look: Look) -> str:
    """Return a line of a function's log."""
    text = f"{function}: {printable_output(line.text)}"
    depth = line.depth + 1 if line.invocation else 0
    shown = text if line.kind == "own" else look.style(text, dim=True)
    return f"{_clock(at, look)}{_INDENT * depth}{shown}"


def note_text(text: str, look: Look) -> str:
    """Return a line about calls that are not shown."""
    return look.style(f"{'':{_CLOCK_COLUMNS}}… {text}", dim=True)


def _detail_texts(shown: Shown, look: Look) -> Iterator[str]:
    if look.verbose:
        indent = " " * _CLOCK_COLUMNS + _INDENT * (shown.depth + 1)
        for detail in filter(None, shown.details):
            yield indent + look.style(printable(detail), dim=True)


def _clock(at: str, look: Look) -> str:
    """Return a time of the form 12:03:39 before a line."""
    return look.style(f"{at} ", dim=True)


def _name_width(shown: Shown) -> int:
    return len(_INDENT) * shown.depth + cell_len(printable(shown.name))


def _name(shown: Shown, look: Look) -> str:
    padding = " " * (_NAME_COLUMNS - _name_width(shown))
    return _INDENT * shown.depth + look.style(printable(shown.name), bold=True) + padding


def _status_text(shown: Shown, look: Look) -> str:
    text = f"{shown.status:>{_STATUS_COLUMNS}}"
    return look.style(text, fg="green" if shown.good else "red", bold=not shown.good)


def _duration(milliseconds: float) -> str:
    if milliseconds < _ONE_DIGIT_BELOW:
        return f"{milliseconds:.1f} ms"
    if milliseconds < _SECONDS_FROM:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def wrapped(text: str, columns: int) -> list[str]:
    """Return the lines of a text, broken at spaces and around wide characters.

    A longer word, such as a path, is left whole, so that it can be copied.
    """
    lines = [""]
    for word in _WORDS.findall(text):
        if lines[-1] and cell_len(lines[-1]) + cell_len(word.rstrip()) > columns:
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return [line.rstrip() for line in lines]
