"""A simulated mini program: its numbers of users, new and returning, follow from a seed.

The numbers are read from curves and agree with one another. A user with visits on several days of
a week or a month is counted once in it. Each number takes constant time, for any date.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache, cached_property, lru_cache
from hashlib import blake2b, shake_128
from math import sqrt
from operator import attrgetter
from struct import unpack
from typing import Any

from cloud_openapi.catalogue import Table
from cloud_openapi.emulator.simulation.curves import Curves, Visits
from cloud_openapi.emulator.simulation.pages import Page, mean, page_paths, pages_of
from cloud_openapi.emulator.simulation.split import split_within
from cloud_openapi.periods import LAUNCH, Period

# The share of a period's new users that return one period later, and the decay of this share.
_NEW_RETURN: dict[str, float] = {"day": 0.19, "week": 0.24, "month": 0.3}
_NEW_DECAY = 0.6
# The same for active users that were not new.
_OLD_RETURN: dict[str, float] = {"day": 0.46, "week": 0.52, "month": 0.57}
_OLD_DECAY = 0.22

_FEWEST_PAGES, _MOST_PAGES = 6, 260
_PATHS = page_paths(_MOST_PAGES)
_POPULARITY = [1 / (place + 1) for place in range(_MOST_PAGES)]
_CACHED_PAGES = 64
_UNIT = 2**16
_BLOCK = 32
"""Measured values are drawn for a number of days at a time."""


Fields = tuple[tuple[str, str], ...]
Retention = tuple[int, int, int]
"""A number of periods, and how many new and active users returned after so many periods."""


class World:
    """One mini program. The same seed and appid always give the same numbers."""

    def __init__(self, seed: int, appid: str) -> None:
        self._key = blake2b(f"{seed}/{appid}".encode(), digest_size=32).digest()
        size, pages, place, depth = self._chances("size", 4)
        self._curves = Curves(300 + 2700 * size / _UNIT, place, 1.75 + 0.5 * depth / _UNIT)
        more_pages = (_MOST_PAGES - _FEWEST_PAGES) * (pages / _UNIT) ** 3
        self._page_count = _FEWEST_PAGES + int(more_pages)
        # Keyed by the catalogue's table name.
        self._weights: dict[str, list[int]] = {}

    def retentions(self, period: Period, keys: tuple[int, ...], today: date) -> list[Retention]:
        """Return the retention at each key whose period was over before today."""
        until = cache(self._curves.users_until)
        new, old = _users(until, *_days(period))
        found = []
        for key, first, last in _later_periods(period, keys, today):
            if key == 0:
                found.append((0, new, new + old))
                continue
            # Returning users are not new in the later period.
            _, most = _users(until, first, last)
            new_rate, old_rate = _rates(period.span, key)
            factor = self._curves.return_factor(first)
            new_again = int(new * new_rate * factor)
            all_again = new_again + int(old * old_rate * factor)
            found.append((key, min(new_again, most), min(all_again, most)))
        return found

    def retention(self, users: str, period: Period, steps: int) -> int:
        """Return how many ``new_users`` or ``active_users`` returned after a number of periods.

        At zero steps, all of them count.
        """
        ((_, new, active),) = self.retentions(period, (steps,), date.max)
        return new if users == "new_users" else active

    def count(self, name: str, period: Period) -> int:
        """Return an integer of a period by its name in the catalogue."""
        if name == "all_users":
            return self._curves.users_until(_days(period)[1])[0]
        if name in ("new_users", "active_users"):
            new, old = _users(self._curves.users_until, *_days(period))
            return new if name == "new_users" else new + old
        visits = self._visits(period)
        return {
            "sessions": visits.sessions,
            "steps": visits.steps,
            "page_views": visits.views,
            "shares": visits.shares,
            "sharers": visits.sharers,
        }[name]

    def mean(self, name: str, period: Period) -> float:
        """Return a mean of a period, rounded to four places as WeChat does."""
        visits = self._visits(period)
        if name == "stay_of_a_user":
            return mean(visits.seconds, self.count("active_users", period), 4)
        total = {"stay_of_a_session": visits.seconds, "depth": visits.steps}[name]
        return mean(total, visits.sessions, 4)

    def weights(self, tables: Mapping[str, Table], name: str) -> list[int]:
        """Return this mini program's weights of a table's groups, as integers.

        The weights of groups within a group of another table add up to that group's weight. A
        table whose groups have a value for `split_making` is the same for all mini programs.
        """
        known = self._weights.get(name)
        if known is None:
            table = tables[name]
            if table.each:
                known = [int(weight * _UNIT) for weight in table.weights]
            else:
                known = self._own_weights(name, table.weights)
            if table.within:
                known = split_within(self.weights(tables, table.within), known, table.places)
            self._weights[name] = known
        return known

    def levels(self, name: str, around: float, days: Sequence[date]) -> list[str]:
        """Return measured values of successive days near a mean, as WeChat writes them."""
        if not days:
            return []
        block, offset = divmod(days[0].toordinal(), _BLOCK)
        chances: list[int] = []
        while len(chances) < offset + len(days):
            chances += self._chances(f"{name}/{block}", _BLOCK)
            block += 1
        return [
            _written(around * (0.9 + 0.2 * chance / _UNIT)) if day >= LAUNCH else "0"
            for day, chance in zip(days, chances[offset:], strict=False)
        ]

    # A hundred pages and more: the most expensive answer by far.
    @lru_cache(maxsize=_CACHED_PAGES)  # noqa: B019 - it keeps no more worlds alive than that
    def page_rows(self, period: Period, fields: Fields) -> list[dict[str, Any]]:
        """Return the pages of a period as JSON, most viewed first; do not change them.

        ``fields`` leads from each name in the JSON to an attribute of `Page`.
        """
        read = attrgetter(*(attribute for _, attribute in fields))
        names = [name for name, _ in fields]
        return [dict(zip(names, read(page), strict=True)) for page in self.pages(period)]

    def pages(self, period: Period) -> list[Page]:
        """Return the pages of a period, most viewed first."""
        count = self._page_count
        users = self.count("active_users", period)
        return pages_of(_PATHS[:count], self._popularity, self._visits(period), users)

    @cached_property
    def _popularity(self) -> list[int]:
        return self._own_weights("pages", _POPULARITY[: self._page_count])

    def _own_weights(self, name: str, means: Sequence[float]) -> list[int]:
        """Return random weights between 50 % and 150 % of the means."""
        chances = self._chances(name, len(means))
        return [
            int(weight * (_UNIT // 2 + chance))
            for weight, chance in zip(means, chances, strict=True)
        ]

    def _visits(self, period: Period) -> Visits:
        return self._curves.visits(*_days(period))

    def _chances(self, name: str, count: int) -> tuple[int, ...]:
        """Return random numbers from 0 to below `_UNIT`, which depend on the name alone."""
        digest = shake_128(self._key + name.encode()).digest(2 * count)
        return unpack(f"<{count}H", digest)


def _users(until: Callable[[int], tuple[int, int]], first: int, last: int) -> tuple[int, int]:
    """Return the new users of a period, and its other active users."""
    users, returned = until(last)
    users_before, returned_before = until(first - 1)
    old = returned - returned_before
    if first != last:
        old = min(int(old / sqrt(last - first + 1)), users_before)
    return users - users_before, old


@cache
def _rates(span: str, steps: int) -> tuple[float, float]:
    """Return the mean shares of new and of other users that return after a number of periods."""
    return _NEW_RETURN[span] * steps**-_NEW_DECAY, _OLD_RETURN[span] * steps**-_OLD_DECAY


@lru_cache(maxsize=1024)
def _later_periods(
    period: Period, keys: tuple[int, ...], today: date
) -> tuple[tuple[int, int, int], ...]:
    """Return each key with the first and last day of its period, if it was over before today."""
    laters = ((key, period.after(key)) for key in keys)
    return tuple((key, *_days(later)) for key, later in laters if later.end < today)


def _days(period: Period) -> tuple[int, int]:
    return period.begin.toordinal(), period.end.toordinal()


def _written(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
