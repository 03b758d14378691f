"""Measure one document database in this process: what each line of input names.

    python -m scripts.bench.document_work embedded|mongomock|mongodb://…

Each answer is a line with a number: seconds of one operation, or MiB.
"""

import importlib
import itertools
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from scripts.bench.starting import memory

DOCUMENTS = 10_000
_UPDATES = 100_000
_LEAST_SECONDS = 0.05


def open_database(kind: str) -> Any:
    """Import a library, and return a database with pymongo's names."""
    if kind == "embedded":
        return importlib.import_module("cloud_openapi.documents").Client()["bench"]
    if kind == "mongomock":
        return importlib.import_module("mongomock_ng").MongoClient()["bench"]
    return importlib.import_module("pymongo").MongoClient(kind)["bench"]


def document(number: int) -> dict[str, Any]:
    """Return a document such as a program of a small shop keeps."""
    return {
        "_id": f"{number:032x}",
        "number": number * 7919 % DOCUMENTS,
        "code": f"c{number}",
        "kind": number % 100,
        "name": f"name {number}",
        "tags": ["a", "b", "c"][: number % 4],
        "address": {"city": "广州", "street": {"number": number}},
    }


class Work:
    """The measured operations on 10,000 documents."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.documents = database["items"]
        self.documents.insert_many([document(number) for number in range(DOCUMENTS)])
        self.documents.create_index([("code", 1)])
        self._new = itertools.count(DOCUMENTS)

    def get_by_id(self) -> None:
        """Get one document by its _id."""
        self._found(1, self.documents.find({"_id": f"{1234:032x}"}))

    def get_by_index(self) -> None:
        """Get one document by an indexed field."""
        self._found(1, self.documents.find({"code": "c1234"}))

    def where(self) -> None:
        """Look at all documents for the 99 that match."""
        query = {"kind": 7, "number": {"$gt": 100}, "address.city": "广州"}
        self._found(99, self.documents.find(query).limit(100))

    def sort(self) -> None:
        """Sort all documents by a number, and return 20."""
        self._found(20, self.documents.find({}).sort([("number", -1)]).limit(20))

    def count(self) -> None:
        """Count half of the documents."""
        if self.documents.count_documents({"number": {"$gte": DOCUMENTS // 2}}) < DOCUMENTS // 2:
            raise RuntimeError("documents are missing")

    def group(self) -> None:
        """Sum a number in 100 groups."""
        stages = [{"$group": {"_id": "$kind", "sum": {"$sum": "$number"}, "n": {"$sum": 1}}}]
        self._found(100, self.documents.aggregate(stages))

    def insert(self) -> None:
        """Insert one document into a collection of its own."""
        self.database["added"].insert_one(document(next(self._new)))

    def reset(self) -> None:
        """Go back to a snapshot after a change."""
        kept = self.database.snapshot()
        self.documents.update_one({"_id": f"{1:032x}"}, {"$inc": {"kind": 1}})
        self.database.restore(kept)

    def update(self) -> None:
        """Increment a number of one document."""
        chosen = f"{next(self._new) % DOCUMENTS:032x}"
        self.documents.update_one(
            {"_id": chosen}, {"$inc": {"number": 1}, "$set": {"name": chosen}}
        )

    def _found(self, number: int, found: Any) -> None:
        if len(list(found)) != number:
            raise RuntimeError(f"not {number} documents")


def seconds_of(operation: Callable[[], None], clock: Callable[[], float]) -> float:
    """Repeat an operation for some time, and return the seconds of one."""
    calls, begun = 0, clock()
    while (spent := clock() - begun) < _LEAST_SECONDS:
        operation()
        calls += 1
    return spent / calls


def main() -> None:
    """Run the command."""
    # Other processes of this machine cost no CPU time, but a server is such a process.
    clock = time.perf_counter if sys.argv[1].startswith("mongodb") else time.process_time
    work = Work(open_database(sys.argv[1]))
    for line in sys.stdin:
        name = line.strip()
        if name == "memory after updates":
            for _ in range(_UPDATES):
                work.update()
        is_memory = name.startswith("memory")
        print(
            memory(os.getpid()) if is_memory else seconds_of(getattr(work, name), clock), flush=True
        )


if __name__ == "__main__":
    main()
