"""The unmodified wx-server-sdk for Node.js against the emulator's gateway, over a socket."""

import base64
import json
import os
import shutil
import subprocess

import pytest
from support.gateway import API, OTHER, Gateway
from support.paths import ROOT, sample
from support.values import CLOUD_DAY as DAY

from cloud_openapi.emulator import Server, create_app, gateway_variables, listen

NODE = ROOT / "tests" / "node"
A = f"openapi.{API}"


@pytest.fixture
def served():
    gateway = Gateway(gateway_secret="emulator")
    with Server(create_app(gateway.emulator, gateway.functions), listen("127.0.0.1", 0)) as server:
        gateway.url = server.url
        yield gateway


def run(served, *calls, **variables):
    """Make calls in one process of Node.js and return each result or error."""
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules" / "wx-server-sdk").is_dir():
        pytest.skip("Node.js or tests/node/node_modules is missing: npm ci --prefix tests/node")
    result = subprocess.run(
        [node, "cloud.js"],
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=NODE,
        input=json.dumps(calls),
        env={
            "PATH": os.environ["PATH"],
            **gateway_variables(served.url),
            **served.functions.credentials.variables_for("reader"),
            "WX_API_TOKEN": "token-a",
            "WX_CONTEXT_KEYS": "WX_API_TOKEN",
            **variables,
        },
        timeout=30,
    )
    # Skip the advice that the SDK prints.
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_sdk_gets_documented_responses_and_errors(served):
    documented = sample("getDailyRetain.response.official-cloud.json")
    answers = run(
        served,
        {"api": API, "params": DAY},
        {"api": API, "params": sample("getDailyRetain.request.official-https.json"),
         "options": {"convertCase": False}},
        {"api": API, "params": {**DAY, "endDate": "20170314"}},
        {"api": "analysis.getWeeklyRetain", "params": DAY},
        {"api": "made.up", "params": {}},
        {"api": API, "params": DAY, "options": {"version": "v2"}},
    )  # fmt: skip
    assert answers[0] == {**documented, "errCode": 0}
    raw = sample("getDailyRetain.response.official-https.json")
    assert answers[1] == {**raw, "errMsg": f"{A}:ok", "errCode": 0}
    assert answers[2]["errCode"] == 61501
    assert answers[2]["errMsg"].startswith(f"{A}:fail date range error rid: ")
    denied, unknown = (
        {
            "errCode": code,
            "errMsg": f"system error: error code: {code}",
            "message": f"errCode: {code} {text} | errMsg: system error: error code: {code}",
        }
        for code, text in (
            (-604101, "function has no permission to call this API"),
            (-604100, "API not found"),
        )
    )
    assert answers[3:5] == [denied, unknown]
    assert answers[5] == answers[0]


def test_parameters_of_the_sdk_arrive_byte_for_byte(served):
    media = bytes(range(256))
    params = {
        **DAY,
        "note": "零零零 ñ " + "长" * 3500,
        "deep": {"aB": [{"cD": 1.5}, None, True, "é"]},
        "img": {
            "contentType": "image/jpeg",
            "value": {"base64": base64.b64encode(media).decode()},
        },
    }
    (answer,) = run(served, {"api": API, "params": params, "options": {"appid": OTHER}})
    assert answer["errMsg"] == f"{A}:ok"
    entry = served.last
    assert (entry.appid, entry.function, entry.via) == (OTHER, "reader", "gateway")
    note = ('"note":"零零零 ñ ' + "长" * 3500 + '"').encode()
    deep = '"deep":{"a_b":[{"c_d":1.5},null,true,"é"]}'.encode()
    assert note in entry.body
    assert deep in entry.body
    kept = json.loads(entry.body)["img"]
    assert kept["filename"] == "img.jpeg"
    assert base64.b64decode(kept["base64"]) == media


@pytest.mark.slow
def test_sdk_reports_invalid_token_and_wrong_secret(served):
    (illegal,) = run(served, {"api": API, "params": DAY}, WX_API_TOKEN="invalid")
    assert illegal["message"] == (
        "errCode: -604104 illegal source of invocation | errMsg: system error: error code: -604104"
    )
    (unsigned,) = run(served, {"api": API, "params": DAY}, TENCENTCLOUD_SECRETKEY="wrong")
    assert unsigned["errCode"] == -501001
    assert unsigned["errMsg"].endswith("the signature does not belong to this request and secret")


def test_sdk_reports_token_signed_by_another_program(served):
    public = dict.fromkeys(("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY"), "emulator")
    (illegal,) = run(served, {"api": API, "params": DAY}, **public)
    assert illegal["errCode"] == -604104


def test_sdk_uses_the_trigger_token_in_a_timer_invocation(served):
    timer = {"TRIGGER_SRC": "timer", "WX_TRIGGER_API_TOKEN_V0": "token-a", "WX_API_TOKEN": ""}
    (answer,) = run(served, {"api": API, "params": DAY}, **timer)
    assert answer["errMsg"] == f"{A}:ok"


def test_sdk_calls_functions_and_wx_api(served):
    data = sample("getDailyRetain.request.official-https.json")
    called, answered = run(
        served,
        {"callFunction": {"name": "denied", "data": {"a": "é"}}},
        {"callOpenAPI": {"api": API, "data": data}},
    )
    assert called["result"] == {"a": "é"}
    assert called["errMsg"] == "callFunction:ok"
    assert called["requestID"]
    assert answered == {
        "result": sample("getDailyRetain.response.official-https.json"),
        "errMsg": "callOpenAPI:ok",
    }
