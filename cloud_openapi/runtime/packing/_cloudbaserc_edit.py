"""Write what deploying a function needs into cloudbaserc.json, which Tencent's command reads.

Keys: https://docs.cloudbase.net/cli-v1/functions/configs
"""

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.errors import ConfigError
from cloud_openapi.json_text import json_text, read_json
from cloud_openapi.runtime._cloudbaserc import FILE, CloudbaseRC
from cloud_openapi.runtime._files import read_limited, read_object
from cloud_openapi.runtime._json_edit import replace_file, with_child
from cloud_openapi.runtime._json_places import JsonPath
from cloud_openapi.runtime._settings import Settings
from cloud_openapi.runtime._timer import read_timer

_LIST = "functions"


class Edit(NamedTuple):
    """A cloudbaserc.json, and the keys that were added to a function's entry."""

    path: Path
    added: tuple[str, ...]
    missing: tuple[str, ...] = ()
    """The keys of an entry that is not edited: it stands in the framework's section."""


def rc_path(functions: Path) -> Path:
    """Return the cloudbaserc.json of a folder of functions, or the place for a new one."""
    found = CloudbaseRC(functions).read().path
    if found is not None:
        return found
    is_project = functions.resolve() == Path.cwd()
    return (functions if is_project else functions.parent) / FILE


def add_entry(settings: Settings, path: Path, variables: Iterable[str] = ()) -> Edit:
    """Add what a function's entry in a cloudbaserc.json lacks; the rest of the file stays.

    ``variables`` are names: their values are never written, but ``{{env.NAME}}``, which Tencent's
    command fills in. Raises ConfigError for an invalid file, and OSError.
    """
    if wrong := CloudbaseRC(settings.root).read().wrong:
        raise ConfigError(wrong)
    entry = _entry(settings, variables)
    old = dict(settings.entry)
    listed = old.get("envVariables", {})
    names = entry.pop("envVariables")
    more = {name: names[name] for name in names if name not in listed}
    new = {key: value for key, value in entry.items() if key not in old}
    if not new and not more:
        return Edit(path, ())
    keys = tuple(key for key in new if key != "name") + (("envVariables",) if more else ())
    if not path.is_file():
        created = _created(path.parent, settings.root)
        created[_LIST] = [{**new, **({"envVariables": more} if more else {})}]
        replace_file(path, json_text(created, indent=2) + "\n")
        return Edit(path, keys)
    data = read_limited(path)
    edited = _edited(data.decode("utf-8-sig"), settings, new, more)
    if edited is None:
        return Edit(path, (), keys)
    replace_file(path, ("\ufeff" if data.startswith(BOM_UTF8) else "") + edited)
    return Edit(path, keys)


def _entry(settings: Settings, variables: Iterable[str]) -> dict[str, Any]:
    config = read_object(settings.folder / "config.json") or {}
    own = config.get("envVariables", {})
    names = dict.fromkeys([*(own if isinstance(own, dict) else ()), *variables])
    stem = settings.file.relative_to(settings.folder).with_suffix("").as_posix()
    timer = read_timer(config)  # raises ConfigError
    return {
        "name": settings.name,
        "runtime": settings.runtime,
        "handler": f"{stem}.{settings.handler}",
        "timeout": int(settings.timeout),
        "memorySize": settings.memory,
        "envVariables": {name: f"{{{{env.{name}}}}}" for name in names},
        **({} if timer is None else {"triggers": config["triggers"]}),
    }


def _created(project: Path, functions: Path) -> dict[str, Any]:
    root = functions.resolve().relative_to(project.resolve()).as_posix()
    return {
        "version": "2.0",
        "envId": "{{env.ENV_ID}}",
        "functionRoot": f"./{root}" if root != "." else ".",
    }


def _edited(
    text: str, settings: Settings, new: Mapping[str, Any], variables: Mapping[str, str]
) -> str | None:
    """Return the text with more in an entry; None if the entry is not in the list."""
    content = read_json(text)
    listed = content.get(_LIST, [])
    names = [each["name"] for each in listed]
    if settings.name in names:
        index = names.index(settings.name)
        expected = _added(text, (_LIST, index), listed[index], new, variables)
    elif settings.entry:
        return None
    else:
        element = {**new, **({"envVariables": dict(variables)} if variables else {})}
        if _LIST in content:
            expected = with_child(text, (_LIST,), [element])
        else:
            expected = with_child(text, (), {_LIST: [element]})
    json.loads(expected)  # an edit must not break the file
    return expected


def _added(
    text: str,
    place: JsonPath,
    entry: Mapping[str, Any],
    new: Mapping[str, Any],
    variables: Mapping[str, str],
) -> str:
    if isinstance(entry.get("config"), dict):  # the older form, which wins
        place, entry = (*place, "config"), entry["config"]
    if variables and "envVariables" not in entry:
        new = {**new, "envVariables": dict(variables)}
        variables = {}
    for holder, members in ((place, new), ((*place, "envVariables"), variables)):
        for key, value in members.items():
            text = with_child(text, holder, {key: value})
    return text
