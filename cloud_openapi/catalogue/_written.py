"""The entries as they are written: a file each in a folder, or all in one file of a wheel.

The one file takes a third of the room in a wheel.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cloud_openapi.errors import ConfigError

FOLDER = Path(__file__).parent
# A line with the length of each entry by its name, then a line for each entry.
_PACKED = "entries.jsonl"


class Folder(Mapping[str, dict[str, Any]]):
    """The entries of the files ``<namespace>/<method>.json`` below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.fspath(folder)
        self._found = dict.fromkeys(_entries_below(folder))

    def __getitem__(self, name: str) -> dict[str, Any]:
        if name not in self._found:
            raise KeyError(name)
        place = self.place(name)
        # The emulator reads all entries when it starts, and pathlib is slower: here and below.
        with open(place, "rb") as file:  # noqa: PTH123
            return _entry(file.read(), place)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def place(self, name: str) -> str:
        """Return where an entry stands, for a message."""
        namespace, _, method = name.rpartition(".")
        return os.path.join(self._folder, namespace, f"{method}.json")  # noqa: PTH118


class Packed(Mapping[str, dict[str, Any]]):
    """The entries of the one file that a wheel has."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._spans: dict[str, tuple[int, int]] = {}
        with path.open("rb") as file:
            lengths: dict[str, int] = json.loads(file.readline())
            start = file.tell()
        for name, length in lengths.items():
            self._spans[name] = start, length
            start += length

    def __getitem__(self, name: str) -> dict[str, Any]:
        start, length = self._spans[name]
        with self._path.open("rb") as file:
            file.seek(start)
            return _entry(file.read(length), self.place(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def __contains__(self, name: object) -> bool:
        return name in self._spans

    def place(self, name: str) -> str:
        """Return where an entry stands, for a message."""
        return f"{self._path}: {name}"


def written(folder: Path) -> Folder | Packed:
    """Return the entries of a folder, from its one file if it has that."""
    packed = folder / _PACKED
    return Packed(packed) if packed.is_file() else Folder(folder)


def pack(folder: Path = FOLDER) -> bytes:
    """Return the content of the one file for the entries of a folder.

    Raises ConfigError for an entry that is not a JSON object.
    """
    texts = {name: _compact(entry) for name, entry in Folder(folder).items()}
    lengths = {name: len(text) for name, text in texts.items()}
    return b"".join([_compact(lengths), *texts.values()])


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _entry(text: bytes, place: str) -> dict[str, Any]:
    try:
        entry = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{place}: not JSON: {error}") from None
    if not isinstance(entry, dict):
        raise ConfigError(f"{place}: an entry is a JSON object, not {type(entry).__name__}")
    return entry


def _entries_below(folder: Path) -> Iterator[str]:
    for namespace in _names(folder):
        within = folder / namespace
        if within.is_dir():
            for name in _names(within):
                if name.endswith(".json"):
                    yield f"{namespace}.{name.removesuffix('.json')}"


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in os.scandir(folder))
