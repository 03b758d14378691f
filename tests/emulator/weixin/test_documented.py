"""The programs on WeChat's page run as functions and return the documented results."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.paths import ROOT, TESTS, sample
from support.sdk import NODE, node
from support.serving import Served

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET

PROGRAMS = TESTS / "documented"
APIS = ["getDailyRetain", "getWeeklyRetain", "getMonthlyRetain"]
DENIED = {
    "errCode": -604101,
    "errMsg": "system error: error code: -604101",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("functions")
    with pytest.MonkeyPatch.context() as monkeypatch, Served(folder, monkeypatch) as served:
        yield served


def program(api):
    return (PROGRAMS / f"{api}.js").read_text("utf-8")


def documented(api):
    """Return the documented result; the SDK adds errCode: 0 to it."""
    return {**sample(f"{api}.response.official-cloud.json"), "errCode": 0}


@pytest.mark.parametrize("api", APIS)
def test_documented_programs_return_the_documented_result(served, api):
    served.write(api, program(api), [f"analysis.{api}"])
    assert served.call(api) == documented(api)


@pytest.mark.parametrize("permitted", [[], ["analysis.getDailyRetained"], ["*"]])
def test_unlisted_api_raises_the_sdks_error(served, permitted):
    returned = "return { ...err, text: err.message, all: String(err) }\n"
    source = program("getDailyRetain").replace("return err\n", returned)
    served.write("denied", source, permitted)
    answer = served.call("denied")
    text = "errCode: -604101 function has no permission to call this API | errMsg: "
    text += DENIED["errMsg"]
    assert {key: answer[key] for key in ("errCode", "errMsg", "text", "all")} == {
        **DENIED, "text": text, "all": f"Error: {text}",
    }  # fmt: skip


def test_newly_listed_api_is_permitted_at_the_next_call(served):
    served.write("listed", program("getDailyRetain"), [])
    assert served.call("listed")["errCode"] == -604101
    served.write("listed", program("getDailyRetain"), ["analysis.getDailyRetain"])
    assert served.call("listed") == documented("getDailyRetain")


@pytest.mark.parametrize("api", APIS)
def test_node_functions_of_the_repository_return_the_documented_result(served, api):
    name = f"{api}Node"
    shutil.copytree(ROOT / "functions" / name, served.folder / name, dirs_exist_ok=True)
    event = sample(f"{api}.request.official-cloud.json")
    assert served.call(name, event) == documented(api)


@pytest.mark.slow
def test_invoke_command_runs_a_node_function_of_the_repository():
    node()
    result = subprocess.run(
        [Path(sys.executable).with_name("cloud-openapi"), "invoke", "getDailyRetainNode"],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "NODE_PATH": str(NODE / "node_modules")},
    )
    assert json.loads(result.stdout) == documented("getDailyRetain")


# ---- what is not emulated ------------------------------------------------------------------

NOT_EMULATED = """
const cloud = require('wx-server-sdk')
cloud.init({ env: process.env.TCB_ENV })
const calls = {
  getOpenData: { list: ['a'] },
  getVoIPSign: { groupId: 'a', timestamp: 1, nonce: 'a' },
}
const caught = (made) => made.then(JSON.stringify, (error) => String(error))
exports.main = async () => {
  const errors = {}
  if (cloud.cloudPay) errors.cloudPay = await caught(cloud.cloudPay.unifiedOrder({ body: 'a' }))
  for (const [name, params] of Object.entries(calls)) {
    if (cloud[name]) errors[name] = await caught(cloud[name](params))
  }
  return errors
}
"""


def check_not_emulated(served):
    served.write("calls", NOT_EMULATED)
    errors = served.call("calls")
    log = [line for _, line in served.functions.log_of("calls").since()]
    reasons = [line for line in log if line.startswith("Reason: ")]
    assert "getOpenData" in errors
    for name, error in errors.items():
        assert "is not emulated (" in error, name
        assert len([line for line in reasons if f"cloud.{name}" in line.partition(" (")[0]]) == 1


def test_the_sdk_and_the_log_show_what_is_not_emulated(served):
    check_not_emulated(served)


def test_invoke_shows_what_is_not_emulated(tmp_path):
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "index.js").write_text(NOT_EMULATED, "utf-8")
    node()
    result = subprocess.run(
        [
            Path(sys.executable).with_name("cloud-openapi"),
            "invoke",
            "calls",
            "--functions",
            tmp_path,
        ],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "NODE_PATH": str(NODE / "node_modules")},
    )
    lines = [line for line in result.stderr.splitlines() if line.startswith("Reason: ")]
    assert len([line for line in lines if "cloud.cloudPay is not emulated" in line]) == 1


# ---- every age of the SDK ------------------------------------------------------------------

# Those before 2.3.3 call a fixed address, 0.8 to 1.5 by https.
WITHOUT_OPENAPI = ["0.0.27", "0.1.4"]
VERSIONS = [
    *("0.4.3", "0.8.1", "1.5.3", "1.8.3", "2.0.4", "2.1.2", "2.2.0", "2.3.0", "2.3.3"),
    *("2.4.0", "2.6.3", "2.7.2", "3.0.4", "4.0.2"),
]
OTHERS = [
    *(("wx-server-sdk", version) for version in WITHOUT_OPENAPI),
    *(("tcb-admin-node", version) for version in ("1.2.1", "1.23.0")),
    *(("@cloudbase/node-sdk", version) for version in ("2.1.1", "2.11.0", "3.0.1", "3.18.3")),
]
CALLS = """
const sdk = require('{package}')
const cloud = sdk.init({{ env: process.env.TCB_ENV }}) || sdk
exports.main = () => cloud.callFunction({{ name: 'called', data: {{ a: 'é' }} }})
"""
CLIENTS = """
const clients = {
  axios: async (url) => (await require('axios').get(url)).data,
  got: (url) => require('got')(url, { http2: true }).json(),
  'node-fetch': async (url) => (await require('node-fetch')(url)).json(),
  request: (url) => new Promise((done, failed) => {
    require('request')(url, { json: true }, (error, _, body) => error ? failed(error) : done(body))
  }),
  superagent: async (url) => (await require('superagent').get(url)).body,
  undici: async (url) => (await require('undici').request(url)).body.json(),
  urllib: async (url) => (await require('urllib').request(url, { dataType: 'json' })).data,
}
exports.main = async ({ url }) => {
  const answers = {}
  for (const name of Object.keys(clients)) answers[name] = await clients[name](url).catch(String)
  return answers
}
"""


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Return a function that serves with packages; at the end, only the emulator was called."""
    seen = tmp_path / "connections"
    counter = f"--no-deprecation --require {NODE / 'connections.js'}"
    monkeypatch.setenv("NODE_OPTIONS", counter)
    # Port 9 is closed: an SDK that uses the proxy fails.
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with contextlib.ExitStack() as stack:

        def start(packages):
            variables = {"CONNECTIONS": str(seen)}
            served = Served(tmp_path / "functions", monkeypatch, variables, packages)
            stack.callback(lambda: check(served))
            return stack.enter_context(served)

        def check(served):
            assert set(seen.read_text().splitlines()) == {f"127.0.0.1 {urlsplit(served.url).port}"}

        yield start


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_documented_programs_run_with_sdk_version(version, installed, serve):
    served = serve(installed(f"wx-server-sdk@{version}"))
    for api in APIS:
        served.write(api, program(api), [f"analysis.{api}"])
        answer = served.call(api)
        assert {**answer, "errCode": 0} == documented(api)
    served.write("denied", program("getDailyRetain"))
    assert served.call("denied")["errCode"] == -604101
    check_called(served, "wx-server-sdk")


@pytest.mark.slow
@pytest.mark.parametrize(("package", "version"), OTHERS)
def test_a_function_calls_another_with_an_sdk_without_openapi(package, version, installed, serve):
    check_called(serve(installed(f"{package}@{version}")), package)


def check_called(served, package):
    served.write("called", "exports.main = ({ a }) => ({ a })")
    served.write("calls", CALLS.format(package=package))
    assert served.call("calls")["result"] == {"a": "é"}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.8.3", "2.0.4", "2.1.2", "2.6.3", "3.0.4", "4.0.2"])
def test_each_sdk_shows_what_is_not_emulated(version, installed, serve):
    check_not_emulated(serve(installed(f"wx-server-sdk@{version}")))


@pytest.mark.slow
def test_clients_of_http_reach_the_emulator_instead_of_weixin(installed, serve):
    packages = ("axios@1", "got@11", "node-fetch@2", "request@2", "superagent@9", "undici@6")
    served = serve(installed(*packages, "urllib@3"))
    served.write("calls", CLIENTS)
    query = f"grant_type=client_credential&appid={DEMO_APPID}&secret={DEMO_SECRET}"
    for scheme in ("http", "https"):
        url = f"{scheme}://api.weixin.qq.com/cgi-bin/token?{query}"
        answers = served.call("calls", {"url": url})
        assert [name for name, answer in answers.items() if "access_token" not in answer] == []
        assert len(answers) == 7
