"""How often an API may be called a day, and how often that count may be cleared."""

import threading
from collections.abc import Mapping
from datetime import date, datetime

from cloud_openapi.emulator.errors import RefusalError, quota_text

_CLEARED_A_MONTH = 10


class Quota:
    """The calls of each mini program today, in Beijing. Without a limit they are only counted.

    Safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: dict[tuple[str, str], int] = {}
        self._used: dict[tuple[str, str], int] = {}
        self._day = date.min
        self._cleared: dict[str, list[tuple[int, int]]] = {}

    def limits_of(self, appid: str) -> dict[str, int]:
        """Return the daily limits of a mini program by path."""
        return {path: limit for (owner, path), limit in self._limits.items() if owner == appid}

    def set_limits(self, appid: str, limits: Mapping[str, int | None]) -> None:
        """Set daily limits by path; None lifts one."""
        with self._lock:
            for path, limit in limits.items():
                if limit is None:
                    self._limits.pop((appid, path), None)
                else:
                    self._limits[appid, path] = limit

    def spend(self, appid: str, path: str, now: datetime) -> None:
        """Count one call. Raises RefusalError, if the day's are used up."""
        key = (appid, path)
        with self._lock:
            self._begin(now.date())
            used = self._used.get(key, 0)
            if used >= self._limits.get(key, used + 1):
                raise RefusalError(45009, "quota", quota_text(path))
            self._used[key] = used + 1

    def show(self, appid: str, path: str, now: datetime) -> dict[str, int]:
        """Return ``{"daily_limit", "used", "remain"}``; without a limit both ends are 0."""
        with self._lock:
            self._begin(now.date())
            used = self._used.get((appid, path), 0)
        limit = self._limits.get((appid, path), 0)
        return {"daily_limit": limit, "used": used, "remain": max(limit - used, 0)}

    def clear(self, appid: str, now: datetime) -> None:
        """Count a mini program's calls anew, ten times a month: then RefusalError."""
        month = (now.year, now.month)
        with self._lock:
            cleared = [one for one in self._cleared.get(appid, []) if one == month]
            if len(cleared) >= _CLEARED_A_MONTH:
                raise RefusalError(48006, "clear_quota")
            self._cleared[appid] = [*cleared, month]
            self._used = {key: used for key, used in self._used.items() if key[0] != appid}

    def reset(self, appid: str | None = None) -> None:
        """Forget limits and counts of one mini program, or of all."""
        with self._lock:
            for counts in (self._limits, self._used):
                for key in [key for key in counts if appid in {None, key[0]}]:
                    del counts[key]
            if appid is None:
                self._cleared.clear()
            else:
                self._cleared.pop(appid, None)

    def _begin(self, day: date) -> None:
        if day != self._day:
            self._day = day
            self._used.clear()


def checked_limits(limits: object, paths: Mapping[str, str]) -> dict[str, int | None]:
    """Return daily limits by path; ``paths`` leads from each name that they may have.

    Raises ValueError.
    """
    if not isinstance(limits, Mapping):
        raise ValueError('daily_limits is an object such as {"<API or path>": 1000}')  # noqa: TRY004
    found: dict[str, int | None] = {}
    for name, limit in limits.items():
        if name not in paths:
            raise ValueError(f"daily_limits: {name!r} is none of {', '.join(paths)}")
        whole = isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0
        if limit is not None and not whole:
            raise ValueError(f"daily_limits: {name}: a whole number or null, not {limit!r}")
        found[paths[name]] = limit
    return found
