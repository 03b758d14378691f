"""Run functions at the times of their triggers, by the emulator's clock."""

import threading
from contextlib import suppress
from datetime import datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.runtime import Functions, Outcome, Timer, UnknownFunctionError

if TYPE_CHECKING:
    from typing_extensions import Self

_AT_ONCE = 100
_POLL_SECONDS = 0.5


class Due(NamedTuple):
    """A function, its timer, and one of the timer's times."""

    at: datetime
    function: str
    timer: Timer


class Timers:
    """Fires each timer once for each of its times that the clock passes, the earliest first.

    Whoever moves a clock waits until the functions whose time has come have run. Of one timer a
    hundred times count in one move; the function's log says which do not, and whoever moved the
    clock is told. A clock that is moved back, set running or reset passes
    nothing, and the times after that moment come, or come again.
    """

    def __init__(self, emulator: Emulator, functions: Functions) -> None:
        self._functions = functions
        # The functions' mini program may have a clock of its own.
        self._clock = emulator.clock_of(emulator.first_appid)
        self._lock = threading.Lock()
        self._seen = self._clock.now()
        self._ended = threading.Event()
        for clock in (emulator.clock, self._clock):
            clock.listen(self._moved)

    def due(self) -> list[Due]:
        """Return what has become due since this was last asked, the earliest first."""
        return self._passed()[0]

    def _passed(self) -> tuple[list[Due], list[str]]:
        """Return what has become due, and a warning for each timer whose times are too many."""
        with self._lock:
            since, now = self._seen, self._clock.now()
            self._seen = now
        found: list[Due] = []
        warnings = []
        for name, timer in self._functions.timers():
            times = takewhile(now.__ge__, timer.after(since))
            found += [Due(time, name, timer) for time in islice(times, _AT_ONCE)]
            left_out = next(times, None)
            if left_out is not None:
                warnings.append(
                    f"Timer {name}/{timer.name} fires {_AT_ONCE} times in one move of the clock at "
                    f"most: not at those from {left_out.isoformat()} to {now.isoformat()}"
                )
                self._functions.log_of(name).add_own(f"Warning: {warnings[-1]}")
        return sorted(found, key=lambda due: due.at), warnings

    def fire(self, due: Due) -> Outcome:
        """Run a function as its timer would at that time."""
        return self._functions.invoke(due.function, due.timer.event(due.at), due.at, "wx_trigger")

    def fire_by_hand(self, function: str, trigger: str) -> Outcome:
        """Run a function as its timer would now. Raises KeyError, if there is no such timer."""
        for name, timer in self._functions.timers():
            if (name, timer.name) == (function, trigger):
                return self.fire(Due(self._clock.now(), name, timer))
        raise KeyError(f"timer {function}/{trigger}")

    def describe(self) -> list[dict[str, Any]]:
        """Return each timer as JSON, with the next time that it fires."""
        now = self._clock.now()
        return [
            {
                "function": name,
                "trigger": timer.name,
                "config": timer.expression,
                "next": next((time.isoformat() for time in timer.after(now)), None),
            }
            for name, timer in self._functions.timers()
        ]

    def __enter__(self) -> "Self":
        """Watch the clock while it runs by itself."""
        threading.Thread(target=self._watch, name="timers", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()

    def _moved(self, *, passes: bool) -> list[str]:
        """Fire what has become due, and return the warnings."""
        if not passes:
            with self._lock:
                self._seen = self._clock.now()
            return []
        due, warnings = self._passed()
        for each in due:
            self._fire_what_is_there(each)
        return warnings

    def _fire_what_is_there(self, due: Due) -> None:
        with suppress(UnknownFunctionError):  # its folder has gone meanwhile
            self.fire(due)

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            for due in self.due():
                # One that takes long must not hold up the others.
                threading.Thread(target=self._fire_what_is_there, args=(due,), daemon=True).start()
