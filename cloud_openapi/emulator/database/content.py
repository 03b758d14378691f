"""The data of a database apart from any engine."""

from typing import Any, NamedTuple

Document = dict[str, Any]


class Index(NamedTuple):
    """The fields of an index, in ascending order."""

    fields: tuple[str, ...]
    unique: bool = False


class Collection(NamedTuple):
    """Documents in their order, and indexes."""

    documents: list[Document]
    indexes: tuple[Index, ...] = ()


Content = dict[str, Collection]
"""Collections by name."""
