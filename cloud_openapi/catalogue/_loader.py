"""Read the catalogue from its folder."""

import json
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.catalogue._operation import Operation
from cloud_openapi.catalogue._written import FOLDER, Folder, Packed, written
from cloud_openapi.errors import ConfigError, UnknownAPIError
from cloud_openapi.known_names import nearest, shortened

_KEYS = frozenset(
    {
        "$schema",
        "name",
        "summary",
        "docs",
        "method",
        "path",
        "request",
        "response",
        "examples",
    }
)
SAME_AS = "same_as"
"""The key by which an entry takes all that it does not say itself from the entry of another API."""
# An entry has both of these, or neither.
_SIMULATED = frozenset({"rules", "simulation"})
_OPTIONAL = _SIMULATED | {"answers", "errors", "lacks", "query", "report", "tables"}
# The entry of a documented call of which the name alone is known.
_BARE: dict[str, Any] = {
    "summary": "A call without an entry in the catalogue, which only the gateway carries",
    "docs": "",
    "method": "POST",
    "path": "",
    "request": {"properties": {}},
    "response": {},
    "examples": [],
}


class Outline(NamedTuple):
    """An API without its schemas. Several APIs may share a path."""

    method: str
    path: str
    simulated: bool
    """Whether its answers are those of the simulated mini program."""
    report: str = ""
    """The report that shows its answers; empty without one."""


class Catalogue(Mapping[str, Operation]):
    """Every API that the package knows, by name. An entry is read when it is first used.

    Reading an entry with a key too many or too few, or in the wrong place, raises ConfigError.
    What entry.schema.json says beyond that is checked when the package is built: it needs
    jsonschema, which a deployed function does not carry.
    """

    def __init__(self, entries: Folder | Packed) -> None:
        self._entries = entries
        self._operations: dict[str, Operation] = {}

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Catalogue":
        """Return the catalogue of the entries below a folder."""
        return cls(written(folder))

    def __getitem__(self, name: str) -> Operation:
        found = self._operations.get(name)
        if found is None:
            found = self._operations[name] = Operation(_read(self._entries, name))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @cached_property
    def outlines(self) -> dict[str, Outline]:
        """The outline of each API by its name."""
        # The operations are not kept: all of them would take some megabytes.
        return {name: _outline(_read(self._entries, name)) for name in self._entries}

    def find(self, name: str) -> Operation:
        """Return an API. Raises UnknownAPIError, which suggests the nearest name."""
        if name in self._entries:
            return self[name]
        if name in documented_calls():
            raise without_entry(name)
        close = self.nearest(name)
        known = f"Known: {shortened(self._entries)}; cloud-openapi apis lists them."
        advice = f'Did you mean "{close}"?' if close else known
        raise _unknown(f'There is no API "{name}" in the catalogue. {advice}')

    def find_call(self, name: str) -> Operation:
        """Return an API, or for a documented call without an entry an operation without a path.

        Raises UnknownAPIError.
        """
        if name not in self._entries and name in documented_calls():
            return Operation({**_BARE, "name": name})
        return self.find(name)

    def nearest(self, name: str) -> str | None:
        """Return the API whose name is most like this one, if any is."""
        return nearest(name, self._entries)


def without_entry(name: str) -> UnknownAPIError:
    """Return the error of a documented call that needs the entry which the catalogue lacks."""
    return _unknown(
        f'WeChat documents "{name}", but the catalogue has no entry for it, so only the gateway '
        "can carry it, by its name. Functions use the gateway on the platform and in the emulator, "
        f"where a pin answers: cloud-openapi control pins add {name} --response '{{}}'"
    )


def _unknown(hint: str) -> UnknownAPIError:
    return UnknownAPIError(-604100, "system error: error code: -604100", hint)


@cache
def documented_calls() -> frozenset[str]:
    """Return the name of every cloud call on WeChat's pages, with an entry or without."""
    return frozenset((FOLDER / "cloud_calls.txt").read_text("ascii").split())


@cache
def default_catalogue() -> Catalogue:
    """Return the catalogue that the package ships, read once."""
    return Catalogue.load()


def entries(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Return the entries below a folder by name, as they are written. Raises ConfigError."""
    found = written(folder)
    return {name: _read(found, name) for name in found}


def entry_schema() -> dict[str, Any]:
    """Return the JSON Schema of an entry."""
    schema: dict[str, Any] = json.loads((FOLDER / "entry.schema.json").read_text("utf-8"))
    return schema


def _outline(entry: Mapping[str, Any]) -> Outline:
    return Outline(entry["method"], entry["path"], "simulation" in entry, entry.get("report", ""))


def _read(entries: Folder | Packed, name: str) -> dict[str, Any]:
    """Return the whole entry of an API. Raises ConfigError."""
    entry = entries[name]
    other = entry.pop(SAME_AS, None)
    if other is not None:
        if other not in entries:
            raise ConfigError(f"{entries.place(other)}: this entry is missing")
        entry = {**entries[other], **entry}
    needed = _KEYS | _SIMULATED if entry.keys() & _SIMULATED else _KEYS
    for keys, what in (
        (entry.keys() - _KEYS - _OPTIONAL, "unknown"),
        (needed - entry.keys(), "missing"),
    ):
        if keys:
            listed = ", ".join(sorted(keys))
            raise ConfigError(f"{entries.place(name)}: {what} key: {listed}")
    if entry["name"] != name:
        raise ConfigError(f'{entries.place(name)}: "name" is "{entry["name"]}", not "{name}"')
    return entry
