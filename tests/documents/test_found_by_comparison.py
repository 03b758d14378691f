"""Behaviour that a random comparison found, as MongoDB's source of 4.2 has it.

https://github.com/mongodb/mongo/tree/v4.2/src/mongo/db
"""

import pytest

from cloud_openapi import documents

Failed = documents.OperationFailure
OBJECTS = [{"_id": 1, "p": [{"n": 2}, {}]}, {"_id": 2, "p": [{"n": 1}]}, {"_id": 3, "p": [3]}]


@pytest.fixture
def found():
    """Return a function that runs a stage over documents, with others as collection "other"."""

    def found(kept, *stages, other=()):
        database = documents.Client()["d"]
        database["c"].insert_many(kept)
        database.create_collection("other")
        for each in other:
            database["other"].insert_one(each)
        return list(database["c"].aggregate(stages))

    return found


def matching(kept, query):
    collection = documents.Client()["d"]["c"]
    collection.insert_many(kept)
    return [each["_id"] for each in collection.find(query).sort("_id", 1)]


def changed(kept, update, query=None, **options):
    collection = documents.Client()["d"]["c"]
    collection.insert_many(kept)
    collection.update_many(query or {}, update, **options)
    return list(collection.find().sort("_id", 1))


def test_index_finds_what_all_and_elem_match_find():
    collection = documents.Client()["d"]["c"]
    collection.create_index([("l", 1)])
    collection.insert_many([{"_id": 1, "l": [1, 5]}, {"_id": 2, "l": [{"k": 3}]}])
    for query, found in (
        ({"l": {"$all": [1, 5]}}, [1]),
        ({"l": {"$all": [{"$elemMatch": {"k": 3}}]}}, [2]),
        ({"$or": [{"l": 5}]}, [1]),
    ):
        assert [each["_id"] for each in collection.find(query)] == found


def test_limit_of_zero_is_none():
    collection = documents.Client()["d"]["c"]
    collection.insert_many([{"_id": 1}, {"_id": 2}, {"_id": 3}])
    assert [each["_id"] for each in collection.find().skip(1).limit(0)] == [2, 3]


def test_numbers_in_paths():
    # matcher/path.cpp: past the end of a list nothing is found, not even null.
    kept = [{"_id": 1, "l": []}, {"_id": 2, "l": [None]}, {"_id": 3}, {"_id": 4, "l": [3]}]
    assert matching(kept, {"l.0": None}) == [2, 3]
    assert matching(kept, {"l.0.n": None}) == [3]
    assert matching(OBJECTS, {"p.0": None}) == [1, 2]


def test_missing_elements_are_null_in_the_order():
    collection = documents.Client()["d"]["c"]
    collection.insert_many(OBJECTS)
    order = [each["_id"] for each in collection.find().sort([("p.n", 1), ("_id", 1)])]
    assert order == [1, 3, 2]


def test_lookup_compares_an_empty_list_as_null(found):
    # pipeline/document_source_lookup.cpp: "Missing values are treated as null."
    stage = {"$lookup": {"from": "other", "localField": "l", "foreignField": "k", "as": "r"}}
    rows = [{"_id": 1, "k": 1}, {"_id": 2}, {"_id": 3, "k": []}]
    kept = [{"_id": 1, "l": []}, {"_id": 2}, {"_id": 3, "l": [1, 5]}]
    results = found(kept, stage, other=rows)
    assert [[each["_id"] for each in result["r"]] for result in results] == [[2], [2], [1]]


def test_graph_lookup_follows_no_missing_field(found):
    fields = {"startWith": "$to", "connectFromField": "to", "connectToField": "key", "as": "r"}
    rows = [{"_id": 1, "key": "a"}, {"_id": 2}]
    (result,) = found(
        [{"_id": 1, "to": "a"}], {"$graphLookup": {"from": "other", **fields}}, other=rows
    )
    assert [each["_id"] for each in result["r"]] == [1]


def test_rename_through_a_value():
    # update/rename_node.cpp: "for consistency"
    with pytest.raises(Failed, match=r"cannot use the part \(s of s.l\)") as failed:
        changed([{"_id": 1, "s": "x"}], {"$rename": {"s.l": "t"}})
    assert failed.value.code == 28
    kept = [{"_id": 1, "l": [1]}]
    assert changed(kept, {"$rename": {"l.5": "t"}}) == kept
    with pytest.raises(Failed, match="cannot be an array element"):
        changed(kept, {"$rename": {"l.0": "t"}})


def test_set_on_insert_is_not_checked_without_an_insert():
    kept = [{"_id": 1, "s": "x"}]
    assert changed(kept, {"$setOnInsert": {"s.n": 1}}) == kept


def test_upsert_takes_what_a_query_fixes():
    collection = documents.Client()["d"]["c"]
    for query, fixed in (
        ({"a": {"$all": [1]}}, {"a": 1}),
        ({"$or": [{"a": 1}]}, {"a": 1}),
        ({"$and": [{"a": 1}, {"o.x": {"$in": [2]}}]}, {"a": 1, "o": {"x": 2}}),
        ({"a": {"$gt": 1}}, {}),
    ):
        collection.delete_many({})
        collection.update_one(query, {"$set": {"b": 2}}, upsert=True)
        (document,) = collection.find({}, {"_id": 0})
        assert document == {**fixed, "b": 2}
    for query, error in (
        ({"a": {"$all": [1, 7]}}, "path 'a' is matched twice"),
        ({"a": {"$eq": 1, "$all": [1]}}, "path 'a' is matched twice"),
        ({"$and": [{"a": {"b": 1}}, {"a.b": 1}]}, "both paths 'a' and 'a.b' are matched"),
        ({"a.b": 1, "a": {"$in": [2]}}, "both paths 'a.b' and 'a' are matched"),
    ):
        with pytest.raises(Failed, match=error):
            collection.update_one(query, {"$set": {"b": 2}}, upsert=True)
    collection.update_one({"a": 1, "ab": 2}, {"$set": {"b": 2}}, upsert=True)


def test_bits_that_do_not_change_are_not_counted():
    collection = documents.Client()["d"]["c"]
    collection.insert_one({"_id": 1, "n": 2**40})
    assert collection.update_many({}, {"$bit": {"n": {"xor": 0}}}).modified_count == 0


def test_a_wrong_constant_is_refused_without_documents(found):
    constants = ({"$range": [1, 1.5]}, {"$divide": [{"$add": [1, 2]}, 0]},
                 {"$cond": ["$a", {"$year": {"$literal": "x"}}, 1]})  # fmt: skip
    for constant in constants:
        with pytest.raises(Failed, match="Failed to optimize pipeline"):
            found([], {"$project": {"r": constant}})


def test_a_missing_sequence_is_null_whatever_is_looked_for(found):
    for name in ("$indexOfArray", "$indexOfCP", "$indexOfBytes"):
        wrong = {name: ["$missing", {"$slice": ["$text", 1]}]}
        assert found([{"_id": 1, "text": "a"}], {"$project": {"r": wrong}}) == [
            {"_id": 1, "r": None}
        ]


def test_errors_show_a_missing_operand_as_such(found):
    with pytest.raises(Failed, match=r"^\$in needs an array, not missing: missing$"):
        found([{"_id": 1}], {"$project": {"r": {"$in": [1, "$missing"]}}})


def test_elements_of_an_element_are_not_looked_at(found):
    kept = [{"_id": 1, "l": [[5], 1]}]
    assert found(kept, {"$match": {"l": {"$elemMatch": {"$gte": 2}}}}) == []
    assert found(kept, {"$match": {"l": {"$elemMatch": {"$in": [[5]]}}}}) == kept
    assert changed(kept, {"$pull": {"l": 5}}) == kept
    assert changed(kept, {"$pull": {"l": [5]}}) == [{"_id": 1, "l": [1]}]
    # $pull alone tests an element as the field of a document.
    assert changed(kept, {"$pull": {"l": {"$gte": 5}}}) == [{"_id": 1, "l": [1]}]


def test_operands_of_null(found):
    def value(expression):
        (document,) = found([{"_id": 1, "text": "a", "l": [1]}], {"$project": {"r": expression}})
        return document["r"]

    for name in ("$divide", "$mod", "$pow", "$subtract", "$split", "$setDifference"):
        assert value({name: ["$l" if name == "$split" else "$text", "$missing"]}) is None
    for name in ("$add", "$multiply", "$concat", "$setUnion"):
        wrong = "$l" if name != "$setUnion" else "$text"
        assert value({name: ["$missing", wrong]}) is None
        assert value({name: ["$missing", {"$divide": ["$text", 0]}]}) is None
        with pytest.raises(Failed):
            value({name: [wrong, "$missing"]})


def test_places_are_32_bit_integers(found):
    for expression in (
        {"$slice": ["$l", 2**31]}, {"$arrayElemAt": ["$l", 2**31]}, {"$range": [0, 2**40]},
        {"$substrCP": ["$s", 0, 2**31]},
    ):  # fmt: skip
        with pytest.raises(Failed, match="32-bit"):
            found([{"_id": 1, "l": [1], "s": "a"}], {"$project": {"r": expression}})


def test_bytes_begin_with_a_character(found):
    document = {"_id": 1, "s": "é"}
    with pytest.raises(Failed, match="within a UTF-8"):
        found([document], {"$project": {"r": {"$substrBytes": ["$s", 1, 0]}}})


@pytest.mark.parametrize(
    ("operand", "code"),
    [
        ({"$dateToString": {"date": "$none", "format": "%Q", "onNull": 1}}, 18536),
        ({"$dateToString": {"date": "$none", "format": 5, "onNull": 1}}, 18533),
        ({"$dateToString": {"date": "$none", "timezone": "Mars", "onNull": 1}}, 40485),
        ({"$dateFromString": {"dateString": "$none", "format": "%j", "onNull": 1}}, 18536),
        ({"$dateFromString": {"dateString": "2018", "format": 5, "onError": 1}}, 40684),
        ({"$dateFromString": {"dateString": "2018-01-01T00:00Z", "timezone": "+08"}}, 241),
        ({"$dateFromString": {"dateString": "2018-01-01T00:00+25:00"}}, 241),
        ({"$dateFromString": {"dateString": "06-2018", "format": "%m-%Y"}}, 241),
        *(
            ({"$dateFromString": {"dateString": each}}, 241)
            for each in ("2020-02/03", "2020-02", "202002031", "2020-13-01", "2020-02-30", "now")
        ),
    ],
)
def test_wrong_formats_and_zones_of_dates(found, operand, code):
    with pytest.raises(Failed) as caught:
        found([{"_id": 1}], {"$project": {"r": operand}})
    assert caught.value.code == code


def buckets(found, values, **operand):
    kept = [{"_id": number, "v": value} for number, value in enumerate(values)]
    stage = {"$bucketAuto": {"groupBy": "$v", **operand}}
    return [(*each["_id"].values(), each["count"]) for each in found(kept, stage)]


def test_size_of_automatic_buckets_is_rounded_half_up(found):
    assert buckets(found, range(5), buckets=2) == [(0, 3, 3), (3, 4, 2)]
    assert buckets(found, range(3), buckets=2) == [(0, 2, 2), (2, 2, 1)]


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("R20", [(0, 20, 20), (20, 40, 20), (40, 63, 23), (63, 90, 27), (90, 100, 10)]),
        ("E24", [(0, 20, 20), (20, 43, 23), (43, 68, 25), (68, 91, 23), (91, 100, 9)]),
        ("1-2-5", [(0, 20, 20), (20, 50, 30), (50, 100, 50)]),
        ("POWERSOF2", [(0, 32, 32), (32, 64, 32), (64, 128, 36)]),
    ],
)
def test_automatic_buckets_with_a_granularity(found, granularity, expected):
    # The example of https://www.mongodb.com/docs/v4.2/reference/operator/aggregation/bucketAuto/
    assert buckets(found, range(100), buckets=5, granularity=granularity) == expected


def test_granularity_of_zeros_and_fractions(found):
    rounded = {"buckets": 2, "granularity": "E6"}
    assert buckets(found, [0, 0, 0.8], **rounded) == [(0, 0.68, 2), (0.68, 1, 1)]
    assert buckets(found, [0, 0], **rounded) == [(0, 0, 2)]
    assert buckets(found, [15, 700], **rounded) == [(10, 22, 1), (22, 1000, 1)]
    powers = {"buckets": 3, "granularity": "POWERSOF2"}
    assert buckets(found, [0.5, 8, 9], **powers) == [(0.25, 1, 1), (1, 16, 2)]
    assert buckets(found, [], **powers) == []


def test_every_series_of_a_granularity_rounds_up_and_down(found):
    sizes = {"R5": 5, "R10": 10, "R20": 20, "R40": 39, "R80": 40, "1-2-5": 3, "POWERSOF2": 3}
    sizes |= {f"E{size}": size for size in (6, 12, 24, 48, 96, 192)}
    for name, size in sizes.items():
        values = [value / 10 for value in range(990, 10_000)]
        given = buckets(found, values, buckets=9010, granularity=name)
        limits = {limit for least, most, _ in given for limit in (least, most)}
        inside = [limit for limit in limits if 100 <= limit < 1000]
        assert len(inside) == size, name
        assert all(least < most for least, most, _ in given)


@pytest.mark.parametrize(
    ("operand", "value", "code"),
    [
        ({"granularity": 5}, 1, 40261),
        ({"granularity": "R7"}, 1, 40257),
        ({"granularity": "R5"}, "1", 40258),
        ({"granularity": "R5"}, None, 40258),
        ({"granularity": "R5"}, float("nan"), 40259),
        ({"granularity": "POWERSOF2"}, -1, 40260),
        ({"granularity": "R5"}, float("inf"), 40260),
        ({"granularity": "R5"}, 5e-324, 40260),
    ],
)
def test_wrong_granularities(found, operand, value, code):
    with pytest.raises(Failed) as caught:
        buckets(found, [value], buckets=2, **operand)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("operand", "code"),
    [
        ({"boundaries": [0]}, 40191),
        ({"boundaries": [5, 0]}, 40191),
        ({"boundaries": [0, "a"]}, 40193),
        ({"boundaries": [0, 10], "default": 5}, 40199),
        ({"boundaries": [0, 10], "default": 0}, 40199),
    ],
)
def test_wrong_boundaries_of_buckets(found, operand, code):
    with pytest.raises(Failed) as caught:
        found([{"_id": 1}], {"$bucket": {"groupBy": "$_id", **operand}})
    assert caught.value.code == code


def test_default_of_buckets_may_be_the_last_boundary(found):
    stage = {"$bucket": {"groupBy": "$_id", "boundaries": [0, 2], "default": 2}}
    kept = [{"_id": 1}, {"_id": 7}]
    assert found(kept, stage) == [{"_id": 0, "count": 1}, {"_id": 2, "count": 1}]


def test_a_path_of_an_expression_passes_over_a_list_in_a_list(found):
    kept = [{"_id": 1, "l": [[{"a": 1}], {"a": 2}, {"a": [[{"b": 3}], {"b": 4}]}, 5]}]
    stage = {"$project": {"_id": 0, "a": "$l.a", "b": "$l.a.b", "last": {"$max": "$l.a"}}}
    listed = [[{"b": 3}], {"b": 4}]
    assert found(kept, stage) == [{"a": [2, listed], "b": [[4]], "last": listed}]
    each = {"$map": {"input": ["$l"], "in": "$$this.a"}}
    assert found(kept, {"$project": {"_id": 0, "a": each}}) == [{"a": [[2, listed]]}]


def projected(kept, query, fields):
    collection = documents.Client()["d"]["c"]
    collection.insert_many(kept)
    return list(collection.find(query, fields))


def test_a_projection_of_the_element_that_satisfied_the_query():
    kept = [{"_id": 1, "l": [{"k": 1}, {"k": 2}, {"k": 2, "v": 3}], "o": {"s": [5, 7, 9]}, "n": 1}]
    assert projected(kept, {"l.k": 2}, {"l.$": 1}) == [{"_id": 1, "l": [{"k": 2}]}]
    elements = {"l": {"$elemMatch": {"k": 2, "v": 3}}}
    assert projected(kept, elements, {"l.$": True, "n": 1, "_id": 0}) == [
        {"l": [{"k": 2, "v": 3}], "n": 1}
    ]
    assert projected(kept, {"_id": 1, "o.s": {"$gt": 6}}, {"o.s.$": 1}) == [
        {"_id": 1, "o": {"s": [7]}}
    ]
    assert projected(kept, {"_id": 2}, {"l.$": 1}) == []
    for query, fields in (
        ({"n": 1}, {"l.$": 1}),
        ({"l.k": 2}, {"n.$": 1}),
        ({"l.k": 2}, {"l.$": 0}),
        ({"l.k": 2, "o.s": 5}, {"l.$": 1, "o.s.$": 1}),
    ):
        with pytest.raises(Failed):
            projected(kept, query, fields)


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ({"s": {"$all": ["x", "y"]}}, 1),
        ({"s": {"$all": ["y", "x"]}}, 0),
        ({"s": {"$size": 3, "$in": ["y"]}}, 1),
        ({"s": {"$ne": "w", "$exists": True, "$gt": "x"}}, 1),
        ({"s": {"$regex": "^Y", "$options": "i"}}, 1),
        ({"s": "y", "$expr": {"$eq": [{"$size": "$s"}, 3]}}, 1),
        ({"s": "y", "$or": [{"n": 1}, {"s": "x"}]}, 1),
        ({"$and": [{"n": 1}, {"s": {"$size": 3}}, {"s": "y"}]}, 1),
        ({"$or": [{"s": "y"}]}, 1),
    ],
)
def test_the_element_is_found_by_one_condition_of_several(query, at):
    kept = [{"_id": 1, "s": ["x", "y", "z"], "n": 1}]
    assert projected(kept, query, {"s.$": 1}) == [{"_id": 1, "s": [kept[0]["s"][at]]}]
    collection = documents.Client()["d"]["c"]
    collection.insert_many(kept)
    collection.update_one(query, {"$set": {"s.$": "new"}})
    assert collection.find_one()["s"].index("new") == at


def test_an_element_is_found_below_its_fields():
    kept = [{"_id": 1, "l": [{"k": 1}, {"k": 2, "v": 3}]}]
    for query in ({"l.k": 2, "l.1": {"$exists": True}}, {"l.1": {"$exists": True}, "l.k": 2}):
        assert projected(kept, query, {"l.$": 1}) == [{"_id": 1, "l": [{"k": 2, "v": 3}]}]
    query = {"l": {"$all": [{"$elemMatch": {"k": 1}}, {"$elemMatch": {"v": 3}}]}}
    assert projected(kept, query, {"l.$": 1}) == [{"_id": 1, "l": [{"k": 2, "v": 3}]}]


@pytest.mark.parametrize(
    "query", [{"s": {"$size": 3}}, {"s": {"$ne": "w"}}, {"$or": [{"s": "y"}, {"s": "w"}]}, {"n": 1}]
)
def test_no_element_is_found_by_conditions_on_the_list_or_in_or(query):
    with pytest.raises(Failed, match=r"no condition on 's', at the top or in \$and, is about one"):
        projected([{"_id": 1, "s": ["x", "y", "z"], "n": 1}], query, {"s.$": 1})


def test_a_positional_projection_of_an_update_is_refused_before_the_change():
    collection = documents.Client()["d"]["c"]
    collection.insert_one({"_id": 1, "s": ["x"]})
    with pytest.raises(Failed, match=r"'s\.\$' is not emulated in what an update returns"):
        collection.find_one_and_update({"s": "x"}, {"$set": {"n": 1}}, projection={"s.$": 1})
    assert collection.find_one() == {"_id": 1, "s": ["x"]}
