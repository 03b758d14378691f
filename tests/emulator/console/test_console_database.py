"""The pages of the cloud database: collections, documents, queries, files, snapshots and reset."""

import html
import io
import json
import re

import pytest

from cloud_openapi.emulator import Emulator, create_app

SEED = {
    "fruits": [
        {"_id": "a", "name": "apple", "price": 3},
        {"_id": 7, "name": "梨 <b>", "price": 5},
        {"_id": "c", "name": "fig", "at": {"$date": "2026-03-09T00:00:00.000Z"}},
    ],
    "a/b": [],
}


class Pages:
    """A client of the console, and the database behind it."""

    def __init__(self, seed, **settings):
        self.emulator = Emulator(**settings)
        self.emulator.databases.given = seed
        self.client = create_app(self.emulator).test_client()

    @property
    def database(self):
        return self.emulator.program(self.emulator.first_appid).database

    def get(self, path="/database", status=200, language="en", **query):
        headers = {"Accept-Language": language}
        answer = self.client.get(f"/_console{path}", query_string=query, headers=headers)
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)

    def post(self, path, status=303, query=None, **data):
        token = re.search(r'name="token" value="([^"]+)"', self.get())[1]
        answer = self.client.post(
            f"/_console{path}", query_string=query, data={"token": token, **data}
        )
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text) if status != 303 else answer.headers["Location"]

    def documents(self, name="fruits"):
        return self.database.find(name, {})


@pytest.fixture
def pages():
    return Pages(SEED)


FRUITS = {"name": "fruits"}


def test_collections_are_listed_with_their_documents_and_indexes(pages):
    pages.database.collection("fruits").create_index([("name", 1)], unique=True)
    page = pages.get()
    row = re.search(r'name=fruits">fruits</a>(.*?)</tr>', page)[1]
    assert '<td class="number">3</td>' in row
    assert "<code>name</code> <small>unique</small>" in row
    assert "name=a/b" in page


def test_empty_database_says_how_to_declare_a_collection():
    page = Pages({}).get()
    assert "There are no collections yet." in page
    assert "database/fruits.json" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ['"a"', "7", '"c"']),
        ({"query": '{"price": {"$gt": 3}}'}, ["7"]),
        ({"query": '{"at": {"$gt": {"$date": "2026-01-01T00:00:00Z"}}}'}, ['"c"']),
        ({"order": '{"name": -1}'}, ["7", '"c"', '"a"']),
        ({"query": '{"name": "none"}'}, []),
    ],
)
def test_documents_are_found_by_a_query(pages, query, found):
    page = pages.get("/database/collection", **FRUITS, **query)
    ids = re.findall(r'appid=[^"]*"><code>(.*?)</code></a>|"><code>(.*?)</code></a>', page)
    assert [first or second for first, second in ids] == found


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({"query": "{"}, "the query is not Extended JSON"),
        ({"query": "[]"}, "the query is an object such as {}"),
        ({"query": '{"$where": "1"}'}, "$where"),
        ({"query": '{"a": {"$none": 1}}'}, "$none"),
        ({"order": '{"a": "up"}'}, "bad sort specification"),
    ],
)
def test_wrong_query_is_explained_and_kept(pages, query, part):
    page = pages.get("/database/collection", 400, **FRUITS, **query)
    assert part in re.search(r'role="alert">(.*?)</p>', page)[1]
    assert next(iter(query.values())) in page


def test_many_documents_have_pages():
    pages = Pages({"many": [{"_id": f"{number:03}"} for number in range(120)]})
    first = pages.get("/database/collection", name="many")
    assert first.count("/database/document?") == 50
    last = pages.get("/database/collection", name="many", page=3)
    assert last.count("/database/document?") == 20
    assert '"119"' in last
    links = re.findall(r'href="(/_console/database/collection\S+)">(?:Next|Last)<', first)
    shown = [pages.client.get(link).text for link in links]
    assert [page.count("/database/document?") for page in shown] == [50, 20]


def test_long_document_is_cut_in_the_list():
    pages = Pages({"long": [{"_id": "a", "text": "x" * 100_000}]})
    assert len(pages.get("/database/collection", name="long")) < 20_000


def test_document_is_added_changed_and_deleted(pages):
    assert pages.post("/database/add", query=FRUITS, document='{"_id": "d", "name": "plum"}')
    changed = '{"name": "plum", "at": {"$date": "2026-03-09T00:00:00Z"}}'
    pages.post("/database/document", query=FRUITS, id='"d"', document=changed)
    page = pages.get("/database/document", **FRUITS, id='"d"')
    shown = json.loads(re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)[1])
    assert shown == {"_id": "d", "name": "plum", "at": {"$date": "2026-03-09T00:00:00Z"}}
    pages.post("/database/delete", query=FRUITS, id='"d"')
    pages.post("/database/delete", query=FRUITS, id="7")
    assert [each["_id"] for each in pages.documents()] == ["a", "c"]


@pytest.mark.parametrize(
    ("path", "data", "part"),
    [
        ("/database/add", {"document": "{"}, "the document is not Extended JSON"),
        ("/database/add", {"document": '{"_id": "a"}'}, "a"),
        ("/database/document", {"id": '"a"', "document": "[]"}, "the document is an object"),
        ("/database/document", {"id": '"a"', "document": '{"_id": "b"}'}, "_id cannot be changed"),
    ],
)
def test_wrong_document_is_explained_and_kept(pages, path, data, part):
    before = pages.documents()
    page = pages.post(path, 400, query=FRUITS, **data)
    assert part in re.search(r'role="alert">(.*?)</p>', page, re.DOTALL)[1]
    assert data["document"] in page
    assert pages.documents() == before


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/database/collection", {"name": "none"}),
        ("/database/collection", {}),
        ("/database/document", {**FRUITS, "id": '"none"'}),
        ("/database/document", {**FRUITS, "id": "{"}),
        ("/database/export", {"name": "none"}),
        ("/database/drop", {"name": "none"}),
    ],
)
def test_missing_collection_or_document_is_404(pages, path, query):
    pages.get(path, 404, **query)


def file(name, text):
    return io.BytesIO(text.encode() if isinstance(text, str) else text), name


def test_export_is_imported(pages):
    for form in ("json", "csv"):
        text = pages.client.get(f"/_console/database/export?name=fruits&format={form}").data
        pages.post("/database/create", name=form)
        pages.post("/database/import", query={"name": form}, file=file(f"x.{form}", text))
        assert len(pages.documents(form)) == 3
    assert pages.documents("json") == pages.documents()


def test_import_refuses_or_replaces_documents_that_exist(pages):
    text = '{"_id": "a", "name": "apricot"}\n{"_id": "z"}\n'
    before = pages.documents()
    page = pages.post("/database/import", 400, query=FRUITS, file=file("x.json", text))
    assert 'role="alert"' in page
    assert pages.documents() == before
    pages.post("/database/import", query=FRUITS, mode="upsert", file=file("x.json", text))
    assert [each["_id"] for each in pages.documents()] == ["a", 7, "c", "z"]


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({}, "choose a file first"),
        ({"file": ("x.json", b"\xff")}, "x.json is not UTF-8 from byte 1 on; save it as UTF-8"),
        ({"file": ("x.json", b"{")}, "line 1, column 2"),
    ],
)
def test_wrong_file_is_explained(pages, given, part):
    data = {field: file(*pair) for field, pair in given.items()}
    page = pages.post("/database/import", 400, query=FRUITS, **data)
    assert part in re.search(r'role="alert">(.*?)</p>', page, re.DOTALL)[1]


def test_collection_is_created_and_deleted(pages):
    pages.post("/database/create", name="new/one")
    assert pages.get("/database/collection", name="new/one")
    assert "new/one" in pages.get("/database/drop", name="new/one")
    pages.post("/database/drop", query={"name": "new/one"})
    assert pages.database.names() == ["a/b", "fruits"]


@pytest.mark.parametrize("name", ["", "fruits", "a$b", ".a"])
def test_wrong_name_is_explained(pages, name):
    page = pages.post("/database/create", 400, name=name)
    assert 'role="alert"' in page
    assert pages.database.names() == ["a/b", "fruits"]


def test_snapshots_and_reset_bring_data_back(pages):
    before = pages.documents()
    pages.post("/database/snapshots", action="save", name="full")
    pages.post("/database/delete", query=FRUITS, id="7")
    assert "full" in pages.get()
    pages.post("/database/snapshots", action="restore", name="full")
    assert pages.documents() == before
    pages.post("/database/snapshots", action="forget", name="full")
    assert "full" in pages.post("/database/snapshots", 400, action="restore", name="full")
    pages.post("/database/drop", query=FRUITS)
    assert "wxdemo" in pages.get("/database/reset")
    pages.post("/database/reset")
    assert pages.documents() == before


def test_mini_programs_have_databases_of_their_own():
    pages = Pages(SEED, apps={"wx1": "secret one", "wx2": "secret two"})
    pages.post("/database/add", query=FRUITS, document='{"_id": "z"}', appid="wx2")
    assert [each["_id"] for each in pages.documents()] == ["a", 7, "c"]
    assert '"z"' in pages.get("/database/collection", **FRUITS, appid="wx2")
    pages.post("/database/reset", appid="wx2")
    assert '"z"' not in pages.get("/database/collection", **FRUITS, appid="wx2")


def test_content_is_text(pages):
    pages.post("/database/create", name="<script>")
    raw = pages.client.get("/_console/database/collection?name=fruits").text
    assert "<b>" not in raw
    assert "梨 &lt;b&gt;" in raw
    assert "<script>alert" not in pages.client.get("/_console/database").text


def test_pages_are_in_chinese(pages):
    assert "集合" in pages.get(language="zh-CN")
    assert "查询条件" in pages.get("/database/collection", language="zh-CN", **FRUITS)
    pages.get("/database/collection", 400, language="zh-CN", query="{", **FRUITS)
