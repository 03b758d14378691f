"""How one function is deployed: language, handler, limits and variables."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloud_openapi.json_schema.values import is_c_string, kind
from cloud_openapi.runtime._files import FileError, read_object
from cloud_openapi.runtime._template import fill_from_process

SUFFIXES = {"python": (".py",), "node": (".js", ".cjs", ".mjs")}
BOOTSTRAP = "scf_bootstrap"
RUNTIMES = {"python": "Python3.10", "node": "Nodejs20.19"}
LANGUAGE_NAMES = {"node": "Node.js", "python": "Python"}
# https://docs.cloudbase.net/en/cloud-function/runtime-support
PYTHONS = ("Python3.11", "Python3.10", "Python3.9", "Python3.7")
# The page also lists "26.x", without the exact name.
NODES = ("Nodejs24.11", "Nodejs22.21", "Nodejs20.19", "Nodejs18.15", "Nodejs16.13")

_HANDLER = re.compile(r"([\w-]+(?:/[\w-]+)*)\.([A-Za-z_$][\w$]*)")
_RESERVED = ("SCF_", "QCLOUD_", "TENCENTCLOUD_", "TECENTCLOUD_")
_LONGEST_TIMEOUT = 900
_MEMORIES = (64, *range(128, 3073, 128))
_MOST_VARIABLES = 4096
# The settings that config.json may have, too.
_OF_CONFIG = {"timeout", "envVariables"}


@dataclass(frozen=True)
class Settings:
    """The settings that deploy a function; with ``problems`` it cannot run.

    ``timeout`` is in seconds, ``memory`` in MB; ``file`` holds the handler.
    """

    name: str
    folder: Path
    timeout: float
    memory: int
    language: str = "python"
    runtime: str = ""
    file: Path = Path()
    handler: str = "main"
    variables: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    # The entry in cloudbaserc.json, and its place in the file, for messages.
    entry: Mapping[str, Any] = field(default_factory=dict, compare=False)
    place: str = field(default="", compare=False)
    # The folder of all functions, for messages; an entry may place a function elsewhere.
    root: Path = field(default=Path(), compare=False)
    # The file that sets each key; a default has none.
    origins: Mapping[str, Path] = field(default_factory=dict, compare=False)


def read_settings(
    name: str, folder: Path, entry: Mapping[str, Any], rc: Path | None, defaults: "Settings"
) -> Settings:
    """Return the settings of a function from its entry in cloudbaserc.json and its config.json.

    cloudbaserc.json overrides config.json. An invalid setting becomes a problem that names the
    file and the key.
    """
    reader = _Reader()
    config = folder / "config.json"
    own = reader.get(lambda: read_object(config), None) or {}
    where = f'{rc}: functions, "{name}"'
    language, runtime = reader.get(lambda: _language(folder, entry, where), ("python", ""))
    handler = reader.get(lambda: _handler(entry, where), ("index", "main"))
    timeout, memory = defaults.timeout, defaults.memory
    variables: dict[str, str] = {}
    origins = dict.fromkeys(_OF_CONFIG & own.keys(), config)
    if rc is not None:
        origins |= dict.fromkeys(entry, rc)
    for place, source in ((str(config), own), (where, entry)):
        if "timeout" in source:
            timeout = reader.get(lambda p=place, s=source: _timeout(s, p), timeout)  # type: ignore[misc]
        if "envVariables" in source:
            variables = reader.get(lambda p=place, s=source: _variables(s, p), variables)  # type: ignore[misc]
    if "memorySize" in entry:
        memory = reader.get(lambda: _memory(entry, where), memory)
    return Settings(
        name=name,
        folder=folder,
        timeout=timeout,
        memory=memory,
        language=language,
        runtime=runtime,
        file=_file(folder, handler[0], language),
        handler=handler[1],
        variables=variables,
        problems=tuple(reader.problems),
        entry=entry,
        place=where,
        root=defaults.folder,
        origins=origins,
    )


class _Reader:
    """Collects error messages, so that one mistake does not hide the next."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def get(self, read: Callable[[], Any], default: Any) -> Any:
        try:
            return read()
        except FileError as error:
            self.problems.append(str(error))
            return default


def is_http(settings: Settings) -> bool:
    """Return whether cloudbaserc.json gives a function the type HTTP, in any case of letters."""
    form = settings.entry.get("type")
    return isinstance(form, str) and form.upper() == "HTTP"


def is_web(settings: Settings) -> bool:
    """Return whether a function is a web function: a server of its own, without a handler."""
    return is_http(settings) or (settings.folder / BOOTSTRAP).is_file()


def entry_file(folder: Path) -> Path | None:
    """Return the file that makes a folder a function without an entry in cloudbaserc.json.

    index.js comes before index.py, since Node.js is the platform's default. None if the folder has
    neither.
    """
    for name in ("index.js", "index.cjs", "index.mjs", "index.py"):
        # Called at every invocation, and pathlib is slower.
        if os.path.isfile(f"{folder}/{name}"):  # noqa: PTH113
            return folder / name
    return None


def _language(folder: Path, entry: Mapping[str, Any], where: str) -> tuple[str, str]:
    runtime = entry.get("runtime")
    if runtime is None:
        found = entry_file(folder)
        language = "python" if found is None or found.suffix == ".py" else "node"
        return language, RUNTIMES[language]
    for prefix, language in (("python", "python"), ("nodejs", "node")):
        if isinstance(runtime, str) and runtime.lower().startswith(prefix):
            return language, runtime
    raise FileError(
        f"{where}: runtime must be a version of Python or Node.js, such as Python3.10 or "
        f"Nodejs18.15; {runtime!r} cannot run here"
    )


def _handler(entry: Mapping[str, Any], where: str) -> tuple[str, str]:
    handler = entry.get("handler", "index.main")
    found = _HANDLER.fullmatch(handler) if isinstance(handler, str) else None
    if found is None:
        raise FileError(
            f"{where}: handler must be file.function such as index.main, not {handler!r}"
        )
    return found[1], found[2]


def _file(folder: Path, stem: str, language: str) -> Path:
    candidates = [folder / (stem + suffix) for suffix in SUFFIXES[language]]
    # Unlike is_file, isfile raises nothing for a name that is too long.
    return next((path for path in candidates if os.path.isfile(path)), candidates[0])  # noqa: PTH113


def _timeout(source: Mapping[str, Any], where: str) -> int:
    value = source["timeout"]
    if type(value) is not int or not 1 <= value <= _LONGEST_TIMEOUT:
        raise FileError(f"{where}: timeout must be a whole number of seconds, 1 to 900: {value!r}")
    return value


def _memory(source: Mapping[str, Any], where: str) -> int:
    value = source["memorySize"]
    if type(value) is not int or value not in _MEMORIES:
        raise FileError(
            f"{where}: memorySize must be 64 or a multiple of 128 up to 3072 (MB), not {value!r}"
        )
    return value


def _variables(source: Mapping[str, Any], where: str) -> dict[str, str]:
    given = source["envVariables"]
    if not isinstance(given, dict):
        raise FileError(f"{where}: envVariables must be an object, not {kind(given)}")
    found = {}
    for key, value in given.items():
        if not isinstance(value, str):
            raise FileError(f"{where}: envVariables.{key} must be a string, not {kind(value)}")
        if not is_c_string(key + value):
            raise FileError(
                f"{where}: envVariables.{key}: no variable has a NUL or half a surrogate pair"
            )
        if not key or "=" in key or key.upper().startswith(_RESERVED):
            reserved = ", ".join(_RESERVED[:3])
            raise FileError(f"{where}: envVariables.{key}: a name may not begin with {reserved}")
        try:
            found[key] = fill_from_process(value)
        except KeyError as error:
            message = f"{error.args[0]} is not set here, and not in .env or .env.local"
            raise FileError(f"{where}: envVariables.{key}: {message}") from None
    if sum(len(f"{key}={value}".encode()) for key, value in found.items()) > _MOST_VARIABLES:
        raise FileError(f"{where}: envVariables are more than 4 KB together")
    return found
