"""Find files in another encoding than UTF-8, such as GBK of editors on Windows."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloud_openapi.runtime._files import fingerprint
from cloud_openapi.runtime._settings import SUFFIXES, Settings
from cloud_openapi.runtime.check._finding import Finding, Place, Reporter
from cloud_openapi.runtime.check._sources import MOST_BYTES, Sources, is_test

# The settings, whose mistakes `check_settings` names.
_SETTINGS = ("config.json", "package.json")
# https://peps.python.org/pep-0263/: a comment in one of the first two lines.
_DECLARED = re.compile(rb"(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*[-\w.]+")

_REFUSALS: Final = {"python": "Python refuses the file", "node": "Node.js cannot parse the file"}
# What becomes of a file that the function reads as UTF-8.
_EFFECTS: Final = {
    "python": "reading it as UTF-8 fails",
    "node": "its texts are read with replaced characters",
}


def check_encoding(sources: Sources) -> Iterator[Finding]:
    """Yield the sources and JSON files that are not UTF-8."""
    settings = sources.settings
    report, loaded = Reporter(settings.name), sources.loaded()
    for path, name in _files(settings):
        content = path.read_bytes()
        try:
            content.decode()
        except UnicodeDecodeError as error:
            start = content.rfind(b"\n", 0, error.start) + 1
            column = len(content[start : error.start].decode()) + 1
            place = Place(str(path), content.count(b"\n", 0, start) + 1, column)
            what = f"byte {error.start + 1} of the file is not UTF-8"
            if name.endswith(".py") and _DECLARED.match(content):
                continue
            refused = name.endswith(".py") or _is_wrong(sources, name)
            make = report.problem if refused and name in loaded else report.note
            effect = (_REFUSALS if refused else _EFFECTS)[settings.language]
            yield make(place, "not-utf-8", f"{what}: {effect}; save it as UTF-8")


def _is_wrong(sources: Sources, name: str) -> bool:
    facts = sources.facts.get(name)
    return facts is not None and facts.mistake is not None and facts.mistake.wrong


def _files(settings: Settings) -> Iterator[tuple[Path, str]]:
    for file, _modified, size, _changed in fingerprint(settings.folder):
        name = Path(file).relative_to(settings.folder).as_posix()
        wanted = name.endswith((*SUFFIXES[settings.language], ".json")) and name not in _SETTINGS
        # Reading a named pipe would not end.
        readable = os.path.isfile(file) and os.access(file, os.R_OK)  # noqa: PTH113
        if wanted and readable and size <= MOST_BYTES and not is_test(name):
            yield Path(file), name
