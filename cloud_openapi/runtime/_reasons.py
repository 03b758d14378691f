"""Say why an invocation or a call of a function failed, and what to do."""

import re
import sys
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from cloud_openapi.errors import one_line
from cloud_openapi.known_names import nearest
from cloud_openapi.runtime._discovery import read_permissions
from cloud_openapi.runtime._files import FileError, is_file, is_folder, shown_path
from cloud_openapi.runtime._listed import LISTS, is_listed, package_of
from cloud_openapi.runtime._packages import installed_for, is_missing
from cloud_openapi.runtime._project import functions_option, install_command
from cloud_openapi.runtime._settings import BOOTSTRAP, Settings

_REFUSED_HOST = re.compile(r"(?<![\w.-])[\w.-]+ is not called: [^\n'\"]+")
_ABSENT = re.compile(r"[Nn]o module named '([\w.]+)|Cannot find (?:module|package) '([^']+)'")
_LIBRARY = re.compile(r"(?:^|\s)(\S+): cannot open shared object file")
# In the order in which Node.js looks for them; it adds the first three to a name of require.
_ENDINGS = (".js", ".json", "/index.js", ".mjs", ".cjs", "/index.mjs")
_ALIKE = 0.8
_LONGEST_NAME = 100
_ENTRY = "the function's entry in cloudbaserc.json"


def no_permission(config: Path, api: str, right: str | None, known: Container[str] = ()) -> str:
    """Return why a config.json does not permit an API.

    ``known`` has the APIs of the catalogue, and ``right`` is the one whose name is most alike.
    """
    file = shown_path(config)
    meant = "" if right in {None, api} else f"; or did you mean {right}?"
    if not config.exists():
        return f'write {file}: {{"permissions": {{"openapi": ["{api}"]}}}}{meant}'
    try:
        listed = read_permissions(config)
    except FileError as error:
        return f"{str(error).replace(str(config), file, 1)}; until then no API is permitted"
    key = f"permissions.openapi in {file}"
    close = nearest(api, listed, _ALIKE)
    if close and close == right:
        return f'the call is "{api}", and {key} lists "{right}": did you mean {right}?'
    # The names of two APIs of one namespace may be alike.
    if close and close not in known:
        return f'{key} lists "{close}": write "{api}" exactly so'
    wildcard = '"*" is not a wildcard: ' if "*" in listed else ""
    return f'{wildcard}add "{api}" to {key}{meant}'


def timed_out(settings: Settings, callee: str) -> str:
    """Return why a function timed out; ``callee`` is a function that it was waiting for."""
    waiting = f"it was waiting for {callee}, which it called; " if callee else ""
    place = _ENTRY if "timeout" in settings.entry else "the function's config.json"
    return (
        f"{waiting}it did not answer in {settings.timeout:g} seconds: to allow more, set timeout "
        f"in {place}, or find what it awaits: cloud-openapi serve --debug {settings.name}"
        f"{functions_option(settings.root)}"
    )


def out_of_memory(settings: Settings, peak: float) -> str:
    """Return why a function exceeded its memory."""
    return f"it used {peak:.0f} of {settings.memory} MB: to allow more, set memorySize in {_ENTRY}"


def missing_module(settings: Settings, message: str) -> str:
    """Return what to do about a module that a function does not find, by the error's message."""
    name = absent_module(message)
    # The advice follows the name, and a reason is cut at its end.
    lacking = f"{name[:_LONGEST_NAME]} is missing. " if name else ""
    if name.startswith((".", "/")):
        return wrong_path(name) or (
            f"{lacking}There is no such file: its name is case-sensitive, and relative to the file "
            "that loads it"
        )
    if known := (
        own_module(settings, name)
        or absent_part(settings, name)
        or failed_import(settings, message)
    ):
        return known
    if is_missing(settings):
        return f"{lacking}Install what it needs: {install_command(settings)}"
    if "cannot import name" in message:
        error = message.partition(" (")[0]
        return f"{error}. The module was found, but has no such name; names are case-sensitive"
    listed, command = LISTS[settings.language], install_command(settings)
    return f"{lacking}If it is a dependency, list it in {listed}, then run: {command}"


def own_module(settings: Settings, name: str) -> str:
    """Return what to do about a missing module that is the function's own, empty for others."""
    package, folder = package_of(settings, name), settings.folder
    if settings.language == "python":
        if not package or not (is_folder(folder / package) or is_file(folder / f"{package}.py")):
            return ""
        rest = name.removeprefix(f"{package}.")
        return f"The function's own {package} has no module {rest}; file names are case-sensitive"
    # A file may have the name of a package that it loads.
    files = (folder / f"{name}{ending}" for ending in ("", *_ENDINGS))
    if not name or is_listed(settings, package) or not any(map(is_file, files)):
        return ""
    return (
        f"{name} is part of the function, but without ./ or ../ it is the name of a package: in "
        f"the function's folder, write ./{name}"
    )


def absent_part(settings: Settings, name: str) -> str:
    """Return what to do about a module that an installed package does not have, else empty."""
    if is_missing(settings):
        return ""  # another version of the package may have it
    folders = installed_for(settings)
    if settings.language == "python":
        kind, (package, _, part) = "module", name.rpartition(".")
        inside = package.replace(".", "/")
        # A folder without __init__.py may belong to several packages, one of which is missing.
        folders += map(Path, sys.path)
        files = [each / f"{inside}{end}" for each in folders for end in ("/__init__.py", ".py")]
        is_there = any(map(is_file, files))
    else:
        kind, package = "file", package_of(settings, name)
        part = name.removeprefix(package).removeprefix("/")
        folders.append(settings.folder / "node_modules")
        is_there = any(is_folder(each / package) for each in folders)
    if not package or not part or not is_there:
        return ""
    return (
        f"{package} is installed, but has no {kind} {part}: names are case-sensitive, and another "
        "version of it may have other ones"
    )


def wrong_path(name: str) -> str:
    """Return what to write for a path that only Windows or only require() takes, else empty."""
    if name.startswith((".\\", "..\\")):
        slashes = name.replace("\\", "/")
        return f"The platform runs Linux, where \\ does not separate folders: write {slashes}"
    endings = _ENDINGS if name.startswith("/") else ()
    ending = next((each for each in endings if is_file(Path(f"{name}{each}"))), "")
    if not ending:
        return ""
    stem = name.rpartition("/")[2]
    return f"import takes the whole name of a file: write {stem}{ending}, not {stem}"


def failed_import(settings: Settings, message: str) -> str:
    """Return what to do about a failed import for which no module is missing, else empty."""
    if "relative import" in message:
        dotless = "is not part of a package: import the modules beside it without the dot"
        return f"{settings.file.name} {dotless}"
    if library := _LIBRARY.search(message):
        return (
            f"A package needs the system library {library[1]}, which this machine lacks. No "
            "requirements.txt installs it: choose a package that works without it or, if the "
            "platform has it, install it here"
        )
    return ""


def absent_module(message: str) -> str:
    """Return the module that an error says is missing, empty if it names none."""
    found = _ABSENT.search(message)
    return found[1] or found[2] if found else ""


def web_function(settings: Settings) -> str:
    """Return why a web function gives no result."""
    sign = f"it has {BOOTSTRAP}" if (settings.folder / BOOTSTRAP).is_file() else "its type is HTTP"
    return (
        f"{sign}: it is a web function, which is not emulated; here its handler "
        f"{settings.handler}(event, context) is invoked"
    )


def of_error(result: Mapping[str, Any]) -> str:
    """Return the reason that the error of a function itself tells: a host that is not called."""
    found = _REFUSED_HOST.search(f"{result.get('errorMessage')}\n{result.get('stackTrace')}")
    return one_line(found[0]) if found else ""
