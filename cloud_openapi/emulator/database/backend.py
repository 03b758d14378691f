"""Engines behind pymongo's names: the embedded one, and a server by pymongo."""

from collections.abc import Callable
from typing import Any, Protocol


class Backend(Protocol):
    """An engine with one database for one mini program."""

    @property
    def client(self) -> Any:
        """Return the client, which starts sessions."""

    @property
    def database(self) -> Any:
        """Return the database."""

    @property
    def refused(self) -> tuple[type[Exception], ...]:
        """Return the classes of the engine's errors."""

    @property
    def object_id(self) -> Callable[[str], Any]:
        """Return the class of the ids that MongoDB made."""

    @property
    def has_transactions(self) -> bool:
        """Return whether transactions are possible for certain."""

    def has(self, name: str) -> bool:
        """Return whether a collection exists."""

    def is_locked(self, error: Exception) -> bool:
        """Return whether a write was refused because an open transaction changed its document."""

    def create(self, name: str) -> None:
        """Add an empty collection."""

    def drop(self, name: str) -> None:
        """Remove a collection with its documents."""

    def save(self) -> Any:
        """Return all data as they are now, for `load`."""

    def load(self, saved: Any) -> None:
        """Replace all data."""

    def detach(self) -> None:
        """Keep no changes any more: a reset has replaced this database."""
