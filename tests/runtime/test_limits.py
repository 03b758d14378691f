"""What a function may not do ends that invocation with the platform's error, and nothing else."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.processes import WAIT, descriptors_left, is_alive, until
from support.values import NOW

from cloud_openapi.runtime import Debug, Functions, _pool, _process, _worker

COMMAND = Path(sys.executable).with_name("cloud-openapi")
FILES = {"python": "index.py", "node": "index.js"}
ECHO = {
    "python": "def main(event, context):\n    return event\n",
    "node": "exports.main = async (event) => event\n",
}
HANDLER = {
    "python": "import os, sys, time\ndef main(event, context):\n    {}\n",
    "node": "exports.main = async (event, context) => {{ {} }}\n",
}
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")
LANGUAGES = ["python", pytest.param("node", marks=needs_node)]
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
    "a flood of empty lines": (
        433,
        "while True: os.write(1, b'\\n' * 2**16)",
        "for (;;) require('fs').writeSync(1, '\\n'.repeat(2**16))",
    ),
    "an exception": (430, "raise ValueError('no')", "throw new TypeError('no')"),
    "a thrown string": (430, "raise Exception('no')", "throw 'no'"),
    "a value that is not JSON": (430, "return object()", "return 1n"),
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


@pytest.fixture
def limit(folder):
    """Return a function that sets the seconds which a function may take."""

    def limit(seconds, name="hello"):
        config = folder / name / "config.json"
        config.write_text(f'{{"timeout": {seconds}}}', "utf-8")

    return limit


class Clock:
    """The machine's clock, which can be advanced; ``looks`` counts how often it was read."""

    def __init__(self):
        self.ahead = 0
        self.looks = 0

    def monotonic(self):
        self.looks += 1
        return time.monotonic() + self.ahead

    def is_read(self):
        """Wait until it was read several times."""
        enough = self.looks + 10
        return until(lambda: self.looks > enough)


@pytest.fixture
def clock(monkeypatch):
    """The clock by which the limit of an invocation is measured."""
    clock = Clock()
    monkeypatch.setattr(_worker, "clocks", clock)
    return clock


def check(outcome, status, language, write, functions):
    """The outcome is this error, and the function answers again once it is mended."""
    assert outcome.status == outcome.result["statusCode"] == status
    assert outcome.result["errorCode"] == -1
    assert outcome.log.splitlines()[-1] == outcome.report
    config = write(language, ECHO[language]).with_name("config.json")
    config.write_text(f'{{"timeout": {WAIT}}}', "utf-8")  # to start takes long on a busy machine
    assert run(functions, {"a": 1}).result == {"a": 1}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_each_failure_has_the_platforms_status(make, write, language, case):
    status, *bodies = CASES[case]
    write(language, HANDLER[language].format(bodies[list(FILES).index(language)]))
    functions = make(timeout=1 if status == 433 else WAIT)
    outcome = run(functions)
    check(outcome, status, language, write, functions)


# What ends an invocation of Node.js, and how: status and what is the last line of its stack trace.
NODE_CASES = {
    "a cause that is itself": (430, "const e = new Error('no'); e.cause = e; throw e", "Error: no"),
    "causes in a circle": (
        430,
        "const a = new Error('one'), b = new Error('two', { cause: a }); a.cause = b; throw b",
        "Caused by: Error: one",
    ),
    "nothing that is thrown": (430, "await Promise.reject()", "Uncaught undefined"),
    "null that is thrown": (430, "throw null", "Uncaught null"),
    "an object that is thrown": (430, "throw { code: 5 }", "Uncaught { code: 5 }"),
    "a message that throws": (
        430,
        "throw Object.defineProperty(new Error(), 'message', { get() { throw 1 } })",
        "Uncaught: something was thrown that cannot be shown",
    ),
    "an error of another realm": (
        430,
        "require('vm').runInNewContext(\"throw new Error('no')\")",
        "Error: no",
    ),
    "a BigInt": (
        430,
        "return { a: 2n }",
        "TypeError: result.a is a BigInt, which is not JSON; return Number(value) or String(value)",
    ),
    "a circle": (
        430,
        "const a = {}; a.b = [a]; return a",
        "TypeError: result.b[0] contains itself, which JSON cannot show",
    ),
    "a toJSON that throws": (430, "return { toJSON() { throw new Error('own') } }", "Error: own"),
    "an exit in a promise": (439, "await Promise.resolve().then(() => process.exit(0))", ""),
    "an unhandled rejection": (439, "Promise.reject(new Error('no')); return 1", ""),
    "a rejection beside an error": (439, "Promise.reject(new Error('no')); throw 1", ""),
}


@pytest.mark.slow
@needs_node
@pytest.mark.parametrize("case", NODE_CASES)
def test_nodejs_errors_show_the_functions_own_lines(make, write, case):
    status, body, last = NODE_CASES[case]
    path = write("node", f"exports.main = async (event) => {{ {body} }}\n")
    outcome = run(make())
    stack = outcome.result.get("stackTrace", "")
    lines = [line for line in stack.splitlines() if not line.startswith("    at ")]
    assert (lines or [""])[-1] == last
    frames = [line for line in stack.splitlines() if line.startswith("    at ")]
    assert all(str(path) in line or "<anonymous>" in line for line in frames), frames
    check(outcome, status, "node", write, make())


@needs_node
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("undefined", None),
        ("() => 1", None),
        ("NaN", None),
        ("[Infinity, undefined, -0]", [None, None, 0]),
        ("{ a: undefined, b: new Date(0) }", {"b": "1970-01-01T00:00:00.000Z"}),
        ("'\\ud800'", "\ud800"),
        ("{ '\\udfff': ['\\ud83d', '😀'] }", {"\udfff": ["\ud83d", "😀"]}),
    ],
)
def test_nodejs_values_are_written_as_by_json_stringify(make, write, value, expected):
    write("node", f"exports.main = async () => ({value})\n")
    outcome = run(make())
    assert (outcome.result, outcome.status) == (expected, 200)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lone_surrogates_pass_through_a_function(make, write, language):
    write(language, ECHO[language])
    event = {"\ud800": ["\udfff", "😀", "a\udc00b"]}
    assert run(make(), event).result == event


@needs_node
def test_a_rejection_after_the_answer_does_not_fail_the_next_invocation(make, write):
    late = "setTimeout(() => Promise.reject(new Error('late')), 1); return process.pid"
    write("node", HANDLER["node"].format(f"if (event) return event; {late}"))
    functions = make()
    pid = run(functions).result
    assert until(lambda: not is_alive(pid))
    assert run(functions, 1).result == 1


@needs_node
@pytest.mark.parametrize(
    "body",
    [
        "process.stdout.write('x'.repeat(10 * 2 ** 20))",
        "for (let n = 0; n < 10; n++) console.log('x'.repeat(2 ** 20))",
        "require('fs').closeSync(1)",
        "require('fs').closeSync(1); require('fs').closeSync(2)",
    ],
)
def test_a_nodejs_function_cannot_break_the_answer_by_its_stdout(make, write, body):
    write("node", HANDLER["node"].format(f"if (!event) {{ {body} }} return event"))
    functions = make(timeout=WAIT)
    assert [run(functions, n).result for n in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_timeout_comes_with_the_platforms_text_when_the_limit_is_over(
    make, write, language, clock
):
    body = {"python": "time.sleep(60)", "node": "await new Promise(() => {})"}[language]
    ready = {"python": "if event: return 1\n    ", "node": "if (event) return 1;"}[language]
    write(language, HANDLER[language].format(ready + body))
    functions = make(timeout=60)
    assert run(functions, 1).result == 1
    with ThreadPoolExecutor(1) as pool:
        invocation = pool.submit(run, functions)
        assert clock.is_read()
        clock.ahead = 50
        assert clock.is_read()
        assert not invocation.done()
        clock.ahead = 61
        outcome = invocation.result(WAIT)
    assert outcome.result["errorMessage"] == "Invoking task timed out after 60 seconds"


@on_linux
@pytest.mark.parametrize("language", LANGUAGES)
def test_more_memory_than_the_limit_is_434(make, write, language):
    body = {
        "python": "kept = []\n    while True: kept.append(b'x' * 2**24)",
        "node": "const a = []; for (;;) a.push(Buffer.alloc(2 ** 24, 1))",
    }[language]
    write(language, HANDLER[language].format(body))
    functions = make(timeout=WAIT)
    outcome = run(functions)
    assert outcome.result["errorMessage"] == "MemoryLimitReached"
    check(outcome, 434, language, write, functions)


@on_linux
def test_two_gigabytes_at_once_are_434(make, write):
    write("python", HANDLER["python"].format("return len(b'x' * 2**31)"))
    functions = make(timeout=WAIT)
    outcome = run(functions)
    check(outcome, 434, "python", write, functions)


@on_linux
def test_the_memory_of_a_child_counts(make, write):
    child = "import time; x = b'x' * 2**29; time.sleep(60)"
    body = f"import subprocess; subprocess.run([sys.executable, '-c', {child!r}])"
    write("python", HANDLER["python"].format(body))
    functions = make(timeout=WAIT)
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
    assert run(make(timeout=WAIT)).result == 100 * 2**20


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


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", ["while True: pass", "for (;;);"])
def test_a_module_that_never_finishes_loading_is_433(make, write, language, source):
    if (language == "node") != source.startswith("for"):
        pytest.skip("the other language's loop")
    write(language, source)
    functions = make(timeout=1)
    outcome = run(functions, "x" * 300_000)  # more than a pipe holds
    check(outcome, 433, language, write, functions)


def test_a_forked_child_does_not_answer(make, write):
    write("python", HANDLER["python"].format("os.fork(); return event"))
    functions = make()
    assert [run(functions, n).result for n in range(5)] == list(range(5))


def test_a_function_that_closes_its_descriptors_fails_alone(make, write):
    write("python", HANDLER["python"].format("os.closerange(0, 100); return 1"))
    functions = make(timeout=WAIT)
    check(run(functions), 439, "python", write, functions)


@pytest.mark.variants
@pytest.mark.parametrize("peak", ["", "\t", "\t-1", "\t1", f"\t{'9' * 5000}"])
@pytest.mark.parametrize("text", ["{}", "[]", "1", '{"failed": "nosuch"}', "nothing"])
def test_a_function_that_writes_to_the_answer_pipe_fails_alone(make, write, text, peak):
    body = f"""import fcntl
    for n in range(3, 50):
        if os.path.exists(f'/dev/fd/{{n}}') and fcntl.fcntl(n, fcntl.F_GETFL) & os.O_WRONLY:
            os.write(n, {(text + peak).encode()} + b'\\n')
    time.sleep(0.05)
    return 1"""
    write("python", HANDLER["python"].format(body))
    functions = make()
    check(run(functions), 439, "python", write, functions)


@on_linux
def test_a_function_inherits_no_other_descriptors(make, write):
    source = "[os.readlink(f'/dev/fd/{n}') for n in range(50) if os.path.lexists(f'/dev/fd/{n}')]"
    write("python", HANDLER["python"].format(f"return {source}"))
    stdin, stdout, stderr, requests, answers = run(make()).result
    assert stdin == "/dev/null"
    assert stdout == stderr
    assert len({stdout, requests, answers}) == 3


def test_a_function_may_close_its_stdout(make, write):
    write(
        "python",
        HANDLER["python"].format("if not event: os.close(1); os.close(2)\n    return event"),
    )
    functions = make(timeout=WAIT)
    assert [run(functions, n).result for n in range(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("language", "closes", "prints"),
    [
        ("python", "os.close(1); os.close(2)", "print('heard')"),
        pytest.param(
            "node",
            "const fs = require('fs'); fs.closeSync(1); fs.closeSync(2)",
            "console.log('heard')",
            marks=needs_node,
        ),
    ],
)
def test_after_a_function_has_closed_its_output_the_next_one_can_print(
    make, write, language, closes, prints
):
    bodies = {
        "python": f"if event: {closes}\n    else: {prints}\n    return event",
        "node": f"if (event) {{ {closes} }} else {prints}; return event",
    }
    write(language, HANDLER[language].format(bodies[language]))
    functions = make(timeout=WAIT)
    assert run(functions, 1).result == 1
    outcome = run(functions, 0)
    assert outcome.result == 0
    assert "heard" in outcome.log.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_failed_function_does_not_end_another_one(make, write, limit, language):
    loop = {"python": "while True: pass", "node": "for (;;);"}[language]
    write(language, HANDLER[language].format(loop), "loops")
    limit(1, "loops")
    write(language, ECHO[language])
    functions = make(timeout=WAIT)
    thread = threading.Thread(target=run, args=(functions, None, "loops"))
    thread.start()
    while thread.is_alive():
        assert run(functions, 1).result == 1
    thread.join()


# Each writes its number to the file {0}; the last ones leave session, family and environment.
DETACHED = {
    "a session in Python": """import subprocess, pathlib
    p = subprocess.Popen(['sleep', '60'], start_new_session=True)
    pathlib.Path({0!r}).write_text(f'{{p.pid}}\\n')
""",
    "a session in Node.js": """
    const p = require('child_process').spawn('sleep', ['60'], {{ detached: true }});
    require('fs').writeFileSync({0!r}, p.pid + '\\n');
""",
    "a daemon of Python": """import pathlib
    if os.fork() == 0:
        os.setsid()
        if os.fork(): os._exit(0)
        os.closerange(0, 100)
        pathlib.Path({0!r}).write_text(f'{{os.getpid()}}\\n')
        os.execve('/bin/sleep', ['sleep', '60'], {{}})
    os.wait()
    while not (os.path.exists({0!r}) and os.path.getsize({0!r})): time.sleep(0.01)
""",
    "a daemon of Node.js": """
    const daemon = 'echo $$ > "{0}"; exec sleep 60 > /dev/null 2>&1 < /dev/null';
    const shell = "setsid sh -c '" + daemon + "' &";
    const options = {{ stdio: 'ignore', env: {{}} }};
    require('child_process').execFileSync('/bin/sh', ['-c', shell], options);
    const fs = require('fs');
    while (!fs.existsSync({0!r}) || !fs.statSync({0!r}).size);
""",
}


@pytest.fixture
def detach(tmp_path, write):
    """Return a function that writes a function, which starts a process and does what is given."""

    def detach(case, python, node):
        language = "python" if case.endswith("Python") else "node"
        source = DETACHED[case]
        then = {"python": f"    {python}", "node": node}[language]
        write(language, HANDLER[language].format(source.format(str(tmp_path / "pid")) + then))

    return detach


def child_of(tmp_path):
    return int((tmp_path / "pid").read_text())


def is_told(tmp_path):
    path = tmp_path / "pid"
    return path.exists() and path.read_text().endswith("\n")


@on_linux
@needs_node
@pytest.mark.parametrize("case", DETACHED)
def test_a_process_that_has_left_its_session_ends_with_the_worker(make, detach, tmp_path, case):
    detach(case, "return 1", "return 1")
    functions = make()
    assert run(functions).result == 1
    assert until(lambda: is_told(tmp_path))
    assert is_alive(child_of(tmp_path))
    functions.close()
    assert until(lambda: not is_alive(child_of(tmp_path)))


@on_linux
@needs_node
@pytest.mark.parametrize("case", DETACHED)
def test_a_process_that_has_left_its_session_ends_with_an_exit(make, detach, tmp_path, case):
    detach(case, "os._exit(1)", "process.exit(1)")
    assert run(make(timeout=WAIT)).status == 439
    assert until(lambda: not is_alive(child_of(tmp_path)))


@on_linux
@needs_node
@pytest.mark.parametrize("case", DETACHED)
def test_a_process_that_has_left_its_session_ends_with_a_timeout(
    make, detach, tmp_path, clock, case
):
    detach(case, "while True: pass", "for (;;);")
    with ThreadPoolExecutor(1) as pool:
        invocation = pool.submit(run, make(timeout=60))
        assert until(lambda: is_told(tmp_path))
        clock.ahead = 61
        assert invocation.result(WAIT).status == 433
    assert until(lambda: not is_alive(child_of(tmp_path)))


@on_linux
def test_the_memory_of_a_process_that_has_left_its_session_counts(make, write):
    source = (
        "if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork(): os._exit(0)\n"
        "        x = b'x' * 2**29; time.sleep(60)\n"
        "    os.wait(); time.sleep(60)"
    )
    write("python", HANDLER["python"].format(source))
    check(run(make(timeout=WAIT)), 434, "python", write, make())


@on_linux
def test_workers_survive_a_killed_fork_server_and_a_new_one_starts(make, write):
    write("python", "import os\ndef main(event, context):\n    return os.getpid()\n", "one")
    write("python", "import os\ndef main(event, context):\n    return os.getpid()\n", "two")
    functions = make()
    one = run(functions, name="one").result
    functions._fork_server._process.kill()
    functions._fork_server._process.wait()
    two = run(functions, name="two").result
    assert run(functions, name="one").result == one
    functions.close()
    assert not is_alive(one)
    assert not is_alive(two)


@on_linux
@pytest.mark.slow
def test_closing_does_not_wait_for_a_stopped_fork_server(make, write):
    write("python", ECHO["python"])
    functions = make()
    assert run(functions, 1).result == 1
    fork_server = functions._fork_server._process
    fork_server.send_signal(signal.SIGSTOP)
    functions.close()
    assert fork_server.returncode == -signal.SIGKILL


@on_linux
def test_a_worker_whose_supervisor_is_killed_ends_and_the_next_invocation_works(make, write):
    kill = "if event: os.kill(os.getppid(), 9); time.sleep(60)"
    write("python", HANDLER["python"].format(f"{kill}\n    return os.getpid()"))
    functions = make(timeout=WAIT)
    worker = run(functions).result
    assert run(functions, 1).status == 439
    assert until(lambda: not is_alive(worker))
    assert run(functions).status == 200


@pytest.fixture
def impatient(monkeypatch):
    """Return a function: the next waits for a fork server are over at once."""

    def impatient(count):
        left, real = ["over"] * count, _process.wait
        monkeypatch.setattr(
            _process, "wait", lambda *given: [] if left and left.pop() else real(*given)
        )

    return impatient


@on_linux
def test_a_stopped_fork_server_is_replaced(make, write, impatient):
    write("python", ECHO["python"])
    write("python", ECHO["python"], "other")
    functions = make(timeout=WAIT)
    assert run(functions, 1).result == 1
    fork_server = functions._fork_server._process
    fork_server.send_signal(signal.SIGSTOP)
    impatient(1)
    assert run(functions, 2, "other").result == 2
    assert fork_server.returncode == -signal.SIGKILL
    assert run(functions, 3).result == 3


@on_linux
def test_two_stopped_fork_servers_are_an_error(make, write, impatient):
    write("python", ECHO["python"])
    functions = make()
    impatient(2)
    outcome = run(functions)
    assert outcome.status == 445
    assert "fork server" in outcome.result["errorMessage"]
    assert run(functions, 1).result == 1


# What a function does to its supervisor, and first to the supervisor's parent, the fork server.
STOP = {
    "the supervisor in Python": "os.kill(os.getppid(), 19)",
    "the supervisor in Node.js": "process.kill(process.ppid, 'SIGSTOP')",
    "the supervisor again and again in Python": "while True: os.kill(os.getppid(), 19)",
    "both in Python": "os.kill(int(open(f'/proc/{os.getppid()}/stat').read().split()[3]), 19)\n"
    "    os.kill(os.getppid(), 19)",
    "both in Node.js": "process.kill(+require('fs').readFileSync("
    "`/proc/${process.ppid}/stat`, 'utf8').split(' ')[3], 'SIGSTOP');"
    "process.kill(process.ppid, 'SIGSTOP')",
}
STOPPING = {
    "python": "import subprocess\n"
    "    p = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
    "    print(os.getpid(), p.pid)\n    {}\n    while True: pass",
    "node": "console.log(process.pid, require('child_process').spawn('sleep', ['60']).pid); {};"
    " for (;;);",
}


@pytest.fixture
def stopping(write):
    """Return a function that writes a function, which stops its supervisor and loops."""

    def stopping(case):
        language = "python" if case.endswith("Python") else "node"
        write(language, HANDLER[language].format(STOPPING[language].format(STOP[case])))

    return stopping


def told_pids(functions):
    lines = [line.split() for _, line in functions.log_of("hello").since()]
    return [int(pid) for line in lines if line[0].isdecimal() for pid in line]


@pytest.mark.slow
@on_linux
@needs_node
@pytest.mark.parametrize("case", STOP)
def test_a_function_that_stops_its_supervisor_ends_with_its_timeout(make, stopping, case):
    stopping(case)
    functions = make(timeout=1)
    assert run(functions).status == 433
    pids = told_pids(functions)
    assert len(pids) == 2
    for pid in pids:
        assert until(lambda pid=pid: not is_alive(pid))
    functions.close()


@pytest.mark.slow
@on_linux
@needs_node
@pytest.mark.parametrize("case", STOP)
def test_closing_ends_a_function_that_has_stopped_its_supervisor(make, stopping, case):
    stopping(case)
    functions = make(timeout=600)
    with ThreadPoolExecutor(1) as pool:
        invocation = pool.submit(run, functions)
        assert until(lambda: len(told_pids(functions)) == 2)
        functions.close()
        assert invocation.result(WAIT).status == 439
    assert until(lambda: not any(map(is_alive, told_pids(functions))))


def has_ended(pid):
    """A killed process stays as a zombie while its parent is stopped."""
    return not is_alive(pid) or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


@pytest.mark.slow
@on_linux
def test_a_supervisor_that_stays_stopped_is_killed_after_its_children(make, stopping, monkeypatch):
    stopping("both in Python")
    monkeypatch.setattr(_process.signal, "SIGCONT", 0)
    functions = make(timeout=1)
    assert run(functions).status == 433
    for pid in told_pids(functions):
        assert until(lambda pid=pid: has_ended(pid))
    functions.close()


@on_linux
@needs_node
@pytest.mark.parametrize("case", [case for case in STOP if case.startswith("the")])
def test_nothing_outlives_a_killed_emulator_whose_supervisor_was_stopped(folder, stopping, case):
    stopping(case)
    pids = killed(folder, lambda process: list(map(int, process.stdout.readline().split())))
    assert len(pids) == 2
    for pid in pids:
        assert until(lambda pid=pid: not is_alive(pid))


@on_linux
@needs_node
@pytest.mark.parametrize("case", DETACHED)
def test_a_process_that_has_left_its_session_ends_when_the_supervisor_is_killed(
    make, detach, tmp_path, case
):
    kill = ("os.kill(os.getppid(), 9); time.sleep(60)", "process.kill(process.ppid, 9); for (;;);")
    detach(case, *kill)
    assert run(make(timeout=WAIT)).status == 439
    assert until(lambda: not is_alive(child_of(tmp_path)))


@on_linux
def test_the_environment_of_helper_processes_has_no_secrets(make, write, monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_SECRET", "a real secret")
    body = """names = []
    for pid in (os.getppid(), int(open(f'/proc/{os.getppid()}/stat').read().split()[3])):
        text = open(f'/proc/{pid}/environ').read()
        names += [variable.partition('=')[0] for variable in text.split(chr(0))]
    return names"""
    write("python", "import os\ndef main(event, context):\n    " + body)
    functions = make(timeout=WAIT)
    assert set(run(functions).result) <= {"PATH", "LD_LIBRARY_PATH", "LC_CTYPE", ""}


def test_an_idle_worker_ends_although_no_other_is_used(make, write, monkeypatch):
    write("python", HANDLER["python"].format("return os.getpid()"))
    write("python", HANDLER["python"].format("return os.getpid()"), "other")
    functions = make()
    monkeypatch.setattr(_pool, "_IDLE_SECONDS", 0.05)
    for name in ("hello", "other", "hello"):
        worker = run(functions, name=name).result
        assert until(lambda pid=worker: not is_alive(pid))


@needs_node
def test_the_worker_with_a_debugger_does_not_end_when_it_is_idle(make, write, monkeypatch):
    write("node", HANDLER["node"].format("return process.pid"))
    write("python", HANDLER["python"].format("return os.getpid()"), "other")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    functions = make(debug=Debug("hello", port))
    monkeypatch.setattr(_pool, "_IDLE_SECONDS", 0.05)
    debugged = run(functions).result
    for _ in range(2):
        worker = run(functions, name="other").result
        assert until(lambda pid=worker: not is_alive(pid))
    assert run(functions).result == debugged


def test_a_worker_that_cannot_be_started_is_445_and_says_why(make, write, folder, monkeypatch):
    write("python", ECHO["python"])
    write("python", ECHO["python"], "other")
    functions = make()
    assert run(functions, 1, "other").result == 1
    monkeypatch.setattr(sys, "executable", "/nosuch/python")
    outcome = run(functions)
    assert outcome.status == 445
    assert "No such file or directory: '/nosuch/python'" in outcome.result["errorMessage"]


def test_a_worker_that_finds_no_descriptors_left_leaves_none_open(make, write, monkeypatch):
    write("python", ECHO["python"])
    functions = make()
    ends = [os.pipe(), os.pipe()]
    opened = [*ends[0], *ends[1]]

    def pipe():
        if ends:
            return ends.pop()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pipe", pipe)
    outcome = run(functions)
    monkeypatch.undo()
    assert outcome.status == 445
    assert "Too many open files" in outcome.result["errorMessage"]
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
    assert run(functions, 1).result == 1


def permitted(functions, name):
    try:
        return functions.permissions_of(name)
    except OSError as error:
        return error.errno


@pytest.mark.slow
def test_without_descriptors_the_error_says_so_and_names_no_file(make, write):
    functions = make(timeout=WAIT)
    names = [f"hello{left}" for left in range(16)]
    for name in names:
        config = write("python", ECHO["python"], name).with_name("config.json")
        config.write_text('{"permissions": {"openapi": ["x"]}}')
    statuses = []
    for left, name in enumerate(names):
        with descriptors_left(left):
            assert permitted(functions, name) in (errno.EMFILE, {"x"})
            outcome = run(functions, 1, name)
        statuses.append(outcome.status)
        assert outcome.status == 200 or "ulimit -n" in outcome.result["errorMessage"], left
        assert "hello" not in outcome.text
    assert set(statuses) == {200, 445}
    for name in names:
        assert functions.permissions_of(name) == {"x"}
        assert run(functions, 1, name).result == 1


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_flood_of_output_keeps_the_log_bounded(make, write, language):
    body = {
        "python": "for n in range(20_000): print(n, 'x' * 1000)",
        "node": "for (let n = 0; n < 20_000; n++) console.log(n, 'x'.repeat(1000))",
    }[language]
    write(language, HANDLER[language].format(body))
    functions = make(timeout=WAIT)
    outcome = run(functions)
    assert outcome.status == 200
    assert len(outcome.log) <= 300_000
    assert sum(len(line) for _, line in functions.log_of("hello").since()) <= 2 * 2**20
    assert "19999 x" in outcome.log


@needs_node
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_nodejs_keeps_no_output_in_memory(make, write, stream):
    body = f"""
    const stream = process.{stream};
    for (let n = 0; n < 5000; n++) stream.write('x'.repeat(1000));
    return stream.writableLength
    """
    write("node", HANDLER["node"].format(body))
    assert run(make(timeout=WAIT)).result == 0


@needs_node
def test_output_of_nodejs_after_the_result_does_not_block_the_next_invocation(make, write):
    body = "setTimeout(() => console.log('x'.repeat(2 ** 20))); return event"
    write("node", HANDLER["node"].format(body))
    functions = make(timeout=WAIT)
    assert [run(functions, n).result for n in range(3)] == [0, 1, 2]


@needs_node
def test_output_of_nodejs_before_an_exit_is_in_the_log(make, write):
    body = "console.log('x'.repeat(2 ** 20)); console.log('last'); process.exit(1)"
    write("node", HANDLER["node"].format(body))
    outcome = run(make(timeout=WAIT))
    assert outcome.status == 439
    assert "last" in outcome.log.splitlines()


def killed(folder, condition):
    """Kill a process that invokes the function when a condition, which is given it, is met."""
    source = (
        "import sys, datetime, pathlib\n"
        "from cloud_openapi.runtime import Functions\n"
        "told = lambda name, line: line.kind == 'own' and print(line.text, flush=True)\n"
        "functions = Functions(pathlib.Path(sys.argv[1]), {}, timeout=60, on_line=told)\n"
        "functions.invoke('hello', {}, datetime.datetime.now())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", source, str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        return condition(process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=WAIT)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_worker_outlives_an_emulator_that_was_killed(folder, write, language):
    body = {
        "python": "import subprocess\n    p = subprocess.Popen(['sleep', '60'])\n"
        "    print(os.getpid(), p.pid)\n    while True: pass",
        "node": "console.log(process.pid, require('child_process').spawn('sleep', ['60']).pid);"
        " for (;;);",
    }[language]
    write(language, HANDLER[language].format(body))

    def both(process):
        pids = list(map(int, process.stdout.readline().split()))
        assert len(pids) == 2
        assert all(map(is_alive, pids))
        return pids

    for pid in killed(folder, both):
        assert until(lambda pid=pid: not is_alive(pid))


@pytest.mark.slow
@on_linux
@needs_node
@pytest.mark.parametrize("case", DETACHED)
def test_no_process_that_left_its_session_outlives_an_emulator_that_was_killed(
    folder, detach, tmp_path, case
):
    detach(case, "while True: pass", "for (;;);")
    assert killed(folder, lambda _: until(lambda: is_told(tmp_path)))
    assert until(lambda: not is_alive(child_of(tmp_path)))
