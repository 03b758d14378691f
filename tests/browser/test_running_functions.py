"""A user runs, checks and fires functions in the browser, with and without scripts."""

import json
from contextlib import contextmanager

import pytest
from support.browser import LOOKS, axe, every_look, watched
from support.processes import until

from scripts.filled import served

with_and_without_scripts = pytest.mark.parametrize(
    "scripts", [True, False], ids=["scripts", "no scripts"]
)


@pytest.fixture
def opened(browser, shop):
    """Return a context manager that opens the console."""

    @contextmanager
    def opened(*, scripts):
        with watched(browser, shop, java_script_enabled=scripts) as console:
            yield console

    return opened


@with_and_without_scripts
def test_run_shows_its_log_and_stays_after_a_reload(opened, scripts):
    with opened(scripts=scripts) as console:
        page = console.open()
        page.get_by_role("navigation").get_by_role("link", name="Functions").click()
        page.get_by_role("link", name="weeklyReport").click()
        page.get_by_label("Event (JSON)").fill('{"week": 11}')
        page.get_by_role("button", name="Invoke", exact=True).click()
        assert page.locator("#output").inner_text() == "11"
        assert "reporting week 11" in page.locator("#log").inner_text()
        page.reload()
        assert page.locator("#output").inner_text() == "11"
        assert json.loads(page.get_by_label("Event (JSON)").input_value()) == {"week": 11}
        page.get_by_role("link", name="Trace", exact=True).click()
        page.wait_for_url("**/_console/traces/*")


@with_and_without_scripts
def test_missing_line_is_found_and_written(opened, scripts):
    with opened(scripts=scripts) as console:
        page = console.open("/functions/sendReport")
        page.get_by_role("button", name="Check: compare with the sources").click()
        page.locator("#wanted").wait_for()
        line = '    "openapi": ["wxacode.get", "subscribeMessage.send"]'
        assert page.locator("#wanted ins").all_inner_texts() == [line]
        command = page.locator("#fix-command").inner_text()
        assert command.startswith("cloud-openapi check sendReport --fix")


@with_and_without_scripts
def test_timer_is_fired_now(opened, scripts):
    with opened(scripts=scripts) as console:
        page = console.open("/functions/dailyReport")
        page.get_by_role("button", name="Fire it now").click()
        assert "report of 20260308" in page.locator("#log").inner_text()
        assert page.locator("#source").input_value() == "wx_trigger"
        assert page.locator("#result .badge").first.inner_text() == "200"


@with_and_without_scripts
def test_invalid_event_comes_back(opened, scripts):
    with opened(scripts=scripts) as console:
        page = console.open("/functions/weeklyReport")
        page.get_by_label("Event (JSON)").fill("{'week': 11}")
        console.expect_status(400)
        page.get_by_role("button", name="Invoke", exact=True).click()
        assert "line 1, column 2" in page.get_by_role("alert").inner_text()
        assert page.get_by_label("Event (JSON)").input_value() == "{'week': 11}"
        assert page.url == f"{console.url}/functions/weeklyReport"
        if scripts:
            axe(page)
        page.get_by_label("Event (JSON)").fill('{"week": 11}')
        page.get_by_role("button", name="Invoke", exact=True).click()
        assert page.locator("#output").inner_text() == "11"


@every_look
def test_run_fits_and_is_accessible(console, look):
    page = console.open("/functions/dailyReport")
    for event in ("{}", '{"toUser": "oUser"}'):
        page.locator("#event").fill(event)
        with page.expect_response("**/functions/dailyReport?run=*"):
            page.locator("#invoke").click()
        page.locator("#result .facts-line").wait_for()
        axe(page)
        assert page.locator("html").evaluate("root => root.scrollWidth") <= look.width
    assert "subscribeMessage.send" in page.locator("#reason").inner_text()
    assert page.locator("#log").inner_text().count("sendReport:") == 1


@pytest.mark.parametrize("look", [LOOKS[0], LOOKS[-1]], ids=str)
def test_key_runs_the_function_and_the_result_is_in_view(console):
    page = console.open("/functions/weeklyReport")
    page.locator("#event").fill('{"week": 11}')
    page.keyboard.press("Control+Enter")
    page.locator("#output").wait_for()
    page.wait_for_function(
        "(({top}) => top >= 0 && top < innerHeight)"
        "(document.querySelector('#result').getBoundingClientRect())"
    )
    assert page.evaluate("document.activeElement.id") == "event"


WAITS = """
import os, time
def main(event, context):
    while not os.path.exists(event["file"]):
        time.sleep(0.01)
    return "done"
"""


def running(console):
    return console.open("/functions/waits").get_by_text("running", exact=True).count()


def test_running_functions_are_shown_and_block_no_page(browser, tmp_path):
    folder, file = tmp_path / "cloudfunctions" / "waits", tmp_path / "file"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text(WAITS, "utf-8")
    with served(tmp_path) as emulated, watched(browser, emulated) as console:
        pages = [console.page.context.new_page() for _ in range(5)]
        try:
            for page in pages:
                page.goto(f"{console.url}/functions/waits")
                page.locator("#event").fill(json.dumps({"file": str(file)}))
                page.locator("#invoke").click()
                page.get_by_text("Running, for at most 20 s").wait_for()
            assert until(lambda: running(console) == len(pages))
        finally:
            file.touch()
        for page in pages:
            page.locator("#output").wait_for()
            assert page.locator("#output").inner_text() == '"done"'
