"""The cloud database in a browser: find, add, change and delete documents, import, snapshots."""

import re

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


@every_look
def test_request_to_the_database_leads_to_its_documents(console, look):
    program = console.emulator.program(console.emulator.first_appid)
    program.database.create_collection("水果")
    action = {"action": "database.insertDocument", "collectionName": "水果"}
    console.served.send("POST", "/admin", {**action, "data": ['{"name": "梨 <b>"}']})
    page = console.open("/requests")
    page.get_by_role("link", name="database.insertDocument").click()
    expect(page.locator("#stored-request")).to_contain_text("梨 <b>")
    expect(page.locator("#stored-answer")).to_contain_text("insertedIds")
    axe(page)
    assert page.locator("html").evaluate("root => root.scrollWidth") <= look.width
    page.locator("[aria-labelledby=request-stored] dd a").last.click()
    expect(page.get_by_label(WORDS[look.language]["document"])).to_have_value(re.compile("梨 <b>"))


@every_look
def test_list_fits_with_long_names_and_documents_and_many_pages(console, look):
    database = console.emulator.program(console.emulator.first_appid).database
    name = "很长的集合名称" + "_and_more" * 10
    database.create_collection(name)
    long = {"_id": "x" * 200, "text": "long " * 1000, "nested": {"a": [{"b": {"c": "梨" * 300}}]}}
    database.insert(name, [long, *({"_id": f"{n:04}", "n": n} for n in range(260))])
    page = console.open("/database")
    axe(page)
    page.get_by_role("link", name=name).click()
    region = page.locator("table.documents").locator("xpath=..")
    assert region.evaluate("each => each.scrollWidth <= each.clientWidth")
    row = page.locator("tbody tr", has_text="x" * 200)
    assert row.locator(".beginning").bounding_box()["height"] < 80
    axe(page)
    links = page.locator("nav.actions a")
    links.last.click()
    expect(page.locator("nav.actions")).to_contain_text("6 / 6")
    links.first.click()
    expect(page.locator("nav.actions")).to_contain_text("1 / 6")
    for part in ("html", "main"):
        assert page.locator(part).evaluate("each => each.scrollWidth") <= look.width
