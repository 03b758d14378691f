"""The emulator's CloudBase gateway: who may call what, how it answers, what the journal keeps."""

import base64
import http.client
import json
import socket
import time
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from captured import captured

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, Server, create_app, listen
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Credentials
from cloud_openapi.wire import messages, multipart, signature
from cloud_openapi.wire.messages import Pair

API = "analysis.getDailyRetain"
PATH = default_catalogue()[API].path
OTHER = "wxother"
DAY = [Pair("begin_date", b'"20170313"'), Pair("end_date", b'"20170313"')]
DOCUMENTED = {
    "ref_date": "20170313",
    "visit_uv_new": [{"key": 0, "value": 5464}],
    "visit_uv": [{"key": 0, "value": 55500}],
}


class Invocation(NamedTuple):
    request_id: str
    function: str
    source: str


class Outcome(NamedTuple):
    result: object
    status: int


class Functions:
    """Stands in for the runtime: two functions that run, one of which may call nothing."""

    folder = "functions"

    def __init__(self):
        self.credentials = Credentials.new()
        self.running = {"token-a": "reader", "token-b": "nobody"}
        self.root = frozenset()
        self.invoked = []
        self.outcome = None

    def __iter__(self):
        return iter(("reader", "nobody"))

    def __contains__(self, name):
        return name in ("reader", "nobody")

    def invocation_of(self, token):
        name = self.running.get(token)
        return name and Invocation("r", name, "wx_client")

    def secret_id(self, name):
        return self.credentials.variables_for(name)["TENCENTCLOUD_SECRETID"]

    def timers(self):
        return []

    def permissions_of(self, function):
        return frozenset({API, "made.up"} if function == "reader" else ())

    def root_permissions(self):
        return self.root

    def invoke(self, name, event, now, source):
        self.invoked.append((name, event, now, source))
        return self.outcome or Outcome(event, 200)


class Gateway:
    """An emulator, asked as the SDK asks."""

    def __init__(self, **settings):
        self.functions = Functions()
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "other-secret"}
        self.emulator = Emulator(apps=apps, **settings)
        self.client = create_app(self.emulator, self.functions).test_client()

    def post(self, fields, **headers):
        kind = "multipart/form-data; boundary=----x"
        body = multipart.write(fields, "----x")
        return self.client.post("/admin", data=body, content_type=kind, headers=headers)

    def ask(self, pairs=DAY, api=API, token="token-a", appid="", **headers):
        fields = {"action": "wx.openApi", "apiName": api}
        fields["requestData"] = messages.write_request(pairs, appid)
        reply = self.post(fields | {"wxCloudApiToken": token}, **headers)
        assert reply.content_type == "application/octet-stream"
        return messages.read_answer(reply.data)

    def code(self, **asked):
        answer = self.ask(**asked)
        return answer.error_code or json.loads(answer.body).get("errcode", 0)

    def json(self, **fields):
        reply = self.client.post("/admin", json={"wxCloudApiToken": "token-a", **fields})
        assert reply.status_code == 200
        assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
        return reply.json

    @property
    def last(self):
        return list(self.emulator.journal)[-1]


@pytest.fixture
def gateway():
    return Gateway()


# ---- calls of an API -----------------------------------------------------------------------


def test_the_documented_call_gets_the_documented_answer(gateway):
    answer = gateway.ask()
    assert json.loads(answer.body) == DOCUMENTED
    assert answer.content_type == "application/json; encoding=utf-8"
    assert answer.error_code == 0


def test_the_journal_says_that_it_came_by_the_gateway_and_from_which_function(gateway):
    gateway.ask()
    entry = gateway.last
    assert (entry.via, entry.function, entry.appid) == ("gateway", "reader", DEMO_APPID)
    assert (entry.method, entry.path, entry.errcode) == ("POST", PATH, 0)
    assert entry.body == b'{"begin_date":"20170313","end_date":"20170313"}'
    assert gateway.emulator.journal_entries(api=API)[0]["function"] == "reader"


@pytest.mark.parametrize("name", sorted(default_catalogue()))
def test_each_api_answers_by_the_gateway_what_it_answers_by_https(gateway, name):
    operation = default_catalogue()[name]
    gateway.functions.permissions_of = lambda _function: frozenset({name})
    params = dict(operation.examples[0]["request"])
    if "end_date" in params:
        ended = datetime.strptime(params["end_date"], "%Y%m%d").replace(tzinfo=BEIJING)
        gateway.emulator.clock.freeze(ended + timedelta(days=1, hours=12))
    pairs = [Pair(key, json.dumps(value).encode()) for key, value in params.items()]
    token = gateway.emulator.tokens.grant(DEMO_APPID)[0]
    https = gateway.client.post(
        operation.path, query_string={"access_token": token}, json=params
    ).json
    assert https.get("errcode", 0) == 0
    assert json.loads(gateway.ask(pairs, api=name).body) == https


def test_bytes_text_nesting_and_files_arrive_unchanged(gateway):
    media = bytes(range(256)) * 4
    long = json.dumps("长" * 3500, ensure_ascii=False).encode()
    deep = '{"a_b":[{"c":1.50},null,true,"é"]}'.encode()
    pairs = [*DAY, Pair("note", long), Pair("深", deep), Pair("img", media, "ü.png")]
    assert gateway.code(pairs=pairs, appid=OTHER) == 0
    entry = gateway.last
    assert entry.appid == OTHER
    whole = b'"note":' + long + ',"深":'.encode() + deep
    assert whole in entry.body
    kept = json.loads(entry.body)["img"]
    assert kept["filename"] == "ü.png"
    assert base64.b64decode(kept["base64"]) == media


def test_the_rules_quotas_and_readiness_of_https_hold(gateway):
    emulator = gateway.emulator
    assert gateway.code(pairs=[DAY[0], Pair("end_date", b'"20170314"')]) == 61501
    assert gateway.code(pairs=[]) == 61500
    assert gateway.code(pairs=[Pair("begin_date", b"no json")]) == 47001
    rid = json.loads(gateway.ask(pairs=[]).body)["errmsg"].partition("rid: ")[2]
    record = emulator.rids.get(rid, DEMO_APPID)
    assert record.describe()["request_body"] == "{}"
    emulator.configure_app(DEMO_APPID, daily_limits={API: 5})
    assert [gateway.code(), gateway.code()] == [0, 45009]
    assert gateway.code(appid=OTHER) == 0


def test_yesterday_before_its_hour_is_not_ready():
    now = datetime(2026, 3, 11, 8, tzinfo=BEIJING)
    gateway = Gateway(clock=Clock(now), ready_hour=9)
    yesterday = [Pair("begin_date", b'"20260310"'), Pair("end_date", b'"20260310"')]
    assert gateway.code(pairs=yesterday) == 61503


def test_an_appid_that_is_not_known_is_40013(gateway):
    assert gateway.code(appid="wxnobody") == 40013
    assert gateway.last.appid is None


def test_a_pinned_answer_comes_by_the_gateway_too(gateway):
    response = {**DOCUMENTED, "visit_uv": [{"key": 0, "value": 7}]}
    request = {"begin_date": "20170313", "end_date": "20170313"}
    gateway.emulator.pins.add({"api": API, "request": request, "response": response})
    assert json.loads(gateway.ask().body) == response


# ---- who calls -----------------------------------------------------------------------------


def test_an_api_that_config_json_does_not_list_is_604101_before_its_parameters(gateway):
    assert gateway.ask(token="token-b", pairs=[]) == (b"", "", -604101)
    entry = gateway.last
    assert (entry.function, entry.errcode) == ("nobody", -604101)
    assert entry.check == "permissions.openapi: analysis.getDailyRetain"


@pytest.mark.parametrize("api", ["made.up", "", "analysis.getdailyretain", "analysis"])
def test_an_api_that_does_not_exist_is_604100_listed_or_not(gateway, api):
    assert gateway.code(api=api) == -604100


def test_a_token_that_was_made_up_opens_nothing(gateway):
    assert gateway.code(token="made-up") == -604104
    assert gateway.code(token=API) == -604104


def test_a_token_ends_with_its_invocation(gateway):
    assert gateway.code() == 0
    del gateway.functions.running["token-a"]
    assert gateway.code() == -604104


def signed_by(secret_id):
    scope = f"{secret_id}/2026-11-24/tcb/tc3_request"
    return {"Authorization": f"TC3-HMAC-SHA256 Credential={scope}, SignedParams=, Signature=0"}


def test_another_functions_token_opens_nothing(gateway):
    own, other = (signed_by(gateway.functions.secret_id(name)) for name in ("reader", "nobody"))
    assert gateway.code(**own) == 0
    assert gateway.code(**other) == -604104
    assert gateway.last.function is None
    stolen = gateway.client.post(
        "/admin",
        json={"action": "functions.invokeFunction", "wxCloudApiToken": "token-a"},
        headers=other,
    )
    assert stolen.json["code"] == "INVALID_REQUEST_SOURCE"


def test_a_function_without_its_token_does_not_pass_for_another_program(gateway):
    gateway.functions.root = frozenset({API})
    nobody = gateway.functions.secret_id("nobody")
    assert gateway.code(token="", **signed_by(nobody)) == -604104
    assert gateway.code(token="", **signed_by("emulator")) == 0


def test_an_older_sdk_is_known_by_the_field_it_signs_in(gateway):
    nobody = gateway.functions.secret_id("nobody")
    fields = {"action": "wx.openApi", "apiName": API, "requestData": messages.write_request(DAY)}
    fields |= {"wxCloudApiToken": "token-a", "authorization": f"q-sign=sha1&q-ak={nobody}&q"}
    assert messages.read_answer(gateway.post(fields).data).error_code == -604104


def test_a_program_that_the_emulator_did_not_start_has_the_root_config_json(gateway):
    assert gateway.code(token="") == -604101
    assert gateway.last.function is None
    gateway.functions.root = frozenset({API})
    assert gateway.code(token="") == 0


def test_without_functions_every_api_is_permitted_and_no_token_is_good(gateway):
    gateway.client = create_app(gateway.emulator).test_client()
    assert gateway.code(token="") == 0
    assert gateway.code(token="token-a") == -604104


# ---- the signature -------------------------------------------------------------------------


def test_with_a_secret_only_signed_requests_are_answered():
    gateway = Gateway(gateway_secret="test-key")
    fields = {"action": "wx.openApi", "apiName": API, "requestData": messages.write_request(DAY)}
    kind = "multipart/form-data; boundary=----x"

    def post(key, at):
        headers = {"content-type": kind, "host": "localhost"}
        encoded = {k: v if isinstance(v, bytes) else v.encode() for k, v in fields.items()}
        signed = signature.Signed("//localhost/admin", "env=e", headers, encoded)
        sign = signature.sign(signed, "test-id", key, at)
        return gateway.client.post(
            "/admin?env=e",
            data=multipart.write(fields, "----x"),
            content_type=kind,
            headers={"Authorization": sign, "X-Timestamp": str(at)},
        )

    now = int(time.time())
    gateway.functions.root = frozenset({API})
    assert json.loads(messages.read_answer(post("test-key", now - 1).data).body) == DOCUMENTED
    for key, at in (("wrong", now), ("test-key", now - 700), ("test-key", now + 700)):
        assert post(key, at).json["code"] == "SIGN_PARAM_INVALID"
    unsigned = gateway.post(fields)
    assert unsigned.headers["Content-Type"] == "application/json; charset=utf-8"
    assert unsigned.json.keys() == {"code", "message", "requestId"}
    assert unsigned.json["code"] == "SIGN_PARAM_INVALID"
    assert "test-key" not in json.dumps([post("wrong", now).json, unsigned.json])


# ---- what the gateway itself refuses -------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"action": "database.addDocument"}, "action 'database.addDocument' is not emulated"),
        ({}, "action '' is not emulated"),
        ({"action": "wx.openApi", "requestData": b"\x08\x02"}, "apiType 2 is not emulated"),
        ({"action": "wx.openApi", "requestData": b"<"}, "requestData is no CommApiData"),
    ],
)
def test_other_requests_are_refused_as_the_gateway_does(gateway, fields, said):
    reply = gateway.post(fields)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.json["code"] == "INVALID_PARAM"
    assert said in reply.json["message"]
    assert reply.json["requestId"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_object_is_refused(gateway, body):
    reply = gateway.client.post("/admin", data=body, content_type="application/json")
    assert reply.json["code"] == "INVALID_PARAM"


def test_a_body_of_more_than_six_megabytes_is_refused(gateway):
    reply = gateway.post({"action": "x" * (6 * 1024 * 1024 + 1)})
    assert reply.json == {**reply.json, "code": "INVALID_PARAM"}


# ---- the JSON actions ----------------------------------------------------------------------


def wx_api(gateway, **fields):
    data = gateway.json(action="wx.api", apiName=API, **fields)["data"]
    return json.loads(data["responseData"])


def test_wx_api_answers_in_json_without_conversion(gateway):
    body = '{"begin_date":"20170313","end_date":"20170313","note":"é"}'
    assert wx_api(gateway, requestData=body) == DOCUMENTED
    assert gateway.last.body == body.encode()
    assert wx_api(gateway, requestData="")["errcode"] == 61500
    assert wx_api(gateway, requestData="[1]")["errcode"] == 47001
    denied = wx_api(gateway, wxCloudApiToken="token-b")
    assert denied == {
        "errcode": -604101,
        "errmsg": "function has no permission to call this API",
    }


def invoke(gateway, **fields):
    return gateway.json(action="functions.invokeFunction", **fields)


def test_a_function_calls_another_and_its_source_is_chained(gateway):
    answer = invoke(gateway, function_name="nobody", request_data='{"a":"é"}')
    assert json.loads(answer["data"]["response_data"]) == {"a": "é"}
    name, event, now, source = gateway.functions.invoked[0]
    assert (name, event, source) == ("nobody", {"a": "é"}, "wx_client,scf")
    assert now.tzinfo is not None
    invoke(gateway, function_name="nobody", wxCloudApiToken="")
    assert gateway.functions.invoked[1][1:4:2] == ({}, "scf")


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ("Traceback (most recent call last):\n  File\nValueError: boom", "ValueError: boom"),
        ("Error: boom\n    at exports.main (/var/user/index.js:1:1)", "Error: boom"),
        ("", "Invoking task timed out after 3 seconds"),
    ],
)
def test_a_function_that_fails_is_functions_execute_fail(gateway, stack, message):
    failure = {"errorMessage": "Invoking task timed out after 3 seconds", "stackTrace": stack}
    gateway.functions.outcome = Outcome(failure, 430)
    answer = invoke(gateway, function_name="reader")
    assert answer == {
        "code": "FUNCTIONS_EXECUTE_FAIL",
        "message": message,
        "requestId": answer["requestId"],
    }


def test_a_function_that_is_not_there_and_a_caller_that_is_not_known(gateway):
    missing = invoke(gateway, function_name="missing")
    assert missing["code"] == "FUNCTIONS_REQUEST_FAIL"
    assert "missing" in missing["message"]
    assert invoke(gateway, function_name="reader", request_data="{")["code"] == "INVALID_PARAM"
    stranger = invoke(gateway, function_name="reader", wxCloudApiToken="made-up")
    assert stranger["code"] == "INVALID_REQUEST_SOURCE"
    assert gateway.functions.invoked == []


# ---- over a socket -------------------------------------------------------------------------


@pytest.fixture
def served(gateway):
    gateway.functions.running["test-api-token"] = "reader"
    app = create_app(gateway.emulator, gateway.functions)
    with Server(app, listen("127.0.0.1", 0)) as server:
        gateway.port = int(server.url.rpartition(":")[2])
        yield gateway


def raw(served, request):
    """Send bytes; return the status line, the headers and the body of the answer."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.reason, response.read()


@pytest.mark.parametrize("version", ["4.0.2", "3.0.4", "1.8.3"])
def test_a_captured_request_is_answered_chunked_or_not_by_proxy_or_not(served, version):
    _, _, body = raw(served, captured(f"wx-server-sdk-{version}.openApi.http").raw)
    assert json.loads(messages.read_answer(body).body) == DOCUMENTED


def test_a_captured_file_is_in_the_journal_as_it_was_sent(served):
    for version in ("4.0.2", "3.0.4"):
        raw(served, captured(f"wx-server-sdk-{version}.openApi-media.http").raw)
        entry = served.last
        assert entry.appid == OTHER
        assert ('"note":"零零零 ñ ' + "长" * 3500).encode() in entry.body
        kept = json.loads(entry.body)["img"]
        assert kept["filename"] == "img.jpeg"
        assert base64.b64decode(kept["base64"]) == bytes([0, 255, 216, 13, 10, 45, 45, 128, 1])


@pytest.mark.parametrize("action", ["callFunction", "callOpenAPI"])
def test_a_captured_json_request_is_answered(served, action):
    request = captured(f"wx-server-sdk-4.0.2.{action}.http").raw
    _, _, body = raw(served, request.replace(b"hello", b"reader").replace(b": 235", b": 236"))
    assert "data" in json.loads(body)


REFUSED = [
    b"CONNECT tcb-open.tencentcloudapi.com:443 HTTP/1.1\r\nHost: tcb-open\r\n\r\n",
    b"GET http://example.com/openapi.json HTTP/1.1\r\nHost: example.com\r\n\r\n",
    b"GET http://example.com/admin HTTP/1.1\r\nHost: example.com\r\n\r\n",
    b"GET http://tcb-open.tencentcloudapi.com/other HTTP/1.1\r\nHost: tcb-open\r\n\r\n",
    b"GET http://tcb-open.tencentcloudapi.com.evil.com/admin HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://127.0.0.1:1/healthz HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
]


@pytest.mark.parametrize("request_", REFUSED)
def test_what_was_meant_for_another_host_is_refused_and_not_forwarded(served, request_):
    status, reason, body = raw(served, request_)
    assert (status, reason) == (403, "The emulator forwards nothing")
    answer = json.loads(body)
    assert answer["code"] == "NETWORK_BLOCKED"
    assert "forwards nothing" in answer["message"]


def test_the_emulators_own_address_may_be_given_as_to_a_proxy(served):
    url = f"http://127.0.0.1:{served.port}/healthz".encode()
    assert raw(served, b"GET " + url + b" HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 200


@pytest.mark.parametrize(
    "path", ["/v1/functions/reader", "/http/reader", "/admin", "/cgi-bin/token"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_of_another_site_calls_nothing(gateway, path, headers):
    answer = gateway.client.post(path, data=b"{}", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, "FOREIGN_PAGE")
    assert gateway.functions.invoked == []


def test_a_page_of_this_machine_may_call(gateway):
    headers = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
    assert (
        gateway.client.post("/v1/functions/reader", data=b"{}", headers=headers).status_code == 200
    )


def test_two_parts_of_one_name_are_refused(gateway):
    reply = gateway.post({"action": "wx.openApi", "apiName": API, "APINAME": "other"})
    assert reply.json["code"] == "INVALID_PARAM"
