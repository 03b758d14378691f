"""Read the catalogue from its folder."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue._operation import Operation
from cloud_openapi.errors import ConfigError, UnknownAPIError
from cloud_openapi.known_names import nearest

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
        "rules",
        "response",
        "simulation",
        "examples",
    }
)

_OPTIONAL = frozenset({"tables"})


class Catalogue(Mapping[str, Operation]):
    """Every API that the package knows, by name."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = dict(operations)

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Catalogue":
        """Read ``<namespace>/<method>.json`` below a folder.

        An entry with a key too many or too few, or in the wrong place, stops the load with a
        ConfigError. What entry.schema.json says beyond that is checked when the package is
        built: it needs jsonschema, which a deployed function does not carry.
        """
        return cls({name: Operation(entry) for name, entry in entries(folder).items()})

    def __getitem__(self, name: str) -> Operation:
        return self._operations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    def find(self, name: str) -> Operation:
        """Return an API. Raises UnknownAPIError, which suggests the nearest name."""
        if name in self._operations:
            return self._operations[name]
        close = self.nearest(name)
        known = f"cloud-openapi apis lists them. Known: {', '.join(self)}."
        advice = f'Did you mean "{close}"?' if close else known
        raise UnknownAPIError(
            -604100,
            "system error: error code: -604100",
            f'There is no API "{name}" in the catalogue. {advice}',
        )

    def nearest(self, name: str) -> str | None:
        """Return the API whose name is most like this one, if any is."""
        return nearest(name, self._operations)


@cache
def default_catalogue() -> Catalogue:
    """Return the catalogue that the package ships, read once."""
    return Catalogue.load()


def entries(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Return the entries below a folder by name, as they are written. Raises ConfigError."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*/*.json")):
        entry = _read(path)
        expected = f"{path.parent.name}.{path.stem}"
        if entry["name"] != expected:
            raise ConfigError(f'{path}: "name" is "{entry["name"]}", not "{expected}"')
        found[expected] = entry
    return found


def entry_schema() -> dict[str, Any]:
    """Return the JSON Schema of an entry."""
    schema: dict[str, Any] = json.loads((FOLDER / "entry.schema.json").read_text("utf-8"))
    return schema


def _read(path: Path) -> dict[str, Any]:
    try:
        entry = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}") from None
    if not isinstance(entry, dict):
        raise ConfigError(f"{path}: an entry is a JSON object, not {type(entry).__name__}")
    for keys, what in (
        (entry.keys() - _KEYS - _OPTIONAL, "unknown"),
        (_KEYS - entry.keys(), "missing"),
    ):
        if keys:
            raise ConfigError(f"{path}: {what} key: {', '.join(sorted(keys))}")
    return entry
