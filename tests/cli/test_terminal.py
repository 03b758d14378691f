"""What is drawn on a terminal, and what goes into a pipe."""

import os
import re
import subprocess
import sys

import pytest
from support.paths import ROOT
from support.terminal import at_terminal

from cloud_openapi.cli import _terminal

COMMAND = [sys.executable, "-c", "from cloud_openapi.cli import main; main()"]
PROGRESS = (
    "import time\n"
    "from cloud_openapi.cli._terminal import progress\n"
    "with progress('[red]recording', 3) as advance:\n"
    "    for _ in range(3):\n"
    "        time.sleep(0.15)\n"
    "        advance()\n"
    "print('done')\n"
)


def in_pipe(command, **variables):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True)


def test_progress_is_drawn_at_a_terminal_and_erased():
    shown = at_terminal([sys.executable, "-c", PROGRESS])
    assert "[red]recording" in shown
    assert "3/3" in shown
    assert shown.replace("\x1b[?25h", "").rstrip().endswith("done")
    assert "\x1b[" in shown


@pytest.mark.parametrize("echo", ["click.echo", "print"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_lines_stand_above_the_progress_and_leave_no_bar_behind(echo, stream):
    to = {"click.echo": f"err={stream == 'stderr'}", "print": f"file=sys.{stream}"}[echo]
    line = "[red]" + "x" * 90
    code = PROGRESS.replace("import time", "import sys, time, click")
    code = code.replace("        advance()", f"        {echo}('{line}', {to}); advance()")
    shown = at_terminal([sys.executable, "-c", code])
    # Before each line the bar is erased.
    parts = [part.splitlines()[-1].rpartition("\x1b[2K")[2] for part in shown.split(line)[:-1]]
    assert parts == ["", "", ""]


@pytest.mark.slow
def test_check_draws_its_progress_for_several_functions(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.py").write_text("def main(event, context): pass\n")
    check = [*COMMAND, "check", "--functions", str(tmp_path)]
    assert "2/2" in at_terminal([*check, "--all"])
    assert at_terminal([*check, "one"]) == "1 function: 1 fine, 0 problems, 0 notes\r\n"


def test_progress_in_a_pipe_has_no_control_characters():
    ran = in_pipe([sys.executable, "-c", PROGRESS], FORCE_COLOR="1")
    assert (ran.stdout, ran.stderr) == ("done\n", "")


def test_progress_on_a_dumb_terminal_has_no_control_characters():
    assert at_terminal([sys.executable, "-c", PROGRESS], TERM="dumb") == "done\r\n"


def test_progress_of_a_long_run_is_a_line_now_and_then_in_a_pipe(monkeypatch, capsys):
    times = iter([0.0, 4.0, 11.0, 12.0, 30.0])
    monkeypatch.setattr(_terminal.clocks, "monotonic", lambda: next(times))
    with _terminal.progress("record", 4) as advance:
        for _ in range(4):
            advance()
    assert capsys.readouterr().err == "record: 2 of 4, about 11 s remain\n"


def test_apis_are_a_table_at_a_terminal_and_lines_in_a_pipe():
    shown = at_terminal([*COMMAND, "apis"])
    lines = [re.sub("\x1b\\[[\\d;]*m", "", line).rstrip() for line in shown.splitlines()]
    assert lines[1].split() == ["API,", "HTTPS", "state", "lacks"]
    assert max(map(len, lines)) <= 80
    piped = in_pipe([*COMMAND, "apis"]).stdout
    assert re.search(r"^analysis.getDailyRetain +simulated  POST /datacube/", piped, re.MULTILINE)


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_tables_have_colours_unless_no_color_is_set(variables, coloured):
    shown = at_terminal([*COMMAND, "apis"], **variables)
    assert ("\x1b[36m" in shown) is coloured


def test_help_does_not_load_rich():
    code = "import sys, cloud_openapi.cli._group, cloud_openapi.cli._terminal\n"
    ran = in_pipe([sys.executable, "-c", code + "print('rich' in sys.modules)"])
    assert ran.stdout == "False\n"
