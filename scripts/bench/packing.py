"""Uploads of functions: their size, and the time that packing takes."""

import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from scripts.bench.measuring import ROOT, Effort, NotMeasuredError, Samples

_FUNCTION = "getDailyRetain"
_CODE = "from cloud_openapi.cli import main; main()"


@cache
def _packed(effort: Effort, installer: str) -> tuple[list[float], list[float]]:
    """Return the wall seconds of packing a function, and the size of its zip file in MB."""
    seconds, sizes = [], []
    with tempfile.TemporaryDirectory() as folder:
        options = ["--functions", str(ROOT / "functions"), "--to", folder, "--zip", "--no-rc"]
        options += ["--installer", installer]
        # The first one does not count: it downloads packages.
        for _ in range(1 + effort.rounds):
            begun = time.perf_counter()
            ended = subprocess.run(
                [sys.executable, "-c", _CODE, "package", _FUNCTION, *options],
                check=False,
                capture_output=True,
                text=True,
            )
            seconds.append(time.perf_counter() - begun)
            if ended.returncode:
                raise NotMeasuredError(ended.stderr.splitlines()[-1])
            sizes.append(Path(folder, f"{_FUNCTION}.zip").stat().st_size / 1e6)
    return seconds[1:], sizes[1:]


def packing_time(effort: Effort, installer: str) -> Samples:
    """Measure the wall seconds of `cloud-openapi package`, with packages from the cache."""
    return Samples(_packed(effort, installer)[0], [])


def packed_size(effort: Effort) -> Samples:
    """Measure the MB of a function's zip file with the gateway's packages."""
    return Samples(_packed(effort, "auto")[1], [])
