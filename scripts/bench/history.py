"""A history's speed and memory: syncs beside bare calls, and syncs of what is stored already."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import secret_for
from cloud_openapi.history import Clock, Series, Store, Window, sync
from cloud_openapi.history._schema import METADATA
from cloud_openapi.periods import BEIJING, write_day
from cloud_openapi.transports import connect, settings_from_environment
from scripts import sql_servers
from scripts.bench.measuring import Effort, NotMeasuredError, Samples, alternate
from scripts.bench.servers import emulator

_API = "analysis.getDailyRetain"
_NOW = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
_CLOCK = Clock(lambda: _NOW)
_TODAY = _NOW.date()
_AT_ONCE = 16
_LATENCY = 0.02
_YEAR = 365
_APPS, _DAYS = 1000, 30
_KNOWN_APPS = 28

# The load generator and the emulator are in other processes.
_SYNC = f"""
import json, resource, sys
from datetime import datetime
from cloud_openapi.history import Clock, sync
url, place, begin, now, apps = json.load(sys.stdin)
clock = Clock(lambda: datetime.fromisoformat(now))
done = sync("{_API}", begin, store=place, apps=apps, base_url=url, at_once={_AT_ONCE}, clock=clock)
print(json.dumps([done.stored, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def _begin(days: int) -> date:
    return _TODAY - timedelta(days=days)


@contextmanager
def _serving(apps: dict[str, str], folder: Path, latency: float = 0.0) -> Iterator[str]:
    """Serve mini programs in another process; the value is the URL."""
    settings = folder / "settings.json"
    named = {appid: {"secret": secret} for appid, secret in apps.items()}
    settings.write_text(json.dumps({"apps": named}), "utf-8")
    options = ("--settings", str(settings), "--now", _NOW.isoformat()) if apps else ()
    with emulator(*(options or ("--now", _NOW.isoformat()))) as (url, _pid):
        if latency:
            path = default_catalogue()[_API].path
            fault = {"kind": "latency", "seconds": latency, "path": path}
            body = json.dumps(fault).encode()
            header = {"Content-Type": "application/json"}
            address = f"{url}/_emulator/faults"
            urllib.request.urlopen(urllib.request.Request(address, body, header)).close()  # noqa: S310
        yield url


def _rate(windows: int, work: Callable[[], int]) -> float:
    begun = time.perf_counter()
    answered = work()
    seconds = time.perf_counter() - begun
    if answered != windows:
        raise RuntimeError(f"{answered} of {windows} windows are answered")
    return windows / seconds


def _bare(url: str) -> int:
    """Ask for the windows by a pool of threads, and keep nothing."""
    transport = connect(settings_from_environment(base_url=url))
    assert transport is not None  # noqa: S101 - the URL chooses one
    operation = default_catalogue()[_API]
    series = Series(_API)
    requests = map(series.request, series.windows(_begin(_YEAR), _TODAY, _TODAY))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(partial(transport.send, operation), requests)
        return sum("visit_uv" in answer for answer in answers)


def _synced(url: str, store: Store, begin: date, apps: dict[str, str] | None = None) -> int:
    done = sync(_API, begin, store=store, apps=apps, base_url=url, at_once=_AT_ONCE, clock=_CLOCK)
    return done.stored


def against_pool(effort: Effort, database: str) -> Samples:
    """Measure the windows a second of a sync, and of a bare pool of threads that keeps nothing."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            url_of = getattr(sql_servers, database, None)
            place = stack.enter_context(url_of(folder)) if url_of else str(folder / "year.sqlite")
        except sql_servers.MissingError as missing:
            raise NotMeasuredError(str(missing)) from None
        url = stack.enter_context(_serving({}, folder, _LATENCY))
        store = Store(place)
        stack.callback(store.close)

        def ours() -> float:
            with store._engine.begin() as connection:  # noqa: SLF001 - each round stores all
                for table in METADATA.sorted_tables:
                    connection.execute(table.delete())
            return _rate(_YEAR, lambda: _synced(url, store, _begin(_YEAR)))

        return alternate(effort.rounds, ours, lambda: _rate(_YEAR, lambda: _bare(url)))


def many_apps(_effort: Effort) -> Samples:
    """Measure the windows a second of a thousand mini programs and thirty days."""
    with tempfile.TemporaryDirectory() as folder:
        apps = {f"wx{number:016d}": secret_for(str(number)) for number in range(_APPS)}
        with _serving(apps, Path(folder)) as url:
            store = Store(f"{folder}/apps.sqlite")
            begin = _begin(_DAYS)
            rate = _rate(_APPS * _DAYS, lambda: _synced(url, store, begin, apps))
            store.close()
    return Samples([rate], [])


def many_apps_memory(_effort: Effort) -> Samples:
    """Measure the peak memory in MiB of a process that only does the same sync."""
    with tempfile.TemporaryDirectory() as folder:
        apps = {f"wx{number:016d}": secret_for(str(number)) for number in range(_APPS)}
        with _serving(apps, Path(folder)) as url:
            place = f"{folder}/apps.sqlite"
            given = json.dumps([url, place, _begin(_DAYS).isoformat(), _NOW.isoformat(), apps])
            command = [sys.executable, "-c", _SYNC]
            done = subprocess.run(command, check=True, capture_output=True, text=True, input=given)
    stored, mebibytes = json.loads(done.stdout)
    if stored < _APPS * _DAYS:
        raise RuntimeError(f"The sync stored {stored} windows.")
    return Samples([mebibytes], [])


def known_time(effort: Effort) -> Samples:
    """Measure the seconds of a sync of 10,220 windows that are stored already."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"{folder}/known.sqlite")
        apps = {f"wx{number:016d}": "made-up" for number in range(_KNOWN_APPS)}
        series = Series(_API)
        for appid in apps:
            store.write([_answered(series, appid, period) for period in _year(series)])

        def measure() -> float:
            begun = time.perf_counter()
            done = sync(_API, _begin(_YEAR), store=store, apps=apps, clock=_CLOCK)
            seconds = time.perf_counter() - begun
            if done.calls or done.known != _KNOWN_APPS * _YEAR:
                raise RuntimeError(f"The sync is not complete: {done}")
            return seconds

        measure()
        samples = Samples([measure() for _ in range(effort.rounds)], [])
        store.close()
    return samples


def _year(series: Series) -> list[Any]:
    return list(series.windows(_begin(_YEAR), _TODAY, _TODAY))


def _answered(series: Series, appid: str, period: Any) -> Window:
    rows = [{"key": key, "value": key} for key, day in series.key_days(period) if day <= _TODAY]
    answer = {"ref_date": write_day(period.begin), "visit_uv_new": rows, "visit_uv": rows}
    due = series.next_due(period, answer, _TODAY)
    return Window(appid, _API, period, answer, asked=_NOW, due=due)
