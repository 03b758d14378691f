"""Cassettes on the disk: read with an error that names the place."""

import json
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.recordings._cassette import interactions_of
from cloud_openapi.recordings._interaction import Interaction

SUFFIXES = (".yaml", ".yml", ".json")


def load(path: str | Path, catalogue: Catalogue | None = None) -> list[Interaction]:
    """Return the interactions of a cassette, or of every cassette below a folder, by name.

    Raises RecordingError, which names file, interaction and key.
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    return [found for file in files_of(Path(path)) for found in load_file(file, catalogue)]


def files_of(path: Path) -> list[Path]:
    """Return the cassettes below a folder, or the one that it is. Raises RecordingError."""
    if path.is_dir():
        return sorted(
            file
            for file in path.rglob("*")
            if file.suffix in SUFFIXES and not file.name.startswith(".")
        )
    if not path.exists():
        raise RecordingError(f"{path}: there is no such file or folder")
    if path.suffix not in SUFFIXES:
        raise RecordingError(f"{path}: a cassette ends in {', '.join(SUFFIXES)}")
    return [path]


def load_file(file: Path, catalogue: Catalogue) -> list[Interaction]:
    """Return the interactions of one cassette. Raises RecordingError."""
    try:
        return interactions_of(_document(file), catalogue)
    except RecordingError as error:
        raise RecordingError(f"{file}: {error}") from None


def _document(file: Path) -> Any:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RecordingError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise RecordingError("is no UTF-8 text") from None
    if file.suffix == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"is no JSON: {error}") from None
    return _yaml_document(text)


def _yaml_document(text: str) -> Any:
    yaml = yaml_library()
    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # The reason alone: what surrounds the place may hold a secret.
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or type(error).__name__
        raise RecordingError(f"is no YAML that VCR.py writes{where}: {reason}") from None


def yaml_library() -> Any:
    """Return PyYAML. Raises RecordingError where it is not installed."""
    # Only YAML cassettes need it: those in JSON load without.
    try:
        import yaml  # noqa: PLC0415
    except ModuleNotFoundError:
        raise RecordingError("YAML needs PyYAML: pip install 'cloud-openapi[recordings]'") from None
    return yaml
