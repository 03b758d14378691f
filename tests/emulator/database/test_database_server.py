"""The database on a MongoDB-compatible server: SecantusDB, in a process of its own."""

import uuid

import pytest
from support.database import DatabaseGateway

from cloud_openapi.emulator import Emulator
from cloud_openapi.emulator.database import server
from cloud_openapi.emulator.errors import InvalidInputError

pytestmark = pytest.mark.slow


@pytest.fixture
def gateway(mongodb):
    """Return a gateway whose mini program no other test uses."""
    gateway = DatabaseGateway({"c": [{"_id": "a", "n": 1}, {"_id": "b"}]}, database=mongodb)
    appid = f"wx{uuid.uuid4().hex[:16]}"
    gateway.emulator.configure_app(appid, secret="s")
    gateway.emulator.first_appid = appid
    yield gateway
    gateway.emulator.databases.close()


def test_sdks_read_and_write_on_a_server(gateway):
    found = gateway.run(
        [
            ("c", "return c.add({ data: { _id: 'x', at: new Date(5), s: 'Ab', f: 1.5 } })"),
            ("c", "return (await c.where({ s: /^a/i }).get()).data"),
            ("c", "return c.doc('a').update({ data: { n: _.inc(1) } })"),
            ("c", "return c.doc('new').set({ data: { n: 9 } })"),
            ("c", "return c.aggregate().group({ _id: null, n: $.sum('$n') }).end()"),
            ("c", "return c.where({ n: _.gt(1) }).remove()"),
            ("c", "return c.add({ data: { _id: 'x' } })"),
            ("none", "return c.add({ data: { _id: 'x' } })"),
            ("none", "await db.createCollection('none'); return c.count()"),
        ]
    )
    results = [line.get("result", line.get("errCode")) for line in found]
    assert results[0] == {"_id": "x", "errMsg": "collection.add:ok"}
    assert results[1] == [{"_id": "x", "at": {"date": 5}, "s": "Ab", "f": 1.5}]
    assert results[2]["stats"] == {"updated": 1}
    assert results[3]["stats"] == {"updated": 0, "created": 1}
    assert results[4]["list"] == [{"_id": None, "n": 11}]
    assert results[5]["stats"] == {"removed": 2}
    assert results[6:8] == [-502001, -502005]
    assert results[8]["total"] == 0


def test_values_of_other_types_come_back_as_they_were(gateway):
    values = {"o": {"$oid": "5f5e3e1a0000000000000000"}, "r": {"$regex": "x", "$options": "i"}}
    gateway.data("addDocument", collectionName="c", data={"_id": "v", **values, "n": 2**40})
    answer = gateway.data("queryDocument", collectionName="c", query={"_id": "v"})
    assert answer == {"list": [{"_id": "v", **values, "n": 2**40}]}


def test_a_text_that_the_server_cannot_store_is_an_error(gateway):
    answer = gateway.act("addDocument", collectionName="c", data='{"text": "\\ud83d"}')
    assert answer["code"] == "DATABASE_REQUEST_FAILED"
    assert "surrogates not allowed" in gateway.last.reason


def test_a_geographic_query_makes_its_index(gateway):
    point = {"type": "Point", "coordinates": [113, 23]}
    gateway.data("addDocument", collectionName="c", data={"_id": "p", "at": point})
    query = {"at": {"$nearSphere": {"$geometry": point, "$maxDistance": 10}}}
    answer = gateway.data("queryDocument", collectionName="c", query=query)
    assert [each["_id"] for each in answer["list"]] == ["p"]


def test_a_reset_goes_back_to_the_seed_and_a_snapshot_to_what_was(gateway):
    gateway.data("deleteDocument", collectionName="c", multi=True)
    gateway.database.save("empty")
    gateway.emulator.reset_database(gateway.appid)
    assert gateway.data("countDocument", collectionName="c") == {"total": 2}
    gateway.database.restore("empty")
    assert gateway.data("countDocument", collectionName="c") == {"total": 0}


def test_documents_stay_on_the_server(gateway, mongodb):
    gateway.data("addDocument", collectionName="c", data={"_id": "stays"})
    other = Emulator(apps={gateway.appid: "s"}, database=mongodb)
    assert other.program(gateway.appid).database.count("c", {"_id": "stays"}) == 1
    other.databases.close()


def test_transactions_on_the_server(gateway):
    body = (
        "await db.runTransaction(async (t) => { await t.collection('c').doc('a')"
        ".update({ data: { n: _.inc(5) } }) }); return (await c.doc('a').get()).data.n"
    )
    (line,) = gateway.run([("c", body)])
    assert line.get("result") == 6, line


def test_a_server_that_does_not_answer_is_named_without_its_password(monkeypatch):
    monkeypatch.setattr(server, "_MILLISECONDS", 200)
    with pytest.raises(InvalidInputError) as refused:
        Emulator(database="mongodb://me:hidden@127.0.0.1:9/x").open_data()
    assert "no MongoDB server answers at 127.0.0.1" in str(refused.value)
    assert "hidden" not in str(refused.value)
    for url in ("http://localhost", "mongodb://"):
        with pytest.raises(InvalidInputError, match=r"mongodb://|not valid"):
            Emulator(database=url).open_data()
