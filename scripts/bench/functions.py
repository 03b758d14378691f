"""Functions in worker processes, compared with other programs that run functions."""

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Literal

from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Functions
from scripts.bench.calls import Call
from scripts.bench.load import load, timed_answers
from scripts.bench.measuring import Effort, NotMeasuredError, Samples, alternate, fresh
from scripts.bench.servers import emulator
from scripts.bench.speed import ask, started
from scripts.bench.starting import SDK, memory, node_modules

FUNCTIONS_FRAMEWORK = "functions-framework==3.10.2"
TCB_FF = "@cloudbase/functions-framework@1.18.0"

Language = Literal["python", "node"]

_EVENT = b'{"beginDate": "20170313", "endDate": "20170313"}'
_FILES = {"python": "index.py", "node": "index.js"}
_EMPTY = {
    "python": "def main(event, context):\n    return {}\n",
    "node": "exports.main = async (event, context) => ({})\n",
}
# The same for functions-framework, which passes Flask's request.
_EMPTY_OF_FLASK = "def main(request):\n    event = request.get_json()\n    return {}\n"
_PROCESS = {
    "python": "import os\n\ndef main(event, context):\n    return {'pid': os.getpid()}\n",
    "node": "exports.main = async () => ({ pid: process.pid })\n",
}
_SLEEPING = """import time

def main(event, context):
    begun = time.perf_counter()
    time.sleep(event["seconds"])
    return {"seconds": time.perf_counter() - begun}
"""
_SLEEPING_OF_FLASK = _SLEEPING.replace(
    "main(event, context):", "main(request):\n    event = request.get_json()"
)


def against_functions_framework(effort: Effort, connections: int) -> Samples:
    """Measure an empty Python function's calls per second, here and in functions-framework."""
    with (
        functions_framework(_EMPTY_OF_FLASK) as theirs,
        functions({"empty": _EMPTY["python"]}, "python") as folder,
    ):
        return _compare(effort, folder, theirs, connections)


def against_tcb_ff(effort: Effort, connections: int) -> Samples:
    """Measure an empty Node.js function's calls per second, here and in CloudBase's tcb-ff."""
    with (
        node_modules(TCB_FF, "TCB_FF") as modules,
        functions({"empty": _EMPTY["node"]}, "node") as folder,
    ):
        program = str(modules / "@cloudbase" / "functions-framework" / "bin" / "tcb-ff.js")
        options = ("--source", str(folder / "empty"), "--port")
        with started("node", program, *options) as theirs:
            return _compare(effort, folder, theirs, connections)


def overhead(effort: Effort, language: Language, seconds: float | None = None) -> Samples:
    """Measure the wall seconds of a warm invocation, minus the time inside the function.

    Each round yields the median of its calls. The function sleeps for ``seconds``; None means an
    empty function.
    """
    code = _EMPTY[language] if seconds is None else _SLEEPING
    call = Call("/v1/functions/measured", json.dumps({"seconds": seconds}).encode())
    with (
        functions({"measured": code}, language) as folder,
        emulator("--functions", str(folder)) as (url, _),
    ):
        _median_overhead(url, call, 1)
        calls = effort.calls if seconds is None else max(effort.calls // 10, 5)
        return Samples([_median_overhead(url, call, calls) for _ in range(effort.rounds)], [])


def overhead_against_functions_framework(effort: Effort, seconds: float) -> Samples:
    """Measure the overhead of a function that sleeps, here and in functions-framework.

    It runs functions in the server's own process, so its overhead has one process switch less.
    """
    event = json.dumps({"seconds": seconds}).encode()
    here, there = Call("/v1/functions/measured", event), Call("/", event)
    calls = max(effort.calls // 10, 5)
    with (
        functions_framework(_SLEEPING_OF_FLASK) as theirs,
        functions({"measured": _SLEEPING}, "python") as folder,
        emulator("--functions", str(folder)) as (ours, _),
    ):
        return alternate(
            effort.rounds,
            partial(_median_overhead, ours, here, calls),
            partial(_median_overhead, theirs, there, calls),
        )


def cold_python(effort: Effort) -> Samples:
    """Measure the wall seconds until the first answer of a new worker that imports requests."""
    code = f"import requests\n\n{_EMPTY['python']}"
    with functions({"warm": _EMPTY["python"], "cold": code}, "python") as folder:
        python = fresh(sys.executable, "-c", "import requests")
        return alternate(effort.many, partial(_cold_start, folder), python)


def cold_node(effort: Effort) -> Samples:
    """Measure the wall seconds until the first answer of a new worker with wx-server-sdk."""
    with node_modules(SDK, "WX_SERVER_SDK") as modules:
        sdk = f"require({json.dumps(str(modules / 'wx-server-sdk'))})"
        sources = {"warm": _EMPTY["node"], "cold": f"{sdk}\n{_EMPTY['node']}"}
        with functions(sources, "node") as folder:
            return alternate(effort.many, partial(_cold_start, folder), fresh("node", "-e", sdk))


def worker_memory(effort: Effort, language: Language, kind: str) -> Samples:
    """Measure the memory of a worker after a call in MiB; ``kind`` is Linux's Rss or Pss."""
    with functions({"process": _PROCESS[language]}, language) as folder:
        return Samples([_memory_of_worker(folder, kind) for _ in range(effort.rounds)], [])


@contextmanager
def functions(sources: dict[str, str], language: Language) -> Iterator[Path]:
    """Yield a temporary folder of functions with these sources."""
    with tempfile.TemporaryDirectory() as name:
        for function, source in sources.items():
            folder = Path(name, function)
            folder.mkdir()
            (folder / _FILES[language]).write_text(source, "utf-8")
        yield Path(name)


@contextmanager
def functions_framework(source: str) -> Iterator[str]:
    """Yield the URL of a functions-framework that runs ``main`` of this source."""
    with framework_python() as python, tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "main.py")
        file.write_text(source, "utf-8")
        options = ("--source", str(file), "--target", "main", "--port")
        with started(python, "-m", "functions_framework", *options) as url:
            yield url


@contextmanager
def framework_python() -> Iterator[str]:
    """Yield a Python with functions-framework: FUNCTIONS_FRAMEWORK_PYTHON or a temporary one."""
    given = os.environ.get("FUNCTIONS_FRAMEWORK_PYTHON")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        command = [python, "-m", "pip", "install", "--quiet", FUNCTIONS_FRAMEWORK]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            raise NotMeasuredError(f"pip could not install {FUNCTIONS_FRAMEWORK}")
        yield python


def _compare(effort: Effort, folder: Path, theirs: str, connections: int) -> Samples:
    with emulator("--functions", str(folder)) as (ours, _):
        here, there = Call("/v1/functions/empty", _EVENT, b"{}"), Call("/", _EVENT)
        ask(theirs, there)
        return alternate(
            effort.rounds,
            partial(load, ours, [here], effort.seconds, connections),
            partial(load, theirs, [there], effort.seconds, connections),
        )


def _median_overhead(url: str, call: Call, calls: int) -> float:
    spent: list[float] = [
        seconds - json.loads(answer).get("seconds", 0)
        for seconds, answer in timed_answers(url, call, calls)
    ]
    return median(spent)


def _cold_start(folder: Path) -> float:
    with closing(Functions(folder, {})) as runtime:
        now = datetime.now(BEIJING)
        # The first worker also starts the guardian process.
        runtime.invoke("warm", {}, now)
        begun = time.perf_counter()
        outcome = runtime.invoke("cold", {}, now)
        ended = time.perf_counter()
    if outcome.result != {}:
        raise RuntimeError(f"The measured call returns an error: {outcome.result}")
    return ended - begun


def _memory_of_worker(folder: Path, kind: str) -> float:
    with emulator("--functions", str(folder)) as (url, _):
        ((_, answer),) = timed_answers(url, Call("/v1/functions/process", _EVENT), 1)
        return memory(json.loads(answer)["pid"], kind)
