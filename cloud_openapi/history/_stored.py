from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cloud_openapi.history._days import EARLIEST, LATEST, Day, range_of
from cloud_openapi.history._series import Series
from cloud_openapi.history._store import DEFAULT_STORE, Store
from cloud_openapi.history._table import Windows
from cloud_openapi.history._windows import Window


def stored(  # noqa: PLR0913 - each selects rows
    api: str,
    begin: Day = EARLIEST,
    end: Day = LATEST,
    appid: str | Collection[str] | None = None,
    *,
    store: Store | str = DEFAULT_STORE,
    params: Mapping[str, Any] | None = None,
    days: int = 1,
    newest_first: bool = False,
) -> Windows:
    """Yield the stored windows that touch a range, by default all, the oldest first.

    No call is made. ``appid`` is one mini program or several, by default all of the store;
    ``store`` is a path, a URL of SQLAlchemy's or a `Store`. Raises ConfigError for invalid values
    and for a store without tables, StoreError if the database fails.
    """
    first, last = range_of(begin, end)
    series = Series(api, params, days)
    appids = [appid] if isinstance(appid, str) else appid
    opened = Store(store, create=False) if isinstance(store, str) else store

    def windows() -> Iterator[Window]:
        try:
            days = series.first_days(first, last)
            yield from opened.windows(series, *days, appids, newest_first=newest_first)
        finally:
            if opened is not store:
                opened.close()

    return Windows(windows())
