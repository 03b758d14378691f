"""Find the problems that a function would have on the platform."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from cloud_openapi.errors import ConfigError
from cloud_openapi.runtime._deployment import is_web, refused, wrong_permissions
from cloud_openapi.runtime._descriptors import reason_of
from cloud_openapi.runtime._discovery import read_permissions
from cloud_openapi.runtime._files import FileError, read_object
from cloud_openapi.runtime._log import InvocationLog, Log
from cloud_openapi.runtime._outcome import of_worker_error
from cloud_openapi.runtime._outside import references_outside
from cloud_openapi.runtime._packages import PREINSTALLED, installed_for, is_missing
from cloud_openapi.runtime._process import ForkServer
from cloud_openapi.runtime._project import install_command
from cloud_openapi.runtime._settings import Settings
from cloud_openapi.runtime._timer import read_timer
from cloud_openapi.runtime._worker import Limits, Worker, WorkerError
from cloud_openapi.runtime._worker_command import MissingProgramError, command_of

# Seconds; generous, since a slow start is not the function's problem.
_LOADING = 30.0


def problems_of(
    settings: Settings, environment: Mapping[str, str], fork_server: ForkServer
) -> list[str]:
    """Return the problems of a function: of its settings, its config.json and its module."""
    config = settings.folder / "config.json"
    # Both readers of config.json report it if it is not JSON.
    problems = list(
        dict.fromkeys([*settings.problems, *refused(settings), *_config_problems(config)])
    )
    problems += [str(each) for each in references_outside(settings) if each.module]
    if is_web(settings):
        return problems
    if not settings.file.is_file():
        message = f"it must define {settings.handler}(event, context)"
        return [*problems, f"{settings.file} is missing: {message}"]
    return [*problems, *_load_problems(settings, environment, fork_server)]


def _config_problems(path: Path) -> Iterator[str]:
    try:
        yield from (f"{path}: {wrong}" for wrong in wrong_permissions(read_permissions(path)))
    except FileError as error:
        yield str(error)
    try:
        read_timer(read_object(path) or {})
    except FileError as error:
        yield str(error)
    except ConfigError as error:
        yield f"{path}: {error}"


def _load_problems(
    settings: Settings, environment: Mapping[str, str], fork_server: ForkServer
) -> list[str]:
    """Load the function in a new worker, without packages that the platform does not have."""
    installed = installed_for(settings)
    own = {**environment, "NODE_PATH": os.pathsep.join(map(str, installed))}
    log = InvocationLog(Log())
    try:
        command = command_of(settings, installed, bare=True)
        worker = Worker(command, settings.folder, own, fork_server)
    except (MissingProgramError, OSError) as error:
        return [reason_of(error)]
    try:
        answer = json.loads(worker.ask(b"", Limits(_LOADING, settings.memory), log.own))
    except WorkerError as error:
        log.platform(of_worker_error(error, _LOADING).message)
        return [f"{settings.file} does not load: {log.text.strip()}"]
    finally:
        worker.close()
    if not answer:
        return []
    if answer["failed"] == "handler":
        return [str(answer["message"])]
    if answer["missing"]:
        text = f"{settings.file} does not load: {answer['message']}\n{answer['stack']}"
        return [text + _advice(settings, answer["message"])]
    return [f"{settings.file} does not load:\n{answer['stack']}" + _hint(answer["stack"])]


def _hint(stack: str) -> str:
    found = re.search(r"\nKeyError: '(\w+)'$", stack) if "os.environ[" in stack else None
    where = "envVariables of cloudbaserc.json, and in the platform's console"
    return f"\nThe variable {found[1]} is not set: set it in {where}" if found else ""


def _advice(settings: Settings, message: str) -> str:
    found = re.search(
        r"[Nn]o module named '(\w+)|Cannot find (?:module|package) '([^']+)'", message
    )
    name = (found[1] or found[2]) if found else ""
    if not name:
        dotless = "is not part of a package: import the modules beside it without the dot"
        return f"\n{settings.file.name} {dotless}" if "relative import" in message else ""
    if name.startswith((".", "/")):
        return f"\nThe file {name} is not in {settings.folder}; file names are case-sensitive"
    if name in PREINSTALLED:
        return f"\nThe platform has {name} installed, but this machine does not: pip install {name}"
    above = settings.folder.parent / name
    if above.is_dir() or above.with_name(f"{name}.py").is_file():
        return f"\nOnly {settings.folder} is uploaded: {above} must be copied into it"
    listed = "requirements.txt" if settings.language == "python" else "package.json"
    state = "it is not installed yet" if is_missing(settings) else f"list it in {listed}"
    return f"\nThe platform does not have {name}; {state}: {install_command(settings)}"
