"""Find the files outside of its folder that a function uses: only the folder is uploaded."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cloud_openapi.runtime._files import UNWATCHED, FileError, leads_out, read_object
from cloud_openapi.runtime._settings import Settings
from cloud_openapi.runtime.check._sources import Sources, read_sources

# A source without any of these leads nowhere else; the others take time to read.
_MAYBE = re.compile(
    r"(?<!\.)\.\.(?!\.)|from\s*\.\.|parent|dirname|pardir|/(?:home|Users|root|Volumes)/"
)
_LOCAL = re.compile(r"(?:file|link|portal):(?://)?")


class Reference(NamedTuple):
    """A place that leads out of the folder; without its file a ``module`` does not load."""

    file: str
    line: int
    text: str
    module: bool

    @property
    def place(self) -> str:
        """Return file and line, or the file alone."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def message(self) -> str:
        """Return what is wrong."""
        outside = "leads out of the function's folder, and only that folder is uploaded"
        return f"{self.text} {outside}"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def references_outside(settings: Settings) -> list[Reference]:
    """Return the places in a function's own files that lead out of its folder."""
    (sources,), _not_parsed = read_sources([settings], lambda text: bool(_MAYBE.search(text)))
    return references_of(sources)


def references_of(sources: Sources) -> list[Reference]:
    """Return the places in sources that were read, in package.json, and links."""
    settings = sources.settings
    return [*_in_sources(sources), *_in_package_json(settings), *_links(settings.folder)]


def _in_sources(sources: Sources) -> Iterator[Reference]:
    for name, facts in sources.facts.items():
        found: dict[int, Reference] = {}
        for each in sorted(facts.paths, key=lambda each: (each.line, each.column)):
            if not leads_out(sources.resolved(name, each.path, each.base)):
                continue
            if each.line not in found or (each.module and not found[each.line].module):
                found[each.line] = Reference(sources.path(name), each.line, each.text, each.module)
        yield from found.values()


def _in_package_json(settings: Settings) -> Iterator[Reference]:
    path = settings.folder / "package.json"
    try:
        content = (settings.language == "node" and read_object(path)) or {}
    except FileError:
        return  # another check reports it
    for key in ("dependencies", "optionalDependencies"):
        listed = content.get(key)
        for name, version in listed.items() if isinstance(listed, dict) else ():
            if isinstance(version, str) and leads_out(_LOCAL.sub("", version, count=1)):
                yield Reference(str(path), 0, f"{key}: {name}: {json.dumps(version)}", module=True)


def _links(folder: Path) -> Iterator[Reference]:
    home = folder.resolve()
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in UNWATCHED and name[0] != "."]
        for path in (Path(parent, name) for name in (*folders, *files)):
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(home):
                yield Reference(str(path), 0, f"the link to {os.path.realpath(path)}", module=True)
