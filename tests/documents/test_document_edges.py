"""Rare operands, as MongoDB's source of 4.2 has them.

https://github.com/mongodb/mongo/tree/v4.2/src/mongo/db
"""

import math
from datetime import datetime

import pytest

from cloud_openapi.documents import Client, OperationFailure


@pytest.fixture
def collection():
    return Client()["e"]["c"]


def updated(collection, document, query, update):
    collection.insert_one(document)
    collection.update_one(query, update)
    return collection.find_one()


def test_unset_of_all_elements_leaves_null(collection):
    # update/unset_node.cpp: an array keeps its length.
    assert updated(collection, {"_id": 1, "l": [1, 2]}, {}, {"$unset": {"l.$[]": ""}}) == {
        "_id": 1,
        "l": [None, None],
    }


def test_place_in_an_array_of_an_element(collection):
    document = {"_id": 1, "a": [{"b": [1, 2]}]}
    found = updated(collection, document, {"a.0.b": 2}, {"$set": {"a.0.b.$": 9}})
    assert found["a"] == [{"b": [1, 9]}]


def test_update_to_the_same_array_changes_nothing(collection):
    collection.insert_one({"_id": 1, "l": [1, 2], "e": [], "n": math.nan})
    for update in (
        {"$push": {"l": {"$each": [2], "$slice": 2}}},
        {"$pullAll": {"l": [5]}},
        {"$pop": {"e": 1}},
        {"$set": {"n": math.nan}},
    ):
        assert collection.update_one({}, update).modified_count == 0, update


@pytest.mark.parametrize("keyword", ["minLength", "minItems", "maxProperties", "maximum"])
@pytest.mark.parametrize("operand", ["x", {}, [], None])
def test_schema_with_a_wrong_operand_is_refused(collection, keyword, operand):
    collection.insert_one({"s": "x", "l": [1], "o": {"a": 1}, "n": 5})
    below = {"properties": {name: {keyword: operand} for name in "slon"}}
    for schema in ({keyword: operand}, below):
        with pytest.raises(OperationFailure, match=f"'{keyword}' has an invalid value"):
            list(collection.find({"$jsonSchema": schema}))


def test_schema_has_a_list_of_schemas(collection):
    with pytest.raises(OperationFailure, match="needs an array"):
        list(collection.find({"$jsonSchema": {"anyOf": {"required": ["a"]}}}))


def test_functions_of_no_number(collection):
    # pipeline/expression.cpp: "argDouble > 0 || std::isnan(argDouble)"
    collection.insert_one({"n": math.nan, "zero": 0})
    for name in ("$ln", "$log10", "$sqrt", "$exp"):
        (found,) = collection.aggregate([{"$project": {"r": {name: "$n"}}}])
        assert math.isnan(found["r"])
    for wrong in ({"$ln": "$zero"}, {"$sqrt": -1}, {"$mod": [1.5, "$zero"]}, {"$log": [2, 1]}):
        with pytest.raises(OperationFailure):
            list(collection.aggregate([{"$project": {"r": wrong}}]))


def test_dates_without_a_time_zone_or_with_a_part_twice(collection):
    # pipeline/expression.cpp, makeTimeZone: a missing zone is null.
    collection.insert_one({"t": datetime(2020, 2, 3)})  # noqa: DTZ001
    for operand in (
        {"$hour": {"date": "$t", "timezone": "$none"}},
        {"$dateFromParts": {"year": "$none"}},
    ):
        (found,) = collection.aggregate([{"$project": {"r": operand}}])
        assert found["r"] is None
    twice = {"$dateFromString": {"dateString": "2020 2020", "format": "%Y %Y"}}
    with pytest.raises(OperationFailure, match="Error parsing date string"):
        list(collection.aggregate([{"$project": {"r": twice}}]))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ({}, 16866),
        ([], 16866),
        (5, 16866),
        ("", 16866),
        ("A", 16867),
        ("_a", 16867),
        ("a-b", 16868),
    ],
)
def test_variables_have_names_that_an_aggregation_may_set(collection, name, code):
    # pipeline/variables.cpp, uassertValidNameForUserWrite; the text of another type is empty.
    collection.insert_one({"l": [1]})
    refused = [{"$map": {"input": "$l", "as": name, "in": 1}}]
    if isinstance(name, str):
        refused.append({"$let": {"vars": {name: 1}, "in": 1}})
    stages = [{"$project": {"r": each}} for each in refused]
    if isinstance(name, str):
        stages.append({"$lookup": {"from": "c", "let": {name: 1}, "pipeline": [], "as": "r"}})
    for stage in stages:
        with pytest.raises(OperationFailure) as error:
            list(collection.aggregate([stage]))
        assert error.value.code == code


def test_current_is_a_variable_that_an_aggregation_may_set(collection):
    # pipeline/variables.cpp, uassertValidNameForUserWrite: "CURRENT" is the exception.
    collection.insert_one({"l": [1, 2], "n": 5})
    current = {"CURRENT": "$n"}
    mapped = {"input": "$l", "as": "CURRENT", "in": "$$CURRENT"}
    joined = [{"$limit": 1}, {"$project": {"_id": 0, "r": "$$CURRENT"}}]
    for stage, expected in (
        ({"$project": {"r": {"$map": mapped}}}, [1, 2]),
        ({"$project": {"r": {"$let": {"vars": current, "in": "$$CURRENT"}}}}, 5),
        ({"$lookup": {"from": "c", "let": current, "pipeline": joined, "as": "r"}}, [{"r": 5}]),
    ):
        (found,) = collection.aggregate([stage])
        assert found["r"] == expected


def test_variables_may_have_letters_of_all_languages(collection):
    collection.insert_one({"l": [1, 2]})
    mapped = {"$map": {"input": "$l", "as": "数量", "in": {"$add": ["$$数量", 1]}}}
    (found,) = collection.aggregate([{"$project": {"r": mapped}}])
    assert found["r"] == [2, 3]
