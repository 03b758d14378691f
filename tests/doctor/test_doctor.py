"""doctor says in plain words why calls and functions fail, and never shows a secret."""

import json
import socket
import threading

import pytest
from support.paths import sample

from cloud_openapi import clocks
from cloud_openapi.doctor import of_machine, of_service, read_settings
from cloud_openapi.emulator import Emulator, Server, create_app, listen

SECRET = "0123456789abcdef0123456789abcdef"
APP = {"CLOUD_OPENAPI_APPID": "wx1", "CLOUD_OPENAPI_SECRET": SECRET}
PROXIES = [f"{name}_proxy" for name in ("http", "https", "all", "no")]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in PROXIES:
        for each in (name, name.upper()):
            monkeypatch.delenv(each, raising=False)


@pytest.fixture
def set_variables(monkeypatch):
    def set_(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_


@pytest.fixture
def doctor(command):
    """Return a function that runs the command, and gives its exit code and findings by topic."""

    def doctor(*arguments):
        code, out, err = command("doctor", "--json", *arguments)
        assert err == ""
        assert SECRET not in out
        return code, {each["topic"]: each for each in json.loads(out)}

    return doctor


# The answer of the token's API, and what is said: topic, text, what to do.
ANSWERS = {
    "error.40164-rid.json": ("IP whitelist", "refuses 222.240.168.30 (40164)", "IP白名单"),
    "error.40125-rid.json": ("credentials", "(40125)", "Check the AppSecret"),
    "error.40013-token-rid.json": ("credentials", "(40013)", "Check the appid"),
    "error.45009-api-rid.json": ("service", "(45009)", "quota"),
    "error.minus1-hint.json": ("service", "(-1)", "WeChat is busy"),
}


def test_each_refusal_of_a_token_has_its_reason_and_a_way_out(doctor, service, set_variables):
    set_variables(**APP, CLOUD_OPENAPI_BASE_URL=service.url)
    for name, (topic, text, todo) in ANSWERS.items():
        service.granted = sample(name)
        code, found = doctor()
        assert code == 1, name
        assert found[topic]["state"] == "problem", name
        assert text in found[topic]["text"], found[topic]
        assert todo in found[topic]["todo"], found[topic]
    service.granted = {"errcode": 99999, "errmsg": f"unheard of, {SECRET}"}
    _, found = doctor()
    assert "unheard of" in found["credentials"]["text"]
    assert found["credentials"]["todo"].startswith("check the appid")


def test_one_token_is_asked_for_and_not_shown(doctor, service, set_variables):
    set_variables(**APP, CLOUD_OPENAPI_BASE_URL=service.url)
    code, found = doctor()
    assert code == 0
    assert [path for path, _, _ in service.asked] == ["/cgi-bin/stable_token"]
    assert json.loads(service.asked[0][1]) == {
        "grant_type": "client_credential",
        "appid": "wx1",
        "secret": SECRET,
    }
    assert found["credentials"]["text"] == "an access token is granted to wx1"
    assert not any(token in json.dumps(found) for token in service.tokens)
    assert found["connection"]["state"] == "note"
    assert found["clock"]["state"] == "fine"


def test_an_emulator_is_recognised_and_needs_no_credentials(doctor, set_variables):
    emulator = Emulator()
    with Server(create_app(emulator), listen("127.0.0.1", 0)) as server:
        set_variables(CLOUD_OPENAPI_BASE_URL=server.url)
        code, found = doctor()
        assert code == 0
        assert found["connection"]["text"] == f"an emulator answers at {server.url}"
        emulator.faults.add({"kind": "error", "errcode": 40164, "path": "/cgi-bin/stable_token"})
        code, found = doctor()
    assert code == 1
    assert "IP whitelist" in found
    code, found = doctor()
    assert code == 1
    assert found["connection"]["text"] == f"nothing listens at {server.url}"
    assert found["connection"]["todo"] == "start the emulator: cloud-openapi serve"


CLOCKS = {30: "fine", -30: "fine", 100: "note", -100: "note", 5000: "problem", -5000: "problem"}


def test_a_clock_that_is_wrong_is_a_problem(doctor, service, set_variables, monkeypatch):
    set_variables(**APP, CLOUD_OPENAPI_BASE_URL=service.url)
    now = clocks.now
    for off, state in CLOCKS.items():
        monkeypatch.setattr(clocks, "now", lambda off=off: now() + off)
        _, found = doctor()
        assert found["clock"]["state"] == state, off
        assert ("ahead of" if off > 0 else "behind") in found["clock"]["text"]
        assert (found["clock"]["todo"] == "") == (state == "fine")


def answer_once(data):
    """Serve bytes as the answer to the first connection; return the address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listening.accept()
        with connection, listening:
            connection.recv(65536)
            connection.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{listening.getsockname()[1]}"


# What a server answers, and a part of the text and the way out.
STRANGERS = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>": ("does not answer in JSON", "base URL"),
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n": ("502 Bad Gateway", "a proxy"),
    b"": ("socket hang up", "Check the address"),
}


def test_another_server_is_recognised(doctor, set_variables):
    for data, (text, todo) in STRANGERS.items():
        set_variables(**APP, CLOUD_OPENAPI_BASE_URL=f"http://{answer_once(data)}")
        code, found = doctor()
        assert code == 1, data
        assert text in found["connection"]["text"], found
        assert todo in found["connection"]["todo"], found
    set_variables(CLOUD_OPENAPI_BASE_URL=f"https://{answer_once(b'HTTP/1.0 200 OK')}")
    _, found = doctor()
    assert "its URL is http://" in found["connection"]["todo"]


def test_a_proxy_that_does_not_answer_is_named_without_its_password(doctor, set_variables):
    set_variables(**APP, https_proxy="http://somebody:pass-word@127.0.0.1:1")
    code, found = doctor()
    assert code == 1
    assert found["proxy"]["text"].startswith("the proxy http://127.0.0.1:1 does not answer")
    assert "no_proxy" in found["proxy"]["todo"]
    assert "pass-word" not in json.dumps(found)


@pytest.mark.parametrize("proxy", ["http://[::1", "http://u:geheim@h:99999", "http://u:geheim@"])
def test_a_proxy_that_is_no_url_is_said_without_its_password(doctor, set_variables, proxy):
    set_variables(**APP, https_proxy=proxy, CLOUD_OPENAPI_BASE_URL="https://service.example")
    code, found = doctor()
    assert (code, found["proxy"]["state"]) == (1, "problem")
    assert "geheim" not in json.dumps(found)


def test_a_missing_list_of_permissions_is_named(doctor, set_variables, tmp_path):
    set_variables(CLOUD_OPENAPI_CONFIG=str(tmp_path / "config.json"))
    code, found = doctor()
    assert (code, found["permissions"]["state"]) == (1, "problem")
    (tmp_path / "config.json").write_text("{}")
    assert "permissions" not in doctor()[1]


# Variables, and what is said of them: topic, state, text.
SETTINGS = [
    ({"CLOUD_OPENAPI_APPID": "wx1"}, "problem", "secret (CLOUD_OPENAPI_SECRET) is missing"),
    ({"CLOUD_OPENAPI_TIMEOUT": "soon"}, "problem", "timeout"),
    ({"CLOUD_OPENAPI_BASE_URL": "weixin"}, "problem", "is not a base URL"),
    ({"CLOUD_OPENAPI_APP_ID": "wx1", **APP}, "fine", "as wx1"),
]


def test_settings_are_explained(monkeypatch):
    for variables, state, text in SETTINGS:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            _, found = read_settings()
        assert (found[-1].state, text in found[-1].text) == (state, True), found


MISSPELT = {
    "APP_ID": "APPID",
    "APPSECRET": "SECRET",
    "APP_SECRET": "SECRET",
    "BASEURL": "BASE_URL",
    "TOKENSTORE": "TOKEN_STORE",
}


def test_variables_that_are_almost_a_setting_are_named(set_variables, monkeypatch):
    for wrong, right in MISSPELT.items():
        with monkeypatch.context() as patch:
            patch.setenv(f"CLOUD_OPENAPI_{wrong}", "x")
            found = list(of_machine())
        assert [each[2:] for each in found if each.state == "note"] == [
            (
                f"the variable CLOUD_OPENAPI_{wrong} is not a setting",
                f"did you mean CLOUD_OPENAPI_{right}?",
            )
        ]
    set_variables(CLOUD_OPENAPI_APP="wxone", CLOUD_OPENAPI_SEED="1", CLOUD_OPENAPI_PORT="1")
    assert [each.state for each in of_machine()] == ["fine"]


def test_calls_that_only_the_platform_makes_are_said(monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_TRANSPORT", "gateway")
    settings, _ = read_settings()
    (found,) = of_service(settings)
    assert (found.state, found.topic) == ("note", "connection")


def test_a_token_store_is_tried(doctor, service, set_variables, tmp_path):
    store = tmp_path / "tokens"
    set_variables(**APP, CLOUD_OPENAPI_BASE_URL=service.url)
    set_variables(CLOUD_OPENAPI_TOKEN_STORE=f"file:{store}")
    assert doctor()[1]["token store"]["state"] == "fine"
    (tmp_path / "file").touch()
    set_variables(CLOUD_OPENAPI_TOKEN_STORE=f"file:{tmp_path}/file/below")
    code, found = doctor()
    assert (code, found["token store"]["state"]) == (0, "note")
    assert "stable_token" in found["token store"]["todo"]


def test_a_function_is_examined(doctor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "functions" / "hello"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text(
        "from cloud_openapi import cloud\n\n\ndef main(event, context):\n"
        "    return cloud.openapi.analysis.getDailyRetain(event)\n"
    )
    variables = {"PAY_SECRET": "hunter2-hunter2", "OTHER_TOKEN": "{{env.OTHER_TOKEN}}", "A": "b"}
    entry = {"name": "hello", "runtime": "Python3.12", "envVariables": variables}
    (tmp_path / "cloudbaserc.json").write_text(json.dumps({"functions": [entry]}))
    code, found = doctor("hello", "--base-url", "http://127.0.0.1:1")
    assert code == 1
    assert "holds the value of PAY_SECRET" in found["secrets"]["text"]
    assert '"{{env.PAY_SECRET}}"' in found["secrets"]["todo"]
    assert "hunter2" not in json.dumps(found)
    assert "analysis.getDailyRetain" in found["permissions"]["text"]
    assert found["permissions"]["state"] == "problem"
    assert found["runtime"]["state"] == "note"


def test_text_names_the_state_the_topic_and_what_to_do(command):
    code, out, err = command("doctor", "--base-url", "http://127.0.0.1:1")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0].startswith("fine    python        Python 3.")
    assert lines[-3:] == [
        "problem connection    nothing listens at http://127.0.0.1:1",
        "                      start the emulator: cloud-openapi serve",
        "1 problem",
    ]
    assert command("doctor", "nosuch")[0] == 1
