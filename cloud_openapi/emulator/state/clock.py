"""The emulator's time, always Beijing's."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.periods import BEIJING, parse_now

# Until then a rid begins with eight hexadecimal digits of seconds.
_YEARS = (1971, 2105)
_NO_TIME = timedelta(0)


class _Setting(NamedTuple):
    frozen_at: datetime | None
    offset: timedelta


_MACHINES: Final = _Setting(None, _NO_TIME)


class Clock:
    """The time of the machine, one shifted against it, or one that stands still.

    A moment without a zone is Beijing's. Raises ValueError for a year that nobody lives to see.
    Safe to share between threads.
    """

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self._lock = threading.Lock()
        moment = None if frozen_at is None else _checked(frozen_at)
        # Replaced as a whole, so that reading the time takes no lock.
        self._first: _Setting | None = _Setting(moment, _NO_TIME)
        self._setting: _Setting | None = self._first
        self._listeners: list[Callable[..., Sequence[str]]] = []
        self._watchers: list[Callable[[], object]] = []

    @property
    def frozen_at(self) -> datetime | None:
        """Return where the time stands still, nothing while it runs."""
        return self.setting.frozen_at

    @property
    def offset(self) -> timedelta:
        """Return how far the time runs ahead of the machine's; zero while it stands still."""
        return self.setting.offset

    @property
    def setting(self) -> _Setting:
        """Return both at once."""
        return self._setting or _MACHINES

    def now(self) -> datetime:
        """Return the time as an aware datetime in Beijing."""
        return _shown(self.setting)

    def listen(self, moved: Callable[..., Sequence[str]]) -> None:
        """Have ``moved(passes=…)`` called after each change; it returns what to warn of.

        ``passes`` says whether the time in between has passed, or the clock was set anew.
        """
        self._listeners.append(moved)

    def watch(self, look: Callable[[], object]) -> None:
        """Have ``look`` called before and after each change, so that it misses no time shown."""
        self._watchers.append(look)

    def freeze(self, at: datetime | str | None = None) -> list[str]:
        """Let the time stand still, at this moment or at the one it shows. Raises ValueError.

        A text is ISO 8601, in Beijing's time. Returns warnings, as `advance` does.
        """
        moment = None if at is None else read_moment("at", at)
        with self._changing(passes=True) as warnings:
            self._setting = _Setting(moment or self.now(), _NO_TIME)
        return warnings

    def advance(self, by: timedelta | float) -> list[str]:
        """Move the time; it goes on running, or standing still. Raises ValueError.

        A number is of seconds. Returns warnings of what should have happened meanwhile and did not.
        """
        with self._changing(passes=True) as warnings:
            frozen_at, offset = self.setting
            try:
                by = by if isinstance(by, timedelta) else timedelta(seconds=by)
                _checked(self.now() + by)
            except OverflowError:
                raise InvalidInputError(_years()) from None
            if frozen_at is None:
                self._setting = _Setting(None, offset + by)
            else:
                self._setting = _Setting(frozen_at + by, _NO_TIME)
        return warnings

    def run(self, from_: datetime | str | None = None) -> None:
        """Let the time run, from this moment on or as the machine's. Raises ValueError.

        A text is ISO 8601, in Beijing's time.
        """
        moment = None if from_ is None else read_moment("from_", from_)
        offset = _NO_TIME if moment is None else moment - datetime.now(BEIJING)
        with self._changing(passes=False):
            self._setting = _Setting(None, offset)

    def reset(self) -> None:
        """Go back to the time that the clock was made with."""
        with self._changing(passes=False):
            self._setting = self._first

    @contextmanager
    def _changing(self, *, passes: bool) -> Iterator[list[str]]:
        warnings: list[str] = []
        for look in self._watchers:
            look()
        with self._lock:
            yield warnings
        for look in self._watchers:
            look()
        for moved in self._listeners:
            warnings += moved(passes=passes)


class OwnClock(Clock):
    """The clock of one mini program: it follows the common one until it is set itself."""

    def __init__(self, common: Clock) -> None:
        super().__init__()
        self._common = common
        self._first = self._setting = None

    @property
    def follows(self) -> bool:
        """Say whether the clock still follows the common one."""
        return self._setting is None

    @property
    def setting(self) -> _Setting:
        """Return where the time stands, or how far it runs ahead."""
        return self._setting or self._common.setting

    def now(self) -> datetime:
        """Return the time as an aware datetime in Beijing."""
        return self._common.now() if self._setting is None else super().now()


def describe_clock(clock: Clock) -> dict[str, Any]:
    """Return ``{"now", "frozen", "offset"}``: a time, whether it stands still, seconds."""
    setting = clock.setting
    return {
        "now": _shown(setting).isoformat(),
        "frozen": setting.frozen_at is not None,
        "offset": setting.offset.total_seconds(),
    }


def read_moment(name: str, value: Any) -> datetime:
    """Return a time that is written in ISO 8601, or is one already, in Beijing's.

    Raises ValueError, which calls it by ``name``.
    """
    try:
        moment = value if isinstance(value, datetime) else parse_now(value)
    except (AttributeError, OverflowError, TypeError, ValueError):
        moment = None
    if moment is None:
        raise InvalidInputError(f"{name} is a time such as 2026-03-11T12:00, not {value!r}")
    return _checked(moment)


def _shown(setting: _Setting) -> datetime:
    if setting.frozen_at is not None:
        return setting.frozen_at
    return datetime.now(BEIJING) + setting.offset


def _checked(moment: datetime) -> datetime:
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise InvalidInputError(_years())
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)
    return zoned.astimezone(BEIJING)


def _years() -> str:
    return f"the year must lie between {_YEARS[0]} and {_YEARS[1]}"
