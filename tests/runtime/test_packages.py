"""What a function needs is installed beside it, and check says what the platform would miss."""

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.values import NOW

from cloud_openapi.cli._group import group
from cloud_openapi.runtime import Functions, _packages

COMMAND = Path(sys.executable).with_name("cloud-openapi")
WAIT = 60
needs_pip = pytest.mark.skipif(find_spec("pip") is None, reason="pip is missing")
needs_node = pytest.mark.skipif(not shutil.which("npm"), reason="npm is missing")
FINE = "1 function: 1 fine, 0 problems, 0 notes\n"
PLAIN = "def main(event, context):\n    return event\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "functions"
    (folder / "hello").mkdir(parents=True)
    (folder / "hello" / "config.json").write_text("{}")
    return folder


@pytest.fixture
def write(folder):
    def write(file, source):
        (folder / "hello" / file).write_text(source, "utf-8")

    return write


@pytest.fixture
def invoke(folder):
    functions = Functions(folder, {})
    yield lambda: functions.invoke("hello", {}, NOW)
    functions.close()


def cli(folder, *arguments):
    return subprocess.run(
        [COMMAND, *arguments, "--functions", folder],
        check=False,
        capture_output=True,
        text=True,
        timeout=WAIT,
    )


def entry(**settings):
    """Return a cloudbaserc.json with an entry for the function."""
    return json.dumps({"functions": [{"name": "hello", **settings}]})


def permitting(*names):
    """Return a config.json that lists these APIs."""
    return json.dumps({"permissions": {"openapi": names}})


def checked(folder):
    """Run the command check in this process, which spares a start of Python."""
    return CliRunner().invoke(group, ["check", "hello", "--functions", str(folder)])


@pytest.fixture
def wheel(tmp_path):
    """Return a wheel of the module ``treasure``, which is on no index."""
    path = tmp_path / "treasure-1.0-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\nName: treasure\nVersion: 1.0\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("treasure.py", "VALUE = 'gold'\n")
        archive.writestr("treasure-1.0.dist-info/METADATA", metadata)
        archive.writestr("treasure-1.0.dist-info/WHEEL", tags)
        archive.writestr("treasure-1.0.dist-info/RECORD", "")
    return path


@pytest.mark.slow
@needs_pip
def test_install_follows_requirements_txt_and_leaves_the_folder_unchanged(
    folder, write, invoke, wheel
):
    write("index.py", "import treasure\ndef main(e, c):\n    return treasure.VALUE\n")
    write("requirements.txt", f"{wheel}\n")
    before = invoke()
    assert before.status == 443
    assert before.result["errorMessage"].endswith("cloud-openapi install hello")
    files = sorted((folder / "hello").iterdir())
    result = cli(folder, "install", "hello")
    assert result.returncode == 0, result.stderr
    assert invoke().result == "gold"
    assert sorted((folder / "hello").iterdir()) == files
    assert cli(folder, "check", "hello").returncode == 0


def check_that_installing_helps(folder, invoke):
    before = invoke()
    assert before.status == 430
    told = "treasure is missing. Install what it needs: cloud-openapi install hello"
    assert before.reason == told
    assert f"Reason: {before.reason}" in before.log.splitlines()
    assert cli(folder, "install", "hello").returncode == 0
    assert invoke().result == "gold"


@pytest.mark.slow
@needs_pip
def test_a_module_that_a_handler_imports_is_found_once_it_is_installed(
    folder, write, invoke, wheel
):
    write("index.py", "def main(e, c):\n    import treasure\n    return treasure.VALUE\n")
    write("requirements.txt", f"{wheel}\n")
    check_that_installing_helps(folder, invoke)


@pytest.mark.slow
@needs_node
def test_a_module_that_a_node_handler_requires_is_found_once_it_is_installed(
    folder, write, invoke, tmp_path
):
    (tmp_path / "treasure").mkdir()
    (tmp_path / "treasure" / "package.json").write_text('{"name": "treasure", "version": "1.0.0"}')
    (tmp_path / "treasure" / "index.js").write_text("exports.value = 'gold'\n")
    write("index.js", "exports.main = async () => require('treasure').value")
    write("package.json", json.dumps({"dependencies": {"treasure": f"file:{tmp_path}/treasure"}}))
    check_that_installing_helps(folder, invoke)


@pytest.mark.slow
@needs_pip
def test_failed_install_is_one_line_and_leaves_no_files(folder, write, tmp_path):
    write("index.py", PLAIN)
    write("requirements.txt", "./no-such-file.whl\n")
    result = cli(folder, "install", "hello")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("cloud-openapi: pip failed")
    assert list((tmp_path / "cache" / "cloud_openapi").iterdir()) == []


def test_install_removes_what_a_killed_one_left_a_day_ago(folder, write, monkeypatch, tmp_path):
    cache = tmp_path / "cache" / "cloud_openapi"
    killed, running = cache / "tmpkilled", cache / "tmprunning"
    for each in (killed, running, cache / "python-1"):
        (each / "packages").mkdir(parents=True)
    for each in (killed, cache / "python-1"):
        os.utime(each, (0, time.time() - 25 * 60 * 60))
    monkeypatch.setattr(_packages, "pip_install", lambda *_: None)
    write("index.py", PLAIN)
    write("requirements.txt", "treasure\n")
    result = CliRunner().invoke(group, ["install", "hello", "--functions", str(folder)])
    assert result.exit_code == 0
    assert not killed.exists()
    assert running.is_dir()
    assert (cache / "python-1").is_dir()


@pytest.mark.slow
@needs_node
@pytest.mark.parametrize("kind", ["commonjs", "module"])
def test_install_follows_package_json_for_require_and_import(folder, write, invoke, tmp_path, kind):
    package = tmp_path / "treasure"
    package.mkdir()
    (package / "package.json").write_text('{"name": "treasure", "version": "1.0.0"}')
    (package / "index.js").write_text("exports.value = 'gold'\n")
    source = {
        "commonjs": "const t = require('treasure'); exports.main = async () => t.value",
        "module": "import t from 'treasure'\nexport const main = async () => t.value",
    }[kind]
    write("index.js", source)
    listed = {"type": kind, "dependencies": {"treasure": f"file:{package}"}}
    write("package.json", json.dumps(listed))
    assert invoke().result["errorMessage"].endswith("cloud-openapi install hello")
    result = cli(folder, "install", "--all")
    assert result.returncode == 0, result.stderr
    assert invoke().result == "gold"
    assert not (folder / "hello" / "node_modules").exists()


def test_install_all_continues_after_a_failure_and_lists_failures_last(folder, write, monkeypatch):
    write("index.js", "exports.main = () => 1")
    write("package.json", '{"dependencies": {"treasure": "1.0.0"}}')
    for name, listed in (("python", True), ("zero", False)):
        (folder / name).mkdir()
        (folder / name / "index.py").write_text(PLAIN)
        if listed:
            (folder / name / "requirements.txt").write_text("treasure\n")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(sys.modules, "pip", None)
    result = CliRunner().invoke(group, ["install", "--all", "--functions", str(folder)])
    assert (result.exit_code, result.stdout) == (1, "zero: lists no dependencies\n")
    first, second = result.stderr.splitlines()
    assert first.startswith("cloud-openapi: hello: npm is not installed")
    assert second.startswith("cloud-openapi: python: pip is not installed")


def test_install_without_pip_says_how_to_get_it(folder, write, monkeypatch):
    write("index.py", PLAIN)
    write("requirements.txt", "treasure\n")
    monkeypatch.setitem(sys.modules, "pip", None)
    result = CliRunner().invoke(group, ["install", "hello", "--functions", str(folder)])
    assert (
        f"pip is not installed for this Python; install it: {sys.executable} -m ensurepip"
        in str(result.exception)
    )


def test_install_reports_a_function_without_dependencies(folder, write):
    write("index.py", PLAIN)
    result = cli(folder, "install", "hello")
    assert (result.returncode, result.stdout) == (0, "hello: lists no dependencies\n")


@pytest.mark.parametrize(
    ("source", "name", "text"),
    [
        ("index.py", "requirements.txt", "# pymysql==1.1.1\n\n  # later\n"),
        pytest.param(
            *("index.js", "package.json", '{"dependencies": {}, "devDependencies": {"jest": "*"}}'),
            marks=needs_node,
        ),
        pytest.param(
            *("index.js", "package.json", '{"name": "hello", "scripts": {"test": "jest"}}'),
            marks=needs_node,
        ),
    ],
)
def test_a_list_may_be_empty(folder, write, source, name, text):
    write(source, "import treasure\n" if source == "index.py" else "require('treasure')\n")
    write(name, text)
    assert cli(folder, "install", "hello").stdout == "hello: lists no dependencies\n"
    checked = cli(folder, "check", "hello").stdout
    assert f"list it in {name}, then run: cloud-openapi install hello" in checked


@pytest.mark.parametrize("arguments", [[], ["hello", "--all"]])
def test_install_takes_a_name_or_all(folder, arguments):
    assert cli(folder, "install", *arguments).returncode == 2


def test_the_functions_folder_comes_before_installed_packages(folder, write, invoke):
    write("treasure.py", "VALUE = 'own'\n")
    write("index.py", "import treasure\ndef main(e, c):\n    return treasure.VALUE\n")
    write("requirements.txt", "treasure\n")
    assert invoke().result == "own"


def test_failed_import_shows_error_working_directory_and_search_path(folder, write, invoke):
    write("index.py", "import nosuchmodule\n" + PLAIN)
    message = invoke().result["errorMessage"]
    assert "No module named 'nosuchmodule'" in message
    assert f"working directory {folder / 'hello'}" in message
    assert "requirements.txt" in message


# ---- check ---------------------------------------------------------------------------------


def test_check_reports_a_function_without_problems(folder, write):
    write("index.py", "import json, requests\n" + PLAIN)  # requests is on the platform
    result = cli(folder, "check", "hello")
    assert (result.returncode, result.stdout) == (0, FINE)


@pytest.mark.variants
@pytest.mark.parametrize(
    ("file", "source", "says"),
    [
        ("index.py", "def main(", "SyntaxError"),
        ("index.py", "main = 5", "no function main"),
        ("index.py", "import click\n" + PLAIN, "The platform does not have click"),
        ("config.json", "{", "config.json:1:2: problem: invalid-json"),
        ("config.json", '{"permissions": {"openapi": ["*"]}}', "not a wildcard"),
        ("config.json", '{"permissions": {"openapi": ["analysis.*"]}}', "not a wildcard"),
        ("config.json", permitting("analysis.getDailyRetian"), 'mean "analysis.getDailyRetain"?'),
        ("config.json", permitting("analysis.getdailyretain"), 'mean "analysis.getDailyRetain"?'),
        ("config.json", permitting(" analysis.getDailyRetain"), 'mean "analysis.getDailyRetain"?'),
        ("config.json", permitting("getDailyRetain"), 'mean "analysis.getDailyRetain"?'),
        ("config.json", permitting("openapi.analysis.getVisitPage"), '"analysis.getVisitPage"?'),
        ("config.json", '{"permissions": {"openapi": "a.b"}}', "of API names, not a string"),
        ("config.json", '{"permissions": {"openapi": {}}}', "of API names, not an object"),
        ("config.json", permitting("a.b", 5), "openapi[1] must be the name of an API, not a num"),
        ("config.json", permitting(None), "openapi[0] must be the name of an API, not null"),
        ("config.json", '{"permissions": []}', "permissions must be an object"),
        (
            "config.json",
            '{"triggers": [{"name": "1", "type": "timer", "config": "0 0 2 * * * *"}]}',
            "not '1'",
        ),
        ("config.json", '{"triggers": [{"name": "a", "type": "x"}]}', "type must be timer"),
        (
            "config.json",
            '{"triggers": [{"name": "a", "type": "timer", "config": "0 0 * * *"}]}',
            "seven fields",
        ),
        ("config.json", '{"timeout": -1}', "1 to 900"),
        ("../cloudbaserc.json", '{"functions": [{"name": "hello", "handler": 5}]}', "handler"),
        ("../cloudbaserc.json", '{"functions": [{"name": "hello", "handler": "a.b"}]}', "a.py"),
        ("../cloudbaserc.json", "{", "cloudbaserc.json:1:2: problem: invalid-json"),
        ("../cloudbaserc.json", entry(runtime="Python9.9"), "Python3.7, not 'Python9.9'"),
        ("../cloudbaserc.json", entry(runtime="Python3.8"), "Python3.7, not 'Python3.8'"),
        ("../cloudbaserc.json", entry(timeout=5), 'functions, "hello": runtime is missing'),
        ("../cloudbaserc.json", entry(runtime="Python3.10", type="X"), "type must be Event"),
        *(
            (
                "../cloudbaserc.json",
                entry(runtime="Python3.10", type=form),
                "starts a function of type HTTP",
            )
            for form in ("HTTP", "http")
        ),
    ],
    ids=lambda value: value[:24],
)
def test_check_lists_a_problem_and_leaves_with_1(folder, write, file, source, says):
    write("index.py", PLAIN)
    write(file, source)
    result = checked(folder)
    assert result.exit_code == 1
    assert result.stdout.startswith("hello\n  ")
    assert says in result.stdout


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            "import json\ndef main_handler(event, context):\n    pass\n",
            "index.py has no function main(event, context); it has main_handler\n",
        ),
        (
            "from . import helper\n",
            "index.py is not part of a package: import the modules beside it without the dot\n",
        ),
        ("import shared\n", "/shared must be copied into it\n"),
        ("from json import nosuch\n", "cannot import name 'nosuch' from 'json'"),
        (
            "import os\nos.environ['MY_KEY']\n",
            "MY_KEY is not set: set it in envVariables of cloudbaserc.json",
        ),
        ("raise ValueError('no')\n", "does not load:\n    Traceback"),
    ],
    ids=["other name", "relative", "beside the folder", "name", "variable", "exception"],
)
def test_check_says_what_to_do(folder, write, source, says):
    (folder / "shared.py").touch()
    write("index.py", source)
    result = checked(folder)
    assert result.exit_code == 1
    assert says in result.stdout
    assert "requirements.txt" not in result.stdout


@pytest.mark.parametrize(
    ("file", "source", "says"),
    [
        (
            "config.json",
            '{"permisions": {}}',
            "permisions is unknown and ignored; did you mean permissi",
        ),
        ("config.json", '{"permissions": {"openApi": []}}', "permissions.openApi is unknown"),
        ("config.json", '{"timeout": 5, "timeout": 6}', "timeout is there twice, and the last one"),
        (
            "config.json",
            permitting("security.msgSecCheck"),
            '"security.msgSecCheck" is listed, but no source of the function calls it',
        ),
        (
            "config.json",
            permitting("mine.getThem"),
            'WeChat documents no cloud call "mine.getThem"',
        ),
        ("../cloudbaserc.json", entry(runtime="Python3.11", layers=[{"name": "l"}]), "layers are"),
        (
            "../cloudbaserc.json",
            entry(runtime="Python3.11", triggers=[{"name": "t"}]),
            "fires the triggers of config.json",
        ),
        ("requirements.txt", "# mine\ntreasure\n", "does not install requirements.txt; upload"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_note_of_check_does_not_change_the_exit_code(folder, write, file, source, says):
    write("index.py", PLAIN)
    write(file, source)
    result = checked(folder)
    assert result.exit_code == 0
    name, place, note, count = result.stdout.splitlines()
    assert name == "hello"
    assert Path(file).name in place
    assert ": note: " in place
    assert says in note
    assert count == "1 function: 1 fine, 0 problems, 1 note"


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("../cloudbaserc.json", entry(runtime="Python3.7", type="Event", triggers=[], layers=[])),
        ("config.json", '{"permissions": {"openapi": []}, "timeout": 5, "envVariables": {}}'),
        ("requirements.txt", "\n# nothing\n"),
    ],
    ids=["cloudbaserc.json", "config.json", "requirements.txt"],
)
def test_check_reports_nothing_about_valid_settings(folder, write, file, source):
    write("index.py", PLAIN)
    write(file, source)
    assert checked(folder).stdout == FINE


@pytest.mark.parametrize("form", ["Event", "event"])
def test_the_letters_of_a_type_may_have_either_case(folder, write, form):
    write("index.py", PLAIN)
    write("../cloudbaserc.json", entry(runtime="Python3.10", type=form))
    assert checked(folder).stdout == FINE


@pytest.mark.parametrize("form", ["HTTP", "http"])
def test_check_of_a_web_function_needs_no_handler_and_has_a_note(folder, write, form):
    write("../cloudbaserc.json", entry(runtime="Python3.10", type=form))
    write("scf_bootstrap", "#!/bin/bash\npython3 main.py\n")
    (folder / "hello" / "scf_bootstrap").chmod(0o755)
    result = checked(folder)
    assert result.exit_code == 0
    assert "note: " in result.stdout
    assert "type HTTP is not emulated" in result.stdout


def test_unlisted_node_runtime_is_a_note(folder, write):
    write("index.js", "exports.main = () => 1")
    write("../cloudbaserc.json", entry(runtime="Nodejs8.9"))
    assert "note: " in checked(folder).stdout
    assert "Nodejs16.13, not 'Nodejs8.9'" in checked(folder).stdout


def test_error_about_a_listed_module_advises_to_install_it(folder, write):
    write("index.py", "import treasure\n" + PLAIN)
    write("requirements.txt", "treasure\n")
    says = "treasure, which is not installed on this machine yet: cloud-openapi install hello"
    assert says in checked(folder).stdout


@pytest.mark.parametrize("name", ["a", "my.func", "函数", "1a"])
def test_invalid_folder_name_is_reported_with_the_rule(folder, name):
    (folder / name).mkdir()
    (folder / name / "index.py").write_text(PLAIN)
    result = cli(folder, "check", name)
    assert (result.returncode, result.stdout) == (1, "")
    assert f"{name} is not a function: a function's name is 2 to 60 of a-z" in result.stderr
    assert "no index.py" not in result.stderr


@pytest.mark.parametrize("name", ["hello", "nosuch"])
def test_unknown_function_error_names_an_invalid_cloudbaserc(folder, write, name):
    write("app.py", PLAIN)
    write("../cloudbaserc.json", '{"functions": [\n  {"name": "hello" "handler": "app.main"}]}')
    result = cli(folder, "check", name)
    assert result.returncode == 1
    assert f"{folder / 'cloudbaserc.json'}: line 2, column 20: not JSON" in result.stderr
    assert "is named by the handler" not in result.stderr


def test_check_of_a_folder_without_an_entry_file_says_which_file_is_missing(folder, write):
    write("handler.py", PLAIN)
    result = cli(folder, "check", "hello")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no index.py and no index.js" in result.stderr


@pytest.mark.variants
@needs_node
@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("exports.main = (", "SyntaxError"),
        ("exports.other = 1", "exports no function main(event, context); it exports other\n"),
        ("exports.main = {}", "(event, context); its main is an object\n"),
        ("exports.main = undefined", "(event, context); its main is undefined\n"),
        ("module.exports = () => 1", "it exports a function itself: write exports.main = …\n"),
        (
            "async function main() {}",
            "exports no function main(event, context); write exports.main",
        ),
        ("module.exports = null", "write exports.main = …"),
        ("require('./Lib/x')", "The file ./Lib/x is not in "),
        ("require('nosuch')", "The platform does not have nosuch"),
    ],
)
def test_check_lists_problems_of_a_node_function(folder, write, source, says):
    write("index.js", source)
    result = checked(folder)
    assert result.exit_code == 1
    assert says in result.stdout


def test_check_lists_every_problem(folder, write):
    write("index.py", "def main(")
    write("config.json", '{"permissions": {"openapi": ["*"]}, "timeout": 0}')
    result = cli(folder, "check", "hello")
    for says in ("SyntaxError", "not a wildcard", "1 to 900"):
        assert says in result.stdout


def test_check_of_an_unknown_function_lists_the_known_ones(folder, write):
    write("index.py", PLAIN)
    result = cli(folder, "check", "nosuch")
    assert (result.returncode, result.stdout) == (1, "")
    assert "hello" in result.stderr


# ---- a machine without Node.js -------------------------------------------------------------


def test_without_node_a_node_function_says_what_is_missing_and_others_work(
    folder, write, monkeypatch
):
    monkeypatch.setenv("CLOUD_OPENAPI_NODE", "no-such-node")
    write("index.js", "exports.main = () => 1")
    (folder / "other").mkdir()
    (folder / "other" / "index.py").write_text(PLAIN)
    functions = Functions(folder, {})
    try:
        outcome = functions.invoke("hello", {}, NOW)
        assert outcome.status == 445
        assert "no-such-node" in outcome.result["errorMessage"]
        assert "CLOUD_OPENAPI_NODE" in outcome.result["errorMessage"]
        assert functions.invoke("other", 1, NOW).result == 1
    finally:
        functions.close()


@needs_node
def test_the_variable_cloud_openapi_node_chooses_the_node_program(
    folder, write, monkeypatch, invoke
):
    monkeypatch.setenv("CLOUD_OPENAPI_NODE", shutil.which("node"))
    monkeypatch.setenv("PATH", "/nowhere")
    write("index.js", "exports.main = () => 1")
    assert invoke().result == 1
