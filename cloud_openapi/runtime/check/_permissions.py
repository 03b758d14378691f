"""Compare the permissions that a config.json lists with the APIs that the sources call."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.catalogue.cloud_calls import cloud_calls, meant_call
from cloud_openapi.runtime._discovery import read_permissions
from cloud_openapi.runtime._files import FileError, shown_path
from cloud_openapi.runtime._settings import Settings
from cloud_openapi.runtime.check._facts import Named
from cloud_openapi.runtime.check._finding import Finding, Fix, Place, Reporter
from cloud_openapi.runtime.check._json_file import JsonFile
from cloud_openapi.runtime.check._sources import Sources, read_sources

_KEY = "permissions.openapi"


class Calls(NamedTuple):
    """The APIs that the sources of a function call, each with the place of its first call."""

    places: Mapping[str, Place]
    complete: bool
    """False if the sources could not be read, or do not spell out each API."""


def calls_of(functions: Sequence[Settings]) -> dict[str, Calls]:
    """Return what the sources of functions call, by the names of the functions."""
    used = {each.settings.name: _Used(each) for each in read_sources(functions)[0]}
    return {name: Calls(each.calls, each.complete) for name, each in used.items()}


def check_permissions(sources: Sources) -> Iterator[Finding]:
    """Yield the findings on what a function's config.json lists, and on what its sources call."""
    path = sources.settings.folder / "config.json"
    try:
        listed: Sequence[str] | None = read_permissions(path)
    except FileError:
        listed = None  # another check reports it, and nothing is known of the permissions
    used = _Used(sources)
    declared = _Declared(JsonFile(path), listed, Reporter(sources.settings.name))
    yield from declared.findings()
    yield from used.findings(declared)
    if listed is not None and used.complete:
        # A misspelt call, which is a problem of its own, means a listed API too.
        yield from declared.unused(used.names | {meant_call(name) or name for name in used.names})


class _Declared:
    """The names that a config.json lists."""

    def __init__(self, file: JsonFile, listed: Sequence[str] | None, report: Reporter) -> None:
        self._file = file
        self._report = report
        self.path = str(file.path)
        self.shown = shown_path(file.path)
        self.is_known = listed is not None
        self.names = tuple(dict.fromkeys(listed or ()))
        self._counts = Counter(listed or ())
        self._places = {name: file.at(f"{_KEY}[{n}]") for n, name in enumerate(listed or ())}
        self.meant = {name: meant for name in self.names if (meant := meant_call(name))}

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each name that permits nothing, and for each duplicate."""
        for name in self.names:
            place = self._places[name]
            if "*" in name:
                text = f'{_KEY}: "{name}" is not a wildcard and permits nothing; list each API'
                fix = Fix(self.path, remove=name)
                yield self._report.problem(place, "wildcard-permission", text, fix=fix)
            elif name in self.meant:
                meant = self.meant[name]
                text = (
                    f'{_KEY}: "{name}" is not an API and permits nothing; did you mean "{meant}"?'
                )
                fix = Fix(self.path, meant, name)
                yield self._report.problem(place, "misspelt-permission", text, fix=fix)
            elif name not in cloud_calls():
                text = f'{_KEY}: WeChat documents no cloud call "{name}"'
                yield self._report.note(place, "unknown-api", text)
            if self._counts[name] > 1:
                text = f'{_KEY} lists "{name}" {self._counts[name]} times'
                yield self._report.note(place, "repeated-permission", text)

    def unused(self, used: set[str]) -> Iterator[Finding]:
        """Yield a note for each API that the sources do not call."""
        for name in self.names:
            if name in cloud_calls() and name not in used:
                text = f'{_KEY}: "{name}" is listed, but no source of the function calls it'
                yield self._report.note(self._places[name], "unused-permission", text)

    def permits(self, name: str) -> bool:
        """Return whether an API is listed, or would be without a misspelling."""
        return not self.is_known or name in self.names or name in self.meant.values()


class _Used:
    """The APIs that the sources call."""

    def __init__(self, sources: Sources) -> None:
        self._report = Reporter(sources.settings.name)
        self._loaded = sources.loaded()
        self._unresolved: list[tuple[Place, str]] = []
        # The first place of each API.
        self.calls: dict[str, Place] = {}
        for file, facts in self._loaded.items():
            for call in facts.calls:
                if call.sure or _has_namespace(call):
                    place = Place(sources.path(file), call.line, call.column)
                    self.calls.setdefault(call.name, place)
            for each in facts.unresolved:
                if each.sure:
                    place = Place(sources.path(file), each.line, each.column)
                    self._unresolved.append((place, each.name))
        unread = any(facts.mistake for facts in self._loaded.values())
        self.names = set(self.calls)
        self.complete = (
            bool(self._loaded)
            and sources.all_read
            and not (sources.unread or self._unresolved or unread)
        )

    def findings(self, declared: _Declared) -> Iterator[Finding]:
        """Yield a finding for each API that is unknown, not permitted or not emulated."""
        for name, place in self.calls.items():
            meant = meant_call(name)
            if meant:
                text = f'{name} is not an API of WeChat; did you mean "{meant}"?'
                yield self._report.problem(place, "misspelt-api", text)
            elif not declared.permits(name):
                yield self._missing(name, place, declared)
            if name not in cloud_calls() and not meant:
                text = f"WeChat documents no cloud call {name}"
                yield self._report.note(place, "unknown-api", text)
            elif name in cloud_calls() and name not in default_catalogue():
                yield self._report.note(place, "not-emulated", _not_emulated(name))
        for place, text in self._unresolved:
            message = (
                f"{text}: the source does not spell out the API, so its permission cannot be "
                f"checked; list each API that is called here in {_KEY}"
            )
            yield self._report.note(place, "unresolved-call", message)

    def _missing(self, name: str, place: Place, declared: _Declared) -> Finding:
        text = (
            f"{name} is not permitted (-604101 on the platform): add "
            f'"{name}" to {_KEY} in {declared.shown}'
        )
        fix = Fix(declared.path, add=name)
        return self._report.problem(place, "missing-permission", text, fix=fix)


def _not_emulated(name: str) -> str:
    return (
        f"{name} is not emulated, and fails here with -604100; to pin a response: "
        f"cloud-openapi control pins add {name} --response '{{}}'"
    )


def _has_namespace(call: Named) -> bool:
    """Return whether an uncertain call names an API, or the namespace of one."""
    namespace = call.name.rpartition(".")[0]
    return any(known.startswith(f"{namespace}.") for known in cloud_calls())
