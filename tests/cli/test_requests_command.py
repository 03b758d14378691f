"""cloud-openapi requests: requests to a running emulator and invocations, on the terminal."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.cells import cell_len as width
from support.processes import WAIT
from support.values import DAILY, NOW, OTHER

from cloud_openapi import clocks
from cloud_openapi.cli import _group
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, Entry, Server, create_app, listen
from cloud_openapi.runtime import Ended, Functions

COMMAND = Path(sys.executable).with_name("cloud-openapi")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
RETAIN, SUMMARY = "analysis.getDailyRetain", "analysis.getDailySummary"
A_DAY = 86400
ADVICE = "add the API to permissions.openapi"
FUNCTIONS = {"good": "return 1", "bad": "raise ValueError('no such day')"}
REASON = f"{ADVICE} in functions/daily/config.json " * 3


class Running:
    """An emulator on a socket, its functions, and the command."""

    def __init__(self, emulator, url, functions=None):
        self.emulator = emulator
        self.url = url
        self.functions = functions

    def invoke(self, *names):
        for name in names:
            self.functions.invoke(name, {}, NOW)

    def keep(self, appid=DEMO_APPID, **given):
        usual = {
            "time": NOW, "method": "POST", "path": DAILY, "apis": (RETAIN,), "appid": appid,
            "body": b'{"begin_date": "20260310"}', "errcode": 0, "check": "simulation",
            "milliseconds": 1.25, "begun": clocks.monotonic(),
        }  # fmt: skip
        self.emulator.keep(self.emulator.program(appid), Entry(**{**usual, **given}))

    def run(self, *arguments):
        return CliRunner().invoke(_group.group, ["requests", "--url", self.url, *arguments])

    def lines(self, *arguments):
        ran = self.run(*arguments)
        assert (ran.exit_code, ran.stderr) == (0, "")
        return ran.stdout.splitlines()

    def start(self, *arguments, **given):
        command = [COMMAND, "requests", "--url", self.url, *arguments]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **given
        )


@pytest.fixture
def running(tmp_path):
    for name, source in FUNCTIONS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.py").write_text(f"def main(event, context):\n    {source}\n")
    emulator = Emulator(clock=Clock(NOW), apps={DEMO_APPID: DEMO_SECRET, OTHER: "s"})
    with closing(Functions(tmp_path, {})) as functions:
        app = create_app(emulator, functions)
        with Server(app, listen("127.0.0.1", 0)) as server:
            yield Running(emulator, server.url, functions)


@pytest.fixture
def several(running):
    """Keep a good request, the calls of two functions, and one of another mini program."""
    running.keep()
    running.keep(errcode=61501, reason="the dates are wrong", function="daily", via="gateway")
    running.keep(apis=(SUMMARY,), function="other", via="gateway")
    running.keep(OTHER, status=500, errcode=0, begun=clocks.monotonic() + A_DAY)
    return running


def test_request_is_a_line_below_its_day(running):
    running.keep()
    day, line = running.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
    assert re.fullmatch(rf"\d\d:\d\d:\d\d {RETAIN:32}       ok   1\.2 ms", line)


def test_failure_has_its_function_its_reason_and_its_page(several):
    line = several.lines()[2]
    assert line.endswith(
        f"   61501   1.2 ms  by daily  the dates are wrong  → {several.url}/_console/requests/2"
    )


def test_each_new_day_has_a_line(several):
    days = [line for line in several.lines() if re.fullmatch(r"\d+-\d\d-\d\d", line)]
    assert len(days) == 2
    assert days[0] < days[1]


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["--failed"], [2, 4]),
        (["--function", "daily"], [2]),
        (["--api", SUMMARY], [3]),
        (["--errcode", "61501"], [2]),
        (["--errcode", "0"], [1, 3, 4]),
        (["--appid", OTHER], [4]),
        (["--form", "https"], [1, 4]),
        (["--form", "cloud", "--failed"], [2]),
        (["dates are WRONG"], [2]),
        (["--limit", "2"], [3, 4]),
    ],
)
def test_filters(several, arguments, numbers):
    lines = several.lines("--json", *arguments)
    assert [json.loads(line)["number"] for line in lines] == numbers


def test_verbose_adds_the_request_and_its_ids(several):
    shown = "\n".join(several.lines("--verbose", "--limit", "1"))
    assert 'request {"begin_date": "20260310"}' in shown
    assert f"appid {OTHER}" in shown


def test_what_a_client_sent_moves_no_cursor(running):
    running.keep(apis=(), path="/\x1b[2J\r", errcode=-1, reason="\x1b]0;title\x07")
    assert not [sign for sign in "\x1b\r\x07" if sign in "".join(running.lines("--verbose"))]


@pytest.mark.parametrize("arguments", [[], ["--failed"], ["--json"]])
def test_nothing_found_is_said_on_stderr(running, arguments):
    ran = running.run(*arguments)
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "No request" in ran.stderr


def test_unknown_api_is_refused_with_a_suggestion(running):
    assert f"did you mean {RETAIN}?" in str(
        running.run("--api", "analysis.getDailyRetian").exception
    )


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--form", "htps"], ["--errcode", "x"]])
def test_invalid_options_are_refused(running, arguments):
    assert running.run(*arguments).exit_code == 2


# ---- invocations ---------------------------------------------------------------------------


def names(lines):
    """Return the names of the calls, without their days and times."""
    return [line.split()[1] for line in lines if " " in line]


def test_invocations_stand_among_the_requests_in_the_order_of_their_ends(running):
    running.invoke("good")
    running.keep(function="bad", via="gateway")
    running.invoke("bad")
    assert names(running.lines()) == ["good", RETAIN, "bad"]
    assert names(running.lines("--limit", "2")) == [RETAIN, "bad"]


def test_failed_invocation_has_its_error_and_its_page(running):
    running.invoke("good", "bad")
    _day, line = running.lines("--failed")
    invocation = running.functions.ended[-1].invocation
    assert re.search(
        rf"bad +430 .*  ValueError: no such day  → \S+/_console/traces/{invocation}", line
    )


def test_reason_that_a_call_has_told_is_not_repeated_by_its_invocation(running):
    execution = {"function": "bad", "via": "gateway", "invocation": "i1", "errcode": 61501}
    running.keep(**execution, reason="the date is wrong")
    ended = Ended("bad", 430, 50.0, "errCode: 61501", f"{RETAIN} 61501: the date is wrong", 0,
                  "wx_client", "i1", "", clocks.monotonic())  # fmt: skip
    running.functions.ended.append(ended._replace(number=1))
    assert "\n".join(running.lines()).count("the date is wrong") == 1
    assert "the date is wrong" in running.lines("--form", "function")[1]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--function", "bad"], [RETAIN, "bad"]),
        (["--form", "function"], ["good", "bad"]),
        (["--form", "cloud"], [RETAIN]),
        (["SUCH day"], ["bad"]),
        *((each, [RETAIN]) for each in (["--api", RETAIN], ["--errcode", "0"])),
        (["--appid", DEMO_APPID], [RETAIN]),
    ],
)
def test_filters_of_invocations(running, arguments, found):
    running.invoke("good")
    running.keep(function="bad", via="gateway")
    running.invoke("bad")
    assert names(running.lines(*arguments)) == found


def test_json_of_an_invocation_has_its_fields(running):
    running.invoke("bad")
    described = json.loads(running.lines("--json")[0])
    assert described.keys() == {
        "number", "answered", "function", "status", "milliseconds", "message", "reason", "depth",
        "source", "invocation", "parent",
    }  # fmt: skip
    assert (described["function"], described["status"]) == ("bad", 430)


def test_follow_prints_new_invocations(running):
    running.invoke("good")
    with running.start("--follow", "--form", "function", "--json") as process:
        assert json.loads(process.stdout.readline())["function"] == "good"
        running.invoke("bad")
        assert json.loads(process.stdout.readline())["function"] == "bad"
        process.kill()
        process.communicate(timeout=WAIT)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"since": "x"}, "since is a whole number"),
        ({"limit": "0"}, "limit is a whole number, at least 1"),
        ({"failed": "yes"}, "failed is true or false"),
        ({"functoin": "good"}, "the query may have function, failed, text, since, limit"),
    ],
)
def test_invalid_query_of_the_route_is_refused(query, message, tmp_path):
    client = create_app(Emulator(), Functions(tmp_path, {})).test_client()
    answer = client.get("/_emulator/invocations", query_string=query)
    assert answer.status_code == 400
    assert message in answer.json["message"]


def test_emulator_without_functions_has_no_invocations():
    client = create_app(Emulator()).test_client()
    assert client.get("/_emulator/invocations").json == {"invocations": [], "next": 0}


# ---- a terminal ----------------------------------------------------------------------------


def on_terminal(running, **variables):
    """Return what is printed on a terminal of 80 columns."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    kept = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    subprocess.run(
        [COMMAND, "requests", "--verbose", "--url", running.url],
        stdout=follower, stderr=follower, env={**kept, **variables}, check=True, timeout=WAIT,
    )  # fmt: skip
    os.close(follower)
    with os.fdopen(leader, "rb", 0) as output:
        return output.read(65536).decode().replace("\r\n", "\n")


def test_lines_fit_on_a_terminal_and_have_colours(running):
    running.keep(errcode=-604101, reason=REASON, function="daily", rid="6b0b605c-d25c4965-211ab499")
    shown = on_terminal(running)
    assert "\x1b[31m" in shown
    lines = ESCAPE.sub("", shown).splitlines()
    assert [line for line in lines if width(line) > 80] == []
    assert " ".join(" ".join(lines).split()).count(ADVICE) == 3


def test_no_color_is_respected(running):
    running.keep(errcode=-1)
    assert "\x1b" not in on_terminal(running, NO_COLOR="1")


# ---- --follow ------------------------------------------------------------------------------


def test_follow_prints_each_request_once_until_it_is_interrupted_quietly(running):
    running.keep(errcode=1)
    with running.start("--follow", "--failed", "--json") as process:
        assert json.loads(process.stdout.readline())["number"] == 1
        running.keep()
        running.keep(errcode=2)
        assert json.loads(process.stdout.readline())["number"] == 3
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=WAIT)
    assert (process.returncode, rest, errors) == (130, "", "")


def test_follow_waits_for_the_first_request(running):
    with running.start("--follow") as process:
        assert "No request" in process.stderr.readline()
        running.keep()
        assert re.fullmatch(r"\d+-\d\d-\d\d\n", process.stdout.readline())
        assert RETAIN in process.stdout.readline()
        process.kill()
        process.communicate(timeout=WAIT)


def test_end_of_the_emulator_ends_follow_with_a_message():
    emulator = Emulator()
    with Server(create_app(emulator), listen("127.0.0.1", 0)) as server:
        running = Running(emulator, server.url)
        running.keep()
        process = running.start("--follow")
        assert process.stdout.readline()
    _, errors = process.communicate(timeout=WAIT)
    assert errors == f"cloud-openapi: The emulator at {server.url} has ended.\n"
    assert process.returncode == 1


def test_without_an_emulator_the_command_that_starts_one_is_named():
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    ran = CliRunner().invoke(_group.group, ["requests", "--url", f"http://127.0.0.1:{port}"])
    assert "start one with cloud-openapi serve" in str(ran.exception)
