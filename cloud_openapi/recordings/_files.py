"""Load cassettes from disk. Errors name file, interaction and key."""

import json
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.json_mistake import JSONMistakeError
from cloud_openapi.recordings._cassette import interactions_of
from cloud_openapi.recordings._fields import read_text
from cloud_openapi.recordings._interaction import Interaction
from cloud_openapi.recordings._yaml import read_yaml

_LARGEST = 64 * 2**20
SUFFIXES = (".yaml", ".yml", ".json")


def load(path: str | Path, catalogue: Catalogue | None = None) -> list[Interaction]:
    """Return the interactions of a cassette, or of all cassettes below a folder in name order.

    Raises RecordingError, which names file, interaction and key.
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    return load_files(files_of(Path(path)), catalogue)


def load_files(files: list[Path], catalogue: Catalogue) -> list[Interaction]:
    """Return the interactions of cassettes. Raises RecordingError, which names all bad files."""
    found: list[Interaction] = []
    errors: list[str] = []
    for file in files:
        try:
            found += load_file(file, catalogue)
        except RecordingError as error:  # noqa: PERF203 - all bad files at once
            errors.append(str(error))
    if errors:
        raise RecordingError("\n".join(errors))
    return found


def files_of(path: Path) -> list[Path]:
    """Return the cassette at a path, or all cassettes below a folder. Raises RecordingError."""
    if path.is_dir():
        return sorted(
            file
            for file in path.rglob("*")
            if file.suffix in SUFFIXES and not file.name.startswith(".")
        )
    if not path.exists():
        raise RecordingError(f"{path}: no such file or folder")
    if path.suffix not in SUFFIXES:
        raise RecordingError(f"{path}: the name of a cassette must end in {', '.join(SUFFIXES)}")
    return [path]


def load_file(file: Path, catalogue: Catalogue) -> list[Interaction]:
    """Return the interactions of one cassette. Raises RecordingError."""
    try:
        return interactions_of(_document(file), catalogue)
    except RecordingError as error:
        raise RecordingError(f"{file}: {error}") from None


def _document(file: Path) -> Any:
    text = read_text(file, _LARGEST)
    if file.suffix != ".json":
        return read_yaml(text)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RecordingError(f"is not JSON: {JSONMistakeError(error)}") from None
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"is not JSON: {error}") from None
