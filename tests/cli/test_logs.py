"""cloud-openapi logs: the logs of one, several or all functions of a running emulator."""

import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.processes import WAIT, until
from support.serving import Served
from support.values import NOW

from cloud_openapi.cli import _group

COMMAND = Path(sys.executable).with_name("cloud-openapi")
PYTHON = "def main(event, context):\n    {}\n"
CALLS = """
const cloud = require('wx-server-sdk');
cloud.init({ env: 'local' });
exports.main = async () => {
  console.log('before');
  return (await cloud.callFunction({ name: 'prints', data: {} })).result;
};
"""


@pytest.fixture
def served(tmp_path, monkeypatch):
    with Served(tmp_path / "functions", monkeypatch) as served:
        served.write("prints", PYTHON.format("print('留存')"), file="index.py")
        served.write("fails", PYTHON.format("raise ValueError('no')"), file="index.py")
        yield served


@pytest.fixture
def logs(served):
    """Return a function that runs the command in this process."""

    def logs(*arguments):
        return CliRunner().invoke(_group.group, ["logs", "--url", served.url, *arguments])

    return logs


def invoke(served, *names):
    for name in names:
        served.functions.invoke(name, {}, NOW)


def kinds(ran):
    """Return the first words of the lines, with the function's name if there is one."""
    assert (ran.exit_code, ran.stderr) == (0, "")
    return [line.split("RequestId")[0].rstrip() for line in ran.stdout.splitlines()]


def test_log_of_one_function_has_no_names(served, logs):
    invoke(served, "prints", "fails")
    assert kinds(logs("prints")) == ["START", "留存", "Response", "END", "Report"]


def test_output_moves_no_cursor(served, logs):
    served.write("clears", PYTHON.format(r"print('\x1b[2J\r')"), file="index.py")
    invoke(served, "clears")
    assert kinds(logs("clears"))[1] == r"\x1b[2J"


def test_logs_of_all_functions_are_in_order_with_their_names(served, logs):
    invoke(served, "prints", "fails", "prints")
    lines = kinds(logs())
    assert lines[:5] == [
        "prints | START",
        "prints | 留存",
        "prints | Response",
        "prints | END",
        "prints | Report",
    ]
    assert lines[5] == "fails | START"
    assert lines[-1] == "prints | Report"
    assert kinds(logs("prints", "fails")) == lines


def test_several_functions_leave_out_the_others(served, logs):
    served.write("other", PYTHON.format("pass"), file="index.py")
    invoke(served, "prints", "other", "fails")
    assert not any("other" in line for line in kinds(logs("prints", "fails")))


def test_function_that_another_one_called_is_indented(served, logs):
    served.write("outer", CALLS)
    served.call("outer")
    lines = kinds(logs())
    assert lines.index("outer | before") < lines.index("  prints | 留存")
    assert lines.index("  prints | Report") < lines.index("outer | Report")


def test_failed_leaves_whole_invocations_that_failed(served, logs):
    invoke(served, "prints", "fails", "prints")
    lines = kinds(logs("--failed"))
    assert [lines[0], *lines[-3:]] == [
        "fails | START",
        "fails | ERROR",
        "fails | END",
        "fails | Report",
    ]
    assert not any("prints" in line for line in lines)
    assert kinds(logs("--failed", "prints")) == []


def test_limit_leaves_the_newest_lines(served, logs):
    invoke(served, "prints")
    assert kinds(logs("--limit", "2", "prints")) == ["END", "Report"]


@pytest.mark.parametrize("names", [["print"], ["fails", "print"]])
def test_unknown_function_is_refused_with_a_suggestion(logs, names):
    ran = logs(*names)
    assert 'no function "print"' in str(ran.exception)
    assert "Did you mean prints?" in str(ran.exception)


@contextmanager
def following(served, *arguments):
    command = [COMMAND, "logs", "--follow", "--url", served.url, *arguments]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, **given) as process:
        try:
            yield process
        finally:
            process.kill()


def test_follow_prints_each_line_once_until_it_is_interrupted_quietly(served):
    invoke(served, "prints")
    with following(served) as process:
        lines = iter(process.stdout.readline, "")
        first = [next(lines) for _ in range(5)]
        invoke(served, "fails")
        assert next(lines).startswith("fails | START")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=WAIT)
    assert first[0].startswith("prints | START")
    assert "prints | " not in rest
    assert (process.returncode, errors) == (130, "")


def test_follow_of_failures_waits_for_the_end_of_an_invocation(served):
    invoke(served, "fails")
    with following(served, "--failed") as process:
        lines = iter(process.stdout.readline, "")
        assert until(lambda: next(lines).startswith("fails | Report"))
        invoke(served, "prints", "fails")
        assert next(lines).startswith("fails | START")


def test_end_of_the_emulator_ends_follow_with_a_message(tmp_path, monkeypatch):
    with ExitStack() as left:
        with Served(tmp_path, monkeypatch) as served:
            served.write("prints", PYTHON.format("print(1)"), file="index.py")
            invoke(served, "prints")
            process = left.enter_context(following(served))
            lines = iter(process.stdout.readline, "")
            assert next(lines).startswith("prints | START")
        _, errors = process.communicate(timeout=WAIT)
    assert errors == f"cloud-openapi: The emulator at {served.url} has ended.\n"
    assert process.returncode == 1


# ---- the route -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("since=x", "since is a whole number"),
        ("since=-1", "since is a whole number"),
        ("since=" + "9" * 5000, "since is a whole number"),
        ("limit=0", "limit is a whole number, at least 1"),
        ("failed=yes", "failed is true or false"),
        ("functoin=prints", "the query may have function, since, failed, limit"),
        ("function=nosuch", 'no function \\"nosuch\\"'),
    ],
    ids=lambda text: text[:20],
)
def test_invalid_query_is_refused(served, query, message):
    answer = served.send("GET", f"/_emulator/log?{query}")
    assert answer.status in (400, 404)
    assert message in answer.body.decode()
