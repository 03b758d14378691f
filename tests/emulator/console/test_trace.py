"""The trace of an invocation: its parts in time, what is missing, its log."""

import json
import re
import threading
from html import unescape

import pytest

from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.console.trace import trace_of
from cloud_openapi.runtime import Ended
from scripts.filled import served

RETAIN, WEEKLY = "analysis.getDailyRetain", "analysis.getWeeklyRetain"
OUTER = """
import json
from cloud_openapi import cloud

cloud.init()
DAY = {"beginDate": "20170313", "endDate": "20170313"}


def main(event, context):
    print("outer <b>prints</b>")
    cloud.openapi.analysis.getDailyRetain(DAY)
    cloud.callFunction({"name": "inner"})
    try:
        cloud.openapi.analysis.getMonthlyRetain(DAY)
    except Exception:
        pass
    return {}
"""
INNER = """
from cloud_openapi import cloud

cloud.init()


def main(event, context):
    print("inner prints")
    cloud.openapi.analysis.getWeeklyRetain({"beginDate": "20170306", "endDate": "20170312"})
    return {}
"""
FAILING = "def main(event, context):\n    raise ValueError('<script>broken')\n"
WAITING = """
import os, time


def main(event, context):
    while not os.path.exists(event["until"]):
        time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    project = tmp_path_factory.mktemp("project")
    for name, (source, apis) in {
        "outer": (OUTER, [RETAIN]),
        "inner": (INNER, [WEEKLY]),
        "failing": (FAILING, []),
        "waiting": (WAITING, []),
    }.items():
        folder = project / "cloudfunctions" / name
        folder.mkdir(parents=True)
        (folder / "index.py").write_text(source)
        (folder / "config.json").write_text(json.dumps({"permissions": {"openapi": apis}}))
    with served(project) as emulated:
        yield emulated


@pytest.fixture
def outer(emulated):
    """Return the request id of an invocation with parts."""
    emulated.invoke("outer", {})
    return newest(emulated, "outer")


def newest(emulated, function):
    return next(e for e in reversed(emulated.functions.ended) if e.function == function).invocation


def tools_of(emulated):
    return Tools(emulated.emulator, emulated.functions, None, None)


def page_of(emulated, invocation):
    return emulated.send("GET", f"/_console/traces/{invocation}").decode()


def test_trace_has_all_parts_in_the_order_of_time(emulated, outer):
    trace = trace_of(tools_of(emulated), outer)
    shown = [(part.depth, part.name, part.code) for part in trace.parts]
    assert shown == [
        (0, "outer", 0),
        (1, RETAIN, 0),
        (1, "inner", 0),
        (2, WEEKLY, 0),
        (1, "analysis.getMonthlyRetain", -604101),
    ]
    assert trace.incomplete == []
    assert trace.parent == ""


CAUGHT = "succeeded, but a call inside failed"


def test_invocation_that_caught_a_failure_has_a_mark(emulated, outer):
    trace = trace_of(tools_of(emulated), outer)
    assert [part.failed_inside for part in trace.parts] == [True, False, False, False, False]
    assert trace.parts[0].code == 0
    assert page_of(emulated, outer).count(CAUGHT) == 1
    for path in ("functions", "functions/outer"):
        assert CAUGHT in emulated.send("GET", f"/_console/{path}").decode()
    assert CAUGHT not in emulated.send("GET", "/_console/functions/inner").decode()


def test_parts_lie_within_the_part_that_made_them(emulated, outer):
    trace = trace_of(tools_of(emulated), outer)
    above = []
    for part in trace.parts:
        del above[part.depth :]
        above.append(part)
        begin, end = part.begun, part.begun + part.milliseconds / 1000
        for each in above:
            assert each.begun <= begin
            assert end <= each.begun + each.milliseconds / 1000
        left, width = (float(text.removesuffix("%")) for text in trace.place(part))
        assert 0 <= left <= 100
        assert left + width <= 100.01
    assert trace.place(trace.parts[0]) == ("0.000%", "100.000%")


def test_page_shows_bars_numbers_links_and_the_log(emulated, outer):
    page = page_of(emulated, outer)
    trace = trace_of(tools_of(emulated), outer)
    assert page.count("<rect") == len(trace.parts) == page.count('<th scope="row"')
    for part in trace.parts:
        path = f"requests/{part.number}" if part.number else f"traces/{part.invocation}"
        assert page.count(f'href="/_console/{path}"') == 2
        assert f"{part.name}</a>" in page
    assert 'class="failed"' in page
    assert 'add "analysis.getMonthlyRetain" to permissions.openapi' in unescape(page)
    assert "inner prints" in page
    assert "outer &lt;b&gt;prints" in page
    assert "Incomplete" not in page
    inner = next(part for part in trace.parts if part.name == "inner")
    page = page_of(emulated, inner.invocation)
    assert f'href="/_console/traces/{outer}"' in page
    assert "outer &lt;b&gt;prints" not in page


def test_request_leads_to_the_trace(emulated, outer):
    part = trace_of(tools_of(emulated), outer).parts[1]
    page = emulated.send("GET", f"/_console/requests/{part.number}").decode()
    assert f'href="/_console/traces/{outer}"' in page


def test_failed_invocation_has_its_error(emulated):
    emulated.invoke("failing", {})
    page = page_of(emulated, newest(emulated, "failing"))
    assert "ValueError: &lt;script&gt;broken" in page
    assert '<span class="badge bad">430</span>' in page


def test_running_invocation_is_incomplete(emulated, tmp_path):
    until = tmp_path / "until"
    thread = threading.Thread(target=emulated.invoke, args=("waiting", {"until": str(until)}))
    thread.start()
    try:
        while not (running := emulated.functions.running_of("waiting")):
            pass
        page = page_of(emulated, running.request_id)
        assert "It still runs." in page
        assert 'class="running"' in page
    finally:
        until.touch()
        thread.join()
    assert "It still runs." not in page_of(emulated, running.request_id)


@pytest.mark.slow
def test_trace_without_the_requests_of_its_time_is_incomplete(tmp_path_factory, emulated, outer):
    project = emulated.functions.folder.parent
    with served(project, journal_size=2) as small:
        small.invoke("outer", {})
        page = page_of(small, newest(small, "outer"))
        assert "The journal lacks requests of that time" in page
        assert "outer</a>" in page


def test_trace_whose_invocations_may_be_evicted_is_incomplete(emulated, outer):
    ended, kept = emulated.functions.ended, list(emulated.functions.ended)
    own = next(each for each in kept if each.invocation == outer)
    others = [
        Ended("x", 200, own.milliseconds, "", "", 0, "wx_client", f"{n}", "", own.begun)
        for n in range(ended.maxlen - 1)
    ]
    try:
        ended.clear()
        ended.extend([*others, own])
        assert "Older invocations are no longer kept" in page_of(emulated, outer)
        # Its own end is not kept, but calls that it made are.
        ended.clear()
        page = page_of(emulated, outer)
        assert "The invocation itself is not kept" in page
        assert RETAIN in page
    finally:
        ended.clear()
        ended.extend(kept)


@pytest.mark.parametrize("invocation", ["nothing", "<script>", "x" * 5000, "%00"])
def test_unknown_invocation_is_not_found(emulated, invocation):
    page = page_of(emulated, invocation.replace("<", "%3C").replace(">", "%3E"))
    assert "There is no trace of an invocation" in page
    assert "<script>" not in re.sub(r"<script src[^>]*>", "", page)


def test_emulator_without_functions_has_no_trace():
    assert create_app(Emulator()).test_client().get("/_console/traces/x").status_code == 404


@pytest.mark.parametrize("milliseconds", [0, 0.01, 0.9, 1, 2.5, 7, 10, 99, 1234, 10**6])
def test_scale_has_few_round_numbers(emulated, outer, milliseconds):
    part = trace_of(tools_of(emulated), outer).parts[0]
    made = trace_of(tools_of(emulated), outer)._replace(
        parts=[part._replace(milliseconds=milliseconds)]
    )
    places = [float(place.removesuffix("%")) for place, _ in made.ticks]
    steps = [value for _, value in made.ticks]
    assert places[0] == steps[0] == 0
    assert 1 <= len(places) <= 6
    assert all(0 <= place < 100 for place in places)
    assert f"{steps[-1] / max(len(steps) - 1, 1):.0e}"[0] in "0125"
