"""One run: calls in flight, and the consequences of their outcomes."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from datetime import date, datetime
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from cloud_openapi import clocks
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.history._caller import Caller, Outcome
from cloud_openapi.history._clock import Clock
from cloud_openapi.history._queue import Queue
from cloud_openapi.history._verdict import Verdict, verdict_of
from cloud_openapi.history._windows import Job

MOST_TOGETHER: Final = 16
"""Results that are handed on, and committed, at once."""
# A commit costs more than a row: seconds for which further results are waited for.
_GATHER: Final = 0.01
_MINUTE: Final = 60
_SECONDS_AFTER_MINUTE: Final = 5.0
# So many calls in a row that fail alike do not fail by chance.
_MANY_IN_ROW: Final = 8
# The first pause in seconds and the longest one; each is twice the one before.
_PAUSES: Final = {
    Verdict.SILENT: (1.0, 60.0),
    Verdict.BUSY: (1.0, 60.0),
    # Nobody says when: hourly looks are enough through an afternoon.
    Verdict.NOT_READY: (300.0, 3600.0),
}
_MOST_DOUBLINGS: Final = 20
_SPREAD: Final = (0.75, 1.25)
_NO_RESPONSE: Final = -501001


class Done(NamedTuple):
    """The result of a job: an answer, or the error with which it was given up."""

    job: Job
    outcome: Outcome
    verdict: Verdict
    at: datetime
    due: date | None = None
    """The day on which the answer may have a further key."""
    is_last: bool = True
    """Whether the window is not asked for again in this run."""


class Run:
    """Asks for windows, ``at_once`` in flight and ``queued`` more handed to the executor.

    ``rate`` is in calls per second. A call that may succeed later comes back after a pause with
    jitter, at most ``patience`` seconds after the beginning. ``due_of`` returns
    the day on which an answer may have a further key; if it is the same day, a key is late.
    ``on_pause`` is told the seconds and the reason, before all calls wait.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        caller: Caller,
        executor: Executor,
        clock: Clock,
        *,
        at_once: int,
        queued: int = 0,
        rate: float | None = None,
        patience: float = 0.0,
        due_of: Callable[[Job, dict[str, Any], date], date | None] = lambda *_: None,
        on_pause: Callable[[float, CloudSDKError], None] | None = None,
    ) -> None:
        self._caller = caller
        self._executor = executor
        self._clock = clock
        self._most = at_once + queued
        # While as many jobs are queued, no thread waits for this one.
        self._gather = _GATHER if queued else 0.0
        self._many = max(_MANY_IN_ROW, self._most)
        self._interval = 1 / rate if rate else 0.0
        self._next_slot = 0.0
        self._ends = clock.seconds() + patience
        self._due_of = due_of
        self._on_pause = on_pause
        self._reason: CloudSDKError | None = None
        self.calls = 0
        """The calls that were made."""
        self._flying: dict[Future[Outcome], Job] = {}
        self._landed: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._done: list[Done] = []
        self._silent_in_row = 0
        self._busy_in_row: Counter[tuple[str, str]] = Counter()

    def results(self, jobs: Iterator[Job]) -> Iterator[list[Done]]:
        """Yield the results as they come, at most 16 together.

        Raises BrokenExecutor, and the errors of `Caller`.
        """
        queue = Queue(jobs)
        try:
            while self._fly(queue) or queue:
                if self._flying:
                    self._land(queue)
                elif not queue.given_up:
                    self._wait(queue)
                self._done += [self._given_up(job, error) for job, error in queue.given_up]
                queue.given_up.clear()
                for start in range(0, len(self._done), MOST_TOGETHER):
                    yield self._done[start : start + MOST_TOGETHER]
                self._done.clear()
        finally:
            for future in self._flying:
                future.cancel()

    @property
    def _is_down(self) -> bool:
        """Whether the service does not answer: then one call at a time finds out."""
        return self._silent_in_row >= self._many

    @property
    def _is_full(self) -> bool:
        return len(self._flying) >= (1 if self._is_down else self._most)

    def _fly(self, queue: Queue) -> bool:
        """Hand jobs to the executor; return whether any are in flight."""
        while not self._is_full and self._next_slot <= (now := self._clock.seconds()):
            job = queue.pop(now, is_down=self._is_down)
            if job is None:
                break
            if self._interval:
                self._next_slot = max(self._next_slot, now) + self._interval
            request = job.series.request(job.period)
            future = self._executor.submit(self._caller, job.app, job.series.api, request)
            self._flying[future] = job
            future.add_done_callback(self._landed.put)
        return bool(self._flying)

    def _pause(self, queue: Queue) -> float:
        """Return the seconds until a job may be handed over, infinity if only a result helps."""
        if self._is_full:
            return math.inf
        now = self._clock.seconds()
        return max(queue.moment(now, is_down=self._is_down), self._next_slot) - now

    def _wait(self, queue: Queue) -> None:
        """Wait without a call in flight, for one that comes back or for the rate."""
        seconds, now = self._pause(queue), self._clock.seconds()
        comes_back = self._is_down or queue.moment(now, is_down=False) > now
        if comes_back and self._on_pause is not None and self._reason is not None:
            self._on_pause(seconds, self._reason)
        self._clock.wait(seconds)

    def _land(self, queue: Queue) -> None:
        """Wait for a result, and take those that are ready with it, or will be at once."""
        pause = self._pause(queue)
        try:
            timeout = None if math.isinf(pause) else max(pause, 0.0)
            self._take(self._landed.get(timeout=timeout), queue)
            ends = clocks.monotonic() + self._gather
            while len(self._done) < MOST_TOGETHER and self._flying:
                left = max(ends - clocks.monotonic(), 0.0)
                self._take(self._landed.get(timeout=left), queue)
        except Empty:
            # A job may be handed over now, or no further result is ready.
            return

    def _take(self, future: "Future[Outcome]", queue: Queue) -> None:
        job, outcome, at = self._flying.pop(future), _outcome(future), self._clock.now()
        now, answer = self._clock.seconds(), outcome.answer
        self.calls += outcome.sent
        verdict = verdict_of(outcome.error)
        today = at.date()
        due = None if answer is None else self._due_of(job, answer, today)
        if due == today:
            verdict = Verdict.NOT_READY
        self._count(job, verdict)
        if self._is_down:
            slot = self._moment_after(verdict, self._silent_in_row - self._many, now, at)
            # Without a further try, nothing is waited for.
            self._next_slot = slot if slot <= self._ends else now
        moment = self._moment_after(verdict, queue.tries(job), now, at)
        comes_back = verdict.passes and moment <= self._ends
        if answer is not None or not comes_back:
            self._done.append(Done(job, outcome, verdict, at, due, is_last=not comes_back))
        if not verdict.passes:
            queue.settle(job, now)
        elif comes_back:
            self._reason = outcome.error or late(job)
            holds_all = self._concerns_all(job, verdict)
            joins = holds_all or _waits_for_data(job, verdict, answer)
            queue.postpone(job, moment, joins=joins, holds_all=holds_all)
        else:
            self._give_up(job, verdict, outcome, queue)

    def _moment_after(self, verdict: Verdict, tries: int, now: float, at: datetime) -> float:
        """Return the moment of the next try; the last one is as late as it may be."""
        moment = now + _pause_after(verdict, tries, at)
        return self._ends if now + _first_pause(verdict) <= self._ends < moment else moment

    def _give_up(self, job: Job, verdict: Verdict, outcome: Outcome, queue: Queue) -> None:
        """Give up, with a job, those that cannot have better luck in this run."""
        error = outcome.error or late(job)
        if verdict is Verdict.SILENT and self._is_down:
            queue.end(error)
        elif self._concerns_all(job, verdict) or _waits_for_data(job, verdict, outcome.answer):
            queue.end_line(job, error)
        else:
            queue.pass_on(job, self._clock.seconds())

    def _count(self, job: Job, verdict: Verdict) -> None:
        self._silent_in_row = self._silent_in_row + 1 if verdict is Verdict.SILENT else 0
        if verdict is Verdict.BUSY:
            self._busy_in_row[job.place] += 1
        elif self._busy_in_row:
            self._busy_in_row.pop(job.place, None)

    def _concerns_all(self, job: Job, verdict: Verdict) -> bool:
        """Return whether another call of the mini program and API would fail alike."""
        return verdict is Verdict.SLOWER or self._busy_in_row[job.place] >= _MANY_IN_ROW

    def _given_up(self, job: Job, error: CloudSDKError) -> Done:
        outcome = Outcome(None, error, sent=False)
        return Done(job, outcome, verdict_of(error), self._clock.now())


def late(job: Job) -> CloudSDKError:
    """Return the error of an answer that lacks a key which can exist."""
    return CloudSDKError(
        61503,
        f"openapi.{job.series.api}:fail a key is missing",
        "The answer lacks a key that can exist since yesterday or today. Call again later.",
    )


def _waits_for_data(job: Job, verdict: Verdict, answer: dict[str, Any] | None) -> bool:
    """Return whether a window needs data of yesterday that are not ready."""
    return verdict is Verdict.NOT_READY and (job.fresh or answer is not None)


def _first_pause(verdict: Verdict) -> float:
    first, _ = _PAUSES.get(verdict, (math.inf, math.inf))
    return first


def _pause_after(verdict: Verdict, tries: int, now: datetime) -> float:
    """Return the seconds after which a call is made again."""
    if verdict is Verdict.SLOWER:
        return _MINUTE - now.second + random.uniform(0, _SECONDS_AFTER_MINUTE)  # noqa: S311 - jitter
    first, longest = _PAUSES.get(verdict, (0.0, 0.0))
    spread: float = random.uniform(*_SPREAD)  # noqa: S311 - jitter
    return min(first * 2.0 ** min(tries, _MOST_DOUBLINGS), longest) * spread


def _outcome(future: "Future[Outcome]") -> Outcome:
    """Return the outcome of a call; a call whose worker was lost may be made again.

    Raises BrokenExecutor, and the errors of `Caller`.
    """
    try:
        return future.result()
    except Exception as error:
        # KilledWorker is dask's, whose module is not loaded here.
        if not isinstance(error, CancelledError) and type(error).__name__ != "KilledWorker":
            raise
        text = f"the worker with this call was lost ({type(error).__name__})"
        return Outcome(None, CloudSDKError(_NO_RESPONSE, text))
