"""Random programs on the embedded engine and on SecantusDB, a MongoDB-compatible server.

SecantusDB is an independent implementation and not MongoDB: each difference is named below with
the side that is wrong. ``RANDOM_PROGRAMS`` sets the number of programs.
"""

import os
import random
import re

import pytest
from support.comparison import Difference, Refused, Side, compared, same
from support.random_documents import Maker

from cloud_openapi import documents

pytestmark = pytest.mark.slow

PROGRAMS = int(os.environ.get("RANDOM_PROGRAMS", "20000"))
SEED = int(os.environ.get("RANDOM_SEED", "1"))
BATCH = 30
"""Programs on the same documents."""


def mentions(pattern):
    """Return a function that finds a pattern in the program of a difference."""
    return lambda difference: re.search(pattern, repr(difference.program)) is not None


def refused(text):
    """Return a function that finds a text in the refusal of the server."""
    return lambda difference: text in getattr(difference.expected, "text", "")


def refuses(text):
    """Return a function that finds a text in the refusal of the engine."""
    return lambda difference: text in getattr(difference.found, "text", "")


# MongoDB's side is that of its source: https://github.com/mongodb/mongo/tree/v4.2/src/mongo/db
KNOWN = (
    ("SecantusDB fails", refused("internal server error")),
    ("SecantusDB evaluates constants only where it needs them", refuses("Failed to optimize")),
    ("SecantusDB inserts what two conditions fix", refuses("cannot infer query fields to set")),
    ("SecantusDB also looks into a list that is an element", mentions(r"'(l|p)\.[01]")),
    ("SecantusDB does not follow the paths of expressions through lists", mentions(r"'\$o\.")),
    ("SecantusDB takes {} and [] for one group", mentions(r"\$group|\$sortByCount")),
    ("SecantusDB takes a missing value for null", mentions(r"\$indexOfArray")),
    ("SecantusDB takes another element for $", mentions(r"\.\$'")),
    ("SecantusDB renames nothing below null", mentions(r"\$rename")),
    ("SecantusDB sorts what is no object before objects", mentions(r"\$push.*\$sort")),
    ("the engine counts no change of 0 from 32 to 64 bits", mentions(r"\$mul")),
)
"""Pairs of a reason and a function of a difference."""


@pytest.fixture
def sides(mongodb):
    pymongo = pytest.importorskip("pymongo")
    with pymongo.MongoClient(mongodb) as client:
        server = Side(client["random"], pymongo.errors.PyMongoError)
        engine = Side(documents.Client()["random"], documents.PyMongoError)
        yield server, engine


def found_differently(sides, maker):
    kept = [{"_id": number, **maker.document()} for number in range(10)]
    for _ in range(BATCH):
        skip, limit = maker.chance.randint(0, 3), maker.chance.randint(0, 4)
        projection = maker.projection() if maker.often(0.4) else None
        program = (maker.query(), projection, maker.order(), skip, limit)
        yield from compared(sides, "find", kept, program)


def aggregated_differently(sides, maker):
    kept = [{"_id": number, **maker.document()} for number in range(10)]
    for side in sides:
        side.fill("other", kept[:5])
    for _ in range(BATCH):
        yield from compared(sides, "aggregate", kept, maker.pipeline())


def updated_differently(sides, maker):
    """Update documents in groups, and compare all groups at the end."""
    kept = [{"_id": 3 * group + n, "g": group, **maker.document()}
            for group in range(BATCH) for n in range(3)]  # fmt: skip
    for side in sides:
        side.fill("c", kept)
    programs = []
    for group in range(BATCH):
        update = maker.update()
        query = {"g": group, **maker.query_of(update)}
        # SecantusDB inserts the regular expressions of a query, and places in lists.
        odd = "re.compile" in repr(query) or ".$" in repr(update)
        upsert = not odd and maker.often(0.2)
        programs.append((maker.often(0.7), query, update, upsert))
    outcomes = [[side.update(program) for program in programs] for side in sides]
    groups = [side.aggregate([{"$sort": {"_id": 1}}, {"$project": {"_id": 0}}]) for side in sides]
    for group, program in enumerate(programs):
        expected, found = (
            done
            if isinstance(done, Refused)
            else [done, [each for each in every if each["g"] == group]]
            for done, every in zip((side[group] for side in outcomes), groups, strict=True)
        )
        # SecantusDB adds fields in the order of the update, MongoDB in that of their names.
        if not same(expected, found, program, ordered=False):
            yield Difference("update", program, kept[3 * group : 3 * group + 3], expected, found)


@pytest.mark.parametrize("kind", [found_differently, updated_differently, aggregated_differently])
def test_random_programs_give_the_same_as_on_a_server(sides, kind, record_property):
    maker = Maker(random.Random(f"{SEED} {kind.__name__}"))
    batches = -(-PROGRAMS // 3 // BATCH)
    differences = [each for _ in range(batches) for each in kind(sides, maker)]
    explained = [reason for each in differences for reason, applies in KNOWN if applies(each)]
    unknown = [each for each in differences if not any(applies(each) for _, applies in KNOWN)]
    record_property(
        "summary",
        f"{batches * BATCH} programs, {len(differences)} differences: {sorted(set(explained))}",
    )
    assert not unknown, f"{len(unknown)} differences:\n" + "\n\n".join(map(str, unknown[:20]))
    assert len(differences) * 1000 <= batches * BATCH
