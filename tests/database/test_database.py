"""The facade's database where Python differs from the SDK, and where the SDK loses data.

test_same_as_sdk.py holds all else against wx-server-sdk.
"""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from support.recording_gateway import Raw, RecordingGateway

from cloud_openapi import Cloud, CloudSDKError
from cloud_openapi.database import RolledBackError

MOMENT = datetime(2020, 1, 1, tzinfo=timezone.utc)
STARTED = {"transactionId": "t1"}
CONFLICT = {"code": "DATABASE_TRANSACTION_CONFLICT", "message": "conflict"}


@pytest.fixture(scope="module")
def server():
    server = RecordingGateway()
    yield server
    server.close()


@pytest.fixture
def gateway(server, monkeypatch):
    server.reset([])
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def db(gateway):
    cloud = Cloud()
    cloud.init()
    return cloud.database()


@pytest.fixture
def command(db):
    return db.command


def sent(gateway):
    """Return the fields of the last request, those of Extended JSON read."""
    fields = json.loads(gateway.seen[0][-1].body)
    for name in ("query", "data", "projection", "order"):
        text = fields.get(name)
        if text:
            fields[name] = json.loads(text[0] if isinstance(text, list) else text)
    return fields


def actions(gateway):
    return [json.loads(one.body)["action"].partition(".")[2] for one in gateway.seen[0]]


def answer(gateway, *answers):
    gateway.reset([answers])


# ---- values that the SDK would send as the insides of its objects ---------------------------


def test_every_command_of_an_update_takes_values_of_the_database(db, command, gateway):
    point, date = db.Geo.Point(1, 2), db.serverDate(offset=5)
    at = {"$tcb_server_date": {"offset": {"$numberInt": "5"}}}
    there = {"type": "Point", "coordinates": [{"$numberInt": "1"}, {"$numberInt": "2"}]}
    data = {
        "a": command.set({"at": date, "l": [point]}),
        "b": command.max(date),
        "c": command.push({"each": [point], "slice": -1}),
        "d": command.pull(command.in_([point])),
    }
    db.collection("t").doc("x").update(data=data)
    assert sent(gateway)["data"] == {
        "$set": {"a": {"at": at, "l": [there]}},
        "$max": {"b": at},
        "$push": {"c": {"$each": [there], "$slice": {"$numberInt": "-1"}}},
        "$pull": {"d": {"$in": [there]}},
    }


def test_a_command_within_another_one_is_written_whole(db, command, gateway):
    area = db.Geo.Polygon([db.Geo.LineString([db.Geo.Point(*p) for p in ((0, 0), (3, 2), (0, 0))])])
    inner = {
        "a": command.all(["x", "y"]),
        "l": command.geoWithin(geometry=area),
        "at": command.gt(db.serverDate()),
        "r": db.RegExp(regexp="^a"),
    }
    db.collection("t").where({"o": command.elemMatch(inner), "p": [db.Geo.Point(0, 0)]}).get()
    query = sent(gateway)["query"]
    assert query["o"]["$elemMatch"]["a"] == {"$all": ["x", "y"]}
    assert query["o"]["$elemMatch"]["l"]["$geoWithin"]["$geometry"]["type"] == "Polygon"
    assert query["o"]["$elemMatch"]["at"]["$gt"].keys() == {"$tcb_server_date"}
    assert query["o"]["$elemMatch"]["r"]["$regularExpression"] == {"pattern": "^a", "options": ""}
    assert query["p"][0]["type"] == "Point"


def test_stages_take_values_of_the_database(db, command, gateway):
    pattern = re.compile("a", re.IGNORECASE | re.MULTILINE)
    stages = db.collection("t").aggregate().addFields({"at": MOMENT, "r": pattern, "l": [MOMENT]})
    stages.match({"$or": [{"a": command.gt(1)}]}).end()
    first, second = (json.loads(stage["stageValue"]) for stage in sent(gateway)["stages"])
    moment = {"$date": {"$numberLong": "1577836800000"}}
    options = {"$regularExpression": {"pattern": "a", "options": "im"}}
    assert first == {"at": moment, "r": options, "l": [moment]}
    assert second == {"$or": [{"a": {"$gt": {"$numberInt": "1"}}}]}


def test_a_number_keeps_its_type(db, gateway):
    db.collection("t").add(data={"whole": 2, "double": 2.0, "flag": True})
    assert sent(gateway)["data"] == {
        "whole": {"$numberInt": "2"},
        "double": {"$numberDouble": "2.0"},
        "flag": True,
    }


def test_a_regular_expression_can_be_denied_in_both_spellings(db, command, gateway):
    for pattern in (db.RegExp(regexp="a", options="i"), re.compile("a", re.IGNORECASE)):
        db.collection("t").where({"x": command.not_(pattern)}).get()
        options = {"pattern": "a", "options": "i"}
        assert sent(gateway)["query"] == {"x": {"$not": {"$regularExpression": options}}}


def test_a_text_search_may_be_a_text(db, command, gateway):
    db.collection("t").where({"$text": command.text("coffee")}).get()
    assert sent(gateway)["query"] == {"$text": {"$search": "coffee"}}


def test_any_number_of_commands_can_follow_each_other(db, command, gateway):
    db.collection("t").where({"n": command.gt(1).lt(9).neq(5).size(3)}).get()
    names = re.findall(r"\$(gt|lt|ne|size)", json.dumps(sent(gateway)["query"]))
    assert names == ["gt", "lt", "ne", "size"]


def test_times_are_sent_and_returned_with_a_zone(db, gateway):
    beijing = MOMENT.astimezone(timezone(timedelta(hours=8)))
    db.collection("t").add(data={"at": beijing})
    assert sent(gateway)["data"] == {"at": {"$date": {"$numberLong": "1577836800000"}}}
    answer(gateway, {"data": {"list": ['{"at":{"$date":"2020-01-01T00:00:00Z"}}']}})
    assert db.collection("t").get()["data"] == [{"at": MOMENT}]


def test_half_a_surrogate_pair_is_escaped(db, gateway):
    db.collection("t").add(data={"a": "half \ud800"})
    assert sent(gateway)["data"] == {"a": "half \ud800"}


def test_what_only_looks_like_a_place_stays_an_object(db, gateway):
    texts = ['{"type":"Point","coordinates":[200,0]}', '{"type":"Point","coordinates":[0,1,2]}']
    more = '{"type":"Point","coordinates":[0,1],"name":"home"}'
    answer(gateway, {"data": {"list": [f'{{"l":{one}}}' for one in (*texts, more)]}})
    found = db.collection("t").get()["data"]
    assert [each["l"] for each in found] == [json.loads(one) for one in (*texts, more)]


# ---- what is refused ------------------------------------------------------------------------

REFUSED_VALUES = [
    (b"bytes", TypeError, "bytes is a type that the cloud database does not have"),
    ({1, 2}, TypeError, "set is a type"),
    (re.compile(b"a"), TypeError, "texts only"),
    ({1: 2}, TypeError, "name of a field is a text"),
    (2**63, ValueError, "more than 64 bits"),
    (datetime(2020, 1, 1), ValueError, r"no time zone: take datetime\.now\(timezone\.utc\)"),  # noqa: DTZ001
]


def test_a_value_that_a_document_cannot_have_is_refused(db, gateway):
    circular = {}
    circular["a"] = [circular]
    cases = [*REFUSED_VALUES, (circular, ValueError, "Cannot convert circular structure to JSON")]
    for value, kind, text in cases:
        with pytest.raises(kind, match=text):
            db.collection("t").add(data={"deep": [value]})
    assert actions(gateway) == []


def test_what_the_sdk_would_leave_out_is_refused(db, command, gateway):
    collection = db.collection("t")
    cases = [
        (lambda: collection.where({"a": {}}), "a is an empty object, which wx-server-sdk leaves"),
        (lambda: collection.doc("x").update(data={"a": {"b": {}}}), "a.b is an empty object"),
        (
            lambda: collection.where(
                {"a": command.not_(command.or_(command.lt(1), command.gt(5)))}
            ),
            "_.nor",
        ),
        (lambda: collection.where({"a": command.not_({"$gt": 1})}), "_.not takes a comparison"),
        (lambda: collection.where(command.not_({"a": 1})), "_.not takes a comparison"),
        (
            lambda: collection.doc("x").update(data={"a": command.pull(command.gt(1).lt(9))}),
            "cannot stand",
        ),
        (
            lambda: collection.where(
                {"a": command.elemMatch(command.or_(command.lt(1), command.gt(5)))}
            ),
            "cannot stand",
        ),
        (lambda: collection.add(data={"a": command.inc(1)}), "update command"),
        (lambda: collection.where({"a": command.inc(1)}), "update command"),
        (lambda: collection.doc("x").update(data={"a": [command.inc(1)]}), "update command"),
        (lambda: collection.doc("x").update(data={"$set": 1, "a": 2}), "is an object of fields"),
        (lambda: collection.where(command.or_(MOMENT)), "unset field name"),
        (lambda: collection.add(data="text"), "data is an object, or a list of objects"),
        (lambda: collection.add(data=[1]), "data is an object, or a list of objects"),
        (collection.add, "data is an object, or a list of objects"),
    ]
    for call, text in cases:
        with pytest.raises((CloudSDKError, ValueError), match=re.escape(text)):
            call()
    assert actions(gateway) == []


def test_unknown_options_are_refused(db):
    cases = [
        lambda: db.collection("t").add(document={}),
        lambda: db.collection("t").add({"data": {}}, data={}),
        lambda: db.serverDate(seconds=1),
        lambda: db.command.geoNear(near=1),
        lambda: db.collection("t").remove(all=True),
    ]
    for call in cases:
        with pytest.raises(TypeError, match=r"has (no option|an object or keywords)"):
            call()


def test_a_query_cannot_be_changed_in_a_transaction(db, gateway):
    answer(gateway, STARTED)
    collection = db.startTransaction().collection("t")
    for call in (
        lambda: collection.where({"a": 1}).update(data={"a": 2}),
        lambda: collection.where({"a": 1}).remove(),
        collection.count,
        lambda: collection.aggregate().end(),
    ):
        with pytest.raises(CloudSDKError, match="fail not in a transaction"):
            call()
    assert actions(gateway) == ["startTransaction"]


def test_the_database_needs_the_gateway(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    cloud = Cloud()
    with pytest.raises(CloudSDKError, match="please call init first"):
        cloud.database()
    cloud.init(base_url="http://127.0.0.1:1")
    with pytest.raises(CloudSDKError, match="CLOUD_OPENAPI_TRANSPORT=gateway selects it"):
        cloud.database()


def test_the_environment_may_be_that_of_the_function(gateway):
    cloud = Cloud()
    cloud.init(env="first")
    for env, name in ((None, "first"), ("other", "other"), (cloud.DYNAMIC_CURRENT_ENV, "local")):
        cloud.database(env=env).collection("t").get()
        assert sent(gateway)["envName"] == name


def test_unknown_options_of_the_database_are_refused(gateway):
    cloud = Cloud()
    cloud.init()
    with pytest.raises(TypeError, match="database has no option environment"):
        cloud.database(environment="x")


# ---- transactions ---------------------------------------------------------------------------


def test_a_document_created_in_a_transaction_is_counted(db, gateway):
    answer(gateway, STARTED, {"data": {"updated": 0, "upsert_id": "x"}})
    result = db.startTransaction().collection("t").doc("x").set(data={"a": 1})
    assert result["stats"] == {"updated": 0, "created": 1}


def test_a_conflict_of_an_operation_is_repeated_after_an_abort(db, gateway):
    answer(gateway, STARTED, CONFLICT, {}, STARTED)
    tries = []

    def change(transaction):
        tries.append(1)
        return transaction.collection("t").doc("x").update(data={"a": 1})["stats"]

    assert db.runTransaction(change) == {"updated": 1}
    assert len(tries) == 2
    once = ["startTransaction", "modifyDocument"]
    assert actions(gateway) == [*once, "abortTransaction", *once, "commitTransaction"]


def test_a_conflict_is_repeated_so_many_times_and_then_raised(db, gateway):
    answer(gateway, *[STARTED, CONFLICT, {}] * 3)
    tries = []

    def change(transaction):
        tries.append(1)
        transaction.collection("t").doc("x").remove()

    with pytest.raises(CloudSDKError) as caught:
        db.runTransaction(change, 2)
    assert caught.value.code == "DATABASE_TRANSACTION_CONFLICT"
    assert len(tries) == 3


def test_an_error_of_the_callback_rolls_back_and_is_raised(db, gateway):
    def broken(transaction):
        raise KeyError("stock")

    with pytest.raises(KeyError, match="stock"):
        db.runTransaction(broken)
    assert actions(gateway) == ["startTransaction", "abortTransaction"]


def test_the_reason_of_a_rollback_is_raised(db, gateway):
    reason = LookupError("out of stock")
    with pytest.raises(LookupError) as caught:
        db.runTransaction(lambda transaction: transaction.rollback(reason))
    assert caught.value is reason
    with pytest.raises(RolledBackError, match="rolled back: -100") as plain:
        db.runTransaction(lambda transaction: transaction.rollback(-100))
    assert plain.value.reason == -100
    assert actions(gateway) == ["startTransaction", "abortTransaction"] * 2


# ---- errors ---------------------------------------------------------------------------------


def test_an_error_says_what_to_do(db, gateway):
    text = "Db or Table not exist: t"
    answer(gateway, {"code": "DATABASE_COLLECTION_NOT_EXIST", "message": text})
    with pytest.raises(CloudSDKError) as caught:
        db.collection("t").add(data={"a": 1})
    assert caught.value.code == "DATABASE_COLLECTION_NOT_EXIST"
    assert caught.value.hint == (
        "The gateway says DATABASE_COLLECTION_NOT_EXIST, request r1. Create the collection in "
        "CloudBase's console, or with db.createCollection(name)."
    )


def test_a_secret_that_the_gateway_repeats_is_masked(db, gateway):
    for repeated in ({"code": "X", "message": "is test-api-token"}, {"code": "test-key"}):
        answer(gateway, repeated)
        with pytest.raises(CloudSDKError) as caught:
            db.collection("t").get()
        shown = f"{caught.value!r} {caught.value}"
        assert "test-api-token" not in shown
        assert "test-key" not in shown
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"data": {"list": ["' + b"[" * 5000 + b'"]}}', b"\xff\xfe", b"9" * 100_000],
    ids=["deep", "a deep document", "no UTF-8", "a number"],
)
def test_a_hostile_answer_is_an_error_of_the_sdks(db, gateway, body):
    answer(gateway, Raw(body))
    with pytest.raises(CloudSDKError, match=r"collection\.get:fail") as caught:
        db.collection("t").get()
    assert len(str(caught.value)) < 500
    assert caught.value.errCode == -1


def test_objects_show_what_they_are(db, command):
    shown = [db, db.collection("t"), db.collection("t").where({"a": 1}), db.collection("t").doc(1)]
    assert "GatewayTransport" in repr(shown[0])
    assert [repr(one).split(" ")[0] for one in shown[1:]] == [
        "<CollectionReference", "<Query", "<DocumentReference",
    ]  # fmt: skip
    assert repr(command.gt(1).lt(2)) == "<$and [<$gt 1>, <$lt 2>]>"
    assert repr(command.inc(1)) == "<$inc 1>"
    assert "test-key" not in repr(db)
