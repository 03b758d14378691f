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
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.processes import WAIT, until
from support.values import NOW

from cloud_openapi.errors import ConfigError
from cloud_openapi.runtime import Debug, Functions, _worker_command

COMMAND = Path(sys.executable).with_name("cloud-openapi")
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")
needs_debugpy = pytest.mark.skipif(find_spec("debugpy") is None, reason="debugpy is missing")
SLOW = {
    "index.py": "import time\ndef main(event, context):\n    time.sleep(1.5)\n    return event\n",
    "index.js": "exports.main = (e) => new Promise((r) => setTimeout(r, 1500, e))\n",
}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
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


class Adapter:
    """A debugger's side of the Debug Adapter Protocol."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), WAIT)
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

    def wait(self, **fields):
        while True:
            length = int(self._file.readline().split(b":")[1])
            assert self._file.readline() == b"\r\n"
            message = json.loads(self._file.read(length))
            if fields.items() <= message.items():
                return message


def stop_in_python(port, path, invoke):
    """Stop at line 3 and go on; return what is known of the event there."""
    with closing(Adapter(port)) as adapter:
        adapter.send("initialize", adapterID="test")
        adapter.send("attach", connect={"host": "127.0.0.1", "port": port})
        adapter.wait(event="initialized")
        adapter.send("setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": 3}])
        adapter.send("configurationDone")
        adapter.wait(command="attach", success=True)
        invoke()
        thread = adapter.wait(event="stopped")["body"]["threadId"]
        adapter.send("stackTrace", threadId=thread)
        frame = adapter.wait(command="stackTrace")["body"]["stackFrames"][0]
        adapter.send("evaluate", expression="event", frameId=frame["id"])
        seen = adapter.wait(command="evaluate")["body"]["result"]
        adapter.send("continue", threadId=thread)
        adapter.wait(command="continue")
        return frame["line"], ast.literal_eval(seen)


class Inspector:
    """A debugger's side of Node.js's inspector: JSON over a WebSocket."""

    def __init__(self, port):
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

    def wait(self, **fields):
        while True:
            size = self._file.read(2)[1]
            if size > 125:
                size = int.from_bytes(self._file.read(2 if size == 126 else 8), "big")
            message = json.loads(self._file.read(size))
            if fields.items() <= message.items():
                return message


def stop_in_node(port, path, invoke):
    """Do the same by the inspector; its lines begin at 0."""
    with closing(Inspector(port)) as inspector:
        inspector.call("Debugger.enable")
        inspector.call("Debugger.setBreakpointByUrl", url=path.as_uri(), lineNumber=2)
        invoke()
        frame = inspector.wait(method="Debugger.paused")["params"]["callFrames"][0]
        found = inspector.call(
            "Debugger.evaluateOnCallFrame",
            callFrameId=frame["callFrameId"],
            expression="event",
            returnByValue=True,
        )
        inspector.call("Debugger.resume")
        return frame["location"]["lineNumber"] + 1, found["result"]["value"]


@pytest.mark.parametrize(
    ("file", "stop"),
    [
        pytest.param("index.py", stop_in_python, marks=needs_debugpy),
        pytest.param("index.js", stop_in_node, marks=needs_node),
    ],
)
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


def test_other_functions_keep_their_timeout(tmp_path, write):
    write("index.py", "import time\ndef main(e, c):\n    time.sleep(30)\n")
    functions = Functions(tmp_path, {}, timeout=1, debug=Debug("other", 1))
    try:
        assert functions.invoke("hello", {}, NOW).status == 433
    finally:
        functions.close()


def test_without_debugpy_the_error_says_how_to_install_it(tmp_path, write, monkeypatch):
    write("index.py", "def main(e, c):\n    return 1\n")
    monkeypatch.setattr(_worker_command.importlib.util, "find_spec", lambda _: None)
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
