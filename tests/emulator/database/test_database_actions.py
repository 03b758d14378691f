"""The gateway's database actions, as SDKs of both generations send them."""

import json

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.database import DatabaseGateway
from support.values import NOW, OTHER

from cloud_openapi.emulator.database.actions import ACTIONS
from cloud_openapi.wire.extended_json import write

MILLISECONDS = int(NOW.timestamp() * 1000)


@pytest.fixture
def gateway():
    gateway = DatabaseGateway({"c": [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]})
    gateway.emulator.clock.freeze(NOW)
    return gateway


def failure(gateway, action, **fields):
    """Return code and message of an action that fails."""
    answer = gateway.act(action, **fields)
    assert set(answer) == {"code", "message", "requestId"}
    return answer["code"], answer["message"]


# ---- the two generations -------------------------------------------------------------------


def test_sdks_before_2_1_send_and_get_plain_objects(gateway):
    data = {"n": 5, "at": {"$date": 1_600_000_000_123}, "now": {"$date": {"offset": 1000}}}
    added = gateway.data("addDocument", collectionName="c", data={"_id": "x", **data})
    assert added == {"_id": "x"}
    query = {"collectionName": "c", "query": {"s": {"$exists": False}, "n": {"$gt": 4}}}
    answer = gateway.data("queryDocument", queryType="WHERE", limit=100, **query)
    now = {"$date": MILLISECONDS + 1000}
    assert answer == {"list": [{"_id": "x", **data, "now": now}]}
    order = [{"field": "n", "direction": "desc"}]
    answer = gateway.data("queryDocument", collectionName="c", order=order, projection={"n": 1})
    assert [each["n"] for each in answer["list"]] == [5, 2, 1]
    assert gateway.data("countDocument", **query) == {"total": 1}
    change = {"query": {"_id": "x"}, "multi": False, "merge": True, "upsert": False}
    change["data"] = {"$inc": {"n": 1}, "$set": {"s": "y"}}
    assert gateway.data("updateDocument", collectionName="c", **change) == {"updated": 1}
    create = {"query": {"_id": "y"}, "data": {"n": 0}, "merge": False, "upsert": True}
    answer = gateway.data("updateDocument", collectionName="c", multi=False, **create)
    assert answer == {"updated": 0, "upserted_id": "y"}
    regex = {"query": {"s": {"$regex": "Y", "$options": "i"}}, "multi": True}
    assert gateway.data("deleteDocument", collectionName="c", **regex) == {"deleted": 1}
    stages = [{"stageKey": "$match", "stageValue": '{"_id":"a"}'}]
    answer = gateway.data("aggregate", collectionName="c", stages=stages)
    assert [json.loads(each) for each in json.loads(answer["list"])] == [{"_id": "a", "n": 1}]


def test_sdks_from_2_1_send_and_get_texts_of_extended_json(gateway):
    values = {"n": {"$numberInt": "5"}, "at": {"$date": {"$numberLong": "1600000000123"}}}
    now = {"$tcb_server_date": {"offset": {"$numberInt": "0"}}}
    documents = [json.dumps({"_id": "x", **values, "now": [now, {"y": now}]}), '{"_id": "z"}']
    answer = gateway.data("insertDocument", collectionName="c", data=documents)
    assert answer == {"insertedIds": ["x", "z"]}
    (text,) = gateway.data("getDocument", collectionName="c", queryType="DOC", query='{"_id":"x"}')[
        "list"
    ]
    document = json.loads(text)
    assert document["n"] == 5
    assert document["at"] == {"$date": "2020-09-13T12:26:40.123Z"}
    # One moment for the whole request.
    assert document["now"] == [{"$date": "2026-03-11T04:00:00Z"}, {"y": document["now"][0]}]
    order = '{"_id":{"$numberInt":"-1"}}'
    answer = gateway.data("getDocument", collectionName="c", order=order, offset=1, limit=2)
    assert [json.loads(each)["_id"] for each in answer["list"]] == ["x", "b"]
    change = {
        "query": '{"n":{"$gt":{"$numberInt":"1"}}}',
        "data": '{"$inc":{"n":{"$numberInt":"1"}}}',
    }
    answer = gateway.data("modifyDocument", collectionName="c", multi=True, merge=True, **change)
    assert answer == {"updated": 2}
    change = {"query": '{"_id":"new"}', "data": '{"n":null}', "upsert": True, "merge": False}
    answer = gateway.data("modifyDocument", collectionName="c", queryType="DOC", **change)
    assert answer == {"updated": 0, "upsert_id": "new"}
    change = {"query": '{"_id":"a"}', "data": '{"$inc":{"n":{"$numberInt":"9"}}}'}
    answer = gateway.data("modifyAndReturnDoc", collectionName="c", **change)
    assert answer == {"updated": 1, "doc": '{"_id":"a","n":10}'}
    change["query"] = '{"_id":"none"}'
    answer = gateway.data("modifyAndReturnDoc", collectionName="c", **change)
    assert answer == {"updated": 0, "doc": None}
    assert gateway.data("calculateDocument", collectionName="c") == {"total": 5}
    answer = gateway.data("removeDocument", collectionName="c", queryType="WHERE", multi=True)
    assert answer == {"deleted": 5}


def test_a_number_and_its_digits_are_two_ids(gateway):
    for identity in (5, "5"):
        gateway.data("addDocument", collectionName="c", data={"_id": identity})
    assert gateway.data("countDocument", collectionName="c", query={"_id": 5}) == {"total": 1}


def test_transactions_of_old_sdks_answer_texts_beside_the_request_id(gateway):
    begun = gateway.act("startTransaction")
    fields = {"collectionName": "c", "transactionId": begun["transactionId"]}
    seen = gateway.act("getInTransaction", _id="a", **fields)
    assert json.loads(seen["data"]) == {"_id": "a", "n": 1}
    assert gateway.act("getInTransaction", _id="none", **fields)["data"] == "null"
    added = gateway.act(
        "insertDocInTransaction", _id="x", data='{"n":{"$numberInt":"7"}}', **fields
    )
    assert (added["inserted"], added["ok"]) == ("1", "1")
    by_query = {"query": {"_id": {"$eq": "a"}}, "data": '{"$set":{"n":{"$numberInt":"0"}}}'}
    assert gateway.act("updateDocInTransaction", **by_query, **fields)["updated"] == "1"
    create = {"_id": "y", "data": '{"n":{"$numberInt":"1"}}', "upsert": True}
    created = gateway.act("updateDocInTransaction", **create, **fields)
    assert (created["updated"], json.loads(created["upserted"])) == ("0", [{"_id": "y"}])
    assert gateway.act("deleteDocInTransaction", _id="b", **fields)["deleted"] == "1"
    assert gateway.data("countDocument", collectionName="c") == {"total": 2}
    assert "code" not in gateway.act("commitTransaction", transactionId=begun["transactionId"])
    answer = gateway.data("queryDocument", collectionName="c", order=[])
    assert {each["_id"]: each["n"] for each in answer["list"]} == {"a": 0, "x": 7, "y": 1}


# ---- ids, limits, mini programs ------------------------------------------------------------


def test_ids_follow_from_the_seed_and_the_mini_program():
    def ids(**settings):
        gateway = DatabaseGateway({"c": []}, **settings)
        answer = gateway.data("insertDocument", collectionName="c", data=["{}", "{}"])
        return answer["insertedIds"]

    first = ids(seed=1)
    assert first == ids(seed=1)
    assert set(first).isdisjoint(ids(seed=2))
    assert all(len(each) == 32 and int(each, 16) for each in first)


def test_samples_follow_from_the_seed():
    def samples(seed):
        gateway = DatabaseGateway({"c": [{"_id": n} for n in range(100)]}, seed=seed)
        stages = [{"stageKey": "$sample", "stageValue": '{"size": 3}'}]
        request = {"collectionName": "c", "stages": stages}
        return [gateway.data("aggregateDocuments", **request)["list"] for _ in range(2)]

    first, second = samples(seed=1)
    assert first != second
    assert [first, second] == samples(seed=1)
    assert samples(seed=2)[0] != first


def test_a_new_seed_repeats_no_id():
    gateway = DatabaseGateway({"c": []}, seed=1)
    for _ in range(2):
        gateway.data("addDocument", collectionName="c", data={})
        gateway.emulator.reseed(1)
    assert gateway.database.count("c", {}) == 2


def test_a_query_without_a_limit_gives_100_and_at_most_1000():
    gateway = DatabaseGateway({"c": [{"_id": number} for number in range(1200)]})
    for limit, count in (({}, 100), ({"limit": 5}, 5), ({"limit": 5000}, 1000)):
        answer = gateway.data("getDocument", collectionName="c", queryType="WHERE", **limit)
        assert len(answer["list"]) == count


def test_mini_programs_have_databases_of_their_own():
    gateway = DatabaseGateway({"c": []})
    gateway.data("addDocument", collectionName="c", data={})
    gateway.emulator.first_appid = OTHER
    assert gateway.data("countDocument", collectionName="c") == {"total": 0}


def test_a_reset_goes_back_to_the_seed(gateway):
    for reset in (gateway.emulator.reset, lambda: gateway.emulator.reset_app(gateway.appid)):
        gateway.data("deleteDocument", collectionName="c", multi=True)
        gateway.data("addCollection", collectionName="d")
        reset()
        assert gateway.data("countDocument", collectionName="c") == {"total": 2}
        assert gateway.database.names() == ["c"]


# ---- errors --------------------------------------------------------------------------------

WRONG = [
    ("getDocument", {}, "collectionName is the name of a collection, not None"),
    ("getDocument", {"collectionName": 5}, "collectionName is the name of a collection, not 5"),
    ("getDocument", {"collectionName": "c", "query": "{"}, "query is not Extended JSON"),
    ("getDocument", {"collectionName": "c", "query": "[]"}, "query is an object, not []"),
    ("getDocument", {"collectionName": "c", "limit": -1}, "limit is a whole number of at least 0"),
    ("getDocument", {"collectionName": "c", "offset": "1"}, "offset is a whole number"),
    ("getDocument", {"collectionName": "c", "order": [5]}, "order is a list of fields"),
    ("getDocument", {"collectionName": "c", "transactionId": 5}, "transactionId is a text"),
    ("getDocument", {"collectionName": "c", "database": "x"}, "database is not emulated"),
    ("getDocument", {"collectionName": "c", "instance": "x"}, "instance is not emulated"),
    ("insertDocument", {"collectionName": "c"}, "data is a document or a list of documents"),
    ("insertDocument", {"collectionName": "c", "data": []}, "data is empty"),
    ("insertDocument", {"collectionName": "c", "data": [None]}, "write add({data: {"),
    ("insertDocument", {"collectionName": "c", "data": ["5"]}, "data is a document or a list"),
    ("modifyDocument", {"collectionName": "c", "data": "5"}, "data is an object, not 5"),
    ("modifyDocument", {"collectionName": "c", "data": "{}", "multi": 1}, "multi is true or false"),
    ("aggregateDocuments", {"collectionName": "c"}, "stages is a list, not None"),
    ("aggregateDocuments", {"collectionName": "c", "stages": [5]}, "a stage has a stageKey"),
    ("commitTransaction", {}, "transactionId is missing"),
    ("addCollection", {"collectionName": "a$b"}, "is not the name of a collection"),
]
NOT_EMULATED = ["$where", "$function", "$text", "$meta"]
STAGES = ["$out", "$merge", "$collStats", "$indexStats"]


def test_what_cannot_be_read_is_refused_with_the_field(gateway):
    for action, fields, message in WRONG:
        code, text = failure(gateway, action, **fields)
        assert (code, message in text) == ("INVALID_PARAM", True), (fields, text)
        assert gateway.last.errcode == -501007


def test_what_is_not_emulated_is_refused_by_name(gateway):
    for name in NOT_EMULATED:
        query = json.dumps({"$and": [{"a": 1}, {"$or": [{"n": {"$not": {name: "1"}}}]}]})
        code, text = failure(gateway, "getDocument", collectionName="c", query=query)
        assert (code, f"{name} is not emulated: " in text) == ("INVALID_PARAM", True)
    for name in STAGES:
        stages = [{"stageKey": name, "stageValue": '"x"'}]
        code, text = failure(gateway, "aggregateDocuments", collectionName="c", stages=stages)
        assert (code, f"{name} is not emulated: " in text) == ("INVALID_PARAM", True)
    code, text = failure(gateway, "watch", collectionName="c")
    assert "is not emulated (action 'database.watch')" in text


def test_errors_of_the_engine_have_the_platforms_form(gateway):
    change = {"collectionName": "c", "query": '{"_id":"a"}', "data": '{"$inc":{"n":"x"}}'}
    code, text = failure(gateway, "modifyDocument", **change)
    assert code == "DATABASE_REQUEST_FAILED"
    assert text.startswith("[FailedOperation] multiple write errors: [{write errors: [{")
    assert text.endswith("}]}, {<nil>}]")
    code, text = failure(gateway, "getDocument", collectionName="c", query='{"n":{"$foo":1}}')
    assert code == "DATABASE_REQUEST_FAILED"
    assert text.startswith("[FailedOperation] ")
    assert "$foo" in text


def test_deep_and_large_documents_are_refused_and_others_stay(gateway):
    deep = '{"a":' * 101 + "1" + "}" * 101
    code, text = failure(gateway, "insertDocument", collectionName="c", data=[deep])
    assert (code, "more than 100 levels" in text) == ("INVALID_PARAM", True)
    code, text = failure(gateway, "insertDocument", collectionName="c", data=["x" * 7_000_000])
    assert (code, text) == ("INVALID_PARAM", "the body is larger than 6 MB")
    assert gateway.database.count("c", {}) == 2


def test_at_most_100_collections_can_be_created():
    gateway = DatabaseGateway({f"c{number}": [] for number in range(99)})
    gateway.data("addCollection", collectionName="last")
    code, _text = failure(gateway, "addCollection", collectionName="more")
    assert code == "DATABASE_COLLECTION_EXCEED_LIMIT"
    assert gateway.last.errcode == -502004


# ---- the journal ---------------------------------------------------------------------------


def test_each_action_is_an_entry_with_collection_query_and_count(gateway):
    gateway.data("getDocument", collectionName="c", queryType="WHERE", query='{"n":{"$gt":0}}')
    entry = gateway.last
    assert (entry.name, entry.function, entry.invocation) == ("database.getDocument", "reader", "r")
    assert json.loads(entry.body) == {
        "collectionName": "c",
        "queryType": "WHERE",
        "query": {"n": {"$gt": 0}},
    }
    shown = json.loads(entry.shown_answer())
    assert shown == {"count": 2, "list": [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]}
    assert entry.milliseconds > 0
    stages = [{"stageKey": "$count", "stageValue": '"all"'}]
    gateway.data("aggregateDocuments", collectionName="c", stages=stages)
    assert json.loads(gateway.last.body)["stages"] == [{"$count": "all"}]


@pytest.mark.parametrize(
    ("action", "fields", "shown"),
    [
        ("aggregateDocuments", {"stages": [{"stageKey": "$match", "stageValue": ["", "{"]}]},
         {"stages": [{"$match": ["", "{"]}]}),
        ("queryDocument", {"query": ["", "{"]}, {"query": ["", "{"]}),
        ("insertDocument", {"data": [["{"], {"text": "{"}]}, {"data": [["{"], {"text": "{"}]}),
    ],
)  # fmt: skip
def test_the_journal_has_texts_that_are_not_json_as_they_are(gateway, action, fields, shown):
    gateway.act(action, collectionName="c", **fields)
    body = json.loads(gateway.last.body)
    assert {name: body[name] for name in shown} == shown


def test_no_token_reaches_the_journal(gateway):
    secret = gateway.emulator.apps[gateway.appid]
    data = [write({"key": secret, "password": "token-a"})]
    gateway.act("insertDocument", collectionName="c", data=data)
    assert secret.encode() not in gateway.last.body
    assert b"token-a" not in gateway.last.body
    failure(gateway, "insertDocument", collectionName="missing", data=data)
    assert secret.encode() not in gateway.last.body
    assert b"token-a" not in gateway.last.body


def test_config_json_does_not_restrict_the_database(gateway):
    assert gateway.act("countDocument", collectionName="c", wxCloudApiToken="token-b")["data"]


def test_a_signed_object_may_have_half_a_surrogate_pair(gateway):
    # SDKs before 2.1 sign documents as objects; a text that was cut may end within an emoji.
    data = {"_id": "cut", "text": "cut \ud83d"}
    assert gateway.data("addDocument", collectionName="c", data=data) == {"_id": "cut"}
    assert gateway.database.find("c", {"_id": "cut"}) == [data]


@pytest.mark.parametrize(
    ("action", "fields", "reason"),
    [
        ("aggregateDocuments", {"stages": [{"stageKey": "$match"}]}, "a stageKey and a stageValue"),
        (
            "insertDocument",
            {"data": ['{"at":{"$date":{"offset":1e20}}}']},
            "tcb_server_date cannot be",
        ),
        (
            "insertDocument",
            {"data": [{"at": {"$date": {"offset": 1e15}}}]},
            "tcb_server_date cannot be",
        ),
        ("countDocument", {"collectionName": "c" * 121}, "it has more than 120 bytes"),
        ("addCollection", {"collectionName": "图" * 41}, "it has more than 120 bytes"),
        ("addCollection", {"collectionName": "c" * 300}, "it has more than 120 bytes"),
    ],
)
def test_odd_fields_are_refused_with_a_reason(gateway, action, fields, reason):
    before = gateway.database.names()
    answer = gateway.act(action, **{"collectionName": "c", **fields})
    assert answer["code"] == "INVALID_PARAM"
    assert reason in gateway.last.reason
    assert gateway.database.names() == before


# ---- odd requests --------------------------------------------------------------------------

_names = st.sampled_from(
    [*"ab", "_id", "a.b", "", "$gt", "$in", "$set", "$date", "offset", "$near", "$expr"]
)
_leaves = st.sampled_from([0, -1, 2**62, 1e300, None, True, "", "a", "$a", "\ud800", "中", "("])
_values = st.recursive(
    _leaves, lambda inner: st.lists(inner) | st.dictionaries(_names, inner), max_leaves=8
)
_texts = _values.map(json.dumps)
_stages = st.fixed_dictionaries(
    {"stageKey": st.sampled_from(["$match", "$group", "$x", ""])},
    optional={"stageValue": _texts | _values},
)
_requests = st.fixed_dictionaries(
    {"collectionName": st.sampled_from(["c", "d", 5])},
    optional={
        **dict.fromkeys(["query", "data", "order", "projection", "_id"], _texts | _values),
        **dict.fromkeys(["offset", "limit", "multi", "merge", "upsert", "queryType"], _values),
        "stages": st.lists(_stages),
    },
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, phases=[Phase.generate])
@given(action=st.sampled_from(sorted(ACTIONS)), fields=_requests)
def test_any_request_is_answered_or_refused(odd, action, fields):
    body = json.dumps({"action": action, **fields})
    reply = odd.client.post("/admin", data=body, content_type="application/json")
    assert reply.status_code == 200
    json.loads(reply.data)
    entry = odd.last
    assert entry.name == action
    json.loads(entry.body)


@pytest.fixture(scope="module")
def odd():
    gateway = DatabaseGateway({"c": [{"_id": "a", "a": [1, {"b": 2}]}, {"_id": "b", "a": "x"}]})
    gateway.client.application.config["PROPAGATE_EXCEPTIONS"] = True
    return gateway
