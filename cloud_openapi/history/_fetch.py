from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from cloud_openapi.errors import ConfigError, UsageError
from cloud_openapi.history._caller import Caller
from cloud_openapi.history._clock import Clock
from cloud_openapi.history._days import Day, range_of
from cloud_openapi.history._run import Done, Run
from cloud_openapi.history._series import Series
from cloud_openapi.history._table import Windows
from cloud_openapi.history._windows import App, Job, Window
from cloud_openapi.periods import LAUNCH
from cloud_openapi.transports import Transport, connect, settings_from_environment

MOST_AT_ONCE: Final = 64
"""The connections that an HTTP exchange keeps."""


def fetch(  # noqa: PLR0913 - each is a setting of its own
    api: str,
    begin: Day,
    end: Day,
    *,
    params: Mapping[str, Any] | None = None,
    days: int = 1,
    newest_first: bool = False,
    at_once: int = 16,
    rate: float | None = None,
    patience: float = 10.0,
    transport: Transport | None = None,
    clock: Clock | None = None,
) -> Windows:
    """Yield each window of a range with WeChat's answer, the oldest first.

    The windows are the days, weeks or months that touch the range and are over, since the launch of
    mini programs; for an API about windows of ``days`` days, one for each day on which they end. A
    window without an answer has the ``error``; one that is too old for the API is not asked for.
    ``params`` are further parameters of each call. ``at_once`` calls are in flight, at most
    ``rate`` a second; a call that may succeed later is repeated within ``patience`` seconds. The
    default ``transport`` is that of ``cloud.init()``.

    Raises ConfigError for invalid values and without credentials.
    """
    first, last = range_of(begin, end, LAUNCH)
    series = Series(api, params, days)
    check_effort(at_once, rate, patience)
    settings = settings_from_environment()
    transport = transport or connect(settings)
    if transport is None:
        raise ConfigError(
            "no service to call: set CLOUD_OPENAPI_BASE_URL to the emulator's address "
            "(cloud-openapi serve prints it), or CLOUD_OPENAPI_APPID and CLOUD_OPENAPI_SECRET."
        )
    clock = clock or Clock()
    app = App(settings.appid or "", "")
    today = clock.now().date()
    periods = list(series.windows(first, last, today))
    if newest_first:
        periods.reverse()
    jobs = (Job(app, series, period, refusal=series.refusal(period, today)) for period in periods)
    caller = Caller(settings, transport=transport)

    def windows() -> Iterator[Window]:
        with threads(at_once) as pool:
            run = Run(caller, pool, clock, at_once=at_once, rate=rate, patience=patience)
            found: dict[Any, Window] = {}
            awaited = iter(periods)
            period = next(awaited, None)
            for batch in run.results(jobs):
                found.update((done.job.period, window_of(done)) for done in batch)
                while period in found:
                    yield found.pop(period)
                    period = next(awaited, None)

    return Windows(windows())


@contextmanager
def threads(count: int) -> Iterator[Executor]:
    """Give threads that carry the calls of a run; calls that wait are not made after it."""
    pool = ThreadPoolExecutor(count, thread_name_prefix="history")
    waits = True
    try:
        yield pool
    except KeyboardInterrupt:
        # The answers in flight would be lost in any case.
        waits = False
        raise
    finally:
        pool.shutdown(waits, cancel_futures=True)


def window_of(done: Done) -> Window:
    """Return the window of a result."""
    job, outcome = done.job, done.outcome
    return Window(
        appid=job.app.appid,
        api=job.series.api,
        period=job.period,
        answer=outcome.answer,
        error=outcome.error,
        asked=done.at if outcome.sent else None,
        params=job.series.params,
        due=done.due,
    )


def check_effort(at_once: int, rate: float | None, patience: float) -> None:
    """Raise ConfigError for settings that cannot be used."""
    if not 1 <= at_once <= MOST_AT_ONCE:
        raise UsageError(f"at_once is a number from 1 to {MOST_AT_ONCE}, not {at_once!r}")
    if rate is not None and not 0 < rate < float("inf"):
        raise UsageError(f"rate is a number of calls a second above 0, not {rate!r}")
    if not 0 <= patience < float("inf"):
        raise UsageError(f"patience is a number of seconds, 0 or more, not {patience!r}")
