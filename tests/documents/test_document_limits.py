"""Hostile input: every case ends with a code, in time, and changes nothing."""

import itertools
import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from cloud_openapi.documents import Client, OperationFailure

MEGABYTE = 1024 * 1024


def nested(levels, leaf=1):
    for _ in range(levels):
        leaf = {"a": leaf}
    return leaf


@pytest.fixture
def collection():
    collection = Client()["e"]["c"]
    collection.insert_one({"_id": 1, "s": "a" * 60 + "b", "n": 1, "l": [1]})
    return collection


def code_of(call, *given):
    with pytest.raises(OperationFailure) as caught:
        read(call, given)
    return caught.value.code


def read(call, given):
    found = call(*given)
    return list(found) if isinstance(found, Iterator) else found


def test_refused_queries(collection):
    queries = {
        2: [
            {"$where": "1"},
            {"n": {"$where": "1"}},
            {"$text": {"$search": "x"}},
            {"n": {"$gt": 1, "x": 2}},
            {"n": {"$in": 1}},
            {"n": {"$in": [{"$gt": 1}]}},
            {"n": {"$mod": [0, 0]}},
            {"n": {"$mod": [2]}},
            {"n": {"$size": -1}},
            {"n": {"$size": 1.5}},
            {"n": {"$not": 5}},
            {"n": {"$elemMatch": 5}},
            {"n": {"$type": "nothing"}},
            {"n": {"$options": "i"}},
            {"n": {"$regex": 5}},
            {"n": {"$all": 5}},
            {"$and": []},
            {"$or": 5},
            {"$unknown": 1},
            {"l": {"$geoWithin": {"$box": [[0, 0], [1, 1]]}}},
            {"l": {"$geoWithin": {"$centerSphere": [[0, 0]]}}},
            {"l": {"$geoIntersects": {"$geometry": {"type": "Point", "coordinates": [999, 0]}}}},
            {"n": 2**63},
            {"n": object()},
            {1: 2},
        ],
        9: [[], 5, "x", {"$jsonSchema": {"unknown": 1}}, {"$jsonSchema": {"required": 5}}],
        15: [nested(101), {"$and": [nested(101)]}, {".".join("a" * 101): 1}],
        27: [{"l": {"$near": [0, 0]}}],
        168: [{"$expr": {"$unknown": 1}}],
        51091: [
            {"s": {"$regex": "("}},
            {"s": {"$regex": "x", "$options": "q"}},
            {"s": {"$regex": "x" * 40_000}},
            {"s": {"$regex": "[[a]"}},
        ],
    }
    for code, each in queries.items():
        assert [code_of(collection.find, query) for query in each] == [code] * len(each)


def test_explosive_regular_expressions_are_refused(collection):
    for pattern in (
        "(a+)+$",
        "(a|a)*$",
        "(a|aa)+$",
        "(a*)*$",
        "(.*a){20}$",
        "a*a*a*a*a*a*c",
        "a?" * 40 + "a" * 40 + "c",
        "(a+)\\1+c",
        "(?=(a+)+$)x",
        "((a{1,30}){1,30}){1,30}c",
    ):
        for query in ({"s": {"$regex": pattern}}, {"s": re.compile(pattern)}):
            assert code_of(collection.find, query) == 51091


def test_ordinary_regular_expressions_search_long_texts():
    collection = Client()["e"]["c"]
    collection.insert_one({"s": "文" * 50_000 + "key word" + "x" * 50_000})
    for pattern in (".*key.*", "key", "^文+", "(key|lock) word", "k[a-z]y\\s", "^文.*x$"):
        assert collection.count_documents({"s": {"$regex": pattern}}) == 1
    assert collection.count_documents({"s": {"$regex": ".*KEY", "$options": "i"}}) == 1


def test_refused_updates(collection):
    before = collection.find_one()
    updates = {
        2: [
            {"$push": {"n": 1}},
            {"$push": {"l": {"$each": 5}}},
            {"$push": {"l": {"$each": [], "$foo": 1}}},
            {"$push": {"l": {"$each": [], "$sort": 5}}},
            {"$push": {"l": {"$each": [], "$slice": "x"}}},
            {"$pullAll": {"l": 5}},
            {"$bit": {"n": {"and": "x"}}},
            {"$rename": {"n": 5}},
            {"$currentDate": {"n": "x"}},
            {"$set": {"l.$.x": 1}},
            {"$set": {"l.9999999": 1}},
            {"$set": {"a\0": {"b\0": 1}}},
            {"$inc": {"n": 2**63 - 1}},
        ],
        9: [{"n": 1}, [], 5, {}, {"$foo": {"n": 1}}, {"$set": 5}, {"$set": {}}, {"$pop": {"l": 5}}],
        14: [{"$inc": {"s": 1}}, {"$inc": {"n": "x"}}, {"$mul": {"n": None}}],
        15: [{"$set": {"x": nested(101)}}, {"$set": {".".join("a" * 99): nested(50)}}],
        28: [{"$set": {"n.x": 1}}, {"$set": {"l.x": 1}}, {"$rename": {"n.x": "y"}}],
        40: [{"$set": {"n": 1, "n.x": 2}}, {"$inc": {"n": 1}, "$unset": {"n": ""}}],
        52: [{"$set": {"x": {"$y": 1}}}, {"$set": {"$x": 1}}, {"$push": {"l": {"$y": 1}}}],
        56: [{"$set": {"a..b": 1}}, {"$set": {"": 1}}],
        66: [{"$set": {"_id": 2}}, {"$unset": {"_id": ""}}],
        10334: [{"$set": {"x": "x" * 17 * MEGABYTE}}],
    }
    for code, each in updates.items():
        found = [code_of(collection.update_many, {}, update) for update in each]
        assert found == [code] * len(each)
    assert collection.find_one() == before


def test_refused_documents(collection):
    documents = {
        2: [{"_id": [1]}, {"_id": re.compile("x")}, {"a\0": 1}, {1: 1}, {"x": {1, 2}}],
        9: [5, None, []],
        15: [nested(101), {"l": [[[nested(99)]]]}],
        52: [{"$set": 1}, {"a": [{"$gt": 1}]}],
        10334: [{"x": "x" * 17 * MEGABYTE}, {"x": "文" * 6 * MEGABYTE}],
        11000: [{"_id": 1}, {"_id": 1.0}],
    }
    for code, each in documents.items():
        assert [code_of(collection.insert_one, one) for one in each] == [code] * len(each)
    collection.insert_one({"deep": nested(99)})
    assert collection.count_documents({}) == 2


@pytest.mark.parametrize("leaf", [1, 1.5, "x", None, b"x"])
def test_the_levels_of_nesting_do_not_depend_on_the_innermost_value(collection, leaf):
    collection.insert_one({"deep": nested(99, leaf)})
    assert code_of(collection.insert_one, {"deep": nested(100, leaf)}) == 15


def test_an_update_makes_no_document_that_an_insert_refuses(collection):
    collection.update_one({}, {"$set": {"a.b.c": nested(97)}})
    kept = collection.find_one()
    Client()["e"]["c"].insert_one(kept)
    assert code_of(collection.update_one, {}, {"$set": {"a.b.c": nested(98)}}) == 15
    assert collection.find_one() == kept


def test_a_text_of_a_lone_surrogate_is_stored():
    collection = Client()["e"]["c"]
    collection.insert_one({"_id": "\ud800", "s": "x\udfff"})
    upper = [{"$project": {"u": {"$toUpper": "$s"}}}]
    assert collection.find_one({"s": {"$regex": "^x"}})["_id"] == "\ud800"
    assert next(collection.aggregate(upper))["u"] == "X\udfff"


def test_refused_pipelines(collection):
    range_ = {"$range": [0, 1000]}
    double = {"$concat": ["$$value", "$$value"]}
    deeper = {"input": range_, "initialValue": 0, "in": {"a": "$$value"}}
    pipelines = {
        14: [5, {"$match": {}}],
        15: [[{"$project": {"x": {"$reduce": deeper}}}]],
        10334: [
            [{"$project": {"x": {"$reduce": {"input": range_, "initialValue": "x", "in": double}}}}]
        ],
        16819: [[{"$project": {"x": {"$range": [0, 10**9]}}}]],
        40323: [[5], [{}], [{"$match": {}, "$limit": 1}]],
        40324: [[{"$foo": 1}], [{"$out": "x"}], [{"$merge": {"into": "x"}}]],
        15957: [[{"$limit": 0}], [{"$skip": -1}], [{"$limit": "x"}]],
        16608: [[{"$project": {"x": {"$divide": [1, 0]}}}]],
        16554: [[{"$project": {"x": {"$add": [1, "$s"]}}}]],
        17276: [[{"$project": {"x": "$$unknown"}}]],
        40228: [[{"$replaceRoot": {"newRoot": "$n"}}]],
        28818: [[{"$unwind": "l"}]],
        15955: [[{"$group": {}}]],
        15952: [[{"$group": {"_id": 1, "x": {"$foo": 1}}}]],
    }
    for code, each in pipelines.items():
        assert [code_of(collection.aggregate, one) for one in each] == [code] * len(each)


def test_every_operation_ends_in_time():
    ticks = itertools.count()
    client = Client(time_limit=100, monotonic=lambda: next(ticks))
    collection = client["e"]["c"]
    collection.insert_many([{"l": [1] * 20} for _ in range(200)])
    unwind = [{"$unwind": "$l"}, {"$addFields": {"k": "$l", "l": [1] * 50}}]
    body = {"$map": {"input": {"$range": [0, 500]}, "in": {"$map": {"input": [1], "in": 1}}}}
    pipelines = [unwind * 2, [{"$project": {"x": body}}]]
    for pipeline in pipelines:
        assert code_of(collection.aggregate, pipeline) == 50
    assert collection.count_documents({}) == 200


def test_dates_beyond_the_calendar_are_errors():
    collection = Client()["e"]["c"]
    collection.insert_one({"t": datetime(9999, 12, 31)})  # noqa: DTZ001
    for expression in (
        {"$add": ["$t", 10**12]},
        {"$subtract": ["$t", 10**18]},
        {"$dateFromParts": {"year": 10**9}},
        {"$hour": {"date": "$t", "timezone": "-23:00", "x": 1}},
        {"$hour": {"date": "$t", "timezone": "Nowhere/At_All"}},
        {"$hour": {"date": "$t", "timezone": "../../etc/passwd"}},
        {"$dateToString": {"date": "$t", "format": "%Q"}},
        {"$dateFromString": {"dateString": "2020-13-45"}},
    ):
        code_of(collection.aggregate, [{"$project": {"x": expression}}])
