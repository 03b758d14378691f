"""The emulator's CloudBase gateway: authentication, permissions, responses and journal."""

import base64
import http.client
import json
import re
import socket
import sys
import time
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import requests
from support.captured import KEY, captured
from support.gateway import API, DAY, OTHER, PATH, Gateway
from support.processes import WAIT

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Clock, Server, create_app, listen
from cloud_openapi.emulator.cloudbase import signature_check
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Outcome
from cloud_openapi.wire import messages, multipart, signature
from cloud_openapi.wire.messages import Pair

SIMULATED = [name for name, api in default_catalogue().items() if api.simulation]
DOCUMENTED = {
    "ref_date": "20170313",
    "visit_uv_new": [{"key": 0, "value": 5464}],
    "visit_uv": [{"key": 0, "value": 55500}],
}


@pytest.fixture
def gateway():
    return Gateway()


# ---- calls of an API -----------------------------------------------------------------------


def test_documented_call_returns_the_documented_response(gateway):
    answer = gateway.call()
    assert json.loads(answer.body) == DOCUMENTED
    assert answer.content_type == "application/json; encoding=utf-8"
    assert answer.error_code == 0


def test_journal_entry_names_gateway_and_function(gateway):
    gateway.call()
    entry = gateway.last
    assert (entry.via, entry.function, entry.appid) == ("gateway", "reader", DEMO_APPID)
    assert (entry.method, entry.path, entry.errcode) == ("POST", PATH, 0)
    assert entry.body == b'{"begin_date":"20170313","end_date":"20170313"}'
    assert gateway.emulator.journal_entries(api=API)[0]["function"] == "reader"


@pytest.mark.parametrize("name", SIMULATED)
def test_each_simulated_api_returns_the_same_through_gateway_and_https(gateway, name):
    operation = default_catalogue()[name]
    gateway.functions.permissions_of = lambda _function: frozenset({name})
    params = dict(operation.examples[0]["request"])
    if "end_date" in params:
        ended = datetime.strptime(params["end_date"], "%Y%m%d").replace(tzinfo=BEIJING)
        gateway.emulator.clock.freeze(ended + timedelta(days=1, hours=12))
    pairs = [Pair(key, json.dumps(value).encode()) for key, value in params.items()]
    token = gateway.emulator.program(DEMO_APPID).tokens.grant()[0]
    https = gateway.client.post(
        operation.path, query_string={"access_token": token}, json=params
    ).json
    assert https.get("errcode", 0) == 0
    assert json.loads(gateway.call(pairs, api=name).body) == https


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


def test_rules_and_quotas_apply_as_over_https(gateway):
    emulator = gateway.emulator
    assert gateway.code(pairs=[DAY[0], Pair("end_date", b'"20170314"')]) == 61501
    assert gateway.code(pairs=[]) == 61500
    assert gateway.code(pairs=[Pair("begin_date", b"no json")]) == 47001
    rid = json.loads(gateway.call(pairs=[]).body)["errmsg"].partition("rid: ")[2]
    record = emulator.program(DEMO_APPID).rids.get(rid)
    assert record.describe()["request_body"] == "{}"
    emulator.configure_app(DEMO_APPID, daily_limits={API: 5})
    assert [gateway.code(), gateway.code()] == [0, 45009]
    assert gateway.code(appid=OTHER) == 0


def test_yesterday_is_not_ready_before_the_ready_hour():
    now = datetime(2026, 3, 11, 8, tzinfo=BEIJING)
    gateway = Gateway(clock=Clock(now), ready_hour=9)
    yesterday = [Pair("begin_date", b'"20260310"'), Pair("end_date", b'"20260310"')]
    assert gateway.code(pairs=yesterday) == 61503


def test_unknown_appid_returns_40013(gateway):
    assert gateway.code(appid="wxunknown") == 40013
    assert gateway.last.appid is None


def test_pins_apply_through_the_gateway(gateway):
    response = {**DOCUMENTED, "visit_uv": [{"key": 0, "value": 7}]}
    request = {"begin_date": "20170313", "end_date": "20170313"}
    gateway.emulator.pins.add({"api": API, "request": request, "response": response})
    assert json.loads(gateway.call().body) == response


# ---- authentication and permissions --------------------------------------------------------


def test_unlisted_api_returns_604101_before_parameters_are_checked(gateway):
    assert gateway.call(token="token-b", pairs=[]) == (b"", "", -604101)
    entry = gateway.last
    assert (entry.function, entry.errcode) == ("denied", -604101)
    assert entry.check == "permissions.openapi: analysis.getDailyRetain"


@pytest.mark.parametrize("api", ["security.msgSecCheck", "", "analysis.getdailyretain", "analysis"])
def test_unknown_api_that_is_not_listed_returns_604101(gateway, api):
    assert gateway.code(api=api) == -604101
    assert gateway.last.reason == f"{api} is not in config.json".strip()


REASON = (
    "The API is not emulated; to pin a response: cloud-openapi control --url http://localhost:%s "
    "pins add made.up --force --response '{}'"
)


def test_listed_api_that_the_catalogue_lacks_returns_604100_and_the_reason(gateway, caplog):
    assert gateway.code(api="made.up") == -604100
    assert gateway.last.reason == REASON % 80
    assert gateway.functions.reasons == [("reader", f"made.up -604100: {REASON % 80}")]
    assert caplog.messages == []


@pytest.mark.parametrize("functions", [True, False])
def test_reason_for_a_program_that_is_no_function_is_logged(gateway, caplog, functions):
    gateway.functions.root = frozenset({"made.up"})
    app = create_app(gateway.emulator, gateway.functions if functions else None)
    fields = {"action": "wx.api", "apiName": "made.up", "requestData": "{}"}
    with Server(app, listen("127.0.0.1", 0)) as server:
        answer = requests.post(f"{server.url}/admin", json=fields, timeout=WAIT).json()
    assert json.loads(answer["data"]["responseData"])["errcode"] == -604100
    assert caplog.messages == [f"made.up -604100: {REASON % server.url.rpartition(':')[2]}"]


def test_a_misspelt_api_is_suggested(gateway):
    gateway.functions.permissions_of = lambda _: {"analysis.getDailyRetian"}
    assert gateway.code(api="analysis.getDailyRetian") == -604100
    assert gateway.last.reason.startswith("did you mean analysis.getDailyRetain? ")


def test_a_pin_answers_an_api_that_the_catalogue_lacks(gateway):
    pin = {"api": "made.up", "request": {"a": 1}, "force": True}
    gateway.emulator.pins.add({**pin, "response": {"errcode": 87014, "errmsg": "risky content"}})
    assert gateway.code(api="made.up", pairs=[Pair("a", b"1")]) == 87014
    assert gateway.last.api == "made.up"
    assert gateway.emulator.journal_page(limit=1)["entries"][0]["api"] == "made.up"
    assert gateway.code(api="made.up", pairs=[Pair("a", b"2")]) == -604100
    assert gateway.code(api="made.up", pairs=[Pair("a", b"1")], token="token-b") == -604101
    shown = [reason.partition(": ")[0] for _, reason in gateway.functions.reasons]
    assert shown == ["made.up 87014", "made.up -604100", "made.up -604101"]


def test_an_sdk_without_a_token_may_call_functions_while_its_own_one_runs(gateway):
    call = {
        "action": "functions.invokeFunction",
        "function_name": "reader",
        "wxCloudApiToken": None,
    }
    signed = gateway.functions.secrets_of("reader")
    assert "data" in gateway.json(signed, **call)
    assert gateway.functions.invoked[-1][3] == "wx_client,scf"
    del gateway.functions.running["token-a"]
    assert gateway.json(signed, **call)["code"] == "INVALID_REQUEST_SOURCE"


def test_invalid_token_returns_604104(gateway):
    assert gateway.code(token="invalid") == -604104
    assert gateway.code(token=API) == -604104


def test_token_expires_with_its_invocation(gateway):
    assert gateway.code() == 0
    del gateway.functions.running["token-a"]
    assert gateway.code() == -604104


def test_foreign_token_is_refused(gateway):
    thief = gateway.functions.secrets_of("denied")
    assert gateway.code(signed=thief) == -604104
    assert gateway.last.function is None
    stolen = gateway.json(signed=thief, action="functions.invokeFunction", function_name="reader")
    assert stolen["code"] == "INVALID_REQUEST_SOURCE"
    assert gateway.functions.invoked == []


@pytest.mark.parametrize("signed", [(), ("emulator", "emulator"), ("AKID.reader", "x")])
def test_token_without_its_functions_signature_is_refused(gateway, signed):
    gateway.functions.root = frozenset({API})
    assert gateway.code(signed=signed) == -604104
    stolen = gateway.json(signed=signed, action="functions.invokeFunction", function_name="reader")
    assert stolen["code"] == "INVALID_REQUEST_SOURCE"


@pytest.mark.parametrize("token", ["token-a", "", "invalid"])
def test_secret_id_of_a_function_requires_its_key(gateway, token):
    gateway.functions.root = frozenset({API})
    reader, own_key = gateway.functions.secrets_of("reader")[0], "0" * 32
    fields = {"action": "wx.openApi", "apiName": API, "requestData": messages.write_request(DAY)}
    fields["wxCloudApiToken"] = token
    for key in (own_key, gateway.functions.secrets_of("denied")[1]):
        assert gateway.post(fields, (reader, key)).json["code"] == "SIGN_PARAM_INVALID"
    scope = f"Credential={reader}/2026-11-24/tcb/tc3_request"
    kind = "multipart/form-data; boundary=----x"
    for header in (scope, f"TC3-HMAC-SHA256 {scope}, SignedParams=, SignedHeaders=, Signature="):
        headers = {"Authorization": header}
        body = multipart.write(fields, "----x")
        reply = gateway.client.post("/admin", data=body, content_type=kind, headers=headers)
        assert reply.json["code"] == "SIGN_PARAM_INVALID"
    assert {(entry.function, entry.errcode) for entry in gateway.emulator.journal} == {
        (None, -501001)
    }


def test_signature_of_a_function_requires_its_token(gateway):
    gateway.functions.root = frozenset({API})
    assert gateway.code(token="", signed=gateway.functions.secrets_of("denied")) == -604104
    assert gateway.code(token="", signed=("emulator", "emulator")) == 0


def test_functions_have_separate_credentials(gateway):
    variables = [gateway.functions.credentials.variables_for(name) for name in ("a", "b")]
    assert all(variables[0][name] != variables[1][name] for name in variables[0])
    assert variables[0] == gateway.functions.credentials.variables_for("a")


def test_external_program_has_the_root_permissions(gateway):
    assert gateway.code(token="") == -604101
    assert gateway.last.function is None
    gateway.functions.root = frozenset({API})
    assert gateway.code(token="") == 0


def test_without_functions_every_api_is_permitted_and_tokens_are_invalid(gateway):
    gateway.client = create_app(gateway.emulator).test_client()
    assert gateway.code(token="") == 0
    assert gateway.code(token="token-a") == -604104


# ---- the signature -------------------------------------------------------------------------


def test_gateway_secret_requires_signed_requests():
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


# ---- errors of the gateway -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action": "auth.wsWebSign"}, "watch() of cloud.database() is not emulated (action "),
        ({}, "action '' is not emulated"),
        ({"action": "wx.openApi", "requestData": b"\x08\x02"}, "apiType 2 is not emulated"),
        ({"action": "wx.openApi", "requestData": b"<"}, "requestData is not a CommApiData message"),
    ],
)
def test_unsupported_requests_return_gateway_errors(gateway, fields, message):
    reply = gateway.post(fields)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.json["code"] == "INVALID_PARAM"
    assert message in reply.json["message"]
    assert reply.json["requestId"]


@pytest.mark.parametrize(
    ("fields", "fails", "status"),
    [
        ({"action": "auth.wsWebSign"}, "watch() of cloud.database()", 200),
        ({"action": "storage.getFileAuthority"}, "getFileAuthority()", 501),
        ({"action": "storage.other"}, "this action of cloud storage", 501),
        ({"action": "wx.wxPayApi"}, "cloud.cloudPay", 200),
        (
            {"action": "wx.openApi", "apiName": "ApiVoipSign", "requestData": b"\x08\x02"},
            "cloud.getVoIPSign()",
            200,
        ),
    ],
)
def test_the_log_says_what_is_not_emulated(gateway, caplog, fields, fails, status):
    reply = gateway.post({**fields, "wxCloudApiToken": "token-a"})
    assert reply.status_code == status
    assert reply.json["message"].startswith(f"{fails} is not emulated (")
    assert gateway.functions.reasons == [("reader", reply.json["message"])]
    assert gateway.last.reason == reply.json["message"]
    assert caplog.messages == []
    gateway.client.post("/admin", json={"action": "auth.wsWebSign"})
    assert len(gateway.functions.reasons) == 1
    assert "cloud.database()" in caplog.text


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_body_must_be_a_json_object(gateway, body):
    reply = gateway.client.post("/admin", data=body, content_type="application/json")
    assert reply.json["code"] == "INVALID_PARAM"


def test_body_over_6_mib_is_refused(gateway):
    reply = gateway.post({"action": "x" * (6 * 1024 * 1024 + 1)})
    assert reply.json == {**reply.json, "code": "INVALID_PARAM"}


def test_missing_protobuf_affects_only_cloud_calls(gateway, monkeypatch):
    fields = {"action": "wx.openApi", "apiName": API, "requestData": messages.write_request(DAY)}
    monkeypatch.delattr("cloud_openapi.wire.messages")
    monkeypatch.setitem(sys.modules, "cloud_openapi.wire.messages", None)
    reply = gateway.post(fields)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.json["code"] == "SYS_ERR"
    assert "pip install 'protobuf>=4.25'" in reply.json["message"]
    body = '{"begin_date":"20170313","end_date":"20170313"}'
    assert wx_api(gateway, requestData=body) == DOCUMENTED


# ---- the JSON actions ----------------------------------------------------------------------


def wx_api(gateway, **fields):
    data = gateway.json(action="wx.api", apiName=API, **fields)["data"]
    return json.loads(data["responseData"])


def test_wx_api_returns_json_without_conversion(gateway):
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


def test_call_between_functions_chains_the_source(gateway):
    answer = invoke(gateway, function_name="denied", request_data='{"a":"é"}')
    assert json.loads(answer["data"]["response_data"]) == {"a": "é"}
    name, event, now, source = gateway.functions.invoked[0]
    assert (name, event, source) == ("denied", {"a": "é"}, "wx_client,scf")
    assert now.tzinfo is not None
    invoke(gateway, function_name="denied", wxCloudApiToken="")
    assert gateway.functions.invoked[1][1:4:2] == ({}, "scf")


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ("Traceback (most recent call last):\n  File\nValueError: boom", "ValueError: boom"),
        ("Error: boom\n    at exports.main (/var/user/index.js:1:1)", "Error: boom"),
        ("", "Invoking task timed out after 3 seconds"),
    ],
)
def test_failed_function_returns_functions_execute_fail(gateway, stack, message):
    failure = {"errorMessage": "Invoking task timed out after 3 seconds", "stackTrace": stack}
    gateway.functions.outcome = Outcome(json.dumps(failure), 430)
    answer = invoke(gateway, function_name="reader")
    assert answer == {
        "code": "FUNCTIONS_EXECUTE_FAIL",
        "message": message,
        "requestId": answer["requestId"],
    }


def test_unknown_function_and_unknown_caller_are_refused(gateway):
    missing = invoke(gateway, function_name="missing")
    assert missing["code"] == "FUNCTIONS_REQUEST_FAIL"
    assert "missing" in missing["message"]
    assert invoke(gateway, function_name="reader", request_data="{")["code"] == "INVALID_PARAM"
    unknown = invoke(gateway, function_name="reader", wxCloudApiToken="invalid")
    assert unknown["code"] == "INVALID_REQUEST_SOURCE"
    assert gateway.functions.invoked == []


# ---- over a socket -------------------------------------------------------------------------


class CapturedCredentials:
    """The credentials of the captured requests, as those of one function."""

    def function_of(self, secret_id):
        return "reader" if secret_id == "test-id" else None

    def secret_key_of(self, _function):
        return KEY


@pytest.fixture
def served(gateway):
    gateway.functions.running["test-api-token"] = "reader"
    gateway.functions.names.append("hello")
    gateway.functions.credentials = CapturedCredentials()
    app = create_app(gateway.emulator, gateway.functions)
    with Server(app, listen("127.0.0.1", 0)) as server:
        gateway.port = int(server.url.rpartition(":")[2])
        yield gateway


@pytest.fixture
def sent(served, monkeypatch):
    """Return a function that sends a captured request at its own time."""

    def send(name, change=lambda request: request):
        request = captured(name).raw
        stamp = int(re.search(rb"(?i)(?:x-timestamp: |q-sign-time=)(\d+)", request)[1])
        monkeypatch.setattr(signature_check, "clocks", SimpleNamespace(now=lambda: stamp + 1))
        return raw(served, change(request))[2]

    return send


def raw(served, request):
    """Send bytes; return the status line, the headers and the body of the answer."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.reason, response.read()


@pytest.mark.parametrize("version", ["4.0.2", "3.0.4", "1.8.3"])
def test_captured_requests_return_the_documented_response(sent, version):
    body = sent(f"wx-server-sdk-{version}.openApi.http")
    assert json.loads(messages.read_answer(body).body) == DOCUMENTED


@pytest.mark.parametrize("version", ["4.0.2", "3.0.4", "1.8.3"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"test-api-token", b"test-api-tokem"),
        (b"analysis.getDailyRetain", b"analysis.getMonthRetain"),
        (b",scf", b",scg"),
        (b"action", b"actiom"),
    ],
)
def test_tampered_captured_request_is_refused(sent, version, old, new):
    body = sent(f"wx-server-sdk-{version}.openApi.http", lambda request: request.replace(old, new))
    assert json.loads(body)["code"] == "SIGN_PARAM_INVALID"


@pytest.mark.parametrize("version", ["4.0.2", "1.8.3"])
@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_captured_request_with_old_or_future_time_is_refused(sent, monkeypatch, version, seconds):
    def later(request):
        now = time.time() + seconds
        monkeypatch.setattr(signature_check, "clocks", SimpleNamespace(now=lambda: now))
        return request

    body = sent(f"wx-server-sdk-{version}.openApi.http", later)
    assert json.loads(body)["code"] == "SIGN_PARAM_INVALID"


def test_captured_file_is_unchanged_in_the_journal(served, sent):
    for version in ("4.0.2", "3.0.4"):
        sent(f"wx-server-sdk-{version}.openApi-media.http")
        entry = served.last
        assert entry.appid == OTHER
        assert ('"note":"零零零 ñ ' + "长" * 3500).encode() in entry.body
        kept = json.loads(entry.body)["img"]
        assert kept["filename"] == "img.jpeg"
        assert base64.b64decode(kept["base64"]) == bytes([0, 255, 216, 13, 10, 45, 45, 128, 1])


@pytest.mark.parametrize("version", ["4.0.2", "3.0.4"])
def test_captured_function_call_succeeds(sent, version):
    assert "data" in json.loads(sent(f"wx-server-sdk-{version}.callFunction.http"))


def test_captured_wx_api_call_succeeds(sent):
    assert "data" in json.loads(sent("wx-server-sdk-4.0.2.callOpenAPI.http"))


REFUSED = [
    b"CONNECT tcb-open.tencentcloudapi.com:443 HTTP/1.1\r\nHost: tcb-open\r\n\r\n",
    b"GET http://example.com/openapi.json HTTP/1.1\r\nHost: example.com\r\n\r\n",
    b"GET http://example.com/admin HTTP/1.1\r\nHost: example.com\r\n\r\n",
    b"GET http://tcb-open.tencentcloudapi.com/other HTTP/1.1\r\nHost: tcb-open\r\n\r\n",
    b"GET http://tcb-open.tencentcloudapi.com.evil.com/admin HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://127.0.0.1:1/healthz HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
]


@pytest.mark.parametrize("request_", REFUSED)
def test_requests_for_other_hosts_are_not_forwarded(served, request_):
    status, reason, body = raw(served, request_)
    assert (status, reason) == (403, "The emulator forwards nothing")
    answer = json.loads(body)
    assert answer["code"] == "NETWORK_BLOCKED"
    assert "forwards nothing" in answer["message"]
    assert ("`cloud-openapi exec --`" in answer["message"]) == request_.startswith(b"CONNECT")


def test_proxy_request_for_the_emulator_itself_is_answered(served):
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
def test_requests_from_foreign_pages_are_refused(gateway, path, headers):
    answer = gateway.client.post(path, data=b"{}", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, "FOREIGN_PAGE")
    assert "--allow-host" in answer.json["message"]
    assert gateway.functions.invoked == []


def test_requests_from_local_pages_are_answered(gateway):
    headers = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
    assert (
        gateway.client.post("/v1/functions/reader", data=b"{}", headers=headers).status_code == 200
    )


def test_duplicate_part_names_are_refused(gateway):
    reply = gateway.post({"action": "wx.openApi", "apiName": API, "APINAME": "other"})
    assert reply.json["code"] == "INVALID_PARAM"


@pytest.mark.parametrize("data", ['{"a": NaN}', "[Infinity]", "{", "x"])
def test_invalid_json_does_not_invoke_a_function(gateway, data):
    answer = invoke(gateway, function_name="denied", request_data=data)
    assert answer["code"] == "INVALID_PARAM"
    assert answer["message"].startswith("request_data is not JSON: ")
    assert gateway.functions.invoked == []
