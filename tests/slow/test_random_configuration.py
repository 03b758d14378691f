"""Thousands of random files, arguments and answers: only documented errors, and no traceback."""

import json
import sys
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_openapi.cli import _group
from cloud_openapi.cli._control_client import ControlClient
from cloud_openapi.cli._emulator_options import EmulatorOptions
from cloud_openapi.errors import CloudOpenAPIError, ConfigError
from cloud_openapi.permissions import Permissions
from cloud_openapi.runtime import (
    CloudbaseRC,
    Functions,
    functions_folder,
    notes_of,
    references_outside,
)
from cloud_openapi.runtime._javascript_paths import javascript_references
from cloud_openapi.runtime._python_paths import python_references

pytestmark = pytest.mark.slow

MANY = settings(
    max_examples=2_000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FEW = settings(MANY, max_examples=300)

KEYS = [
    *("permissions", "openapi", "triggers", "timeout", "envVariables", "name", "type", "config"),
    *(
        "functions",
        "functionRoot",
        "functionDefaultConfig",
        "framework",
        "plugins",
        "use",
        "inputs",
    ),
    *("functionRootPath", "functionDistPath", "dir", "handler", "runtime", "memorySize", "envId"),
    *("dependencies", "cloudbase", "hello", "seed", "apps", "secret", "ready_hour", "A"),
]
TEXTS = [
    *(
        "hello",
        "..",
        "../a",
        "/",
        "a\0b",
        "\ud800",
        "x" * 300,
        "{{env.A}}",
        "{{tcb.envId}}",
        "{{",
        "*",
    ),
    *("@cloudbase/framework-plugin-function", "analysis.getDailyRetain", "0 0 2 1 * * *", "timer"),
    *("Python3.10", "Nodejs18.15", "index.main", "HTTP", "file:../a", "-r " + "x" * 300),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(TEXTS)
    | st.text(st.characters(exclude_categories=()))
)
KEY = st.sampled_from(KEYS) | st.text(st.characters(exclude_categories=()), max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=6),
    max_leaves=30,
)
ODD = st.sampled_from(
    [
        b"{" * 100_000,
        b'{"a":' * 100_000,
        b'{"timeout":' + b"9" * 5_000 + b"}",
        b"\xff\xfe{\0}\0",
        b"\xef\xbb\xbf{}",
        b'{"permissions": {}, "permissions": []}',
        b'A=1\nB=\'\nC="a\\nb"\nA.B=2\n',
        b"-r ../requirements.txt\n-c " + b"x" * 300 + b"\n-r \0\n",
    ]
)
CONTENTS = VALUES.map(lambda value: json.dumps(value).encode()) | st.binary() | ODD
FILES = [
    *("cloudbaserc.json", ".env", ".env.local", "package.json", "functions/hello/config.json"),
    *("functions/hello/package.json", "functions/hello/requirements.txt"),
]
CODE = st.lists(
    st.sampled_from(
        [
            *(
                "require(",
                "import ",
                "from ",
                "__dirname",
                "'../a'",
                '"..',
                "`${__dirname}/..",
                "//",
            ),
            *("/*", "*/", "\n", "\\", "/[", ")", ",", "+", "sys.path.append(", "Path(__file__)"),
            *(".parent", ".parents[", "1]", "os.path.join(", "open('../a')", "= ", "x", "(", "f'{"),
        ]
    )
    | st.text(max_size=3)
).map("".join)


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
    rc = CloudbaseRC(project / "functions")
    assert all(isinstance(text, str) for text in (*rc.unread(), *rc.read().notes, rc.read().wrong))
    functions = Functions(functions_folder(project), {})
    try:
        functions.timers()
        for name in functions:
            found = functions.settings_of(name)
            functions.permissions_of(name)
            assert all(isinstance(each, str) for each in (*notes_of(found), *found.problems))
            assert all(str(each) for each in references_outside(found))
    finally:
        functions.close()


@MANY
@given(CONTENTS)
def test_a_config_json_gives_permissions_or_a_config_error(project, content):
    path = project / "config.json"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            Permissions.load(path)
        except ConfigError as error:
            assert str(path) in str(error)


@MANY
@given(CONTENTS)
def test_a_settings_file_gives_an_emulator_or_a_config_error(project, content):
    path = project / "settings.json"
    path.write_bytes(content)
    try:
        EmulatorOptions(apps=(), seed=None, now=None, settings=path).emulator()
    except ConfigError as error:
        assert str(path) in str(error)


@MANY
@given(CODE)
def test_sources_give_lines_of_theirs(code):
    for find in (javascript_references, python_references):
        for line, text, module in find("index", code):
            assert 1 <= line <= code.count("\n") + 1
            assert text
            assert isinstance(module, bool)


# ---- the command ---------------------------------------------------------------------------

ODD_ARGUMENTS = [
    *(
        "nan",
        "inf",
        "-1",
        "9" * 5_000,
        "[" * 100_000,
        "\udcff",
        "x" * 5_000,
        "",
        "--",
        "-",
        "../..",
        "{}",
    ),
    *("20170313", "99991231", "00000000", "19000101..99991230", "..", "wx1:secret", "0001-01-01"),
    *(
        "hello",
        "analysis.getDailyRetain",
        "analysis.getDailyRetian",
        "NAME:0",
        "http://[",
        "http://\x7f",
    ),
]
OPTIONS = [
    *(
        "--data",
        "--begin-date",
        "--end-date",
        "--dates",
        "--to",
        "--pause",
        "--base-url",
        "--appid",
    ),
    *("--app", "--seed", "--now", "--settings", "--form", "--side", "--config", "--functions"),
    *("--against", "--report", "--output", "--url", "--limit", "--since", "--kind", "--help"),
]
COMMANDS = [
    ["apis"],
    ["schema"],
    ["openapi"],
    ["call", "analysis.getDailyRetain"],
    ["record", "analysis.getDailyRetain", "--base-url", "http://127.0.0.1:1", "--to", "recorded"],
    [
        "record",
        "analysis.getPerformanceData",
        "--base-url",
        "http://127.0.0.1:1",
        "--to",
        "recorded",
    ],
    ["import"],
    ["verify"],
    ["drift"],
    ["install"],
    ["logs", "--url", "http://127.0.0.1:1"],
    *(
        ["control", "--url", "http://127.0.0.1:1", *rest]
        for rest in (["clock", "advance"], ["seed"], ["app", "set"], ["faults", "add"], ["journal"])
    ),
]
WORDS = st.sampled_from([*ODD_ARGUMENTS, *OPTIONS]) | st.text(
    st.characters(exclude_categories=(), exclude_characters="\0"), max_size=8
)


@FEW
@given(st.sampled_from(COMMANDS), st.lists(WORDS, max_size=6))
def test_a_command_ends_with_0_1_or_2_and_no_traceback(
    project, monkeypatch, capsys, command, words
):
    monkeypatch.setattr(sys, "argv", ["cloud-openapi", *command, *words])
    with pytest.raises(SystemExit) as exit_info:
        _group.run()
    out, err = capsys.readouterr()
    assert exit_info.value.code in (None, 0, 1, 2)
    assert "Traceback" not in out + err


@FEW
@given(
    st.sampled_from(
        ["APPID", "SECRET", "BASE_URL", "NOW", "SEED", "TIMEOUT", "TRANSPORT", "APP", "FORM"]
    ),
    st.sampled_from([each for each in ODD_ARGUMENTS if len(each) < 100_000]) | st.text(max_size=8),
)
def test_a_variable_of_the_command_gives_no_traceback(project, capsys, name, value):
    if "\0" in value or not value.isprintable():
        value = "\udcff"
    argv = [
        "cloud-openapi",
        "call",
        "analysis.getDailyRetain",
        "--begin-date",
        "1",
        "--end-date",
        "2",
    ]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv(f"CLOUD_OPENAPI_{name}", value)
        monkeypatch.setattr(sys, "argv", argv)
        monkeypatch.setenv("no_proxy", "*")
        with pytest.raises(SystemExit) as exit_info:
            _group.run()
    assert exit_info.value.code in (None, 0, 1, 2)
    assert "Traceback" not in "".join(capsys.readouterr())


@FEW
@given(CONTENTS, st.sampled_from([200, 201, 204, 302, 400, 404, 500]))
def test_a_stranger_at_the_emulators_address_is_an_error_or_json(httpserver, content, status):
    httpserver.clear()
    httpserver.expect_request("/_emulator/journal").respond_with_data(content, status)
    client = ControlClient(httpserver.url_for(""))
    try:
        answer = client.read("journal", {"entries": list, "last": int})
    except CloudOpenAPIError as error:
        assert str(error)
    else:
        assert isinstance(answer, dict)
