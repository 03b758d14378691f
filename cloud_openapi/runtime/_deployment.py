"""What the platform would refuse of a function that runs here, and what is not done here.

Runtimes: https://docs.cloudbase.net/en/cloud-function/runtime-support
"""

import shlex
from collections.abc import Iterator
from difflib import get_close_matches

from cloud_openapi.runtime._discovery import NAME
from cloud_openapi.runtime._files import FileError, read_object
from cloud_openapi.runtime._settings import RUNTIMES, Settings

_PYTHONS = ("Python3.11", "Python3.10", "Python3.9", "Python3.7")
# Of the page's "26.x" no exact name is known.
_NODES = ("Nodejs24.11", "Nodejs22.21", "Nodejs20.19", "Nodejs18.15", "Nodejs16.13")
_KEYS = ("permissions", "triggers", "timeout", "envVariables")
_NOT_DONE = {
    "layers": "layers are not emulated: what they hold is missing here",
    "triggers": "the emulator fires the triggers of config.json, not these",
}


def refused_name(name: str) -> str:
    """Return what the platform has against a function's name; nothing, if it takes it."""
    if NAME.fullmatch(name):
        return ""
    return (
        "a function's name is 2 to 60 of a-z, A-Z, 0-9, - and _, a letter first and a letter or "
        f"digit last, not {name!r}"
    )


def refused(settings: Settings) -> Iterator[str]:
    """Yield what keeps the platform, and not the emulator, from running a function."""
    entry, place = settings.entry, settings.place
    runtime, kind = entry.get("runtime"), entry.get("type", "Event")
    has_file = settings.file.is_file()
    if entry and runtime is None and settings.language == "python" and has_file:
        wanted = RUNTIMES["python"]
        yield f"{place}: runtime is missing, and the platform takes Node.js then: say {wanted}"
    python = isinstance(runtime, str) and runtime.lower().startswith("python")
    if python and runtime not in _PYTHONS:
        yield f"{place}: runtime: the platform has {', '.join(_PYTHONS)}, not {runtime!r}"
    if kind not in ("Event", "HTTP"):
        yield f"{place}: type must be Event or HTTP, not {kind!r}"
    if is_web(settings) and not (settings.folder / "scf_bootstrap").is_file():
        yield f"{settings.folder / 'scf_bootstrap'} is missing: it starts a function of type HTTP"


def is_web(settings: Settings) -> bool:
    """Say whether a function is a server of its own, and has no handler."""
    return settings.entry.get("type") == "HTTP"


def notes_of(settings: Settings) -> list[str]:
    """Return what may be a slip, and what of a function's settings the emulator does not do."""
    return [*_of_entry(settings), *_of_config(settings), *_of_requirements(settings)]


def _of_entry(settings: Settings) -> Iterator[str]:
    entry, place = settings.entry, settings.place
    if is_web(settings):
        yield f"{place}: type HTTP is not emulated: here its handler is invoked with an event"
    for key, text in _NOT_DONE.items():
        if entry.get(key):
            yield f"{place}: {text}"
    runtime = entry.get("runtime")
    if settings.language == "node" and isinstance(runtime, str) and runtime not in _NODES:
        yield f"{place}: runtime: the platform lists {', '.join(_NODES)}, not {runtime!r}"


def _of_config(settings: Settings) -> Iterator[str]:
    path = settings.folder / "config.json"
    try:
        config = read_object(path)
    except FileError:
        return  # that is a problem, not a note
    if config is None:
        yield f"{path} is missing: the function may call no API"
        return
    permissions = config.get("permissions")
    inner = permissions if isinstance(permissions, dict) else {}
    for where, given, known in (("", config, _KEYS), ("permissions.", inner, ("openapi",))):
        for key in given:
            if key not in known:
                meant = get_close_matches(key, known, 1)
                instead = f"; is it {where}{meant[0]}?" if meant else ""
                yield f"{path}: {where}{key} is no key that counts{instead}"


def _of_requirements(settings: Settings) -> Iterator[str]:
    path = settings.folder / "requirements.txt"
    if settings.language == "python" and path.is_file():
        lines = path.read_text("utf-8", "replace").splitlines()
        if any(line.strip() and not line.lstrip().startswith("#") for line in lines):
            how = shipped(settings, f"-r {shlex.quote(str(path))}")
            yield f"the platform does not install requirements.txt; {how}"


def shipped(settings: Settings, what: str) -> str:
    """Return how a Python function takes with it what the platform does not install."""
    runtime = settings.runtime if settings.runtime in _PYTHONS else RUNTIMES["python"]
    version = runtime.removeprefix("Python")
    return (
        f"upload a copy of {settings.folder} with it inside: pip install --target COPY "
        f"--platform manylinux2014_x86_64 --python-version {version} --only-binary=:all: {what}"
    )
