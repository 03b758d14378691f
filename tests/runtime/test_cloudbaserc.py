"""cloudbaserc.json is read as Tencent's command reads it, and what is not read is named.

The expected values are those of @cloudbase/toolbox 0.7.20, with the merge of @cloudbase/cli, and of
@cloudbase/framework-plugin-function.
"""

import json
import re

import pytest
from click.testing import CliRunner
from support.values import NOW

from cloud_openapi.cli._group import group
from cloud_openapi.runtime import CloudbaseRC, Functions, find_project

CONTEXT = "import os\ndef main(event, context):\n    return dict(os.environ)\n"
FINE = "1 function: 1 fine, 0 problems, 0 notes\n"
PYTHON = {"runtime": "Python3.10"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a folder with the function ``hello``, as its real path."""
    folder = tmp_path.resolve()
    add(folder / "functions" / "hello")
    monkeypatch.chdir(folder)
    return folder


def add(folder):
    folder.mkdir(parents=True)
    (folder / "index.py").write_text(CONTEXT)
    (folder / "config.json").write_text("{}")


def write(project, name="cloudbaserc.json", **content):
    (project / name).write_text(json.dumps(content), "utf-8")


def settings_of(project, name="hello"):
    return Functions(find_project(project).functions, {}).settings_of(name)


def variables(project, **given):
    """Return the variables of a function by its entry in cloudbaserc.json."""
    write(project, envId="my-env", functions=[{"name": "hello", "envVariables": given, **PYTHON}])
    return settings_of(project).variables


def test_the_older_form_within_config_is_read_and_wins(project):
    entry = {"name": "hello", "timeout": 7, "config": {"timeout": 20, "envVariables": {"A": "1"}}}
    write(project, functions=[entry])
    found = settings_of(project)
    assert (found.timeout, found.variables) == (20, {"A": "1"})
    assert found.problems == ()


def test_the_default_config_is_merged_into_each_function(project):
    add(project / "functions" / "other")
    default = {
        "timeout": 9,
        "memorySize": 512,
        "envVariables": {"A": "default", "B": "default"},
        "config": {"handler": "index.start", "timeout": 3},
    }
    own = {"name": "hello", "config": {"timeout": 20, "envVariables": {"A": "1"}}}
    write(project, functionDefaultConfig=default, functions=[own, {"name": "other"}])
    hello, other = settings_of(project), settings_of(project, "other")
    assert (hello.timeout, hello.memory, hello.handler) == (20, 512, "start")
    assert hello.variables == {"A": "1", "B": "default"}
    assert (other.timeout, other.variables) == (9, {"A": "default", "B": "default"})


def test_variables_are_those_of_the_process_then_of_env_local_then_of_env(project, monkeypatch):
    (project / ".env").write_text("ONE=env\nTWO=env\nTHREE=env\n")
    (project / ".env.local").write_text("TWO=local\nTHREE=local\n")
    (project / ".env.test").write_text("ONE=test\n")
    monkeypatch.setenv("THREE", "process")
    assert variables(project, V="<{{env.ONE}} {{ env.TWO }} {{{env.THREE}}}>") == {
        "V": "<env local process>"
    }


def test_env_id_and_a_random_id_are_filled_in(project):
    found = variables(project, T="{{tcb.envId}}", E="{{env.ENV_ID}}", U="{{util.uid}}")
    assert (found["T"], found["E"]) == ("my-env", "my-env")
    assert re.fullmatch(r"[\w-]{24}", found["U"])


def test_the_env_id_may_be_a_variable(project):
    (project / ".env").write_text("ENV_ID=of-the-file\n")
    write(
        project,
        envId="{{env.ENV_ID}}",
        functions=[{"name": "hello", "envVariables": {"T": "{{tcb.envId}}"}, **PYTHON}],
    )
    assert settings_of(project).variables == {"T": "of-the-file"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("K=v", "v"),
        ("  K = a b  ", "a b"),
        ("K=a # b", "a # b"),
        ("K=v=w", "v=w"),
        ('K="a\\nb"', "a\nb"),
        ("K='a\\nb'", "a\\nb"),
        ("K=' a '", " a "),
        ('K="', '"'),
        ('K=a"b\\c', 'a"b\\c'),
        ("K=留存", "留存"),
        ("\ufeffK=v", "v"),
        ("X=1\r\nK=v\r\n", "v"),
        ("K=1\nK=2", "2"),
        ("K=", ""),
    ],
)
def test_a_line_of_env_is_read_as_dotenv_reads_it(project, line, value):
    (project / ".env").write_text(line, "utf-8", newline="")
    assert variables(project, V="{{env.K}}") == {"V": value}


@pytest.mark.parametrize("content", [b"export K=v", b"# K=v", b"K", "K=v".encode("utf-16"), b""])
def test_a_variable_without_a_value_is_a_problem_that_names_the_files(project, content):
    (project / ".env").write_bytes(content)
    variables(project, V="{{env.K}}")
    (problem,) = settings_of(project).problems
    assert "envVariables.V: env.K is not set here, and not in .env or .env.local" in problem


def test_a_folder_env_is_no_file_of_variables(project):
    (project / ".env").mkdir()
    (project / ".env.local").write_text("K=v")
    assert variables(project, V="{{env.K}}") == {"V": "v"}


def test_a_change_of_env_is_noticed(project):
    functions = Functions(project / "functions", {})
    (project / ".env").write_text("K=before")
    variables(project, V="{{env.K}}")
    assert functions.settings_of("hello").variables == {"V": "before"}
    (project / ".env").write_text("K=afterwards")
    assert functions.settings_of("hello").variables == {"V": "afterwards"}


def test_name_and_root_may_be_variables(project):
    (project / ".env").write_text("NAME=hello\nROOT=./functions\n")
    write(project, functionRoot="{{env.ROOT}}", functions=[{"name": "{{env.NAME}}", "timeout": 9}])
    assert settings_of(project).timeout == 9


def test_a_name_without_a_value_is_named(project):
    write(project, functions=[{"name": "{{env.NAME}}"}])
    (note,) = CloudbaseRC(project / "functions").read().notes
    assert note.endswith('cloudbaserc.json: functions[0].name: "{{env.NAME}}" has no value')


def test_dir_is_relative_to_the_project(project):
    add(project / "elsewhere")
    write(project, functions=[{"name": "mine", "dir": "./elsewhere", **PYTHON}])
    assert settings_of(project, "mine").folder == project / "elsewhere"


# ---- the framework -------------------------------------------------------------------------


def plugin(use="@cloudbase/framework-plugin-function", **inputs):
    return {"use": use, "inputs": inputs}


def framework(**plugins):
    return {"framework": {"name": "a", "plugins": plugins}}


def test_the_root_and_the_functions_of_the_function_plugin_are_read(project):
    add(project / "packages" / "mine")
    inputs = {
        "functionRootPath": "./packages",
        "functionDefaultConfig": {"envVariables": {"A": "1"}, "runtime": "Python3.10"},
        "functions": [{"name": "mine", "config": {"timeout": 60, "envVariables": {"B": "2"}}}],
    }
    site = plugin("@cloudbase/framework-plugin-website", outputPath="dist")
    write(project, **framework(site=site, function=plugin(**inputs)))
    assert find_project(project).functions == project / "packages"
    found = settings_of(project, "mine")
    assert (found.timeout, found.memory, found.problems) == (60, 128, ())
    assert found.variables == {"A": "1", "B": "2"}


def test_functions_of_several_plugins_stand_in_the_root_of_each(project):
    add(project / "a" / "one")
    add(project / "b" / "dist" / "two")
    first = plugin(functionRootPath="a", functions=[{"name": "one"}])
    two = {"name": "two", "functionDistPath": "dist/two", "memory": 256}
    second = plugin(
        functionRootPath="b", functions=[two], use="@cloudbase/framework-plugin-function@1.2"
    )
    write(project, **framework(first=first, second=second))
    functions = Functions(find_project(project).functions, {})
    assert list(functions) == ["one", "two"]
    assert functions.settings_of("two").folder == project / "b" / "dist" / "two"
    assert functions.settings_of("two").memory == 256
    assert Functions(project / "b", {}).settings_of("one").folder == project / "a" / "one"


def test_the_root_of_the_plugin_is_cloudfunctions_by_default(project):
    (project / "cloudfunctions").mkdir()
    write(project, **framework(function=plugin(functions=[])))
    assert find_project(project).functions == project / "cloudfunctions"
    write(project, functionRoot="functions", **framework(function=plugin(functions=[])))
    assert find_project(project).functions.resolve() == project / "functions"


def test_a_function_of_both_has_the_entry_of_functions_and_a_note(project):
    own = {"name": "hello", "timeout": 9}
    write(
        project,
        functions=[own],
        **framework(f=plugin(functionRootPath="functions", functions=[own])),
    )
    assert settings_of(project).timeout == 9
    (note,) = CloudbaseRC(project / "functions").read().notes
    assert 'framework.plugins.f.inputs.functions[0] is not read: "hello" is listed before' in note


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"functionRoot": 5}, "functionRoot must be a string, not a number"),
        ({"functionRoot": "a\0b"}, "functionRoot has a NUL"),
        ({"functionRoot": "\ud800"}, "functionRoot has a NUL or half a surrogate pair"),
        ({"functionDefaultConfig": []}, "functionDefaultConfig must be an object, not an array"),
        ({"functions": [{"name": "hello", "config": 5}]}, "functions[0].config must be an object"),
        ({"functions": [{"name": "hello", "dir": 5}]}, "functions[0].dir must be a string"),
        ({"framework": []}, "framework must be an object, not an array"),
        ({"framework": {"plugins": 5}}, "framework.plugins must be an object, not a number"),
        (
            framework(f=plugin(functions={})),
            "framework.plugins.f.inputs.functions must be an array",
        ),
        (framework(f=plugin(functions=[5])), "inputs.functions[0] must be an object with a name"),
        (framework(f=plugin(functionRootPath=5)), "inputs.functionRootPath must be a string"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_value_of_another_type_is_a_problem_that_names_its_place(project, content, place):
    write(project, **content)
    (problem,) = Functions(project / "functions", {}).settings_of("hello").problems
    assert place in problem


# ---- what is not read ----------------------------------------------------------------------


@pytest.mark.variants
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("cloudbaserc.yaml", "envId: a"),
        ("cloudbaserc.yml", "envId: a"),
        ("cloudbaserc.js", "module.exports = {}"),
        ("cloudbase.config.js", "module.exports = {}"),
        ("cloudbaserc", "envId: a"),
        ("package.json", '{"cloudbase": {"functionRoot": "a"}}'),
        ("cloudbase-framework.json", "{}"),
    ],
)
def test_another_file_of_tencents_command_is_named(project, file, content):
    (project / file).write_text(content)
    text = f"{project / file} is not read: use cloudbaserc.json"
    checked = CliRunner().invoke(group, ["check", "hello"])
    assert checked.exit_code == 0
    assert checked.stdout == (
        f"(project)\n  {file}: note: not-read\n    it is not read: use cloudbaserc.json\n"
        "1 function: 1 fine, 0 problems, 1 note\n"
    )
    invoked = CliRunner().invoke(group, ["invoke", "hello"])
    assert f"Warning: {text}\n" in invoked.stderr


def test_a_file_that_the_command_does_not_read_either_is_not_named(project):
    write(project, functions=[])
    write(project, "package.json", version="1.0.0")
    (project / "cloudbaserc.js").write_text("module.exports = {}")
    assert CloudbaseRC(project / "functions").unread() == []


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (
            {"envOverrides": {"test": {}}},
            "envOverrides is not read: it belongs to the CLI's option",
        ),
        (
            {"functionsRoot": "a"},
            "functionsRoot is unknown and ignored; did you mean functionRoot?",
        ),
        ({"functions": [{"name": "hello", "timeOut": 5, **PYTHON}]}, "did you mean timeout?"),
        (
            {"functions": [{"name": "hello", "vpc": {"vpcId": "a"}, **PYTHON}]},
            "vpc is not emulated",
        ),
        ({"functions": [{"name": "hello", "ignore": ["*.md"], **PYTHON}]}, "ignore is not applied"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_key_that_is_not_read_is_a_note(project, content, note):
    write(project, **content)
    checked = CliRunner().invoke(group, ["check", "hello"])
    assert checked.exit_code == 0
    assert note in checked.stdout


def test_known_keys_are_no_note(project):
    entry = {"name": "hello", "installDependency": True, "isWaitInstall": True, "params": {}}
    write(project, version="2.0", region="ap-shanghai", functions=[{**entry, **PYTHON}], hosting={})
    assert CliRunner().invoke(group, ["check", "hello"]).stdout == FINE


def test_an_invocation_has_the_filled_in_variables(project):
    (project / ".env").write_text("K=v")
    variables(project, V="{{env.K}}")
    functions = Functions(project / "functions", {})
    try:
        assert functions.invoke("hello", {}, NOW).result["V"] == "v"
    finally:
        functions.close()
