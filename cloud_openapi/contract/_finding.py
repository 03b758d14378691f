"""What a verification finds, and what finds it."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from cloud_openapi.catalogue import Operation
from cloud_openapi.recordings import Interaction


class Finding(NamedTuple):
    """Something that is not as the contract, or a recording, says."""

    check: str
    """Who is wrong: ``https form``, ``cloud form``, ``emulator`` or ``function <name>``."""
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.check}: {self.path}: {self.message}"


class Case(NamedTuple):
    """What came of one recording."""

    place: str
    api: str
    origin: str
    """When it was recorded, and where it comes from."""
    findings: tuple[Finding, ...]


class Check(Protocol):
    """Holds something against a recording."""

    notes: Counter[str]
    """What was done how often, and what was not."""

    def findings(self, operation: Operation, interaction: Interaction) -> Iterator[Finding]:
        """Yield what differs from the recording."""
