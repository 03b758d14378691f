"""What a function may not do ends that invocation with the platform's error, and nothing else."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Functions

NOW = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
COMMAND = Path(sys.executable).with_name("cloud-openapi")
WAIT = 20
FILES = {"python": "index.py", "node": "index.js"}
ECHO = {
    "python": "def main(event, context):\n    return event\n",
    "node": "exports.main = async (event) => event\n",
}
HANDLER = {
    "python": "import os, sys, time\ndef main(event, context):\n    {}\n",
    "node": "exports.main = async (event, context) => {{ {} }}\n",
}
LANGUAGES = [
    "python",
    pytest.param(
        "node", marks=pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")
    ),
]
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory")

# name: status, then what the handler does in Python and in Node.js
CASES = {
    "a sleep": (433, "time.sleep(60)", "await new Promise((r) => setTimeout(r, 60000))"),
    "an endless loop": (433, "while True: pass", "for (;;);"),
    "a promise that stays open": (433, "time.sleep(60)", "await new Promise(() => {})"),
    "a flood of output": (
        433,
        "while True: print('x' * 1000)",
        "for (;;) console.log('x'.repeat(1000))",
    ),
    "a flood without an end of line": (
        433,
        "while True: os.write(1, b'x' * 1000)",
        "for (;;) require('fs').writeSync(1, 'x'.repeat(1000))",
    ),
    "an exception": (430, "raise ValueError('no')", "throw new TypeError('no')"),
    "a thrown string": (430, "raise Exception('no')", "throw 'no'"),
    "a value that is no JSON": (430, "return object()", "return 1n"),
    "a circular value": (430, "a = []; a.append(a); return a", "const a = []; a[0] = a; return a"),
    "endless recursion": (430, "return main(event, context)", "return (function f() { f() })()"),
    "an exit": (439, "os._exit(3)", "process.exit(3)"),
    "an exit with 0": (439, "sys.exit(0)", "process.exit(0)"),
    "a kill": (439, "os.kill(os.getpid(), 9)", "process.kill(process.pid, 'SIGKILL')"),
    "an exit that leaves a child": (
        439,
        "import subprocess; subprocess.Popen(['sleep', '60'], close_fds=False); os._exit(1)",
        "require('child_process').spawn('sleep', ['60'], {stdio: 'inherit'}); process.exit(1)",
    ),
    "an exit after a fork": (
        439,
        "if os.fork(): os._exit(1)\n    time.sleep(60)",
        "setTimeout(() => { throw new Error('later') }); await new Promise(() => {})",
    ),
    "a large value": (407, "return 'x' * (6 * 2**20)", "return 'x'.repeat(6 * 2**20)"),
}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "functions"


@pytest.fixture
def make(folder):
    made = []

    def make(**settings):
        made.append(Functions(folder, {}, **settings))
        return made[-1]

    yield make
    for functions in made:
        functions.close()


@pytest.fixture
def write(folder):
    def write(language, source, name="hello"):
        path = folder / name / FILES[language]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
        return path

    return write


def run(functions, event=None, name="hello"):
    return functions.invoke(name, event, NOW, source="wx_http")


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition):
    end = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def check(outcome, status, language, write, functions):
    """The outcome is this error, and the function answers again once it is mended."""
    assert outcome.status == outcome.result["statusCode"] == status
    assert outcome.result["errorCode"] == -1
    assert outcome.log.splitlines()[-1] == outcome.report
    write(language, ECHO[language])
    assert run(functions, {"a": 1}).result == {"a": 1}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_what_a_function_may_not_do_ends_with_the_platforms_status(make, write, language, case):
    status, *bodies = CASES[case]
    write(language, HANDLER[language].format(bodies[list(FILES).index(language)]))
    functions = make(timeout=1)
    begun = time.monotonic()
    outcome = run(functions)
    # The module is loaded within the limit too, before the handler's time begins.
    assert time.monotonic() - begun < 3
    check(outcome, status, language, write, functions)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_timeout_comes_with_the_platforms_text_when_the_limit_is_over(make, write, language):
    body = {"python": "time.sleep(60)", "node": "await new Promise(() => {})"}[language]
    ready = {"python": "if event: return 1\n    ", "node": "if (event) return 1;"}[language]
    write(language, HANDLER[language].format(ready + body))
    functions = make(timeout=1)
    assert run(functions, 1).result == 1
    begun = time.monotonic()
    outcome = run(functions)
    assert 1 <= time.monotonic() - begun < 2
    assert outcome.result["errorMessage"] == "Invoking task timed out after 1 seconds"


@on_linux
@pytest.mark.parametrize("language", LANGUAGES)
def test_more_memory_than_the_limit_is_434_within_a_second(make, write, language):
    body = {
        "python": "kept = []\n    while True: kept.append(b'x' * 2**24)",
        "node": "const a = []; for (;;) a.push(Buffer.alloc(2 ** 24, 1))",
    }[language]
    write(language, HANDLER[language].format(body))
    functions = make(timeout=10)
    begun = time.monotonic()
    outcome = run(functions)
    assert time.monotonic() - begun < 3
    assert outcome.result["errorMessage"] == "MemoryLimitReached"
    check(outcome, 434, language, write, functions)


@on_linux
def test_two_gigabytes_at_once_are_434(make, write):
    write("python", HANDLER["python"].format("return len(b'x' * 2**31)"))
    functions = make(timeout=10)
    begun = time.monotonic()
    outcome = run(functions)
    assert time.monotonic() - begun < 3
    check(outcome, 434, "python", write, functions)


@on_linux
def test_the_memory_of_a_child_counts(make, write):
    child = "import time; x = b'x' * 2**29; time.sleep(60)"
    body = f"import subprocess; subprocess.run([sys.executable, '-c', {child!r}])"
    write("python", HANDLER["python"].format(body))
    functions = make(timeout=10)
    check(run(functions), 434, "python", write, functions)


@on_linux
def test_pages_that_forked_children_share_count_once(make, write):
    source = """
import multiprocessing, time
def main(event, context):
    kept = b"x" * (100 * 2**20)
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=time.sleep, args=(0.3,)) for _ in range(4)]
    for child in children: child.start()
    for child in children: child.join()
    return len(kept)
"""
    write("python", source)
    assert run(make(timeout=10)).result == 100 * 2**20


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_event_of_more_than_six_megabytes_is_406(make, write, language):
    write(language, ECHO[language])
    functions = make()
    outcome = run(functions, "x" * (6 * 2**20))
    assert outcome.result["errorMessage"] == "RequestTooLarge"
    check(outcome, 406, language, write, functions)


@pytest.mark.parametrize("language", LANGUAGES)
def test_six_megabytes_of_chinese_go_in_and_come_out(make, write, language):
    write(language, ECHO[language])
    text = "留" * (2 * 2**20 - 10)  # three bytes each, and six in JSON's ASCII
    assert run(make(), text).result == text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", ["while True: pass", "for (;;);"])
def test_a_module_that_does_not_end_loading_is_433(make, write, language, source):
    if (language == "node") != source.startswith("for"):
        pytest.skip("the other language's loop")
    write(language, source)
    functions = make(timeout=1)
    begun = time.monotonic()
    outcome = run(functions, "x" * 300_000)  # more than a pipe holds
    assert time.monotonic() - begun < 2
    check(outcome, 433, language, write, functions)


def test_a_child_that_a_fork_leaves_in_the_handler_does_not_answer(make, write):
    write("python", HANDLER["python"].format("os.fork(); return event"))
    functions = make()
    assert [run(functions, n).result for n in range(5)] == list(range(5))


def test_a_function_that_closes_its_descriptors_fails_alone(make, write):
    write("python", HANDLER["python"].format("os.closerange(0, 100); return 1"))
    functions = make(timeout=1)
    check(run(functions), 439, "python", write, functions)


def test_a_function_may_close_its_stdout(make, write):
    write(
        "python",
        HANDLER["python"].format("if not event: os.close(1); os.close(2)\n    return event"),
    )
    functions = make(timeout=1)
    assert [run(functions, n).result for n in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_function_that_fails_takes_no_other_one_with_it(make, write, language):
    loop = {"python": "while True: pass", "node": "for (;;);"}[language]
    write(language, HANDLER[language].format(loop), "loops")
    write(language, ECHO[language])
    functions = make(timeout=1)
    thread = threading.Thread(target=run, args=(functions, None, "loops"))
    thread.start()
    while thread.is_alive():
        assert run(functions, 1).result == 1
    thread.join()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_process_that_a_function_started_ends_with_it(make, write, language, tmp_path):
    body = {
        "python": "import subprocess\n    p = subprocess.Popen(['sleep', '60'])\n    return p.pid",
        "node": "return require('child_process').spawn('sleep', ['60']).pid",
    }[language]
    write(language, HANDLER[language].format(body))
    functions = make()
    child = run(functions).result
    assert is_alive(child)
    functions.close()
    assert until(lambda: not is_alive(child))


def test_a_flood_of_output_keeps_the_log_bounded(make, write):
    body = "for n in range(20_000): print(n, 'x' * 1000)"
    write("python", HANDLER["python"].format(body))
    functions = make(timeout=WAIT)
    outcome = run(functions)
    assert outcome.status == 200
    assert len(outcome.log) <= 300_000
    assert sum(len(line) for _, line in functions.log_of("hello").since()) <= 2 * 2**20
    assert "19999 x" in outcome.log


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_worker_outlives_an_emulator_that_was_killed(tmp_path, write, language):
    body = {
        "python": "import subprocess\n    p = subprocess.Popen(['sleep', '60'])\n"
        "    print(os.getpid(), p.pid)\n    while True: pass",
        "node": "console.log(process.pid, require('child_process').spawn('sleep', ['60']).pid);"
        " for (;;);",
    }[language]
    write(language, HANDLER[language].format(body))
    source = (
        "import sys, datetime, pathlib\n"
        "from cloud_openapi.runtime import Functions\n"
        "told = lambda name, line: print(line, flush=True)\n"
        "functions = Functions(pathlib.Path(sys.argv[1]), {}, timeout=60, on_line=told)\n"
        "functions.invoke('hello', {}, datetime.datetime.now())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", source, str(tmp_path / "functions")],
        stdout=subprocess.PIPE,
        text=True,
    )
    worker, child = map(int, process.stdout.readline().split())
    assert is_alive(worker)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=WAIT)
    assert until(lambda: not is_alive(worker))
    assert until(lambda: not is_alive(child))
