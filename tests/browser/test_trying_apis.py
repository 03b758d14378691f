"""The pages of the APIs in a browser: search, documentation, calls in both forms."""

import json
import re

import pytest
from support.browser import axe, every_look, watched

expect = pytest.importorskip("playwright.sync_api").expect

RETAIN = "analysis.getWeeklyRetain"
WORDS = {
    "en": {"send": "Send", "search": "Search", "cloud": "Cloud call", "success": "success"},
    "zh": {"send": "发送", "search": "搜索", "cloud": "云调用", "success": "成功"},
}
PNG = {"name": "a.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n..."}


def send(page, language="en"):
    page.get_by_role("button", name=WORDS[language]["send"], exact=True).click()
    answer = page.locator("#answer")
    expect(answer).to_be_visible()
    return answer


@every_look
def test_each_state_of_the_page_has_no_problem(console, look):
    words = WORDS[look.language]
    page = console.open(f"/apis/{RETAIN}")
    expect(send(page, look.language)).to_contain_text(words["success"])
    axe(page)
    page.get_by_label("HTTPS").check()
    page.locator("details", has=page.locator("#input-begin_date")).locator("summary").click()
    page.locator("#input-begin_date").fill("20260303")
    expect(send(page, look.language)).to_contain_text("61501")
    expect(page.locator("#answer .alert")).to_contain_text("begin_date")
    axe(page)
    console.expect_status(400)
    page.locator("details", has=page.locator("#others")).locator("summary").click()
    page.locator("#others").fill("[")
    page.get_by_role("button", name=words["send"], exact=True).click()
    expect(page.locator(".wrong")).to_be_visible()
    axe(page)
    assert page.locator("html").evaluate("root => root.scrollWidth") <= look.width


def test_search_keeps_the_filter_over_back(console):
    page = console.open("/apis")
    page.get_by_label("Name, path or summary").fill("weekly")
    page.get_by_label("Answered").select_option("simulated")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("ul.apis li")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"q=weekly&state=simulated"))
    page.get_by_role("link", name="getWeeklyRetain").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(RETAIN)
    page.go_back()
    expect(page.locator("ul.apis li")).to_have_count(2)
    expect(page.get_by_label("Name, path or summary")).to_have_value("weekly")


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
def test_call_in_both_forms_lands_on_its_answer(browser, shop, scripts):
    with watched(browser, shop, java_script_enabled=scripts) as console:
        page = console.page
        console.open(f"/apis/{RETAIN}")
        week = page.locator("#period option").nth(1).get_attribute("value")
        page.get_by_label("Recent").select_option(week)
        expect(send(page)).to_contain_text('"refDate": "' + week)
        expect(page.get_by_label("Recent")).to_have_value(week)
        page.get_by_label("HTTPS").check()
        page.get_by_label("Or the week with").fill("2026-02-04")
        expect(send(page)).to_contain_text('"ref_date": "20260202-20260208"')
        page.get_by_role("link", name="This request in the journal").click()
        expect(page).to_have_url(re.compile(r"/requests/\d+$"))
    entry = console.emulator.journal_entry(console.emulator.journal.newest)
    assert json.loads(entry.body) == {"begin_date": "20260202", "end_date": "20260208"}


def test_picture_is_shown_and_file_is_sent(console):
    page = console.open("/apis/wxacode.getUnlimited")
    page.get_by_label("HTTPS").check()
    send(page)
    picture = page.get_by_role("img", name="The picture of the answer")
    assert picture.evaluate("image => image.naturalWidth") > 50
    console.open("/apis/security.imgSecCheck")
    page.get_by_label("HTTPS").check()
    page.locator("input[type=file]").set_input_files(PNG)
    expect(send(page)).to_contain_text('"errcode": 0')


def test_missing_permission_is_explained(console):
    page = console.open("/apis/wxacode.getUnlimited")
    page.get_by_label("As function").select_option(index=0)
    expect(send(page)).to_contain_text("-604101")
    expect(page.locator("#answer .alert")).to_contain_text("config.json")


def test_call_by_keyboard_alone(console):
    page = console.open(f"/apis/{RETAIN}")
    page.get_by_label("HTTPS").focus()
    page.keyboard.press("Space")
    page.get_by_text("Or write the dates").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#input-begin_date")).to_be_focused()
    page.keyboard.type("2017")
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_contain_text("61500")
