"""The list of requests: live rows, filters and Back, the keyboard, the opened request."""

import http.client
import threading
import time
from urllib.parse import urlsplit

import pytest
from support.browser import PLAIN, axe, follow

from cloud_openapi import clocks
from cloud_openapi.emulator.console import live

PATHS = ("/wxa/one", "/wxa/two", "/wxa/three")
ROWS = "#found tbody tr"


def call(console, *paths):
    for path in paths:
        console.served.send("POST", path, {})


def names(page):
    return page.locator(f"{ROWS} .open").all_inner_texts()


def wait_for_rows(page, count):
    if count:
        page.locator(f"{ROWS}:nth-last-child({count}):first-child").wait_for()
    else:
        page.locator(ROWS).first.wait_for(state="detached")


def wait_for_state(page, text):
    page.locator(".state", has_text=text).wait_for()


def wait_for_newest(page, name):
    page.locator(f"{ROWS}:first-child .open", has_text=name).wait_for()


def test_first_requests_replace_the_empty_state(console):
    page = console.open("/requests")
    wait_for_state(page, "Live")
    assert page.locator(".empty").is_visible()
    call(console, *PATHS)
    wait_for_rows(page, 3)
    assert names(page) == list(reversed(PATHS))
    assert not page.locator(".empty").is_visible()
    axe(page)


def test_filters_stand_in_the_url_and_back_restores_them(console):
    call(console, *PATHS)
    page = console.open("/requests")
    page.get_by_label("Text", exact=True).fill("two")
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests?text=two")
    wait_for_rows(page, 1)
    page.get_by_label("Failed only").check()
    page.wait_for_url("**/requests?text=two&failed=1")
    page.get_by_label("Form").focus()
    page.get_by_label("Form").select_option("gateway")
    page.wait_for_url("**/requests?text=two&via=gateway&failed=1")
    assert page.get_by_text("No request matches all filters").is_visible()
    assert page.get_by_label("Form").evaluate("each => each === document.activeElement")
    axe(page)
    page.go_back()
    page.locator("[name=failed]:checked").wait_for()
    page.go_back()
    page.locator("[name=failed]:not(:checked)").wait_for()
    assert page.url.endswith("/requests?text=two")
    wait_for_rows(page, 1)
    assert names(page) == ["/wxa/two"]
    assert page.get_by_label("Text", exact=True).input_value() == "two"
    assert page.get_by_label("Form").input_value() == ""
    call(console, "/wxa/three", "/wxa/two")
    wait_for_rows(page, 2)
    assert names(page) == ["/wxa/two", "/wxa/two"]


@pytest.mark.parametrize("leaves", [False, True], ids=["within the list", "from a request"])
def test_back_is_followed_while_the_page_still_arrives(console, leaves):
    call(console, *PATHS)
    page = console.open("/requests?text=two")
    page.get_by_label("Failed only").check()
    page.wait_for_url("**/requests?text=two&failed=1")
    if leaves:
        console.open("/requests/2")
    else:
        page.get_by_label("Form").select_option("gateway")
        page.wait_for_url("**/requests?text=two&via=gateway&failed=1")
    held = []

    def hold(route):
        held.append(route)

    page.route("**/requests.js*", hold, times=1)
    with page.expect_request("**/requests.js*"):
        page.evaluate("history.back()")
    page.evaluate("history.back()")
    page.wait_for_url("**/requests?text=two", wait_until="commit")
    held[0].continue_()
    page.locator("[name=failed]:not(:checked)").wait_for()
    wait_for_rows(page, 1)
    assert names(page) == ["/wxa/two"]


def test_filters_are_kept_over_a_request_and_back(console):
    call(console, *PATHS)
    page = console.open("/requests?text=two")
    console.open("/requests/2")
    page.go_back()
    page.wait_for_url("**/requests?text=two")
    assert names(page) == ["/wxa/two"]


def test_language_is_changed_where_one_is(console):
    call(console, *PATHS)
    page = console.open("/requests")
    page.get_by_label("Failed only").check()
    page.wait_for_url("**/requests?failed=1")
    follow(page.get_by_role("button", name="中文"))
    assert page.url.endswith("/requests?failed=1")
    assert page.get_by_role("heading", name="请求", level=1).is_visible()


def test_request_opens_beside_the_list_and_keys_move_on(console):
    call(console, *PATHS)
    page = console.open("/requests")
    page.get_by_role("link", name="/wxa/two").click()
    detail = page.locator("#detail")
    detail.get_by_role("heading", name="/wxa/two").wait_for()
    assert page.url.endswith("/requests?selected=2")
    assert page.locator("tr.selected .open").inner_text() == "/wxa/two"
    axe(page)
    page.locator("tr.selected .open").focus()
    for key, name in (("j", "one"), ("ArrowUp", "two"), ("k", "three"), ("ArrowDown", "two")):
        page.keyboard.press(key)
        detail.get_by_role("heading", name=f"/wxa/{name}").wait_for()
        assert page.locator("tr.selected .open").inner_text() == f"/wxa/{name}"
    page.keyboard.press("Escape")
    assert not detail.is_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests?selected=2")
    page.reload()
    detail.get_by_role("heading", name="/wxa/two").wait_for()
    page.get_by_role("button", name="Close").click()
    assert not detail.is_visible()
    assert page.url.endswith("/requests")
    assert page.locator("a.open:focus").inner_text() == "/wxa/two"


@pytest.mark.parametrize("look", [PLAIN._replace(width=360)], ids=str)
def test_request_is_a_page_of_its_own_on_a_phone(console):
    call(console, *PATHS)
    page = console.open("/requests?failed=1")
    page.get_by_role("link", name="/wxa/two").click()
    page.wait_for_url("**/requests/2")
    page.go_back()
    page.wait_for_url("**/requests?failed=1")


def test_invocation_opens_beside_the_list_and_its_calls_too(console):
    console.served.invoke("dailyReport", {})
    page = console.open("/requests?function=dailyReport")
    page.get_by_role("link", name="dailyReport").first.click()
    detail = page.locator("#detail")
    detail.get_by_role("heading", name="Trace of dailyReport").wait_for()
    assert page.locator("tr.selected .open").all_inner_texts() == ["dailyReport"]
    axe(page)
    detail.get_by_role("link", name="analysis.getDailyRetain").click()
    detail.get_by_role("heading", name="analysis.getDailyRetain").wait_for()
    assert page.locator("tr.selected .open").all_inner_texts() == ["analysis.getDailyRetain"]


def test_request_is_sent_again_beside_the_list(console):
    call(console, *PATHS)
    page = console.open("/requests?api=two")
    page.get_by_role("link", name="/wxa/two").click()
    detail = page.locator("#detail")
    detail.get_by_role("link", name="Edit and send again").click()
    page.wait_for_url("**#request-send")
    assert detail.get_by_role("heading", name="/wxa/two").is_visible()
    detail.get_by_role("button", name="Send").first.click()
    page.wait_for_url("**/requests?api=two&selected=4")
    wait_for_rows(page, 2)
    assert page.locator("tr.selected").first.get_attribute("data-number") == "4"
    page.locator("#filter-failed").check()
    page.wait_for_url("**/requests?selected=4&api=two&failed=1")
    assert page.locator("tr.selected").get_attribute("data-number") == "4"


def test_list_waits_while_it_is_paused_or_scrolled(console):
    call(console, *(f"/wxa/{number}" for number in range(60)))
    page = console.open("/requests")
    wait_for_state(page, "Live")
    page.get_by_role("button", name="Pause").click()
    wait_for_state(page, "Paused")
    call(console, *PATHS)
    page.get_by_text("3 new").wait_for()
    assert names(page)[0] == "/wxa/59"
    page.get_by_role("button", name="Resume").click()
    wait_for_newest(page, "/wxa/three")
    wait_for_state(page, "Live")
    page.locator(".pane").evaluate("pane => pane.scrollTop = 300")
    wait_for_state(page, "Paused")
    call(console, *PATHS)
    page.get_by_text("3 new").wait_for()
    assert page.locator(ROWS).count() == 63
    page.locator(".pane").evaluate("pane => pane.scrollTop = 0")
    wait_for_rows(page, 66)
    wait_for_state(page, "Live")


def test_rows_of_a_reset_emulator_disappear(console):
    call(console, *PATHS)
    page = console.open("/requests")
    wait_for_state(page, "Live")
    console.emulator.reset()
    wait_for_rows(page, 0)
    call(console, "/wxa/new")
    wait_for_rows(page, 1)
    assert names(page) == ["/wxa/new"]


def test_streams_follow_each_other(console, monkeypatch):
    monkeypatch.setattr(live, "_STREAM_SECONDS", 0.0)
    page = console.open("/requests")
    for number in range(5):
        with page.expect_request("**/events*"):
            call(console, f"/wxa/{number}")
        wait_for_newest(page, f"/wxa/{number}")
    assert len(names(page)) == 5


def test_list_works_without_javascript(browser, shop):
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 1024, "height": 800}
    )
    page = context.new_page()
    for number in range(205):
        shop.send("POST", f"/wxa/{number}", {})
    page.goto(shop.url + "/_console/requests")
    follow(page.get_by_role("link", name="Older requests"))
    assert names(page) == [f"/wxa/{number}" for number in reversed(range(5))]
    follow(page.get_by_role("link", name="To the newest"))
    page.get_by_label("Text", exact=True).fill("/wxa/20")
    follow(page.get_by_role("button", name="Filter"))
    assert names(page)[-1] == "/wxa/20"
    shop.send("POST", "/wxa/20", {})
    follow(page.get_by_role("link", name="Reload"))
    assert names(page)[0] == "/wxa/20"
    follow(page.get_by_role("link", name="/wxa/20").first)
    assert page.url.endswith("/requests/206")
    context.close()


def test_rows_that_came_too_fast_are_counted(console, monkeypatch):
    gate, find_after = threading.Event(), live.find_after
    monkeypatch.setattr(live, "find_after", lambda *given: gate.wait() and find_after(*given))
    page = console.open("/requests")
    call(console, *(f"/wxa/{number}" for number in range(130)))
    gate.set()
    wait_for_newest(page, "/wxa/129")
    assert page.locator(ROWS).last.inner_text() == "80 more not shown – reload"
    page.locator(ROWS).last.get_by_role("link").click()
    wait_for_rows(page, 130)


@pytest.mark.parametrize(
    "seconds", [3, pytest.param(60, marks=pytest.mark.slow)], ids=["seconds", "minute"]
)
def test_list_keeps_up_with_500_calls_a_second(console, seconds):
    page = console.open("/requests")
    wait_for_state(page, "Live")
    flood(console, seconds, 500)
    call(console, "/wxa/last")
    wait_for_newest(page, "/wxa/last")
    wait_for_state(page, "Live")
    assert page.locator(ROWS).count() <= 200
    older = page.get_by_role("link", name="Older requests")
    before = int(
        page.locator(f"{ROWS} [href*='/requests/']").last.get_attribute("href").split("/")[-1]
    )
    older.click()
    page.wait_for_url("**before=**")
    page.locator("a.open, .empty").first.wait_for()
    first = page.locator("a.open").all()[:1]
    # Behind rows that were left out, the journal may have nothing older any more.
    assert [int(each.get_attribute("href").split("/")[-1]) for each in first] in ([], [before - 1])


def flood(console, seconds, rate):
    """Call so often, by the clock, over two connections."""

    def work(part):
        connection = http.client.HTTPConnection(urlsplit(console.url).netloc)
        for number in range(part, seconds * rate, 2):
            time.sleep(max(0, begun + number / rate - clocks.monotonic()))
            connection.request("POST", f"/wxa/{number}", "{}")
            connection.getresponse().read()
        connection.close()

    begun = clocks.monotonic()
    threads = [threading.Thread(target=work, args=(part,)) for part in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_number_of_all_requests_grows_with_the_rows(console):
    page = console.open("/requests")
    wait_for_state(page, "Live")
    assert not page.locator(".total").is_visible()
    call(console, *PATHS)
    wait_for_rows(page, 3)
    assert page.locator(".total").inner_text() == "3 in all"
    call(console, "/wxa/four")
    wait_for_rows(page, 4)
    assert page.locator(".total").inner_text() == "4 in all"


def test_trace_beside_the_list_shows_whole_names(console):
    console.served.invoke("dailyReport", {"toUser": "oUser"})
    page = console.open("/requests")
    page.locator(f"{ROWS} .open", has_text="dailyReport").first.click()
    names = page.locator("#detail .waterfall tbody th a")
    names.first.wait_for()
    for link in names.all():
        assert link.evaluate("link => link.scrollWidth <= link.closest('th').clientWidth")
    region = page.locator("#detail .scroll")
    assert region.evaluate("each => each.scrollWidth <= each.clientWidth")
    axe(page)
