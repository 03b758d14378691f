"""The answers of a report: from the store of a history, or asked for now."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date
from itertools import islice
from typing import Any, Final, NamedTuple

import click

from cloud_openapi.catalogue import Operation
from cloud_openapi.charts import Translate
from cloud_openapi.cli._history_text import say_launch, sync_command
from cloud_openapi.cli._terminal import progress
from cloud_openapi.errors import CloudSDKError, ConfigError, advice
from cloud_openapi.history import Clock, Window, fetch
from cloud_openapi.periods import LAUNCH, Period, Span, beijing_now, last_complete, period_with
from cloud_openapi.reports import Answer
from cloud_openapi.transports import Transport

_LASTS: Final[Mapping[Span, int]] = {"day": 30, "week": 12, "month": 12}
_MOST: Final = 3660
_FEWEST_FOR_PROGRESS: Final = 40


class Wanted(NamedTuple):
    """The windows of a report: from ``begin``, or the ``last`` ones, up to ``end``."""

    operation: Operation
    span: Span
    begin: date | None = None
    end: date | None = None
    last: int | None = None
    days: int = 1
    params: Mapping[str, Any] = {}

    def periods(self, newest: Period, today: date) -> list[Period]:
        """Return the windows, the oldest first. Raises UsageError."""
        end = period_with(self.span, min(self.end, today)) if self.end else newest
        last = min(self.last or _LASTS[self.span], _MOST + 1)
        begin = self.begin or end.after(1 - last).begin
        if begin > end.end:
            raise click.UsageError(f"--from {begin} is later than {end.end}, the end of the range.")
        windows = self.operation.rules[0].windows(begin, end.end, self.days)
        found = list(islice(windows, _MOST + 1))
        if len(found) > _MOST:
            raise click.UsageError(f"A report has at most {_MOST} rows: choose a later --from.")
        possible = [period for period in found if period.end >= LAUNCH]
        if not possible:
            raise click.UsageError(f"Mini programs opened on {LAUNCH}: choose a later --to.")
        if self.begin or self.last:
            say_launch(begin, end.end)
        return possible


class Found(NamedTuple):
    """The answers to the windows of one mini program; ``today`` is the day in Beijing."""

    appid: str
    today: date
    answers: list[Answer]
    store: str = ""
    """The store that was read, without its password."""


def ask(wanted: Wanted, appid: str, transport: Transport, clock: Clock, t: Translate) -> Found:
    """Ask the service, or the emulator in this process. Raises CloudSDKError if all calls fail."""
    today = clock.now().date()
    periods = wanted.periods(last_complete(wanted.span, today), today)
    windows = fetch(
        wanted.operation.name,
        periods[0].end,
        periods[-1].end,
        params=wanted.params,
        days=wanted.days,
        transport=transport,
        clock=clock,
    )
    over = sum(period.end < today for period in periods)
    found = {window.period: window for window in _shown(windows, over, wanted.operation.name)}
    errors = [window.error for window in found.values()]
    if errors and all(errors):
        raise errors[0] or AssertionError
    return Found(appid, today, _answers(periods, found, today, "", t))


def _shown(windows: Iterator[Window], total: int, name: str) -> Iterator[Window]:
    """Yield windows as they come, with a bar for many."""
    if total < _FEWEST_FOR_PROGRESS:
        yield from windows
        return
    with progress(f"Asking {name}", total) as step:
        for window in windows:
            yield window
            step()


def read(wanted: Wanted, appid: str | None, store: str, t: Translate) -> Found:
    """Read the store of a history. Raises ConfigError without a window of the mini program."""
    # This loads SQLAlchemy.
    from cloud_openapi.history import Store, stored

    api, today = wanted.operation.name, beijing_now().date()
    opened = Store(store, create=False)
    name = opened.name if "://" in store else store

    def windows(begin: date, end: date, *, newest_first: bool = False) -> Iterator[Window]:
        return stored(
            api,
            begin,
            end,
            appid,
            store=opened,
            params=wanted.params,
            days=wanted.days,
            newest_first=newest_first,
        )

    with closing(opened):
        newest = next(windows(LAUNCH, today, newest_first=True), None)
        if newest is None:
            of = f" of {appid}" if appid else ""
            periods = wanted.periods(last_complete(wanted.span, today), today)
            run = sync_command(
                api,
                periods[0].end,
                wanted.end,
                days=wanted.days,
                params=wanted.params,
                store=store,
                name=name,
                app=[appid] if appid else [],
            )
            raise ConfigError(f"{name} has no window of {api}{of}: run {run}, or report --live.")
        periods = wanted.periods(period_with(wanted.span, newest.period.end), today)
        found: dict[Period, Window] = {}
        for window in windows(periods[0].end, periods[-1].end):
            if window.appid != newest.appid:
                raise click.UsageError(
                    f"{name} has several mini programs, such as {window.appid} and "
                    f"{newest.appid}: choose one by --app."
                )
            found[window.period] = window
    nothing = t(
        "not in the store: cloud-openapi history sync",
        "数据库中没有：请运行 cloud-openapi history sync",
    )
    return Found(newest.appid, today, _answers(periods, found, today, nothing, t), name)


def _answers(
    periods: Iterable[Period],
    found: Mapping[Period, Window],
    today: date,
    nothing: str,
    t: Translate,
) -> list[Answer]:
    answers = []
    for period in periods:
        window = found.get(period)
        if window is not None and window.answer is not None:
            asked = window.asked.date() if window.asked else None
            answers.append(Answer(period, window.answer, asked=asked))
        elif period.end >= today:
            problem = t(f"not over: ends on {period.end}", f"尚未结束：至 {period.end}")
            answers.append(Answer(period, {}, problem))
        else:
            error = window.error if window is not None else None
            answers.append(Answer(period, {}, _problem(error) if error else nothing))
    return answers


def _problem(error: CloudSDKError) -> str:
    """Return a code with its meaning; WeChat's own text if we know none."""
    text = error.hint or advice(error.errCode) or error.errMsg
    return f"{error.errCode} {text}".removesuffix(".")
