"""The own source files of functions, their facts, and which of them the handler loads."""

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloud_openapi.runtime._descriptors import no_descriptor
from cloud_openapi.runtime._files import MOST_WATCHED, fingerprint
from cloud_openapi.runtime._settings import SUFFIXES, Settings
from cloud_openapi.runtime.check._facts import Facts, Load
from cloud_openapi.runtime.check._javascript import NotParsedError, javascript_facts
from cloud_openapi.runtime.check._python import python_facts

MOST_BYTES = 1_000_000
_TEST = re.compile(
    r"(?:.*/)?(?:(?:__)?tests?(?:__)?/.*|test_[^/]*|conftest\.py|[^/]*[._](?:test|spec)\.\w+)"
)
_FOUND_BY_NODE = ("", ".js", ".json", ".node", ".cjs", ".mjs", "/index.js", "/package.json")
_FOUND_BY_PYTHON = (".py", "/__init__.py")


@dataclass
class Sources:
    """The facts of a function's files by their names, which are relative to its folder.

    ``unread`` has the reason for a file that was not read. ``all_read`` is false if the folder has
    more files than are read.
    """

    settings: Settings
    facts: dict[str, Facts] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    all_read: bool = True

    def path(self, name: str) -> str:
        """Return the path of a file."""
        return str(self.settings.folder / name)

    def loaded(self) -> dict[str, Facts]:
        """Return the files that the handler's file loads; all, if it loads computed names."""
        entry = self.settings.file.relative_to(self.settings.folder).as_posix()
        found = {entry: self.facts[entry]} if entry in self.facts else dict(self.facts)
        queue = list(found)
        while queue:
            name = queue.pop()
            for load in self.facts[name].modules:
                if load.name is None and load.path is None:
                    return self.facts
                for other in self.candidates(name, load):
                    if other in self.facts and other not in found:
                        found[other] = self.facts[other]
                        queue.append(other)
        return found

    def candidates(self, name: str, load: Load) -> Iterator[str]:
        """Yield the names that the file of a module may have."""
        if self.settings.language == "node":
            if load.path is not None:
                path = self.resolved(name, load.path, load.base)
                yield from (posixpath.normpath(path + suffix) for suffix in _FOUND_BY_NODE)
            return
        if load.path is not None:
            path = self.resolved(name, load.path, load.base)
        else:
            path = (load.name or "").replace(".", "/")
        steps = path.split("/")
        for count in range(1, len(steps) + 1):
            yield from ("/".join(steps[:count]) + suffix for suffix in _FOUND_BY_PYTHON)

    @staticmethod
    def resolved(name: str, path: str, base: str) -> str:
        """Return a path that a file names, relative to the function's folder."""
        folder = "" if base == "cwd" else posixpath.dirname(name)
        return posixpath.normpath(posixpath.join(folder, path))


def read_sources(
    functions: Sequence[Settings], wanted: Callable[[str], bool] | None = None
) -> tuple[list[Sources], str]:
    """Return the sources of functions, and why JavaScript could not be parsed, else empty.

    Tests, installed dependencies, and files of more than a megabyte are skipped. ``wanted`` gets
    the text of a file, and tells whether its facts are needed.
    """
    found, scripts = [], {}
    for settings in functions:
        sources = Sources(settings)
        found.append(sources)
        for file, name in _own_files(sources):
            text = _text(file) if wanted or settings.language == "python" else ""
            if wanted and not wanted(text):
                continue
            if settings.language == "python":
                sources.facts[name] = python_facts(name, text)
            else:
                scripts[file] = sources, name
    try:
        parsed: Mapping[str, Facts] = javascript_facts(list(scripts))
    except NotParsedError as error:
        return found, str(error)
    for file, (sources, name) in scripts.items():
        sources.facts[name] = parsed[file]
    return found, ""


def is_test(name: str) -> bool:
    """Return whether a file, by its name relative to a function's folder, belongs to tests."""
    return _TEST.fullmatch(name) is not None


def _own_files(sources: Sources) -> Iterator[tuple[str, str]]:
    settings = sources.settings
    files = fingerprint(settings.folder)
    sources.all_read = len(files) < MOST_WATCHED
    for file, _modified, size, _changed in files:
        name = Path(file).relative_to(settings.folder).as_posix()
        if not name.endswith(SUFFIXES[settings.language]) or is_test(name):
            continue
        # Reading a named pipe would not end.
        if not os.path.isfile(file):  # noqa: PTH113 - raises nothing
            sources.unread[name] = "it is not a regular file"
        elif size > MOST_BYTES:
            sources.unread[name] = f"it has more than {MOST_BYTES:,} bytes"
        elif os.access(file, os.R_OK):
            yield file, name
        else:
            sources.unread[name] = "this user may not read it"


def _text(file: str) -> str:
    try:
        return Path(file).read_text("utf-8-sig", "replace")
    except OSError as error:
        if no_descriptor(error):
            raise
        return ""  # loading it says why
