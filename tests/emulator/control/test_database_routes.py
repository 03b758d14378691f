"""The routes below /_emulator/database."""

import json

import pytest
from support.values import OTHER

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, create_app

TODOS = [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}, {"_id": "c", "n": 3}]
STATE = {
    "collections": [
        {"name": "todos", "documents": 3, "indexes": []},
        {"name": "users", "documents": 0, "indexes": []},
    ],
    "snapshots": [],
}


class Routes:
    def __init__(self):
        self.emulator = Emulator(apps={DEMO_APPID: DEMO_SECRET, OTHER: "s"})
        self.emulator.databases.given = {"todos": TODOS, "users": []}
        self.client = create_app(self.emulator).test_client()

    def send(self, method, path="", body=None, /, **query):
        data = json.dumps(body) if isinstance(body, dict) else body
        path = f"/_emulator/database{path}"
        return self.client.open(path, method=method, data=data, query_string=query)

    def ok(self, method, path="", body=None, /, status=200, **query):
        answer = self.send(method, path, body, **query)
        assert answer.status_code == status, answer.data
        return answer.json

    def refused(self, method, path="", body=None, /, **query):
        answer = self.send(method, path, body, **query)
        assert answer.status_code == 400, answer.data
        return answer.json["message"]

    def ids(self, **query):
        found = self.ok("GET", "/collections/todos/documents", **query)
        return [each["_id"] for each in found["documents"]]


@pytest.fixture
def routes():
    return Routes()


def test_collections_are_listed_created_and_dropped(routes):
    assert routes.ok("GET") == STATE
    state = routes.ok("POST", "/collections", {"name": "new"}, status=201)
    assert [each["name"] for each in state["collections"]] == ["new", "todos", "users"]
    assert routes.ok("DELETE", "/collections/new") == STATE
    assert "there is no collection new" in routes.refused("DELETE", "/collections/new")


def test_documents_are_found_by_pages_in_an_order(routes):
    found = routes.ok("GET", "/collections/todos/documents", query='{"n": {"$gt": 1}}', limit=1)
    assert found == {"documents": [TODOS[1]], "total": 2}
    assert routes.ids(order='{"n": -1}', skip=1) == ["b", "a"]
    assert routes.ids() == ["a", "b", "c"]


def test_files_are_imported_whole_or_not_at_all_and_exported(routes):
    path = "/collections/todos/documents"
    lines = '{"_id": "d"}\n{"_id": "a", "at": {"$date": 0}}'
    assert routes.refused("POST", path, lines).startswith("record 2: E11000")
    assert routes.ids() == ["a", "b", "c"]
    imported = routes.ok("POST", path, lines, status=201, mode="upsert")
    assert imported == {"inserted": 1, "replaced": 1}
    exported = routes.send("GET", "/collections/todos/export")
    assert exported.content_type == "text/plain; charset=utf-8"
    assert exported.text.splitlines()[0] == '{"_id":"a","at":{"$date":"1970-01-01T00:00:00Z"}}'
    csv = "_id,o.x\nx,中\n".encode()
    imported = routes.ok("POST", "/collections/made/documents", csv, status=201, format="csv")
    assert imported == {"inserted": 1, "replaced": 0}
    assert routes.send("GET", "/collections/made/export", format="csv").data == csv


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_a_refused_record_is_named_by_its_number(routes, mode):
    path = "/collections/users/documents"
    database = routes.emulator.program(DEMO_APPID).database
    database.collection("users").create_index([("name", 1)], unique=True)
    for records in ['[{"name": 1}, {"name": 2}, {"name": 1}]', "name\n1\n2\n1\n"]:
        form = "json" if records.startswith("[") else "csv"
        message = routes.refused("POST", path, records, mode=mode, format=form)
        assert message.startswith("record 3: E11000 duplicate key"), message
    lines = '{"_id": 1}\n{"_id": [1]}'
    assert routes.refused("POST", path, lines, mode=mode).startswith("record 2: ")
    assert routes.ok("GET", path)["total"] == 0


def test_documents_are_deleted_by_a_query_only(routes):
    path = "/collections/todos/documents"
    assert "query is missing" in routes.refused("DELETE", path)
    assert routes.ok("DELETE", path, query='{"_id": "a"}') == {"deleted": 1}
    assert routes.ok("DELETE", path, query="{}") == {"deleted": 2}


def test_a_reset_goes_back_to_the_seed_and_a_snapshot_to_what_was(routes):
    routes.ok("DELETE", "/collections/todos/documents", query='{"_id": "a"}')
    state = routes.ok("POST", "/snapshots", {"name": "without a".replace(" ", "-")}, status=201)
    assert state["snapshots"] == ["without-a"]
    assert routes.ok("POST", "/reset")["collections"] == STATE["collections"]
    assert routes.ids() == ["a", "b", "c"]
    routes.ok("POST", "/snapshots/without-a/restore")
    assert routes.ids() == ["b", "c"]
    assert routes.ok("DELETE", "/snapshots/without-a")["snapshots"] == []
    assert "there is no snapshot" in routes.refused("POST", "/snapshots/without-a/restore")


def test_each_mini_program_has_its_own(routes):
    routes.ok("DELETE", "/collections/todos", appid=OTHER)
    assert len(routes.ok("GET", appid=OTHER)["collections"]) == 1
    assert routes.ok("GET") == STATE
    assert "appid is one of" in routes.refused("GET", appid="wxnone")


def test_invalid_input_is_refused_and_changes_nothing(routes):
    documents = "/collections/todos/documents"
    for method, path, body, query, message in (
        ("GET", documents, None, {"query": "{"}, "query is not Extended JSON"),
        ("GET", documents, None, {"query": "[]"}, "query is an object"),
        ("GET", documents, None, {"query": '{"$where": "1"}'}, "$where is not emulated"),
        ("GET", documents, None, {"order": '{"n": 5}'}, "sort"),
        ("GET", documents, None, {"limit": "x"}, "limit is a whole number"),
        ("GET", "/collections/none/documents", None, {}, "there is no collection none"),
        ("GET", "/collections/todos/export", None, {"format": "x"}, "format is json or csv"),
        ("POST", documents, "{}", {"mode": "x"}, "mode is insert or upsert"),
        ("POST", documents, "[5]", {}, "record 1: a record is an object"),
        ("POST", documents, b"\xff", {}, "not text in UTF-8"),
        ("POST", "/collections/a$b/documents", "{}", {}, "is not the name of a collection"),
        ("POST", "/collections", {"name": 5}, {}, "the name of a collection is a text"),
        ("POST", "/collections", {"name": "todos"}, {}, "there is a collection todos already"),
        ("POST", "/snapshots", {"name": "../x"}, {}, "is not a name for a snapshot"),
        ("POST", "/snapshots", {"name": 5}, {}, "is not a name for a snapshot"),
    ):
        assert message in routes.refused(method, path, body, **query), (path, query)
    assert routes.ok("GET") == STATE
