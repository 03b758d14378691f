"""Functions in worker processes: what they get, what they give, and how they fail."""

import errno
import json
import os
import re
import shutil
import signal
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from support.processes import WAIT, is_alive, until
from support.values import NOW

from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Functions, _functions


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "functions"


@pytest.fixture
def make(folder):
    """Return a factory of Functions whose workers end with the test."""
    made = []

    def make(**settings):
        made.append(Functions(folder, settings.pop("environment", {}), **settings))
        return made[-1]

    yield make
    for functions in made:
        functions.close()


@pytest.fixture
def functions(make):
    return make()


@pytest.fixture
def write(folder):
    """Return a function that writes a function's index.py, or another file of its folder."""

    def write(source, name="hello", file="index.py"):
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
        return path

    return write


class Answer(NamedTuple):
    result: Any
    status: int


def run(functions, event=None, name="hello"):
    """Invoke as the HTTP API does, which adds nothing to the event."""
    outcome = functions.invoke(name, event, NOW, source="wx_http")
    return Answer(outcome.result, outcome.status)


RETURNS_EVENT = "def main(event, context):\n    return event\n"
RETURNS_PID = "import os\ndef main(event, context):\n    return os.getpid()\n"
WAITS = """
import os, pathlib, time
def main(event, context):
    pathlib.Path(event["tell"]).write_text(str(os.getpid()))
    end = time.monotonic() + 20
    while len(os.listdir(event["folder"])) < event["count"] and time.monotonic() < end:
        time.sleep(0.01)
    return [os.getpid(), len(os.listdir(event["folder"]))]
"""


# ---- what goes in and what comes out -------------------------------------------------------


@pytest.mark.variants
@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1.5,
        12345678901234567890,
        "",
        "留存\n\u2028\x00",
        "\ud800",
        [],
        {},
        {"beginDate": "20170313", "a": [{"b": None}]},
        "x" * 300_000,
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_function_gets_the_event_and_its_value_comes_back(functions, write, value):
    write(RETURNS_EVENT)
    assert run(functions, value) == (value, 200)


def test_the_context_is_an_object_of_the_platforms_keys(make, write):
    write("def main(event, context):\n    return context\n")
    context, status = run(make(timeout=7))
    assert status == 200
    uuid.UUID(context["request_id"])
    assert context["function_name"] == "hello"
    assert context["function_version"] == "$LATEST"
    assert (type(context["memory_limit_in_mb"]), context["memory_limit_in_mb"]) == (int, 256)
    assert (type(context["time_limit_in_ms"]), context["time_limit_in_ms"]) == (int, 7000)


@pytest.mark.parametrize(
    "key",
    [
        "namespace",
        "environment",
        "environ",
        "tencentcloud_region",
        "tencentcloud_appid",
        "tencentcloud_uin",
    ],
)
def test_the_context_has_each_further_key_of_the_platform_as_a_string(functions, write, key):
    write("def main(event, context):\n    return context\n")
    assert isinstance(run(functions).result.get(key), str)


def test_environment_and_environ_of_the_context_hold_the_same_variables(functions, write):
    write(
        "import os\ndef main(event, context):\n"
        "    return [context['environment'], context['environ'], dict(os.environ)]\n"
    )
    environment, environ, process = run(functions).result
    variables = json.loads(environment)
    assert variables
    assert dict(pair.split("=", 1) for pair in environ.split(";")) == variables
    assert variables.items() <= process.items()


def test_each_invocation_has_a_request_id_of_its_own(functions, write):
    write("def main(event, context):\n    return context['request_id']\n")
    assert run(functions).result != run(functions).result


@pytest.mark.parametrize(
    "statement",
    [
        "print('{\"result\": 1}')",
        "print('x' * 100_000)",
        "import sys; sys.stdout.write('no line end'); sys.stdout.flush()",
        "import os; os.write(1, b'{}\\n')",
        "import subprocess; subprocess.run(['echo', 'from a child'], check=True)",
        "import sys; print('to stderr', file=sys.stderr)",
        "import logging; logging.warning('logged')",
    ],
)
def test_output_of_a_function_is_not_in_its_answer(functions, write, statement):
    write(f"def main(event, context):\n    {statement}\n    return event\n")
    assert run(functions, 1) == (1, 200)
    assert run(functions, 2) == (2, 200)


def test_output_of_a_loading_module_is_not_in_the_answer(functions, write):
    write("print('loading')\n" + RETURNS_EVENT)
    assert run(functions, 1) == (1, 200)


@pytest.mark.parametrize(
    "statement",
    [
        "import sys; return sys.stdin.read()",
        "import os; return os.read(0, 100).decode()",
        "import subprocess as s; return s.run(['cat'], stdout=s.PIPE, text=True).stdout",
    ],
    ids=["sys.stdin", "descriptor 0", "child"],
)
def test_a_function_and_its_children_have_an_empty_stdin(make, write, statement):
    functions = make(timeout=WAIT)
    write(f"def main(event, context):\n    {statement}\n")
    assert run(functions) == ("", 200)
    assert run(functions) == ("", 200)


def test_a_function_imports_modules_of_its_own_folder_and_works_in_it(functions, write):
    write("VALUE = 5\n", file="helper.py")
    path = write(
        "import os\nfrom helper import VALUE\n"
        "def main(event, context):\n    return [VALUE, os.getcwd(), __file__]\n"
    )
    assert run(functions).result == [5, str(path.parent), str(path)]


def test_a_function_sees_no_module_of_the_runtime(functions, write):
    write(
        "def main(event, context):\n"
        "    import importlib.util as u\n"
        "    return [u.find_spec('_worker'), u.find_spec('_bootstrap')]\n"
    )
    assert run(functions).result == [None, None]


def test_shell_variables_with_the_emulators_names_are_not_inherited(
    make, write, folder, monkeypatch
):
    for name in ("SECRET", "CONFIG", "NOW", "BASE_URL", "WHATEVER"):
        monkeypatch.setenv(f"CLOUD_OPENAPI_{name}", "of the parent")
    monkeypatch.setenv("SOMETHING_ELSE", "of the parent")
    write(
        "import os\ndef main(event, context):\n"
        "    return {k: v for k, v in os.environ.items() if k.startswith(event)}\n"
    )
    functions = make(environment={"CLOUD_OPENAPI_BASE_URL": "http://127.0.0.1:1"})
    assert run(functions, "TCB_CONTEXT_CNFG").result == {
        "TCB_CONTEXT_CNFG": '{"URL": "http://127.0.0.1:1/admin"}'
    }
    # By the gateway, as on the platform: no secret is there for a call over HTTPS.
    assert run(functions, "CLOUD_OPENAPI_").result == {
        "CLOUD_OPENAPI_CONFIG": str(folder / "hello" / "config.json"),
        "CLOUD_OPENAPI_EMULATOR": "http://127.0.0.1:1",
        "CLOUD_OPENAPI_NOW": "2026-03-11T12:00:00+08:00",
    }
    assert run(functions, "SOMETHING_").result == {}


def test_each_function_has_its_own_config_json(functions, write, folder):
    for name in ("one", "two"):
        write("import os\ndef main(e, c):\n    return os.environ['CLOUD_OPENAPI_CONFIG']\n", name)
    for name in ("one", "two"):
        assert run(functions, name=name).result == str(folder / name / "config.json")


def test_a_warm_worker_gets_the_new_time(functions, write):
    write(
        "import os\ndef main(event, context):\n"
        "    return [os.getpid(), os.environ['CLOUD_OPENAPI_NOW']]\n"
    )
    first, _ = run(functions)
    second = functions.invoke("hello", None, NOW + timedelta(days=1)).result
    assert first[0] == second[0]
    assert second[1] == "2026-03-12T12:00:00+08:00"


# ---- failures ------------------------------------------------------------------------------


def check_error(outcome, status, message, *, stack=None):
    """The outcome is the platform's error object; return its stack trace."""
    result, given_status = outcome
    keys = ["errorCode", "errorMessage", "requestId", "statusCode"]
    assert sorted(result) == (keys if stack is None else sorted([*keys, "stackTrace"]))
    assert (given_status, result["statusCode"], result["errorCode"]) == (status, status, -1)
    if message is not None:
        assert result["errorMessage"] == message
    uuid.UUID(result["requestId"])
    if stack is not None:
        assert stack in result["stackTrace"]
    return result.get("stackTrace")


def files_in(stack):
    return set(re.findall(r'File "(.*?)"', stack))


def test_an_exception_is_430_and_its_stack_trace_shows_the_functions_own_file_only(
    functions, write
):
    path = write("def main(event, context):\n    raise Exception('err msg')\n")
    stack = check_error(run(functions), 430, "user code exception caught", stack="err msg")
    lines = stack.splitlines()
    assert lines[:3] == [
        "Traceback (most recent call last):",
        f'  File "{path}", line 2, in main',
        "    raise Exception('err msg')",
    ]
    assert lines[-1] == "Exception: err msg"
    assert files_in(stack) == {str(path)}
    assert run(functions).status == 430  # and the worker goes on


def test_the_stack_trace_of_a_chain_shows_the_functions_own_files_only(functions, write):
    helper = write("def fail():\n    return {}['key']\n", file="helper.py")
    path = write(
        "import helper\ndef main(event, context):\n"
        "    try:\n        helper.fail()\n"
        "    except KeyError as error:\n        raise RuntimeError('second') from error\n"
    )
    stack = check_error(run(functions), 430, "user code exception caught", stack="KeyError: 'key'")
    assert "RuntimeError: second" in stack
    assert files_in(stack) == {str(path), str(helper)}


@pytest.mark.parametrize(
    "value",
    ["object()", "{1, 2}", "b'bytes'", "[1, {'a': object()}]", "main", "(x for x in 'ab')"],
)
def test_a_value_that_is_not_json_is_430(functions, write, value):
    write(f"def main(event, context):\n    return {value}\n")
    check_error(run(functions), 430, "user code exception caught", stack="TypeError")


@pytest.mark.parametrize("value", ["float('nan')", "[float('inf')]", "{'a': -float('inf')}"])
def test_a_value_with_a_number_that_json_does_not_have_is_430(functions, write, value):
    write(f"def main(event, context):\n    return {value}\n")
    check_error(run(functions), 430, "user code exception caught", stack="ValueError")


NO_JSON = {
    "{'a': [1, {2, 3}]}": ("['a'][1] is of type set", "return a list: list(value)"),
    "[datetime.date(1, 1, 1)]": ("[0] is of type datetime.date", "return value.isoformat()"),
    "b'bytes'": (
        " is of type bytes",
        "return a string: value.decode(), or base64.b64encode(value)",
    ),
    "(Array(),)": ("[0] is of type index.Array", "return value.tolist()"),
    "[object()]": ("[0] is of type object", "return a dict, list, string, number, bool or None"),
    "{'a': {(1, 2): 3}}": ("['a'] has a key of type tuple, (1, 2)", "use a string"),
    "{'a': [float('nan')]}": ("['a'][0] is nan", "return None instead"),
    "later()": (" is of type coroutine", "return asyncio.run(value)"),
    "circular": ("['b'][0] contains itself", "which JSON cannot show"),
}


@pytest.mark.parametrize("value", NO_JSON)
def test_the_error_about_a_value_names_the_place_and_a_replacement(functions, write, value):
    write(
        "import datetime\ncircular = {}; circular['b'] = [circular]\nasync def later(): pass\n"
        "class Array:\n"
        "    def tolist(self): return []\n"
        "    def __iter__(self): return iter([])\n"
        f"def main(event, context):\n    return {value}\n"
    )
    stack = check_error(run(functions), 430, "user code exception caught", stack="")
    assert files_in(stack) == set()
    message = stack.splitlines()[-1]
    where, instead = NO_JSON[value]
    assert message.split(": ", 1)[1].startswith(f"result{where}")
    assert instead in message


def test_an_error_of_a_values_own_method_shows_the_functions_frames_only(functions, write):
    path = write(
        "class Bad(dict):\n    def items(self):\n        raise KeyError('own')\n"
        "def main(event, context):\n    return Bad(a=1)\n"
    )
    stack = check_error(run(functions), 430, "user code exception caught", stack="KeyError: 'own'")
    assert files_in(stack) == {str(path)}


def test_a_decimal_becomes_a_string_as_on_the_platform(functions, write):
    write("from decimal import Decimal\ndef main(e, c):\n    return [Decimal('1.10')]\n")
    assert run(functions) == (["1.10"], 200)


ODD_EXCEPTIONS = {
    "no text": """
class E(Exception):
    def __str__(self): raise ValueError
raise E
""",
    "half a surrogate pair": "raise ValueError('\\ud800')",
    "a long chain": """
error = None
for n in range(3000):
    last = error
    error = ValueError(n)
    error.__context__ = last
raise error
""",
    "its own cause": """
error = ValueError('no')
error.__cause__ = error
raise error
""",
}


@pytest.mark.parametrize("case", ODD_EXCEPTIONS)
@pytest.mark.parametrize("status", [430, 443])
def test_an_unusual_exception_is_430_or_443(functions, write, case, status):
    source = ODD_EXCEPTIONS[case]
    inner = source.replace("\n", "\n    ")
    path = write(f"def main(e, c):\n    {inner}\n" if status == 430 else source)
    stack = check_error(run(functions), status, None, stack="Traceback")
    assert files_in(stack) == {str(path)}
    write(RETURNS_EVENT)
    assert run(functions, 1) == (1, 200)


def test_endless_recursion_and_a_circular_value_are_430(functions, write):
    write("def main(event, context):\n    return main(event, context)\n")
    check_error(run(functions), 430, "user code exception caught", stack="RecursionError")
    write("def main(event, context):\n    a = []\n    a.append(a)\n    return a\n")
    check_error(run(functions), 430, "user code exception caught", stack="ValueError")


@pytest.mark.parametrize("source", ["", "def handler(event, context):\n    pass\n", "main = 5\n"])
def test_a_module_without_main_is_437(functions, write, source):
    path = write(source)
    message = check_error_with_message(run(functions), 437)
    assert "main" in message
    assert str(path) in message
    write(RETURNS_EVENT)
    assert run(functions, 1) == (1, 200)


def check_error_with_message(outcome, status):
    check_error(outcome, status, None, stack="")
    return outcome.result["errorMessage"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def main(event, context:\n", "SyntaxError"),
        ("import nosuchmodule\n", "ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit('bye')\n", "SystemExit: bye"),
    ],
    ids=["syntax error", "missing module", "exception", "exit"],
)
def test_a_module_that_does_not_load_is_443_until_it_is_fixed(functions, write, source, error):
    path = write(source)
    stack = check_error(run(functions), 443, None, stack=error)
    assert files_in(stack) == {str(path)}
    assert "line 1" in stack
    assert run(functions).status == 443
    write(RETURNS_EVENT)
    assert run(functions, 1) == (1, 200)


@pytest.mark.parametrize(
    "statement",
    [
        "import os; os._exit(0)",
        "import sys; sys.exit(3)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    ],
    ids=["os._exit", "sys.exit", "killed"],
)
def test_a_process_that_ends_is_439_and_the_next_invocation_works(functions, write, statement):
    write(f"def main(event, context):\n    if event == 'end': {statement}\n    return event\n")
    assert run(functions, 1) == (1, 200)
    check_error(run(functions, "end"), 439, "User process exit when running")
    assert run(functions, 2) == (2, 200)


def test_a_process_that_ends_while_its_module_loads_is_439(functions, write):
    write("import os\nos._exit(0)\n")
    check_error(run(functions), 439, "User process exit when running")


def test_an_endless_loop_is_433_after_the_timeout_and_the_next_invocation_works(make, write):
    functions = make(timeout=1)
    write("def main(event, context):\n    while event == 'loop':\n        pass\n    return event\n")
    begin = time.monotonic()
    outcome = run(functions, "loop")
    check_error(outcome, 433, "Invoking task timed out after 1 seconds")
    assert time.monotonic() - begin >= 1
    write(RETURNS_EVENT)
    write('{"timeout": 30}', file="config.json")
    assert run(functions, 2) == (2, 200)


def test_an_error_object_that_a_function_returns_is_a_value(functions, write):
    value = {"errorCode": -1, "statusCode": 430, "failed": "call"}
    write(RETURNS_EVENT)
    assert run(functions, value) == (value, 200)


# ---- which functions there are -------------------------------------------------------------


def test_the_functions_are_the_folders_with_an_index_py_in_order(functions, write, folder):
    for name in ("two", "one", "a", "_private", "with space", "has-hyphen_1"):
        write(RETURNS_EVENT, name)
    write("", "no_index", "other.py")
    (folder / "a_file").write_text("")
    assert list(functions) == ["has-hyphen_1", "one", "two"]


@pytest.mark.parametrize(
    "name",
    [
        "nosuch",
        "../hello",
        "hello/../hello",
        "./hello",
        "hello/",
        "/etc",
        "",
        ".",
        "..",
        "HELLO",
        "hello\n",
        "hello\x00",
        "a" * 61,
        "ｈｅｌｌｏ",
        None,
    ],
    ids=repr,
)
def test_an_invalid_or_unknown_name_is_refused(functions, write, folder, name):
    write(RETURNS_EVENT)
    write(RETURNS_EVENT, "../hello")
    assert name not in functions
    with pytest.raises(KeyError):
        run(functions, name=name)


def test_a_missing_folder_has_no_functions(make):
    functions = make()
    assert list(functions) == []
    assert "hello" not in functions


def test_a_function_that_is_added_or_removed_is_noticed(functions, write):
    assert "hello" not in functions
    path = write(RETURNS_EVENT)
    assert run(functions, 1) == (1, 200)
    shutil.rmtree(path.parent)
    assert list(functions) == []


# ---- processes -----------------------------------------------------------------------------


def test_a_process_is_kept_for_the_next_invocation(functions, write):
    write(RETURNS_PID)
    assert run(functions).result == run(functions).result != os.getpid()


@pytest.mark.parametrize("file", ["index.py", "helper.py", "lib/deep.py", "config.json"])
def test_a_file_that_is_edited_gives_a_new_process(functions, write, file):
    write(RETURNS_PID)
    write("", file="helper.py")
    write("", file="lib/deep.py")
    before = run(functions).result
    write(RETURNS_PID + "# edited", file=file) if file.endswith("py") else write("{}", file=file)
    after = run(functions).result
    assert after != before
    assert not is_alive(before)
    assert run(functions).result == after


def test_an_edit_of_the_same_length_is_noticed(functions, write):
    write("def main(event, context):\n    return 1\n")
    assert run(functions).result == 1
    write("def main(event, context):\n    return 2\n")
    assert run(functions).result == 2


def test_a_broken_link_does_not_hide_an_edit(functions, write, folder):
    write("def main(event, context):\n    return 1\n")
    # As Emacs makes one of a file that is edited.
    (folder / "hello" / ".#index.py").symlink_to("user@machine.1:1")
    assert run(functions).result == 1
    write("def main(event, context):\n    return 2\n")
    assert run(functions).result == 2


def test_packages_in_the_folder_do_not_hide_an_edit(functions, write, folder):
    write("from zoo.animal import NAME\ndef main(event, context):\n    return NAME\n")
    write("NAME = 'cat'\n", file="zoo/animal.py")
    record = [f"pkg/m{number}.py,sha256=x,0" for number in range(420)]
    for line in record:
        write("", file=line.partition(",")[0])
    write("\n".join(record), file="pkg-1.0.dist-info/RECORD")
    assert run(functions).result == "cat"
    write("NAME = 'owl'\n", file="zoo/animal.py")
    assert run(functions).result == "owl"


def test_too_many_files_are_a_warning_in_the_log(functions, write):
    write(RETURNS_EVENT)
    for number in range(400):
        write("", file=f"data/{number}.txt")
    run(functions)
    lines = [line for _, line in functions.log_of("hello").since()]
    assert [line for line in lines if line.startswith("Warning")] == [
        "Warning: changes of some files are not noticed: the function has more than 400 files"
    ]


def test_a_function_is_found_without_a_free_descriptor(functions, write, monkeypatch):
    write(RETURNS_EVENT)

    def refuse(*_):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pipe", refuse)
    monkeypatch.setattr(os, "listdir", refuse)
    outcome = run(functions)
    assert outcome.status == 445
    assert "Too many open files" in outcome.result["errorMessage"]


def waiting_events(tmp_path, count):
    folder = tmp_path / "told"
    folder.mkdir()
    return [
        {"tell": str(folder / str(n)), "folder": str(folder), "count": count} for n in range(count)
    ]


def test_invocations_of_one_function_run_at_the_same_time_each_in_its_own_process(
    make, write, tmp_path
):
    functions = make(timeout=WAIT)
    write(WAITS)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda e: run(functions, e), waiting_events(tmp_path, 4)))
    assert [outcome.status for outcome in outcomes] == [200] * 4
    pids, seen = zip(*(outcome.result for outcome in outcomes), strict=True)
    assert len(set(pids)) == 4
    assert seen == (4, 4, 4, 4)


def test_too_many_concurrent_invocations_are_432(make, write, tmp_path, monkeypatch):
    monkeypatch.setattr(_functions, "_CONCURRENCY", 1)
    functions = make(timeout=WAIT)
    write(WAITS)
    write(RETURNS_EVENT, "other")
    (event,) = waiting_events(tmp_path, 1)
    folder = tmp_path / "told"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, functions, {**event, "count": 2})
        try:
            assert until(lambda: any(folder.iterdir()))
            check_error(run(functions, 1, "other"), 432, None)
        finally:
            (folder / "go on").touch()
        assert first.result().status == 200
    assert run(functions, 1, "other") == (1, 200)


def test_close_ends_the_processes(functions, write):
    write(RETURNS_PID, "one")
    write(RETURNS_PID, "two")
    pids = [run(functions, name=name).result for name in ("one", "two")]
    assert all(map(is_alive, pids))
    functions.close()
    assert not any(map(is_alive, pids))


def test_close_leaves_no_process_of_an_invocation_that_was_running(make, write, tmp_path):
    functions = make(timeout=WAIT)
    write(WAITS)
    (event,) = waiting_events(tmp_path, 1)
    folder = tmp_path / "told"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(functions.invoke, "hello", {**event, "count": 2}, NOW)
        pid_file = folder / "0"
        assert until(lambda: pid_file.is_file() and pid_file.read_text())
        functions.close()
        (folder / "go on").touch()
    assert not is_alive(int(pid_file.read_text()))
    assert running.result().status == 439
    assert running.result().reason == "the emulator was stopped before the function answered"


# ---- over HTTP -----------------------------------------------------------------------------

HTTP = "/v1/functions/hello?source=wx_http"


@pytest.fixture
def client(functions):
    app = create_app(Emulator(clock=Clock(NOW)), functions)
    app.testing = True  # an exception is seen as one
    return app.test_client()


def test_post_gives_the_value_as_json_with_200(client, write):
    write(RETURNS_EVENT)
    answer = client.post(HTTP, data='{"名": [1, null]}'.encode())
    assert (answer.status_code, answer.json) == (200, {"名": [1, None]})
    assert answer.headers["Content-Type"].startswith("application/json")


def test_an_empty_body_is_an_empty_event(client, write):
    write(RETURNS_EVENT)
    assert client.post(HTTP).json == {}
    assert client.post("/v1/functions/hello").json.keys() == {"userInfo"}


def test_a_function_gets_the_emulators_time(client, write):
    write("import os\ndef main(e, c):\n    return os.environ['CLOUD_OPENAPI_NOW']\n")
    assert client.post("/v1/functions/hello").json == "2026-03-11T12:00:00+08:00"


def test_a_failure_is_the_platforms_error_object_with_its_status(client, write):
    write("def main(event, context):\n    raise ValueError('no')\n")
    answer = client.post("/v1/functions/hello", json={})
    assert (answer.status_code, answer.json["statusCode"]) == (430, 430)
    assert answer.json["stackTrace"].endswith("ValueError: no")


@pytest.mark.parametrize("name", ["nosuch", "HELLO", "hello%0a", "hello.", "%20hello", "a", ""])
def test_an_unknown_function_is_404_function_not_found(client, write, name):
    write(RETURNS_EVENT)
    answer = client.post(f"/v1/functions/{name}", json={})
    assert (answer.status_code, answer.json["code"]) == (404, "FUNCTION_NOT_FOUND")


@pytest.mark.parametrize("name", ["..%2fhello", "hello%2f..%2fhello", "hello/", "hello/index"])
def test_a_path_below_a_function_is_404(client, write, name):
    write(RETURNS_EVENT)
    write(RETURNS_EVENT, "../hello")
    answer = client.post(f"/v1/functions/{name}", json={})
    assert (answer.status_code, answer.json["code"]) == (404, "FUNCTION_NOT_FOUND")


def test_function_not_found_lists_the_known_functions(client, write):
    write(RETURNS_EVENT)
    assert "hello" in client.post("/v1/functions/nosuch", json={}).json["message"]


@pytest.mark.parametrize(
    "body",
    [b"hello", b"{", b"a=b", b"'a'", b"\xff", b"[" * 100_000, b"9" * 5000],
    ids=["text", "half", "form", "single quotes", "no UTF-8", "100,000 brackets", "5,000 digits"],
)
def test_an_event_that_is_not_json_is_400_function_param_invalid(client, write, body):
    write(RETURNS_EVENT)
    answer = client.post("/v1/functions/hello", data=body)
    assert (answer.status_code, answer.json["code"]) == (400, "FUNCTION_PARAM_INVALID")


def test_an_event_in_another_encoding_names_the_byte(client, write):
    write(RETURNS_EVENT)
    answer = client.post("/v1/functions/hello", data='{"city": "上海"}'.encode("gbk"))
    assert answer.json["message"] == "The body is not JSON in UTF-8: see its byte 11"


def test_an_event_that_is_nested_too_deep_is_refused_and_never_an_exception(client, write):
    write(RETURNS_EVENT)
    for depth in range(850, 1000):
        body = b"[" * depth + b"]" * depth
        answer = client.post("/v1/functions/hello", data=body)
        assert answer.status_code in (200, 400, 430)


@pytest.mark.parametrize(("name", "body"), [("nosuch", b"{}"), ("hello", b"{")], ids=["404", "400"])
def test_an_error_of_the_platform_has_code_message_and_request_id(client, write, name, body):
    write(RETURNS_EVENT)
    answer = client.post(f"/v1/functions/{name}", data=body).json
    assert answer.keys() == {"code", "message", "requestId"}


@pytest.mark.parametrize("body", [b'"\\ud800"', b'{"\\udfff": 1}'], ids=["value", "key"])
def test_a_lone_surrogate_is_returned_as_json(client, write, body):
    write(RETURNS_EVENT)
    answer = client.post(HTTP, data=body)
    assert answer.status_code == 200
    assert json.loads(answer.data) == json.loads(body)


def test_an_event_over_six_mebibytes_is_refused_with_an_error_and_no_exception(client, write):
    write(RETURNS_EVENT)
    answer = client.post("/v1/functions/hello", data=b" " * (6 * 2**20 + 1))
    assert 400 <= answer.status_code < 500
    assert "code" in answer.json


def test_get_is_405(client, write):
    write(RETURNS_EVENT)
    answer = client.get("/v1/functions/hello")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_without_functions_the_address_is_unknown():
    answer = create_app(Emulator()).test_client().post("/v1/functions/hello", json={})
    assert (answer.status_code, answer.json["errcode"]) == (200, 40066)


def test_a_function_runs_with_this_interpreter(functions, write):
    write("import sys\ndef main(event, context):\n    return sys.executable\n")
    assert run(functions).result == sys.executable


def test_a_worker_that_died_while_idle_is_replaced(tmp_path):
    folder = tmp_path / "fragile"
    folder.mkdir()
    (folder / "index.py").write_text(RETURNS_PID, "utf-8")
    functions = Functions(tmp_path, {})
    now = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
    try:
        first = functions.invoke("fragile", {}, now=now).result
        os.kill(first, signal.SIGKILL)
        assert until(lambda: not is_alive(first))
        second = functions.invoke("fragile", {}, now=now)
        assert second.status == 200
        assert second.result != first
    finally:
        functions.close()
