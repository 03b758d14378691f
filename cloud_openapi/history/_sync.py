"""Bring a store up to date: ask for what it lacks, and for answers that may have a further key."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from zlib import crc32

from cloud_openapi.errors import CloudSDKError, ConfigError, UsageError
from cloud_openapi.history._caller import Caller
from cloud_openapi.history._clock import Clock
from cloud_openapi.history._days import Day, day_of, range_of
from cloud_openapi.history._fetch import check_effort, threads, window_of
from cloud_openapi.history._plan import Plan
from cloud_openapi.history._run import Done, Run, late
from cloud_openapi.history._series import Series
from cloud_openapi.history._store import DEFAULT_STORE, Store
from cloud_openapi.history._verdict import Verdict
from cloud_openapi.history._windows import App, Job
from cloud_openapi.periods import LAUNCH
from cloud_openapi.transports import (
    Exchange,
    TransportSettings,
    credentials,
    settings_from_environment,
)

_DAY: Final = timedelta(days=1)
USUAL_DAYS: Final = 62
"""The days before today in which every window is that may still get a key."""


class Failure(NamedTuple):
    """Windows of one mini program and API that failed with the same error."""

    appid: str
    api: str
    error: CloudSDKError
    windows: int
    first: str
    """The ``ref_date`` of the first one."""


class Progress(NamedTuple):
    """The state of a sync: numbers of windows, and the calls that were made."""

    total: int
    known: int
    """Windows that the store had already, with every key that can exist."""
    stored: int = 0
    """Windows that got every key that can exist."""
    calls: int = 0
    failed: int = 0
    """Windows that were given up in this run; the next one asks for them again."""
    lost: int = 0
    """Windows that the store lacks, and for which the API does not answer any more."""
    failures: tuple[Failure, ...] = ()
    paused: int = 0
    """Pairs of mini program and API that still need a call, but whose quota of today an earlier run
    used up: for none a call is made."""

    @property
    def remaining(self) -> int:
        """Return the number of windows that lack a key which can exist."""
        return self.total - self.known - self.stored


def sync(  # noqa: PLR0913 - each is a setting of its own
    apis: str | Series | Sequence[str | Series],
    begin: Day | None = None,
    end: Day | None = None,
    *,
    store: Store | str = DEFAULT_STORE,
    apps: Mapping[str, str] | None = None,
    shard: str | None = None,
    newest_first: bool = True,
    final_only: bool = False,
    at_once: int = 16,
    rate: float | None = None,
    patience: float = 600.0,
    executor: Executor | None = None,
    exchange: Exchange | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_pause: Callable[[float, CloudSDKError], None] | None = None,
    clock: Clock | None = None,
    **settings: Any,
) -> Progress:
    """Bring the store up to date with a range of days, and return what was done.

    ``apis`` are names, or `Series` for APIs with further parameters. The range is by default the
    last 62 days, in which every window is that may still get a key; it begins with the launch of
    mini programs at the earliest. ``apps`` maps appids to
    AppSecrets, by default the mini program of ``cloud.init()``, whose other ``settings``, such as
    ``base_url``, are taken too. ``shard`` is ``i/n``: of n machines, this is the i-th.

    A window is asked for if the store lacks it, and again when a further key can exist, or if the
    stored time of its answer lies in the future, as by a clock that was ahead; with
    ``final_only`` once, when all keys can. ``at_once`` calls are in flight, at most ``rate`` a
    second, carried by threads or by an ``executor``. What may succeed later is repeated, with
    pauses, for ``patience`` seconds. A mini program whose quota of an API is used up is left alone
    until tomorrow, one without valid credentials for this run. Answers are committed as they come,
    at most 16 together, so that a killed sync goes on where it was. ``on_progress`` is called after
    each commit, ``on_pause`` before all calls wait, with the seconds and the error that is the
    reason.

    Raises ConfigError for invalid values, StoreError if the database fails, BrokenExecutor.
    """
    clock = clock or Clock()
    today = clock.now().date()
    first, last = range_of(begin or _usual_begin(end, today), end or today, LAUNCH)
    check_effort(at_once, rate, patience)
    given = settings_from_environment(**settings)
    listed = [apis] if isinstance(apis, str | Series) else apis
    series = [Series(each) if isinstance(each, str) else each for each in listed]
    if not series:
        raise ConfigError("there is no API to sync")
    chosen = in_shard(shard, _apps(apps, given))
    with ExitStack() as stack:
        opened = Store(store) if isinstance(store, str) else store
        if opened is not store:
            stack.callback(opened.close)
        opened.forget_failures_after(today)
        plan = Plan(
            opened,
            chosen,
            series,
            first,
            last,
            today,
            newest_first=newest_first,
            final_only=final_only,
        )
        pool = executor or stack.enter_context(threads(at_once))
        run = Run(
            Caller(given, exchange),
            pool,
            clock,
            at_once=at_once,
            # So that a thread need not wait while this one commits.
            queued=0 if executor else at_once,
            rate=rate,
            patience=patience,
            due_of=_due_of,
            on_pause=on_pause,
        )
        paused = opened.paused(today)
        tally = _Tally(plan)
        if on_progress is not None:
            on_progress(tally.progress(0))
        for batch in run.results(plan.jobs(paused)):
            _keep(opened, batch)
            tally.add(batch)
            if on_progress is not None:
                on_progress(tally.progress(run.calls))
    return tally.progress(run.calls)


def _usual_begin(end: Day | None, today: date) -> date:
    """Return the first of the last 62 days. Raises UsageError for an earlier end."""
    begin = today - USUAL_DAYS * _DAY
    if end is not None and day_of("end", end) < begin:
        raise UsageError(
            f"end, {end}, is before the last {USUAL_DAYS} days: give begin (--from) too"
        )
    return begin


def in_shard(shard: str | None, apps: Sequence[App]) -> list[App]:
    """Return the mini programs of one of n machines, ``i/n``. Raises ConfigError."""
    if shard is None:
        return list(apps)
    number, _, count = shard.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise UsageError(f"shard is a number and how many there are, such as 1/4, not {shard!r}")
    return [app for app in apps if crc32(app.appid.encode()) % int(count) == int(number) - 1]


class _Tally:
    """The numbers of a run, and its failures by mini program, API and code."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._progress = Progress(plan.total, plan.known, lost=plan.lost)
        self._failures: dict[tuple[str, str, int], Failure] = {}

    def add(self, batch: list[Done]) -> None:
        """Count the results of a batch."""
        stored, failed = self._progress.stored, self._progress.failed
        for done in batch:
            stored += done.verdict is Verdict.ANSWERED
            if done.is_last and done.verdict is not Verdict.ANSWERED:
                failed += 1
                self._count(done)
        self._progress = self._progress._replace(stored=stored, failed=failed)

    def progress(self, calls: int) -> Progress:
        """Return the numbers after so many calls."""
        return self._progress._replace(
            calls=calls,
            failures=tuple(self._failures.values()),
            paused=len(self._plan.left_out),
        )

    def _count(self, done: Done) -> None:
        appid, api = done.job.place
        error = done.outcome.error or late(done.job)
        key = (appid, api, error.errCode)
        known = self._failures.get(key) or Failure(appid, api, error, 0, done.job.period.ref)
        self._failures[key] = known._replace(windows=known.windows + 1)


def _keep(store: Store, batch: list[Done]) -> None:
    """Store the answers and errors of a batch, and the pauses of used up quotas."""
    windows = [window_of(done) for done in batch if done.outcome.sent]
    if windows:
        store.write(windows)
    places = {done.job.place for done in batch if done.verdict is Verdict.UNTIL_TOMORROW}
    for place in places:
        store.pause(*place, batch[0].at.date() + _DAY)


def _due_of(job: Job, answer: Mapping[str, Any], today: date) -> date | None:
    return job.series.next_due(job.period, answer, today)


def _apps(given: Mapping[str, str] | None, settings: TransportSettings) -> list[App]:
    """Return the mini programs, with valid settings. Raises ConfigError."""
    if given is None:
        return [App(*credentials(settings))]
    pairs = given.items()
    if not pairs:
        raise ConfigError("there is no mini program to sync: apps is empty")
    return [App(*credentials(settings._replace(appid=a, secret=s))) for a, s in pairs]
