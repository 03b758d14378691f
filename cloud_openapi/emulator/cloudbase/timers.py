"""Timer triggers of functions, by the emulator's clock."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.errors import one_line
from cloud_openapi.forks import fork_safe
from cloud_openapi.runtime import Functions, Outcome, Timer, UnknownFunctionError, error_line

if TYPE_CHECKING:
    from typing_extensions import Self

_MOST_TIMES = 100
_POLL_SECONDS = 0.5


class Due(NamedTuple):
    """A function, its timer, and one of the timer's times."""

    at: datetime
    function: str
    timer: Timer


class _Last(NamedTuple):
    """How a timer's last invocation ended; ``message`` and ``reason`` are empty for a success."""

    at: str
    status: int
    message: str
    reason: str


@dataclass(eq=False)
class _Move:
    """A change of the clock that has begun; timers until ``since`` have fired."""

    since: datetime


class Timers:
    """Fires each timer once for each of its times that the clock passes, the earliest first.

    Moving a clock forward runs the due functions before it returns. In one move a timer fires at
    most a hundred times; the skipped times are a warning of the move and of the function's log.
    A clock that is moved back, set running or reset fires nothing; later times then fire again.
    Until `Timers` are entered, only moves fire: not the time between them, which a test may freeze.
    """

    def __init__(self, emulator: Emulator, functions: Functions) -> None:
        self._functions = functions
        # The functions' mini program may have a clock of its own.
        self._clock = emulator.clock_of(emulator.first_appid)
        self._lock = fork_safe(threading.Lock())
        self._checked_until = self._clock.now()
        self._ended = threading.Event()
        self._watching = False
        self._moves: list[_Move] = []
        self._last: dict[tuple[str, str], _Last] = {}
        for clock in (emulator.clock, self._clock):
            clock.listen(self._begin_move)

    def due(self) -> list[Due]:
        """Return the timers that became due since the last check, the earliest first."""
        return self._collect_due()[0]

    def _collect_due(self) -> tuple[list[Due], list[str]]:
        """Return the due timers, and a warning for each timer with too many times.

        Raises OSError if no file descriptor is left; the next call then has the timers.
        """
        timers = self._functions.timers()
        with self._lock:
            since, now = self._checked_until, self._clock.now()
            self._checked_until = now
            for move in self._moves:
                if since <= move.since <= now:
                    move.since = now
        found: list[Due] = []
        warnings = []
        for name, timer in timers:
            times = takewhile(now.__ge__, timer.after(since))
            found += [Due(time, name, timer) for time in islice(times, _MOST_TIMES)]
            skipped = next(times, None)
            if skipped is not None:
                warnings.append(
                    f"Timer {name}/{timer.name} fires at most {_MOST_TIMES} times in a move of the "
                    f"clock: skipped from {skipped.isoformat()} to {now.isoformat()}"
                )
                self._functions.log_of(name).add_own(f"Warning: {warnings[-1]}")
        return sorted(found, key=lambda due: due.at), warnings

    def fire(self, due: Due) -> Outcome:
        """Run a function as its timer would at that time, and keep the outcome for `describe`."""
        event = due.timer.event(due.at)
        outcome = self._functions.invoke(due.function, event, due.at, "wx_trigger")
        failed = outcome.status != HTTPStatus.OK
        last = _Last(
            due.at.isoformat(),
            outcome.status,
            one_line(error_line(outcome.result)) if failed else "",
            outcome.reason,
        )
        with self._lock:
            self._last[due.function, due.timer.name] = last
        return outcome

    def fire_now(self, function: str, trigger: str) -> Outcome:
        """Run a function as its timer would now. Raises KeyError for an unknown timer."""
        for name, timer in self._functions.timers():
            if (name, timer.name) == (function, trigger):
                return self.fire(Due(self._clock.now(), name, timer))
        raise KeyError(f"timer {function}/{trigger}")

    def describe(self) -> list[dict[str, Any]]:
        """Return each timer as JSON, with the next time that it fires and its last outcome."""
        timers, now = self._functions.timers(), self._clock.now()
        with self._lock:
            last = {key: outcome._asdict() for key, outcome in self._last.items()}
        return [
            {
                "function": name,
                "trigger": timer.name,
                "config": timer.expression,
                "next": next((time.isoformat() for time in timer.after(now)), None),
                "last": last.get((name, timer.name)),
            }
            for name, timer in timers
        ]

    def __enter__(self) -> "Self":
        """Watch the clock while it runs by itself."""
        self._watching = True
        threading.Thread(target=self._watch, name="timers", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()

    def _begin_move(self) -> Callable[..., list[str]]:
        move = _Move(self._clock.now())
        with self._lock:
            self._moves.append(move)
        return partial(self._on_move, move)

    def _on_move(self, move: "_Move", *, passes: bool) -> list[str]:
        """Fire the due timers, and return the warnings."""
        with self._lock:
            # Of moves at the same time, the first to end fires the timers of all.
            since = min(each.since for each in self._moves)
            self._moves.remove(move)
            if not (passes and self._watching):
                self._checked_until = since if passes else self._clock.now()
        if not passes:
            return []
        due, warnings = self._collect_due()
        for each in due:
            self._fire_existing(each)
        return warnings

    def _fire_existing(self, due: Due) -> None:
        with suppress(UnknownFunctionError):  # its folder was removed meanwhile
            self.fire(due)

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            with suppress(OSError):  # no file descriptor is left; a request says so
                for due in self.due():
                    # A slow function must not delay the others.
                    threading.Thread(target=self._fire_existing, args=(due,), daemon=True).start()
