"""cloud-openapi control: the routes below /_emulator of a running emulator, as commands."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from support.paths import ROOT
from support.processes import WAIT
from support.values import DAILY, NOW, OTHER

from cloud_openapi.cli import _control_client, _group
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, Server, create_app, listen
from cloud_openapi.emulator.server.foreign_requests import Access
from cloud_openapi.errors import CloudOpenAPIError

COMMAND = Path(sys.executable).with_name("cloud-openapi")
CLOCK = {"now": "2026-03-11T12:00:00+08:00", "frozen": True, "offset": 0.0}


@pytest.fixture(scope="module")
def served():
    emulator = Emulator(clock=Clock(NOW), apps={DEMO_APPID: DEMO_SECRET, OTHER: "s"})
    with listen("127.0.0.1", 0) as listening, Server(create_app(emulator), listening) as server:
        yield emulator, server.url


@pytest.fixture
def emulator(served):
    served[0].reset()
    return served[0]


@pytest.fixture
def failing(served, monkeypatch, capsys):
    """Return a function that runs a command that fails, and gives its line on stderr."""

    def failing(*arguments, url=None):
        argv = ["cloud-openapi", "control", "--url", url or served[1], *arguments]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as exit_info:
            _group.run()
        out, err = capsys.readouterr()
        assert (exit_info.value.code, out, err.count("\n")) == (1, "", 1)
        return err

    return failing


@pytest.fixture
def control(served):
    """Return a function that runs a command in this process and gives the JSON it printed."""

    def control(*arguments):
        environment = {"CLOUD_OPENAPI_BASE_URL": served[1]}
        ran = CliRunner().invoke(_group.group, ["control", *arguments], env=environment)
        assert (ran.exit_code, ran.stderr) == (0, "")
        return json.loads(ran.stdout)

    return control


def test_the_state_is_that_of_the_route(control, emulator):
    assert control("state") == json.loads(json.dumps(emulator.describe()))


def test_the_clock_is_shown_frozen_moved_and_run(control, emulator):
    assert control("clock", "show") == CLOCK
    assert control("clock", "freeze", "2026-03-09T08:00")["now"] == "2026-03-09T08:00:00+08:00"
    assert control("clock", "advance", "3600")["now"] == "2026-03-09T09:00:00+08:00"
    assert control("clock", "advance", "-60")["now"] == "2026-03-09T08:59:00+08:00"
    assert control("clock", "run", "2020-01-01")["frozen"] is False
    assert control("clock", "run")["offset"] == 0
    assert control("clock", "freeze")["frozen"] is True


def test_own_clock_of_a_mini_program_is_shown_and_moved(control, emulator):
    control("clock", "freeze", "2020-01-01", "--appid", OTHER)
    control("clock", "advance", "60", "--appid", OTHER)
    assert control("clock", "show", "--appid", OTHER)["now"] == "2020-01-01T00:01:00+08:00"
    assert control("clock", "show") == CLOCK


def test_a_mini_program_is_added_and_changed(control, emulator):
    limits = ["analysis.getDailyRetain=100", "/cgi-bin/token=5"]
    options = [f"--daily-limit={limit}" for limit in limits]
    expected = {
        "appid": "wxnew",
        "ready_hour": 9,
        "daily_limits": {DAILY: 100, "/cgi-bin/token": 5},
        "minute_limits": {},
        "cloud_run": False,
        "seed": 7,
    }
    settings = ["--secret", "s", "--ready-hour", "9", "--seed", "7", *options]
    assert control("app", "set", "wxnew", *settings) == control("app", "show", "wxnew") == expected
    assert emulator.apps["wxnew"] == "s"
    lifted = control("app", "set", "wxnew", "--daily-limit", f"{DAILY}=none")
    assert lifted == {**expected, "daily_limits": {"/cgi-bin/token": 5}}


def test_limits_of_the_minute_and_cloud_run_are_set(control, emulator):
    listed = '{"api_whitelist": ["/*"]}'
    settings = ["--minute-limit", f"{DAILY}=3", "--cloud-run", listed]
    shown = control("app", "set", OTHER, *settings)
    assert shown["minute_limits"] == {DAILY: 3}
    assert shown["cloud_run"] == {"api_whitelist": ["/*"], "ready": True, "own": True}
    assert control("app", "set", OTHER, "--cloud-run", "false")["cloud_run"] is False


def test_faults_are_added_listed_and_removed(control, emulator):
    only = ["--times", "2", "--api", "analysis.getDailyRetain", "--rate", "0.5"]
    added = control("faults", "add", "error", "--errcode", "61504", *only)
    expected = {"id": 1, "kind": "error", "errcode": 61504, "times": 2, "rate": 0.5}
    assert added == {**expected, "api": "analysis.getDailyRetain", "struck": 0}
    slow = control("faults", "add", "latency", "--seconds", '{"uniform": [0, 1]}')
    assert slow["seconds"] == {"uniform": [0, 1]}
    control("faults", "add", "html", "--appid", OTHER, "--until", "2026-03-12")
    assert [fault["id"] for fault in control("faults", "list")["faults"]] == [1, 2, 3]
    assert [fault["id"] for fault in control("faults", "remove", "2")["faults"]] == [1, 3]
    left = control("faults", "clear", "--appid", OTHER)["faults"]
    assert [fault["id"] for fault in left] == [1]
    assert control("faults", "clear") == {"faults": []}


def test_pins_are_added_listed_and_removed(control, emulator):
    what = ["--request", '{"begin_date": "20260310"}', "--response", '{"errcode": 61504}']
    added = control("pins", "add", "analysis.getDailyRetain", *what, "--times", "1")
    assert control("pins", "list") == {"pins": [added]}
    assert (added["request"], added["response"]) == (
        {"begin_date": "20260310"},
        {"errcode": 61504},
    )
    forced = control("pins", "add", "analysis.getDailyRetain", "--response", "[]", "--force")
    assert forced["force"] is True
    assert control("pins", "remove", "1") == {"pins": [forced]}
    assert control("pins", "clear") == {"pins": []}


def test_a_seed_and_a_reset(control, emulator):
    assert control("seed", "8") == {"seed": 8}
    control("app", "set", OTHER, "--ready-hour", "9")
    assert control("reset", OTHER) == {
        "appid": OTHER,
        "ready_hour": 0,
        "daily_limits": {},
        "minute_limits": {},
        "cloud_run": False,
    }
    assert emulator.seed == 8
    assert control("reset", "--all")["seed"] == 0


def call(emulator, body=b"{}"):
    token, _ = emulator.program(DEMO_APPID).tokens.grant()
    client = create_app(emulator).test_client()
    client.post(DAILY, query_string={"access_token": token}, data=body)


def test_the_journal_is_filtered(control, emulator):
    call(emulator)
    call(emulator, b"")
    assert control("journal") == {"entries": emulator.journal_entries()}
    filters = ["--appid", DEMO_APPID, "--api", "analysis.getDailyRetain", "--since", "2026-03-11"]
    (entry,) = control("journal", *filters, "--errcode", "44002", "--limit", "10")["entries"]
    assert entry["check"] == "body"


def test_the_journal_is_followed_entry_by_entry(served, emulator):
    call(emulator)
    arguments = [COMMAND, "control", "--url", served[1], "journal", "--follow"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        lines = [process.stdout.readline()]
        call(emulator, b"")
        call(emulator)
        lines += [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert (process.stdout.read(), process.wait(20)) == ("", 130)
        watchdog.cancel()
    assert [json.loads(line)["errcode"] for line in lines] == [61500, 44002, 61500]


def test_the_commands_of_the_page_run(served, emulator):
    for appid in ("wxone", "wxtwo"):
        emulator.configure_app(appid, secret="s")
    text = (ROOT / "docs/how-to/isolate-mini-programs.md").read_text("utf-8")
    lines = re.findall(r"^cloud-openapi (control (?!\[).*)$", text, re.MULTILINE)
    environment = {"CLOUD_OPENAPI_BASE_URL": served[1]}
    for line in lines:
        arguments = shlex.split(line.removesuffix(" --follow"))  # which has no end
        ran = CliRunner().invoke(_group.group, arguments, env=environment)
        assert ran.exit_code == 0, ran.output
    assert len(lines) == 5
    assert emulator.describe_app("wxthree")["ready_hour"] == 9
    assert [fault.appid for fault in emulator.faults.listed()] == ["wxtwo"]


# ---- what goes wrong -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["clock", "freeze", "soon"], "freeze is a time such as 2026-03-11T12:00, not 'soon'"),
        (["clock", "advance", "nan"], "advance is a number of seconds, not NaN"),
        (["clock", "show", "--appid", "wxunknown"], "appid is one of wxdemo000000000000, wxother"),
        (["app", "set", "wxnew", "--ready-hour", "9"], "appid is one of"),
        (["app", "set", OTHER, "--ready-hour", "25"], "ready_hour is a whole number from 0 to 24"),
        (["app", "show", "../state"], "There is no"),
        (["reset", "wxunknown"], "appid is one of"),
        (["faults", "add", "eror"], "kind is one of error, status"),
        (["faults", "add", "error"], "a fault of kind error needs errcode"),
        (["faults", "remove", "9"], "There is no fault 9 here."),
        (["journal", "--limit", "0"], "limit is at least 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_refusal_is_one_line_with_the_reason(failing, emulator, arguments, reason):
    before = emulator.describe()
    assert reason in failing(*arguments)
    assert emulator.describe() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["reset"],
        ["reset", OTHER, "--all"],
        ["seed", "x"],
        ["clock"],
        ["app", "set", OTHER, "--daily-limit", "5"],
        ["app", "set", OTHER, "--daily-limit", f"{DAILY}=x"],
        ["faults", "add", "latency", "--seconds", "{"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(served, arguments):
    ran = CliRunner().invoke(_group.group, ["control", "--url", served[1], *arguments])
    assert ran.exit_code == 2


def test_missing_emulator_is_reported_with_the_command_to_start_one(failing):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    message = failing("state", url=f"http://127.0.0.1:{port}")
    assert f"No emulator answers at http://127.0.0.1:{port}: start one with" in message


@pytest.mark.parametrize("url", ["127.0.0.1:7070", "http://", "ftp://127.0.0.1"])
def test_invalid_base_url_is_reported(failing, url):
    assert f'"{url.rstrip("/")}" is not a base URL' in failing("state", url=url)


# The second is what WeChat answers.
@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"errcode": 40066, "errmsg": "invalid url"}',
        b"[]",
        b"",
        b"\xff\xfe\x00",
        b"\x1f\x8b",
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a": NaN}',
    ],
    ids=lambda body: str(body[:12]),
)
def test_another_program_at_the_address_is_reported(failing, httpserver, body):
    httpserver.expect_request("/_emulator/state").respond_with_data(body)
    message = failing("state", url=httpserver.url_for("/"))
    assert "is not an emulator with control routes (HTTP 200 at /_emulator/state)" in message


@pytest.mark.parametrize("status", [301, 302, 307, 401, 500])
def test_a_page_of_another_program_is_reported_with_its_status(failing, httpserver, status):
    headers = {"Location": httpserver.url_for("/_emulator/state")}
    httpserver.expect_request("/_emulator/state").respond_with_data("<p>", status, headers)
    assert f"not an emulator with control routes (HTTP {status}" in failing(
        "state", url=httpserver.url_for("")
    )


def test_a_long_answer_of_another_program_is_cut_off(failing, httpserver, monkeypatch):
    monkeypatch.setattr(_control_client, "_MOST_BYTES", 1_000_000)
    httpserver.expect_request("/_emulator/state").respond_with_data(b" " * 1_000_001)
    assert "(more than 1,000,000 bytes at /_emulator/state)" in failing(
        "state", url=httpserver.url_for("")
    )


def test_an_answer_that_is_no_encoding_of_its_header_is_reported(failing, httpserver):
    httpserver.expect_request("/_emulator/state").respond_with_data(
        b"{}", headers={"Content-Encoding": "gzip"}
    )
    assert httpserver.url_for("").rstrip("/") in failing("state", url=httpserver.url_for(""))


@pytest.mark.parametrize(
    ("arguments", "path", "answer"),
    [
        (["control", "journal"], "journal", {"entries": 5}),
        (["control", "journal", "--follow"], "journal", {"entries": []}),
        (["logs", "hello"], "log", {"lines": []}),
        (["logs"], "log", {"lines": None, "next": 1}),
        (["logs", "--follow"], "log", {"lines": ["text"], "next": 1}),
        (["logs"], "log", {"lines": [{"function": "hello", "depth": "1"}], "next": 1}),
    ],
)
def test_json_of_another_program_is_reported(httpserver, monkeypatch, arguments, path, answer):
    httpserver.expect_request(f"/_emulator/{path}").respond_with_json(answer)
    monkeypatch.setenv("CLOUD_OPENAPI_BASE_URL", httpserver.url_for(""))
    ran = CliRunner().invoke(_group.group, arguments)
    assert isinstance(ran.exception, CloudOpenAPIError)
    assert "is not an emulator with control routes (no " in str(ran.exception)


def test_half_a_surrogate_pair_in_a_log_is_printed(httpserver):
    httpserver.expect_request("/_emulator/log").respond_with_json(
        {
            "lines": [
                {"function": "hello", "depth": 0, "text": text} for text in ("a\ud800b", "留存")
            ],
            "next": 2,
        }
    )
    ran = subprocess.run(
        [COMMAND, "logs", "hello", "--url", httpserver.url_for("")],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout == "a\\ud800b\n留存\n".encode()


def test_slow_emulator_is_reported_as_a_timeout(failing, httpserver, monkeypatch):
    monkeypatch.setattr(_control_client, "_TIMEOUT", 0.05)
    done = threading.Event()
    httpserver.expect_request("/_emulator/state").respond_with_handler(lambda _: done.wait(WAIT))
    try:
        assert "has not answered within 0.05 seconds" in failing(
            "state", url=httpserver.url_for("")
        )
    finally:
        done.set()


@pytest.mark.slow
def test_moving_the_clock_has_no_timeout(served, emulator, monkeypatch):
    monkeypatch.setattr(_control_client, "_TIMEOUT", 1)
    pause = [1.5]
    emulator.clock.listen(lambda: lambda **_: time.sleep(pause[0]) or [])
    ran = CliRunner().invoke(_group.group, ["control", "--url", served[1], "clock", "advance", "5"])
    # The emulator is that of the next tests too.
    pause[0] = 0
    assert ran.exit_code == 0, ran.output


PUBLIC = [
    "http://192.0.2.1:7070", "https://api.weixin.qq.com", "http://[2001:db8::1]:7070",
    "http://[::ffff:8.8.8.8]", "http://134744072", "http://0x08080808:7070", "http://8.8.2056",
    "http://10.0.0.1.evil.example", "http://emulator.corp.example:7070", "http://0.0.0.0:7070",
]  # fmt: skip


@pytest.mark.parametrize("url", PUBLIC)
def test_nothing_is_sent_to_another_machine(failing, monkeypatch, url):
    monkeypatch.setattr(requests.Session, "request", lambda *_a, **_k: pytest.fail("it was asked"))
    message = failing("app", "set", "wxreal", "--secret", "my-real-secret", url=url)
    assert f"{url} is another machine" in message
    assert "my-real-secret" not in message


@pytest.fixture
def elsewhere(monkeypatch):
    """Return a function that serves an emulator to which all names and addresses lead."""
    resolve = socket.getaddrinfo
    with ExitStack() as servers:

        def elsewhere(host, *, control):
            app = create_app(Emulator(), access=Access(wide=True, control=control))
            server = servers.enter_context(Server(app, listen("127.0.0.1", 0)))
            port = server.url.rpartition(":")[2]
            monkeypatch.setattr(
                socket, "getaddrinfo", lambda *_a, **_k: resolve("127.0.0.1", int(port))
            )
            return f"http://{host}:{port}"

        yield elsewhere


PRIVATE = ["emulator", "host.docker.internal", "10.1.2.3", "172.31.0.2", "192.168.0.9", "[fd00::2]"]


@pytest.mark.parametrize("host", PRIVATE)
def test_emulator_on_a_private_network_is_controlled(elsewhere, host):
    arguments = ["control", "--url", elsewhere(host, control=True), "app", "set", "wxnew"]
    ran = CliRunner().invoke(_group.group, [*arguments, "--secret", "s"])
    assert (ran.exit_code, ran.stderr) == (0, "")


def test_emulator_that_only_its_own_machine_controls_says_so(elsewhere, failing):
    assert "--control any" in failing("state", url=elsewhere("emulator", control=False))


def test_proxies_are_not_used(served, emulator, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    ran = CliRunner().invoke(_group.group, ["control", "--url", f"{served[1]}/", "state"])
    assert ran.exit_code == 0


def test_help_does_not_import_requests():
    source = "import sys; from cloud_openapi.cli import _group; print('requests' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", source],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert ran.stdout == "False\n"


def leaves(command, *path):
    """Yield the words of each command that has no subcommands."""
    if hasattr(command, "commands"):
        for name, each in command.commands.items():
            yield from leaves(each, *path, name)
    else:
        yield path, command


def test_each_command_takes_the_url_at_its_end():
    control = _group.group.get_command(None, "control")
    for path, command in leaves(control):
        assert any("--url" in each.opts for each in command.params), path


@pytest.mark.parametrize(
    "arguments",
    [
        ["state"],
        ["clock", "advance", "-5"],
        ["faults", "list"],
        ["pins", "add", "analysis.getDailyRetain", "--response", "{}", "--force"],
        ["app", "set", DEMO_APPID, "--ready-hour", "9"],
        ["journal"],
    ],
    ids=" ".join,
)
def test_url_is_taken_before_and_after_the_subcommand(served, emulator, arguments):
    for words in (["--url", served[1], *arguments], [*arguments, "--url", served[1]]):
        ran = CliRunner().invoke(_group.group, ["control", *words])
        assert (ran.exit_code, ran.stderr) == (0, "")


def test_url_at_the_end_overrides_the_one_before_and_the_variable(served, emulator):
    environment = {"CLOUD_OPENAPI_BASE_URL": "http://127.0.0.1:1"}
    arguments = ["control", "--url", "http://127.0.0.1:2", "state", "--url", served[1]]
    ran = CliRunner().invoke(_group.group, arguments, env=environment)
    assert (ran.exit_code, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["faults", "add", "latancy"], "latency"),
        (["faults", "add", "html", "--api", "getDailyRetain"], "analysis.getDailyRetain"),
        (["pins", "add", "analysis.getdailyretian", "--response", "{}"], "analysis.getDailyRetain"),
        (["journal", "--api", "analysis.getVisitPge"], "analysis.getVisitPage"),
        (["reset", "wxdemo00000000000"], DEMO_APPID),
        (["app", "set", "wxdemo00000000000", "--ready-hour", "1"], DEMO_APPID),
        (
            ["app", "set", DEMO_APPID, "--daily-limit", "getVisitPage=3"],
            "analysis.getVisitPage",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_name_like_a_known_one_is_suggested(failing, emulator, arguments, meant):
    assert f"(did you mean {meant}?)" in failing(*arguments)


def test_name_unlike_any_other_has_no_suggestion(failing, emulator):
    assert "did you mean" not in failing("faults", "add", "xyzzy")
