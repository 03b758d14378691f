"""Findings of a check."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Severity = Literal["problem", "note"]


class Place(NamedTuple):
    """A place in a file; line and column begin at 1, and 0 stands for the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(each) for each in (self.line, self.column) if each)])


class Fix(NamedTuple):
    """A change of ``permissions.openapi``: ``remove`` is replaced by ``add``, or either alone."""

    file: str
    add: str = ""
    remove: str = ""

    def __str__(self) -> str:
        if self.add and self.remove:
            return f'"{self.remove}" replaced by "{self.add}"'
        return f'"{self.add}" added' if self.add else f'"{self.remove}" removed'


@dataclass(frozen=True)
class Finding:
    """A problem on the platform, or a note.

    ``code`` names the kind, and is stable. ``details`` are further lines, such as a stack trace.
    """

    function: str
    place: Place
    severity: Severity
    code: str
    message: str
    details: str = ""
    fix: Fix | None = None

    def __str__(self) -> str:
        return "\n".join(filter(None, [f"{self.place}: {self.message}", self.details]))

    def as_json(self) -> dict[str, Any]:
        """Return the object of ``check --json``."""
        found: dict[str, Any] = {
            "function": self.function,
            "file": self.place.file,
            "line": self.place.line or None,
            "column": self.place.column or None,
            "severity": self.severity,
            "code": self.code,
            "message": "\n".join(filter(None, [self.message, self.details])),
        }
        return found if self.fix is None else {**found, "fix": self.fix._asdict()}


class Reporter(NamedTuple):
    """Makes the findings of one function."""

    function: str

    def problem(
        self, place: Place, code: str, message: str, details: str = "", fix: Fix | None = None
    ) -> Finding:
        """Return a problem: the function, or a part of it, does not work on the platform."""
        return Finding(self.function, place, "problem", code, message, details, fix)

    def note(self, place: Place, code: str, message: str) -> Finding:
        """Return a note on a possible mistake, or on what the emulator does otherwise."""
        return Finding(self.function, place, "note", code, message)
