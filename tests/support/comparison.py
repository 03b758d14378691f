"""One program of a random kind, run on two databases with pymongo's names."""

import math
from typing import Any, NamedTuple

# Their order is not defined; lists of a result that has them are compared as sets.
UNORDERED = ("$addToSet", "$setUnion", "$setIntersection", "$setDifference", "$sortByCount")


class Refused(NamedTuple):
    """The database refused a program."""

    code: int | None
    text: str


class Broken(NamedTuple):
    """The database failed with an error that is not its own."""

    error: str


class Difference(NamedTuple):
    """Two outcomes of a program on the same documents."""

    kind: str
    program: Any
    documents: list
    expected: Any
    found: Any

    def __str__(self):
        return "\n  ".join(
            [self.kind, *(f"{name}: {getattr(self, name)!r:.1500}" for name in self._fields[1:])]
        )


class Side:
    """One of the two databases; ``errors`` are the types that it raises on purpose."""

    def __init__(self, database, errors):
        self.database, self.errors, self._filled = database, errors, {}

    def fill(self, name, documents):
        """Replace the documents of a collection, unless it has them already."""
        if self._filled.get(name) is documents:
            return
        self._filled[name] = documents
        self.database.drop_collection(name)
        self.database[name].insert_many([dict(document) for document in documents])

    def outcome(self, run):
        try:
            return run()
        except self.errors as error:
            return Refused(getattr(error, "code", None), str(error))
        except Exception as error:  # noqa: BLE001 - any of them is a fault of the database
            return Broken(repr(error))

    def find(self, program):
        query, projection, order, skip, limit = program
        found = self.database["c"].find(query, projection).sort(order)
        return self.outcome(lambda: list(found.skip(skip).limit(limit)))

    def count(self, program):
        return self.outcome(lambda: self.database["c"].count_documents(program))

    def aggregate(self, program):
        return self.outcome(lambda: list(self.database["c"].aggregate(program)))

    def update(self, program):
        many, query, update, upsert = program
        collection = self.database["c"]
        change = collection.update_many if many else collection.update_one
        done = self.outcome(lambda: change(query, update, upsert=upsert))
        return done if isinstance(done, (Refused, Broken)) else _counts(done)


def _counts(result):
    return [result.matched_count, result.modified_count, result.upserted_id is not None]


def compared(sides, kind, documents, program):
    """Yield the difference of a program; of one document alone, if it is enough."""
    for side in sides:
        side.fill("c", documents)
    expected, found = (getattr(side, kind)(program) for side in sides)
    if same(expected, found, program):
        return
    for document in documents:
        for side in sides:
            side.fill("c", [document])
        alone = [getattr(side, kind)(_uncut(kind, program)) for side in sides]
        if not same(*alone, program):
            documents, (expected, found) = [document], alone
            break
    yield Difference(kind, program, documents, expected, found)


def _uncut(kind, program):
    return (*program[:3], 0, 0) if kind == "find" else program


def same(expected, found, program, *, ordered=True):
    """Return True if two outcomes are the same; codes of errors do not count.

    ``ordered`` is the order of the fields of objects.
    """
    if isinstance(expected, Refused) or isinstance(found, Refused):
        return isinstance(expected, Refused) and isinstance(found, Refused)
    if any(name in repr(program) for name in UNORDERED):
        expected, found = _sorted(expected), _sorted(found)
    return _equal(expected, found, ordered)


def _equal(one, other, ordered):
    if isinstance(one, dict) and isinstance(other, dict):
        names = list(one) == list(other) if ordered else one.keys() == other.keys()
        return names and all(_equal(one[name], other[name], ordered) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(_equal(*pair, ordered) for pair in pairs)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other


def _sorted(value):
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted(map(_sorted, value), key=repr)
    return value
