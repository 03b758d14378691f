"""cloudbaserc.json gets what an entry lacks; the rest stays, and no secret is written."""

import json

import pytest

from cloud_openapi import ConfigError
from cloud_openapi.runtime import Functions
from cloud_openapi.runtime.packing import add_entry, rc_path

ADDED = ("runtime", "handler", "timeout", "memorySize")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "functions" / "hello"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text("def main(event, context):\n    return event\n")
    return tmp_path


def edit(project, *variables, config=None):
    """Package ``hello``'s settings into cloudbaserc.json; return the edit."""
    if config is not None:
        (project / "functions" / "hello" / "config.json").write_text(json.dumps(config))
    functions = Functions(project / "functions", {})
    try:
        settings = functions.settings_of("hello")
    finally:
        functions.close()
    return add_entry(settings, rc_path(functions.folder), variables)


def test_a_new_file_has_all_that_deploying_needs(project):
    timer = {"name": "daily", "type": "timer", "config": "0 0 9 * * * *"}
    config = {"timeout": 20, "envVariables": {"KEY": "secret-value"}, "triggers": [timer]}
    made = edit(project, "OTHER", config=config)
    assert made.path == project / "cloudbaserc.json"
    text = made.path.read_text()
    assert json.loads(text) == {
        "version": "2.0",
        "envId": "{{env.ENV_ID}}",
        "functionRoot": "./functions",
        "functions": [
            {
                "name": "hello",
                "runtime": "Python3.10",
                "handler": "index.main",
                "timeout": 20,
                "memorySize": 256,
                "triggers": [timer],
                "envVariables": {"KEY": "{{env.KEY}}", "OTHER": "{{env.OTHER}}"},
            }
        ],
    }
    assert "secret-value" not in text
    (project / "other").touch()
    assert made.path.stat().st_mode == (project / "other").stat().st_mode


NEW = """\
"functions": [
    {
      "name": "hello",
      "runtime": "Python3.10",
      "handler": "index.main",
      "timeout": 5,
      "memorySize": 256,
      "envVariables": {
        "KEY": "{{env.KEY}}"
      }
    }
  ]"""
SETTINGS = '"handler": "index.main", "timeout": 5, "memorySize": 256'
KEY = '"envVariables": {"KEY": "{{env.KEY}}"}'
DEFAULTS = f'"functionDefaultConfig": {{"runtime": "Python3.9", {SETTINGS}, {KEY}}}'
# The file before, and after an edit with the variable KEY.
EDITS = {
    "{}": f"{{\n  {NEW}\n}}",
    '{\r\n\t"envId": "a"\r\n}\r\n': (
        f'{{\n  "envId": "a",\n  {NEW}\n}}\n'.replace("  ", "\t").replace("\n", "\r\n")
    ),
    '{\n  "functions": [\n    {"name": "other"}\n  ]\n}': "{\n  "
    + NEW.replace("[\n", '[\n    {"name": "other"},\n', 1)
    + "\n}",
    '{"functions": [{"name": "hello", "runtime": "Python3.7"}], "x": 1}': (
        f'{{"functions": [{{"name": "hello", "runtime": "Python3.7", {SETTINGS}, {KEY}}}], "x": 1}}'
    ),
    # The older form, whose settings stand below config and win.
    '{"functions": [{"name": "hello", "config": {"memorySize": 64, "envVariables": {"A": ""}}}]}': (
        '{"functions": [{"name": "hello", "config": {"memorySize": 64, "envVariables": {"A": "", '
        '"KEY": "{{env.KEY}}"}, "runtime": "Python3.10", "handler": "index.main", "timeout": 5}}]}'
    ),
    # Defaults of all functions count as settings.
    f'\ufeff{{{DEFAULTS}, "functions": [{{"name": "hello"}}]}}': (
        f'\ufeff{{{DEFAULTS}, "functions": [{{"name": "hello"}}]}}'
    ),
}


@pytest.mark.parametrize("before", EDITS, ids=range(len(EDITS)))
def test_an_edit_adds_what_is_missing_and_leaves_the_rest(project, before):
    path = project / "cloudbaserc.json"
    path.write_bytes(before.encode())
    edit(project, "KEY")
    assert path.read_bytes().decode() == EDITS[before]
    assert edit(project, "KEY").added == ()
    assert path.read_bytes().decode() == EDITS[before]


def test_an_entry_of_the_framework_is_left_and_what_it_lacks_is_named(project):
    plugin = {"use": "@cloudbase/framework-plugin-function", "inputs": {}}
    plugin["inputs"] = {"functionRootPath": "functions", "functions": [{"name": "hello"}]}
    text = json.dumps({"framework": {"plugins": {"function": plugin}}})
    (project / "cloudbaserc.json").write_text(text)
    made = edit(project)
    assert (made.added, made.missing) == ((), ("runtime", "handler", "timeout"))
    assert (project / "cloudbaserc.json").read_text() == text


@pytest.mark.parametrize("text", ["{", "[]", '{"functions": {}}', '{"functions": [5]}'])
def test_an_invalid_file_is_refused_and_stays(project, text):
    path = project / "cloudbaserc.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"cloudbaserc\.json: "):
        edit(project)
    assert path.read_text() == text
    assert {each.name for each in project.iterdir()} == {"functions", "cloudbaserc.json"}


def test_an_invalid_timer_is_refused(project):
    bad = {"triggers": [{"name": "daily", "type": "timer", "config": "every day"}]}
    with pytest.raises(ConfigError, match="triggers"):
        edit(project, config=bad)
    assert not (project / "cloudbaserc.json").exists()


def test_functions_in_the_working_directory_have_the_file_there(project, monkeypatch):
    monkeypatch.chdir(project / "functions")
    made = edit(project)
    assert made.path == project / "functions" / "cloudbaserc.json"
    assert json.loads(made.path.read_text())["functionRoot"] == "."
