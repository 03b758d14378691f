"""Jobs that are not in flight: new ones, those that come back, and those that wait for another."""

import math
from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Final

from cloud_openapi.errors import CloudSDKError
from cloud_openapi.history._windows import Job

_MOST_GIVEN_UP: Final = 16


class _Line:
    """Jobs of one mini program and API that wait until one of them, the probe, is answered."""

    def __init__(self) -> None:
        self.probe: Job | None = None
        self.tries = 0
        """How often a probe was not answered."""
        self.holds_all = False
        self.behind: deque[Job] = deque()
        self.over: CloudSDKError | None = None
        """The error with which a probe was given up: the others are not sent."""

    def holds(self, job: Job) -> bool:
        return self.holds_all or job.fresh


class Queue:
    """Decides which job is sent next.

    Fresh jobs, which need the data of yesterday, wait until one of them is answered: until the data
    are ready, one call finds out for all of a mini program and API.
    """

    def __init__(self, jobs: Iterator[Job]) -> None:
        self.given_up: list[tuple[Job, CloudSDKError]] = []
        """Jobs that will not be sent, with the error; the owner takes them out."""
        self._jobs = jobs
        self._more = True
        self._numbers = count()
        self._later: list[tuple[float, int, Job]] = []
        self._lines: dict[tuple[str, str], _Line] = {}
        self._ready: set[tuple[str, str]] = set()
        self._over: CloudSDKError | None = None

    def __bool__(self) -> bool:
        """Return whether a job may come."""
        return bool(self._more or self._later or self.given_up)

    def pop(self, now: float, *, is_down: bool) -> Job | None:
        """Return the next job that may be sent now; while the service is down, one that came back.

        None if there is none, or if jobs were given up.
        """
        while self._later and self._later[0][0] <= now:
            job = heappop(self._later)[2]
            line = self._lines.get(job.place)
            if line is None or line.probe in (None, job) or not line.holds(job):
                return job
            # The line began after this one was sent last.
            line.behind.append(job)
        if is_down and self._later:
            return None
        while len(self.given_up) < _MOST_GIVEN_UP:
            new = next(self._jobs, None)
            if new is None:
                self._more = False
                return None
            if self._admits(new):
                return new
        return None

    def moment(self, now: float, *, is_down: bool) -> float:
        """Return when the next job may be sent, infinity if that depends on calls in flight."""
        if self._more and not (is_down and self._later):
            return now
        return self._later[0][0] if self._later else math.inf

    def tries(self, job: Job) -> int:
        """Return how often a job, or the line that it stands for, was not answered."""
        line = self._lines.get(job.place)
        return line.tries if line is not None and line.probe is job else job.tries

    def postpone(self, job: Job, moment: float, *, joins: bool, holds_all: bool) -> None:
        """Let a job come back at a moment.

        If it ``joins`` the line of its place, the next in line comes in its place, and all others
        wait for that one, even those that are not fresh with ``holds_all``.
        """
        again = job._replace(tries=job.tries + 1, fresh=job.fresh or (joins and not holds_all))
        line = self._lines.get(job.place)
        if joins:
            line = self._lines.setdefault(job.place, _Line())
            line.holds_all |= holds_all
            line.behind.append(again)
            if line.probe not in (None, job):
                # It was in flight when the line began.
                return
            line.tries += 1
            again = line.probe = line.behind.popleft()
        elif line is not None and line.probe is job:
            line.probe = again
        self._push(moment, again)

    def settle(self, job: Job, now: float) -> None:
        """Send those that waited for a job: it was answered, or failed by itself."""
        line = self._lines.get(job.place)
        if line is not None and line.probe is job:
            del self._lines[job.place]
            self._ready.add(job.place)
            for each in line.behind:
                self._push(now, each)

    def pass_on(self, job: Job, now: float) -> None:
        """Let the next one in line take the place of a job that was given up."""
        line = self._lines.get(job.place)
        if line is not None and line.probe is job:
            line.probe = line.behind.popleft() if line.behind else None
            if line.probe is not None:
                self._push(now, line.probe)

    def end_line(self, job: Job, error: CloudSDKError) -> None:
        """Give up those that would wait for a job."""
        line = self._lines.setdefault(job.place, _Line())
        if line.probe in (None, job):
            self._drop(line, error)

    def end(self, error: CloudSDKError) -> None:
        """Give up everything."""
        self._over = error
        self.given_up += [(each, error) for _, _, each in self._later]
        self._later.clear()
        for line in self._lines.values():
            self._drop(line, error)

    def _admits(self, job: Job) -> bool:
        """Return whether a new job may be sent; otherwise it waits, or is given up."""
        line = self._lines.get(job.place)
        if line is None and job.fresh and job.place not in self._ready:
            line = self._lines[job.place] = _Line()
        if line is not None and not line.holds(job):
            line = None
        over = self._over or job.refusal or (None if line is None else line.over)
        if over is not None:
            self.given_up.append((job, over))
        elif line is not None and line.probe is not None:
            line.behind.append(job)
        else:
            if line is not None:
                line.probe = job
            return True
        return False

    def _drop(self, line: _Line, error: CloudSDKError) -> None:
        line.over = error
        self.given_up += [(each, error) for each in line.behind]
        line.behind.clear()

    def _push(self, moment: float, job: Job) -> None:
        heappush(self._later, (moment, next(self._numbers), job))
