"""The windows of a range that a store lacks, or whose answers may have a further key."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from cloud_openapi.history._series import Series
from cloud_openapi.history._store import Store
from cloud_openapi.history._windows import App, Job
from cloud_openapi.periods import Period

# Rows of the store that are in memory at once.
_ROWS: Final = 20_000


class Look(NamedTuple):
    """Windows of one series for all mini programs, by their state in the store."""

    series: Series
    periods: list[Period]
    """The periods that the API answers for, in the order in which they are asked for."""
    total: int
    known: int
    """Windows whose stored answers have every key that can exist."""
    lost: int
    """Windows that are not stored, and for which the API does not answer any more."""


class Plan:
    """The calls that bring a store up to date on a day.

    With ``final_only`` a window is asked for once, when all its keys can exist.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        store: Store,
        apps: Sequence[App],
        series: Sequence[Series],
        begin: date,
        end: date,
        today: date,
        *,
        newest_first: bool = True,
        final_only: bool = False,
    ) -> None:
        self._store = store
        self._apps = apps
        self._appids = frozenset(app.appid for app in apps)
        self._range = begin, end
        self._today = today
        self._newest_first = newest_first
        self._final_only = final_only
        self.looks = [self._look(each) for each in series]
        self.left_out: set[tuple[str, str]] = set()
        """The mini programs and APIs of the windows that `jobs` left out."""

    @property
    def total(self) -> int:
        """Return the number of windows."""
        return sum(look.total for look in self.looks)

    @property
    def known(self) -> int:
        """Return the number of windows that need no call."""
        return sum(look.known for look in self.looks)

    @property
    def lost(self) -> int:
        """Return the number of windows that cannot be asked for any more."""
        return sum(look.lost for look in self.looks)

    def jobs(self, without: Collection[tuple[str, str]] = ()) -> Iterator[Job]:
        """Yield the windows to ask for, except those of some mini programs and APIs."""
        for look in self.looks:
            if look.known < look.total:
                for job in self._jobs_of(look):
                    if job.place in without:
                        self.left_out.add(job.place)
                    else:
                        yield job

    def _look(self, series: Series) -> Look:
        offered = list(series.windows(*self._range, self._today))
        if self._final_only:
            last = {period: series.key_days(period)[-1][1] for period in offered}
            offered = [period for period in offered if last[period] <= self._today]
        old: list[Period] = []
        while offered and series.refusal(offered[0], self._today) is not None:
            old.append(offered.pop(0))
        apps = len(self._apps)
        known, kept = (self._count(series, periods) for periods in (offered, old))
        if self._newest_first:
            offered.reverse()
        return Look(series, offered, len(offered) * apps, known, len(old) * apps - kept)

    def _count(self, series: Series, periods: list[Period]) -> int:
        if not periods:
            return 0
        days = periods[0].begin, periods[-1].begin
        return self._store.count_known(series, *days, self._appids, self._today)

    def _jobs_of(self, look: Look) -> Iterator[Job]:
        """Yield the windows of a series; the store is read a part at a time."""
        series, today = look.series, self._today
        step = max(1, _ROWS // len(self._apps))
        for start in range(0, len(look.periods), step):
            part = look.periods[start : start + step]
            begins = part[0].begin, part[-1].begin
            ends = min(begins), max(begins)
            due_of = {
                (state.appid, state.first_day): state.is_due
                for state in self._store.states(series, *ends, self._appids, today)
            }
            for period in part:
                keys = [key for key, day in series.key_days(period) if day == today]
                for app in self._apps:
                    due = due_of.get((app.appid, period.begin))
                    # Of a window that is not stored, the older keys are worth a call in any case.
                    if due is None:
                        yield Job(app, series, period, fresh=0 in keys)
                    elif due:
                        yield Job(app, series, period, fresh=bool(keys))
