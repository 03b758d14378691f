"""Events, variables, tokens and logs of invocations."""

import json
import os
import re
import shutil
import threading
from base64 import b64decode
from uuid import RFC_4122, UUID

import pytest
from support.paths import ROOT
from support.processes import descriptors_left, until
from support.values import NOW

from cloud_openapi.demo import DEMO_APPID, DEMO_OPENID
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.runtime import Functions, Invocation, new_request_id

BASE = "http://127.0.0.1:7070"
SDK = ROOT / "tests" / "node" / "node_modules" / "wx-server-sdk"
SOURCES = {
    "index.py": "import os\ndef main(event, context):\n    return [event, dict(os.environ)]\n",
    "index.js": "exports.main = async (event, context) => [event, process.env]\n",
}
PRINTING = {
    "index.py": "import os\ndef main(event, context):\n    print(context, dict(os.environ))\n"
    "    return dict(os.environ)\n",
    "index.js": "exports.main = async (event, context) => {\n"
    "  console.log(context, process.env)\n  return process.env\n}\n",
}
FILES = [
    "index.py",
    pytest.param(
        "index.js", marks=pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")
    ),
]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "functions"


@pytest.fixture
def functions(folder, tmp_path):
    functions = Functions(folder, {"CLOUD_OPENAPI_BASE_URL": BASE}, config=tmp_path / "config.json")
    yield functions
    functions.close()


@pytest.fixture
def write(folder):
    def write(file, source=None, name="hello"):
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SOURCES[file] if source is None else source, "utf-8")
        return path

    return write


@pytest.mark.parametrize("file", FILES)
def test_worker_has_the_platforms_variables(functions, write, file, folder):
    write(file)
    _, seen = functions.invoke("hello", {}, NOW).result
    expected = {
        **functions.credentials.variables_for("hello"),
        "TENCENTCLOUD_RUNENV": "SCF",
        "SCF_FUNCTIONNAME": "hello",
        "SCF_FUNCTIONVERSION": "$LATEST",
        "SCF_NAMESPACE": "local",
        "TCB_ENV": "local",
        "TCB_SOURCE": "wx_client",
        "TRIGGER_SRC": "tcb",
        "TZ": "UTC",
        "USER_CODE_ROOT": f"{folder / 'hello'}/",
        "PWD": str(folder / "hello"),
        "HOME": "/home/qcloud",
        "LANG": "en_US.UTF8",
        "LC_ALL": "en_US.UTF8",
        "LOGNAME": "qcloud",
        "USER": "qcloud",
        "SHLVL": "3",
        "PYTHONDONTWRITEBYTECODE": "x",
        "TENCENTCLOUD_TZ": "UTC",
        "_SCF_SERVER_PORT": "28902",
        "PATH": os.environ["PATH"],
        "WX_APPID": DEMO_APPID,
        "WX_OPENID": DEMO_OPENID,
    }
    assert {name: seen.get(name) for name in expected} == expected
    documented = {
        "SHELL",
        "HOSTNAME",
        "SCF_RUNTIME",
        "TENCENTCLOUD_REGION",
        "TENCENTCLOUD_APPID",
        "TENCENTCLOUD_UIN",
    }
    assert documented <= seen.keys()
    assert json.loads(seen["TCB_CONTEXT_CNFG"]) == {"URL": f"{BASE}/admin"}
    # As in the tests of @cloudbase/node-sdk.
    names = "WX_CLIENTIP,WX_CLIENTIPV6,WX_APPID,WX_OPENID,WX_API_TOKEN"
    assert seen["WX_CONTEXT_KEYS"] == names
    names += ",TCB_ENV,TCB_SEQID,TRIGGER_SRC,TCB_SESSIONTOKEN,TCB_SOURCE"
    assert seen["TCB_CONTEXT_KEYS"] == names.partition("WX_API_TOKEN,")[2]
    assert set(names.split(",")) <= seen.keys()


SECRETS = [
    "TENCENTCLOUD_SECRETID", "WX_UNIONID", "TCB_UUID", "SCF_X", "CLOUD_OPENAPI_X",
    "AWS_SECRET_ACCESS_KEY", "WECHAT_SECRET", "GITHUB_TOKEN", "PYTHONPATH", "DATABASE_URL",
    "LC_TIME", "HOME", "USER",
]  # fmt: skip
INHERITED = [
    "TMPDIR", "LD_LIBRARY_PATH", "http_proxy", "HTTPS_PROXY",
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
]  # fmt: skip


def test_a_function_inherits_the_variables_that_programs_need(
    functions, write, monkeypatch, tmp_path
):
    for name in (*INHERITED, "NODE_OPTIONS", "no_proxy"):
        monkeypatch.setenv(name, str(tmp_path))
    write("index.py")
    _, seen = functions.invoke("hello", {}, NOW).result
    # The emulator adds to these two.
    assert seen["NODE_OPTIONS"].endswith(f" {tmp_path}")
    assert seen["no_proxy"].startswith(f"{tmp_path},127.0.0.1,")
    assert {name: seen.get(name) for name in INHERITED} == dict.fromkeys(INHERITED, str(tmp_path))


@pytest.mark.parametrize("file", FILES)
def test_a_function_inherits_no_other_variables(functions, write, monkeypatch, file):
    for name in SECRETS:
        monkeypatch.setenv(name, "of the shell")
    write(file)
    functions = Functions(functions.folder, {})
    try:
        _, seen = functions.invoke("hello", {}, NOW).result
    finally:
        functions.close()
    assert "of the shell" not in str(seen)
    assert json.loads(seen["TCB_CONTEXT_CNFG"])["URL"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("file", FILES)
def test_a_call_from_the_mini_program_has_a_user(functions, write, file):
    write(file)
    event, _ = functions.invoke("hello", {"a": 1}, NOW, "wx_client").result
    assert event == {"a": 1, "userInfo": {"appId": DEMO_APPID, "openId": DEMO_OPENID}}


@pytest.mark.parametrize("event", [None, 5, "x", [1]])
def test_an_event_that_is_not_an_object_is_unchanged(functions, write, event):
    write("index.py")
    assert functions.invoke("hello", event, NOW, "wx_client").result[0] == event


@pytest.mark.parametrize("source", ["wx_http", "wx_trigger", "other"])
def test_other_sources_have_no_user(functions, write, source):
    write("index.py")
    event, seen = functions.invoke("hello", {"a": 1}, NOW, source).result
    assert event == {"a": 1}
    assert "WX_OPENID" not in seen
    assert seen["TCB_SOURCE"] == source


def test_chained_call_keeps_the_user(functions, write):
    write("index.py")
    event, seen = functions.invoke("hello", {}, NOW, "wx_client,scf").result
    assert (event["userInfo"]["openId"], seen["WX_OPENID"]) == (DEMO_OPENID, DEMO_OPENID)


@pytest.mark.parametrize("file", FILES)
def test_invocation_variables_do_not_leak_into_the_next(functions, write, file):
    write(file)
    _, first = functions.invoke("hello", {}, NOW, "wx_client").result
    _, second = functions.invoke("hello", {}, NOW, "wx_trigger", "timer").result
    assert "WX_TRIGGER_API_TOKEN_V0" in second.keys() - first.keys()
    assert {"WX_API_TOKEN", "WX_OPENID"} <= first.keys() - second.keys()
    assert second["TRIGGER_SRC"] == "timer"


@pytest.mark.parametrize("file", FILES)
def test_time_zone_is_utc(functions, write, file):
    source = {
        "index.py": "import time\ndef main(e, c):\n    return time.localtime(0).tm_hour\n",
        "index.js": "exports.main = () => new Date(0).getHours()\n",
    }
    write(file, source[file])
    assert functions.invoke("hello", {}, NOW).result == 0


# ---- tokens and permissions ----------------------------------------------------------------

WAITS_FOR_FILE = """
import os, pathlib, time
def main(event, context):
    pathlib.Path(event["tell"]).write_text(os.environ["WX_API_TOKEN"])
    while not os.path.exists(event["go"]):
        time.sleep(0.01)
    return context["request_id"]
"""


def test_a_token_identifies_its_running_invocation(functions, write, tmp_path):
    write("index.py", WAITS_FOR_FILE)
    tell, go = tmp_path / "tell", tmp_path / "go"
    results = []
    event = {"tell": str(tell), "go": str(go)}
    thread = threading.Thread(
        target=lambda: results.append(functions.invoke("hello", event, NOW, "wx_client,scf"))
    )
    thread.start()
    assert until(lambda: tell.is_file() and tell.read_text())
    token = tell.read_text()
    found = functions.invocation_of(token)
    altered = functions.invocation_of(token[:-2] + "xx")
    go.touch()
    thread.join()
    (outcome,) = results
    assert found == Invocation(outcome.result, "hello", "wx_client,scf")
    assert altered is None
    assert functions.invocation_of(token) is None  # it has ended


@pytest.mark.parametrize("token", ["", "invalid", "\ud800", "x" * 100_000])
def test_an_unknown_token_identifies_no_invocation(functions, token):
    assert functions.invocation_of(token) is None


def test_each_invocation_has_its_own_token_masked_in_logs(functions, write):
    write("index.py")
    outcomes = [functions.invoke("hello", {}, NOW) for _ in range(2)]
    tokens = [outcome.result[1]["WX_API_TOKEN"] for outcome in outcomes]
    assert len(set(tokens)) == 2
    log = "".join(outcome.log for outcome in outcomes)
    assert "RetMsg" in log
    assert not any(token in log for token in tokens)


@pytest.mark.parametrize("file", FILES)
def test_a_function_that_prints_its_context_shows_no_secret(functions, write, file):
    write(file, PRINTING[file])
    outcome = functions.invoke("hello", {}, NOW)
    variables = outcome.result
    secrets = ("WX_API_TOKEN", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")
    shown = [line.text for _name, line in functions.logs.since(0)[0]]
    for log in (outcome.log, "\n".join(shown)):
        assert "TENCENTCLOUD_SECRETKEY" in log
        assert log.count("***") > len(secrets)
        assert not any(variables[name] in log for name in secrets)


DECODING = {
    "index.py": "import base64, json, os\ndef main(event, context):\n"
    "    token = os.environ['WX_API_TOKEN']\n    text = base64.b64decode(token)\n"
    "    print(text, json.loads(text))\n    return token\n",
    "index.js": "exports.main = async () => {\n  const token = process.env.WX_API_TOKEN\n"
    "  const text = Buffer.from(token, 'base64').toString()\n"
    "  console.log(text, JSON.parse(text))\n  return token\n}\n",
}


@pytest.mark.parametrize("file", FILES)
def test_a_function_that_decodes_its_token_prints_no_ticket(functions, write, file):
    write(file, DECODING[file])
    outcome = functions.invoke("hello", {}, NOW)
    assert "KeyVersion" in outcome.log
    assert json.loads(b64decode(outcome.result))["ticket"] not in outcome.log


@pytest.mark.parametrize("file", FILES)
def test_an_error_that_names_a_secret_shows_none(functions, write, file, tmp_path):
    path = tmp_path / "token"
    raising = {
        "index.py": "import os\ndef main(event, context):\n"
        "    token = os.environ['WX_API_TOKEN']\n"
        f"    open({str(path)!r}, 'w').write(token)\n    raise ValueError(token)\n",
        "index.js": "exports.main = async () => {\n  const token = process.env.WX_API_TOKEN\n"
        f"  require('fs').writeFileSync({str(path)!r}, token)\n  throw new Error(token)\n}}\n",
    }
    write(file, raising[file])
    outcome = functions.invoke("hello", {}, NOW)
    assert "Error: ***" in outcome.result["stackTrace"]
    assert path.read_text() not in outcome.text


def test_token_of_a_failed_invocation_is_invalid(functions, write, tmp_path):
    path = tmp_path / "token"
    body = f"open({str(path)!r}, 'w').write(os.environ['WX_API_TOKEN']); os._exit(1)"
    write("index.py", f"import os\ndef main(e, c):\n    f = {body.partition(';')[0]}\n    1 / 0\n")
    assert functions.invoke("hello", {}, NOW).status == 430
    token = path.read_text()
    assert token
    assert functions.invocation_of(token) is None


def test_permissions_come_from_the_functions_config_json(functions, write):
    write("index.py")
    assert functions.permissions_of("hello") == frozenset()
    write("config.json", '{"permissions": {"openapi": ["a.b", "c.d"]}}')
    assert functions.permissions_of("hello") == {"a.b", "c.d"}
    write("config.json", "{}")
    assert functions.permissions_of("hello") == frozenset()
    assert functions.permissions_of("nosuch") == frozenset()


@pytest.mark.parametrize("text", ["{", "[]", '{"permissions": {"openapi": "*"}}', "\x00"])
def test_invalid_config_json_permits_nothing_and_the_reason_says_so(functions, write, text):
    write("index.py")
    path = write("config.json", text)
    assert functions.permissions_of("hello") == frozenset()
    reason = functions.why_denied("hello", "a.b", None)
    assert str(path) in reason
    assert reason.endswith("; until then no API is permitted")


def test_root_permissions_come_from_the_given_config_json(functions, tmp_path):
    assert functions.root_permissions() == frozenset()
    (tmp_path / "config.json").write_text('{"permissions": {"openapi": ["a.b"]}}')
    assert functions.root_permissions() == {"a.b"}


def test_credentials_are_random_and_masked(functions):
    other = Functions(functions.folder, {})
    assert other.credentials != functions.credentials
    assert repr(functions.credentials) == "Credentials(***)"


@pytest.mark.skipif(
    not (shutil.which("node") and SDK.is_dir()), reason="Node.js or wx-server-sdk is missing"
)
@pytest.mark.parametrize(("source", "more"), [("wx_client", {"OPENID"}), ("wx_http", set())])
def test_get_wx_context_of_the_sdk_returns_the_invocation(
    functions, write, monkeypatch, source, more
):
    monkeypatch.setenv("NODE_PATH", str(SDK.parent))
    call = "cloud.init(); exports.main = async () => cloud.getWXContext()"
    write("index.js", f"const cloud = require('wx-server-sdk'); {call}")
    outcome = functions.invoke("hello", {}, NOW, source)
    assert outcome.result.keys() == {"APPID", "CLIENTIP", "CLIENTIPV6", "ENV", "SOURCE", *more}
    assert (outcome.result["ENV"], outcome.result["SOURCE"]) == ("local", source)


# ---- the log -------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_invocation_log_has_the_platforms_lines_around_the_output(functions, write, file):
    source = {
        "index.py": "import logging, sys\nprint('loading')\ndef main(e, c):\n"
        "    print('out'); print('err', file=sys.stderr); logging.info('logged')\n"
        "    sys.stdout.write('no end'); return 5\n",
        "index.js": "console.log('loading')\nexports.main = async () => {\n"
        "  console.log('out'); console.error('err'); console.info('logged')\n"
        "  process.stdout.write('no end'); return 5 }\n",
    }
    write(file, source[file])
    outcome = functions.invoke("hello", {}, NOW)
    lines = outcome.log.splitlines()
    request_id = lines[0].removeprefix("START RequestId:")
    assert lines[1:6] == ["loading", "out", "err", "logged", "no end"]
    assert lines[6:8] == [
        f"Response RequestId:{request_id} RetMsg:5",
        f"END RequestId:{request_id}",
    ]
    assert lines[8] == outcome.report
    report = rf"Report RequestId:{request_id} Duration:\d+ms Memory:256MB MemUsage:\d+\.\d+MB"
    assert re.fullmatch(report, outcome.report)
    assert [line for _, line in functions.log_of("hello").since()] == lines


def test_output_of_a_killed_function_is_in_its_log(functions, write):
    write("index.py", "import os\ndef main(e, c):\n    print('before'); os._exit(1)\n")
    outcome = functions.invoke("hello", {}, NOW)
    assert "before" in outcome.log.splitlines()
    assert f"ERROR RequestId:{outcome.result['requestId']} Result:" in outcome.log


def test_since_returns_only_newer_lines(functions):
    log = functions.log_of("hello")
    for word in ("one", "two", "three"):
        log.add(word)
    (first, _), *_ = log.since()
    assert [line for _, line in log.since(first)] == ["two", "three"]
    assert log.since(log.since()[-1][0]) == []


def test_request_ids_are_random_uuids():
    ids = {new_request_id() for _ in range(200)}
    assert len(ids) == 200
    for text in ids:
        read = UUID(text)
        assert (str(read), read.version, read.variant) == (text, 4, RFC_4122)
    # Every variable bit takes both values.
    numbers = [UUID(text).int for text in ids]
    assert sum(1 << bit for bit in range(128) if len({n >> bit & 1 for n in numbers}) == 2) == (
        (1 << 128) - 1 - 0xF000_C000_0000_0000_0000
    )


def test_a_request_that_finds_no_descriptors_says_so(functions, write):
    write("index.py")
    client = create_app(Emulator(), functions).test_client()
    assert "hello" in client.get("/").text
    with descriptors_left(0):
        refused = client.get("/")
    assert refused.status_code == 503
    assert refused.json["code"] == "NO_FILE_DESCRIPTORS"
    assert "ulimit -n" in refused.json["message"]
    assert "hello" in client.get("/").text
