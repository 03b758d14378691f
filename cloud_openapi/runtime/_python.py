"""The Python that a function runs with on the platform, and that of this machine."""

import re
import shutil
import subprocess
import sys
from functools import cache
from typing import NamedTuple

from cloud_openapi.runtime._settings import RUNTIMES, Settings

_RUNTIME = re.compile(r"Python(\d+)\.(\d+)", re.IGNORECASE)
_PROBE = "import sys; print(*sys.version_info[:2])"
_SECONDS = 10


class Python(NamedTuple):
    """A version of Python; its text is ``3.10``."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


HERE = Python(*sys.version_info[:2])


def python_of(settings: Settings) -> Python:
    """Return the version that a Python function's runtime names."""
    found = _RUNTIME.match(settings.runtime) or _RUNTIME.match(RUNTIMES["python"])
    return Python(int(found[1]), int(found[2])) if found else HERE


@cache
def interpreter(version: Python) -> str | None:
    """Return this machine's program of a version of Python, None if it has none."""
    if version == HERE:
        return sys.executable
    program = shutil.which(f"python{version}")
    if program is None:
        return None
    try:
        # A manager of versions may have a script of this name that starts nothing.
        ended = subprocess.run(  # noqa: S603 - a Python
            [program, "-I", "-S", "-c", _PROBE],
            check=False,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return program if ended.stdout.split() == [str(part) for part in version] else None
