"""Programs reach the emulator, not WeChat or Tencent Cloud, without settings of their own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.paths import TESTS
from support.processes import WAIT
from support.serving import Served

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, Server, create_app, listen
from cloud_openapi.runtime import isolated

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(not NODE, reason="Node.js is missing")
PATH = f"/cgi-bin/token?grant_type=client_credential&appid={DEMO_APPID}&secret={DEMO_SECRET}"
URL = f"https://api.weixin.qq.com{PATH}"
REFUSED = "sms.tencentcloudapi.com"
MESSAGE = (
    f"{REFUSED} is not called: its service is not emulated. Replace the call in your tests, or "
    f"start the emulator with CLOUD_OPENAPI_REAL_HOSTS={REFUSED}"
)
NOT_CALLED = "api.weixin.qq.com is not called: the emulator answers for it. Use {} as the base URL"

PRINT = "(answer) => answer.on('data', (data) => process.stdout.write(data))"
GET = f"require('https').get({URL!r}, {PRINT})"
REQUEST = f"GET {PATH} HTTP/1.0\\r\\n\\r\\n"
TLS = f"""
let text = ''
const send = () => socket.write('{REQUEST}')
const socket = require('tls').connect(443, 'api.weixin.qq.com', {{}}, send)
socket.on('data', (data) => (text += data))
socket.on('end', () => console.log(text.split('\\r\\n\\r\\n')[1]))
"""
WAYS = {
    "https": GET,
    "http": f"require('http').get({URL.replace('https', 'http')!r}, {PRINT})",
    "regional host": GET.replace("//api.", "//sh.api."),
    "fully qualified host": GET.replace("//api.weixin.qq.com/", "//API.weixin.qq.com./"),
    "own agent": f"""
        const {{ Agent, get }} = require('https')
        get({URL!r}, {{ agent: new Agent({{ keepAlive: false, maxCachedSessions: 2 }}) }}, {PRINT})
    """,
    "fetch": f"fetch({URL!r}).then((answer) => answer.text()).then(console.log)",
    "tls": TLS,
    "worker thread": f"new (require('worker_threads').Worker)({GET!r}, {{ eval: true }})",
    "child process": f"""
        const child = require('child_process').spawn(process.execPath, ['-e', {GET!r}])
        child.stdout.pipe(process.stdout)
    """,
    "ES module": f"import {{ get }} from 'node:https'; get({URL!r}, {PRINT})",
    "ES module, tls": TLS.replace("require('tls').connect", "connect").replace(
        "\n", "import { connect } from 'tls'\n", 1
    ),
}


@pytest.fixture
def server():
    with Server(create_app(Emulator()), listen("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def other():
    """Return the port of a server of this machine that records the first bytes sent to it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        received = []

        def serve():
            connection, _ = listening.accept()
            with connection:
                received.append(connection.recv(1000))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nother")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], received, thread


def run(server, *command, **environment):
    """Run a program that may call the emulator only; return the finished process."""
    given = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment}
    return subprocess.run(
        command,
        env=isolated(given, server.url),
        check=False,
        capture_output=True,
        text=True,
        timeout=WAIT,
    )


def node(server, source, **environment):
    kind = "--input-type=module" if source.lstrip().startswith("import") else "--no-warnings"
    return run(server, NODE, kind, "-e", source, **environment)


@pytest.mark.variants
@needs_node
@pytest.mark.parametrize("way", WAYS)
def test_node_reaches_the_emulator_instead_of_weixin(server, way, tmp_path):
    seen = tmp_path / "connections"
    counter = f"--no-deprecation --require {TESTS / 'node' / 'connections.js'}"
    finished = node(server, WAYS[way], NODE_OPTIONS=counter, CONNECTIONS=str(seen))
    assert finished.stdout.startswith('{"access_token"'), finished.stderr
    assert set(seen.read_text().splitlines()) == {f"127.0.0.1 {urlsplit(server.url).port}"}


@needs_node
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host", [REFUSED, "api.mch.weixin.qq.com", "env.api.tcloudbasegateway.com"]
)
def test_node_does_not_reach_services_that_are_not_emulated(server, scheme, host):
    source = f"for (const n of [1, 2]) require({scheme!r}).get('{scheme}://{host}/').on('error', "
    finished = node(server, source + "(error) => console.log(error.code, error.message))")
    message = MESSAGE.replace(REFUSED, host)
    assert finished.stdout == f"EACCES {message}\n" * 2
    assert finished.stderr == f"Warning: {message}\n"


@needs_node
@pytest.mark.parametrize(
    "source",
    [
        "require('http2').connect('https://api.weixin.qq.com')",
        "require('tls').connect({ host: 'api.weixin.qq.com', port: 443, ALPNProtocols: ['h2'] })",
        """require('tls').connect(443, 'api.weixin.qq.com', {
            ALPNProtocols: Buffer.from('\\x02h2')
        })""",
    ],
)
def test_node_is_told_that_the_emulator_has_no_http_2(server, source):
    finished = node(server, f"{source}.on('error', (error) => console.log(error.message))")
    message = (
        "api.weixin.qq.com is not called: the emulator answers for it, and not over HTTP/2. "
        f"Use {server.url} as the base URL of a client of HTTP/1.1"
    )
    assert finished.stdout == f"{message}\n"
    assert finished.stderr == f"Warning: {message}\n"


@needs_node
def test_node_negotiates_http_1_1_and_shows_a_connection_of_tls(server):
    source = """
        const options = { ALPNProtocols: ['h2', 'http/1.1'] }
        const socket = require('tls').connect(443, 'api.weixin.qq.com', options, () => {
            console.log(socket.alpnProtocol, socket.getCipher(), socket.getProtocol())
            socket.end()
        })
    """
    assert node(server, source).stdout == "false {} null\n"


@needs_node
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_node_reaches_other_hosts_as_ever(server, scheme, other):
    port, received, thread = other
    source = f"require({scheme!r}).get('{scheme}://localhost:{port}/a', {{ family: 4 }})"
    node(server, source + ".on('error', () => {})")
    thread.join(WAIT)
    first = received[0]
    # The first byte of a TLS handshake is 22.
    assert first.startswith(b"GET /a HTTP/1.1\r\n" if scheme == "http" else b"\x16")


@needs_node
@pytest.mark.parametrize("real", [REFUSED, REFUSED.title()])
def test_a_variable_names_hosts_that_are_called_all_the_same(server, other, monkeypatch, real):
    monkeypatch.setenv("CLOUD_OPENAPI_REAL_HOSTS", f"other.example, {real}")
    port, received, thread = other
    lookup = "autoSelectFamily: false, lookup: (host, options, done) => done(null, '127.0.0.1', 4)"
    node(server, f"require('http').get('http://{REFUSED}:{port}/a', {{ {lookup} }})")
    thread.join(WAIT)
    assert f"Host: {REFUSED}:{port}".encode() in received[0]


# ---- Python --------------------------------------------------------------------------------

LOOKUPS = {
    "requests": "import requests; requests.get('https://{host}/')",
    "urllib": "import urllib.request; urllib.request.urlopen('https://{host}/')",
    "asyncio": "import asyncio; asyncio.run(asyncio.open_connection('{host}', 443))",
    "gethostbyname": "import socket; socket.gethostbyname('{host}.'.upper())",
    "bytes": "import socket; socket.getaddrinfo(b'{host}', 443)",
}


@pytest.mark.variants
@pytest.mark.parametrize("way", LOOKUPS)
def test_python_does_not_reach_weixin(server, way):
    finished = run(server, sys.executable, "-c", LOOKUPS[way].format(host="api.weixin.qq.com"))
    assert NOT_CALLED.format(server.url) in finished.stderr.splitlines()[-1]
    finished = run(server, sys.executable, "-c", LOOKUPS[way].format(host=REFUSED))
    assert MESSAGE in finished.stderr.splitlines()[-1]


OLD_PYTHONS = sorted(
    str(python)
    for folder, within in (
        (Path.home() / ".pyenv/versions", "*"),
        (Path("/opt/hostedtoolcache/Python"), "*/*"),
    )
    for python in folder.glob(f"{within}/bin/python3.[6-9]")
)


@pytest.mark.skipif(not OLD_PYTHONS, reason="no Python before 3.10 is installed")
@pytest.mark.parametrize("python", OLD_PYTHONS)
def test_python_before_3_10_looks_up_other_hosts_only(server, python):
    lookup = "import socket; print(len(socket.getaddrinfo('localhost', 80)) > 0)"
    finished = run(server, python, "-c", lookup)
    assert (finished.stdout, finished.stderr) == ("True\n", "")
    if not python.endswith(("3.6", "3.7")):  # these have no audit hooks
        finished = run(server, python, "-c", lookup.replace("localhost", "API.weixin.qq.com."))
        assert NOT_CALLED.format(server.url) in finished.stderr.splitlines()[-1]


def test_the_hook_is_left_out_of_a_python_without_audit_hooks(server, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('own')", "utf-8")
    source = (
        "import runpy, sys; del sys.addaudithook; sys.path.insert(1, sys.argv[2]); "
        "runpy.run_path(sys.argv[1], run_name='sitecustomize')"
    )
    file = sys.modules[isolated.__module__]._FOLDER / "sitecustomize.py"
    finished = run(server, sys.executable, "-c", source, str(file), str(tmp_path))
    assert (finished.stdout, finished.stderr) == ("own\n", "")


@pytest.mark.parametrize("real", [REFUSED, REFUSED.title()])
def test_python_looks_up_the_hosts_that_a_variable_names(server, monkeypatch, real):
    monkeypatch.setenv("CLOUD_OPENAPI_REAL_HOSTS", f"other.example, {real}")
    source = f"import sys; sys.audit('socket.getaddrinfo', {REFUSED!r}); print('permitted')"
    assert run(server, sys.executable, "-c", source).stdout == "permitted\n"


def test_python_reaches_other_hosts_as_ever(server, other):
    port, received, thread = other
    source = f"import http.client as c; c.HTTPConnection('localhost', {port}).request('GET', '/a')"
    run(server, sys.executable, "-c", source)
    thread.join(WAIT)
    assert received[0].startswith(b"GET /a HTTP/1.1\r\n")


def test_the_users_sitecustomize_runs_too(server, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('own')", "utf-8")
    finished = run(server, sys.executable, "-c", "print('main')", PYTHONPATH=str(tmp_path))
    assert finished.stdout == "own\nmain\n"


CALLS = {
    "index.py": f"""
import subprocess, sys, urllib.request
CALL = "import urllib.request; urllib.request.urlopen('https://{REFUSED}/')"
def main(event, context):
    child = subprocess.run([sys.executable, "-c", CALL], capture_output=True, text=True)
    try:
        exec(CALL)
    except OSError as error:
        return [str(error), child.stderr.splitlines()[-1]]
""",
    "index.js": f"""
const {{ spawnSync }} = require('child_process')
const GET = "require('https').get('https://{REFUSED}/')"
const CALL = GET + ".on('error', (error) => console.log(error.message))"
exports.main = async () => {{
  const child = String(spawnSync(process.execPath, ['-e', CALL]).stdout)
  return fetch('https://{REFUSED}').catch(({{ cause }}) => [cause.message, child])
}}
""",
}


@pytest.mark.slow
@needs_node
@pytest.mark.parametrize("file", CALLS)
def test_functions_and_their_child_processes_do_not_reach_other_services(
    file, tmp_path, monkeypatch
):
    with Served(tmp_path, monkeypatch) as served:
        served.write("calls", CALLS[file], file=file)
        own, child = served.call("calls")
    assert MESSAGE in own
    assert MESSAGE in child


def test_a_check_does_not_let_a_module_reach_weixin(tmp_path, monkeypatch):
    with Served(tmp_path, monkeypatch) as served:
        source = "import socket\nsocket.getaddrinfo('api.weixin.qq.com', 443)\ndef main(e, c): 0\n"
        served.write("calls", source, file="index.py")
        problems = served.functions.check("calls")
        assert [each.code for each in problems] == ["does-not-load"]
        assert NOT_CALLED.format(served.url) in str(problems[0])


# ---- proxies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        ({}, "127.0.0.1,"),
        ({"no_proxy": "a.example, b.example"}, "a.example,b.example,127.0.0.1,"),
        ({"NO_PROXY": "a.example"}, "a.example,127.0.0.1,"),
    ],
)
def test_no_proxy_gets_requests_for_the_emulator(given, begins):
    environment = isolated({"http_proxy": "http://127.0.0.1:9", **given}, "http://127.0.0.1:7070")
    for name in ("no_proxy", "NO_PROXY"):
        assert environment[name].startswith(begins)
        hosts = environment[name].split(",")
        assert {"tcb-open.tencentyun.com", ".api.weixin.qq.com", "localhost"} <= set(hosts)
        assert len(hosts) == len(set(hosts))


def test_an_exception_sends_only_its_own_domain_to_the_proxy(monkeypatch):
    listed = {"api.weixin.qq.com", "mch.weixin.qq.com", "tencentcloudapi.com", "tencentyun.com"}
    monkeypatch.setenv("CLOUD_OPENAPI_REAL_HOSTS", f"other.example, {REFUSED}")
    hosts = isolated({}, "http://127.0.0.1:7070")["no_proxy"].split(",")
    assert listed & set(hosts) == listed - {"tencentcloudapi.com"}
    assert ".tencentcloudapi.com" not in hosts
    assert {".mch.weixin.qq.com", "tcb-admin.tencentcloudapi.com"} <= set(hosts)


def test_a_star_in_no_proxy_stays_alone():
    environment = isolated({"no_proxy": "*", "NO_PROXY": "a.example"}, "http://[::1]:7070")
    assert environment["no_proxy"] == "*"
    assert environment["NO_PROXY"].startswith("a.example,::1,")


def test_an_environment_can_be_isolated_twice():
    once = isolated({"NODE_OPTIONS": "--no-warnings"}, "http://127.0.0.1:7070")
    twice = isolated(once, "http://127.0.0.1:7071")
    assert twice["NODE_OPTIONS"] == once["NODE_OPTIONS"]
    assert twice["no_proxy"] == once["no_proxy"]
    assert twice["CLOUD_OPENAPI_EMULATOR"] == "http://127.0.0.1:7071"


@needs_node
def test_the_preload_is_found_in_a_folder_with_spaces_and_quotes(server, tmp_path, monkeypatch):
    folder = tmp_path / 'a "b" \\c'
    module = sys.modules[isolated.__module__]
    shutil.copytree(module._FOLDER, folder)
    monkeypatch.setattr(module, "_FOLDER", folder)
    finished = node(server, f"{GET}.on('error', console.log)")
    assert json.loads(finished.stdout)["access_token"], finished.stderr
