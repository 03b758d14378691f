"""Why an invocation failed by itself: the reason in its outcome and in its log."""

import shlex
import shutil

import pytest
from support.values import NOW

from cloud_openapi.runtime import Functions, _functions, error_line

REFUSED = "sms.tencentcloudapi.com"
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")


@pytest.fixture
def invoke(tmp_path):
    made = []

    def invoke(source, file="index.py", event=None, **settings):
        path = tmp_path / "functions" / "hello" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
        made.append(Functions(tmp_path / "functions", {}, **settings))
        outcome = made[-1].invoke("hello", event, NOW)
        reasons = [line for line in outcome.log.splitlines() if line.startswith("Reason: ")]
        assert reasons == ([f"Reason: {outcome.reason}"] if outcome.reason else [])
        return outcome

    yield invoke
    for functions in made:
        functions.close()


@pytest.mark.parametrize(
    ("source", "status", "reason"),
    [
        (
            "def handler(e, c):\n    pass\n",
            437,
            "has no function main(event, context); it has handl",
        ),
        ("main = {}\n", 437, "has no function main(event, context); its main is of type dict"),
        (
            "def main(e, c):\n    import treasure\n",
            430,
            "list it in requirements.txt, then run: cloud-openapi",
        ),
        ("import treasure\n", 443, "list it in requirements.txt, then run: cloud-openapi"),
        ("import treasure\n", 443, "treasure is missing. If it is a dependency"),
        (
            "import os\ndef main(e, c):\n    os._exit(3)\n",
            439,
            "the process ended before it answer",
        ),
        ("def main(e, c):\n    return 'x' * 7_000_000\n", 407, "a result is at most 6 MB: return"),
        ("def main(e, c):\n    return 1\n", 200, ""),
        ("def main(e, c):\n    raise ValueError('no')\n", 430, ""),
    ],
)
def test_a_python_function_says_why_it_failed(invoke, source, status, reason):
    outcome = invoke(source)
    assert outcome.status == status
    assert reason in outcome.reason
    assert bool(outcome.reason) == bool(reason)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("index.py", "import {}\ndef main(event, context):\n    pass\n"),
        pytest.param("index.js", "require('{}')\n", marks=needs_node),
    ],
)
def test_a_module_may_have_a_name_that_no_file_can_have(invoke, tmp_path, file, source):
    outcome = invoke(source.format("x" * 300), file)
    assert "If it is a dependency, list it in" in outcome.reason
    functions = Functions(tmp_path / "functions", {})
    assert "unlisted-package" in {each.code for each in functions.check("hello")}
    functions.close()


@pytest.fixture
def write(tmp_path):
    """Return a function that writes empty files beside the function's, and others with a text."""

    def write(*names, **texts):
        for name in (*names, *texts):
            file = tmp_path / "functions" / "hello" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(texts.get(name, ""))

    return write


@pytest.fixture
def found(tmp_path):
    """Return a function that checks the function, and returns the finding with a code."""

    def found(code):
        functions = Functions(tmp_path / "functions", {})
        (finding,) = [each for each in functions.check("hello") if each.code == code]
        functions.close()
        return f"{finding.message} {finding.details}"

    return found


@pytest.mark.variants
@needs_node
@pytest.mark.parametrize("name", ["query.js", "query", "lib/query", "lib", "data"])
def test_a_file_without_its_dot_is_no_package(invoke, write, found, name):
    write("query.js", "lib/query.js", "lib/index.js", "data.json")
    outcome = invoke(f"require('{name}')\n", "index.js")
    hint = f"it is the name of a package: in the function's folder, write ./{name}"
    assert outcome.reason.endswith(hint)
    assert hint in found("unlisted-package")


@needs_node
def test_a_package_may_have_the_name_of_the_file_that_loads_it(invoke, write, found):
    listed = '{"dependencies": {"redis": "*"}}'
    write(**{"redis.js": "require('redis')\n", "package.json": listed})
    outcome = invoke("require('./redis')\n", "index.js")
    told = "redis is missing. Install what it needs: cloud-openapi install hello"
    assert outcome.reason.startswith(told)
    assert "package.json lists redis, which is not installed" in found("not-installed")


@needs_node
def test_a_part_of_a_listed_package_is_not_installed(invoke, write, found):
    write(**{"package.json": '{"dependencies": {"@scope/thing": "*"}}'})
    invoke("require('@scope/thing/part')\n", "index.js")
    assert "package.json lists @scope/thing, which is not inst" in found("not-installed")


@needs_node
def test_the_stack_of_a_missing_package_has_no_frame_of_the_resolver(
    invoke, write, tmp_path, monkeypatch
):
    write(**{"package.json": '{"type": "module", "dependencies": {"treasure": "*"}}'})
    monkeypatch.setattr(_functions, "installed_for", lambda settings: [tmp_path / "node_modules"])
    stack = invoke("import 'treasure'\n", "index.js").result["stackTrace"]
    assert "Cannot find package 'treasure'" in stack
    assert "data:text/javascript" not in stack


@needs_node
def test_a_file_that_a_package_lacks_is_no_dependency(invoke, write, found):
    write("node_modules/@scope/thing/index.js", **{"package.json": '{"dependencies": {}}'})
    for package in ("lodash", "@scope/thing"):
        write(f"node_modules/{package}/index.js")
        text = f"{package} is installed, but has no file lib/gone: names are case-sensitive"
        assert text in invoke(f"require('{package}/lib/gone')\n", "index.js").reason
        assert text in found("missing-file")


def test_a_module_that_a_package_lacks_is_no_dependency(invoke, found):
    end = "\ndef main(event, context):\n    pass\n"
    for name, package in [("requests.gone", "requests"), ("requests.adapters.gone", "s.adapters")]:
        text = f"{package} is installed, but has no module gone: names are case-sensitive"
        assert text in invoke(f"import {name}{end}").reason
        assert text in found("missing-file")


def test_a_part_of_a_folder_that_several_packages_share_may_be_a_dependency(invoke, write):
    write("index.py", "google_parts/google/cloud/storage.py")
    source = (
        "import pathlib, sys\nsys.path.append(str(pathlib.Path('google_parts').resolve()))\n"
        "import google.gone\n"
    )
    assert "If it is a dependency, list it in" in invoke(source).reason


def test_a_system_library_that_is_missing_is_no_dependency(invoke, found):
    message = "libGL.so.1: cannot open shared object file: No such file or directory"
    reason = invoke(f"raise ImportError('{message}')\n").reason
    assert reason.startswith("A package needs the system library libGL.so.1, which this machine ")
    assert reason in found("does-not-load")
    assert "looked in" not in found("does-not-load")


@needs_node
@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("require('.\\\\query')\n", "\\ does not separate folders: write ./query"),
        ("import('./query')\n", "takes the whole name of a file: write query.mjs, not query"),
        ("import './gone.mjs'\n", "case-sensitive"),
    ],
)
def test_a_path_says_what_is_wrong_with_it(invoke, write, source, hint):
    write("query.mjs")
    if source.startswith("import('"):
        source = f"exports.main = () => {source}"
    file = "index.mjs" if source.startswith("import '") else "index.js"
    assert hint in invoke(source, file).reason


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import lib.gone", ("own lib has no module gone; file names are ", "missing-file")),
        ("import query.gone", ("own query has no module gone; file names", "missing-file")),
        ("from . import query", ("index.py is not part of a package: import", "does-not-load")),
        (
            "from query import gone",
            ("'gone' from 'query'. The module was found, but has no such name", ""),
        ),
    ],
)
def test_a_python_module_of_the_function_is_no_dependency(invoke, write, found, source, expected):
    hint, code = expected
    write("query.py", "lib/__init__.py")
    assert hint in invoke(source + "\ndef main(event, context):\n    pass\n").reason
    assert not code or hint in found(code)


@needs_node
@pytest.mark.parametrize(
    ("source", "status", "reason"),
    [
        ("require('./_secret')\n", 443, "no such file: its name is case-sensitive"),
        (
            "require('treasure')\n",
            443,
            "list it in package.json, then run: cloud-openapi install hello",
        ),
        (
            "exports.handler = () => 1\n",
            437,
            "exports no function main(event, context); it exports",
        ),
        (
            "exports.main = () => require('treasure')\n",
            430,
            "list it in package.json, then run: cloud-openapi",
        ),
        ("require('treasure')\n", 443, "list it in package.json, then run: cloud-openapi"),
        ("require('treasure')\n", 443, "treasure is missing. If it is a dependency"),
        ("exports.main = () => process.exit(3)\n", 439, "the process ended before it answered"),
        (
            "exports.main = () => { Promise.reject(new Error('no')) }\n",
            439,
            "an error that nothing caught, such as that of a promise without await",
        ),
        ("exports.main = async () => 1\n", 200, ""),
    ],
)
def test_a_node_function_says_why_it_failed(invoke, source, status, reason):
    outcome = invoke(source, "index.js")
    assert outcome.status == status
    assert reason in outcome.reason
    assert bool(outcome.reason) == bool(reason)


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import time\ntime.sleep(20)\n", 433),
        ("app = object()\n", 437),
        ("raise SystemExit\n", 443),
    ],
)
def test_a_web_function_is_the_reason(tmp_path, invoke, source, status):
    (tmp_path / "functions" / "hello").mkdir(parents=True)
    (tmp_path / "functions" / "hello" / "scf_bootstrap").write_text(
        "#!/bin/bash\npython3 index.py\n"
    )
    outcome = invoke(source, timeout=0.3)
    assert outcome.status == status
    assert ("it has scf_bootstrap: it is a web function" in outcome.reason) == (status != 443)


def test_an_event_that_is_too_large_says_how_large_it_may_be(invoke):
    outcome = invoke("def main(e, c):\n    return 1\n", event="x" * 7_000_000)
    assert outcome.status == 406
    assert outcome.reason.startswith("an event is at most 6 MB")


def test_a_timeout_says_how_long_it_may_take(invoke):
    outcome = invoke("import time\ndef main(e, c):\n    time.sleep(20)\n", timeout=0.3)
    assert outcome.status == 433
    assert outcome.reason.startswith("it did not answer in 0.3 seconds: to allow more, set timeout")


def test_a_timeout_names_the_file_that_sets_it_and_a_command(tmp_path, invoke):
    folder = tmp_path / "functions" / "hello"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"timeout": 1}')
    slow = "import time\ndef main(e, c):\n    time.sleep(20)\n"
    outcome = invoke(slow)
    assert "set timeout in the function's config.json, or find what it awaits" in outcome.reason
    command = (
        f"cloud-openapi serve --debug hello --functions {shlex.quote(str(tmp_path / 'functions'))}"
    )
    assert outcome.reason.endswith(f": {command}")
    (tmp_path / "cloudbaserc.json").write_text('{"functions": [{"name": "hello", "timeout": 1}]}')
    assert "set timeout in the function's entry in cloudbaserc.json" in invoke(slow).reason


@pytest.mark.parametrize(
    ("file", "source", "error", "place"),
    [
        ("index.py", "def main(e, c)\n", "SyntaxError: ", 'index.py", line 1)'),
        (
            "index.py",
            "def main(e, c):\n  if 1:\n\treturn 1\n",
            "TabError: inconsistent use of tabs and spaces in indentation (File ",
            'index.py", line 3)',
        ),
        pytest.param(
            "index.js",
            "exports.main = () => {\n  return }}\n",
            "SyntaxError: Unexpected token '}' (/",
            "index.js:2)",
            marks=needs_node,
        ),
    ],
)
def test_the_line_of_a_syntax_error_has_the_error_and_its_place(invoke, file, source, error, place):
    line = error_line(invoke(source, file).result)
    assert line.startswith(error)
    assert line.endswith(place)


def test_a_function_that_takes_too_much_memory_says_how_much(invoke):
    outcome = invoke("def main(e, c):\n    return len('x' * 300_000_000)\n", memory=128)
    assert outcome.status == 434
    assert " of 128 MB: to allow more, set memorySize" in outcome.reason


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "index.py",
            f"import urllib.request\ndef main(e, c):\n    urllib.request.urlopen('http://{REFUSED}')\n",
        ),
        (
            "index.py",
            f"import requests\ndef main(e, c):\n    requests.get('http://{REFUSED}')\n",
        ),
        pytest.param(
            "index.js",
            "exports.main = () => new Promise((go, fail) => require('http')"
            f".get('http://{REFUSED}', go).on('error', fail))\n",
            marks=needs_node,
        ),
    ],
)
def test_a_host_that_is_not_called_is_the_reason(invoke, file, source):
    outcome = invoke(source, file)
    assert outcome.status == 430
    assert outcome.reason.startswith(f"{REFUSED} is not called: its service is not emulated. ")
    assert f"CLOUD_OPENAPI_REAL_HOSTS={REFUSED}" in outcome.reason
