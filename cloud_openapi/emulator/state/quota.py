"""How often an API may be called a day and a minute, and how often the counts may be cleared.

The limits that WeChat publishes are in force from the start:
https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
"""

import threading
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from cloud_openapi.emulator.errors import LARGEST, InvalidInputError, RefusalError, quota_text
from cloud_openapi.emulator.kinds import is_whole
from cloud_openapi.emulator.state.clock import Clocks
from cloud_openapi.periods import BEIJING

DAILY: Final[Mapping[str, int]] = {"/cgi-bin/token": 2000, "/cgi-bin/stable_token": 500_000}
MINUTELY: Final[Mapping[str, int]] = {"/cgi-bin/stable_token": 10_000}
_CLEARED_A_MONTH = 10
_ONE_CLEARED_A_MONTH = 50
_MINUTE = 60
_LONG_AGO = datetime.min.replace(tzinfo=BEIJING)


class _Meter:
    """One mini program's calls of one API in the current day and minute, and their limits."""

    __slots__ = ("at", "daily", "day", "minute", "minutely", "used", "used_in_minute")

    def __init__(self, path: str) -> None:
        self.daily = DAILY.get(path)
        self.minutely = MINUTELY.get(path)
        self.at = _LONG_AGO
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
            raise RefusalError(45009, "quota", quota_text(path))
        if self.minutely is not None:
            minute = int(now.timestamp()) // _MINUTE
            if minute != self.minute:
                self.minute, self.used_in_minute = minute, 0
            if self.used_in_minute >= self.minutely:
                raise RefusalError(45011, "minute quota")
            self.used_in_minute += 1
        self.used += 1


class Quota:
    """The calls of each mini program, in Beijing's days. Without a limit they are only counted.

    A call costs the same whatever was called before. Safe to share between threads.
    """

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._lock = threading.Lock()
        self._meters: dict[str, dict[str, _Meter]] = {}
        self._cleared: dict[str, dict[str, tuple[int, int, int]]] = {}

    def describe(self, appid: str) -> dict[str, dict[str, int | None]]:
        """Return ``{"daily_limits", "minute_limits"}`` by path, where they are not WeChat's."""
        with self._lock:
            meters = dict(self._meters.get(appid, {}))
        daily = {path: meter.daily for path, meter in meters.items()}
        minutely = {path: meter.minutely for path, meter in meters.items()}
        return {
            "daily_limits": _changed(daily, DAILY),
            "minute_limits": _changed(minutely, MINUTELY),
        }

    def set_limits(
        self, appid: str, daily: Mapping[str, int | None], minutely: Mapping[str, int | None]
    ) -> None:
        """Set limits by path; None lifts one."""
        with self._lock:
            for path, limit in daily.items():
                self._meter(appid, path).daily = limit
            for path, limit in minutely.items():
                self._meter(appid, path).minutely = limit

    def spend(self, appid: str, path: str, now: datetime) -> None:
        """Count one call. Raises RefusalError, if the day's or the minute's are used up."""
        with self._lock:
            meter = self._meter(appid, path)
            meter.spend(path, self._at_least(meter, appid, now))

    def show(self, appid: str, path: str, now: datetime) -> dict[str, Any]:
        """Return ``{"quota": {"daily_limit", "used", "remain"}}``, zeros without a limit.

        ``rate_limit`` is beside it where there is a limit of the minute.
        """
        with self._lock:
            meter = self._meter(appid, path)
            meter.begin(self._at_least(meter, appid, now))
            used, daily, minutely = meter.used, meter.daily or 0, meter.minutely
        shown = {"quota": {"daily_limit": daily, "used": used, "remain": max(daily - used, 0)}}
        if minutely is not None:
            shown["rate_limit"] = {"call_count": minutely, "refresh_second": _MINUTE}
        return shown

    def clear(self, appid: str, now: datetime) -> None:
        """Count a mini program's calls of the day anew, ten times a month: then RefusalError."""
        with self._lock:
            self._count_clearing(appid, "clear_quota", _CLEARED_A_MONTH, now)
            for meter in self._meters.get(appid, {}).values():
                meter.used = 0

    def clear_one(self, appid: str, path: str, now: datetime) -> None:
        """Count the calls of one API anew, fifty times a month over all: then RefusalError."""
        with self._lock:
            self._count_clearing(appid, "quota/clear", _ONE_CLEARED_A_MONTH, now)
            self._meter(appid, path).used = 0

    def reset(self, appid: str | None = None) -> None:
        """Forget limits, counts and clearings of one mini program, or of all."""
        with self._lock:
            if appid is None:
                self._meters.clear()
                self._cleared.clear()
            else:
                self._meters.pop(appid, None)
                self._cleared.pop(appid, None)

    def _meter(self, appid: str, path: str) -> _Meter:
        meters = self._meters.get(appid)
        if meters is None:
            meters = self._meters[appid] = {}
        meter = meters.get(path)
        if meter is None:
            meter = meters[path] = _Meter(path)
        return meter

    def _at_least(self, meter: _Meter, appid: str, now: datetime) -> datetime:
        # A thread that was late over midnight must not begin yesterday again; a clock may.
        return now if now >= meter.at else self._clocks.now(appid)

    def _count_clearing(self, appid: str, kind: str, allowed: int, now: datetime) -> None:
        cleared = self._cleared.setdefault(appid, {})
        year, month, count = cleared.get(kind, (0, 0, 0))
        if (year, month) != (now.year, now.month):
            count = 0
        if count >= allowed:
            raise RefusalError(48006, kind)
        cleared[kind] = (now.year, now.month, count + 1)


def _changed(limits: Mapping[str, int | None], usual: Mapping[str, int]) -> dict[str, int | None]:
    return {path: limit for path, limit in limits.items() if limit != usual.get(path)}


def checked_limits(name: str, limits: object, paths: Mapping[str, str]) -> dict[str, int | None]:
    """Return limits by path; ``paths`` leads from each name that they may have.

    Raises ValueError, which calls them ``name``.
    """
    if limits is None:
        return {}
    if not isinstance(limits, Mapping):
        raise InvalidInputError(f'{name} is an object such as {{"<API or path>": 1000}}')
    found: dict[str, int | None] = {}
    for api, limit in limits.items():
        if api not in paths:
            raise InvalidInputError(f"{name}: {api!r} is none of {', '.join(paths)}")
        if limit is not None and not is_whole(limit, 0, LARGEST):
            allowed = f"a whole number or null, at most {LARGEST}"
            raise InvalidInputError(f"{name}: {api}: {allowed}, not {limit!r}")
        found[paths[api]] = limit
    return found
