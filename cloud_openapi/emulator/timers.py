"""Run functions at the times of their triggers, by the emulator's clock."""

import threading
from datetime import datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud_openapi.emulator.state import Emulator
from cloud_openapi.runtime import Functions, Outcome, Timer

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
    hundred times count in one move. A clock that is moved back, set running or reset passes
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
        with self._lock:
            since, now = self._seen, self._clock.now()
            self._seen = now
        found = [
            Due(time, name, timer)
            for name, timer in self._functions.timers()
            for time in islice(takewhile(now.__ge__, timer.after(since)), _AT_ONCE)
        ]
        return sorted(found, key=lambda due: due.at)

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

    def _moved(self, *, passes: bool) -> None:
        due = self.due() if passes else []
        for each in due:
            self.fire(each)
        if not passes:
            with self._lock:
                self._seen = self._clock.now()

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            for due in self.due():
                # One that takes long must not hold up the others.
                threading.Thread(target=self.fire, args=(due,), daemon=True).start()
