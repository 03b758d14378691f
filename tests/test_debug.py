"""A debugger attaches to a function."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import pytest

from cloud_openapi.errors import ConfigError
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Debug, Functions, _commands

NOW = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
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
        socket.create_connection(("127.0.0.1", port), 5).close()
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
    end = time.monotonic() + 10
    while listens(port) and time.monotonic() < end:
        time.sleep(0.05)
    assert not listens(port)


def test_other_functions_keep_their_timeout(tmp_path, write):
    write("index.py", "import time\ndef main(e, c):\n    time.sleep(30)\n")
    functions = Functions(tmp_path, {}, timeout=1, debug=Debug("other", 1))
    try:
        assert functions.invoke("hello", {}, NOW).status == 433
    finally:
        functions.close()


def test_without_debugpy_the_error_says_how_to_install_it(tmp_path, write, monkeypatch):
    write("index.py", "def main(e, c):\n    return 1\n")
    monkeypatch.setattr(_commands.importlib.util, "find_spec", lambda _: None)
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
def test_what_to_debug_is_a_name_and_perhaps_a_port(text, expected):
    assert Debug.parse(text) == expected


@pytest.mark.parametrize("text", ["", ":1", "hello:", "hello:x", "hello:0", "hello:65536"])
def test_anything_else_is_an_error(text):
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
            with opener.open(f"{url}/v1/functions/hello", b"{}", timeout=20) as answer:
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
        begun = time.monotonic()
        assert next(lines).startswith("START")
        assert time.monotonic() - begun < 5
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
