"""Read the catalogue from its folder."""

import json
import os
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.catalogue._operation import Operation
from cloud_openapi.errors import ConfigError, UnknownAPIError
from cloud_openapi.known_names import nearest, shortened

FOLDER = Path(__file__).parent
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

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)
        self._operations: dict[str, Operation] = {}

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Catalogue":
        """Return the catalogue of the files ``<namespace>/<method>.json`` below a folder."""
        return cls(_files(folder))

    def __getitem__(self, name: str) -> Operation:
        found = self._operations.get(name)
        if found is None:
            found = self._operations[name] = Operation(_read(self._files[name], name))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    @cached_property
    def outlines(self) -> dict[str, Outline]:
        """The outline of each API by its name."""
        # The operations are not kept: all of them would take some megabytes.
        return {name: _outline(_read(path, name)) for name, path in self._files.items()}

    def find(self, name: str) -> Operation:
        """Return an API. Raises UnknownAPIError, which suggests the nearest name."""
        if name in self._files:
            return self[name]
        if name in documented_calls():
            raise without_entry(name)
        close = self.nearest(name)
        known = f"Known: {shortened(self._files)}; cloud-openapi apis lists them."
        advice = f'Did you mean "{close}"?' if close else known
        raise _unknown(f'There is no API "{name}" in the catalogue. {advice}')

    def find_call(self, name: str) -> Operation:
        """Return an API, or for a documented call without an entry an operation without a path.

        Raises UnknownAPIError.
        """
        if name not in self._files and name in documented_calls():
            return Operation({**_BARE, "name": name})
        return self.find(name)

    def nearest(self, name: str) -> str | None:
        """Return the API whose name is most like this one, if any is."""
        return nearest(name, self._files)


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
    return {name: _read(path, name) for name, path in _files(folder).items()}


def entry_schema() -> dict[str, Any]:
    """Return the JSON Schema of an entry."""
    schema: dict[str, Any] = json.loads((FOLDER / "entry.schema.json").read_text("utf-8"))
    return schema


def _files(folder: Path) -> dict[str, Path]:
    """Return the files of the entries by the names of their APIs."""
    found = {}
    for namespace in _names(folder):
        within = folder / namespace
        if within.is_dir():
            for name in _names(within):
                if name.endswith(".json"):
                    found[f"{namespace}.{name.removesuffix('.json')}"] = within / name
    return found


def _outline(entry: Mapping[str, Any]) -> Outline:
    return Outline(entry["method"], entry["path"], "simulation" in entry, entry.get("report", ""))


def _object(path: Path) -> dict[str, Any]:
    try:
        entry = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: this entry is missing") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}") from None
    if not isinstance(entry, dict):
        raise ConfigError(f"{path}: an entry is a JSON object, not {type(entry).__name__}")
    return entry


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in os.scandir(folder))


def _read(path: Path, name: str) -> dict[str, Any]:
    """Return the entry of an API. Raises ConfigError."""
    entry = _object(path)
    other = entry.pop(SAME_AS, None)
    if other is not None:
        namespace, _, method = str(other).rpartition(".")
        entry = {**_object(path.parent.parent / namespace / f"{method}.json"), **entry}
    needed = _KEYS | _SIMULATED if entry.keys() & _SIMULATED else _KEYS
    for keys, what in (
        (entry.keys() - _KEYS - _OPTIONAL, "unknown"),
        (needed - entry.keys(), "missing"),
    ):
        if keys:
            raise ConfigError(f"{path}: {what} key: {', '.join(sorted(keys))}")
    if entry["name"] != name:
        raise ConfigError(f'{path}: "name" is "{entry["name"]}", not "{name}"')
    return entry
