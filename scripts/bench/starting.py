"""Start times and memory."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from scripts.bench.calls import documented_call
from scripts.bench.measuring import Effort, Measure, NotMeasuredError, Samples, alternate, fresh
from scripts.bench.servers import emulator

SDK = "wx-server-sdk@4.0.2"


def initialised() -> Measure:
    """Return a measure of a new process that initialises the facade."""
    code = "from cloud_openapi import cloud; cloud.init(base_url='http://127.0.0.1:1')"
    return fresh(sys.executable, "-c", code)


def import_against_requests(effort: Effort) -> Samples:
    """Measure the wall seconds of a new process with this package, and with requests."""
    return alternate(effort.many, initialised(), fresh(sys.executable, "-c", "import requests"))


def import_against_node(effort: Effort) -> Samples:
    """Measure the wall seconds of a process with this package, and of Node.js with the SDK."""
    with node_modules(SDK, "WX_SERVER_SDK") as folder:
        code = f"require({json.dumps(str(folder / 'wx-server-sdk'))})"
        return alternate(effort.many, initialised(), fresh("node", "-e", code))


@contextmanager
def node_modules(package: str, variable: str) -> Iterator[Path]:
    """Yield a node_modules folder with an npm package: the variable's, or a temporary one."""
    given = os.environ.get(variable)
    for program in ("node",) if given else ("node", "npm"):
        if shutil.which(program) is None:
            raise NotMeasuredError(f"{program} is missing")
    if given:
        yield Path(given).resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, package]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            raise NotMeasuredError(f"npm could not install {package}")
        yield Path(folder, "node_modules")


@cache
def started(effort: Effort) -> tuple[list[float], list[float]]:
    """Return the wall seconds from start to first answered call, and the MiB after it."""
    seconds, mebibytes = [], []
    # The first start does not count: it compiles modules and reads from the disk.
    for _ in range(1 + effort.rounds):
        begun = time.perf_counter()
        with emulator() as (url, process):
            documented_call(url)
            seconds.append(time.perf_counter() - begun)
            mebibytes.append(memory(process))
    return seconds[1:], mebibytes[1:]


def memory(process: int, kind: str = "Rss") -> float:
    """Return a process's memory in MiB: Rss counts shared pages fully, Pss proportionally."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text("utf-8")
    except FileNotFoundError as error:
        raise NotMeasuredError(f"{error.filename} is missing") from error
    (kibibytes,) = re.findall(rf"^{kind}: +(\d+) kB$", text, re.MULTILINE)
    return int(kibibytes) / 1024


def processor_time(effort: Effort, **variables: str) -> Samples:
    """Measure the CPU seconds of `cloud-openapi --help`, or of a completion by its variables."""
    code = "from cloud_openapi.cli import main; main()"
    command = [sys.executable, "-c", code, *([] if variables else ["--help"])]
    seconds = []
    for _ in range(1 + effort.many):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    # The first one does not count: it compiles modules and reads from the disk.
    return Samples(seconds[1:], [])


def completion(effort: Effort, line: str) -> Samples:
    """Measure the CPU seconds of the completion of a command line."""
    last = str(line.count(" "))
    return processor_time(
        effort, _CLOUD_OPENAPI_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=last
    )


def start_time(effort: Effort) -> Samples:
    """Measure the wall seconds from the start of `serve` to the first answered call."""
    return Samples(started(effort)[0], [])


def idle_memory(effort: Effort) -> Samples:
    """Measure the memory of `cloud-openapi serve` in MiB after its first call."""
    return Samples(started(effort)[1], [])
