"""Load cassettes from disk. Errors name file, interaction and key."""

import json
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.recordings._cassette import interactions_of
from cloud_openapi.recordings._interaction import Interaction

SUFFIXES = (".yaml", ".yml", ".json")


def load(path: str | Path, catalogue: Catalogue | None = None) -> list[Interaction]:
    """Return the interactions of a cassette, or of all cassettes below a folder in name order.

    Raises RecordingError, which names file, interaction and key.
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    return [found for file in files_of(Path(path)) for found in load_file(file, catalogue)]


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
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RecordingError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise RecordingError("is not UTF-8 text") from None
    if file.suffix == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"is not JSON: {error}") from None
    return _yaml_document(text)


def _yaml_document(text: str) -> Any:
    yaml = yaml_library()
    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # Only the reason: the surrounding text may contain a secret.
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or type(error).__name__
        raise RecordingError(f"is not YAML as VCR.py writes it{where}: {reason}") from None


def yaml_library() -> Any:
    """Return PyYAML, which JSON cassettes do not need. Raises RecordingError if missing."""
    try:
        import yaml  # noqa: PLC0415
    except ModuleNotFoundError:
        raise RecordingError("YAML needs PyYAML: pip install 'cloud-openapi[recordings]'") from None
    return yaml
