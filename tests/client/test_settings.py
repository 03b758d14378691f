"""Which functions a folder has, and how their files say that they are deployed."""

import json
import shutil

import pytest
from support.values import NOW

from cloud_openapi.runtime import Functions, find_project

ECHO = "def main(event, context):\n    return event\n"
CONTEXT = "import os\ndef main(event, context):\n    return [context, dict(os.environ)]\n"
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "functions"
    folder.mkdir()
    return folder


@pytest.fixture
def functions(folder):
    functions = Functions(folder, {})
    yield functions
    functions.close()


@pytest.fixture
def write(folder):
    def write(name, source):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source if isinstance(source, str) else json.dumps(source), "utf-8")
        return path

    return write


@pytest.fixture
def deploy(write):
    """Return a function that writes the entry of ``hello`` in cloudbaserc.json."""

    def deploy(**entry):
        return write("../cloudbaserc.json", {"functions": [{"name": "hello", **entry}]})

    return deploy


def run(functions, event=None, name="hello"):
    outcome = functions.invoke(name, event, NOW, source="wx_http")
    return outcome.result, outcome.status


def test_without_cloudbaserc_a_function_has_the_defaults_of_the_cli(functions, write):
    write("hello/index.py", CONTEXT)
    (context, variables), _ = run(functions)
    assert (context["time_limit_in_ms"], context["memory_limit_in_mb"]) == (5000, 256)
    assert variables["SCF_RUNTIME"].startswith("Python3.")


def test_the_entry_of_a_function_sets_its_limits_and_variables(functions, write, deploy):
    write("hello/index.py", CONTEXT)
    deploy(timeout=7, memorySize=512, envVariables={"K": "留存"}, runtime="Python3.9")
    (context, variables), _ = run(functions)
    assert (context["time_limit_in_ms"], context["memory_limit_in_mb"]) == (7000, 512)
    assert (variables["K"], variables["SCF_RUNTIME"]) == ("留存", "Python3.9")


def test_config_json_sets_timeout_and_variables_and_cloudbaserc_wins(functions, write, deploy):
    write("hello/index.py", CONTEXT)
    write("hello/config.json", {"timeout": 9, "envVariables": {"A": "1"}})
    (context, variables), _ = run(functions)
    assert (context["time_limit_in_ms"], variables["A"]) == (9000, "1")
    deploy(timeout=3, envVariables={"B": "2"})
    (context, variables), _ = run(functions)
    assert (context["time_limit_in_ms"], variables["B"]) == (3000, "2")
    assert "A" not in variables  # the CLI replaces the whole set


def test_a_variable_of_the_machine_is_filled_in(functions, write, deploy, monkeypatch):
    monkeypatch.setenv("OF_THE_MACHINE", "x")
    write("hello/index.py", CONTEXT)
    deploy(envVariables={"K": "<{{env.OF_THE_MACHINE}}>"})
    assert run(functions)[0][1]["K"] == "<x>"


@pytest.mark.parametrize("handler", ["app.start", "src/app.start"])
def test_the_handler_is_file_and_function(functions, write, deploy, handler):
    write(f"hello/{handler.partition('.')[0]}.py", ECHO.replace("main", "start"))
    deploy(handler=handler, runtime="Python3.10")
    assert list(functions) == ["hello"]
    assert run(functions, 1) == (1, 200)


def test_a_function_may_lie_in_another_folder(functions, write, deploy):
    write("elsewhere/index.py", ECHO)
    deploy(dir="elsewhere")
    assert list(functions) == ["elsewhere", "hello"]
    assert run(functions, 1) == (1, 200)


@needs_node
def test_the_runtime_of_cloudbaserc_decides_between_two_languages(functions, write, deploy):
    write("hello/index.py", "def main(e, c):\n    return 'Python'\n")
    write("hello/index.js", "exports.main = () => 'Node.js'\n")
    assert run(functions) == ("Node.js", 200)  # the platform's default
    deploy(runtime="Python3.10")
    assert run(functions) == ("Python", 200)
    deploy(runtime="Nodejs18.15")
    assert run(functions) == ("Node.js", 200)


def test_an_entry_that_changes_gives_a_new_process_and_others_keep_theirs(functions, write, deploy):
    pid = "import os\ndef main(e, c):\n    return os.getpid()\n"
    write("hello/index.py", pid)
    write("other/index.py", pid)
    before = run(functions), run(functions, name="other")
    deploy(timeout=9)
    after = run(functions), run(functions, name="other")
    assert before[0] != after[0]
    assert before[1] == after[1]


@pytest.mark.variants
@pytest.mark.parametrize(
    "setting",
    [
        ("timeout", 0, "1 to 900"),
        ("timeout", "3", "1 to 900"),
        ("timeout", True, "1 to 900"),
        ("memorySize", 200, "128"),
        ("memorySize", None, "128"),
        ("handler", "index", "file.function"),
        ("handler", "../index.main", "file.function"),
        ("handler", 5, "file.function"),
        ("runtime", "Php7", "Php7"),
        ("runtime", 5, "5"),
        ("envVariables", [], "an array"),
        ("envVariables", {"A": 1}, "envVariables.A must be a string"),
        ("envVariables", {"SCF_A": "1"}, "envVariables.SCF_A"),
        ("envVariables", {"A": "x" * 4100}, "4 KB"),
        ("envVariables", {"A": "{{env.NO_SUCH_VARIABLE}}"}, "NO_SUCH_VARIABLE"),
    ],
    ids=repr,
)
def test_a_setting_that_cannot_be_used_is_438_that_names_file_and_key(
    functions, write, deploy, setting
):
    key, value, says = setting
    write("hello/index.py", ECHO)
    path = deploy(**{key: value})
    result, status = run(functions)
    assert status == 438
    for part in (path.resolve(), key, says):
        assert str(part) in result["errorMessage"]
    path.unlink()
    assert run(functions, 1) == (1, 200)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"functions": {}}', '{"functions": [5]}', '{"functions": [{}]}', "\ufeff{"]
)
def test_a_broken_cloudbaserc_is_an_error_of_each_function_and_of_nothing_else(
    functions, write, text
):
    write("hello/index.py", ECHO)
    path = write("../cloudbaserc.json", text)
    assert list(functions) == ["hello"]
    result, status = run(functions)
    assert status == 438
    assert str(path.resolve()) in result["errorMessage"]


def test_a_broken_config_json_is_an_error_that_names_it(functions, write):
    write("hello/index.py", ECHO)
    path = write("hello/config.json", '{"permissions": }')
    result, status = run(functions)
    assert status == 438
    assert f"{path}: line 1, column 17" in result["errorMessage"]


def test_a_file_of_the_handler_that_is_missing_is_437(functions, write, deploy):
    path = write("hello/index.py", ECHO)
    deploy(handler="app.main")
    result, status = run(functions)
    assert status == 437
    assert str(path.with_name("app.py")) in result["errorMessage"]


@pytest.mark.parametrize("name", ["__proto__", "constructor", "hello/..", "hello.", "ＨＥＬＬＯ"])
def test_a_name_that_is_none_opens_nothing(functions, write, name):
    write("hello/index.py", ECHO)
    assert name not in functions
    with pytest.raises(KeyError):
        run(functions, name=name)


def test_an_entry_without_a_folder_is_no_function(functions, deploy):
    deploy(runtime="Python3.10")
    assert list(functions) == []


def test_the_folder_of_a_project_is_its_function_root(tmp_path):
    assert find_project(tmp_path).functions == tmp_path / "functions"
    (tmp_path / "cloudbaserc.json").write_text('{"functionRoot": "./cloud"}')
    assert find_project(tmp_path).functions.resolve() == (tmp_path / "cloud").resolve()


def test_a_cloudbaserc_further_up_counts_if_its_root_is_the_folder(tmp_path):
    folder = tmp_path / "a" / "b"
    (folder / "hello").mkdir(parents=True)
    (folder / "hello" / "index.py").write_text(ECHO)
    rc = {"functions": [{"name": "hello", "timeout": 9}]}
    functions = Functions(folder, {})
    (tmp_path / "cloudbaserc.json").write_text(json.dumps(rc))
    assert functions.settings_of("hello").timeout == 5
    (tmp_path / "cloudbaserc.json").write_text(json.dumps({**rc, "functionRoot": "a/b"}))
    assert functions.settings_of("hello").timeout == 9


def test_installed_modules_are_not_looked_through_for_changes(functions, write):
    write("hello/index.py", "import os\ndef main(e, c):\n    return os.getpid()\n")
    write("hello/node_modules/a/index.js", "1")
    before = run(functions)
    write("hello/node_modules/a/index.js", "2222")
    assert run(functions) == before
