"""Find the modules that a function loads, and the platform does not have."""

import glob
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from cloud_openapi.runtime._files import is_file, is_folder, leads_out
from cloud_openapi.runtime._listed import LISTS, is_for_development, is_listed, package_of
from cloud_openapi.runtime._packages import PREINSTALLED, installed_for, is_missing
from cloud_openapi.runtime._project import install_command
from cloud_openapi.runtime._reasons import absent_part, own_module, wrong_path
from cloud_openapi.runtime._settings import Settings
from cloud_openapi.runtime.check._facts import Load
from cloud_openapi.runtime.check._finding import Finding, Place, Reporter
from cloud_openapi.runtime.check._sources import Sources

# The copy that is uploaded has this package.
_THERE = {*PREINSTALLED, "cloud_openapi"}


def check_modules(sources: Sources) -> Iterator[Finding]:
    """Yield a finding for each module that is not part of the function, and not listed."""
    settings = sources.settings
    find = _in_node if settings.language == "node" else _in_python
    report = Reporter(settings.name)
    seen: set[str] = set()
    for file, facts in sources.loaded().items():
        for load in facts.modules:
            place = Place(sources.path(file), load.line, load.column)
            if load.path is not None:
                if not load.guarded and _is_absent(sources, file, load):
                    text = advice_on(settings, str(load.name))
                    yield report.problem(place, "missing-file", text)
            elif (name := _package_of(load, settings)) and name not in seen:
                seen.add(name)
                yield from find(name, load, place, sources)


def _in_node(name: str, load: Load, place: Place, sources: Sources) -> Iterator[Finding]:
    settings = sources.settings
    report = Reporter(settings.name)
    if is_listed(settings, name):
        return  # loading the function finds out whether it is installed
    folders = [settings.folder / "node_modules", *installed_for(settings)]
    if any(is_folder(folder / name) for folder in folders):
        text = f"{name} is installed, but package.json does not list it"
        yield report.note(place, "unlisted-package", text)
    elif load.guarded:
        return
    elif is_for_development(settings, name):
        text = (
            f"{name} is in devDependencies, which the platform does not install: move it to "
            "dependencies in package.json"
        )
        yield report.problem(place, "unlisted-package", text)
    else:
        yield report.problem(place, "unlisted-package", advice_on(settings, str(load.name)))


def _in_python(name: str, load: Load, place: Place, sources: Sources) -> Iterator[Finding]:
    settings = sources.settings
    # Requirements have other names than modules: only what is installed shows what there is.
    if load.guarded or is_missing(settings):
        return
    if not any(_has_module(folder, name) for folder in (settings.folder, *installed_for(settings))):
        text = advice_on(settings, name)
        yield Reporter(settings.name).problem(place, "unlisted-package", text)


def advice_on(settings: Settings, name: str) -> str:
    """Return why the platform does not find a module, and what to do."""
    if name.startswith((".", "/")):
        absent = f"The file {name} is not in {settings.folder}; file names are case-sensitive"
        return wrong_path(name) or absent
    if known := own_module(settings, name) or absent_part(settings, name):
        return known
    name = package_of(settings, name)
    if name in PREINSTALLED:
        return f"The platform has {name} installed, but this machine does not: pip install {name}"
    above = settings.folder.parent / name
    if is_folder(above) or is_file(above.with_name(f"{above.name}.py")):
        return f"Only {settings.folder} is uploaded: {above} must be copied into it"
    listed, command = LISTS[settings.language], install_command(settings)
    if is_missing(settings) and is_listed(settings, name):
        return f"{listed} lists {name}, which is not installed on this machine yet: {command}"
    return f"The platform does not have {name}; list it in {listed}, then run: {command}"


def _package_of(load: Load, settings: Settings) -> str:
    """Return the package of a module, empty for a computed name and what the language has."""
    name = load.name or ""
    if settings.language == "python":
        top = package_of(settings, name)
        return "" if top in _THERE or top in sys.stdlib_module_names else top
    if load.builtin or name.startswith("#"):
        return ""
    return package_of(settings, name)


def _is_absent(sources: Sources, file: str, load: Load) -> bool:
    """Return whether no file of a function has a name, also where file names ignore case."""
    if sources.settings.language == "python" or load.name is None:
        return False  # loading the function finds out
    names = list(sources.candidates(file, load))
    return not any(
        leads_out(name) or name.startswith("/") or _exists(sources.settings.folder, name)
        for name in names
    )


def _exists(folder: Path, name: str) -> bool:
    try:
        return all(
            step in os.listdir(folder.joinpath(*steps))  # noqa: PTH208 - names are all that is wanted
            for *steps, step in _steps(name)
        )
    except OSError:
        return False


def _steps(name: str) -> Iterator[list[str]]:
    parts = [part for part in name.split("/") if part != "."]
    return (parts[:count] for count in range(1, len(parts) + 1))


def _has_module(folder: Path, name: str) -> bool:
    if is_folder(folder / name) or is_file(folder / f"{name}.py"):
        return True
    return any(folder.glob(f"{glob.escape(name)}.*.so"))
