"""Unknown names and too large bodies at every route and command that invokes functions."""

import http.client
import json
import socket
import string
import sys
from itertools import product

import pytest
from support.serving import Served

from cloud_openapi.cli import main

MOST = 6 * 1024 * 1024
MARK = "def main(event, context):\n    open(__file__ + '.ran', 'a').close()\n    return 'ran'\n"
TIMER = {"name": "EveryDay", "type": "timer", "config": "0 0 2 * * * *"}
# Unknown names beside a function "hello"; its folder and the one above have an index.py too.
NAMES = [
    "", ".", "..", "../hello", "./hello", "hello/.", "hello/..", "hello/../hello", "../..",
    "other/hello", "/hello", "hello\\", "..\\hello", "Hello", "HELLO", "hеllo", "ｈello", "hello．",
    "helló", "hello\u200b", "hello\0", "hello\n", "hello ", " hello", "__proto__", "constructor",
    "toString", "-hello", "1hello", "h", "hello.py", "index", "index.py", "config.json", "*",
    "hello;x", "%68ello", "%2e%2e", "a" * 61, "a" * 5000,
]  # fmt: skip
ROUTES = {
    "function": "/v1/functions/{name}",
    "http": "/http/{name}",
    "timer": "/_emulator/timers/{name}/EveryDay",
    "log": "/_emulator/functions/{name}/log",
}
UNESCAPED = frozenset(b"./-_" + string.ascii_letters.encode() + string.digits.encode())
# Paths below the function hello.
BELOW_HELLO = {"hello/.", "hello/..", "hello/../hello"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project") / "functions"
    with pytest.MonkeyPatch.context() as monkeypatch, Served(folder, monkeypatch) as served:
        served.write("hello", MARK, file="index.py", triggers=[TIMER])
        for path in (folder, folder.parent, folder / "hello" / "other"):
            path.mkdir(exist_ok=True)
            (path / "index.py").write_text(MARK)
        yield served


@pytest.fixture
def nothing_ran(served):
    yield
    assert [str(path) for path in served.folder.parent.rglob("*.ran")] == []


def send(served, method, path, body=b"{}", **headers):
    """Send a request with an unnormalised path; return status, type and body."""
    host, port = served.url.removeprefix("http://").split(":")
    fields = {"Host": host, "Content-Length": len(body), "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        with http.client.HTTPResponse(connection) as answer:
            answer.begin()
            return answer.status, answer.headers["Content-Type"], answer.read()


def escaped(name, keep):
    """Return a name for a path, with all bytes escaped or, with ``keep``, as few as possible."""
    return "".join(
        chr(byte) if keep and byte in UNESCAPED else f"%{byte:02X}" for byte in name.encode()
    )


@pytest.mark.usefixtures("nothing_ran")
@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_name_is_404_in_json_over_http(served, route):
    # A path below the function hello is its own.
    names = [name for name in NAMES if not (route == "http" and name in BELOW_HELLO)]
    for name, keep in product(names, (True, False)):
        path = ROUTES[route].format(name=escaped(name, keep))
        status, kind, body = send(served, "GET" if route == "log" else "POST", path)
        assert (status, kind.partition(";")[0]) == (404, "application/json"), path
        answer = json.loads(body)
        assert answer["code"] in {"FUNCTION_NOT_FOUND", "NOT_FOUND"}, path
        assert answer["message"].startswith("There is no "), path
        assert len(body) < 2000, path


@pytest.mark.usefixtures("nothing_ran")
@pytest.mark.parametrize("name", [*NAMES, "\ud800", None, 5, {}, ["hello"]], ids=ascii)
def test_an_unknown_name_is_the_gateways_error(served, name):
    fields = {"action": "functions.invokeFunction", "function_name": name, "request_data": "{}"}
    data = json.dumps(fields).encode()
    status, kind, body = send(
        served, "POST", "/admin", data, **{"Content-Type": "application/json"}
    )
    assert (status, kind) == (200, "application/json; charset=utf-8")
    answer = json.loads(body)
    assert answer["code"] == "FUNCTIONS_REQUEST_FAIL"
    assert answer["message"].startswith("FunctionName parameter could not be found: ")
    assert len(body) < 2000


# The command takes paths too, see test_project.py.
@pytest.mark.usefixtures("nothing_ran")
@pytest.mark.parametrize(
    "name",
    [name for name in NAMES if name not in ("./hello", "hello/.", "hello/../hello")],
    ids=lambda name: ascii(name[:20]),
)
def test_an_unknown_name_is_one_line_of_the_command(served, name, monkeypatch, capsys):
    arguments = ["invoke", "--functions", str(served.folder), "--", name]
    monkeypatch.setattr(sys, "argv", ["cloud-openapi", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (1, "")
    assert printed.err.startswith("cloud-openapi: There is no function ")
    assert "Known: hello." in printed.err


# ---- sizes ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_ran")
@pytest.mark.parametrize("sent", list(product((1, 4 * 1024 * 1024), (False, True))))
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/functions/hello", 406, "FUNCTION_PARAM_INVALID"),
        ("/http/hello", 400, "FUNCTION_PARAM_INVALID"),
        ("/admin", 200, "INVALID_PARAM"),
    ],
)
def test_body_over_6_mib_is_refused_in_json(served, path, status, code, sent):
    more, chunked = sent
    body = b'"' + b"x" * (MOST - 2 + more) + b'"'
    headers = {"Content-Type": "application/json"}
    if chunked:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        headers |= {"Content-Length": None, "Transfer-Encoding": "chunked"}
    got, kind, answer = send(served, "POST", path, body, **headers)
    assert (got, kind.partition(";")[0]) == (status, "application/json")
    error = json.loads(answer)
    assert error.keys() == {"code", "message", "requestId"}
    assert error["code"] == code
    assert "6 MB" in error["message"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b'"' + b"x" * MOST + b'"', 406, "an event is at most 6 MB: send a file's ID instead"),
        (b"{bad", 400, "The body is not JSON"),
    ],
)
def test_the_log_of_a_function_says_why_a_request_does_not_invoke_it(served, body, status, reason):
    assert send(served, "POST", "/v1/functions/hello?source=wx_http", body)[0] == status
    ended = served.functions.ended[-1]
    assert (ended.function, ended.status, ended.source) == ("hello", status, "wx_http")
    assert type(ended.status) is int
    assert reason in ended.reason
    assert served.functions.log_of("hello").lines()[-1].text == f"Reason: {ended.reason}"


def test_an_event_that_grows_over_six_megabytes_is_the_platforms_406(served):
    # Adding userInfo makes it too large.
    event = json.dumps({"a": "x" * (MOST - 20)}).encode()
    assert len(event) < MOST
    status, _, body = send(served, "POST", "/v1/functions/hello?source=wx_client", event)
    assert status == 406
    error = json.loads(body)
    assert {**error, "requestId": ""} == {
        "errorCode": -1,
        "errorMessage": "RequestTooLarge",
        "requestId": "",
        "statusCode": 406,
    }
