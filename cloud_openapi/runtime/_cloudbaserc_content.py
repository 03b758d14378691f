"""The content of a cloudbaserc.json: where functions stand, and an entry for each.

The CLI's own commands deploy ``functions``, its framework those of the function plugin.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cloud_openapi.json_schema.values import is_c_string, kind
from cloud_openapi.known_names import nearest
from cloud_openapi.runtime._files import FileError, read_object
from cloud_openapi.runtime._template import fill, has_variables

Object = Mapping[str, Any]

_PLUGIN = "@cloudbase/framework-plugin-function"
# The plugin's own defaults; the memory is in MB.
_PLUGIN_ROOT, _PLUGIN_MEMORY = "cloudfunctions", 128
_KEYS = ("envId", "functionRoot", "functions", "functionDefaultConfig", "framework")
_CLOSE = 0.8


class Content:
    """A cloudbaserc.json, read and filled in; it is empty if the file is missing.

    Raises FileError, as do the methods; the message names the place.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._content = fill(read_object(path) or {}, path.parent)
        except RecursionError:
            raise FileError(f"{path}: is nested too deeply") from None

    def roots(self) -> list[Path]:
        """Return the folders that the functions stand in, empty if the file names none."""
        roots = [self._root(place, inputs) for place, inputs in self._plugins()]
        if "functionRoot" in self._content:
            roots.insert(0, self._get("", self._content, "functionRoot", ""))
        return [self._path.parent / root for root in roots]

    def entries(self) -> dict[str, Object]:
        """Return the entry of each function by its name, with the defaults that it has."""
        found: dict[str, Object] = {}
        for place, entry in self._listed("", self._content):
            if entry["name"] in found:
                raise FileError(f'{self._path}: {place}.name: "{entry["name"]}" is a duplicate')
            found[entry["name"]] = entry
        for _place, entry in self._of_plugins():
            found.setdefault(entry["name"], entry)
        return found

    def notes(self) -> Iterator[str]:
        """Yield a text for each part of the file that is not read or that leads to nothing."""
        for root in self.roots():
            if not os.path.isdir(root):  # noqa: PTH112 - raises nothing
                yield f"{self._path}: the folder of its functions is missing: {root}"
        if "envOverrides" in self._content:
            yield f"{self._path}: envOverrides is not read: it belongs to the CLI's option --mode"
        for key in sorted(self._content.keys() - set(_KEYS)):
            if meant := nearest(key, _KEYS, _CLOSE):
                yield f"{self._path}: {key} is unknown and ignored; did you mean {meant}?"
        seen: set[str] = set()
        for place, entry in (*self._listed("", self._content), *self._of_plugins()):
            if entry["name"] in seen:
                yield f'{self._path}: {place} is not read: "{entry["name"]}" is listed before'
            if has_variables(entry["name"]):
                yield f'{self._path}: {place}.name: "{entry["name"]}" has no value'
            seen.add(entry["name"])

    def _plugins(self) -> Iterator[tuple[str, Object]]:
        """Yield the place and the inputs of each function plugin of the framework."""
        framework = self._get("", self._content, "framework", {})
        for name, plugin in self._get("framework.", framework, "plugins", {}).items():
            place = f"framework.plugins.{name}"
            if isinstance(plugin, dict) and str(plugin.get("use")).startswith(_PLUGIN):
                yield f"{place}.inputs.", self._get(f"{place}.", plugin, "inputs", {})

    def _of_plugins(self) -> Iterator[tuple[str, Object]]:
        for place, inputs in self._plugins():
            root = self._path.parent / self._root(place, inputs)
            for where, entry in self._listed(place, inputs):
                below = self._get(f"{where}.", entry, "functionDistPath", entry["name"])
                memory = {"memorySize": entry.get("memory", _PLUGIN_MEMORY)}
                yield where, {**memory, **entry, "dir": os.fspath(root / below)}

    def _root(self, place: str, inputs: Object) -> str:
        default = self._get("", self._content, "functionRoot", _PLUGIN_ROOT)
        root: str = self._get(place, inputs, "functionRootPath", default)
        return root

    def _listed(self, place: str, holder: Object) -> Iterator[tuple[str, Object]]:
        """Yield the place and the entry of each listed function, with the default settings."""
        shared = self._get("", self._content, "functionDefaultConfig", {})
        default = self._get(place, holder, "functionDefaultConfig", shared)
        for index, own in enumerate(self._get(place, holder, "functions", [])):
            where = f"{place}functions[{index}]"
            if not isinstance(own, dict) or not isinstance(own.get("name"), str):
                raise FileError(f"{self._path}: {where} must be an object with a name")
            # The older form, a config within, wins in its entry; that of the default loses.
            flat = {**own, **self._get(f"{where}.", own, "config", {})}
            entry = _merged({**self._get("", default, "config", {}), **default}, flat)
            self._get(f"{where}.", entry, "dir", "")
            yield where, entry

    def _get(self, place: str, holder: Object, key: str, default: Any) -> Any:
        """Return a value of the default's type, which is the default if it is missing."""
        value = holder.get(key, default)
        if not isinstance(value, type(default)):
            wanted, found = kind(default), kind(value)
            raise FileError(f"{self._path}: {place}{key} must be {wanted}, not {found}")
        # A text is the name of a file or a folder.
        if isinstance(value, str) and not is_c_string(value):
            raise FileError(f"{self._path}: {place}{key} has a NUL or half a surrogate pair")
        return value


def _merged(default: Object, own: Object) -> Object:
    variables = [each["envVariables"] for each in (default, own) if "envVariables" in each]
    if len(variables) > 1 and all(isinstance(each, dict) for each in variables):
        own = {**own, "envVariables": {**variables[0], **variables[1]}}
    return {**default, **own}
