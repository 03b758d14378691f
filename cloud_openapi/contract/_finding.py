"""The results of a verification, and the interface of its checks."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from cloud_openapi.catalogue import Operation
from cloud_openapi.recordings import Interaction


class Finding(NamedTuple):
    """A difference from the contract or from a recording."""

    check: str
    """The check that failed: ``https form``, ``cloud form``, ``emulator``, ``function <name>``."""
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.check}: {self.path}: {self.message}"


class Case(NamedTuple):
    """The findings of one recording."""

    place: str
    api: str
    origin: str
    """The time and the source of the recording."""
    findings: tuple[Finding, ...]


class Check(Protocol):
    """Compares something with a recording."""

    notes: Counter[str]
    """How often something was compared or left out."""

    def findings(self, operation: Operation, interaction: Interaction) -> Iterator[Finding]:
        """Yield the differences from the recording."""
