"""The rows of the list of requests: calls of APIs, and invocations of functions."""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from cloud_openapi import clocks
from cloud_openapi.emulator.console.filters import Filters, outcome_of
from cloud_openapi.emulator.console.inside import failed_inside
from cloud_openapi.emulator.console.stored import subject_of
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.runtime import Ended

PAGE: Final = 200
_LONGEST_NAME, _LONGEST_REASON = 200, 400
_Item = TypeVar("_Item", Entry, Ended)
_MARK: Final = re.compile(r"(\d{1,18})\.(\d{1,18})(?:\.([0-9a-f]{8}))?")
# A page that is older than this process has marks of another one.
_START: Final = secrets.token_hex(4)


class Mark(NamedTuple):
    """A place in the list: the numbers of a journal's entry and of an ended invocation.

    The newest place of a page also says which process made it.
    """

    entry: int = 0
    ended: int = 0
    start: str = ""

    @classmethod
    def of(cls, text: str) -> "Mark":
        """Read the text of a mark. Raises InvalidInputError."""
        found = _MARK.fullmatch(text)
        if found is None:
            raise InvalidInputError(
                t(
                    f"a place in the list is like 12.3, not {text!r}",
                    f"列表中的位置形如 12.3，而不是 {text!r}",
                )
            )
        entry, ended, start = found.groups(default="")
        return cls(int(entry), int(ended), start)

    def __str__(self) -> str:
        return f"{self.entry}.{self.ended}{self.start and f'.{self.start}'}"


class Row(NamedTuple):
    """A row; ``number`` is that of the journal's entry, 0 for an invocation of a function."""

    number: int
    name: str
    outcome: str
    failed: bool
    via: str
    function: str
    appid: str
    milliseconds: float
    reason: str
    invocation: str
    nested: bool
    """Whether it is a part of another invocation."""

    failed_inside: bool
    """Whether a part of an invocation that succeeded failed."""

    subject: str
    """The collection or the file that a request is about."""

    before: Mark
    """Older rows have lower numbers than this."""

    time: str = ""
    """The moment of the answer by this machine's clock, in ISO 8601."""

    clock: str = ""
    """The time of day of the answer, or the date too if it is not today's."""


class Found(NamedTuple):
    """Rows, the newest first."""

    rows: list[Row]
    matching: int
    """How many match, also those on other pages."""

    read: list[Entry]
    """The requests that were read, the oldest first."""

    total: int
    """How many requests and invocations were read."""

    newest: Mark
    """The newest request and invocation that were read."""


# Later than everything.
_END: Final = Mark(10**17, 10**17)


def find(tools: Tools, filters: Filters, before: Mark | None = None, most: int = PAGE) -> Found:
    """Return the newest matching rows, or those older than a mark."""
    entries = tools.emulator.journal.numbered()
    found = _found(filters, entries, _ended(tools, 0), Mark(), before or _END, most)
    return _with_failures(found, tools, lambda: entries)


def find_after(tools: Tools, filters: Filters, after: Mark, most: int) -> Found:
    """Return the newest of the matching rows that came after a mark."""
    journal = tools.emulator.journal
    entries = journal.after(after.entry)
    found = _found(filters, entries, _ended(tools, after.ended), after, _END, most)
    return _with_failures(found, tools, journal.numbered)


def count_all(tools: Tools) -> int:
    """Return how many requests and invocations are kept."""
    return len(tools.emulator.journal) + len(_ended(tools, 0))


def is_gone(tools: Tools, mark: Mark) -> bool:
    """Return whether all requests up to a mark are gone: the emulator was reset or restarted."""
    journal = tools.emulator.journal
    oldest = journal.oldest
    if mark.start not in {"", _START}:
        return True
    return mark.entry > 0 and (journal.newest < mark.entry or not 0 < oldest <= mark.entry)


def _ended(tools: Tools, after: int) -> list[tuple[int, Ended]]:
    # A copy, as others end meanwhile.
    ended = [] if tools.functions is None else list(tools.functions.ended)
    return [(each.number, each) for each in ended if each.number > after]


def _found(  # noqa: PLR0913 - both kinds, and three limits
    filters: Filters,
    entries: list[tuple[int, Entry]],
    ended: list[tuple[int, Ended]],
    after: Mark,
    before: Mark,
    most: int,
) -> Found:
    """Merge both kinds, each of which is in its own order, the newest first."""
    calls = _matching(entries, filters.for_entries())
    invocations = _matching(ended, filters.for_invocations())
    older: list[Iterable[tuple[int, Entry | Ended]]] = [
        [pair for pair in calls if pair[0] < before.entry],
        [pair for pair in invocations if pair[0] < before.ended],
    ]
    merged = merge(*older, key=lambda pair: pair[1].answered, reverse=True)
    return Found(
        rows=list(_rows(islice(merged, most), before)),
        matching=len(calls) + len(invocations),
        read=[entry for _, entry in entries],
        total=len(entries) + len(ended),
        newest=Mark(_last(entries, after.entry), _last(ended, after.ended), _START),
    )


def _with_failures(
    found: Found, tools: Tools, entries: Callable[[], list[tuple[int, Entry]]]
) -> Found:
    """Return the rows, of which the successful invocations know of failures inside."""
    if not any(_is_good_invocation(row) for row in found.rows):
        return found
    inside = failed_inside(entries(), [each for _number, each in _ended(tools, 0)])
    rows = [
        row._replace(failed_inside=_is_good_invocation(row) and row.invocation in inside)
        for row in found.rows
    ]
    return found._replace(rows=rows)


def _is_good_invocation(row: Row) -> bool:
    return row.number == 0 and not row.failed


def _matching(
    pairs: list[tuple[int, _Item]], tests: list[Callable[[_Item], bool]]
) -> list[tuple[int, _Item]]:
    """Return the pairs that pass all tests, the last one first."""
    return [pair for pair in reversed(pairs) if all(test(pair[1]) for test in tests)]


def _last(pairs: Sequence[tuple[int, _Item]], former: int) -> int:
    return pairs[-1][0] if pairs else former


def _rows(items: Iterable[tuple[int, Entry | Ended]], before: Mark) -> Iterator[Row]:
    today = local_time(clocks.monotonic())[:10]
    for number, item in items:
        if isinstance(item, Entry):
            before = before._replace(entry=number)
            row = _of_entry(number, item, before)
        else:
            before = before._replace(ended=number)
            row = _of_ended(item, before)
        time = local_time(item.answered)
        clock = time[11:19] if time.startswith(today) else f"{time[5:10]} {time[11:16]}"
        yield row._replace(time=time, clock=clock)


def local_time(moment: float) -> str:
    """Return a moment in this machine's time zone."""
    return clocks.moment(moment).astimezone().isoformat()


def _of_entry(number: int, entry: Entry, before: Mark) -> Row:
    failed = entry.failed
    return Row(
        number=number,
        name=_cut(entry.name, _LONGEST_NAME),
        outcome=entry.outcome,
        failed=failed,
        via=entry.via,
        function=_cut(entry.function or "", _LONGEST_NAME),
        appid=_cut(entry.appid or "", _LONGEST_NAME),
        milliseconds=entry.milliseconds,
        reason=entry.reason or (f"refused because of {entry.check}" if failed else ""),
        invocation=entry.invocation,
        nested=bool(entry.invocation),
        failed_inside=False,
        subject=_cut(subject_of(entry), _LONGEST_NAME),
        before=before,
    )


def _of_ended(ended: Ended, before: Mark) -> Row:
    outcome = outcome_of(ended)
    return Row(
        number=0,
        name=_cut(ended.function, _LONGEST_NAME),
        outcome=outcome,
        failed=outcome != "ok",
        via="function",
        function="",
        appid="",
        milliseconds=ended.milliseconds,
        reason=_cut(ended.reason or ended.message, _LONGEST_REASON),
        invocation=ended.invocation,
        nested=ended.depth > 0,
        failed_inside=False,
        subject="",
        before=before,
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
