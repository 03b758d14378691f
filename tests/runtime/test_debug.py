"""A debugger attaches to a function."""

import ast
import json
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from random import randint

import pytest
from support.pages import blocks
from support.processes import WAIT, until
from support.values import NOW

from cloud_openapi.cli._debug_options import debugger_of
from cloud_openapi.errors import ConfigError
from cloud_openapi.runtime import Debug, Functions, _worker_command

pytestmark = pytest.mark.slow  # each starts processes with debuggers or clocks of their own

COMMAND = Path(sys.executable).with_name("cloud-openapi")
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")
needs_debugpy = pytest.mark.skipif(find_spec("debugpy") is None, reason="debugpy is missing")
SLOW = {
    "index.py": "import time\ndef main(event, context):\n    time.sleep(1.5)\n    return event\n",
    "index.js": "exports.main = (e) => new Promise((r) => setTimeout(r, 1500, e))\n",
}


def free_port():
    """Return a free port that no client and no server of another test is given meanwhile."""
    while True:
        # The system gives out ports from 32768 on.
        with suppress(OSError), socket.create_server(("127.0.0.1", randint(16384, 32767))) as taken:
            return taken.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), WAIT).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.fixture
def write(tmp_path):
    def write(file, source):
        (tmp_path / "hello").mkdir(exist_ok=True)
        (tmp_path / "hello" / file).write_text(source)

    return write


@pytest.mark.parametrize(
    "file",
    [pytest.param("index.py", marks=needs_debugpy), pytest.param("index.js", marks=needs_node)],
)
def test_the_debugger_listens_and_no_timeout_interrupts(tmp_path, write, file):
    write(file, SLOW[file])
    port = free_port()
    functions = Functions(tmp_path, {}, timeout=1, debug=Debug("hello", port))
    try:
        outcome = functions.invoke("hello", {"a": 1}, NOW, "wx_http")
        assert (outcome.result, outcome.status) == ({"a": 1}, 200)
        assert listens(port)
    finally:
        functions.close()
    # debugpy's own server is no child of ours; it ends when its program has.
    assert until(lambda: not listens(port))


@pytest.mark.parametrize(
    "file",
    [pytest.param("index.py", marks=needs_debugpy), pytest.param("index.js", marks=needs_node)],
)
def test_one_worker_at_a_time_has_the_debug_port_also_after_edits(tmp_path, write, file):
    port = free_port()
    with closing(Functions(tmp_path, {}, debug=Debug("hello", port))) as functions:

        def invoke(event):
            return functions.invoke("hello", event, NOW, "wx_http").result

        for edit in range(3):
            write(file, SLOW[file].replace("1.5", "0.3").replace("1500", "300") + "\n" * edit)
            with ThreadPoolExecutor(3) as pool:
                assert list(pool.map(invoke, range(3))) == [0, 1, 2]
            assert listens(port)


def test_debug_port_in_use_is_named(tmp_path, write):
    write("index.py", SLOW["index.py"])
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        closing(Functions(tmp_path, {}, debug=Debug("hello", taken.getsockname()[1]))) as functions,
    ):
        port = taken.getsockname()[1]
        outcome = functions.invoke("hello", {}, NOW, "wx_http")
    assert outcome.status == 445
    assert f"cannot listen on port {port}" in outcome.result["errorMessage"]


STOPPED = {
    "index.py": "def main(event, context):\n    kept = b'x' * 2**26\n    return event\n",
    "index.js": "exports.main = async (event) => {\n  const kept = Buffer.alloc(2 ** 26, 1)\n"
    "  return event\n}\n",
}


def connect(port):
    """Connect to a debugger that may still be starting."""
    found = []

    def connected():
        with suppress(ConnectionRefusedError):
            found.append(socket.create_connection(("127.0.0.1", port), WAIT))
        return found

    assert until(connected)
    return found[0]


class Messages:
    """Messages of a debugger; one that is not awaited yet is kept."""

    def __init__(self):
        self._passed = []

    def wait(self, **fields):
        for message in self._passed:
            if fields.items() <= message.items():
                self._passed.remove(message)
                return message
        while not fields.items() <= (message := self.read()).items():
            self._passed.append(message)
        return message


class Adapter(Messages):
    """A debugger's side of the Debug Adapter Protocol."""

    def __init__(self, port):
        super().__init__()
        self._socket = connect(port)
        self._file = self._socket.makefile("rb")
        self._number = 0

    def close(self):
        self._file.close()
        self._socket.close()

    def send(self, command, **arguments):
        self._number += 1
        message = {"seq": self._number, "type": "request"}
        body = json.dumps({**message, "command": command, "arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def read(self):
        head = self._file.readline()
        if not head:
            raise EOFError(f"the debugger left after {self._passed}")
        length = int(head.split(b":")[1])
        assert self._file.readline() == b"\r\n"
        return json.loads(self._file.read(length))


def stop_in_python(port, path, invoke, line=3, launch=None):
    """Stop at a line and go on; return the line and a variable's value there."""
    with closing(Adapter(port)) as adapter:
        adapter.send("initialize", adapterID="test")
        adapter.send("attach", **(launch or {"connect": {"host": "127.0.0.1", "port": port}}))
        adapter.wait(event="initialized")
        adapter.send("setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": line}])
        adapter.send("configurationDone")
        adapter.wait(command="attach", success=True)
        invoke()
        thread = adapter.wait(event="stopped")["body"]["threadId"]
        adapter.send("stackTrace", threadId=thread)
        frame = adapter.wait(command="stackTrace")["body"]["stackFrames"][0]
        adapter.send("evaluate", expression=SHOWN[line], frameId=frame["id"])
        seen = adapter.wait(command="evaluate")["body"]["result"]
        adapter.send("continue", threadId=thread)
        with suppress(EOFError):  # the function may end before the answer
            adapter.wait(command="continue")
        return frame["line"], ast.literal_eval(seen)


class Inspector(Messages):
    """A debugger's side of Node.js's inspector: JSON over a WebSocket."""

    def __init__(self, port):
        super().__init__()
        connect(port).close()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=WAIT) as answer:
            path = "/" + json.load(answer)[0]["webSocketDebuggerUrl"].rsplit("/", 1)[1]
        self._socket = socket.create_connection(("127.0.0.1", port), WAIT)
        self._file = self._socket.makefile("rb")
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        self._socket.sendall(f"{head}Connection: Upgrade\r\n{key}\r\n".encode())
        while self._file.readline() != b"\r\n":
            pass

    def close(self):
        self._file.close()
        self._socket.close()

    def call(self, method, **params):
        body = json.dumps({"id": 1, "method": method, "params": params}).encode().ljust(126)
        # One frame of text; its mask is zero.
        head = b"\x81\xfe" + len(body).to_bytes(2, "big") + b"\0\0\0\0"
        self._socket.sendall(head + body)
        return self.wait(id=1)["result"]

    def read(self):
        head = self._file.read(2)
        if not head:
            raise EOFError(f"the debugger left after {self._passed}")
        size = head[1]
        if size > 125:
            size = int.from_bytes(self._file.read(2 if size == 126 else 8), "big")
        return json.loads(self._file.read(size))


def stop_in_node(port, path, invoke, line=3, launch=None):
    """Do the same by the inspector; its lines begin at 0."""
    with closing(Inspector(port)) as inspector:
        inspector.call("Debugger.enable")
        inspector.call("Debugger.setBreakpointByUrl", url=path.as_uri(), lineNumber=line - 1)
        inspector.call("Runtime.runIfWaitingForDebugger")
        invoke()
        frame = inspector.wait(method="Debugger.paused")["params"]["callFrames"][0]
        found = inspector.call(
            "Debugger.evaluateOnCallFrame",
            callFrameId=frame["callFrameId"],
            expression=SHOWN[line],
            returnByValue=True,
        )
        with suppress(EOFError):
            inspector.call("Debugger.resume")
        return frame["location"]["lineNumber"] + 1, found["result"]["value"]


DEBUGGERS = [
    pytest.param("index.py", stop_in_python, marks=needs_debugpy),
    pytest.param("index.js", stop_in_node, marks=needs_node),
]


@pytest.mark.parametrize(("file", "stop"), DEBUGGERS)
def test_limits_do_not_apply_while_a_debugger_stops_a_function(tmp_path, write, file, stop):
    write(file, STOPPED[file])
    port = free_port()
    functions = Functions(tmp_path, {}, timeout=1, memory=64, debug=Debug("hello", port))
    outcomes = []

    def run(event):
        outcomes.append(functions.invoke("hello", event, NOW, "wx_http").result)

    thread = threading.Thread(target=run, args=({"a": "stopped"},))
    try:
        run({})
        seen = stop(port, tmp_path / "hello" / file, thread.start)
        assert seen == (3, {"a": "stopped"})
        thread.join(WAIT)
        assert outcomes == [{}, {"a": "stopped"}]
    finally:
        functions.close()


# Make one file, and wait for another.
MEETING = {
    "index.py": "import os, time\ndef main(event, context):\n"
    "    open(event['makes'], 'w').close()\n"
    "    while not os.path.exists(event['awaits']):\n        time.sleep(0.01)\n    return event\n",
    "index.js": "const fs = require('fs')\nexports.main = async (event) => {\n"
    "  fs.writeFileSync(event.makes, '')\n  while (!fs.existsSync(event.awaits))"
    " await new Promise((go) => setTimeout(go, 10))\n  return event\n}\n",
}
# The variable that is read at a line.
SHOWN = {2: "loaded", 3: "event", 4: "event"}
BY_LINE = {
    "index.py": "loaded = {'by': 'line 1'}\nloaded['by'] = 'line 2'\n"
    "def main(event, context):\n    return event\n",
    "index.js": "const loaded = { by: 'line 1' }\nloaded.by = 'line 2'\n"
    "exports.main = async (event) => {\n  return event\n}\n",
}


def in_thread(run):
    """Run in a thread; return what starts it, and what waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(run()))

    def result():
        thread.join(WAIT)
        return results[0]

    return thread.start, result


@pytest.mark.parametrize(("file", "stop"), DEBUGGERS)
@pytest.mark.parametrize("case", [(False, 4), (True, 4), (True, 2)])
def test_breakpoints_are_set_before_the_first_invocation(tmp_path, write, file, stop, case):
    wait, line = case
    write(file, BY_LINE[file])
    port = free_port()
    with closing(Functions(tmp_path, {}, timeout=1, debug=Debug("hello", port, wait))) as functions:
        functions.start_debugger()
        start, outcome = in_thread(lambda: functions.invoke("hello", {"a": 1}, NOW, "wx_http"))
        value = {"a": 1} if line == 4 else {"by": "line 1"}
        assert stop(port, tmp_path / "hello" / file, start, line) == (line, value)
        assert outcome().result == {"a": 1}
        log = outcome().log
        # A worker that waits again, after an edit, says so.
        assert ("The function starts when a debugger is attached\n" in log) is wait
        assert "Debugger listening" not in log


@pytest.mark.parametrize(("file", "stop"), DEBUGGERS)
def test_debugger_is_in_the_next_invocation_after_concurrent_ones(tmp_path, write, file, stop):
    write(file, MEETING[file])
    port = free_port()
    first, second = str(tmp_path / "first"), str(tmp_path / "second")

    def invoke(makes, awaits):
        event = {"makes": makes, "awaits": awaits}
        return in_thread(lambda: functions.invoke("hello", event, NOW, "wx_http").result)

    with closing(Functions(tmp_path, {}, debug=Debug("hello", port))) as functions:
        functions.start_debugger()
        # The worker without the debugger answers last.
        begin, in_debugger = invoke(first, second)
        begin()
        assert until(Path(first).exists)
        begin, beside = invoke(second, str(tmp_path / "third"))
        begin()
        assert in_debugger()["makes"] == first
        (tmp_path / "third").touch()
        assert beside()["makes"] == second
        start, _ = invoke(first, second)
        assert stop(port, tmp_path / "hello" / file, start)[0] == 3


def test_start_of_the_debugger_leaves_other_problems_to_the_invocation(tmp_path, write):
    write("index.js", "")
    (tmp_path / "hello" / "index.js").unlink()
    with closing(Functions(tmp_path, {}, debug=Debug("hello"))) as functions:
        functions.start_debugger()
    write("index.py", "")
    write("config.json", '{"timeout": "x"}')
    with closing(Functions(tmp_path, {}, debug=Debug("hello"))) as functions:
        functions.start_debugger()


def test_other_functions_keep_their_timeout(tmp_path, write):
    write("index.py", "import time\ndef main(e, c):\n    time.sleep(30)\n")
    functions = Functions(tmp_path, {}, timeout=1, debug=Debug("other", 1))
    try:
        assert functions.invoke("hello", {}, NOW).status == 433
    finally:
        functions.close()


def test_without_debugpy_the_error_says_how_to_install_it(tmp_path, write, monkeypatch):
    write("index.py", "def main(e, c):\n    return 1\n")
    monkeypatch.setattr(_worker_command, "_is_installed", lambda _: False)
    functions = Functions(tmp_path, {}, debug=Debug("hello"))
    try:
        outcome = functions.invoke("hello", {}, NOW)
    finally:
        functions.close()
    assert outcome.status == 445
    assert "pip install debugpy" in outcome.result["errorMessage"]


@pytest.mark.parametrize(
    ("text", "expected"), [("hello", Debug("hello")), ("hello:9000", Debug("hello", 9000))]
)
def test_debug_option_takes_a_name_and_an_optional_port(text, expected):
    assert Debug.parse(text) == expected


@pytest.mark.parametrize("text", ["", ":1", "hello:", "hello:x", "hello:0", "hello:65536"])
def test_invalid_debug_option_is_refused(text):
    with pytest.raises(ConfigError, match="NAME:PORT"):
        Debug.parse(text)


@needs_node
def test_serve_debugs_and_logs_follows(tmp_path, write):
    write("index.js", "exports.main = async (e) => { console.log('printed'); return e }\n")
    port = free_port()
    arguments = ["--port", "0", "--json", "--functions", tmp_path, "--debug", f"hello:{port}"]
    with subprocess.Popen(
        [COMMAND, "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            hello = f"{url}/v1/functions/hello?source=wx_http"
            with opener.open(hello, b"{}", timeout=20) as answer:
                assert json.load(answer) == {}
            assert listens(port)
            shown = subprocess.run(
                [COMMAND, "logs", "hello", "--url", url], check=True, capture_output=True, text=True
            ).stdout.splitlines()
            assert "printed" in shown
            assert shown[0].startswith("START RequestId:")
            assert shown[-1].startswith("Report RequestId:")
            check_follow(url, opener)
            unknown = subprocess.run(
                [COMMAND, "logs", "nosuch", "--url", url],
                check=False,
                capture_output=True,
                text=True,
            )
            assert unknown.returncode == 1
            assert "Known: hello" in unknown.stderr
        finally:
            process.terminate()
        assert "hello: printed\n" in process.stderr.read()


def ask(url, event):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url += "/v1/functions/hello?source=wx_http"
    with opener.open(url, json.dumps(event).encode(), WAIT) as answer:
        return json.load(answer)


@pytest.mark.parametrize(("file", "stop"), DEBUGGERS)
@pytest.mark.parametrize("wait", [[], ["--debug-wait"]])
def test_serve_says_how_to_attach_before_the_first_call(tmp_path, write, file, stop, wait):
    write(file, BY_LINE[file])
    port = free_port()
    arguments = ["--port", "0", "--json", "--functions", tmp_path, "--debug", f"hello:{port}"]
    with subprocess.Popen(
        [COMMAND, "serve", *arguments, *wait], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            ready = json.loads(process.stdout.readline())
            debugger = ready["debugger"]
            launch = debugger.pop("launch")
            language = "node" if file == "index.js" else "python"
            assert debugger == {
                "function": "hello",
                "language": language,
                "host": "127.0.0.1",
                "port": port,
                "wait": bool(wait),
            }
            assert launch["type"] == ("node" if file == "index.js" else "debugpy")
            start, result = in_thread(lambda: ask(ready["url"], {"a": 3}))
            path = tmp_path / "hello" / file
            assert stop(port, path, start, 4, launch=launch) == (4, {"a": 3})
            assert result() == {"a": 3}
        finally:
            process.terminate()


@needs_debugpy
def test_configuration_of_the_page_attaches_to_a_python_function(tmp_path, write):
    (page,) = blocks("docs/how-to/debug.md", "json")
    # VS Code replaces the variable.
    launch, _ = json.loads(page.replace("${workspaceFolder}", str(tmp_path)))["configurations"]
    write("index.py", BY_LINE["index.py"])
    port = launch["connect"]["port"] = free_port()
    with closing(Functions(tmp_path, {}, debug=Debug("hello", port, wait=True))) as functions:
        functions.start_debugger()
        start, result = in_thread(lambda: functions.invoke("hello", {}, NOW, "wx_http").result)
        path = tmp_path / "hello" / "index.py"
        assert stop_in_python(port, path, start, 2, launch) == (2, {"by": "line 1"})
        assert result() == {}


def test_configurations_of_the_page_have_what_serve_prints(tmp_path, write):
    configurations = json.loads(blocks("docs/how-to/debug.md", "json")[0])["configurations"]
    for file, shown in zip(["index.py", "index.js"], configurations, strict=True):
        write(file, BY_LINE[file])
        with closing(Functions(tmp_path, {})) as functions:
            printed = debugger_of(Debug("hello"), functions)["launch"]
        (tmp_path / "hello" / file).unlink()
        assert printed.pop("name") == "hello"
        assert set(printed.pop("skipFiles", [])) <= set(shown.get("skipFiles", []))
        assert printed.items() <= shown.items()


@pytest.mark.parametrize(("file", "stop"), DEBUGGERS)
def test_banner_of_serve_names_the_debugger(tmp_path, write, file, stop):
    write(file, BY_LINE[file])
    port = free_port()
    arguments = ["--port", "0", "--functions", tmp_path, "--debug", f"hello:{port}"]
    with subprocess.Popen(
        [COMMAND, "serve", *arguments, "--debug-wait"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            lines = iter(process.stdout.readline, "")
            named = next(line for line in lines if line.startswith("Debugger"))
            how = next(lines)
            launch = json.loads(next(lines))
        finally:
            process.terminate()
    language = "Node.js" if file == "index.js" else "Python"
    assert named == f"Debugger    127.0.0.1:{port} for hello ({language}), which waits for it\n"
    assert ("chrome://inspect" in how) is (file == "index.js")
    assert "launch.json" in how
    assert launch["request"] == "attach"


@pytest.mark.parametrize(("file", "stop"), DEBUGGERS)
def test_invoke_waits_for_the_debugger(tmp_path, write, file, stop):
    write(file, BY_LINE[file])
    port = free_port()
    given = ["--data", '{"a": 4}', "--source", "wx_http", "--functions", tmp_path]
    with subprocess.Popen(
        [COMMAND, "invoke", "hello", *given, "--debug", f"hello:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            lines = iter(process.stderr.readline, "")
            next(line for line in lines if line.startswith(f"Debugger    127.0.0.1:{port}"))
            path = tmp_path / "hello" / file
            assert stop(port, path, lambda: None, 2) == (2, {"by": "line 1"})
            assert json.loads(process.communicate(timeout=WAIT)[0]) == {"a": 4}
        finally:
            process.kill()


@needs_node
def test_invoke_debug_wait_needs_no_name(tmp_path, write):
    write("index.js", BY_LINE["index.js"])
    with subprocess.Popen(
        [COMMAND, "invoke", "hello", "--functions", tmp_path, "--debug-wait"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines = iter(process.stderr.readline, "")
        # Another program of this machine may have the default port.
        expected = ("Debugger    127.0.0.1:9229 for hello", "cloud-openapi: The debugger cannot")
        assert next(lines).startswith(expected)
        process.kill()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["serve", "--debug-wait"], 2, "--debug NAME --debug-wait"),
        (["serve", "--port", "0", "--debug", "hello:{taken}"], 1, "cannot listen on port {taken}"),
        (["invoke", "hello", "--debug", "hello:{taken}"], 1, "cannot listen on port {taken}"),
        (["invoke", "hello", "--debug", "nosuch"], 1, 'There is no function "nosuch"'),
    ],
)
def test_mistakes_of_debugging_are_named(tmp_path, write, arguments, code, words):
    write("index.js", BY_LINE["index.js"])
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        given = [argument.format(taken=taken) for argument in arguments]
        result = subprocess.run(
            [COMMAND, *given, "--functions", tmp_path],
            check=False,
            capture_output=True,
            text=True,
            timeout=WAIT,
        )
    assert (result.returncode, result.stdout) == (code, "")
    assert words.format(taken=taken) in result.stderr
    assert "Traceback" not in result.stderr


def check_follow(url, opener):
    """Lines of an invocation come while logs follows."""
    with subprocess.Popen(
        [COMMAND, "logs", "hello", "--follow", "--url", url], stdout=subprocess.PIPE, text=True
    ) as following:
        lines = iter(following.stdout.readline, "")
        next(line for line in lines if line.startswith("Report"))
        opener.open(f"{url}/v1/functions/hello", b"{}", timeout=20).close()
        assert next(lines).startswith("START")
        following.terminate()


def test_logs_without_an_emulator_is_one_line():
    result = subprocess.run(
        [COMMAND, "logs", "hello", "--url", f"http://127.0.0.1:{free_port()}"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "cloud-openapi serve" in result.stderr
