"""Collections: results, copies, order, indexes, snapshots, threads."""

import subprocess
import sys
import threading
from collections import OrderedDict
from datetime import datetime, timedelta, timezone

import pytest

from cloud_openapi.documents import (
    BulkWriteError,
    Client,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
)


@pytest.fixture
def database():
    numbers = iter(range(1000))
    return Client(new_id=lambda: f"id{next(numbers)}")["e"]


@pytest.fixture
def collection(database):
    return database["c"]


def test_import_loads_the_standard_library_only():
    program = (
        "import sys; before = set(sys.modules); import cloud_openapi.documents;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "own = {name for name in sys.modules if name.startswith('cloud_openapi.')};"
        "print(sorted(new - set(sys.stdlib_module_names) - {'cloud_openapi'}),"
        "sorted(name for name in own if 'documents' not in name))"
    )
    without = (
        "import sys, cloud_openapi;"
        "print([], sorted(name for name in sys.modules if name.startswith('cloud_openapi.')))"
    )
    programs = [[sys.executable, "-c", each] for each in (program, without)]
    assert subprocess.check_output(programs[0]) == subprocess.check_output(programs[1])


def test_ids_come_from_the_client(collection):
    assert collection.insert_one({"a": 1}).inserted_id == "id0"
    assert collection.insert_many([{}, {"_id": 5}]).inserted_ids == ["id1", 5]
    assert list(collection.find_one()) == ["_id", "a"]
    assert collection.update_one({"x": 1}, {"$set": {"y": 1}}, upsert=True).upserted_id == "id2"


def test_documents_are_copies(collection):
    given = {"_id": 1, "l": [{"a": 1}]}
    collection.insert_one(given)
    given["l"][0]["a"] = 2
    collection.find_one()["l"][0]["a"] = 3
    next(collection.aggregate([{"$match": {}}]))["l"][0]["a"] = 4
    collection.update_one({}, {"$set": {"copy": given["l"]}})
    given["l"][0]["a"] = 5
    assert collection.find_one() == {"_id": 1, "l": [{"a": 1}], "copy": [{"a": 2}]}


def test_values_are_stored_as_mongodb_stores_them(collection):
    class Name(str):
        __slots__ = ()

    time = datetime(2020, 1, 1, 8, microsecond=1999, tzinfo=timezone(timedelta(hours=8)))
    collection.insert_one(OrderedDict(_id=1, t=time, name=Name("x"), pair=(1, 2)))
    found = collection.find_one()
    assert found == {
        "_id": 1,
        "t": datetime(2020, 1, 1, microsecond=1000),  # noqa: DTZ001
        "name": "x",
        "pair": [1, 2],
    }
    assert type(found) is dict
    assert collection.count_documents({"t": time, "name": Name("x")}) == 1


def test_upsert_starts_with_what_the_query_fixes(collection):
    query = {"a.b": 1, "c": {"$eq": 2}, "d": {"$gt": 3}, "$and": [{"e": 4}], "f": {"$in": [5]}}
    query |= {"$or": [{"g": {"$all": [6]}}], "i": {"$in": [7, 8]}}
    collection.update_one(query, {"$inc": {"n": 1}}, upsert=True)
    assert collection.find_one() == {
        "_id": "id0",
        "a": {"b": 1},
        "c": 2,
        "e": 4,
        "f": 5,
        "g": 6,
        "n": 1,
    }


def test_insert_many_stops_at_the_first_error(collection):
    with pytest.raises(BulkWriteError) as caught:
        collection.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}])
    assert caught.value.details["nInserted"] == 1
    assert caught.value.details["writeErrors"][0]["index"] == 1
    assert caught.value.details["writeErrors"][0]["code"] == 11000
    assert collection.count_documents({}) == 1


def test_find_one_and_update(collection):
    collection.insert_many([{"_id": 1, "n": 1}, {"_id": 2, "n": 5}])
    change = {"$inc": {"n": 1}}
    assert collection.find_one_and_update({}, change, sort=[("n", -1)]) == {"_id": 2, "n": 5}
    after = collection.find_one_and_update(
        {"_id": 2}, change, return_document=True, projection={"_id": 0}
    )
    assert after == {"n": 7}
    assert collection.find_one_and_update({"_id": 9}, change) is None
    assert collection.find_one_and_update({"_id": 9}, change, upsert=True) is None
    assert collection.find_one({"_id": 9}) == {"_id": 9, "n": 1}


def test_replace_keeps_the_id(collection):
    collection.insert_one({"_id": 1, "a": 1})
    assert collection.replace_one({"a": 1}, {"b": 2}).modified_count == 1
    assert collection.replace_one({"b": 2}, {"b": 2}).modified_count == 0
    assert collection.find_one() == {"_id": 1, "b": 2}
    for new in ({"_id": 2}, {"$set": {"a": 1}}):
        with pytest.raises(OperationFailure):
            collection.replace_one({}, new)


def test_cursor_is_set_before_it_is_read(collection):
    collection.insert_many([{"_id": n, "a": n % 2} for n in range(6)])
    cursor = collection.find({}, {"a": 0}).sort([("a", -1), ("_id", -1)]).skip(1).limit(3)
    assert list(cursor) == [{"_id": 3}, {"_id": 1}, {"_id": 4}]
    assert [each["_id"] for each in collection.find().skip(4)] == [4, 5]
    assert [each["_id"] for each in collection.find().skip(0).limit(0)] == [0, 1, 2, 3, 4, 5]
    with pytest.raises(InvalidOperation):
        cursor.limit(1)
    for wrong in ([("a", 2)], [("", 1)], [("a", "x")]):
        with pytest.raises(OperationFailure):
            collection.find().sort(wrong)


def test_index_finds_the_same_in_the_same_order(collection):
    documents = [{"_id": n, "a": n % 3, "l": [n, {"x": n % 2}], "b": n % 2} for n in range(30)]
    documents += [{"_id": 30}, {"_id": 31, "a": None, "l": []}, {"_id": 32, "a": [0, 1]}]
    collection.insert_many(documents)
    queries = [
        {"a": 1},
        {"a": None},
        {"a": {"$in": [0, 2, None]}},
        {"a": {"$eq": 1.0}, "b": 0},
        {"a": [0, 1]},
        {"l": 5},
        {"l.x": 1},
        {"$and": [{"a": 0}, {"a": 1}]},
        {"_id": {"$in": [5, 3, 4]}},
        {"a": {"$all": [0, 1]}},
        {"l": {"$all": [{"$elemMatch": {"x": 1}}]}},
        {"$or": [{"a": 0}]},
        {"$or": [{"a": 0}, {"a": 1}]},
    ]
    collection.update_one({"_id": 2}, {"$set": {"a": 1}})
    without = [list(collection.find(query)) for query in queries]
    for keys in ("a", [("a", 1), ("b", -1)], "l", "l.x"):
        collection.create_index(keys)
    assert [list(collection.find(query)) for query in queries] == without
    collection.delete_many({"a": 1})
    collection.update_many({}, {"$set": {"a": 7}})
    assert collection.count_documents({"a": 7}) == collection.count_documents({})
    assert collection.count_documents({"a": 0}) == 0


def test_unique_index(collection):
    collection.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 2}])
    assert collection.create_index([("a", 1), ("b", 1)], unique=True, name="pair") == "pair"
    with pytest.raises(DuplicateKeyError, match=r"E11000 .* e.c index: pair dup key: .*a: 1"):
        collection.insert_one({"a": 1, "b": None})
    with pytest.raises(DuplicateKeyError):
        collection.update_one({"_id": 2}, {"$set": {"a": 1}})
    collection.update_one({"_id": 1}, {"$set": {"x": 1}})
    collection.insert_one({"a": 1, "b": 5})
    assert collection.index_information()["pair"] == {"key": [("a", 1), ("b", 1)], "unique": True}
    with pytest.raises(DuplicateKeyError):
        collection.create_index("a", unique=True)
    assert "a_1" not in collection.index_information()


def test_collections_are_created_and_dropped(database):
    database.create_collection("empty")
    with pytest.raises(OperationFailure) as caught:
        database.create_collection("empty")
    assert caught.value.code == 48
    for name in ("", "a$b", ".a", "a.", "a\0"):
        with pytest.raises(OperationFailure):
            database.create_collection(name)
    assert list(database["nothing"].find()) == []
    assert database.list_collection_names() == ["empty"]
    database.drop_collection("empty")
    assert database.list_collection_names() == []


def test_snapshot_keeps_what_later_writes_change(database, collection):
    collection.create_index("a")
    collection.insert_many([{"_id": n, "a": n} for n in range(5)])
    snapshot = database.snapshot()
    for _ in range(2):
        collection.update_one({"_id": 1}, {"$set": {"a": 9}})
        collection.delete_one({"_id": 2})
        database["other"].insert_one({})
        database.restore(snapshot)
        assert [each["a"] for each in collection.find()] == [0, 1, 2, 3, 4]
        assert collection.count_documents({"a": {"$eq": 9}}) == 0
        assert collection.count_documents({"a": 2}) == 1
        assert database.list_collection_names() == ["c"]


def test_eight_threads_lose_no_increment(collection):
    collection.insert_one({"_id": 1, "n": 0})

    def work():
        for _ in range(50):
            collection.update_one({"_id": 1}, {"$inc": {"n": 1}})
            collection.insert_one({})
            sum(1 for _ in collection.find({"n": {"$gt": 0}}))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert collection.find_one({"_id": 1})["n"] == 400
    assert collection.count_documents({}) == 401


def test_positional_operator_updates_the_element_of_the_query(collection):
    items = [{"k": 1, "v": 1}, {"k": 2, "v": 1}, {"k": 2, "v": 5}]
    collection.insert_one({"_id": 1, "items": items, "o": {"l": [1, 2]}})
    collection.update_one(
        {"_id": 1, "items": {"$elemMatch": {"k": 2, "v": 5}}}, {"$inc": {"items.$.v": 1}}
    )
    collection.update_one({"o.l": 2}, {"$set": {"o.l.$": 9}})
    found = collection.find_one()
    assert [each["v"] for each in found["items"]] == [1, 1, 6]
    assert found["o"] == {"l": [1, 9]}
    with pytest.raises(OperationFailure):
        collection.update_one({"_id": 1}, {"$set": {"items.$.v": 1}})


def test_update_that_changes_nothing_is_not_a_modification(collection):
    collection.insert_one({"_id": 1, "a": 1, "l": [1], "o": {"x": 1}})
    for update in (
        {"$set": {"a": 1, "o": {"x": 1}}},
        {"$unset": {"none": "", "a.b": "", "l.x": ""}},
        {"$pull": {"l": 5, "none": 1}},
        {"$addToSet": {"l": 1}},
        {"$min": {"a": 5}},
        {"$pop": {"none": 1}},
        {"$setOnInsert": {"z": 1, "a.b": 1}},
        {"$inc": {"a": 0}},
        {"$bit": {"a": {"or": 1}}},
        {"$rename": {"none": "b"}},
    ):
        result = collection.update_many({}, update)
        assert (result.matched_count, result.modified_count) == (1, 0), update
    assert collection.update_one({}, {"$set": {"a": 1.0}}).modified_count == 1
