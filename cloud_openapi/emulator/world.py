"""A simulated mini program: users who arrive, and come back, by a rule and a seed.

Everything follows from the new users of each day and the share of them that is there some days
later. Who is active on a day is who is new and who came back of those that were new before. In a
week or a month, users who come on several days are counted once: see `_distinct`. So the numbers
agree with one another, and each is computed in constant time, for any date.
"""

from datetime import date
from functools import lru_cache
from hashlib import blake2b

from cloud_openapi.periods import Period, Span

LAUNCH = date(2017, 1, 9)
"""The day that mini programs were opened to the public; before it there is nothing."""

_MEMORY_DAYS = 60
_WEEKLY_RHYTHM = (0.94, 0.92, 0.93, 0.95, 1.02, 1.15, 1.09)
_GROWTH_A_YEAR = 0.12

# The share of a day's new users who are there again one day later, and how it falls with time.
_NEW_RETURN, _NEW_DECAY = 0.19, 0.6
# The same for users who were active and not new, from one day, week or month to the next.
_OLD_RETURN: dict[Span, float] = {"day": 0.46, "week": 0.52, "month": 0.57}
_OLD_DECAY = 0.22
_DISTINCT_SHARE = 0.42


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
        self._new = lru_cache(maxsize=4096)(self._compute_new)
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
        share = _OLD_RETURN[period.span] * steps**-_OLD_DECAY * self._mood(_days(later)[0])
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

    def _compute_new(self, day: int) -> int:
        age = day - LAUNCH.toordinal()
        if age < 0:
            return 0
        rhythm = _WEEKLY_RHYTHM[(day - 1) % 7]
        return int(self._size * (1 + _GROWTH_A_YEAR * age / 365) * rhythm * self._mood(day))

    def _compute_mood(self, day: int) -> float:
        return 0.85 + 0.3 * self._chance(f"mood/{day}")

    def _chance(self, name: str) -> float:
        digest = blake2b(f"{self._key}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64


def _days(period: Period) -> tuple[int, int]:
    return period.begin.toordinal(), period.end.toordinal()


def _distinct(daily: list[int]) -> int:
    """Return how many different users there are, given how many came on each day.

    They are no fewer than on the best day and no more than the days' sum. More on any day never
    gives fewer in all, so that a part of the users is never more than the whole.
    """
    most = max(daily)
    return most + int((sum(daily) - most) * _DISTINCT_SHARE)
