"""The pages of the recordings in a browser: verify, look at one, change the mode."""

import re

import pytest
from support.browser import axe, every_look, watched

from scripts.filled import RECORDINGS, SHOP, served

expect = pytest.importorskip("playwright.sync_api").expect

WORDS = {
    "en": {"all": "Verify all", "again": "Verify again", "mode": "Change the mode"},
    "zh": {"all": "全部校验", "again": "重新校验", "mode": "更改模式"},
}


@pytest.fixture
def console(browser, look):
    with (
        served(SHOP, recordings=RECORDINGS) as emulated,
        watched(browser, emulated, look) as console,
    ):
        yield console


@every_look
def test_verify_and_look_at_one(console, look):
    words = WORDS[look.language]
    page = console.open("/recordings")
    axe(page)
    page.get_by_role("button", name=words["all"]).click()
    row = page.get_by_role("row").filter(has_text="empty-community")
    expect(row.locator(".badge.bad")).to_contain_text("2", timeout=120_000)
    axe(page)
    row.get_by_role("link").click()
    expect(page.locator("tbody td", has_text="null").first).to_be_visible()
    page.get_by_role("button", name=words["again"]).click()
    expect(page.locator("h2")).to_have_count(3, timeout=120_000)
    axe(page)
    page.locator("table.list tbody a").first.click()
    expect(page).to_have_url(re.compile("interaction=1$"))
    expect(page.locator("#response-cloud")).to_contain_text("openapi.analysis.getDailySummary:ok")
    axe(page)
    assert page.locator("html").evaluate("root => root.scrollWidth") <= look.width


def test_change_of_the_mode(console, look):
    page = console.open("/recordings")
    page.get_by_label("replay").check()
    page.get_by_role("button", name="Change the mode").click()
    expect(page.get_by_role("status")).to_have_text("The mode is changed.")
    assert console.emulator.modes.mode == "replay"
    console.expect_status(400)
    page.locator("input[value=record]").check()
    page.get_by_role("button", name="Change the mode").click()
    expect(page.get_by_role("alert")).to_contain_text("CLOUD_OPENAPI_APPID")
    expect(page.get_by_label("replay")).to_be_checked()
    assert console.emulator.modes.mode == "replay"
    axe(page)
