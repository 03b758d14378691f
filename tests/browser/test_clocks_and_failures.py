"""The overview as a user sees it: clocks, functions, failures, resets."""

import pytest
from support.browser import axe, every_look, watched

from scripts.filled import DAY

DAILY = "/datacube/getweanalysisappiddailyretaininfo"


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def console(request, browser, shop):
    """Open the console with and without JavaScript."""
    with watched(browser, shop, java_script_enabled=request.param) as console:
        yield console


@pytest.fixture
def looked(browser, shop, look):
    with watched(browser, shop, look) as console:
        yield console


def test_clock_is_frozen_at_a_moment(console):
    page = console.open()
    page.get_by_label("Moment in Beijing").fill("2026-03-11 12:00")
    page.get_by_role("button", name="Freeze at it").click()
    assert (
        page.get_by_role("status").text_content()
        == "The clock stands still at 2026-03-11 12:00:00."
    )
    assert console.emulator.clock.frozen_at.isoformat() == "2026-03-11T12:00:00+08:00"


def test_enter_freezes_at_the_moment(console):
    page = console.open()
    page.get_by_label("Moment in Beijing").fill("2026-03-11 12:00")
    page.keyboard.press("Enter")
    page.get_by_text("The clock stands still at 2026-03-11 12:00:00.").wait_for()


def test_clock_of_a_mini_program_moves_and_runs(console):
    emulator = console.emulator
    before = emulator.clock.now()
    page = console.open()
    page.get_by_role("link", name=f"Set the clock of {emulator.first_appid}").click()
    page.get_by_label("Move by").fill("36")
    page.get_by_role("button", name="Move forward").click()
    page.get_by_role("status").wait_for()
    own = emulator.clock_of(emulator.first_appid)
    assert (own.now() - before).total_seconds() == 36 * 3600
    page.get_by_role("button", name="Run with this machine's time").click()
    page.get_by_text("The clock runs from").wait_for()
    assert own.frozen_at is None
    assert emulator.clock.now() == before


def test_wrong_moment_is_explained_beside_the_form(console):
    console.expect_status(400)
    page = console.open()
    page.get_by_label("Moment in Beijing").fill("noon")
    page.get_by_role("button", name="Freeze at it").click()
    assert "is a time such as 2026-03-11T12:00" in page.get_by_role("alert").text_content()
    assert page.get_by_label("Moment in Beijing").input_value() == "noon"


def test_reset_asks_first(console):
    console.emulator.faults.add({"kind": "drop"})
    page = console.open()
    page.get_by_role("link", name="Reset all …").click()
    page.get_by_role("link", name="Cancel").click()
    assert console.emulator.faults.listed()
    page.get_by_role("link", name="Reset all …").click()
    page.get_by_role("button", name="Reset", exact=True).click()
    page.get_by_text("The emulator is as at the start.").wait_for()
    assert console.emulator.faults.listed() == ()


def test_first_command_can_be_copied(browser, shop):
    with watched(browser, shop, permissions=["clipboard-read", "clipboard-write"]) as console:
        page = console.open()
        page.get_by_role("listitem").filter(has_text="Invoke a function").get_by_role(
            "button"
        ).click()
        page.get_by_text("✓").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("curl -d")
        assert f"{shop.url}/v1/functions/" in copied


def test_failure_appears_by_itself_and_the_form_stays(browser, shop):
    with watched(browser, shop) as console:
        page = console.open()
        page.get_by_label("Moment in Beijing").fill("2026-01-0")
        assert page.get_by_role("heading", name="Last failures").count() == 0
        shop.send("POST", f"{DAILY}?access_token=old", DAY)
        page.locator("#left").get_by_role("link", name="analysis.getDailyRetain").wait_for()
        assert page.get_by_label("Moment in Beijing").input_value() == "2026-01-0"


def test_focus_stays_when_the_page_is_renewed(browser, shop):
    with watched(browser, shop) as console:
        page = console.open()
        page.get_by_role("link", name="Make a call slow").focus()
        shop.send("POST", f"{DAILY}?access_token=old", DAY)
        page.locator("#left").get_by_role("link", name="analysis.getDailyRetain").wait_for()
        assert page.evaluate("document.activeElement.textContent") == "Make a call slow"


@every_look
def test_confirmation_and_error_have_no_violation(looked):
    looked.expect_status(400)
    page = looked.open("/reset")
    axe(page)
    page = looked.open()
    page.locator("#moment").fill("noon")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    axe(page)


def test_message_of_a_frozen_clock_is_in_view_and_the_newest_day_leads_to_the_data(console):
    page = console.open("/#clock")
    page.get_by_label("Moment in Beijing").fill("2026-03-10")
    page.get_by_role("button", name="Freeze at it").click()
    message = page.get_by_text("The clock stands still at 2026-03-10 00:00:00.")
    message.wait_for()
    assert 40 < message.bounding_box()["y"] < 300
    page.get_by_role("link", name="2026-03-09").first.click()
    page.get_by_role("heading", name="Heat map").wait_for()
