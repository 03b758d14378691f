"""Find what the platform refuses, or does otherwise, by a function's settings.

Web functions: https://docs.cloudbase.net/cloud-function/develop/scf-bootstrap
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud_openapi.errors import ConfigError
from cloud_openapi.json_schema.values import kind
from cloud_openapi.known_names import nearest
from cloud_openapi.runtime._discovery import read_permissions
from cloud_openapi.runtime._files import FileError, read_object, repeated_keys
from cloud_openapi.runtime._project import functions_option
from cloud_openapi.runtime._settings import (
    BOOTSTRAP,
    NODES,
    PYTHONS,
    RUNTIMES,
    Settings,
    is_http,
)
from cloud_openapi.runtime._timer import read_timer
from cloud_openapi.runtime.check._finding import Finding, Place, Reporter
from cloud_openapi.runtime.check._json_file import JsonFile
from cloud_openapi.runtime.packing import has_package, uses_package

_KEYS = ("permissions", "triggers", "timeout", "envVariables")
_ENTRY_KEYS = ("handler", "runtime", "timeout", "memorySize", "envVariables", "type", "dir")
_CLOSE = 0.8
_NOT_DONE = {
    "layers": "layers are not emulated: their files are missing here",
    "triggers": "the emulator fires the triggers of config.json, not these",
    "ignore": "ignore is not applied: here the function has these files",
    "vpc": "the network of a vpc is not emulated",
}
_MOST_BYTES = 64 * 1024


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Yield the findings on config.json, cloudbaserc.json, package.json and scf_bootstrap."""
    checks = _Checks(settings)
    yield from checks.config()
    yield from checks.entry()
    yield from checks.bootstrap()
    yield from checks.package_json() if settings.language == "node" else checks.requirements()


@contextmanager
def _collected(problems: dict[str, None], begin: str = "") -> Iterator[None]:
    """Add the text of an error to others; ``begin`` is put before that of a ConfigError."""
    try:
        yield
    except FileError as error:
        problems[str(error)] = None
    except ConfigError as error:
        problems[f"{begin}{error}"] = None


class _Checks:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.folder
        self._report = Reporter(settings.name)
        self._config = JsonFile(settings.folder / "config.json")
        self._rc = JsonFile(Path(settings.place.partition(": ")[0]))

    def config(self) -> Iterator[Finding]:
        """Yield what is wrong in the settings and in config.json."""
        path = self._config.path
        problems = dict.fromkeys(self._settings.problems)
        with _collected(problems):
            read_permissions(path)
        with _collected(problems, f"{path}: "):
            read_timer(read_object(path) or {})
        for text in problems:
            place, message = self._located(text)
            code = "invalid-timer" if message.startswith("triggers") else "invalid-setting"
            code = "invalid-json" if message.startswith(("not JSON", "cannot be read")) else code
            yield self._report.problem(place, code, message)
        yield from self._keys()

    def _located(self, text: str) -> tuple[Place, str]:
        found = self._config.located(text) or self._rc.located(text)
        return found or (Place(str(self._folder)), text)

    def _keys(self) -> Iterator[Finding]:
        """Yield the keys of config.json that the platform does not know, or that are repeated."""
        path = self._config.path
        try:
            config, repeated = read_object(path) or {}, repeated_keys(path)
        except FileError:
            return  # a problem already
        permissions = config.get("permissions")
        inner = permissions if isinstance(permissions, dict) else {}
        for where, given, known in (("", config, _KEYS), ("permissions.", inner, ("openapi",))):
            for key in given:
                if key not in known:
                    meant = nearest(key, known)
                    instead = f"; did you mean {where}{meant}?" if meant else ""
                    text = f"{where}{key} is unknown and ignored{instead}"
                    yield self._report.note(self._config.at(f"{where}{key}"), "unknown-key", text)
        for key in repeated:
            text = f"{key} is there twice, and the last one counts"
            yield self._report.note(self._config.at(key), "repeated-key", text)

    def entry(self) -> Iterator[Finding]:
        """Yield what the platform refuses, and what is not emulated, of cloudbaserc.json."""
        for text in self._refused():
            place, message = self._located(f"{self._settings.place}: {text}")
            yield self._report.problem(place, "invalid-setting", message)
        for code, text in self._unlike():
            place, message = self._located(f"{self._settings.place}: {text}")
            yield self._report.note(place, code, message)

    def _refused(self) -> Iterator[str]:
        entry = self._settings.entry
        runtime, form = entry.get("runtime"), entry.get("type", "Event")
        is_python = self._settings.language == "python" and self._settings.file.is_file()
        if entry and runtime is None and is_python:
            wanted = RUNTIMES["python"]
            yield f"runtime is missing, and the default is Node.js: set it to {wanted}"
        named = isinstance(runtime, str) and runtime.lower().startswith("python")
        if named and runtime not in PYTHONS:
            yield f"runtime: the platform has {', '.join(PYTHONS)}, not {runtime!r}"
        if str(form).upper() not in ("EVENT", "HTTP"):
            yield f"type must be Event or HTTP, not {form!r}"

    def _unlike(self) -> Iterator[tuple[str, str]]:
        entry = self._settings.entry
        if is_http(self._settings):
            text = "type HTTP is not emulated: here its handler is invoked with an event"
            yield "web-function", text
        for key, text in _NOT_DONE.items():
            if entry.get(key):
                yield "not-emulated", text
        for key in entry.keys() - set(_ENTRY_KEYS):
            # Of the many other keys none matters here.
            if meant := nearest(key, _ENTRY_KEYS, _CLOSE):
                yield "unknown-key", f"{key} is unknown and ignored; did you mean {meant}?"
        runtime = entry.get("runtime")
        is_node = self._settings.language == "node" and isinstance(runtime, str)
        if is_node and runtime not in NODES:
            text = f"runtime: the platform lists {', '.join(NODES)}, not {runtime!r}"
            yield "invalid-setting", text

    def bootstrap(self) -> Iterator[Finding]:
        """Yield what is wrong with the file that starts a web function."""
        path = self._folder / BOOTSTRAP
        place = Place(str(path))
        of_type = is_http(self._settings)
        if not path.is_file():
            if of_type:
                text = "it is missing: it starts a function of type HTTP"
                yield self._report.problem(place, "web-function", text)
            return
        if not of_type:
            text = (
                "it starts a web function, which is not emulated: here the handler is invoked "
                "with an event"
            )
            yield self._report.note(place, "web-function", text)
        with path.open("rb") as file:
            begin = file.read(_MOST_BYTES)
        wrong = {
            "its first line must name its interpreter, such as #!/bin/bash": begin[:2] != b"#!",
            "its lines end in CRLF, and on Linux they must end in LF": b"\r\n" in begin,
            "it is not executable: chmod 755 scf_bootstrap": not os.access(path, os.X_OK),
        }
        for text, is_wrong in wrong.items():
            if is_wrong:
                yield self._report.problem(place, "web-function", text)

    def package_json(self) -> Iterator[Finding]:
        """Yield what is wrong in package.json, and a note on a node_modules beside it."""
        file = JsonFile(self._folder / "package.json")
        try:
            content = read_object(file.path) or {}
        except FileError as error:
            place, message = file.located(str(error)) or (Place(str(file.path)), str(error))
            yield self._report.problem(place, "invalid-json", message)
            return
        for key in ("dependencies", "optionalDependencies"):
            listed = content.get(key, {})
            if not isinstance(listed, dict):
                text = f"{key} must be an object of names and versions, not {kind(listed)}"
                yield self._report.problem(file.at(key), "invalid-setting", text)
                continue
            for name, version in listed.items():
                if not isinstance(version, str):
                    text = f"{key}: {name}: the version must be a string, not {kind(version)}"
                    yield self._report.problem(file.at(key), "invalid-setting", text)
        modules = self._folder / "node_modules"
        if modules.is_dir() and not modules.is_symlink():
            text = (
                "it is uploaded with the function, as it is on this machine: delete it, and let "
                "the platform install what package.json lists"
            )
            yield self._report.note(Place(str(modules)), "uploaded-dependencies", text)

    def requirements(self) -> Iterator[Finding]:
        """Yield a note on Python packages, which the platform does not install."""
        settings, path = self._settings, self._folder / "requirements.txt"
        lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
        option = functions_option(settings.root)
        how = f"upload the copy that this makes: cloud-openapi package {settings.name}{option}"
        if any(line.strip() and not line.lstrip().startswith("#") for line in lines):
            text = f"the platform does not install requirements.txt; {how}"
            yield self._report.note(Place(str(path)), "uploaded-dependencies", text)
        elif uses_package(settings) and not has_package(settings):
            text = f"the platform does not have cloud_openapi; {how}"
            yield self._report.note(Place(str(settings.file)), "uploaded-dependencies", text)
