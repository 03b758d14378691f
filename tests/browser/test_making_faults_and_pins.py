"""Faults and pins as a user makes them, with and without JavaScript."""

import json
import time

import pytest
from support.browser import assert_keyboard_reaches_everything, axe, every_look, follow, watched

from scripts.filled import DAY

DAILY = "/datacube/getweanalysisappiddailyretaininfo"
GOOD = {"ref_date": "20260308", "visit_uv_new": [], "visit_uv": []}


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def console(request, browser, shop):
    """Open the console with and without JavaScript."""
    with watched(browser, shop, java_script_enabled=request.param) as console:
        yield console


@pytest.fixture
def looked(browser, shop, look):
    with watched(browser, shop, look) as console:
        yield console


def ask(console):
    token = console.emulator.program(console.emulator.first_appid).tokens.grant()[0]
    return json.loads(console.served.send("POST", f"{DAILY}?access_token={token}", DAY))


def test_next_call_becomes_slow(console):
    page = console.open()
    page.get_by_role("link", name="Make a call slow").click()
    page.get_by_label("seconds").fill("0.3")
    page.get_by_role("button", name="Add the fault").click()
    assert page.get_by_role("status").text_content() == "Fault 1 is in force."
    times = []
    for _ in range(2):
        began = time.monotonic()
        assert ask(console)["ref_date"] == "20260308"
        times.append(time.monotonic() - began)
    assert times[0] >= 0.3
    delayed, other = console.emulator.journal
    assert "latency" in delayed.check
    assert "latency" not in other.check
    page.reload()
    follow(page.get_by_role("link", name="#1 analysis.getDailyRetain"))
    assert page.url == f"{console.url}/requests/1"


def test_next_call_of_an_api_fails_with_a_code(console):
    page = console.open()
    follow(page.get_by_role("link", name="Make a call fail"))
    page.get_by_label("errcode").fill("61503")
    page.get_by_label("api", exact=True).fill("getDailyRetain")
    page.keyboard.press("Enter")
    page.get_by_text("Fault 1 is in force.").wait_for()
    assert [ask(console).get("errcode") for _ in range(2)] == [61503, None]


def test_fault_is_taken_back(console):
    for _ in range(2):
        console.emulator.faults.add({"kind": "drop"})
    page = console.open("/overrides")
    page.get_by_role("button", name="Take back fault 1: drop").click()
    page.get_by_text("Fault 1 is taken back.").wait_for()
    assert [fault.id for fault in console.emulator.faults.listed()] == [2]
    page.get_by_role("button", name="Take all faults back").click()
    page.get_by_text("All faults are taken back.").wait_for()
    assert console.emulator.faults.listed() == ()


def test_answer_is_pinned(console):
    page = console.open()
    page.get_by_role("link", name="Pin an answer").click()
    page.get_by_label("API", exact=True).fill("getDailyRetain")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("response").fill(json.dumps(GOOD))
    page.get_by_role("button", name="Add the pin").click()
    page.get_by_text("Pin 1 answers from now on.").wait_for()
    assert ask(console) == GOOD
    page.reload()
    assert page.get_by_role("link", name="#1 analysis.getDailyRetain").is_visible()


def test_error_code_is_pinned(console):
    page = console.open("/overrides?new=pin&api=analysis.getDailyRetain")
    page.get_by_label("Answer").select_option("61503")
    page.get_by_role("button", name="Add the pin").click()
    page.get_by_text("Pin 1 answers from now on.").wait_for()
    assert ask(console)["errcode"] == 61503


def test_mistake_in_json_has_its_place_and_the_form_comes_back(console):
    console.expect_status(400)
    page = console.open("/overrides?new=pin&api=analysis.getDailyRetain")
    text = '{\n  "begin_date": "20260308",\n}'
    page.get_by_label("request").fill(text)
    page.get_by_role("button", name="Add the pin").click()
    assert page.get_by_role("alert").text_content().startswith("request: line 3, column 1: ")
    assert page.get_by_label("request").input_value() == text
    assert page.get_by_label("request").get_attribute("aria-invalid") == "true"
    page.get_by_label("request").fill('{"begin_date": "20260308"}')
    page.get_by_role("button", name="Add the pin").click()
    page.get_by_text("Pin 1 answers from now on.").wait_for()


@every_look
def test_every_form_has_no_violation_and_fits(looked, look):
    looked.expect_status(400)
    looked.emulator.faults.add({"kind": "drop", "times": 2, "until": "2026-03-12T12:00"})
    long = {"errcode": 1, "errmsg": "long " * 100}
    looked.emulator.pins.add({"api": "wxacode.get", "response": long})
    paths = ["?new=pin", "?new=pin&api=wxacode.get"]
    for path in paths:
        page = looked.open(f"/overrides{path}")
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= look.width
    page.locator("#response").fill("{,}")
    page.locator('button[value="add_pin"]').click()
    page.get_by_role("alert").wait_for()
    axe(page)


def test_keyboard_reaches_every_form(looked):
    for path in ("?kind=latency", "?new=pin&api=wxacode.get"):
        assert_keyboard_reaches_everything(looked.open(f"/overrides{path}"))


def in_view(page, text):
    """Return whether a text is within the window, below the bar."""
    box = page.get_by_text(text).bounding_box()
    return 40 < box["y"] < page.viewport_size["height"] - box["height"]


def test_message_of_a_new_fault_is_in_view(console):
    page = console.open("/overrides?kind=latency#form")
    page.get_by_label("seconds").fill("2")
    page.get_by_role("button", name="Add the fault").click()
    page.get_by_text("Fault 1 is in force.").wait_for()
    assert in_view(page, "Fault 1 is in force.")
