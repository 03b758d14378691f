"""Load a function as the platform does, and find out why it does not load."""

import json
import os
import re
from collections.abc import Iterator, Mapping

from cloud_openapi.runtime._descriptors import reason_of
from cloud_openapi.runtime._listed import is_listed, package_of
from cloud_openapi.runtime._log import InvocationLog, Log
from cloud_openapi.runtime._outcome import of_worker_error
from cloud_openapi.runtime._packages import installed_for, is_missing
from cloud_openapi.runtime._process import ForkServer
from cloud_openapi.runtime._reasons import (
    absent_module,
    absent_part,
    failed_import,
    own_module,
)
from cloud_openapi.runtime._settings import Settings
from cloud_openapi.runtime._worker import Limits, Worker, WorkerError
from cloud_openapi.runtime._worker_command import MissingProgramError, command_of
from cloud_openapi.runtime.check._finding import Finding, Place, Reporter
from cloud_openapi.runtime.check._modules import advice_on

# Seconds; generous, since a slow start is not the function's problem.
_LOADING = 30.0


def check_loading(
    settings: Settings,
    environment: Mapping[str, str],
    fork_server: ForkServer,
    *,
    uploaded: bool = False,
) -> Iterator[Finding]:
    """Load a function in a new worker, without packages that the platform does not have.

    ``uploaded`` loads an upload: see `command_of`.
    """
    report = Reporter(settings.name)
    place = Place(str(settings.file))
    if not settings.file.is_file():
        text = f"it is missing: it must define {settings.handler}(event, context)"
        yield report.problem(place, "missing-handler", text)
        return
    try:
        answer = _loaded(settings, environment, fork_server, uploaded=uploaded)
    except (MissingProgramError, OSError) as error:
        yield report.problem(place, "does-not-load", reason_of(error))
        return
    except _FailedError as error:
        yield report.problem(place, "does-not-load", "it does not load:", str(error))
        return
    if answer.get("failed") == "handler":
        text = str(answer["message"])
        yield report.problem(place, "missing-handler", text)
    elif answer:
        yield _of_failure(settings, answer, place, report)


class _FailedError(Exception):
    """The worker gave no answer; the message says why."""


def _loaded(
    settings: Settings, environment: Mapping[str, str], fork_server: ForkServer, *, uploaded: bool
) -> dict[str, object]:
    installed = installed_for(settings)
    own = {**environment, "NODE_PATH": os.pathsep.join(map(str, installed))}
    log = InvocationLog(Log())
    command = command_of(settings, installed, bare=True, uploaded=uploaded)
    worker = Worker(command, settings.folder, own, fork_server)
    try:
        answer: dict[str, object] = json.loads(
            worker.ask(b"", Limits(_LOADING, settings.memory), log.own)
        )
    except WorkerError as error:
        log.platform(of_worker_error(error, _LOADING).message)
        raise _FailedError(log.text.strip()) from None
    finally:
        worker.close()
    return answer


def _of_failure(
    settings: Settings, answer: Mapping[str, object], place: Place, report: Reporter
) -> Finding:
    """Return the finding on a module that raised an error."""
    message, stack = str(answer["message"]), str(answer["stack"])
    place = _last_own_frame(settings, stack) or place
    if not answer["missing"]:
        details = stack + _hint(stack)
        return report.problem(place, "does-not-load", "it does not load:", details)
    name = absent_module(message)
    message = message.partition(" (working directory")[0]
    if not name:
        details = f"{stack}\n{failed_import(settings, message)}".rstrip()
        return report.problem(place, "does-not-load", f"it does not load: {message}", details)
    code = _code(settings, name)
    # The place says who needs it, unless that is a package.
    details = f"{stack}\n" if _passes_packages(stack) else ""
    details += advice_on(settings, name)
    return report.problem(place, code, f"it does not load: {message}", details)


def _code(settings: Settings, name: str) -> str:
    """Return the code of a finding on a module that is missing."""
    own = settings.language == "python" and own_module(settings, name)
    if own or name.startswith((".", "/")) or absent_part(settings, name):
        return "missing-file"
    is_waiting = is_missing(settings) and is_listed(settings, package_of(settings, name))
    return "not-installed" if is_waiting else "unlisted-package"


def _passes_packages(stack: str) -> bool:
    return "/node_modules/" in stack or "/site-packages/" in stack


def _last_own_frame(settings: Settings, stack: str) -> Place | None:
    folder = re.escape(str(settings.folder))
    python, node = rf'File "({folder}/[^"]+)", line (\d+)()', rf"({folder}/[^\s():]+):(\d+):(\d+)"
    if settings.language == "python":
        frames = re.findall(python, stack)[-1:]
    else:
        frames = re.findall(node, stack)[:1]
    return next((Place(file, int(line), int(column or 0)) for file, line, column in frames), None)


def _hint(stack: str) -> str:
    found = re.search(r"\nKeyError: '(\w+)'$", stack) if "os.environ[" in stack else None
    where = "envVariables of cloudbaserc.json, and in the platform's console"
    return f"\nThe variable {found[1]} is not set: set it in {where}" if found else ""
