"""Arguments, variables and files that are no text: one line, exit code 1 or 2, and no traceback."""

import json
import os
import sys

import pytest

from cloud_openapi.cli import _group

DATES = ["--begin-date", "20170313", "--end-date", "20170313"]
PYTHON = "def main(event, context):\n    return event\n"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Return a function that runs a command, and gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "functions" / "hello").mkdir(parents=True)
    (tmp_path / "functions" / "hello" / "index.py").write_text(PYTHON)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["cloud-openapi", *arguments])
        with pytest.raises(SystemExit) as exit_info:
            _group.run()
        code = exit_info.value.code
        return code or 0, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (["logs", "\udcff"], 2),
        (["control", "app", "show", "\udcff"], 4),
        (["call", "analysis.getDailyRetain", *DATES, "--appid", "wx\udcff"], 8),
        (["call", "analysis.\udcff"], 2),
        (["check", "\udcff"], 2),
        (["invoke", "hello", "--data", '"\udcff"'], 4),
        (["record", "analysis.getDailyRetain", "--to", "\udcff"], 4),
        (["drift", "\udcff"], 2),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_argument_that_is_not_text_is_wrong_usage(run, arguments, number):
    expected = f"cloud-openapi: argument {number} is not text in UTF-8.\n"
    assert run(*arguments) == (2, "", expected)


def test_a_variable_that_is_not_text_is_named_without_its_value(run, monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_SECRET", "my-secret\udcff")
    expected = "cloud-openapi: CLOUD_OPENAPI_SECRET is not text in UTF-8.\n"
    assert run("apis") == (2, "", expected)


def test_a_file_with_such_a_name_may_be_an_argument(run, tmp_path):
    try:
        os.rename(tmp_path / "functions", tmp_path / "\udcff")  # noqa: PTH104 - a name of bytes
    except OSError:
        pytest.skip("file names are text here")
    code, _out, err = run("check", "hello", "--functions", "\udcff")
    assert (code, err) == (0, "")


@pytest.mark.parametrize("app", ["wx\udcff", "wx1:\udcff"])
def test_an_app_of_exec_that_is_not_text_is_one_line(run, app):
    expected = "cloud-openapi: --app: appids and secrets are text in UTF-8.\n"
    assert run("exec", "--app", app, "--", "true") == (1, "", expected)


def test_the_command_of_exec_gets_bytes_as_they_are(run):
    code = "import os, sys; sys.exit(os.fsencode(sys.argv[1]) != b'\\xff')"
    assert run("exec", "--", sys.executable, "-c", code, "\udcff")[0] == 0


# ---- files ---------------------------------------------------------------------------------

BROKEN = {
    "empty": b"",
    "garbage": bytes(range(256)),
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "digits": b'{"timeout": ' + b"9" * 5000 + b"}",
    "deep": b'{"a": ' * 100_000,
    "deep array": b"[" * 100_000,
    "NaN": b'{"timeout": NaN}',
    "Infinity": b'{"timeout": Infinity}',
    "array": b"[]",
    "folder": None,
}


def break_file(path, content):
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)


@pytest.mark.variants
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_config_json_is_a_problem_with_its_name(run, tmp_path, content):
    path = tmp_path / "functions" / "hello" / "config.json"
    break_file(path, content)
    code, out, err = run("check", "hello")
    assert (code, err) == (1, "")
    assert out.startswith("hello\n  functions/hello/config.json:")
    code, out, err = run("invoke", "hello")
    assert (code, out) == (1, "")
    assert str(path.resolve()) in err
    assert "Traceback" not in err


@pytest.mark.variants
@pytest.mark.parametrize("name", [name for name in BROKEN if name != "folder"])
def test_a_broken_cloudbaserc_is_a_problem_with_its_name(run, tmp_path, name):
    path = tmp_path / "cloudbaserc.json"
    break_file(path, BROKEN[name])
    code, out, err = run("check", "hello")
    assert (code, err) == (1, "")
    assert "hello\n  cloudbaserc.json:" in out


@pytest.mark.variants
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", ["package.json", "requirements.txt", ".env", "pins.json"])
def test_another_broken_file_beside_a_function_is_no_traceback(run, tmp_path, name, content):
    (tmp_path / "functions" / "hello" / "config.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "functions" / "hello"):
        break_file(folder / name, content)
    code, out, err = run("check", "hello")
    assert code == 0
    assert err == ""
    assert "1 function: 1 fine, 0 problems, " in out


@pytest.mark.parametrize("name", ["settings.json", "a.har", "a.json"])
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_of_a_command_is_one_line(run, tmp_path, name, content):
    path = tmp_path / name
    break_file(path, content)
    commands = {
        "settings.json": ["call", "analysis.getDailyRetain", *DATES, "--settings", name],
        "a.har": ["import", name, "--to", "recorded"],
    }
    code, out, err = run(*commands.get(name, ["verify", name]))
    assert code in (1, 2)
    assert out == ""
    assert name in err
    assert "Traceback" not in err


@pytest.mark.parametrize("value", [chr(0xD800), chr(0xDCFF), "a\0b"])
def test_a_variable_of_a_function_that_is_not_text_is_a_problem(run, tmp_path, value):
    path = tmp_path / "functions" / "hello" / "config.json"
    for name in ({"A": value}, {f"A{value}": "1"}):
        path.write_text(json.dumps({"envVariables": name}))
        code, out, err = run("check", "hello")
        assert (code, err) == (1, "")
        assert "no variable has a NUL or half a surrogate pair" in out
        assert run("invoke", "hello")[0] == 1
