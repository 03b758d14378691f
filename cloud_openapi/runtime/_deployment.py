"""Differences between the platform and the emulator that matter to a function.

Runtimes: https://docs.cloudbase.net/en/cloud-function/runtime-support
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.runtime._discovery import NAME, read_permissions
from cloud_openapi.runtime._files import FileError, read_object, repeated_keys
from cloud_openapi.runtime._outside import references_outside
from cloud_openapi.runtime._project import functions_option
from cloud_openapi.runtime._settings import RUNTIMES, Settings
from cloud_openapi.runtime._upload import has_package, uses_package

_PYTHONS = ("Python3.11", "Python3.10", "Python3.9", "Python3.7")
# The page also lists "26.x", without the exact name.
_NODES = ("Nodejs24.11", "Nodejs22.21", "Nodejs20.19", "Nodejs18.15", "Nodejs16.13")
_KEYS = ("permissions", "triggers", "timeout", "envVariables")
_ENTRY_KEYS = ("handler", "runtime", "timeout", "memorySize", "envVariables", "type", "dir")
_CLOSE = 0.8
_NOT_DONE = {
    "layers": "layers are not emulated: their files are missing here",
    "triggers": "the emulator fires the triggers of config.json, not these",
    "ignore": "ignore is not applied: here the function has these files",
    "vpc": "the network of a vpc is not emulated",
}


def refused_name(name: str) -> str:
    """Return why a function's name is invalid on the platform, empty if it is valid."""
    if NAME.fullmatch(name):
        return ""
    return (
        "a function's name is 2 to 60 of a-z, A-Z, 0-9, - and _; it begins with a letter and ends "
        f"with a letter or digit, unlike {name!r}"
    )


def refused(settings: Settings) -> Iterator[str]:
    """Yield the problems that a function has on the platform, but not in the emulator."""
    entry, place = settings.entry, settings.place
    runtime, kind = entry.get("runtime"), entry.get("type", "Event")
    has_file = settings.file.is_file()
    if entry and runtime is None and settings.language == "python" and has_file:
        wanted = RUNTIMES["python"]
        yield f"{place}: runtime is missing, and the default is Node.js: set it to {wanted}"
    python = isinstance(runtime, str) and runtime.lower().startswith("python")
    if python and runtime not in _PYTHONS:
        yield f"{place}: runtime: the platform has {', '.join(_PYTHONS)}, not {runtime!r}"
    if kind not in ("Event", "HTTP"):
        yield f"{place}: type must be Event or HTTP, not {kind!r}"
    if is_web(settings) and not (settings.folder / "scf_bootstrap").is_file():
        yield f"{settings.folder / 'scf_bootstrap'} is missing: it starts a function of type HTTP"


def is_web(settings: Settings) -> bool:
    """Return whether a function is of type HTTP: a server of its own, without a handler."""
    return settings.entry.get("type") == "HTTP"


def notes_of(settings: Settings) -> list[str]:
    """Return notes on possible mistakes and on settings that the emulator ignores."""
    outside = (str(each) for each in references_outside(settings) if not each.module)
    return [
        *_of_entry(settings),
        *_of_config(settings),
        *_of_requirements(settings),
        *outside,
    ]


def _of_entry(settings: Settings) -> Iterator[str]:
    entry, place = settings.entry, settings.place
    if is_web(settings):
        yield f"{place}: type HTTP is not emulated: here its handler is invoked with an event"
    for key, text in _NOT_DONE.items():
        if entry.get(key):
            yield f"{place}: {text}"
    for key in entry.keys() - set(_ENTRY_KEYS):
        # Of the many other keys none matters here.
        if meant := get_close_matches(key, _ENTRY_KEYS, 1, _CLOSE):
            yield f"{place}: {key} is unknown and ignored; did you mean {meant[0]}?"
    runtime = entry.get("runtime")
    if settings.language == "node" and isinstance(runtime, str) and runtime not in _NODES:
        yield f"{place}: runtime: the platform lists {', '.join(_NODES)}, not {runtime!r}"


def _of_config(settings: Settings) -> Iterator[str]:
    path = settings.folder / "config.json"
    try:
        config, listed, repeated = read_object(path), read_permissions(path), repeated_keys(path)
    except FileError:
        return  # a problem, not a note
    if config is None:
        yield f"{path} is missing: the function is not permitted to call any API"
        return
    permissions = config.get("permissions")
    inner = permissions if isinstance(permissions, dict) else {}
    for where, given, known in (("", config, _KEYS), ("permissions.", inner, ("openapi",))):
        for key in given:
            if key not in known:
                meant = get_close_matches(key, known, 1)
                instead = f"; did you mean {where}{meant[0]}?" if meant else ""
                yield f"{path}: {where}{key} is unknown and ignored{instead}"
    yield from (f"{path}: {note}" for note in _of_permissions(listed))
    yield from (f"{path}: {key} is there twice, and the last one counts" for key in repeated)


def _of_requirements(settings: Settings) -> Iterator[str]:
    path = settings.folder / "requirements.txt"
    if settings.language == "python" and path.is_file():
        lines = path.read_text("utf-8", "replace").splitlines()
        if any(line.strip() and not line.lstrip().startswith("#") for line in lines):
            yield f"the platform does not install requirements.txt; {shipped(settings)}"
            return
    if settings.language == "python" and uses_package(settings) and not has_package(settings):
        yield f"the platform does not have cloud_openapi; {shipped(settings)}"


def wrong_permissions(names: Iterable[str]) -> Iterator[str]:
    """Yield a text for each name in permissions.openapi that cannot be an API's."""
    for name in dict.fromkeys(names):
        if "*" in name:
            yield f'permissions.openapi: "{name}" is not a wildcard and permits nothing'
        elif meant := _meant(name):
            yield (
                f'permissions.openapi: "{name}" is not an API and permits nothing; '
                f'did you mean "{meant}"?'
            )


def _meant(name: str) -> str | None:
    """Return the API that a wrong name means, None for a name that WeChat may know."""
    catalogue = default_catalogue()
    namespace = name.strip().lower().removeprefix("openapi.").partition(".")[0]
    may_be = "." in name and namespace not in {known.partition(".")[0] for known in catalogue}
    return None if name in catalogue or may_be else catalogue.nearest(name)


def _of_permissions(names: Sequence[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f'permissions.openapi lists "{name}" {count} times'
        if name not in default_catalogue() and not any(wrong_permissions([name])):
            yield f'permissions.openapi: "{name}" is not in the catalogue, and not emulated'


def shipped(settings: Settings) -> str:
    """Return how to upload a Python function with packages that the platform does not have."""
    option = functions_option(settings.root)
    return f"upload the copy that this makes: cloud-openapi package {settings.name}{option}"
