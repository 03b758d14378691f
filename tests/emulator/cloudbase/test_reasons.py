"""Why calls and invocations failed: journal, logs, outcomes, and the reports of their ends."""

import pytest
from support.serving import Served
from support.values import API, CLOUD_DAY, NOW

CALLS = """
const cloud = require('wx-server-sdk');
cloud.init();
const call = (api, params) =>
  api.split('.').reduce((found, name) => found[name], cloud.openapi)(params);
"""
CALLER = CALLS + "exports.main = async ({ api, params }) => call(api, params);\n"
OUTER = CALLS + "exports.main = async ({ name, data }) => cloud.callFunction({ name, data });\n"


@pytest.fixture
def served(tmp_path, monkeypatch):
    with Served(tmp_path / "functions", monkeypatch) as served:
        served.ended = []
        served.functions._on_end = served.ended.append
        yield served


def test_entry_names_its_invocation_and_the_time_it_took(served):
    served.write("caller", CALLER, [API])
    seen = []
    served.emulator.on_entry = seen.append
    outcome = served.functions.invoke("caller", {"api": API, "params": CLOUD_DAY}, NOW)
    (entry,) = served.entries
    assert outcome.status == 200
    assert seen == [entry]
    assert f"RequestId:{entry.invocation}\n" in outcome.log
    assert entry.milliseconds > 0
    assert entry.reason == ""


def test_end_of_each_invocation_is_reported(served):
    served.write("outer", OUTER)
    served.write("inner", "exports.main = async () => 1;\n")
    served.write(
        "fails", "def main(event, context):\n    raise ValueError('no')\n", file="index.py"
    )
    served.functions.invoke("outer", {"name": "inner", "data": {}}, NOW)
    served.functions.invoke("fails", {}, NOW, "wx_trigger")
    inner, outer, fails = served.ended
    assert (inner.function, inner.depth, inner.source) == ("inner", 1, "wx_client,scf")
    assert (outer.function, outer.depth, outer.source) == ("outer", 0, "wx_client")
    assert inner.parent == outer.invocation
    assert outer.parent == ""
    assert outer.milliseconds > inner.milliseconds > 0
    assert (inner.status, inner.message, inner.reason) == (200, "", "")
    assert (fails.status, fails.message) == (430, "ValueError: no")
