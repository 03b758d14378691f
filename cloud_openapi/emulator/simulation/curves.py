"""Curves: the totals of users and visits up to the end of a day.

A curve is smooth, with a weekly rhythm and some noise, which is too small to make it fall. The
number of a period is the difference between its ends. So a month costs no more than a day, no state
is kept, and all numbers agree.
"""

from functools import lru_cache
from hashlib import shake_128
from itertools import accumulate
from operator import sub
from typing import NamedTuple

from cloud_openapi.periods import LAUNCH

_EVE = LAUNCH.toordinal() - 1
_WEEKLY_RHYTHM = (0.94, 0.92, 0.93, 0.95, 1.02, 1.15, 1.09)
# Weeks are counted from the launch, which was a Monday.
_RHYTHM_UNTIL = (0.0, *accumulate(_WEEKLY_RHYTHM))
_GROWTH_A_DAY = 0.12 / 730

# Returning users per new user, and the days until the curve reaches three quarters of that.
_RETURNING_USERS, _RAMP_DAYS = 2.3, 8
_SESSIONS_A_USER = 2.1
_VIEWS_A_STEP = 1.6
_SECONDS_A_SESSION = 55
_SHARING_USERS = 0.012
_SHARES_A_SHARER = 1.5
# The most noise on a curve, in days' worth of new users. Each is less than a curve rises on a
# Tuesday, so no number of a day is negative.
_NOISE_OF_USERS = 0.2
_NOISE_OF_VISITS = (0.3, 0.4, 15, 0.004)  # sessions, steps, seconds, sharers

_NOISE_LENGTH = 2**14
_VALUES_A_DAY = 7
_NEW, _OLD, _RETURN, _VISITS = range(4)
# All mini programs share the noise, from 0 to below 1, and begin at different places. It wraps
# around at the end.
_NOISE = [value / 256 for value in shake_128(b"chance").digest(_NOISE_LENGTH)]
_NOISE += _NOISE[:_VALUES_A_DAY]

# Days of all mini programs whose visits are kept, to save time.
_CACHED_DAYS = 2048


class Visits(NamedTuple):
    """The visits of all users."""

    sessions: int
    steps: int
    """The sum of the depths of all sessions."""
    views: int
    seconds: int
    sharers: int
    shares: int


class Curves(NamedTuple):
    """The curves of one mini program. Days are ordinals."""

    size: float
    """The mean number of new users a day, at the launch."""
    place: int
    """The place in the noise where this mini program begins."""
    depth: float
    """The mean number of steps of a session."""

    def visits(self, first: int, last: int) -> Visits:
        """Return the visits of these days."""
        return Visits(*map(sub, self.visits_until(last), self.visits_until(first - 1)))

    def return_factor(self, day: int) -> float:
        """Return the factor for the share of users that return on a day: about 1."""
        return 0.85 + 0.3 * _NOISE[(self.place + day * _VALUES_A_DAY + _RETURN) % _NOISE_LENGTH]

    def users_until(self, day: int) -> tuple[int, int]:
        """Return the totals up to the end of a day: users, and daily visits by returning users."""
        age = day - _EVE
        if age <= 0:
            return 0, 0
        scale = self.size * (1 + _GROWTH_A_DAY * age)
        rhythm = age // 7 * 7 + _RHYTHM_UNTIL[age % 7]
        at = (self.place + day * _VALUES_A_DAY) % _NOISE_LENGTH
        users = int(scale * (rhythm + _NOISE[at + _NEW] * _NOISE_OF_USERS))
        if age == 1:  # all users are new on the day of the launch
            return users, 0
        days = rhythm - _RHYTHM_UNTIL[1] + _NOISE[at + _OLD] * _NOISE_OF_USERS
        return users, int(scale * _RETURNING_USERS * days * days / (days + _RAMP_DAYS))

    @lru_cache(maxsize=_CACHED_DAYS)  # noqa: B019 - keeps three numbers of `self` alive
    def visits_until(self, day: int) -> Visits:
        """Return the total of visits up to the end of a day."""
        users = sum(self.users_until(day))
        if not users:
            return Visits(0, 0, 0, 0, 0, 0)
        scale = self.size * (1 + _GROWTH_A_DAY * (day - _EVE))
        at = (self.place + day * _VALUES_A_DAY) % _NOISE_LENGTH
        more_sessions, more_steps, more_seconds, more_sharers = (
            scale * most * noise
            for most, noise in zip(
                _NOISE_OF_VISITS, _NOISE[at + _VISITS : at + _VALUES_A_DAY], strict=True
            )
        )
        sessions = int(users * _SESSIONS_A_USER + more_sessions)
        steps = int(sessions * self.depth + more_steps)
        seconds = int(sessions * _SECONDS_A_SESSION + more_seconds)
        sharers = int(users * _SHARING_USERS + more_sharers)
        views, shares = int(steps * _VIEWS_A_STEP), int(sharers * _SHARES_A_SHARER)
        return Visits(sessions, steps, views, seconds, sharers, shares)
