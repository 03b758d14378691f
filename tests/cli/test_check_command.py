"""The command check: which functions, what it prints, what it changes, and its exit code."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.paths import ROOT
from support.sdk import node

from cloud_openapi.cli._group import group

FINE = "def main(event, context):\n    return 1\n"
CALLS = "def main(event, context, cloud=None):\n    cloud.openapi.analysis.getVisitPage()\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a folder with the functions ``fine`` and ``lacks``, which is the working directory."""
    folder = tmp_path.resolve()
    for name, source in (("fine", FINE), ("lacks", CALLS)):
        (folder / "functions" / name).mkdir(parents=True)
        (folder / "functions" / name / "index.py").write_text(source)
    monkeypatch.chdir(folder)
    return folder


def run(*arguments):
    result = CliRunner().invoke(group, ["check", *arguments])
    return result.exit_code, result.stdout, result.stderr


LACKS = """\
lacks
  functions/lacks/index.py:2:5: problem: missing-permission
    analysis.getVisitPage is not permitted (-604101 on the platform): add "analysis.getVisitPage" to permissions.openapi in functions/lacks/config.json
"""  # noqa: E501 - as it is printed
ALL = f"{LACKS}2 functions: 1 fine, 1 problem, 0 notes; --fix corrects 1 in config.json\n"


@pytest.mark.parametrize("arguments", [(), ("--all",), ("fine", "lacks")])
def test_all_functions_are_checked_without_a_name(project, arguments):
    assert run(*arguments) == (1, ALL, "")


def test_a_name_chooses_and_a_function_without_findings_is_fine(project):
    assert run("fine") == (0, "1 function: 1 fine, 0 problems, 0 notes\n", "")
    assert run("fine", "fine")[1].startswith("1 function")


def test_in_the_folder_of_a_function_only_that_one_is_checked(project, monkeypatch):
    (project / "functions" / "lacks" / "lib").mkdir()
    functions = ("--functions", str(project / "functions"))
    monkeypatch.chdir(project / "functions" / "lacks" / "lib")
    code, out, _err = run(*functions)
    assert (code, out.splitlines()[-1][:11]) == (1, "1 function:")
    assert run("--all", *functions)[1].splitlines()[-1].startswith("2 functions:")
    monkeypatch.chdir(project / "functions" / "fine")
    assert run(*functions)[0] == 0


@pytest.mark.parametrize("arguments", [("fine", "--all"), ("--nosuch",)])
def test_wrong_usage_is_2(project, arguments):
    assert run(*arguments)[0] == 2


def test_an_unknown_name_is_an_error_and_nothing_is_checked(project):
    result = CliRunner().invoke(group, ["check", "fine", "nosuch"])
    assert result.exit_code == 1
    assert "nosuch" in str(result.exception)
    assert result.stdout == ""


def test_notes_alone_are_0(project):
    permissions = {"permissions": {"openapi": ["analysis.getVisitPage"]}}
    (project / "functions" / "fine" / "config.json").write_text(json.dumps(permissions))
    code, out, _err = run("fine")
    assert code == 0
    assert "note: unused-permission" in out
    assert out.endswith("1 function: 1 fine, 0 problems, 1 note\n")


def test_no_functions_are_an_error_that_says_what_was_seen(project):
    (project / "empty").mkdir()
    result = CliRunner().invoke(group, ["check", "--all", "--functions", "empty"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There are no functions in empty" in str(result.exception)


def test_json_has_an_object_for_each_finding(project):
    code, out, err = run("--json")
    assert (code, err) == (1, "")
    (found,) = json.loads(out)
    message = found.pop("message")
    assert "-604101" in message
    config = str(project / "functions" / "lacks" / "config.json")
    assert found == {
        "function": "lacks",
        "file": str(project / "functions" / "lacks" / "index.py"),
        "line": 2,
        "column": 5,
        "severity": "problem",
        "code": "missing-permission",
        "fix": {"file": config, "add": "analysis.getVisitPage", "remove": ""},
    }
    assert run("fine", "--json") == (0, "[]\n", "")


def test_json_of_a_whole_file_has_no_line(project):
    (project / "functions" / "fine" / "index.py").write_text("")
    (found,) = json.loads(run("fine", "--json")[1])
    assert (found["code"], found["line"], found["column"]) == ("missing-handler", None, None)
    assert "fix" not in found


def test_fix_writes_config_json_and_says_what_it_changed(project):
    path = project / "functions" / "lacks" / "config.json"
    path.write_text('{"permissions": {"openapi": ["analysis.getVisitpage", "*"]}}')
    code, out, err = run("--fix")
    assert (code, out) == (0, "2 functions: 2 fine, 0 problems, 0 notes\n")
    assert err.splitlines() == [
        'functions/lacks/config.json: "analysis.getVisitpage" replaced by "analysis.getVisitPage"',
        'functions/lacks/config.json: "*" removed',
    ]
    assert path.read_text() == '{"permissions": {"openapi": ["analysis.getVisitPage"]}}'
    assert run("--fix") == (0, "2 functions: 2 fine, 0 problems, 0 notes\n", "")


def test_fix_creates_the_file_and_reports_what_remains(project):
    (project / "functions" / "lacks" / "index.py").write_text(f"import nosuch\n{CALLS}")
    code, out, err = run("lacks", "--fix", "--json")
    assert [each["code"] for each in json.loads(out)] == ["unlisted-package"]
    assert (code, err) == (1, 'functions/lacks/config.json: "analysis.getVisitPage" added\n')


def test_a_file_that_cannot_be_written_is_an_error_and_its_problems_remain(project, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied", "config.json")

    monkeypatch.setattr(Path, "replace", fail)
    code, out, err = run("lacks", "--fix")
    assert (code, out) == (1, ALL.replace("2 functions: 1 fine", "1 function: 0 fine"))
    assert err == "cloud-openapi: config.json: Permission denied.\n"


def test_details_are_indented_below_their_message(project):
    (project / "functions" / "fine" / "index.py").write_text("raise ValueError('no')\n")
    _code, out, _err = run("fine")
    assert out.startswith("fine\n  functions/fine/index.py:1: problem: does-not-load\n    it does")
    assert "\n    Traceback (most recent call last):\n" in out
    assert "\n    ValueError: no\n" in out


def test_one_command_installs_what_several_functions_list(project):
    for name in ("fine", "lacks"):
        folder = project / "functions" / name
        (folder / "index.py").write_text("import treasure\n" + FINE)
        (folder / "requirements.txt").write_text("treasure\n")
    install = "To install what all of them list: cloud-openapi install --all\n"
    assert run()[1].endswith(f" notes\n{install}")
    # Of one function, its finding says it.
    assert install not in run("fine")[1]


def test_a_folder_that_only_starts_a_web_function_is_named(project):
    (project / "functions" / "web").mkdir()
    (project / "functions" / "web" / "scf_bootstrap").write_text("#!/bin/bash\n")
    code, out, _err = run("--all")
    assert code == 1
    assert out.startswith(
        "(project)\n  functions/web: note: web-function\n    scf_bootstrap starts"
    )


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("index.ts", "has index.ts, but no index.js: compile it first"),
        ("package.json", "has no index.py and no index.js"),
        ("config.json", "has no index.py and no index.js"),
        ("README.md", ""),
    ],
)
def test_a_folder_with_the_files_of_a_function_but_no_entry_is_named(project, file, why):
    (project / "functions" / "built").mkdir()
    (project / "functions" / "built" / file).write_text("{}")
    _code, out, _err = run("--all")
    assert ("functions/built: note: missing-handler" in out) is bool(why)
    handler = "To use another file, set the function's handler in cloudbaserc.json"
    assert not why or f"    it is not a function: it {why}. {handler}\n" in out
    entries = [{"name": "built", "handler": "dist/index.main", "runtime": "Nodejs18.15"}]
    (project / "cloudbaserc.json").write_text(json.dumps({"functions": entries}))
    assert "it is not a function" not in run("--all")[1]


def test_an_entry_of_cloudbaserc_without_a_folder_is_named(project):
    entries = [{"name": "fine", "runtime": "Python3.10"}, {"name": "ghost"}]
    (project / "cloudbaserc.json").write_text(json.dumps({"functions": entries}))
    code, out, _err = run("fine")
    assert code == 0
    assert out.startswith(
        "(project)\n  cloudbaserc.json: note: not-read\n"
        '    functions, "ghost": its folder is missing, and it is not checked\n'
    )


def test_on_a_terminal_the_lines_fit_80_columns(project):
    """Run the command on a pseudo-terminal of 80 columns."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-c", "from cloud_openapi.cli import main; main()", "check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    with subprocess.Popen(command, stdout=follower, env=environment) as process:
        os.close(follower)
        printed = b""
        while chunk := _read(leader):
            printed += chunk
    os.close(leader)
    lines = printed.decode().splitlines()
    assert process.returncode == 1
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()) == " ".join(ALL.split())


def _read(descriptor):
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


def test_every_code_is_documented():
    """The pages name each code that the sources use, and no other."""
    package = ROOT / "cloud_openapi"
    files = [
        *(package / "runtime" / "check").glob("*.py"),
        package / "cli" / "_functions_folder.py",
    ]
    used = set()
    for file in files:
        used |= set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', file.read_text("utf-8")))
    used -= {"utf-8-sig", "utf-8"}
    for page in ("docs/reference/check.md", "docs/zh-CN/reference/check.md"):
        named = set(
            re.findall(
                r"^\| `([a-z]+(?:-[a-z]+)+)` \|", (ROOT / page).read_text("utf-8"), re.MULTILINE
            )
        )
        assert named == used


def test_one_process_parses_the_javascript_of_all_functions(project, monkeypatch):
    node()
    for name in ("one", "two", "three"):
        (project / "functions" / name).mkdir()
        (project / "functions" / name / "index.js").write_text("exports.main = () => 1\n")
    runs = []
    started = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: runs.append(a[0]) or started(*a, **k))
    assert run("one", "two", "three")[0] == 0
    assert [Path(command[0]).name for command in runs] == ["node"]
