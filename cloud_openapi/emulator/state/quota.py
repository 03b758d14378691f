"""The limits of calls by day and minute, and of clearing the counts.

The default limits are those that WeChat publishes:
https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
"""

import threading
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from cloud_openapi.emulator.errors import RefusalError, quota_text
from cloud_openapi.emulator.state.clock import Clock
from cloud_openapi.forks import fork_safe
from cloud_openapi.periods import BEIJING

DAILY: Final[Mapping[str, int]] = {"/cgi-bin/token": 2000, "/cgi-bin/stable_token": 500_000}
MINUTELY: Final[Mapping[str, int]] = {"/cgi-bin/stable_token": 10_000}
_MOST_CLEARINGS = 10
_MOST_CLEARINGS_OF_ONE = 50
_MINUTE = 60
_OF_A_DAY = (
    "the {:,} calls a day of {} are used up ({}); the count begins again at midnight in Beijing, "
    "or with /cgi-bin/clear_quota"
)
_OF_A_MINUTE = "the {:,} calls a minute of {} are used up ({}); call again in the next minute"
_EARLIEST = datetime.min.replace(tzinfo=BEIJING)


class _Meter:
    """One mini program's calls of one API in the current day and minute, and their limits."""

    __slots__ = ("at", "daily", "day", "minute", "minutely", "used", "used_in_minute")

    def __init__(self, path: str) -> None:
        self.daily = DAILY.get(path)
        self.minutely = MINUTELY.get(path)
        self.at = _EARLIEST
        self.day = date.min
        self.used = 0
        self.minute = 0
        self.used_in_minute = 0

    def begin(self, now: datetime) -> None:
        self.at = now
        today = now.date()
        if today != self.day:
            self.day, self.used = today, 0

    def spend(self, path: str, now: datetime) -> None:
        self.begin(now)
        if self.daily is not None and self.used >= self.daily:
            owner = _setter(self.daily, DAILY.get(path), "daily_limits")
            reason = _OF_A_DAY.format(self.daily, path, owner)
            raise RefusalError(45009, "quota", quota_text(path), reason)
        if self.minutely is not None:
            minute = int(now.timestamp()) // _MINUTE
            if minute != self.minute:
                self.minute, self.used_in_minute = minute, 0
            if self.used_in_minute >= self.minutely:
                owner = _setter(self.minutely, MINUTELY.get(path), "minute_limits")
                reason = _OF_A_MINUTE.format(self.minutely, path, owner)
                raise RefusalError(45011, "minute quota", reason=reason)
            self.used_in_minute += 1
        self.used += 1


class Quota:
    """The quotas of one mini program, by Beijing's days. Calls without a limit are only counted.

    A call takes constant time. Safe to share between threads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = fork_safe(threading.Lock())
        self._meters: dict[str, _Meter] = {}
        self._cleared: dict[str, tuple[int, int, int]] = {}

    def describe(self) -> dict[str, dict[str, int | None]]:
        """Return ``{"daily_limits", "minute_limits"}`` by path, without the default limits."""
        with self._lock:
            meters = dict(self._meters)
        daily = {path: meter.daily for path, meter in meters.items()}
        minutely = {path: meter.minutely for path, meter in meters.items()}
        return {
            "daily_limits": _changed(daily, DAILY),
            "minute_limits": _changed(minutely, MINUTELY),
        }

    def set_limits(
        self, daily: Mapping[str, int | None], minutely: Mapping[str, int | None]
    ) -> None:
        """Set limits by path; None removes one."""
        with self._lock:
            for path, limit in daily.items():
                self._meter(path).daily = limit
            for path, limit in minutely.items():
                self._meter(path).minutely = limit

    def spend(self, path: str, now: datetime) -> None:
        """Count one call. Raises RefusalError when the limit of the day or minute is reached."""
        with self._lock:
            meter = self._meter(path)
            meter.spend(path, self._at_least(meter, now))

    def show(self, path: str, now: datetime) -> dict[str, Any]:
        """Return ``{"quota": {"daily_limit", "used", "remain"}}``; no limit is shown as zero.

        ``rate_limit`` is added if the API has a limit by the minute.
        """
        with self._lock:
            meter = self._meter(path)
            meter.begin(self._at_least(meter, now))
            used, daily, minutely = meter.used, meter.daily or 0, meter.minutely
        shown = {"quota": {"daily_limit": daily, "used": used, "remain": max(daily - used, 0)}}
        if minutely is not None:
            shown["rate_limit"] = {"call_count": minutely, "refresh_second": _MINUTE}
        return shown

    def clear(self, now: datetime) -> None:
        """Reset the day's counts, at most ten times a month. Raises RefusalError."""
        with self._lock:
            self._count_clearing("clear_quota", _MOST_CLEARINGS, now)
            for meter in self._meters.values():
                meter.used = 0

    def clear_one(self, path: str, now: datetime) -> None:
        """Reset one API's count, at most fifty times a month for all APIs. Raises RefusalError."""
        with self._lock:
            self._count_clearing("quota/clear", _MOST_CLEARINGS_OF_ONE, now)
            self._meter(path).used = 0

    def _meter(self, path: str) -> _Meter:
        meter = self._meters.get(path)
        if meter is None:
            meter = self._meters[path] = _Meter(path)
        return meter

    def _at_least(self, meter: _Meter, now: datetime) -> datetime:
        # A time from before the last call: the thread was late, or the clock was moved back.
        return now if now >= meter.at else self._clock.now()

    def _count_clearing(self, kind: str, allowed: int, now: datetime) -> None:
        year, month, count = self._cleared.get(kind, (0, 0, 0))
        if (year, month) != (now.year, now.month):
            count = 0
        if count >= allowed:
            raise RefusalError(48006, kind)
        self._cleared[kind] = (now.year, now.month, count + 1)


def _setter(limit: int, default: int | None, setting: str) -> str:
    return "WeChat's own limit" if limit == default else f"set by {setting} of the mini program"


def _changed(limits: Mapping[str, int | None], default: Mapping[str, int]) -> dict[str, int | None]:
    return {path: limit for path, limit in limits.items() if limit != default.get(path)}
