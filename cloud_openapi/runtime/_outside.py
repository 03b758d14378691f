"""Find the files outside of its folder that a function uses: only the folder is uploaded."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cloud_openapi.runtime._descriptors import no_descriptor
from cloud_openapi.runtime._files import (
    UNWATCHED,
    FileError,
    fingerprint,
    leads_out,
    read_object,
)
from cloud_openapi.runtime._javascript_paths import javascript_references
from cloud_openapi.runtime._python_paths import python_references
from cloud_openapi.runtime._settings import SUFFIXES, Settings

_REFERENCES = {"python": python_references, "node": javascript_references}
_MOST_BYTES = 1_000_000
_TEST = re.compile(
    r"(?:.*/)?(?:(?:__)?tests?(?:__)?/.*|test_[^/]*|conftest\.py|[^/]*[._](?:test|spec)\.\w+)"
)
# A source without any of these leads nowhere else; the others take time to read.
_MAYBE = re.compile(
    r"(?<!\.)\.\.(?!\.)|from\s*\.\.|parent|dirname|pardir|/(?:home|Users|root|Volumes)/"
)
_LOCAL = re.compile(r"(?:file|link|portal):(?://)?")


class Reference(NamedTuple):
    """A place that leads out of the folder; without its file a ``module`` does not load."""

    place: str
    text: str
    module: bool

    def __str__(self) -> str:
        outside = "leads out of the function's folder, and only that folder is uploaded"
        return f"{self.place}: {self.text} {outside}"


def references_outside(settings: Settings) -> list[Reference]:
    """Return the places in a function's own files that lead out of its folder.

    Tests, installed dependencies and files of more than a megabyte are skipped.
    """
    return [*_in_sources(settings), *_in_package_json(settings), *_links(settings.folder)]


def _in_sources(settings: Settings) -> Iterator[Reference]:
    suffixes, references = SUFFIXES[settings.language], _REFERENCES[settings.language]
    for file, _modified, size, _changed in fingerprint(settings.folder):
        name = Path(file).relative_to(settings.folder).as_posix()
        if not name.endswith(suffixes) or size > _MOST_BYTES or _TEST.fullmatch(name):
            continue
        found: dict[int, Reference] = {}
        source = _source(Path(file))
        for line, text, module in references(name, source) if _MAYBE.search(source) else ():
            if module or line not in found:
                found[line] = Reference(f"{file}:{line}", text, module)
        yield from found.values()


def _source(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig", "replace")
    except OSError as error:
        if no_descriptor(error):
            raise
        return ""  # loading it says why


def _in_package_json(settings: Settings) -> Iterator[Reference]:
    path = settings.folder / "package.json"
    try:
        content = (settings.language == "node" and read_object(path)) or {}
    except FileError:
        return  # npm reports it
    for key in ("dependencies", "optionalDependencies"):
        listed = content.get(key)
        for name, version in listed.items() if isinstance(listed, dict) else ():
            if isinstance(version, str) and leads_out(_LOCAL.sub("", version, count=1)):
                yield Reference(str(path), f"{key}: {name}: {json.dumps(version)}", module=True)


def _links(folder: Path) -> Iterator[Reference]:
    home = folder.resolve()
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in UNWATCHED and name[0] != "."]
        for path in (Path(parent, name) for name in (*folders, *files)):
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(home):
                yield Reference(str(path), f"the link to {os.path.realpath(path)}", module=True)
