"""The pages of the functions: run them, check them, fire their timers."""

import json
import re
from datetime import datetime

import pytest

from cloud_openapi.emulator import Clock, Emulator, Timers, create_app
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Functions

HELLO = """
def main(event, context):
    print("seen", event)
    if event.get("fail"):
        raise ValueError("<b>no</b>")
    return {"event": event, "large": "x" * event.get("size", 0)}
"""
CALLER = """
from cloud_openapi import cloud
cloud.init()
def main(event, context):
    return cloud.openapi.analysis.getDailyRetain(event)
"""
TIMER = {"name": "morning", "type": "timer", "config": "0 0 9 * * * *"}


@pytest.fixture
def folder(tmp_path):
    def write(name, source, config):
        place = tmp_path / "functions" / name
        place.mkdir(parents=True)
        (place / "index.py").write_text(source, "utf-8")
        (place / "config.json").write_text(json.dumps(config), "utf-8")

    write("hello", HELLO, {"triggers": [TIMER]})
    write("caller", CALLER, {"permissions": {"openapi": ["analysis.getVisitPage"]}})
    return tmp_path / "functions"


@pytest.fixture
def console(folder):
    emulator = Emulator(clock=Clock(datetime(2026, 3, 11, 8, tzinfo=BEIJING)))
    functions = Functions(folder, {})
    yield Console(create_app(emulator, functions, Timers(emulator, functions)).test_client())
    functions.close()


class Console:
    def __init__(self, client):
        self.client = client

    def page(self, path):
        answer = self.client.get(f"/_console{path}")
        assert answer.status_code == 200
        return answer.text

    def post(self, path, **fields):
        token = re.search(r'name="token" value="([^"]+)"', self.page("/functions"))[1]
        return self.client.post(f"/_console{path}", data={"token": token, **fields})

    def landed(self, path, **fields):
        """Post a form, and return the page that it leads to."""
        answer = self.post(path, **fields)
        assert answer.status_code == 303
        place = answer.headers["Location"].removeprefix("/_console").partition("#")[0]
        return self.page(place)


def test_list_shows_language_limits_and_the_next_time_of_a_timer(console):
    text = console.page("/functions")
    assert "Python" in text
    assert "5 s, 256 MB" in text
    assert "2026-03-11 09:00:00" in text


def test_run_shows_the_result_and_the_log(console):
    text = console.landed("/functions/hello/invoke", event='{"name": "x"}', source="wx_client")
    assert "&#34;name&#34;: &#34;x&#34;" in text
    assert "seen {" in text
    assert "Report RequestId:" in text
    assert '<span class="badge good">200</span>' in text
    assert "200</span>" in console.page("/functions")


def test_failure_shows_its_reason_escaped(console):
    text = console.landed("/functions/hello/invoke", event='{"fail": 1}', source="wx_http")
    assert '<span class="badge bad">430</span>' in text
    assert "&lt;b&gt;no&lt;/b&gt;" in text
    assert "<b>no</b>" not in text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"event": "{'a': 1}", "source": "wx_client"}, "line 1, column 2"),
        ({"event": "[" * 100_000, "source": "wx_client"}, "not JSON"),
        ({"event": "{}", "source": "a b"}, "is not a source"),
    ],
)
def test_mistake_in_the_form_is_named_and_the_form_stays(console, given, message):
    answer = console.post("/functions/hello/invoke", **given)
    assert answer.status_code == 400
    assert message in answer.text
    assert given["event"][:50].replace("'", "&#39;") in answer.text


def test_long_result_is_cut_and_can_be_downloaded_whole(console):
    text = console.landed("/functions/hello/invoke", event='{"size": 300000}', source="wx_http")
    assert len(text) < 200_000
    place = re.search(r'href="([^"]+\.json)"', text)[1]
    whole = console.client.get(place)
    assert len(whole.json["large"]) == 300_000
    assert "attachment" in whole.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("template", "source", "part"),
    [
        ("client", "wx_client", "{}"),
        ("http", "wx_http", "&#34;httpMethod&#34;: &#34;GET&#34;"),
        ("timer", "wx_trigger", "&#34;TriggerName&#34;: &#34;morning&#34;"),
    ],
)
def test_editor_offers_the_events_of_the_platform(console, template, source, part):
    text = console.page(f"/functions/hello?template={template}")
    assert part in text
    assert f"<option selected>{source}</option>" in text


def test_check_says_which_line_is_missing(console):
    assert "analysis.getDailyRetain" not in console.page("/functions/caller")
    text = console.landed("/functions/caller/check")
    wanted = re.search(r'id="wanted"[^>]*>([^<]*)<', text)[1].replace("&#34;", '"')
    assert json.loads(wanted) == {
        "permissions": {"openapi": ["analysis.getVisitPage", "analysis.getDailyRetain"]}
    }
    assert "missing-permission" in text
    assert "not called by the sources" in text


def test_timer_is_fired_now(console):
    text = console.landed("/functions/hello/timers/morning")
    assert "&#34;TriggerName&#34;: &#34;morning&#34;" in text
    assert "2026-03-11T00:00:00Z" in text


@pytest.mark.parametrize("path", ["/functions/nosuch", "/functions/hello/runs/none.json"])
def test_unknown_function_or_run_is_a_page_of_its_own(console, path):
    assert console.client.get(f"/_console{path}").status_code == 404


@pytest.mark.parametrize("path", ["/functions/nosuch/invoke", "/functions/hello/timers/nosuch"])
def test_unknown_function_or_timer_runs_nothing(console, path):
    assert console.post(path, event="{}", source="wx_http").status_code == 404


def test_without_functions_the_page_says_what_to_do(tmp_path):
    emulator = Emulator()
    for functions in (None, Functions(tmp_path / "none", {})):
        page = create_app(emulator, functions).test_client().get("/_console/functions")
        assert "cloud-openapi init" in page.text
