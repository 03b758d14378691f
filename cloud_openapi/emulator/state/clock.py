"""The emulator's time, always Beijing's."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.forks import fork_safe
from cloud_openapi.periods import BEIJING, parse_now

# A rid begins with the time in seconds, as eight hexadecimal digits: enough until 2106.
_YEARS = (1971, 2105)
_INVALID_YEAR = f"the year must lie between {_YEARS[0]} and {_YEARS[1]}"
_NO_TIME = timedelta(0)


class _Setting(NamedTuple):
    frozen_at: datetime | None
    offset: timedelta


_MACHINE_TIME: Final = _Setting(None, _NO_TIME)


class Clock:
    """A clock that runs with the machine's, runs with an offset, or stands still.

    A time without a zone is Beijing's. Raises ValueError for a year before 1971 or after 2105.
    Safe to share between threads.
    """

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self._lock = fork_safe(threading.Lock())
        moment = None if frozen_at is None else _in_beijing(frozen_at)
        # Replaced as a whole, so that reading the time takes no lock.
        self._first: _Setting | None = _Setting(moment, _NO_TIME)
        self._setting: _Setting | None = self._first
        self._listeners: list[Callable[[], Callable[..., Sequence[str]]]] = []
        self._watchers: list[Callable[[], object]] = []

    @property
    def frozen_at(self) -> datetime | None:
        """Return the time at which the clock stands still, or None while it runs."""
        return self.setting.frozen_at

    @property
    def offset(self) -> timedelta:
        """Return the offset from the machine's time; zero while the clock stands still."""
        return self.setting.offset

    @property
    def setting(self) -> _Setting:
        """Return `frozen_at` and `offset`, read at the same moment."""
        return self._setting or _MACHINE_TIME

    def now(self) -> datetime:
        """Return the time as an aware datetime in Beijing."""
        return _time_of(self.setting)

    def listen(self, begin: Callable[[], Callable[..., Sequence[str]]]) -> None:
        """Call ``begin()`` before each change, and ``moved(passes=…)``, its result, afterwards.

        ``moved`` returns warnings. ``passes`` is True if the time between counts as passed, as for
        `advance` and `freeze`.
        """
        self._listeners.append(begin)

    def watch(self, watcher: Callable[[], object]) -> None:
        """Call ``watcher`` before and after each change, so that it sees each time shown."""
        self._watchers.append(watcher)

    def freeze(self, at: datetime | str | None = None) -> list[str]:
        """Stop the clock, at a given time or at the current one. Raises ValueError.

        A text is ISO 8601, in Beijing's time. Returns warnings, as `advance` does.
        """
        moment = None if at is None else read_moment("at", at)
        with self._changing(passes=True) as warnings:
            self._setting = _Setting(moment or self.now(), _NO_TIME)
        return warnings

    def advance(self, by: timedelta | float) -> list[str]:
        """Move the time; the clock keeps running, or standing still. Raises ValueError.

        A number is in seconds. Returns a warning for each timer that was skipped.
        """
        with self._changing(passes=True) as warnings:
            frozen_at, offset = self.setting
            try:
                by = by if isinstance(by, timedelta) else timedelta(seconds=by)
                _in_beijing(self.now() + by)
            except OverflowError:
                raise InvalidInputError(_INVALID_YEAR) from None
            if frozen_at is None:
                self._setting = _Setting(None, offset + by)
            else:
                self._setting = _Setting(frozen_at + by, _NO_TIME)
        return warnings

    def run(self, from_: datetime | str | None = None) -> None:
        """Let the clock run from a given time, or as the machine's. Raises ValueError.

        A text is ISO 8601, in Beijing's time.
        """
        moment = None if from_ is None else read_moment("from_", from_)
        offset = _NO_TIME if moment is None else moment - datetime.now(BEIJING)
        with self._changing(passes=False):
            self._setting = _Setting(None, offset)

    def reset(self) -> None:
        """Go back to the setting that the clock was made with."""
        with self._changing(passes=False):
            self._setting = self._first

    @contextmanager
    def _changing(self, *, passes: bool) -> Iterator[list[str]]:
        warnings: list[str] = []
        for watcher in self._watchers:
            watcher()
        begun = [begin() for begin in self._listeners]
        with self._lock:
            yield warnings
        for watcher in self._watchers:
            watcher()
        for moved in begun:
            warnings += moved(passes=passes)


class OwnClock(Clock):
    """The clock of one mini program: it follows the common one until it is set itself."""

    def __init__(self, common: Clock) -> None:
        super().__init__()
        self._common = common
        self._first = self._setting = None

    @property
    def follows(self) -> bool:
        """Return whether the clock still follows the common one."""
        return self._setting is None

    @property
    def setting(self) -> _Setting:
        """Return the own setting, or the common one until the clock is set."""
        return self._setting or self._common.setting

    def now(self) -> datetime:
        """Return the time as an aware datetime in Beijing."""
        return self._common.now() if self._setting is None else super().now()


def describe_clock(clock: Clock) -> dict[str, Any]:
    """Return ``{"now", "frozen", "offset"}``: a time, whether it stands still, seconds."""
    setting = clock.setting
    return {
        "now": _time_of(setting).isoformat(),
        "frozen": setting.frozen_at is not None,
        "offset": setting.offset.total_seconds(),
    }


def read_moment(name: str, value: Any) -> datetime:
    """Return a datetime in Beijing from a datetime or a text in ISO 8601.

    Raises ValueError, whose message calls the value ``name``.
    """
    try:
        moment = value if isinstance(value, datetime) else parse_now(value)
    except (AttributeError, OverflowError, TypeError, ValueError):
        moment = None
    if moment is None:
        raise InvalidInputError(f"{name} is a time such as 2026-03-11T12:00, not {value!r}")
    return _in_beijing(moment)


def _time_of(setting: _Setting) -> datetime:
    if setting.frozen_at is not None:
        return setting.frozen_at
    return datetime.now(BEIJING) + setting.offset


def _in_beijing(moment: datetime) -> datetime:
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise InvalidInputError(_INVALID_YEAR)
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)
    return zoned.astimezone(BEIJING)
