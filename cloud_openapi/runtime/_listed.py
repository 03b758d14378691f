"""The packages that a function lists, and the names of those that modules belong to."""

from collections.abc import Mapping
from typing import Any

from cloud_openapi.runtime._files import FileError, read_object
from cloud_openapi.runtime._settings import Settings

LISTS = {"python": "requirements.txt", "node": "package.json"}
"""The file that lists packages, by the language."""

INSTALLED = ("dependencies", "optionalDependencies", "peerDependencies")
"""The keys of a package.json whose packages the platform installs."""


def package_of(settings: Settings, module: str) -> str:
    """Return the package that a module belongs to by its name: a folder's name in Python."""
    if settings.language == "python":
        return module.partition(".")[0]
    return "/".join(module.split("/")[: 2 if module.startswith("@") else 1])


def is_listed(settings: Settings, package: str) -> bool:
    """Return whether a function lists a package; all may be, if there is a requirements.txt."""
    if settings.language == "python":
        return (settings.folder / LISTS["python"]).is_file()
    content = _package_json(settings)
    if package == content.get("name"):
        return True
    return any(package in _names(content, key) for key in INSTALLED)


def is_for_development(settings: Settings, package: str) -> bool:
    """Return whether package.json lists a package that the platform does not install."""
    return package in _names(_package_json(settings), "devDependencies")


def _package_json(settings: Settings) -> Mapping[str, Any]:
    try:
        return read_object(settings.folder / LISTS["node"]) or {}
    except FileError:
        return {}  # a check reports it


def _names(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    names = content.get(key)
    return names if isinstance(names, dict) else {}
