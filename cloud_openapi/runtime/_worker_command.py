"""The command line of a worker, in Python or Node.js, with or without a debugger."""

import importlib.util
import json
import os
import shutil
import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.errors import ConfigError
from cloud_openapi.runtime._moved_clock import MovedClock
from cloud_openapi.runtime._packages import PREINSTALLED
from cloud_openapi.runtime._python import interpreter, python_of
from cloud_openapi.runtime._settings import Settings

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parent
_HOST = "127.0.0.1"
_PORTS = {"python": 5678, "node": 9229}
NODE_VARIABLE = "CLOUD_OPENAPI_NODE"
_LAST_PORT = 65535


class MissingProgramError(ConfigError):
    """A program that a function needs is not installed; the message says what to do."""


class Debug(NamedTuple):
    """The function to debug, and the debugger's port (None: the language's default).

    With ``wait`` its process loads the module once a debugger is attached.
    """

    function: str
    port: int | None = None
    wait: bool = False

    @classmethod
    def parse(cls, text: str) -> "Debug":
        """Read NAME or NAME:PORT. Raises ConfigError."""
        name, colon, port = text.partition(":")
        if not name or (colon and not (port.isdecimal() and 0 < int(port) <= _LAST_PORT)):
            raise ConfigError(f"--debug takes NAME or NAME:PORT, not {text!r}")
        return cls(name, int(port) if port else None)

    def port_of(self, settings: Settings) -> int:
        """Return the port where the debugger of the function listens."""
        return self.port or _PORTS[settings.language]

    def describe(self, settings: Settings) -> dict[str, Any]:
        """Return the debugger's address as JSON, with a configuration for VS Code's launch.json."""
        port = self.port_of(settings)
        launch: dict[str, Any] = {"name": self.function, "request": "attach"}
        if settings.language == "node":
            launch |= {"type": "node", "address": _HOST, "port": port, "restart": True}
            launch |= {"skipFiles": ["<node_internals>/**"]}
        else:
            launch |= {"type": "debugpy", "connect": {"host": _HOST, "port": port}}
        return {
            "function": self.function,
            "language": settings.language,
            "host": _HOST,
            "port": port,
            "wait": self.wait,
            "launch": launch,
        }


def command_of(  # noqa: PLR0913 - each with a default but the first two
    settings: Settings,
    packages: list[Path],
    debug_port: int | None = None,
    *,
    wait: bool = False,
    clock: MovedClock | None = None,
    bare: bool = False,
    uploaded: bool = False,
) -> list[str]:
    """Return the command that loads a function, without the descriptors of the worker's pipes.

    With a port, ``wait`` loads it once a debugger is attached. Its module sees the time of
    ``clock``. ``bare`` hides packages from a Python function that its upload does not have.
    ``uploaded`` runs an upload: with nothing but its own files, which it cannot write, and with the
    Python of its runtime if this machine has it. Raises MissingProgramError.
    """
    check_clock(settings, clock)
    node = settings.language == "node"
    task = {
        "file": str(settings.file),
        "handler": settings.handler,
        "packages": [str(path) for path in packages],
        "platform": _platform(bare=bare, uploaded=uploaded),
        "read_only": uploaded,
        "port": debug_port,
        "wait": wait,
        "clock": clock,
    }
    if node:
        program = _node(debug_port)
    else:
        program = _python(debug_port, wait=wait, isolated=bare or uploaded)
        if uploaded:
            program[0] = interpreter(python_of(settings)) or sys.executable
    return [*program, json.dumps(task)]


def check_clock(settings: Settings, clock: MovedClock | None) -> None:
    """Raise MissingProgramError if a function cannot be shown a clock."""
    if clock is not None and settings.language == "python" and not _is_installed("time_machine"):
        raise MissingProgramError(
            "time-machine is not installed, so a Python function cannot see the emulator's time: "
            "pip install time-machine"
        )


@cache
def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _python(debug_port: int | None, *, wait: bool, isolated: bool) -> list[str]:
    alone = ["-I", "-S", "-B"] if isolated else []
    debugger = []
    if debug_port is not None:
        if not _is_installed("debugpy"):
            raise MissingProgramError(
                "debugpy is not installed, so a Python function cannot be debugged: "
                "pip install debugpy"
            )
        debugger = ["-Xfrozen_modules=off", "-m", "debugpy", "--listen", f"{_HOST}:{debug_port}"]
        debugger += ["--wait-for-client"] if wait else []
    return [sys.executable, *alone, *debugger, str(_HERE / "_bootstrap.py")]


def node_program() -> str:
    """Return the path of Node.js. Raises MissingProgramError."""
    wanted = os.environ.get(NODE_VARIABLE) or "node"
    node = shutil.which(wanted)
    if node is None:
        raise MissingProgramError(
            f'Node.js is missing: the program "{wanted}" was not found. Install it from '
            f"https://nodejs.org, or set {NODE_VARIABLE} to its path."
        )
    return node


def _node(debug_port: int | None) -> list[str]:
    # Node.js would write the debugger's address to stderr, which is the function's log.
    debugger = [] if debug_port is None else ["--inspect-publish-uid=http"]
    return [node_program(), *debugger, str(_HERE / "_bootstrap.js")]


def _platform(*, bare: bool, uploaded: bool) -> dict[str, list[str]]:
    """Return the packages of this machine that a function sees; empty for all of them."""
    if uploaded:
        return {"names": [], "paths": []}
    if not bare:
        return {}
    paths = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    # The copy that is uploaded has this package, see packing/.
    names = [*PREINSTALLED, _PACKAGE.name]
    return {"names": names, "paths": sorted({*paths, str(_PACKAGE.parent)})}
