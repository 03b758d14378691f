"""The allowlist of a config.json: the APIs that a function may call.

As on the platform, names are exact, and a missing file, a missing key or an empty list allows
nothing.
"""

import json
import warnings
from codecs import BOM_UTF8
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from cloud_openapi.errors import CloudSDKError, ConfigError, system_error
from cloud_openapi.json_schema.values import kind
from cloud_openapi.json_text import json_mistake, read_json, reading_mistake

_FUNCTION_ROOTS = frozenset({"functions", "cloudfunctions"})
_FUNCTION_FILES = ("index.py", "config.json")


class Permissions:
    """The APIs that one config.json lists."""

    def __init__(self, allowed: Iterable[str], source: Path) -> None:
        self._allowed = frozenset(allowed)
        self.source = source

    @classmethod
    def load(cls, path: Path) -> "Permissions":
        """Read ``permissions.openapi`` of a config.json; a missing file allows nothing.

        Raises ConfigError for an invalid file; the message names the file and the place in it.
        """
        try:
            # Without the codec "utf-8-sig", whose module would be imported for it.
            text = path.read_bytes().removeprefix(BOM_UTF8).decode()
        except (FileNotFoundError, NotADirectoryError):
            return cls((), path)
        except (OSError, ValueError) as error:
            mistake = reading_mistake(error)
            raise ConfigError(f"{path}: cannot be read as UTF-8 text: {mistake}") from error
        names = _listed(_parse(text, path), path)
        for name in (name for name in names if "*" in name):
            warnings.warn(
                f'{path}: "{name}" in permissions.openapi is not a wildcard on the platform '
                "and allows nothing; list each API by name.",
                stacklevel=3,
            )
        return cls(names, path)

    def __contains__(self, name: object) -> bool:
        return name in self._allowed

    def denial(self, name: str) -> CloudSDKError:
        """Return the platform's error for an API that the config.json does not list."""
        where = "in it" if self.source.is_file() else "(the file does not exist yet)"
        return system_error(
            -604101,
            f'Add "{name}" to permissions.openapi {where}: {self.source}',
        )


def is_in_function(module_file: str | None) -> bool:
    """Return True if a module is in a function's folder."""
    return module_file is not None and _function_of(module_file) is not None


def config_of(module_file: str | None) -> Path:
    """Return the path of the config.json with the permissions of a module.

    For a module in a function's folder it is the config.json of that folder, even if missing. For
    other code it is the config.json in the working directory. On CloudBase, both are the same.
    """
    folder = _function_of(module_file) if module_file else None
    return (folder or Path.cwd()) / "config.json"


def _function_of(module_file: str) -> Path | None:
    parents = Path(module_file).resolve().parents
    named = (folder for folder in parents if folder.parent.name in _FUNCTION_ROOTS)
    # A project may name the folder of its functions otherwise, by cloudfunctionRoot.
    others = (folder for folder in parents if _has_files(folder))
    return next(chain(named, others), None)


def _has_files(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _FUNCTION_FILES)


def _parse(text: str, path: Path) -> Any:
    try:
        return read_json(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: {json_mistake(error)}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read as JSON: {error}") from None


def _listed(config: Any, path: Path) -> list[str]:
    for place, key in (("the file", "permissions"), ("permissions", "openapi")):
        if not isinstance(config, dict):
            raise ConfigError(f"{path}: {place} must be an object, not {kind(config)}")
        if key not in config:
            return []
        config = config[key]
    if not isinstance(config, list):
        raise ConfigError(
            f"{path}: permissions.openapi must be an array of API names, not {kind(config)}"
        )
    for index, name in enumerate(config):
        if not isinstance(name, str):
            raise ConfigError(
                f"{path}: permissions.openapi[{index}] must be a string, not {kind(name)}"
            )
    return config
