"""The overview: addresses, functions, clocks, failures, resets."""

import html
import json
import re

import pytest
from support.values import NOW

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.runtime import Functions

OTHER = "wx0123456789abcdef"
SECRET = "a secret of a real mini program"
DAILY = "/datacube/getweanalysisappiddailyretaininfo"


class Page:
    """The overview of an emulator, in a client that keeps its cookies."""

    def __init__(self, emulator, functions=None):
        self.emulator = emulator
        self.app = create_app(emulator, functions)
        self.client = self.app.test_client()

    def get(self, query="", **headers):
        answer = self.client.get(f"/_console/{query}", headers=headers)
        assert answer.status_code == 200
        return text_of(answer)

    def post(self, path, **form):
        token = re.search(r'name="token" value="([^"]+)"', self.client.get("/_console/").text)[1]
        return self.client.post(f"/_console{path}", data={"token": token, **form})

    def set_clock(self, how, appid="", **form):
        answer = self.post(f"/?clock={appid}" if appid else "/", do=how, **form)
        assert answer.status_code == 303, text_of(answer)
        return text_of(self.client.get(answer.headers["Location"]))


def text_of(answer):
    """Return the text that a reader sees, in one line."""
    shown = re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])
    return re.sub(r"\s+", " ", html.unescape(shown))


@pytest.fixture
def page():
    return Page(Emulator(clock=Clock(NOW), apps={DEMO_APPID: DEMO_SECRET, OTHER: SECRET}))


@pytest.fixture
def functions(tmp_path):
    for name, body in (("good", "return {}"), ("bad", "raise KeyError('week')")):
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "index.py").write_text(f"def main(event, context):\n    {body}\n")
    functions = Functions(tmp_path / "functions", {})
    yield functions
    functions.close()


# ---- what to do first ----------------------------------------------------------------------


def test_first_visit_says_what_to_paste(page):
    shown = page.get()
    assert "Start here" in shown
    assert "export CLOUD_OPENAPI_BASE_URL=http://localhost" in shown
    assert f"export CLOUD_OPENAPI_SECRET={DEMO_SECRET}" in shown
    path = re.search(r"curl 'http://localhost(\S+)'", shown)[1]
    assert "access_token" in page.client.get(path).json
    assert "Start here" not in page.get()


def test_first_command_calls_a_function(functions):
    page = Page(Emulator(clock=Clock(NOW)), functions)
    data, path = re.search(r"curl -d (\S+) http://localhost(\S+)", page.get()).groups()
    page.client.post(path, data=data.strip("'"))
    assert [ended.function for ended in functions.ended] == ["bad"]
    assert "Start here" not in page.get()


def test_first_project_is_named_where_there_are_no_functions(page):
    assert "cloud-openapi init demo && cd demo && cloud-openapi serve" in page.get()


@pytest.mark.parametrize("path", ["/", "/overview/live", "/reset", f"/?clock={OTHER}"])
def test_secret_that_is_not_public_is_never_shown(path):
    page = Page(Emulator(apps={OTHER: SECRET}))
    answer = page.client.get(f"/_console{path}")
    assert answer.status_code == 200
    assert SECRET not in answer.text
    assert SECRET.replace(" ", "+") not in answer.text


def test_address_is_that_of_the_browser(page):
    answer = page.client.get("/_console/", base_url="http://127.0.0.1:8123")
    assert "export CLOUD_OPENAPI_BASE_URL=http://127.0.0.1:8123" in text_of(answer)
    assert '{"URL": "http://127.0.0.1:8123/admin"}' in text_of(answer)


# ---- functions and failures ----------------------------------------------------------------


def test_functions_have_their_state(functions):
    page = Page(Emulator(), functions)
    assert page.get().count("not invoked yet") == 2
    page.client.post("/v1/functions/good", json={})
    page.client.post("/v1/functions/bad", json={})
    shown = page.get()
    assert re.search(r"good Python OK [\d.,]+ ms", shown)
    assert re.search(r"bad Python 430 [\d.,]+ ms KeyError: 'week'", shown)
    assert re.search(r"Last failures [\d:]{8} bad 430 KeyError: 'week' All failed", shown)


def test_function_that_caught_a_failure_has_a_mark(functions):
    page = Page(Emulator(), functions)
    page.client.post("/v1/functions/good", json={})
    page.client.post("/v1/functions/bad", json={})
    good, bad = functions.ended
    caught = [good._replace(invocation="outer"), bad._replace(parent="outer")]
    functions.ended.extend(caught)
    shown = page.get()
    assert re.search(r"good Python OK [\d.,]+ ms ! a call inside failed", shown)
    assert shown.count("a call inside failed") == 1


def test_function_that_cannot_run_says_why(functions, tmp_path):
    (tmp_path / "functions" / "good" / "config.json").write_text('{"timeout": "long"}')
    shown = Page(Emulator(), functions).get()
    assert re.search(r"good Python cannot run .*config.json.*timeout", shown)


def test_failure_says_why_and_leads_to_the_request(page):
    page.client.post(f"{DAILY}?access_token=old", json={})
    entry = page.emulator.journal_entry(1)
    assert f"analysis.getDailyRetain 40001 {entry.reason}" in page.get()
    assert 'href="/_console/requests/1"' in page.client.get("/_console/").text


def test_failed_invocation_stands_for_the_call_that_failed_in_it(tmp_path):
    folder = tmp_path / "functions" / "report"
    folder.mkdir(parents=True)
    call = "cloud.openapi.analysis.getDailyRetain({})"
    (folder / "index.py").write_text(
        f"from cloud_openapi import cloud\n\ndef main(event, context):\n    return {call}\n"
    )
    emulator = Emulator()
    functions = Functions(tmp_path / "functions", {})
    page = Page(emulator, functions)
    try:
        page.client.post("/v1/functions/report", json={})
        page.client.post("/v1/functions/nobody", json={})
        page.client.post(f"{DAILY}?access_token=old", json={})
    finally:
        functions.close()
    found = re.findall(r"(\S+) (430|404|-?\d{5,6}) ", page.get().partition("Last failures")[2])
    assert ("report", "430") in found
    assert ("analysis.getDailyRetain", "40001") in found
    assert [name for name, _code in found].count("analysis.getDailyRetain") == 1


def test_newest_failures_are_shown(page):
    for _ in range(12):
        page.client.post(f"{DAILY}?access_token=old", json={})
    text = page.client.get("/_console/").text
    assert re.findall(r"/requests/(\d+)\"", text) == [str(n) for n in range(12, 4, -1)]


def test_hostile_names_are_shown_as_text(page):
    page.client.post("/<script>alert(1)</script>?access_token=x", json={})
    text = page.client.get("/_console/").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_faults_and_pins_in_force_are_named(page):
    page.emulator.faults.add({"kind": "latency", "seconds": 2, "api": "analysis.getDailyRetain"})
    page.emulator.pins.add({"api": "analysis.getDailySummary", "response": {"errcode": 61503}})
    shown = page.get()
    assert "Fault 1 latency seconds 2 · analysis.getDailyRetain" in shown
    assert 'Pin 1 analysis.getDailySummary response {"errcode": 61503}' in shown


def test_only_what_changed_is_sent_again(page):
    first = page.client.get("/_console/overview/live").text
    seen = re.search(r"seen=(\w+)", first)[1]
    assert 'id="left"' in first
    again = page.client.get(f"/_console/overview/live?seen={seen}").text
    assert 'id="left"' not in again
    assert 'id="clock-table"' in again
    page.client.post(f"{DAILY}?access_token=old", json={})
    changed = page.client.get(f"/_console/overview/live?seen={seen}").text
    assert 'id="left"' in changed
    assert 'hx-swap-oob="true"' in changed


# ---- clocks --------------------------------------------------------------------------------


def test_common_clock_is_frozen_at_a_moment(page):
    shown = page.set_clock("freeze_at", moment="2026-03-11 12:00")
    assert page.emulator.clock.frozen_at.isoformat() == "2026-03-11T12:00:00+08:00"
    assert page.emulator.clock_of(OTHER).now() == page.emulator.clock.now()
    assert "The clock stands still at 2026-03-11 12:00:00." in shown
    assert "2026-03-11 12:00:00 frozen" in shown


def test_clock_of_one_mini_program_is_its_own(page):
    shown = page.set_clock("freeze_at", OTHER, moment="2026-03-11T12:00")
    assert page.emulator.clock_of(OTHER).now().isoformat() == "2026-03-11T12:00:00+08:00"
    assert page.emulator.clock.now() == NOW
    assert f"Set the clock of {OTHER}" in shown
    assert re.search(f"{OTHER} .* 2026-03-11 12:00:00 frozen", shown)


@pytest.mark.parametrize(
    ("unit", "seconds"), [("minutes", 90), ("hours", 5400), ("days", 129600)], ids=str
)
def test_clock_moves_by_an_amount(page, unit, seconds):
    page.set_clock("advance", amount="1.5", unit=unit)
    assert (page.emulator.clock.now() - NOW).total_seconds() == seconds


def test_clock_runs_again(page):
    shown = page.set_clock("run")
    assert page.emulator.clock.frozen_at is None
    assert "The clock runs from" in shown
    shown = page.set_clock("run_from", moment="2020-01-01 00:00")
    assert re.search(r"2020-01-01 00:00:\d\d running [\d,]+ days, [\d:]+ behind", shown)
    page.set_clock("freeze")
    assert page.emulator.clock.frozen_at.isoformat().startswith("2020-01-01T00:00")


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"do": "freeze_at", "moment": "noon"}, "The moment is a time such as 2026-03-11T12:00"),
        ({"do": "freeze_at", "moment": "1800-01-01"}, "the year must lie between 1971 and 2105"),
        ({"do": "freeze_at"}, "The moment is a time such as"),
        ({"do": "advance", "amount": "soon"}, "the amount is a number, not 'soon'"),
        ({"do": "advance", "amount": "nan"}, "the amount is a number, not 'nan'"),
        ({"do": "advance", "amount": "1e300", "unit": "days"}, "the amount is too large"),
        ({"do": "advance", "amount": "400000", "unit": "days"}, "the year must lie between"),
        ({"do": "stop"}, "choose what to do with the clock"),
        ({}, "choose what to do with the clock"),
    ],
)
def test_mistake_changes_nothing_and_the_form_comes_back(page, form, message):
    answer = page.post("/", **form)
    assert answer.status_code == 400
    assert message in text_of(answer)
    assert page.emulator.clock.now() == NOW
    for value in (form.get("moment"), form.get("amount")):
        assert value is None or f'value="{value}"' in answer.text


def test_unknown_clock_is_named(page):
    assert page.client.get("/_console/?clock=nobody").status_code == 400
    answer = page.post("/?clock=nobody", do="freeze")
    assert answer.status_code == 400
    assert "nobody" in text_of(answer)


def test_skipped_timers_are_told(functions, tmp_path):
    timer = {"name": "often", "type": "timer", "config": "* * * * * * *"}
    (tmp_path / "functions" / "good" / "config.json").write_text(json.dumps({"triggers": [timer]}))
    page = Page(Emulator(clock=Clock(NOW)), functions)
    shown = page.set_clock("advance", amount="5", unit="minutes")
    assert "Timers between the old and the new time fire." in shown
    assert "Timer good/often fires at most 100 times" in shown


# ---- mini programs -------------------------------------------------------------------------


def test_settings_of_mini_programs_in_brief(page):
    limits = {"analysis.getDailyRetain": 100}
    page.emulator.configure_app(OTHER, ready_hour=9, daily_limits=limits, seed=7)
    shown = page.get()
    ready = "yesterday's data ready at 9:00 · newest day: 2026-03-10"
    assert f"{OTHER} {ready} · seed 7 {DAILY} 100 a day" in shown
    assert (
        f"{DEMO_APPID} data ready at midnight · newest day: 2026-03-10 · seed 0 (common)" in shown
    )


def test_many_mini_programs_can_be_searched():
    appids = [f"wxmany{n:04}" for n in range(45)]
    page = Page(Emulator(apps=dict.fromkeys(appids, "secret")))
    shown = page.get()
    assert "wxmany0019" in shown
    assert "wxmany0020" not in shown
    assert "25 more: search for an appid." in shown
    assert "wxmany0044" in page.get("?program=0044")
    assert "wxmany0019" not in page.get("?program=0044")


def test_reset_of_one_mini_program_asks_first(page):
    page.emulator.configure_app(OTHER, ready_hour=9)
    page.emulator.configure_app(DEMO_APPID, ready_hour=9)
    asked = text_of(page.client.get(f"/_console/reset?appid={OTHER}"))
    assert OTHER in asked
    assert page.emulator.program(OTHER).ready_hour == 9
    assert page.post("/reset", appid=OTHER).status_code == 303
    assert page.emulator.program(OTHER).ready_hour == 0
    assert page.emulator.program(DEMO_APPID).ready_hour == 9


def test_reset_of_all(page):
    page.emulator.faults.add({"kind": "drop"})
    page.set_clock("freeze_at", moment="2026-03-11 12:00")
    assert page.post("/reset", appid="").status_code == 303
    assert (page.emulator.clock.now(), page.emulator.faults.listed()) == (NOW, ())


def test_reset_of_an_unknown_mini_program_changes_nothing(page):
    page.emulator.faults.add({"kind": "drop"})
    assert page.client.get("/_console/reset?appid=nobody").status_code == 400
    assert page.post("/reset", appid="nobody").status_code == 400
    assert len(page.emulator.faults.listed()) == 1


@pytest.mark.parametrize("path", ["/", "/reset"])
def test_change_without_the_token_is_refused(page, path):
    answer = page.client.post(f"/_console{path}", data={"do": "run", "appid": ""})
    assert answer.status_code == 403
    assert page.emulator.clock.now() == NOW
