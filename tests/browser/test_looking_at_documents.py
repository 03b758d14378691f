"""The cloud database in a browser: find, add, change and delete documents, import, snapshots."""

import pytest
from support.browser import axe, every_look, watched

from scripts.filled import SHOP, served

expect = pytest.importorskip("playwright.sync_api").expect

WORDS = {
    "en": {
        "new": "New collection", "create": "Create", "document": "Document as JSON", "add": "Add",
        "query": "Query", "find": "Find", "save": "Save", "delete": "Delete", "import": "Import",
    },
    "zh": {
        "new": "新集合", "create": "创建", "document": "JSON 格式的文档", "add": "新增",
        "query": "查询条件", "find": "查询", "save": "保存", "delete": "删除", "import": "导入",
    },
}  # fmt: skip


@pytest.fixture
def console(browser, look):
    with served(SHOP) as emulated, watched(browser, emulated, look) as console:
        yield console


def documents_in(console, name="fruits"):
    database = console.emulator.program(console.emulator.first_appid).database
    return database.find(name, {})


@every_look
def test_documents_are_added_found_changed_and_deleted(console, look):
    words = WORDS[look.language]
    page = console.open("/database")
    axe(page)

    def press(name):
        page.get_by_role("button", name=words[name], exact=True).click()

    page.get_by_label(words["new"]).fill("fruits")
    press("create")
    axe(page)
    for text in ('{"_id": "a", "price": 3}', '{"_id": "b", "price": 5, "name": "梨 <b>"}'):
        page.get_by_label(words["document"]).fill(text)
        press("add")
    page.get_by_label(words["query"]).fill('{"price": {"$gt": 3}}')
    press("find")
    rows = page.locator("table.documents tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("梨 <b>")
    axe(page)
    assert page.locator("html").evaluate("root => root.scrollWidth") <= look.width
    page.get_by_role("link", name='"b"').click()
    axe(page)
    page.get_by_label(words["document"]).fill('{"price": 6}')
    press("save")
    expect(page.get_by_label(words["document"])).to_have_value('{\n  "_id": "b",\n  "price": 6\n}')
    press("delete")
    expect(rows).to_have_count(1)
    assert documents_in(console) == [{"_id": "a", "price": 3}]


def test_file_is_imported_and_a_snapshot_restored(console):
    page = console.open("/database")
    page.get_by_label("New collection").fill("fruits")
    page.get_by_role("button", name="Create").click()
    lines = {"name": "x.json", "mimeType": "application/json", "buffer": b'{"_id":1}\n{"_id":2}\n'}
    page.locator("input[type=file]").set_input_files([lines])
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("status")).to_contain_text("2 new")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as JSON").click()
    assert download.value.suggested_filename == "fruits.json"
    page.get_by_role("link", name="Database").first.click()
    page.get_by_label("Name", exact=True).fill("full")
    page.get_by_role("button", name="Save a snapshot").click()
    page.get_by_role("link", name="fruits").click()
    page.get_by_role("link", name="Delete the collection").click()
    axe(page)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="fruits")).to_have_count(0)
    page.get_by_role("button", name="Restore full").click()
    expect(page.get_by_role("link", name="fruits")).to_have_count(1)
    assert [each["_id"] for each in documents_in(console)] == [1, 2]
    page.get_by_role("link", name="Reset the database").click()
    axe(page)
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("link", name="fruits")).to_have_count(0)
