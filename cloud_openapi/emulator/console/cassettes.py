"""The cassettes of a folder: what they hold, and what a check found in them."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from cloud_openapi.catalogue import Catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.periods import BEIJING
from cloud_openapi.recordings import Interaction, files_of, load

_LONGEST_CHECK: Final = 600
Stamp = tuple[int, int]


class Summary(NamedTuple):
    """The content of a cassette in short; ``error`` says why it cannot be used."""

    name: str
    apis: tuple[tuple[str, int], ...] = ()
    """The APIs with the numbers of their recordings."""
    others: int = 0
    """Recordings of token requests and of unknown APIs."""
    first: datetime | None = None
    last: datetime | None = None
    error: str = ""

    @property
    def size(self) -> int:
        """Return the number of recordings."""
        return self.others + sum(count for _, count in self.apis)


class Finding(NamedTuple):
    """A difference of a recording from the schemas, or from the emulator's answer."""

    number: int
    """The number of the recording in its cassette."""
    api: str
    check: str
    path: str
    message: str


class Check(NamedTuple):
    """The result of checking a cassette: its findings, or why it cannot be checked."""

    at: datetime
    cases: int
    findings: tuple[Finding, ...]
    error: str
    outdated: bool
    """Whether the cassette has changed since."""


class Drift(NamedTuple):
    """A difference from the catalogue, and where it is seen first."""

    api: str
    path: str
    text: str
    where: str


class Shelf:
    """The cassettes at one place, a folder or a file. Summaries are kept until a file changes."""

    def __init__(self, place: Path, catalogue: Catalogue) -> None:
        self.place = place
        self._catalogue = catalogue
        self._summaries: dict[str, tuple[Stamp, Summary]] = {}
        self._checks: dict[str, tuple[Stamp, Check]] = {}
        self.drift: tuple[Drift, ...] | None = None
        self._checking = threading.Lock()
        """The drift that the last check found; None before one."""
        self.checked = ""
        """The name of the cassette that was checked last, empty for all of them."""

    def names(self) -> list[str]:
        """Return the names of the cassettes, none for a missing place. Raises RecordingError."""
        if not self.place.exists():
            return []
        return [self._name(file) for file in files_of(self.place)]

    def summary(self, name: str) -> Summary:
        """Return what a cassette holds."""
        stamp = _stamp(self._path(name))
        known = self._summaries.get(name)
        if known is None or known[0] != stamp:
            known = self._summaries[name] = stamp, self._read(name)
        return known[1]

    def interactions(self, name: str) -> list[Interaction]:
        """Return the recordings of a cassette. Raises RecordingError."""
        return load(self._path(name), self._catalogue)

    def check_of(self, name: str) -> Check | None:
        """Return the last check of a cassette, None before one."""
        known = self._checks.get(name)
        if known is None:
            return None
        stamp, check = known
        return check._replace(outdated=stamp != _stamp(self._path(name)))

    def check(self, name: str = "") -> None:
        """Check a cassette, by default all, in a process of its own. Raises RecordingError."""
        path = self._path(name) if name else self.place
        stamps = {each: _stamp(self._path(each)) for each in ([name] if name else self.names())}
        if not self._checking.acquire(blocking=False):
            raise RecordingError("a check runs already: wait for its end")
        try:
            found = _checked(path)
        finally:
            self._checking.release()
        at = datetime.now(BEIJING)
        for each, stamp in stamps.items():
            file = str(self._path(each))
            result = found["files"].get(file, {"cases": 0, "findings": []})
            findings = tuple(map(_finding, result["findings"]))
            error = found["unusable"].get(file, "")
            self._checks[each] = stamp, Check(at, result["cases"], findings, error, outdated=False)
        self.drift = tuple(Drift(**change) for change in found["changes"])
        self.checked = name

    def _path(self, name: str) -> Path:
        return self.place / name if self.place.is_dir() else self.place

    def _name(self, file: Path) -> str:
        return file.name if file == self.place else file.relative_to(self.place).as_posix()

    def _read(self, name: str) -> Summary:
        try:
            found = self.interactions(name)
        except RecordingError as error:
            return Summary(name, error=str(error))
        return _summary(name, found)


def _summary(name: str, interactions: Iterable[Interaction]) -> Summary:
    found = list(interactions)
    apis = Counter(each.api for each in found if each.api is not None)
    moments = sorted(each.recorded_at for each in found if each.recorded_at is not None)
    return Summary(
        name,
        apis=tuple(sorted(apis.items())),
        others=len(found) - apis.total(),
        first=moments[0] if moments else None,
        last=moments[-1] if moments else None,
    )


def _checked(path: Path) -> dict[str, Any]:
    # Beside this process, whose threads go on answering meanwhile; and the contract is above it.
    command = [sys.executable, "-m", "cloud_openapi.contract", str(path)]
    # It ends when the other end of its standard input closes, also if this process is killed.
    reading, held = os.pipe()
    try:
        ran = subprocess.run(  # noqa: S603 - this package's own program
            command, stdin=reading, capture_output=True, timeout=_LONGEST_CHECK, check=True
        )
    except subprocess.TimeoutExpired:
        minutes = _LONGEST_CHECK // 60
        raise RecordingError(f"{path}: the check took more than {minutes} minutes") from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise RecordingError(f"{path}: the check failed: {last}") from None
    finally:
        os.close(reading)
        os.close(held)
    found: dict[str, Any] = json.loads(ran.stdout)
    if "error" in found:
        raise RecordingError(found["error"])
    return found


def _finding(found: dict[str, Any]) -> Finding:
    number = int(found["place"].rpartition("#")[2])
    return Finding(number, found["api"], found["check"], found["path"], found["message"])


def _stamp(path: Path) -> Stamp:
    """Return what changes with a file, zeros for a missing one."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
