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
        self._limits: dict[str, dict[str, int]] = {}
        # By mini program and path, with the day: each has a clock that may be its own.
        self._used: dict[str, dict[str, tuple[date, int]]] = {}
        self._cleared: dict[str, list[tuple[int, int]]] = {}

    def limits_of(self, appid: str) -> dict[str, int]:
        """Return the daily limits of a mini program by path."""
        with self._lock:
            return dict(self._limits.get(appid, {}))

    def set_limits(self, appid: str, limits: Mapping[str, int | None]) -> None:
        """Set daily limits by path; None lifts one."""
        with self._lock:
            changed = {**self._limits.get(appid, {}), **limits}
            self._limits[appid] = {
                path: limit for path, limit in changed.items() if limit is not None
            }

    def spend(self, appid: str, path: str, now: datetime) -> None:
        """Count one call. Raises RefusalError, if the day's are used up."""
        day = now.date()
        with self._lock:
            used = self._used_on(day, appid, path)
            limits = self._limits.get(appid)
            if limits and used >= limits.get(path, used + 1):
                raise RefusalError(45009, "quota", quota_text(path))
            self._used.setdefault(appid, {})[path] = (day, used + 1)

    def show(self, appid: str, path: str, now: datetime) -> dict[str, int]:
        """Return ``{"daily_limit", "used", "remain"}``; without a limit both ends are 0."""
        with self._lock:
            used = self._used_on(now.date(), appid, path)
            limit = self._limits.get(appid, {}).get(path, 0)
        return {"daily_limit": limit, "used": used, "remain": max(limit - used, 0)}

    def clear(self, appid: str, now: datetime) -> None:
        """Count a mini program's calls anew, ten times a month: then RefusalError."""
        month = (now.year, now.month)
        with self._lock:
            cleared = [one for one in self._cleared.get(appid, []) if one == month]
            if len(cleared) >= _CLEARED_A_MONTH:
                raise RefusalError(48006, "clear_quota")
            self._cleared[appid] = [*cleared, month]
            self._used.pop(appid, None)

    def reset(self, appid: str | None = None) -> None:
        """Forget limits and counts of one mini program, or of all."""
        with self._lock:
            for kept in (self._limits, self._used, self._cleared):
                if appid is None:
                    kept.clear()
                else:
                    kept.pop(appid, None)

    def _used_on(self, day: date, appid: str, path: str) -> int:
        counted, used = self._used.get(appid, {}).get(path, (day, 0))
        return used if counted == day else 0


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
