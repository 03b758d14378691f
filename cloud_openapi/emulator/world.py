"""A simulated mini program: users who arrive, and come back, by a rule and a seed.

All numbers follow from `new_users` and two curves, so that they agree with one another: who is
active on a day is who is new plus who came back of those that were new before; nobody comes back
who was not there. Each figure is computed in constant time, for any date.
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

# Of new users, the share that is there one span later; of the other active ones, likewise.
_NEW_RETURN: dict[Span, float] = {"day": 0.19, "week": 0.16, "month": 0.13}
_OLD_RETURN: dict[Span, float] = {"day": 0.46, "week": 0.52, "month": 0.57}
_NEW_DECAY = 0.6
_OLD_DECAY = 0.22
_DISTINCT_SHARE = 0.42


class World:
    """One mini program. The same seed and appid always give the same numbers."""

    def __init__(self, seed: int, appid: str) -> None:
        self._key = f"{seed}/{appid}"
        self._size = 300 + 2700 * self._chance("size")
        self._new_return = [0.0] + [
            _NEW_RETURN["day"] * age**-_NEW_DECAY for age in range(1, _MEMORY_DAYS + 1)
        ]
        # Bounded, and only a gain of time: what is forgotten is computed again.
        self._mood = lru_cache(maxsize=4096)(self._compute_mood)
        self._new = lru_cache(maxsize=4096)(self._compute_new)
        self._active = lru_cache(maxsize=4096)(self._compute_active)

    def retention(self, users: str, period: Period, steps: int) -> int:
        """Return how many of a period's ``new_users`` or ``active_users`` came back.

        At zero steps it is all of them; otherwise those who were there that many periods later.
        """
        new, active = self._users_of(period)
        if users == "new_users":
            return new if steps == 0 else self._returned_new(period, new, steps)
        if steps == 0:
            return active
        later = period.after(steps)
        share = _OLD_RETURN[period.span] * steps**-_OLD_DECAY * self._mood(later.begin.toordinal())
        old = int((active - new) * share)
        together = self._returned_new(period, new, steps) + old
        return min(together, self._users_of(later)[1])

    def _returned_new(self, period: Period, new: int, steps: int) -> int:
        later = period.after(steps)
        if period.span == "day":
            return self._returned_day(period.begin.toordinal(), later.begin.toordinal())
        share = _NEW_RETURN[period.span] * steps**-_NEW_DECAY
        returned = int(new * share * self._mood(later.begin.toordinal()))
        return min(returned, self._users_of(later)[1])

    def _users_of(self, period: Period) -> tuple[int, int]:
        """Return the new and the distinct active users of a period."""
        days = range(period.begin.toordinal(), period.end.toordinal() + 1)
        if len(days) == 1:
            return self._new(days[0]), self._active(days[0])
        new = sum(map(self._new, days))
        active = [self._active(day) for day in days]
        most = max(active)
        # Many come on several days of a week: fewer than the days' sum, more than the best day.
        distinct = most + int((sum(active) - most) * _DISTINCT_SHARE)
        return new, max(distinct, new)

    def _compute_new(self, day: int) -> int:
        age = day - LAUNCH.toordinal()
        if age < 0:
            return 0
        rhythm = _WEEKLY_RHYTHM[(day - 1) % 7]
        return int(self._size * (1 + _GROWTH_A_YEAR * age / 365) * rhythm * self._mood(day))

    def _compute_active(self, day: int) -> int:
        before = range(day - _MEMORY_DAYS, day)
        return self._new(day) + sum(self._returned_day(earlier, day) for earlier in before)

    def _returned_day(self, day: int, later: int) -> int:
        return int(self._new(day) * self._new_return[later - day] * self._mood(later))

    def _compute_mood(self, day: int) -> float:
        return 0.85 + 0.3 * self._chance(f"mood/{day}")

    def _chance(self, name: str) -> float:
        digest = blake2b(f"{self._key}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64
