"""The programs on WeChat's page run as functions and return the documented results."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT, TESTS, sample
from support.sdk import NODE, node
from support.serving import Served

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


# ---- every age of the SDK ------------------------------------------------------------------

BY_PROXY = ["0.4.3", "1.8.3", "2.0.4", "2.2.0", "2.3.0"]  # they call a fixed address
VERSIONS = [*BY_PROXY, "2.3.3", "2.4.0", "2.6.3", "3.0.4", "4.0.2"]
# Port 9 is closed: an SDK that ignores the proxy fails.
PROXY = {"http_proxy": "{url}", "TCB_CONTEXT_CNFG": '{{"URL": "http://127.0.0.1:9/admin"}}'}
CALLS = """
const cloud = require('wx-server-sdk')
cloud.init({ env: process.env.TCB_ENV })
exports.main = () => cloud.callFunction({ name: 'called', data: { a: 'é' } })
"""


@pytest.fixture(scope="module")
def installed(request):
    """Return a function that installs a version of the SDK, cached on this machine."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is missing")

    def install(version):
        folder = Path(request.config.cache.mkdir(f"wx-server-sdk-{version}"))
        if not (folder / "node_modules" / "wx-server-sdk" / "index.js").is_file():
            package = f"wx-server-sdk@{version}"
            command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", package]
            made = subprocess.run(command, check=False, capture_output=True, text=True)
            if made.returncode:
                pytest.skip(f"npm cannot install {package}: {made.stderr[-200:]}")
        return folder / "node_modules"

    return install


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_documented_programs_run_with_sdk_version(version, installed, tmp_path, monkeypatch):
    proxy = PROXY if version in BY_PROXY else {}
    with Served(tmp_path, monkeypatch, proxy, installed(version)) as served:
        for api in APIS:
            served.write(api, program(api), [f"analysis.{api}"])
            answer = served.call(api)
            assert {**answer, "errCode": 0} == documented(api)
        served.write("denied", program("getDailyRetain"))
        assert served.call("denied")["errCode"] == -604101
        served.write("called", "exports.main = ({ a }) => ({ a })")
        served.write("calls", CALLS)
        assert served.call("calls")["result"] == {"a": "é"}


@pytest.mark.slow
def test_sdk_0_8_is_refused_because_it_tunnels_https(installed, tmp_path, monkeypatch):
    with Served(tmp_path, monkeypatch, {"http_proxy": "{url}"}, installed("0.8.1")) as served:
        served.write("daily", program("getDailyRetain"), ["analysis.getDailyRetain"])
        answer = served.call("daily")
    assert answer["errCode"] == -501001
    assert "tunneling socket could not be established, statusCode=403" in answer["errMsg"]
