"""The pages of the functions: run them, check them, fire their timers."""

import html
import json
import re
import shlex
import shutil
import threading
from datetime import datetime

import pytest
from support.processes import WAIT

from cloud_openapi.emulator import Clock, Emulator, Timers, create_app
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Debug, Functions

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
RUNNING = '<span class="badge warn">running</span>'
TIMER = {"name": "morning", "type": "timer", "config": "0 0 9 * * * *"}


@pytest.fixture
def folder(tmp_path):
    def write(name, source, config):
        place = tmp_path / "functions" / name
        place.mkdir(parents=True)
        (place / "index.py").write_text(source, "utf-8")
        (place / "config.json").write_text(json.dumps(config, indent=2), "utf-8")

    write("hello", HELLO, {"timeout": 7, "triggers": [TIMER]})
    write("caller", CALLER, {"permissions": {"openapi": ["analysis.getVisitPage"]}})
    return tmp_path / "functions"


@pytest.fixture
def functions(folder):
    functions = Functions(folder, {})
    yield functions
    functions.close()


@pytest.fixture
def console(functions):
    emulator = Emulator(clock=Clock(datetime(2026, 3, 11, 8, tzinfo=BEIJING)))
    return Console(create_app(emulator, functions, Timers(emulator, functions)).test_client())


class Console:
    def __init__(self, client):
        self.client = client

    def page(self, path):
        answer = self.client.get(f"/_console{path}")
        assert answer.status_code == 200
        return answer.text

    def post(self, path, **fields):
        token = re.search(r'name="token" value="([^"]+)"', self.page("/"))[1]
        return self.client.post(f"/_console{path}", data={"token": token, **fields})

    def landed(self, path, **fields):
        """Post a form, and return the page that it leads to."""
        answer = self.post(path, **fields)
        assert answer.status_code == 303
        place = answer.headers["Location"].removeprefix("/_console").partition("#")[0]
        return self.page(place)

    def run(self, event, source="wx_client", name="hello"):
        return self.landed(f"/functions/{name}", event=json.dumps(event), source=source)


def element(text, id_):
    """Return the text of an element that holds nothing but text and marks."""
    found = re.search(rf'id="{id_}"[^>]*>\n?(.*?)</(?:pre|code|p|textarea)>', text, re.DOTALL)
    assert found, id_
    return html.unescape(re.sub(r"</?(?:span|ins)[^>]*>", "", found[1]))


def words(text):
    """Return what is read on a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_list_shows_language_handler_limits_and_the_next_time_of_a_timer(console):
    row = "hello Python index.main 7 s 256 MB morning 2026-03-11 09:00:00 not yet not checked"
    assert row in words(console.page("/functions"))


def test_list_shows_the_last_invocation_and_why_it_failed(console):
    console.run({})
    assert re.search(r"09:00:00 200 [\d.,]+ ms", words(console.page("/functions")))
    console.run({"fail": 1})
    assert "ValueError: <b>no</b>" in words(console.page("/functions"))


@pytest.mark.parametrize("path", ["/", "/functions", "/functions/hello"])
def test_a_request_that_begins_no_invocation_is_shown_without_a_trace(console, path):
    assert console.client.post("/v1/functions/hello", data="{bad").status_code == 400
    text = console.page(path)
    assert "The body is not JSON" in html.unescape(text)
    assert 'href="/_console/traces/"' not in text


def test_run_shows_result_status_duration_memory_log_and_trace(console):
    text = console.run({"name": "x"})
    result = json.loads(element(text, "output"))
    assert result["event"]["name"] == "x"
    assert "openId" in result["event"]["userInfo"]
    log = element(text, "log")
    assert "seen {'name': 'x'" in log
    invocation = re.search(r"Report RequestId:(\S+) ", log)[1]
    assert re.search(r"200 \d+ ms \d+\.\d / 256 MB wx_client Trace", words(text))
    assert f'href="/_console/traces/{invocation}"' in text
    assert json.loads(element(text, "event")) == {"name": "x"}


def test_trace_of_a_run_opens(console):
    trace = re.search(r'href="/_console(/traces/[^"]+)"', console.run({}))[1]
    assert "hello" in console.page(trace)


def test_failure_shows_its_stack_escaped(console):
    text = console.run({"fail": 1}, source="wx_http")
    assert '<span class="badge bad">430</span>' in text
    assert re.search(r"<pre[^>]*>Traceback .*ValueError: &lt;b&gt;no&lt;/b&gt;", text, re.DOTALL)
    assert "<b>no</b>" not in text


def test_reason_of_a_failure_stands_above_the_result(console, folder):
    shutil.rmtree(folder / "hello" / "index.py", ignore_errors=True)
    (folder / "hello" / "index.py").write_text("import time\ntime.sleep(9)\n", "utf-8")
    (folder / "hello" / "config.json").write_text('{"timeout": 1}', "utf-8")
    text = console.run({})
    assert "did not answer in 1 seconds" in element(text, "reason")
    assert "Reason: it did not answer" in element(text, "log")


@pytest.mark.parametrize(
    ("event", "source", "message"),
    [
        ('{\n  "a": 1,\n}', "wx_client", "line 3, column 1: remove the comma"),
        ("[" * 100_000, "wx_client", "nested too deeply"),
        ("1" * 5000, "wx_client", "more digits than can be read"),
        ("{}", "a b", "'a b' is not a source"),
    ],
)
def test_mistake_in_the_form_is_named_and_the_form_stays(console, event, source, message):
    answer = console.post("/functions/hello", event=event, source=source)
    assert answer.status_code == 400
    assert message in words(answer.text)
    assert element(answer.text, "event") == event
    assert f"<option selected>{source}</option>" in answer.text
    assert "It has not run yet" in answer.text


def test_mistake_is_named_in_chinese(console):
    console.client.set_cookie("console_language", "zh", path="/_console")
    answer = console.post("/functions/hello", event="{", source="wx_client")
    assert "事件不是有效的 JSON：line 1, column 2" in words(answer.text)


def test_empty_event_is_an_empty_object(console):
    text = console.landed("/functions/hello", event=" ", source="wx_http")
    assert json.loads(element(text, "output"))["event"] == {}


def test_long_result_is_cut_and_can_be_downloaded_whole(console):
    text = console.run({"size": 300_000}, source="wx_http")
    assert len(text) < 200_000
    place = re.search(r'href="([^"]+\.json)"', text)[1]
    whole = console.client.get(place)
    assert len(whole.json["large"]) == 300_000
    assert "attachment" in whole.headers["Content-Disposition"]
    other = place.replace("/hello/", "/caller/")
    assert console.client.get(other).status_code == 404


def test_evicted_run_is_said_to_be(console):
    first = console.post("/functions/hello", event="{}", source="wx_http").headers["Location"]
    place = first.removeprefix("/_console").partition("#")[0]
    assert "no longer kept" not in console.page(place)
    for _ in range(20):
        console.run({})
    assert "no longer kept" in console.page(place)


@pytest.mark.parametrize(
    ("template", "source", "part"),
    [
        ("client", "wx_client", {}),
        ("http", "wx_http", {"httpMethod": "GET", "queryStringParameters": {"name": "value"}}),
        ("timer", "wx_trigger", {"TriggerName": "morning", "Time": "2026-03-11T00:00:00Z"}),
    ],
)
def test_editor_offers_the_events_of_the_platform(console, template, source, part):
    text = console.page(f"/functions/hello?template={template}")
    assert json.loads(element(text, "event")).items() >= part.items()
    assert f"<option selected>{source}</option>" in text


def test_event_of_http_access_is_the_one_that_it_sends(console):
    offered = json.loads(element(console.page("/functions/hello?template=http"), "event"))
    sent = console.client.get("/http/hello/?name=value").json["event"]
    assert offered.keys() == sent.keys()
    assert offered["requestContext"].keys() == sent["requestContext"].keys()


def test_check_says_which_line_is_missing(console, folder):
    before = console.page("/functions/caller")
    assert "analysis.getVisitPage permitted not checked yet" in words(before)
    text = console.landed("/functions/caller/check")
    config = folder / "caller" / "config.json"
    assert re.findall("<ins>(.*?)</ins>", html.unescape(text)) == [
        '      "analysis.getVisitPage",',
        '      "analysis.getDailyRetain"',
    ]
    assert json.loads(element(text, "wanted")) == {
        "permissions": {"openapi": ["analysis.getVisitPage", "analysis.getDailyRetain"]}
    }
    assert "analysis.getDailyRetain missing index.py:5:12" in words(text)
    assert "analysis.getVisitPage permitted not called" in words(text)
    assert "missing-permission index.py:5" in words(text)
    config.write_text(element(text, "wanted"), "utf-8")
    assert "Files have changed since the check" in console.page("/functions/caller")
    again = console.landed("/functions/caller/check")
    assert "missing-permission" not in again
    assert "Files have changed" not in again


def test_check_of_all_counts_and_names_the_findings(console):
    text = words(console.landed("/functions"))
    problem = r'add "analysis\.getDailyRetain" to permissions\.openapi in .+caller/config\.json'
    assert re.search(rf"caller .* not yet 1 problem .*{problem} hello .* no problem", text)


def test_check_has_no_line_for_an_invalid_config(console, folder):
    (folder / "caller" / "config.json").write_text('{"permissions": []}', "utf-8")
    text = console.landed("/functions/caller/check")
    assert "permissions must be an object" in words(text)
    assert 'id="wanted"' not in text


def test_timer_is_fired_now(console):
    text = console.landed("/functions/hello/timers/morning")
    assert json.loads(element(text, "output"))["event"] == json.loads(element(text, "event"))
    assert json.loads(element(text, "event"))["Time"] == "2026-03-11T00:00:00Z"
    assert "morning 0 0 9 * * * * Fires next 2026-03-11 09:00:00" in words(text)
    assert "Last 200 2026-03-11 08:00:00" in words(text)


def test_settings_say_where_they_come_from(console, folder):
    entry = {"name": "hello", "memorySize": 512, "envVariables": {"KEY": "secret value"}}
    rc = folder.parent / "cloudbaserc.json"
    rc.write_text(json.dumps({"functions": [entry]}), "utf-8")
    text = words(console.page("/functions/hello"))
    assert f"Time limit 7 s {folder / 'hello' / 'config.json'}" in text
    assert f"Memory 512 MB {rc}" in text
    assert f"Variables KEY {rc}" in text
    assert "Handler index.main default" in text
    assert "secret value" not in text


def test_invalid_settings_are_named(console, folder):
    config = folder / "hello" / "config.json"
    config.write_text(json.dumps({"triggers": [{**TIMER, "config": "soon"}]}), "utf-8")
    assert "triggers[0]: config is seven fields" in words(console.page("/functions/hello"))
    assert "invalid settings" in console.page("/functions")


def test_commands_have_the_event_and_the_source(console, folder):
    text = console.run({"it's": "a  b"}, source="wx_http")
    option = f" --functions {shlex.quote(str(folder))}"
    given = """'{"it'"'"'s": "a  b"}'"""
    assert element(text, "invoke-command") == (
        f"cloud-openapi invoke hello --data {given} --source wx_http{option}"
    )
    assert element(text, "curl-command") == (
        f"curl 'http://localhost/v1/functions/hello?source=wx_http' -d {given}"
    )
    assert element(text, "logs-command") == "cloud-openapi logs hello --follow"


def test_debugger_s_address_is_shown(console, functions):
    assert "serve --debug hello" in element(console.page("/functions/hello"), "debug-command")
    functions.debug = Debug("hello", 4711, wait=True)
    text = console.page("/functions/hello")
    assert element(text, "debugger") == "127.0.0.1:4711"
    assert json.loads(element(text, "launch"))["connect"]["port"] == 4711
    assert "127.0.0.1:4711" not in console.page("/functions/caller")


def test_running_invocation_is_shown(console, folder):
    stop = folder / "stop"
    source = f"import os, time\ndef main(e, c):\n    while not os.path.exists({str(stop)!r}):\n"
    (folder / "hello" / "index.py").write_text(source + "        time.sleep(0.01)\n", "utf-8")
    (folder / "hello" / "config.json").write_text(f'{{"timeout": {WAIT}}}', "utf-8")
    other = Console(console.client.application.test_client())
    thread = threading.Thread(target=other.run, args=({},))
    thread.start()
    try:
        while RUNNING not in console.page("/functions"):
            assert thread.is_alive()
        assert RUNNING in console.page("/functions/hello")
    finally:
        stop.touch()
        thread.join()
    assert RUNNING not in console.page("/functions")


@pytest.mark.parametrize("path", ["/functions/nosuch", "/functions/hello/runs/none.json"])
def test_unknown_function_or_run_is_a_page_of_its_own(console, path):
    assert console.client.get(f"/_console{path}").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/functions/nosuch", "/functions/nosuch/check", "/functions/hello/timers/nosuch"],
)
def test_unknown_function_or_timer_runs_nothing(console, path):
    assert console.post(path, event="{}", source="wx_http").status_code == 404
    assert "It has not run yet" in console.page("/functions/hello")


def test_form_without_a_token_runs_nothing(console):
    fields = {"event": "{}", "source": "wx_http"}
    assert console.client.post("/_console/functions/hello", data=fields).status_code == 403
    assert "It has not run yet" in console.page("/functions/hello")


def test_without_functions_the_page_says_what_was_looked_for(tmp_path):
    emulator = Emulator()
    folder = tmp_path / "none"
    for functions, seen in (
        (None, "started without functions"),
        (Functions(folder, {}), f"the folder {folder} is missing"),
    ):
        text = words(create_app(emulator, functions).test_client().get("/_console/functions").text)
        assert seen in text
        assert "cloud-openapi init" in text
