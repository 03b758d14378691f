"""One request in Chromium: two tasks of a new user, copying, and the place beside the list."""

import json

import pytest
from playwright.sync_api import expect
from support.browser import Look, axe, every_look, watched

from cloud_openapi.emulator.console.mount import PATH

DAILY = "/datacube/getweanalysisappiddailyretaininfo"
TWO_DAYS = {"begin_date": "20260308", "end_date": "20260309"}


def call(shop, params=TWO_DAYS, path=DAILY):
    """Call an API, and return the number of the request."""
    token, _ = shop.emulator.program(shop.emulator.first_appid).tokens.grant_stable(force=False)
    shop.send("POST", f"{path}?access_token={token}", params)
    return shop.emulator.journal.newest


def entry_of(shop, page):
    return shop.emulator.journal_entry(int(page.url.rpartition("/")[2]))


@every_look
def test_page_of_a_failed_and_of_a_good_request(console, shop, look):
    shop.emulator.faults.add({"kind": "error", "errcode": -1, "times": 9})
    numbers = [call(shop)]
    shop.emulator.faults.clear()
    numbers += [call(shop), call(shop, {"path": "pages/index"}, "/wxa/getwxacode")]
    for number in numbers:
        page = console.open(f"/requests/{number}")
        for summary in page.locator("summary").all():
            summary.click()
            axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= look.width


def test_why_did_this_call_fail(console, shop):
    call(shop)
    page = console.open("/requests")
    page.get_by_role("link", name="analysis.getDailyRetain").first.click()
    alert = page.locator(".detail .alert.bad")
    expect(alert).to_contain_text("so 20260308 and 20260308 are right")


def test_send_it_again_with_another_date(console, shop):
    number = call(shop)
    page = console.open(f"/requests/{number}")
    page.get_by_role("link", name="Edit and send again").click()
    body = page.get_by_label("Parameters").first
    body.fill(json.dumps({"begin_date": "20260307", "end_date": "20260307"}))
    page.get_by_role("button", name="Send", exact=True).first.click()
    page.wait_for_url(f"**/requests/{number + 1}")
    expect(page.locator(".detail h2")).to_contain_text("OK")
    assert json.loads(entry_of(shop, page).body)["begin_date"] == "20260307"


def test_suggested_dates_are_one_click(console, shop):
    number = call(shop)
    page = console.open(f"/requests/{number}")
    page.get_by_role("button", name="Send again with 20260308").click()
    page.wait_for_url(f"**/requests/{number + 1}")
    assert entry_of(shop, page).errcode == 0


def test_mistake_is_shown_beside_what_was_typed(console, shop):
    number = call(shop)
    page = console.open(f"/requests/{number}")
    console.expect_status(400)
    page.locator("summary", has_text="As a cloud call").click()
    page.get_by_label("Parameters").last.fill("{wrong")
    page.get_by_role("button", name="Send", exact=True).last.click()
    expect(page.get_by_role("alert")).to_contain_text("not JSON")
    expect(page.get_by_label("Parameters").last).to_have_value("{wrong")
    axe(page)
    assert shop.emulator.journal.newest == number


def test_action_beside_the_list_stays_beside_it(browser, shop):
    with watched(browser, shop, Look(width=1600)) as console:
        number = call(shop)
        page = console.open("/requests")
        page.get_by_role("link", name="analysis.getDailyRetain").first.click()
        page.get_by_role("button", name="Send again with 20260308").click()
        expect(page.locator(".detail h2")).to_contain_text("OK")
        assert shop.emulator.journal.newest == number + 1
        assert page.url.partition("?")[0].endswith(f"{PATH}/requests")
        axe(page)


@pytest.mark.parametrize("title", ["curl", "Python", "JavaScript"])
def test_snippet_is_copied_with_one_click(browser, shop, title):
    with watched(browser, shop, permissions=["clipboard-read", "clipboard-write"]) as console:
        page = console.open(f"/requests/{call(shop)}")
        page.get_by_role("button", name=title, exact=True).click()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.locator(f"#{title.lower()}").evaluate("each => each.textContent")
        assert "20260308" in copied


def test_request_is_sent_pinned_and_saved_without_scripts(browser, shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    number = call(shop)
    with watched(browser, shop, java_script_enabled=False) as console:
        page = console.open(f"/requests/{number}")
        page.locator("summary", has_text="Pin it").click()
        page.get_by_role("button", name="Pin this answer").click()
        expect(page.get_by_role("status")).to_contain_text("Pin 1")
        page.locator("summary", has_text="Save it as a recording").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("tests/recordings")
        page.get_by_role("button", name="Send", exact=True).click()
        page.wait_for_url(f"**/requests/{number + 1}")
        assert entry_of(shop, page).check == "pin 1"
        page.get_by_role("button", name="Remove pin 1").click()
        assert not shop.emulator.pins.listed()


@every_look
def test_trace_fits_and_its_bars_lead_to_the_parts(console, shop, look):
    shop.invoke("dailyReport", {})
    ended = shop.functions.ended[-1]
    page = console.open(f"/traces/{ended.invocation}")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width
    bar = page.locator(".waterfall rect").last
    bar.scroll_into_view_if_needed()
    assert bar.is_visible()
    bar.click(force=True)
    page.wait_for_url("**/requests/*")
