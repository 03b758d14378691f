"""Time and memory of `cloud-openapi check --all` over many functions that load an SDK."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from cloud_openapi.runtime._memory import descendants
from scripts.bench.measuring import Effort, NotMeasuredError, Samples
from scripts.bench.starting import SDK, memory, node_modules

_FUNCTIONS = 100
_ROUNDS = 3
_PAUSE = 0.05
_API = "analysis.getDailyRetain"
_SOURCE = f"""\
const cloud = require('wx-server-sdk')
const period = require('./lib/period')
cloud.init({{ env: cloud.DYNAMIC_CURRENT_ENV }})
exports.main = async (event) => cloud.openapi.{_API}(period(event.day))
"""


def checked_time(_effort: Effort) -> Samples:
    """Measure the wall seconds of a check of a hundred functions."""
    return Samples(_checked()[0], [])


def checked_memory(_effort: Effort) -> Samples:
    """Measure the largest memory of that check in MiB, with all its processes."""
    return Samples(_checked()[1], [])


@cache
def _checked() -> tuple[list[float], list[float]]:
    with node_modules(SDK, "WX_SERVER_SDK") as modules, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "node_modules").symlink_to(modules)
        for number in range(_FUNCTIONS):
            _write(folder / "functions" / f"function{number}")
        runs = [_run(folder) for _ in range(_ROUNDS)]
    return [seconds for seconds, _ in runs], [mebibytes for _, mebibytes in runs]


def _write(function: Path) -> None:
    (function / "lib").mkdir(parents=True)
    (function / "index.js").write_text(_SOURCE)
    period = "module.exports = (day) => ({ beginDate: day, endDate: day })\n"
    (function / "lib" / "period.js").write_text(period)
    (function / "config.json").write_text(json.dumps({"permissions": {"openapi": [_API]}}))
    version = SDK.rpartition("@")[2]
    listed = {"name": function.name, "dependencies": {"wx-server-sdk": version}}
    (function / "package.json").write_text(json.dumps(listed))


def _run(folder: Path) -> tuple[float, float]:
    """Check all functions; return the seconds, and the peak of the memory in MiB."""
    code = "from cloud_openapi.cli import main; main()"
    command = [sys.executable, "-c", code, "check", "--all", "--json"]
    begun = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        peak = [0.0]
        watch = threading.Thread(target=_watch, args=(process, peak))
        watch.start()
        printed, _ = process.communicate()
        watch.join()
    if json.loads(printed):
        raise NotMeasuredError(f"check found {printed.strip()[:200]}")
    return time.perf_counter() - begun, peak[0]


def _watch(process: "subprocess.Popen[str]", peak: list[float]) -> None:
    while process.poll() is None:
        used = 0.0
        for pid in (process.pid, *descendants(process.pid)):
            with suppress(NotMeasuredError, OSError, ValueError):  # it has ended meanwhile
                used += memory(pid, "Pss")
        peak[0] = max(peak[0], used)
        time.sleep(_PAUSE)
