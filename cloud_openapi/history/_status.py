from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from cloud_openapi.errors import ConfigError
from cloud_openapi.history._clock import Clock
from cloud_openapi.history._series import Series, days_of
from cloud_openapi.history._store import DEFAULT_STORE, Group, Store
from cloud_openapi.json_text import read_json


class Status(NamedTuple):
    """The stored windows of one series; ``appid`` is empty for those of several mini programs."""

    api: str
    params: str
    span: str
    appid: str
    apps: int
    """The number of mini programs."""
    first_day: date
    last_day: date
    windows: int
    complete: int
    """Windows that have every key for good."""
    due: int
    """Windows whose answers may have a further key today."""
    missing: int
    """Windows between the first and the last one of a mini program that are not stored."""
    errors: Mapping[int, int]
    """The number of windows by the last error with which they failed."""
    paused: int
    """The mini programs whose quota of the API is used up today."""


def status(
    store: Store | str = DEFAULT_STORE, *, by_app: bool = False, clock: Clock | None = None
) -> list[Status]:
    """Return what a store has, by API and length of the windows, or by mini program too.

    A series of which each window failed is a line, too, without windows.

    Raises ConfigError for a store without windows, StoreError if the database fails.
    """
    today = (clock or Clock()).now().date()
    opened = Store(store, create=False) if isinstance(store, str) else store
    try:
        groups = opened.groups(today)
        known = {(group.series, group.appid) for group in groups}
        groups += [
            each for each in opened.failed_groups() if (each.series, each.appid) not in known
        ]
        errors = opened.errors()
        paused = opened.paused(today)
    finally:
        if opened is not store:
            opened.close()
    kept: dict[tuple[str, str, str, str], list[Group]] = {}
    for group in groups:
        kept.setdefault((*group.series, group.appid if by_app else ""), []).append(group)
    return [_status(*key, parts, errors, paused) for key, parts in sorted(kept.items())]


def _status(  # noqa: PLR0913 - the parts of a line
    api: str,
    params: str,
    span: str,
    appid: str,
    groups: list[Group],
    errors: Mapping[tuple[str, str, str, str], Mapping[int, int]],
    paused: set[tuple[str, str]],
) -> Status:
    found: Counter[int] = Counter()
    for group in groups:
        found.update(errors.get((*group.series, group.appid), {}))
    return Status(
        api=api,
        params=params,
        span=span,
        appid=appid,
        apps=len(groups),
        first_day=min(group.first_day for group in groups),
        last_day=max(group.last_day for group in groups),
        windows=sum(group.windows for group in groups),
        complete=sum(group.complete for group in groups),
        due=sum(group.due for group in groups),
        missing=sum(
            _number(api, params, span, group.first_day, group.last_day) - group.windows
            for group in groups
        ),
        errors=dict(sorted(found.items())),
        paused=sum((group.appid, api) in paused for group in groups),
    )


@lru_cache(maxsize=1000)
def _number(api: str, params: str, span: str, first: date, last: date) -> int:
    """Return the number of windows from the begin of the first to the end of the last one."""
    try:
        series = Series(api, read_json(params) if params else None, days_of(span))
    except ConfigError:
        # Stored by a version that knew the API.
        return 0
    return sum(1 for _ in series.between(first, last))
