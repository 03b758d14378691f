"""The documents of a collection with their indexes, and copies that share until one is written."""

from collections.abc import Sequence
from itertools import count, product
from math import prod
from typing import Final

from cloud_openapi.documents._errors import DuplicateKeyError, check
from cloud_openapi.documents._paths import keys_at
from cloud_openapi.documents._values import Document, Key, shown

_MOST_KEYS: Final = 10_000  # of one document in one index, and of one query


Place = tuple[str, str]
"""Names of a database and a collection."""


def duplicate_key(place: Place, index: str, key: str) -> DuplicateKeyError:
    """Return MongoDB's error for a value that exists already."""
    where = f"collection: {'.'.join(place)} index: {index} dup key: {{ {key} }}"
    return DuplicateKeyError(f"E11000 duplicate key error {where}", 11000)


class Index:
    """The rows of documents by the keys of some paths."""

    def __init__(self, name: str, paths: Sequence[str], kind: str, *, unique: bool) -> None:
        self.name, self.paths, self.kind, self.unique = name, tuple(paths), kind, unique
        self._readers = [keys_at(path) for path in paths]
        self._rows: dict[tuple[Key, ...], set[int]] = {}
        self._shared: set[tuple[Key, ...]] = set()  # keys whose rows another index has too

    def copy(self) -> "Index":
        """Return a copy, in which changes do not change this one; this one must not change."""
        other = Index(self.name, self.paths, self.kind, unique=self.unique)
        other._rows, other._shared = self._rows.copy(), set(self._rows)
        return other

    def _own(self, keys: tuple[Key, ...]) -> set[int]:
        if keys in self._shared:
            self._shared.remove(keys)
            self._rows[keys] = set(self._rows[keys])
        return self._rows.setdefault(keys, set())

    def rows(self, keys: Sequence[Sequence[Key]]) -> set[int]:
        """Return the rows with any of the keys for each path."""
        return {row for each in product(*keys) for row in self._rows.get(each, ())}

    def check(self, document: Document | None, row: int | None, place: Place) -> None:
        """Raise DuplicateKeyError if the index is unique and another row has a key."""
        for each in self._keys(document):
            if self.unique and self._rows.get(each, set()) - {row}:
                pairs = zip(self.paths, each, strict=True)
                key = ", ".join(f"{path}: {shown(value[-1])}" for path, value in pairs)
                raise duplicate_key(place, self.name, key)

    def write(self, row: int, old: Document | None, new: Document | None) -> None:
        """Replace the keys of a row's old document by those of the new one."""
        for each in self._keys(old):
            self._own(each).discard(row)
            if not self._rows[each]:
                del self._rows[each]
        for each in self._keys(new):
            self._own(each).add(row)

    def _keys(self, document: Document | None) -> set[tuple[Key, ...]]:
        if document is None or self.kind:  # a geographic index only has to exist
            return set()
        keys = [{*read(document)} for read in self._readers]
        entries = prod(map(len, keys))
        check(entries <= _MOST_KEYS, f"{entries} keys of one document in index {self.name}")
        return {*product(*keys)}


class Table:
    """Documents by row, a number that grows, and their indexes."""

    def __init__(self) -> None:
        self.shared = False  # whoever keeps the table sets it: only a copy may be written then
        self.indexes: dict[str, Index] = {}
        self._documents: dict[int, Document] = {}
        self._ids: dict[Key, int] = {}
        self._next = count()

    def copy(self) -> "Table":
        """Return a copy that may be written."""
        other = Table()
        other.indexes = {name: index.copy() for name, index in self.indexes.items()}
        other._documents, other._ids = self._documents.copy(), self._ids.copy()
        other._next = self._next
        return other

    def get(self, identity: Key) -> Document | None:
        """Return the document with the key of an ``_id``."""
        row = self._ids.get(identity)
        return None if row is None else self._documents.get(row)

    def candidates(self, equalities: dict[str, list[Key]]) -> list[Document]:
        """Return the documents that may satisfy a query, in the order of their insertion."""
        if "_id" in equalities:
            found = {self._ids[each] for each in equalities["_id"] if each in self._ids}
        else:
            known = equalities.keys()
            usable = [i for i in self.indexes.values() if not i.kind and known >= {*i.paths}]
            usable = [i for i in usable if prod(len(equalities[p]) for p in i.paths) <= _MOST_KEYS]
            if not usable:
                return list(self._documents.values())
            index = max(usable, key=lambda index: len(index.paths))
            found = index.rows([equalities[path] for path in index.paths])
        return [self._documents[row] for row in sorted(found)]

    def write(self, identity: Key, new: Document | None, place: Place) -> Document | None:
        """Insert or replace the document with the key of its ``_id``, or remove it for None.

        Return the old one. Raises DuplicateKeyError.
        """
        row = self._ids.get(identity)
        old = None if row is None else self._documents[row]
        if new is None and old is None:
            return None
        for index in self.indexes.values():
            index.check(new, row, place)
        row = next(self._next) if row is None else row
        for index in self.indexes.values():
            index.write(row, old, new)
        if new is None:
            del self._documents[row], self._ids[identity]
        else:
            self._documents[row], self._ids[identity] = new, row
        return old

    def add_index(self, index: Index, place: Place) -> None:
        """Add an index of the documents there are. Raises DuplicateKeyError."""
        for row, document in self._documents.items():
            index.check(document, row, place)
            index.write(row, None, document)
        self.indexes[index.name] = index


Tables = dict[str, Table]
"""The tables of a database by the names of collections."""


def own(tables: Tables, name: str) -> Table:
    """Return the table of a collection for a write: a new one, or a copy of one that is shared."""
    table = tables.get(name)
    if table is None or table.shared:
        tables[name] = table = Table() if table is None else table.copy()
    return table


def share(tables: Tables) -> Tables:
    """Return the tables as they are now, which later writes do not change."""
    for table in tables.values():
        table.shared = True
    return dict(tables)
