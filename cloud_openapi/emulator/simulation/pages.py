"""The pages of a simulated mini program."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud_openapi.emulator.simulation.curves import Visits
from cloud_openapi.emulator.simulation.split import split

_NAMED = ("index", "list", "detail", "search", "mine", "order")
_USERS_A_VIEW = 0.4


class Page(NamedTuple):
    """The numbers of one page in a period."""

    path: str
    views: int
    users: int
    stay: float
    entries: int
    exits: int
    shares: int
    sharers: int


def page_paths(count: int) -> tuple[str, ...]:
    """Return the paths of a mini program's pages; the first six have names, others numbers."""
    names = (*_NAMED, *(f"page{number}" for number in range(count - len(_NAMED))))
    return tuple(f"pages/{name}/{name}" for name in names)


def pages_of(
    paths: Sequence[str], popularity: Sequence[int], visits: Visits, users: int
) -> list[Page]:
    """Return the pages with views, most viewed first; ``users`` is the most users of a page."""
    entries = split(visits.sessions, popularity)
    # The first view of a session is its entry.
    more = split(visits.views - visits.sessions, popularity)
    views = [first + later for first, later in zip(entries, more, strict=True)]
    shares = split(visits.shares, views)
    pages = zip(
        paths,
        views,
        [min(seen, users, 1 + int(seen * _USERS_A_VIEW)) for seen in views],
        [
            mean(part, seen, 6)
            for part, seen in zip(split(visits.seconds, views), views, strict=True)
        ],
        entries,
        split(visits.sessions, views),
        shares,
        split(visits.sharers, shares),
        strict=True,
    )
    return sorted((Page(*page) for page in pages if page[1]), key=lambda page: -page.views)


def mean(total: float, count: float, digits: int) -> float:
    """Return a rounded mean, as an integer if it is one, as in WeChat's answers."""
    rounded = round(total / count, digits) if count else 0
    return int(rounded) if rounded == int(rounded) else rounded
