"""Cloud storage in a browser: look at a file, upload some, delete one, go back to the first."""

import pytest
from support.browser import axe, every_look, watched

from scripts.filled import PICTURE, SHOP, served

expect = pytest.importorskip("playwright.sync_api").expect

WORDS = {
    "en": {"upload": "Upload", "folder": "Folder", "delete": "Delete", "reset": "Reset"},
    "zh": {"upload": "上传", "folder": "文件夹", "delete": "删除", "reset": "重置"},
}
WIDTH = "image => image.complete && image.naturalWidth"


@pytest.fixture
def console(browser, look):
    with served(SHOP) as emulated, watched(browser, emulated, look) as console:
        yield console


def paths_in(console):
    program = console.emulator.program(console.emulator.first_appid)
    return [path for path, _file in program.storage.files.listed()]


def chosen(name, content, kind="image/svg+xml"):
    return {"name": name, "mimeType": kind, "buffer": content}


@every_look
def test_upload_look_at_and_delete_files(console, look):
    words = WORDS[look.language]
    page = console.open("/storage")
    axe(page)
    page.get_by_label(words["folder"], exact=True).fill("images/新")
    files = [chosen("商品 一.svg", PICTURE), chosen("note.txt", b"<b>note</b>", "text/plain")]
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_role("button", name=words["upload"]).click()
    expect(page.get_by_role("status")).to_contain_text("商品 一.svg")
    assert paths_in(console) == ["images/新/note.txt", "images/新/商品 一.svg"]
    axe(page)
    page.get_by_role("link", name="商品 一.svg").click()
    image = page.locator(".file-preview img")
    expect(image).to_be_visible()
    page.wait_for_function(f"({WIDTH})(document.querySelector('.file-preview img'))")
    assert image.evaluate(WIDTH) == 320
    axe(page)
    assert page.locator("html").evaluate("root => root.scrollWidth") <= look.width
    page.get_by_role("button", name=words["delete"]).click()
    expect(page.get_by_role("status")).to_contain_text("商品 一.svg")
    assert paths_in(console) == ["images/新/note.txt"]
    page.get_by_role("link", name="note.txt").click()
    expect(page.locator(".file-preview pre")).to_have_text("<b>note</b>")


def test_url_of_a_file_opens_it(console):
    page = console.open("/storage")
    page.locator("input[type=file]").set_input_files([chosen("a b.svg", PICTURE)])
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("link", name="a b.svg").click()
    url = page.locator("#url").text_content()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "a b.svg"
    answer = page.goto(url)
    assert answer.body() == PICTURE
    assert answer.headers["content-type"].startswith("image/svg+xml")


def test_reset_is_confirmed(console):
    page = console.open("/storage")
    page.locator("input[type=file]").set_input_files([chosen("a.svg", PICTURE)])
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("link", name="Reset the files").click()
    axe(page)
    page.get_by_role("link", name="Cancel").click()
    assert paths_in(console) == ["a.svg"]
    page.get_by_role("link", name="Reset the files").click()
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert paths_in(console) == []
