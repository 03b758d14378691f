"""The command report over a year that a store has."""

import subprocess
import sys
import tempfile
import time
from datetime import date, datetime
from pathlib import Path

from cloud_openapi.history import Store, Window
from cloud_openapi.periods import BEIJING, period_with
from scripts.bench.measuring import Effort, Samples

_API = "analysis.getDailyRetain"
_KEYS = (0, *range(1, 8), 14, 30)
_DAYS = 365
_LAST = period_with("day", date(2026, 3, 10))
_ASKED = datetime(2026, 4, 30, 12, tzinfo=BEIJING)
_REPORT = [sys.executable, "-c", "from cloud_openapi.cli import main; main()", "report"]


def stored_year(effort: Effort) -> Samples:
    """Measure the wall seconds of a report of a year, with the start of Python."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "history.sqlite")
        store = Store(file)
        store.write([_window(age) for age in range(_DAYS)])
        store.close()
        # The first start does not count: it compiles modules.
        seconds = [_seconds(file) for _ in range(1 + effort.rounds)]
    return Samples(seconds[1:], [])


def _window(age: int) -> Window:
    period = _LAST.after(-age)
    rows = [{"key": key, "value": (1000 + age) // (key + 1)} for key in _KEYS]
    answer = {"ref_date": period.ref, "visit_uv_new": rows, "visit_uv": rows}
    return Window("wxdemo000000000000", _API, period, answer, asked=_ASKED)


def _seconds(store: str) -> float:
    command = [*_REPORT, "retention", "--store", store, "--last", str(_DAYS)]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begun
    if done.stdout.count("\n") < _DAYS:
        raise RuntimeError("The report lacks days.")
    return seconds
