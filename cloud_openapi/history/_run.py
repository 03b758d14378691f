"""One run: calls in flight, those that come back later, and those that wait behind another."""

import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from cloud_openapi.errors import CloudSDKError
from cloud_openapi.history._caller import Caller, Outcome
from cloud_openapi.history._clock import Clock
from cloud_openapi.history._verdict import Verdict, verdict_of
from cloud_openapi.history._windows import Job

MOST_TOGETHER: Final = 16
"""Results that are handed on, and committed, at once."""
_SECONDS_AFTER_MINUTE: Final = 5.0
# So many calls in a row without an answer are not by chance.
_FEWEST_BUSY: Final = 8
# The first pause in seconds and the longest one; each pause is twice the one before.
_PAUSES: Final = {Verdict.BUSY: (1.0, 60.0), Verdict.NOT_READY: (60.0, 1800.0)}
_MOST_DOUBLINGS: Final = 20
_SPREAD: Final = (0.75, 1.25)


class Done(NamedTuple):
    """The result of a job: an answer, or the error with which it was given up."""

    job: Job
    outcome: Outcome
    verdict: Verdict
    at: datetime
    is_last: bool = True
    """Whether the window is not asked for again in this run."""


class _Line:
    """Jobs of one mini program and API that wait until one of them, the probe, is answered."""

    def __init__(self) -> None:
        self.probe: Job | None = None
        self.behind: deque[Job] = deque()
        self.holds_all = False
        self.over: CloudSDKError | None = None
        """The error with which the probe was given up: the others are not sent."""

    def holds(self, job: Job) -> bool:
        return self.holds_all or job.fresh


class Run:
    """Asks for windows, ``at_once`` in flight and ``queued`` more handed to the executor.

    ``rate`` is in calls per second. A call that may succeed later comes back after a pause with
    jitter, unless that is more than ``patience`` seconds after the beginning. ``is_late`` says of
    an answer that a key is still missing.
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
        is_late: Callable[[Job, dict[str, Any], datetime], bool] = lambda *_: False,
    ) -> None:
        self._caller = caller
        self._executor = executor
        self._clock = clock
        self._most = at_once + queued
        self._most_busy = max(at_once, _FEWEST_BUSY)
        self._interval = 1 / rate if rate else 0.0
        self._next_slot = 0.0
        self._ends = clock.seconds() + patience
        self._is_late = is_late
        self._numbers = count()
        self._later: list[tuple[float, int, Job]] = []
        self._lines: dict[tuple[str, str], _Line] = {}
        self._flying: dict[Future[Outcome], Job] = {}
        self._landed: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._done: list[Done] = []
        self._busy_in_row = 0
        self._over: CloudSDKError | None = None
        self._more = True

    def results(self, jobs: Iterator[Job]) -> Iterator[list[Done]]:
        """Yield the results as they come, at most 16 together.

        Raises BrokenExecutor, and the errors of `Caller`.
        """
        try:
            while self._fly(jobs) or self._done or self._later or self._more:
                if self._flying:
                    self._land()
                elif not self._done:
                    self._clock.wait(self._pause())
                while self._done:
                    yield self._done[:MOST_TOGETHER]
                    del self._done[:MOST_TOGETHER]
        finally:
            for future in self._flying:
                future.cancel()

    @property
    def _is_down(self) -> bool:
        """Whether the service does not answer: then one call at a time finds out."""
        return self._busy_in_row >= self._most_busy

    def _fly(self, jobs: Iterator[Job]) -> bool:
        """Hand jobs to the executor; return whether any are in flight."""
        while len(self._flying) < self._most and self._clock.seconds() >= self._next_slot:
            job = self._next(jobs)
            if job is None:
                break
            if self._interval:
                self._next_slot = max(self._next_slot, self._clock.seconds()) + self._interval
            request = job.series.request(job.period)
            future = self._executor.submit(self._caller, job.app, job.series.api, request)
            self._flying[future] = job
            future.add_done_callback(self._landed.put)
        return bool(self._flying)

    def _next(self, jobs: Iterator[Job]) -> Job | None:
        """Return the next job that may be sent now, None without one."""
        if self._is_down and self._flying:
            return None
        if self._later and self._later[0][0] <= self._clock.seconds():
            return heappop(self._later)[2]
        if self._is_down and self._later:
            return None
        while len(self._done) < MOST_TOGETHER:
            job = next(jobs, None)
            if job is None:
                self._more = False
                return None
            line = self._lines.get(job.place)
            holds = line is not None and line.holds(job)
            over = self._over or (line.over if line is not None and holds else job.refusal)
            if over is not None:
                self._give_up(job, over)
            elif line is not None and holds:
                line.behind.append(job)
            else:
                return job
        return None

    def _pause(self) -> float:
        """Return the seconds until a job may be handed over, infinity if only a result helps."""
        moments = [max(self._later[0][0], self._next_slot)] if self._later else []
        if self._more and not (self._is_down and self._later):
            moments.append(self._next_slot)
        return max(min(moments, default=math.inf) - self._clock.seconds(), 0.0)

    def _land(self) -> None:
        """Wait for a result, and take those that are ready with it."""
        is_full = len(self._flying) >= self._most or (self._is_down and self._flying)
        pause = math.inf if is_full else self._pause()
        try:
            self._take(self._landed.get(timeout=None if math.isinf(pause) else pause))
            while len(self._done) < MOST_TOGETHER:
                self._take(self._landed.get_nowait())
        except Empty:
            # Now a job may be handed over, or nothing more is ready.
            return

    def _take(self, future: "Future[Outcome]") -> None:
        job, outcome, now = self._flying.pop(future), _outcome(future), self._clock.now()
        verdict = verdict_of(outcome.error)
        answer = outcome.answer
        if answer is not None and self._is_late(job, answer, now):
            verdict = Verdict.NOT_READY
        self._busy_in_row = self._busy_in_row + 1 if verdict is Verdict.BUSY else 0
        moment = self._clock.seconds() + _pause_after(verdict, job.tries, now)
        comes_back = verdict.passes and moment <= self._ends
        if answer is not None or not comes_back:
            self._done.append(Done(job, outcome, verdict, now, is_last=not comes_back))
        if comes_back:
            self._postpone(job, verdict, moment)
        elif verdict.passes and outcome.error is not None:
            self._end_line(job, verdict, outcome.error)
        else:
            self._release(job)

    def _postpone(self, job: Job, verdict: Verdict, moment: float) -> None:
        """Let a job come back at a moment, or the next of its line, at the end of which it goes."""
        again = job._replace(tries=job.tries + 1)
        line = self._lines.get(job.place)
        if verdict is Verdict.BUSY or not (job.fresh or verdict is Verdict.SLOWER):
            if line is not None and line.probe is job:
                line.probe = again
        else:
            line = self._lines.setdefault(job.place, _Line())
            line.holds_all |= verdict is Verdict.SLOWER
            line.behind.append(again)
            if line.probe not in (None, job):
                # It was in flight when the line began.
                return
            again = line.probe = line.behind.popleft()
        heappush(self._later, (moment, next(self._numbers), again))

    def _release(self, job: Job) -> None:
        """Send the jobs that waited for this one."""
        line = self._lines.get(job.place)
        if line is not None and line.probe is job:
            del self._lines[job.place]
            for each in line.behind:
                heappush(self._later, (self._clock.seconds(), next(self._numbers), each))

    def _end_line(self, job: Job, verdict: Verdict, error: CloudSDKError) -> None:
        """Give up what waits for a job that was given up, or all while the service is down."""
        if verdict is Verdict.BUSY and self._is_down:
            self._over = error
            for _, _, each in self._later:
                self._give_up(each, error)
            self._later.clear()
        line = self._lines.get(job.place)
        if line is None and verdict is Verdict.NOT_READY and job.fresh:
            line = self._lines[job.place] = _Line()
        if line is not None and line.probe in (None, job):
            line.over = error
            while line.behind:
                self._give_up(line.behind.popleft(), error)

    def _give_up(self, job: Job, error: CloudSDKError) -> None:
        outcome = Outcome(None, error, sent=False)
        self._done.append(Done(job, outcome, verdict_of(error), self._clock.now()))


def _pause_after(verdict: Verdict, tries: int, now: datetime) -> float:
    """Return the seconds after which a call is made again."""
    if verdict is Verdict.SLOWER:
        return 60 - now.second + random.uniform(0, _SECONDS_AFTER_MINUTE)  # noqa: S311 - jitter
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
        return Outcome(None, CloudSDKError(-501001, text))
