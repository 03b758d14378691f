"""Invocations that succeeded although a part of them failed: a function caught the error."""

from collections.abc import Collection, Iterable
from http import HTTPStatus

from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.runtime import Ended, Functions


def failed_inside(entries: Iterable[tuple[int, Entry]], ended: Collection[Ended]) -> set[str]:
    """Return the request ids of the invocations in which a call or a function failed.

    ``entries`` are those of the journal, ``ended`` all invocations.
    """
    parents = {each.invocation: each.parent for each in ended}
    makers = [entry.invocation for _number, entry in entries if entry.invocation and entry.failed]
    makers += [each.parent for each in ended if each.status != HTTPStatus.OK]
    found: set[str] = set()
    for maker in makers:
        while maker and maker not in found:
            found.add(maker)
            maker = parents.get(maker, "")  # noqa: PLW2901 - upwards to the first function
    return found


def all_failed_inside(tools: Tools, functions: Functions) -> set[str]:
    """Return the same for all invocations that have ended."""
    return failed_inside(tools.emulator.journal.numbered(), functions.ended.copy())
