"""Every operator with operands of every type: a result or an error with a code, nothing else."""

import math
import re
from datetime import datetime

import pytest

from cloud_openapi.documents import Client, OperationFailure
from cloud_openapi.documents._dates import PARTS
from cloud_openapi.documents._expressions import _SPECIAL
from cloud_openapi.documents._functions import ACCUMULATORS, FIELDS, OPERATORS
from cloud_openapi.documents._lacking import EXPRESSIONS, STAGES
from cloud_openapi.documents._query import _LOGICAL
from cloud_openapi.documents._query import _OPERATORS as QUERIES
from cloud_openapi.documents._stages import _STAGES
from cloud_openapi.documents._update import _OPERATORS as UPDATES

DATE = datetime(2020, 2, 29, 12)  # noqa: DTZ001
POINT = {"type": "Point", "coordinates": [113, 23]}
VALUES = [
    *(None, True, False, 0, -1, 1, 2.5, 2**62, -(2**63), math.inf, -math.inf, math.nan, 1e300),
    *("", "a", "$", "$$", "$a", "$a.b", "$$a", "a.b", ".", "a.", "$.", "\0", "\ud800", "文" * 20),
    *(b"x", DATE, re.compile("a"), [], {}, [[]], [{}], [1], [1, 2], ["a", "b", "c"], [None, DATE]),
    *([2**62, 2**62], ["$l", 1], ["$s", 1, 2], ["$s", "$s"], ["$l", "$l"], ["$n", "$t"], [[1], 0]),
    *({"a": 1}, {"a.b": 1}, {"$a": 1}, {"$gt": 1}, {"a": {"$gt": {}}}, {"": 1}, {"_id": "$n"}),
    *({"_id": 0}, {"a": 0}, {"a": "$l"}, {"$each": [1], "$slice": 2**62}, {"type": [], "a": 1}),
    *(
        POINT,
        {"$geometry": POINT},
        {"$geometry": 5},
        {"type": "Polygon", "coordinates": [[[0, 0]]]},
    ),
    *({"input": "$l", "in": "$$this", "initialValue": 5}, {"input": "$l", "as": 5, "cond": 1}),
    *({"input": "$l", "as": {}, "in": 1}, {"input": "$l", "as": [], "cond": 1}),
    *({"input": "$l", "in": {"$add": ["$$this", 1]}}, {"input": 5, "in": 1}, {"inputs": ["$l", 5]}),
    *({"date": "$t", "timezone": "x"}, {"date": "$t", "format": 5}, {"year": 2**62}, {"year": 1}),
    *({"date": "$z", "onNull": "$l"}, {"date": "$t", "onNull": {"$add": ["$s", 1]}}),
    *({"dateString": "20 +900", "format": "%Y %Z"}, {"dateString": "$s", "format": "$s%"}),
    *({"dateString": "2020-01-01T00:00+99:99"}, {"dateString": "0 0 7", "format": "%G %V %u"}),
    *({"dateString": "2020-02-30"}, {"dateString": 5}, {"vars": {"a": 1}, "in": "$$a"}),
    *({"if": 1, "then": 2, "else": 3}, {"branches": [{"case": 1, "then": 2}]}, {"branches": [5]}),
    *({"path": "$l", "includeArrayIndex": "i"}, {"path": "l"}, {"newRoot": "$o"}, {"size": 2**70}),
    *(
        {"_id": "$s", "n": {"$sum": "$n"}},
        {"_id": None, "n": {"$push": "$$ROOT"}},
        {"_id": 1, "n": 5},
    ),
    *({"groupBy": "$n", "boundaries": [0, 9], "default": 5}, {"groupBy": "$n", "buckets": 2**62}),
    *({"groupBy": "$n", "buckets": 2, "granularity": each} for each in ("R5", "R", 5)),
    *({"groupBy": "$n", "boundaries": 5}, {"groupBy": "$l", "buckets": 2, "output": {"a": 1}}),
    *({"from": "c", "localField": "l", "foreignField": "n", "as": "r"}, {"from": 5, "as": []}),
    *(
        {"from": "c", "let": {"a": "$n"}, "pipeline": [{"$match": {}}], "as": "r"},
        {"a": [{"$a": 1}]},
    ),
    *({"from": "c", "let": 5, "pipeline": 5, "as": "r"}, {"near": POINT, "distanceField": "d.e"}),
    *(
        {"near": POINT, "distanceField": "d", "key": "o"},
        {"near": 5, "distanceField": 5, "key": "o"},
    ),
]
DOCUMENT = {
    "_id": 1,
    "n": 5,
    "s": "a文b",
    "t": DATE,
    "l": [3, None, "x", {"a": [1]}],
    "o": {"a": {"b": 1}},
    "p": POINT,
    "z": None,
    "f": 2.5,
    "b": True,
    "e": [],
}


@pytest.fixture
def collection():
    collection = Client()["e"]["c"]
    collection.insert_one(DOCUMENT)
    collection.create_index([("p", "2dsphere")])
    return collection


def failure(call, program):
    try:
        list(call(program) or ())
    except OperationFailure:
        return None
    except Exception as error:  # noqa: BLE001 - the report has it
        return program, repr(error)


def failures(call, programs):
    """Return the programs that end with an error that is not the database's."""
    return [each for program in programs if (each := failure(call, program))]


def test_query_operators(collection):
    names = [*QUERIES, "$unknown"]
    programs = [{field: {name: value}} for name in names for value in VALUES for field in "nslop"]
    programs += [{name: value} for name in _LOGICAL for value in VALUES]
    programs += [{"l.a.0": value} for value in VALUES] + VALUES
    assert failures(collection.find, programs) == []


def test_projections(collection):
    values = [*VALUES, *({name: value} for name in ("$slice", "$elemMatch") for value in VALUES)]
    programs = [{field: value} for value in values for field in ("l", "o.a")] + VALUES
    assert failures(lambda each: collection.find({}, each), programs) == []


@pytest.mark.slow
def test_update_operators(collection):
    def update(program):
        collection.replace_one({}, {name: each for name, each in DOCUMENT.items() if name != "_id"})
        collection.update_many({"l": {"$exists": True}}, program)

    names = [*UPDATES, "$rename", "$unknown"]
    paths = ("n", "l", "o.a.b", "l.0", "l.$", "l.$[]", "l.$[].a", "new.x", "p.coordinates.0", "e")
    programs = [{name: {path: each}} for name in names for each in VALUES for path in paths]
    programs += [{name: value} for name in names for value in VALUES] + VALUES
    assert failures(update, programs) == []


def test_stages(collection):
    programs = [[{name: value}] for name in [*_STAGES, "$unknown"] for value in VALUES]
    assert failures(collection.aggregate, programs + VALUES) == []


@pytest.mark.slow
def test_expressions(collection):
    def evaluate(expression):
        return collection.aggregate([{"$project": {"r": expression}}])

    names = [*OPERATORS, *FIELDS, *PARTS, *ACCUMULATORS, *_SPECIAL, "$unknown"]
    fields = [f"${name}" for name in DOCUMENT]
    operands = [*VALUES, *([one, other] for one in fields for other in fields)]
    operands += [[one, two, three] for one in fields for two in (1, "$s") for three in (-1, "$n")]
    assert failures(evaluate, [{name: each} for name in names for each in operands]) == []


def test_documents():
    collection = Client()["e"]["c"]
    assert failures(lambda each: collection.insert_one(each) and (), VALUES) == []
    assert failures(lambda each: collection.insert_one({"_id": each}) and (), VALUES) == []
    assert failures(lambda each: [collection.create_index(each)], ["a", "a.b", [("a", 5)]]) == []


@pytest.mark.parametrize(
    ("stage", "error"),
    [
        ({"$project": {"a": {"$toInt": "$s"}}}, "$toInt is not emulated: MongoDB 4.2 has it, and "),
        ({"$unset": "a"}, "$unset is not emulated: MongoDB 4.2 has it, and this engine does not"),
        ({"$project": {"a": {"$toint": "$s"}}}, "Unrecognized expression '$toint'"),
        ({"$out": "b"}, "$out is not emulated: MongoDB 4.2 has it, and this engine does not"),
        ({"$round": 1}, "Unrecognized pipeline stage name: '$round'"),
        ({"$project": {"a": {"$unset": "b"}}}, "Unrecognized expression '$unset'"),
        ({"$unwnd": "$a"}, "Unrecognized pipeline stage name: '$unwnd'"),
    ],
)
def test_an_operator_that_only_mongodb_has_is_not_called_unknown(stage, error):
    with pytest.raises(OperationFailure) as refused:
        Client()["d"]["c"].aggregate([stage])
    assert str(refused.value).startswith(error)


def test_the_operators_that_are_lacking_are_lacking():
    assert not EXPRESSIONS & (OPERATORS.keys() | FIELDS.keys() | _SPECIAL.keys())
    assert not STAGES & _STAGES.keys()
