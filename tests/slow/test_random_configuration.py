"""Thousands of random files, arguments and answers: only documented errors, and no traceback."""

import contextlib
import json
import re
import sys
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sdk import node

from cloud_openapi.cli import _group
from cloud_openapi.cli._control_client import ControlClient
from cloud_openapi.cli._emulator_options import EmulatorOptions
from cloud_openapi.cli._functions_folder import notes_on_rc
from cloud_openapi.errors import CloudOpenAPIError, ConfigError
from cloud_openapi.permissions import Permissions
from cloud_openapi.runtime import (
    CloudbaseRC,
    Functions,
    find_project,
    nothing_found,
)
from cloud_openapi.runtime.check import check_functions, references_outside
from cloud_openapi.runtime.check._javascript import javascript_facts
from cloud_openapi.runtime.check._python import python_facts

pytestmark = pytest.mark.slow

MANY = settings(
    max_examples=2_000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FEW = settings(MANY, max_examples=300)

KEYS = (
    *("permissions", "openapi", "triggers", "timeout", "envVariables", "name", "type", "config"),
    *("functions", "functionRoot", "functionDefaultConfig", "framework", "plugins", "use"),
    *("inputs", "functionRootPath", "dir", "handler", "runtime", "memorySize", "envId", "hello"),
    *("dependencies", "cloudbase", "seed", "apps", "secret", "ready_hour"),
)
TEXTS = (
    *("hello", "..", "../a", "/", "a\0b", "\ud800", "x" * 300, "{{env.A}}", "{{", "*", "timer"),
    *("@cloudbase/framework-plugin-function", "analysis.getDailyRetain", "0 0 2 1 * * *"),
    *("Python3.10", "Nodejs18.15", "index.main", "HTTP", "file:../a"),
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=9)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS) | ANY_TEXT
KEY = st.sampled_from(KEYS) | ANY_TEXT
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=6),
    max_leaves=20,
)
ENTRY_KEYS = (
    *("dir", "handler", "runtime", "timeout", "memorySize", "envVariables", "config", "type"),
    *("layers", "triggers", "functionDistPath", "memory"),
)
ENTRY = st.fixed_dictionaries(
    {"name": st.sampled_from(["hello", *TEXTS])},
    optional=dict.fromkeys(ENTRY_KEYS, LEAVES | VALUES),
)
INPUTS = st.fixed_dictionaries(
    {"functions": st.lists(ENTRY, max_size=2)},
    optional={"functionRootPath": LEAVES, "functionDefaultConfig": ENTRY | VALUES},
)
PLUGIN = st.fixed_dictionaries(
    {"use": st.just("@cloudbase/framework-plugin-function"), "inputs": INPUTS}
)
RC = st.fixed_dictionaries(
    {"functions": st.lists(ENTRY, max_size=3)},
    optional={
        "envId": LEAVES,
        "functionRoot": LEAVES | st.just("functions"),
        "functionDefaultConfig": ENTRY | VALUES,
        "framework": st.fixed_dictionaries({"plugins": st.dictionaries(KEY, PLUGIN, max_size=2)}),
    },
)
CONFIG = st.fixed_dictionaries(
    {},
    optional={
        "permissions": st.fixed_dictionaries({"openapi": st.lists(LEAVES, max_size=3) | LEAVES}),
        "triggers": st.lists(VALUES, max_size=2),
        "timeout": LEAVES,
        "envVariables": st.dictionaries(KEY, LEAVES, max_size=3),
    },
)
BROKEN = st.sampled_from(
    [
        b"{" * 100_000,
        b'{"timeout":' + b"9" * 5_000 + b"}",
        b"\xff\xfe{\0}\0",
        b"\xef\xbb\xbf{}",
        b'{"permissions": {}, "permissions": []}',
        b'A=1\nB=\'\nC="a\\nb"\nA.B=2\n',
        b"-r ../requirements.txt\n-c " + b"x" * 300 + b"\n-r \0\n",
    ]
)
JSON = (RC | CONFIG | VALUES).map(lambda value: json.dumps(value).encode())
CONTENTS = JSON | st.binary() | BROKEN
FILES = [
    *("cloudbaserc.json", ".env", ".env.local", "package.json", "functions/hello/config.json"),
    *("functions/hello/package.json", "functions/hello/requirements.txt"),
]
PIECES = (
    *("require(", "import ", "from ", "__dirname", "'../a'", '"..', "`${__dirname}/..", "//", "/*"),
    *("*/", "\n", "\\", "/[", ")", ",", "+", "sys.path.append(", "Path(__file__)", ".parent"),
    *(".parents[", "1]", "os.path.join(", "open('../a')", "= ", "x", "(", "f'{"),
)
CODE = st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join)


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "functions" / "hello").mkdir(parents=True)
    (tmp_path / "functions" / "hello" / "index.py").write_text("def main(e, c):\n    return e\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def write(project, files):
    for name in FILES:
        path = project / name
        path.unlink(missing_ok=True)
        if name in files:
            path.write_bytes(files[name])


@MANY
@given(st.dictionaries(st.sampled_from(FILES), CONTENTS, max_size=4))
def test_files_of_a_project_give_problems_and_no_errors(project, files):
    write(project, files)
    folder = project / "functions"
    rc = CloudbaseRC(folder)
    assert all(isinstance(text, str) for text in (*notes_on_rc(folder), rc.read().wrong))
    functions = Functions(find_project(project).functions, {})
    try:
        functions.timers()
        findings = check_functions(
            [functions.settings_of(name) for name in functions], lambda _: (), lambda: None
        )
        assert all(each.code and each.message and each.as_json() for each in findings)
        for name in functions:
            found = functions.settings_of(name)
            functions.permissions_of(name)
            assert all(isinstance(each, str) for each in found.problems)
            assert all(str(each) for each in references_outside(found))
    finally:
        functions.close()


DEVTOOLS = ("project.config.json", "project.private.config.json")
ROOT = st.fixed_dictionaries(
    {
        "cloudfunctionRoot": LEAVES
        | st.sampled_from(["functions/", ".\\\\functions", "functions/hello"])
    }
)


@MANY
@given(st.dictionaries(st.sampled_from(DEVTOOLS), ROOT | VALUES, min_size=1))
def test_a_project_of_devtools_is_found_or_a_config_error(project, files):
    for name in DEVTOOLS:
        (project / name).unlink(missing_ok=True)
    for name, content in files.items():
        (project / name).write_text(json.dumps(content))
    for start in (project, project / "functions", project / "functions" / "hello"):
        with contextlib.suppress(ConfigError):
            found = find_project(start)
            assert isinstance(found.found_by, str)
            assert all(isinstance(text, str) for text in found.looked)
            assert isinstance(nothing_found(found.functions), str)


@MANY
@given(CONTENTS)
def test_a_config_json_gives_permissions_or_a_config_error(project, content):
    path = project / "config.json"
    path.write_bytes(content)
    with warnings.catch_warnings(), contextlib.suppress(ConfigError):
        warnings.simplefilter("ignore", UserWarning)
        Permissions.load(path)


@MANY
@given(CONTENTS)
def test_a_settings_file_gives_an_emulator_or_a_config_error(project, content):
    path = project / "settings.json"
    path.write_bytes(content)
    with contextlib.suppress(ConfigError):
        EmulatorOptions(apps=(), seed=None, now=None, settings=path).emulator()


@MANY
@given(CODE)
def test_sources_in_python_give_places_of_theirs(code):
    check_places(code, python_facts("index.py", code))


@settings(MANY, max_examples=20)
@given(st.lists(CODE, min_size=100, max_size=200))
def test_sources_in_javascript_give_places_of_theirs(tmp_path, codes):
    node()
    for number, code in enumerate(codes):
        (tmp_path / f"{number}.js").write_text(code, "utf-8", "surrogatepass", newline="")
    found = javascript_facts([str(tmp_path / f"{number}.js") for number in range(len(codes))])
    for code, facts in zip(codes, found.values(), strict=True):
        check_places(code, facts)


def check_places(code, facts):
    lines = len(re.split(r"\r\n|[\n\r\u2028\u2029\f\v]", code))
    for each in (*facts.calls, *facts.unresolved, *facts.modules, *facts.paths):
        assert 1 <= each.line <= lines
        assert each.column >= 1


# ---- the command ---------------------------------------------------------------------------

ODD = (
    *("nan", "inf", "-1", "9" * 5_000, "[" * 100_000, "\udcff", "x" * 5_000, "", "--", "-", ".."),
    *("20170313", "99991231", "00000000", "19000101..99991230", "wx1:secret", "0001-01-01"),
    *("hello", "analysis.getDailyRetain", "analysis.getDailyRetian", "http://["),
)
OPTIONS = (
    *("--data", "--begin-date", "--end-date", "--dates", "--to", "--pause", "--base-url"),
    *("--app", "--seed", "--now", "--settings", "--form", "--side", "--config", "--functions"),
    *("--against", "--report", "--output", "--url", "--limit", "--since", "--kind", "--help"),
)
NOBODY = "http://127.0.0.1:1"
COMMANDS = [
    ["apis"],
    ["schema"],
    ["openapi"],
    ["call", "analysis.getDailyRetain"],
    ["record", "analysis.getDailyRetain", "--base-url", NOBODY, "--to", "recorded"],
    ["record", "analysis.getPerformanceData", "--base-url", NOBODY, "--to", "recorded"],
    ["import"],
    ["verify"],
    ["drift"],
    ["install"],
    ["logs", "--url", NOBODY],
    ["control", "--url", NOBODY, "clock", "advance"],
    ["control", "--url", NOBODY, "seed"],
    ["control", "--url", NOBODY, "app", "set"],
    ["control", "--url", NOBODY, "faults", "add"],
    ["control", "--url", NOBODY, "journal"],
]
WORDS = st.sampled_from([*ODD, *OPTIONS]) | st.text(
    st.characters(exclude_categories=(), exclude_characters="\0"), max_size=8
)


def run(*arguments):
    """Run the command in this process, and return its exit code."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "argv", ["cloud-openapi", *arguments])
        with pytest.raises(SystemExit) as exit_info:
            _group.run()
    return exit_info.value.code or 0


@FEW
@given(st.sampled_from(COMMANDS), st.lists(WORDS, max_size=6))
def test_a_command_ends_with_0_1_or_2_and_no_traceback(project, capsys, command, words):
    assert run(*command, *words) in (0, 1, 2)
    assert "Traceback" not in "".join(capsys.readouterr())


@FEW
@given(
    st.sampled_from(["APPID", "SECRET", "BASE_URL", "NOW", "SEED", "TIMEOUT", "TRANSPORT", "APP"]),
    st.sampled_from([text for text in ODD if len(text) < 100_000]),
)
def test_a_variable_of_the_command_gives_no_traceback(project, capsys, name, value):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv(f"CLOUD_OPENAPI_{name}", value)
        code = run("call", "analysis.getDailyRetain", "--begin-date", "1", "--end-date", "2")
    assert code in (0, 1, 2)
    assert "Traceback" not in "".join(capsys.readouterr())


@FEW
@given(CONTENTS, st.sampled_from([200, 201, 302, 400, 404, 500]))
def test_a_stranger_at_the_emulators_address_is_an_error_or_json(httpserver, content, status):
    httpserver.clear()
    httpserver.expect_request("/_emulator/journal").respond_with_data(content, status)
    client = ControlClient(httpserver.url_for(""))
    with contextlib.suppress(CloudOpenAPIError):
        assert isinstance(client.read("journal", {"entries": list, "last": int}), dict)
