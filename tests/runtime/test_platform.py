"""Python and Node.js functions in real workers: permissions, tokens, timers and HTTP access."""

import base64
import json
import secrets
from datetime import datetime
from urllib.parse import quote

import pytest
from support.serving import Served
from support.values import API
from support.values import CLOUD_DAY as DAY

from cloud_openapi import Cloud, CloudSDKError
from cloud_openapi.emulator import gateway_variables
from cloud_openapi.periods import BEIJING

ILLEGAL, DENIED = -604104, -604101

# Calls the API and leaks its token and credentials to a file.
NODE_LEAKS = """
const cloud = require('wx-server-sdk')
const fs = require('fs')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
exports.main = async (event) => {
  if (event.leak) {
    const names = ['WX_API_TOKEN', 'TENCENTCLOUD_SECRETID', 'TENCENTCLOUD_SECRETKEY']
    const found = Object.fromEntries(names.map((name) => [name, process.env[name]]))
    fs.writeFileSync(event.leak, JSON.stringify(found))
  }
  if (event.steal) Object.assign(process.env, event.steal)
  if (event.callFunction) return cloud.callFunction(event.callFunction)
  if (event.context) return cloud.getWXContext()
  try { return await cloud.openapi[event.api || 'analysis.getDailyRetain'](event.params) }
  catch ({ errCode, errMsg }) { return { errCode, errMsg } }
}
"""
PYTHON_LEAKS = """
import json, os
from cloud_openapi import CloudSDKError, cloud
cloud.init()
def main(event, context):
    if event.get("leak"):
        names = ["WX_API_TOKEN", "TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY"]
        with open(event["leak"], "w") as file:
            json.dump({name: os.environ[name] for name in names}, file)
    os.environ.update(event.get("steal", {}))
    if "callFunction" in event:
        return cloud.callFunction(event["callFunction"])
    if "context" in event:
        return cloud.getWXContext()
    try:
        return cloud.openapi.analysis.getDailyRetain(event["params"])
    except CloudSDKError as error:
        return error.to_dict()
"""
SOURCES = {"node": (NODE_LEAKS, "index.js"), "python": (PYTHON_LEAKS, "index.py")}
LANGUAGES = list(SOURCES)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("functions")
    with pytest.MonkeyPatch.context() as monkeypatch, Served(folder, monkeypatch) as served:
        for language, (source, file) in SOURCES.items():
            served.write(f"{language}May", source, [API], file)
            served.write(f"{language}Not", source, [], file)
        yield served


def leaked(served, name, tmp_path):
    file = tmp_path / "leak.json"
    answer = served.call(name, {"leak": str(file), "params": DAY})
    assert answer["errMsg"] == f"openapi.{API}:ok"
    return json.loads(file.read_text())


# ---- permissions and tokens ----------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_function_calls_only_apis_that_its_config_json_permits(served, language):
    assert served.call(f"{language}May", {"params": DAY})["refDate"] == "20170313"
    assert served.call(f"{language}Not", {"params": DAY})["errCode"] == DENIED


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_token_is_invalid_after_its_invocation(served, language, tmp_path, monkeypatch):
    stolen = leaked(served, f"{language}May", tmp_path)
    for name, value in {**gateway_variables(served.url), **stolen}.items():
        monkeypatch.setenv(name, value)
    outside = Cloud()
    outside.init()
    with pytest.raises(CloudSDKError) as refused:
        outside.openapi.analysis.getDailyRetain(DAY)
    assert refused.value.errCode == ILLEGAL
    for thief, (source, file) in SOURCES.items():
        # Own functions: stolen credentials spoil a worker.
        served.write(f"{language}{thief}Thief", source, [API], file)
        for steal in ({"WX_API_TOKEN": stolen["WX_API_TOKEN"]}, stolen):
            event = {"steal": steal, "params": DAY}
            assert served.call(f"{language}{thief}Thief", event)["errCode"] == ILLEGAL, thief


@pytest.mark.parametrize("token", ["invalid", "", " ", "null", "undefined", "__proto__"])
def test_an_unknown_token_is_invalid(served, token):
    for language in LANGUAGES:
        answer = served.call(f"{language}May", {"steal": {"WX_API_TOKEN": token}, "params": DAY})
        assert answer["errCode"] == ILLEGAL, language


def test_a_token_is_invalid_for_another_function(served, tmp_path):
    served.write("waits", WAITS, [API])
    served.write("thief", STEALS, [])
    answer = served.call("waits", {"name": "thief", "params": DAY})
    # With its own credentials, public ones, and the other's secret id with its own key.
    assert answer == {"stolen": [ILLEGAL, ILLEGAL, -501001], "own": "20170313"}


def test_a_token_is_invalid_without_a_signature(served):
    served.write("waits", WAITS, [API])
    served.write("unsigned", UNSIGNED, [], "index.py")
    answer = served.call("waits", {"name": "unsigned", "params": DAY})
    texts = ["illegal source of invocation", "INVALID_REQUEST_SOURCE"]
    assert answer == {"stolen": texts, "own": "20170313"}


WAITS = """
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
exports.main = async (event) => {
  const { WX_API_TOKEN: token, TENCENTCLOUD_SECRETID: id } = process.env
  const data = { token, id, params: event.params }
  const { result } = await cloud.callFunction({ name: event.name, data })
  const own = await cloud.openapi.analysis.getDailyRetain(event.params)
  return { stolen: result, own: own.refDate }
}
"""
STEALS = """
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
exports.main = async (event) => {
  const attempt = async (variables) => {
    Object.assign(process.env, variables)
    try { return (await cloud.openapi.analysis.getDailyRetain(event.params)).errCode }
    catch (error) { return error.errCode }
  }
  const key = process.env.TENCENTCLOUD_SECRETKEY
  return [
    await attempt({ WX_API_TOKEN: event.token }),
    await attempt({ TENCENTCLOUD_SECRETID: 'emulator', TENCENTCLOUD_SECRETKEY: 'emulator' }),
    await attempt({ TENCENTCLOUD_SECRETID: event.id, TENCENTCLOUD_SECRETKEY: key }),
  ]
}
"""
UNSIGNED = """
import json, os, urllib.request
def main(event, context):
    url = json.loads(os.environ["TCB_CONTEXT_CNFG"])["URL"]
    def ask(**fields):
        data = json.dumps({"wxCloudApiToken": event["token"], **fields}).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))
    called = ask(action="wx.api", apiName="analysis.getDailyRetain", requestData="{}")
    invoked = ask(action="functions.invokeFunction", function_name="unsigned")
    return [json.loads(called["data"]["responseData"])["errmsg"], invoked["code"]]
"""
NAMES = [
    "analysis.getdailyretain", "Analysis.getDailyRetain", "analysis.getDailyRetain ",
    "analysis..getDailyRetain", "analysis/getDailyRetain", ".analysis.getDailyRetain",
    "analysis.getDailyRetain.", "../analysis.getDailyRetain", "*", "analysis.*", "__proto__",
    "аnalysis.getDailyRetain", "analysis.getDailyRetaın", "ａnalysis.getDailyRetain",
    "analysis.__proto__", "constructor.constructor", "analysis.getDailyRetain\u0000",
]  # fmt: skip


@pytest.fixture(scope="module")
def lists_names(served):
    """Return a function whose config.json lists the API and similar names."""
    served.write("names", NODE_LEAKS, [API, *NAMES])
    return "names"


@pytest.mark.parametrize("name", NAMES)
def test_permissions_match_exact_names_only(served, lists_names, name):
    before = len(served.entries)
    answer = served.call(lists_names, {"api": name, "params": DAY})
    assert answer["errCode"] == -604100
    assert all(entry.errcode for entry in served.entries[before:])


# ---- functions call functions --------------------------------------------------------------


@pytest.mark.parametrize("caller", LANGUAGES)
@pytest.mark.parametrize("called", LANGUAGES)
def test_a_called_function_gets_the_chain_of_sources(served, caller, called):
    to = {"name": f"{called}May", "data": {"context": True}}
    answer = served.call(f"{caller}Not", {"callFunction": to})
    assert answer["errMsg"] == "callFunction:ok"
    context = answer["result"]
    assert context["SOURCE"] == "wx_client,scf"
    assert (context["ENV"], bool(context["OPENID"]), bool(context["APPID"])) == (
        "local",
        True,
        True,
    )
    assert "API_TOKEN" not in context
    own = served.call(f"{caller}May", {"context": True})
    assert own["SOURCE"] == "wx_client"
    assert {**own, "SOURCE": context["SOURCE"]} == context
    through = {"name": f"{called}May", "data": {"params": DAY}}
    assert served.call(f"{caller}Not", {"callFunction": through})["result"]["refDate"] == "20170313"
    refused = {"name": f"{called}Not", "data": {"params": DAY}}
    assert served.call(f"{caller}May", {"callFunction": refused})["result"]["errCode"] == DENIED


# ---- timers --------------------------------------------------------------------------------

NODE_TIMER = """
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
exports.main = async (event) => {
  const answer = await cloud.openapi.analysis.getDailyRetain(PARAMS)
  const token = Boolean(process.env.WX_TRIGGER_API_TOKEN_V0)
  const report = { event, answer, context: cloud.getWXContext(), token }
  require('fs').appendFileSync(FILE, JSON.stringify(report) + '\\n')
}
"""
PYTHON_TIMER = """
import json, os
from cloud_openapi import cloud
cloud.init()
def main(event, context):
    answer = cloud.openapi.analysis.getDailyRetain(PARAMS)
    token = bool(os.environ.get("WX_TRIGGER_API_TOKEN_V0"))
    report = {"event": event, "answer": answer, "context": cloud.getWXContext(), "token": token}
    with open(FILE, "a") as file:
        file.write(json.dumps(report) + chr(10))
"""


@pytest.mark.parametrize(("language", "source"), [("node", NODE_TIMER), ("python", PYTHON_TIMER)])
def test_timer_fires_once_and_its_token_is_valid(tmp_path, monkeypatch, language, source):
    file = tmp_path / "report"
    source = source.replace("FILE", json.dumps(str(file))).replace("PARAMS", json.dumps(DAY))
    trigger = {"name": "EveryDay", "type": "timer", "config": "0 0 2 * * * *"}
    with Served(tmp_path / "functions", monkeypatch) as served:
        served.write("timed", source, [API], SOURCES[language][1], triggers=[trigger])
        served.emulator.clock.freeze(datetime(2026, 3, 11, 1, tzinfo=BEIJING))
        served.send("PUT", "/_emulator/clock", b'{"advance": 3599}')
        assert not file.exists()
        served.send("PUT", "/_emulator/clock", b'{"advance": 3600}')
        served.send("PUT", "/_emulator/clock", b'{"advance": 3600}')
        (line,) = file.read_text("utf-8").splitlines()
    report = json.loads(line)
    # 02:00 in Beijing is 18:00 in UTC, the day before.
    assert report["event"] == {
        "Type": "Timer", "TriggerName": "EveryDay", "Time": "2026-03-10T18:00:00Z", "Message": "",
    }  # fmt: skip
    assert report["answer"]["refDate"] == "20170313"
    assert report["token"]
    assert report["context"]["SOURCE"] == "wx_trigger"
    assert "OPENID" not in report["context"]
    assert not [key for key in report["context"] if "TOKEN" in key]


# ---- HTTP access ---------------------------------------------------------------------------

NODE_WEB = """
exports.main = (event) => JSON.parse(event.queryStringParameters.r) ?? event
"""
PYTHON_WEB = """
import json
def main(event, context):
    given = json.loads(event["queryStringParameters"]["r"])
    return event if given is None else given
"""
WEB = {"node": ("index.js", NODE_WEB), "python": ("index.py", PYTHON_WEB)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_http_access_returns_plain_and_integrated_responses(served, language):
    file, source = WEB[language]
    served.write(f"{language}Web", source, file=file)

    def ask(value, method="GET", rest="", body=None):
        return served.send(method, f"/http/{language}Web{rest}?r={quote(json.dumps(value))}", body)

    text = ask("零")
    assert (text.status, text.body.decode()) == (200, "零")
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    plain = ask({"a": "é"})
    assert (plain.headers["Content-Type"], json.loads(plain.body)) == (
        "application/json",
        {"a": "é"},
    )
    made = ask(
        {"statusCode": 418, "headers": {"X-Tea": "green", "Content-Type": "a/b"}, "body": "短"}
    )
    assert (made.status, made.body.decode()) == (418, "短")
    assert (made.headers["X-Tea"], made.headers["Content-Type"]) == ("green", "a/b")
    data = base64.b64encode(bytes(range(256))).decode()
    binary = ask({"statusCode": 200, "headers": {}, "body": data, "isBase64Encoded": True})
    assert binary.body == bytes(range(256))
    event = json.loads(ask(None, "POST", "/below", "零".encode()).body)
    assert (event["httpMethod"], event["path"], event["body"]) == ("POST", "/below", "零")


# ---- parameters ----------------------------------------------------------------------------

SENDS = """
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
exports.main = async ({ params, options, media }) => {
  const img = { contentType: 'image/jpeg', value: Buffer.from(media, 'base64') }
  return cloud.openapi(options).analysis.getDailyRetain({ ...params, img })
}
"""


def test_the_journal_has_the_bytes_that_a_function_sent(served):
    served.write("sends", SENDS, [API])
    served.emulator.configure_app("wxother", secret="invalid")
    media = bytes(range(256)) + secrets.token_bytes(1000)
    note = "零零零 ñ 🙂 " + "长" * 3400
    assert len(note.encode()) > 10_000
    deep = {"aB": [{"cD": 1.5}, None, True, "é", [[]], {}]}
    event = {
        "params": {**DAY, "note": note, "deep": deep},
        "options": {"appid": "wxother"},
        "media": base64.b64encode(media).decode(),
    }
    assert served.call("sends", event)["errMsg"] == f"openapi.{API}:ok"
    entry = served.entries[-1]
    assert (entry.appid, entry.function, entry.via) == ("wxother", "sends", "gateway")
    assert f'"note":"{note}"'.encode() in entry.body
    assert '"deep":{"a_b":[{"c_d":1.5},null,true,"é",[[]],{}]}'.encode() in entry.body
    kept = json.loads(entry.body)["img"]
    assert (kept["filename"], base64.b64decode(kept["base64"])) == ("img.jpeg", media)
