"""HTTP access to functions: events and responses."""

import base64
import http.client
import json
from pathlib import Path

import pytest
from flask import Flask

from cloud_openapi.emulator import Emulator, Server, listen
from cloud_openapi.emulator.cloudbase.http_access import add_http_access
from cloud_openapi.runtime import Log, Outcome, UnknownFunctionError

BAD_NAMES = ["", "X Y", "X:Y", "X\n", "X\r\nSet-Cookie", "留存", "X\0", "(X)"]
BAD_VALUES = ["two\nlines", "a\r\nSet-Cookie: b", "留存", "\ud800", "a\0", "\x7f", "\u2028"]


class StubFunctions:
    """A folder with the function hello, which returns ``outcome``."""

    folder = Path("functions")

    def __init__(self):
        self.events = []
        self.outcome = Outcome("{}", 200)
        self.log = Log()

    def __iter__(self):
        return iter(["hello"])

    def log_of(self, _name):
        return self.log

    def refuse(self, name, source, status, reason):
        self.refused = (name, source, status)

    def invoke(self, name, event, _now, source):
        if name != "hello":
            raise UnknownFunctionError(name)
        self.events.append((name, event, source))
        return self.outcome


class HTTPAccess:
    def __init__(self):
        self.functions = StubFunctions()
        app = Flask("web")
        app.config["MAX_CONTENT_LENGTH"] = 6 * 1024 * 1024
        add_http_access(app, Emulator(), self.functions)
        self.app = app
        self.client = app.test_client()

    def event(self, method="GET", path="/http/hello", **request):
        self.client.open(path, method=method, **request)
        return self.functions.events[-1][1]

    def answer(self, result, status=200):
        self.functions.outcome = Outcome(json.dumps(result), status)
        return self.client.get("/http/hello")


@pytest.fixture
def web():
    return HTTPAccess()


def test_get_request_becomes_the_documented_event(web):
    event = web.event(query_string={"a": "1"}, headers={"X-Name": "Value"})
    assert event.pop("headers").items() >= {"host": "localhost", "x-name": "Value"}.items()
    context = event.pop("requestContext")
    assert (context["envId"], context["appId"], context["uin"]) == ("local", 0, 0)
    assert event == {
        "path": "/",
        "httpMethod": "GET",
        "queryStringParameters": {"a": "1"},
        "body": "",
        "isBase64Encoded": False,
    }
    assert web.functions.events[-1][::2] == ("hello", "wx_http")


@pytest.mark.parametrize(
    ("path", "seen"),
    [("/http/hello/", "/"), ("/http/hello/a/b", "/a/b"), ("/http/hello/%E4%B8%AD", "/中")],
)
def test_the_path_follows_the_functions_name(web, path, seen):
    assert web.event(path=path)["path"] == seen


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_event_has_method_and_body(web, method):
    event = web.event(method, data="留存".encode())
    assert (event["httpMethod"], event["body"]) == (method, "留存")


def test_a_binary_body_is_base64(web):
    event = web.event("POST", data=b"\xff\x00")
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\x00"


@pytest.mark.parametrize(
    ("result", "content_type", "body"),
    [
        ("hello", "text/plain; charset=utf-8", b"hello"),
        (7, "text/plain; charset=utf-8", b"7"),
        ({"a": "留存"}, "application/json", '{"a": "留存"}'.encode()),
        ([1], "application/json", b"[1]"),
        (None, "application/json", b"null"),
        (True, "application/json", b"true"),
        # An integrated response needs a numeric statusCode and headers.
        ({"statusCode": 404}, "application/json", b'{"statusCode": 404}'),
        (
            {"statusCode": "404", "headers": {}},
            "application/json",
            b'{"statusCode": "404", "headers": {}}',
        ),
    ],
)
def test_a_results_type_decides_the_content_type(web, result, content_type, body):
    answer = web.answer(result)
    assert (answer.status_code, answer.content_type, answer.data) == (200, content_type, body)


def test_an_integrated_response_sets_status_headers_and_body(web):
    answer = web.answer(
        {
            "isBase64Encoded": False,
            "statusCode": 201,
            "headers": {"Content-Type": "text/html", "X-Many": ["1", "2"]},
            "body": "<h1>留存</h1>",
        }
    )
    assert (answer.status_code, answer.content_type) == (201, "text/html")
    assert answer.headers.getlist("X-Many") == ["1", "2"]
    assert answer.data == "<h1>留存</h1>".encode()


def test_integrated_response_may_be_binary(web):
    body = base64.b64encode(b"\x89PNG").decode()
    result = {"isBase64Encoded": True, "statusCode": 200, "headers": {}, "body": body}
    assert web.answer(result).data == b"\x89PNG"


@pytest.mark.parametrize(
    "broken",
    [
        {"statusCode": 99, "headers": {}},
        {"statusCode": 600, "headers": {}},
        {"statusCode": 200.5, "headers": {}},
        {"statusCode": 200, "headers": {}, "isBase64Encoded": True, "body": "=====x"},
        {"statusCode": 200, "headers": {}, "isBase64Encoded": True, "body": "é"},
        {"statusCode": 200, "headers": {}, "body": "\ud800"},
        "half \udfff a pair",
        *({"statusCode": 200, "headers": {name: "x"}} for name in BAD_NAMES),
        *({"statusCode": 200, "headers": {"X-Name": value}} for value in BAD_VALUES),
        {"statusCode": 200, "headers": {"X-Name": ["good", "two\nlines"]}},
    ],
    ids=ascii,
)
def test_invalid_response_is_502_with_the_reason_in_the_log(web, broken):
    answer = web.answer(broken)
    assert (answer.status_code, answer.content_type) == (502, "application/json; charset=utf-8")
    assert answer.json.keys() == {"code", "message", "requestId"}
    assert answer.json["code"] == "FUNCTION_INVOCATION_FAILED"
    message = answer.json["message"]
    assert message.startswith("The function returned an invalid response: ")
    ((_, line),) = web.functions.log.since()
    assert line == f"Warning: HTTP access: {message}"


def test_a_lone_surrogate_in_an_object_is_escaped_as_by_javascript(web):
    answer = web.answer({"a": "\ud800"})
    assert (answer.status_code, answer.data) == (200, b'{"a": "\\ud800"}')
    answer = web.answer({"statusCode": 201, "headers": {}, "body": {"a": "\ud800"}})
    assert (answer.status_code, answer.data) == (201, b'{"a": "\\ud800"}')
    error = {"errorMessage": "\ud800", "statusCode": 430}
    answer = web.answer(error, 430)
    assert (answer.status_code, answer.json) == (502, error)


def test_a_function_cannot_set_connection_headers(web):
    own = {
        "Connection": "close",
        "Content-Length": "9999",
        "Keep-Alive": "timeout=30",
        "transfer-encoding": "chunked",
        "Upgrade": "h2c",
        "Trailer": "X",
        "X-Own": "1",
    }
    answer = web.answer({"statusCode": 200, "headers": own, "body": "短"})
    assert answer.data == "短".encode()
    assert sorted(answer.headers.keys()) == ["Content-Length", "Content-Type", "X-Own"]
    assert answer.content_length == 3


RESULTS = [
    ({"statusCode": 200, "headers": {"Content-Length": "1"}, "body": "long"}, 200, b"long"),
    ({"statusCode": 200, "headers": {"Transfer-Encoding": "chunked"}, "body": "a"}, 200, b"a"),
    ({"statusCode": 200, "headers": {"Connection": "close, X-A"}, "body": "a"}, 200, b"a"),
    ({"statusCode": 204, "headers": {}, "body": "none"}, 204, b""),
    ({"statusCode": 304, "headers": {}, "body": "none"}, 304, b""),
    ({"statusCode": 599, "headers": {"X-Latin": "é\xff"}, "body": "a"}, 599, b"a"),
    ({"statusCode": 200.0, "headers": {}, "body": "a"}, 200, b"a"),
]


@pytest.mark.parametrize(("result", "status", "body"), RESULTS)
def test_responses_are_complete_and_the_connection_is_kept_open(web, result, status, body):
    with Server(web.app, listen("127.0.0.1", 0)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        web.functions.outcome = Outcome(json.dumps(result), 200)
        for method in ("GET", "HEAD", "GET"):
            connection.request(method, "/http/hello")
            answer = connection.getresponse()
            assert answer.status == status
            assert answer.read() == (b"" if method == "HEAD" else body)
        connection.close()


def test_failed_function_is_502_with_the_platforms_error(web):
    error = {"errorCode": -1, "errorMessage": "user code exception caught", "statusCode": 430}
    answer = web.answer(error, 430)
    assert (answer.status_code, answer.json) == (502, error)


@pytest.mark.parametrize("name", ["Hello", "hello2", "__proto__", "..", "h\u0435llo"])
def test_an_unknown_name_is_404(web, name):
    answer = web.client.get(f"/http/{name}")
    assert answer.status_code == 404
    assert not web.functions.events


def test_too_large_body_is_refused(web):
    answer = web.client.post("/http/hello", data=b"x" * (6 * 1024 * 1024 + 1))
    assert (answer.status_code, json.loads(answer.data)["code"]) == (400, "FUNCTION_PARAM_INVALID")
    assert not web.functions.events


def test_integrated_response_defaults_to_plain_text(web):
    answer = web.answer({"statusCode": 200, "headers": {}, "body": "<b>"})
    assert answer.content_type == "text/plain; charset=utf-8"
