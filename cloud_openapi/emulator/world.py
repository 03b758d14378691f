"""A simulated mini program: users who arrive, and come back, by a rule and a seed.

Everything follows from how many users there are by each day and from the share of a day's new
ones that is there some days later. Who is active on a day is who is new and who came back of those
that were new before. In a week or a month, users who come on several days are counted once: see
`_distinct`. So the numbers agree with one another, and each is computed in constant time, for any
date.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from cloud_openapi.emulator.split import split
from cloud_openapi.periods import Period

LAUNCH = date(2017, 1, 9)
"""The day that mini programs were opened to the public; before it there is nothing."""

_MEMORY_DAYS = 60
_WEEKLY_RHYTHM = (0.94, 0.92, 0.93, 0.95, 1.02, 1.15, 1.09)
_GROWTH_A_YEAR = 0.12
# At most, in days' worth of new users. Less than a Tuesday has, so that no day has fewer than none.
_CHANCE_OF_A_DAY = 0.2

# The share of a day's new users who are there again one day later, and how it falls with time.
_NEW_RETURN, _NEW_DECAY = 0.19, 0.6
# The same for users who were active and not new, from one day, week or month to the next.
_OLD_RETURN: dict[str, float] = {"day": 0.46, "week": 0.52, "month": 0.57}
_OLD_DECAY = 0.22
_DISTINCT_SHARE = 0.42

_SESSIONS_A_USER = 2.1
_DEPTH_OF_A_SESSION = 1.9
_VIEWS_A_STEP = 1.6
_SECONDS_A_SESSION = 55
_SHARING_USERS = 0.012
_SHARES_A_SHARER = 1.5
_USERS_A_VIEW = 0.4
_NAMED_PAGES = ("index", "list", "detail", "search", "mine", "order")
_MOST_PAGES = 260


class Visits(NamedTuple):
    """What all the users of a period did."""

    sessions: int
    steps: int
    """Pages of a session, added up over the sessions."""
    views: int
    seconds: int
    sharers: int
    shares: int


class Page(NamedTuple):
    """A page of the mini program in a period."""

    path: str
    views: int
    users: int
    stay: float
    entries: int
    exits: int
    shares: int
    sharers: int


class World:
    """One mini program. The same seed and appid always give the same numbers."""

    def __init__(self, seed: int, appid: str) -> None:
        self._key = f"{seed}/{appid}"
        self._size = 300 + 2700 * self._chance("size")
        self._new_return = [0.0] + [
            _NEW_RETURN * age**-_NEW_DECAY for age in range(1, _MEMORY_DAYS + 1)
        ]
        # Bounded, and only a gain of time: what is forgotten is computed again.
        self._mood = lru_cache(maxsize=4096)(self._compute_mood)
        self._total = lru_cache(maxsize=4096)(self._compute_total)
        self._visits_of_day = lru_cache(maxsize=4096)(self._compute_visits)
        self._old = lru_cache(maxsize=4096)(self._compute_old)
        self.retentions = lru_cache(maxsize=4096)(self._compute_retentions)

    def _compute_retentions(
        self, users: str, period: Period, keys: tuple[int, ...], today: date
    ) -> tuple[tuple[int, int], ...]:
        """Return each key with its `retention`, as far as that period was over before today."""
        return tuple(
            (key, self.retention(users, period, key))
            for key in keys
            if period.after(key).end < today
        )

    def count(self, name: str, period: Period) -> int:
        """Return a whole number of a period by the name that the catalogue has for it."""
        if name == "all_users":
            return self._total(_days(period)[1])
        if name in ("new_users", "active_users"):
            return self.retention(name, period, 0)
        visits = self._visits(period)
        return {
            "sessions": visits.sessions,
            "page_views": visits.views,
            "shares": visits.shares,
            "sharers": visits.sharers,
        }[name]

    def mean(self, name: str, period: Period) -> float:
        """Return a mean of a period, rounded to four places as WeChat does."""
        visits = self._visits(period)
        if name == "stay_of_a_user":
            return _mean(visits.seconds, self.count("active_users", period))
        total = {"stay_of_a_session": visits.seconds, "depth": visits.steps}[name]
        return _mean(total, visits.sessions)

    def weights(self, table: str, weights: Sequence[float]) -> list[float]:
        """Return the weights of a table's groups as this mini program has them."""
        return [
            weight * (0.5 + self._chance(f"{table}/{place}"))
            for place, weight in enumerate(weights)
        ]

    def level(self, name: str, around: float, day: date) -> str:
        """Return a measured value of a day, near a usual one, written as WeChat writes it."""
        value = around * (0.9 + 0.2 * self._chance(f"{name}/{day}")) if day >= LAUNCH else 0
        return f"{value:.4f}".rstrip("0").rstrip(".")

    def pages(self, period: Period) -> list[Page]:
        """Return the pages that were seen in a period, most viewed first."""
        visits = self._visits(period)
        users = self.count("active_users", period)
        count = 6 + int((_MOST_PAGES - 6) * self._chance("pages") ** 3)
        names = [*_NAMED_PAGES, *(f"page{number}" for number in range(count))][:count]
        paths = [f"pages/{name}/{name}" for name in names]
        popular = self.weights("pages", [1 / (place + 1) for place in range(count)])
        entries = split(visits.sessions, popular)
        # Each session begins on one page and sees others after it.
        more = split(visits.views - visits.sessions, popular)
        views = [first + later for first, later in zip(entries, more, strict=True)]
        shares = split(visits.shares, views)
        numbers = zip(
            paths,
            views,
            [min(seen, users, 1 + int(seen * _USERS_A_VIEW)) for seen in views],
            self._stays(views, visits.seconds),
            entries,
            split(visits.sessions, views),
            shares,
            split(visits.sharers, shares),
            strict=True,
        )
        return sorted((Page(*page) for page in numbers if page[1]), key=lambda page: -page.views)

    def _stays(self, views: list[int], seconds: int) -> list[float]:
        return [
            _mean(part, seen, 6) for part, seen in zip(split(seconds, views), views, strict=True)
        ]

    def _visits(self, period: Period) -> Visits:
        first, last = _days(period)
        days = [self._visits_of_day(day) for day in range(first, last + 1)]
        return Visits(*map(sum, zip(*days, strict=True)))

    def _compute_visits(self, day: int) -> Visits:
        active = self._new(day) + self._old(day, day)
        sessions = int(active * _SESSIONS_A_USER * self._mood(day))
        steps = int(sessions * _DEPTH_OF_A_SESSION * (0.9 + 0.2 * self._chance(f"depth/{day}")))
        seconds = int(sessions * _SECONDS_A_SESSION * (0.8 + 0.4 * self._chance(f"stay/{day}")))
        sharers = int(active * _SHARING_USERS * self._mood(day))
        return Visits(
            sessions=sessions,
            steps=steps,
            views=int(steps * _VIEWS_A_STEP),
            seconds=seconds,
            sharers=sharers,
            shares=int(sharers * _SHARES_A_SHARER),
        )

    def retention(self, users: str, period: Period, steps: int) -> int:
        """Return how many of a period's ``new_users`` or ``active_users`` came back.

        At zero steps it is all of them; otherwise those who were there that many periods later.
        """
        first, last = _days(period)
        new = sum(map(self._new, range(first, last + 1)))
        if steps == 0:
            return new if users == "new_users" else new + self._old(first, last)
        later = period.after(steps)
        returned = min(self._returned(first, last, *_days(later)), new)
        if users == "new_users":
            return returned
        share = _OLD_RETURN[later.span] * steps**-_OLD_DECAY * self._mood(_days(later)[0])
        # Whoever comes back is not new then.
        return min(returned + int(self._old(first, last) * share), self._old(*_days(later)))

    def _compute_old(self, first: int, last: int) -> int:
        """Return the users of these days who had been there before the first of them."""
        return self._returned(first - _MEMORY_DAYS, first - 1, first, last)

    def _returned(self, since: int, until: int, first: int, last: int) -> int:
        """Return how many who were new since … until are there again on first … last."""
        return _distinct(
            [
                sum(
                    int(self._new(day) * self._new_return[later - day] * self._mood(later))
                    for day in range(max(since, later - _MEMORY_DAYS), until + 1)
                )
                for later in range(first, last + 1)
            ]
        )

    def _new(self, day: int) -> int:
        return self._total(day) - self._total(day - 1)

    def _compute_total(self, day: int) -> int:
        """Return all users until the end of a day.

        A smooth curve and a little chance on top of it, too little for it ever to fall: so the
        sum of all days' new users is known without adding them up.
        """
        age = day - LAUNCH.toordinal() + 1
        if age <= 0:
            return 0
        weeks, rest = divmod(age, 7)
        # The launch was a Monday, and so is the first day of each of these weeks.
        rhythm = weeks * 7 + sum(_WEEKLY_RHYTHM[:rest])
        growth = 1 + _GROWTH_A_YEAR * age / 730
        chance = _CHANCE_OF_A_DAY * self._chance(f"new/{day}")
        return int(self._size * growth * (rhythm + chance))

    def _compute_mood(self, day: int) -> float:
        return 0.85 + 0.3 * self._chance(f"mood/{day}")

    def _chance(self, name: str) -> float:
        digest = blake2b(f"{self._key}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64


def _days(period: Period) -> tuple[int, int]:
    return period.begin.toordinal(), period.end.toordinal()


def _mean(total: float, count: float, digits: int = 4) -> float:
    """Return a rounded mean; a whole one is an integer, as in WeChat's answers."""
    mean = round(total / count, digits) if count else 0
    return int(mean) if mean == int(mean) else mean


def _distinct(daily: list[int]) -> int:
    """Return how many different users there are, given how many came on each day.

    They are no fewer than on the best day and no more than the days' sum. More on any day never
    gives fewer in all, so that a part of the users is never more than the whole.
    """
    most = max(daily)
    return most + int((sum(daily) - most) * _DISTINCT_SHARE)
