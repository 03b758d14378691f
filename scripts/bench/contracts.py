"""The cost of the contract, the recordings and the pytest plugin in tests."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.contract import violations
from scripts.bench.measuring import Effort, Measure, NotMeasuredError, Samples, alternate

_API = "analysis.getDailyRetain"
_OPERATION = default_catalogue()[_API]
_ANSWER = _OPERATION.examples[0]["response"]
_FILES, _OF_EACH = 100, 100
_TESTS = 100


def validations(effort: Effort) -> Samples:
    """Measure the valid answers checked per second, by this package and by jsonschema."""
    good = Draft202012Validator(_OPERATION.schema("https", "response")).is_valid

    def ours() -> bool:
        return not violations(_ANSWER, _API, "https", "response")

    return alternate(effort.rounds, _rate(effort, ours), _rate(effort, lambda: good(_ANSWER)))


def _rate(effort: Effort, judge: Any) -> Measure:
    def measure() -> float:
        begun = time.process_time()
        good = all(judge() for _ in range(effort.calls))
        seconds = time.process_time() - begun
        if not good:
            raise RuntimeError("The documented answer violates the schema.")
        return effort.calls / seconds

    return measure


class _Verified(NamedTuple):
    seconds: float
    mebibytes: float


def verified_time(effort: Effort) -> Samples:
    """Measure the wall seconds of `cloud-openapi verify` for ten thousand recordings."""
    return Samples([_verified(effort).seconds], [])


def verified_memory(effort: Effort) -> Samples:
    """Measure the peak memory of the same command in MiB."""
    return Samples([_verified(effort).mebibytes], [])


@cache
def _verified(_effort: Effort) -> _Verified:
    # From /proc, because ru_maxrss starts with the memory of the parent process.
    code = (
        "import atexit, pathlib, sys\n"
        "status = pathlib.Path('/proc/self/status')\n"
        "atexit.register(lambda: sys.stderr.write(status.read_text()))\n"
        "from cloud_openapi.cli import main\n"
        "sys.argv = ['cloud-openapi', 'verify', sys.argv[1]]\nmain()\n"
    )
    if not Path("/proc/self/status").exists():
        raise NotMeasuredError("only Linux reports the peak memory")
    with _recordings() as folder:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True
        )
        seconds = time.perf_counter() - begun
    peak = re.search(r"VmHWM:\s+(\d+) kB", done.stderr)
    if peak is None:
        raise NotMeasuredError("the process did not report its peak memory")
    return _Verified(seconds, int(peak[1]) / 1024)


@contextmanager
def _recordings() -> Iterator[Path]:
    """Yield a folder of a hundred cassettes with a hundred recordings each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(_FILES):
            entries = [_entry(number * _OF_EACH + n) for n in range(_OF_EACH)]
            text = json.dumps({"version": 1, "interactions": entries})
            (folder / f"{number:03d}.json").write_text(text, "utf-8")
        yield folder


def _entry(number: int) -> dict[str, Any]:
    day = (date(2018, 1, 1) + timedelta(days=number % 2000)).strftime("%Y%m%d")
    body = json.dumps({"begin_date": day, "end_date": day})
    return {
        "request": {
            "method": _OPERATION.method,
            "uri": f"https://api.weixin.qq.com{_OPERATION.path}?access_token=REDACTED",
            "body": body,
            "headers": {},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {},
            "body": {"string": json.dumps({**_ANSWER, "ref_date": day})},
        },
    }


def unused_plugin(effort: Effort) -> Samples:
    """Measure the wall seconds that the plugin adds to a pytest run without its fixtures."""
    code = (
        "import time, pytest\nbegun = time.perf_counter()\nimport pytest_cloud_openapi\n"
        "print(time.perf_counter() - begun)"
    )
    command = [sys.executable, "-c", code]

    def measure() -> float:
        return float(subprocess.run(command, capture_output=True, check=True).stdout)

    measure()
    return Samples([measure() for _ in range(effort.rounds)], [])


_HOOKS = """
    spent = {}
    def pytest_runtest_logreport(report):
        if report.when != "call":
            spent[report.nodeid] = spent.get(report.nodeid, 0) + report.duration
    def pytest_sessionfinish():
        import pathlib, statistics
        first, *others = spent.values()
        pathlib.Path("spent").write_text(str(statistics.median(others)))
"""


def used_plugin(effort: Effort) -> Samples:
    """Measure the seconds of set-up and tear-down of a test, except the session's first test."""
    source = f"""
        import pytest
        @pytest.mark.parametrize("number", range({_TESTS}))
        def test_it(number, cloud):
            cloud.openapi.analysis.getDailyRetain(beginDate="20170313", endDate="20170313")
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(dedent(_HOOKS))
        (folder / "test_it.py").write_text(dedent(source))
        config = {"permissions": {"openapi": [_API]}}
        (folder / "config.json").write_text(json.dumps(config))

        def measure() -> float:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            return float((folder / "spent").read_text())

        return Samples([measure() for _ in range(effort.rounds)], [])
