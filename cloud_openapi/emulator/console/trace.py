"""The trace of an invocation: the functions and calls of APIs that it made, in time."""

import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final, NamedTuple

from flask import Flask, render_template

from cloud_openapi import clocks
from cloud_openapi.emulator.console.inside import failed_inside
from cloud_openapi.emulator.console.stored import subject_of, title_of
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import NotFoundError
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.runtime import Functions, Line

_MOST_LINES: Final = 2000
_TICKS: Final = 5


class Part(NamedTuple):
    """An invocation or a call of an API within a trace; its ``begun`` is in seconds."""

    name: str
    begun: float
    milliseconds: float
    depth: int = 0
    code: int = 0
    """The error's code or the status of a failed part, 0 for a success."""
    reason: str = ""
    invocation: str = ""
    """The request id of an invocation, empty for a call of an API."""
    parent: str = ""
    number: int = 0
    """The number of a call in the journal."""
    subject: str = ""
    """The collection or the file that a call is about."""
    running: bool = False
    failed_inside: bool = False
    """Whether a part of an invocation that succeeded failed."""


class Trace(NamedTuple):
    """The parts of a trace, each after the one that made it, in the order of their beginnings."""

    invocation: str
    parts: list[Part]
    parent: str
    incomplete: list[str]
    lines: list[tuple[str, Line]]

    @property
    def begun(self) -> float:
        """Return the moment of the earliest beginning."""
        return min(part.begun for part in self.parts)

    @property
    def milliseconds(self) -> float:
        """Return the time from the earliest beginning to the latest end."""
        return max(self.offset(part) + part.milliseconds for part in self.parts)

    def offset(self, part: Part) -> float:
        """Return the milliseconds from the beginning of the trace to that of a part."""
        return (part.begun - self.begun) * 1000

    def place(self, part: Part) -> tuple[str, str]:
        """Return where the bar of a part begins and how wide it is, in percent."""
        whole = self.milliseconds or 1
        return f"{self.offset(part) / whole:.3%}", f"{part.milliseconds / whole:.3%}"

    @property
    def ticks(self) -> list[tuple[str, float]]:
        """Return places of the scale in percent, each with its round number of milliseconds."""
        whole = self.milliseconds or 1
        power = 10.0 ** math.floor(math.log10(whole))
        step = next(each * power for each in (0.2, 0.5, 1, 2) if each * power * _TICKS >= whole)
        return [(f"{n * step / whole:.3%}", n * step) for n in range(math.ceil(whole / step))]


def add_trace(app: Flask, tools: Tools) -> None:
    """Add the page of a trace."""

    @app.get("/traces/<invocation>")
    def trace(invocation: str) -> str:
        return render_template("trace.html", trace=trace_of(tools, invocation))


def trace_of(tools: Tools, invocation: str) -> Trace:
    """Return the trace of an invocation. Raises NotFoundError."""
    entries = tools.emulator.journal.numbered()
    invocations = _invocations(tools.functions, entries) if tools.functions else {}
    calls: dict[str, list[Part]] = {}
    for number, entry in entries:
        if entry.invocation:
            calls.setdefault(entry.invocation, []).append(_call(number, entry))
    parts = list(_tree(invocation, 0, invocations, calls))
    if not parts:
        name = invocation[:100]
        raise NotFoundError(t(f"trace of an invocation {name}", f"调用 {name} 的调用链"))
    own = invocations.get(invocation)
    ids = {part.invocation for part in parts}
    lines = tools.functions.logs.since(0)[0] if tools.functions else []
    return Trace(
        invocation,
        parts,
        own.parent if own and own.parent in invocations else "",
        list(_gaps(tools, own, parts)),
        [pair for pair in lines if pair[1].invocation in ids][-_MOST_LINES:],
    )


def _invocations(functions: Functions, entries: list[tuple[int, Entry]]) -> dict[str, Part]:
    """Return the invocations by their request ids, the running ones too."""
    now = clocks.monotonic()
    running = [
        Part(
            name=each.function,
            begun=begun,
            milliseconds=(now - begun) * 1000,
            invocation=each.request_id,
            parent=each.parent,
            running=True,
        )
        for each, begun in functions.running()
    ]
    all_ended = list(functions.ended)
    inside = failed_inside(entries, all_ended)
    ended = [
        Part(
            name=each.function,
            begun=each.begun,
            milliseconds=each.milliseconds,
            code=0 if each.status == HTTPStatus.OK else each.status,
            reason=each.reason or each.message,
            invocation=each.invocation,
            parent=each.parent,
            failed_inside=each.status == HTTPStatus.OK and each.invocation in inside,
        )
        for each in all_ended
        if each.invocation
    ]
    # One that ended meanwhile is in both.
    return {part.invocation: part for part in (*running, *ended)}


def _call(number: int, entry: Entry) -> Part:
    return Part(
        name=title_of(entry),
        begun=entry.begun,
        milliseconds=entry.milliseconds,
        code=(entry.errcode or entry.status or -1) if entry.failed else 0,
        reason=entry.reason,
        number=number,
        subject=subject_of(entry),
    )


def _tree(
    invocation: str, depth: int, invocations: dict[str, Part], calls: dict[str, list[Part]]
) -> Iterator[Part]:
    """Yield an invocation, if it is kept, and what it made, in the order of time."""
    own = invocations.get(invocation)
    if own is not None:
        yield own._replace(depth=depth)
    inner = [part for part in invocations.values() if part.parent == invocation != ""]
    for part in sorted((*calls.get(invocation, ()), *inner), key=lambda part: part.begun):
        if part.invocation:
            yield from _tree(part.invocation, depth + 1, invocations, calls)
        else:
            yield part._replace(depth=depth + 1)


def _gaps(tools: Tools, own: Part | None, parts: list[Part]) -> Iterator[str]:
    """Yield why a trace may lack parts."""
    if any(part.running for part in parts):
        yield t("It still runs.", "仍在运行。")
    begun = min(part.begun for part in parts)
    ended = max(part.begun + part.milliseconds / 1000 for part in parts)
    if own is None:
        yield t(
            "The invocation itself is not kept: it is too old, or the console sent the call in the "
            "function's name without running it.",
            "调用本身未保留：时间过久，或者是控制台以该云函数的名义发送的请求，云函数没有运行。",
        )
    elif tools.functions is not None and _evicted(tools.functions, begun):
        yield t(
            "Older invocations are no longer kept; some of this trace may be missing.",
            "较早的调用已不再保留，此调用链可能不完整。",
        )
    if _lacks_entries(tools, begun, ended):
        yield t(
            "The journal lacks requests of that time; some of this trace may be missing.",
            "当时的部分请求已不在日志中，此调用链可能不完整。",
        )


def _evicted(functions: Functions, begun: float) -> bool:
    """Return whether an invocation that ended after a moment may have been evicted."""
    kept = functions.ended
    if len(kept) != kept.maxlen:
        return False
    oldest = kept[0]
    return oldest.begun + oldest.milliseconds / 1000 > begun


def _lacks_entries(tools: Tools, begun: float, ended: float) -> bool:
    """Return whether an entry of a time may have been evicted: a number between is missing."""
    numbered = tools.emulator.journal.numbered()
    newest = tools.emulator.journal.newest
    before = [n for n, entry in numbered if entry.begun + entry.milliseconds / 1000 < begun]
    after = [n for n, entry in numbered if entry.begun > ended]
    first, last = max(before, default=0) + 1, min(after, default=newest + 1)
    between = sum(1 for n, _entry in numbered if first <= n < last)
    return between < last - first
