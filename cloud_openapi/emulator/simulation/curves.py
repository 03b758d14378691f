"""How much of everything there was until the end of a day, all days before it included.

A curve is smooth, with the rhythm of the week and a little chance on top, too little for it ever to
fall. What a period has is the difference between its ends, so that a month costs no more than a
day, nothing has to be remembered, and whatever is asked for agrees with the rest.
"""

from datetime import date
from functools import lru_cache
from hashlib import shake_128
from itertools import accumulate
from operator import sub
from typing import NamedTuple

LAUNCH = date(2017, 1, 9)
"""The day that mini programs were opened to the public; before it there is nothing."""

_EVE = LAUNCH.toordinal() - 1
_WEEKLY_RHYTHM = (0.94, 0.92, 0.93, 0.95, 1.02, 1.15, 1.09)
# The launch was a Monday, and so is the first day of each week that is counted from it.
_RHYTHM_UNTIL = (0.0, *accumulate(_WEEKLY_RHYTHM))
_GROWTH_A_DAY = 0.12 / 730

# Users who come again, for each new one; and the days until it is three quarters of them.
_REGULARS, _RAMP = 2.3, 8
_SESSIONS_A_USER = 2.1
_VIEWS_A_STEP = 1.6
_SECONDS_A_SESSION = 55
_SHARING_USERS = 0.012
_SHARES_A_SHARER = 1.5
# How far chance moves a curve at most, in days' worth of new users. Each is less than the curve
# rises on a Tuesday, so that no day has fewer than none of anything.
_CHANCE_OF_USERS = 0.2
_CHANCE_OF_VISITS = (0.3, 0.4, 15, 0.004)  # sessions, steps, seconds, sharers

_STRIP = 2**14
_CHANCES_A_DAY = 7
_NEW, _OLD, _MOOD, _VISITS = range(4)
# One strip of noise for all mini programs, from 0 to below 1; each begins elsewhere on it, and
# whoever begins near its end reads on in its beginning.
_NOISE = [value / 256 for value in shake_128(b"chance").digest(_STRIP)]
_NOISE += _NOISE[:_CHANCES_A_DAY]

# Only a gain of time: ends of curves, for all mini programs together.
_REMEMBERED = 2048


class Visits(NamedTuple):
    """What all the users did."""

    sessions: int
    steps: int
    """Pages of a session, added up over the sessions."""
    views: int
    seconds: int
    sharers: int
    shares: int


class Curves(NamedTuple):
    """The curves of one mini program. Days are ordinals."""

    size: float
    """How many users are new on a usual day at the launch."""
    place: int
    """Where on the strip of noise it begins."""
    depth: float
    """How many steps a usual session has."""

    def visits(self, first: int, last: int) -> Visits:
        """Return the visits of these days."""
        return Visits(*map(sub, self.visits_until(last), self.visits_until(first - 1)))

    def mood(self, day: int) -> float:
        """Return how much likelier than usual users are to come again on a day."""
        return 0.85 + 0.3 * _NOISE[(self.place + day * _CHANCES_A_DAY + _MOOD) % _STRIP]

    def users_until(self, day: int) -> tuple[int, int]:
        """Return until the end of a day the users, and how often one came who was not new then."""
        age = day - _EVE
        if age <= 0:
            return 0, 0
        scale = self.size * (1 + _GROWTH_A_DAY * age)
        rhythm = age // 7 * 7 + _RHYTHM_UNTIL[age % 7]
        at = (self.place + day * _CHANCES_A_DAY) % _STRIP
        users = int(scale * (rhythm + _NOISE[at + _NEW] * _CHANCE_OF_USERS))
        if age == 1:  # on the day of the launch everybody is new
            return users, 0
        again = rhythm - _RHYTHM_UNTIL[1] + _NOISE[at + _OLD] * _CHANCE_OF_USERS
        return users, int(scale * _REGULARS * again * again / (again + _RAMP))

    @lru_cache(maxsize=_REMEMBERED)  # noqa: B019 - it keeps two numbers alive, and no more
    def visits_until(self, day: int) -> Visits:
        """Return the visits until the end of a day."""
        users = sum(self.users_until(day))
        if not users:
            return Visits(0, 0, 0, 0, 0, 0)
        scale = self.size * (1 + _GROWTH_A_DAY * (day - _EVE))
        at = (self.place + day * _CHANCES_A_DAY) % _STRIP
        more_sessions, more_steps, more_seconds, more_sharers = (
            scale * most * chance
            for most, chance in zip(
                _CHANCE_OF_VISITS, _NOISE[at + _VISITS : at + _CHANCES_A_DAY], strict=True
            )
        )
        sessions = int(users * _SESSIONS_A_USER + more_sessions)
        steps = int(sessions * self.depth + more_steps)
        seconds = int(sessions * _SECONDS_A_SESSION + more_seconds)
        sharers = int(users * _SHARING_USERS + more_sharers)
        views, shares = int(steps * _VIEWS_A_STEP), int(sharers * _SHARES_A_SHARER)
        return Visits(sessions, steps, views, seconds, sharers, shares)
