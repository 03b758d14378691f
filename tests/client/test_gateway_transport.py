"""The facade over the CloudBase gateway: what it sends, and what it makes of each answer."""

import json
import logging
import re
import subprocess
import sys
import threading
import time

import pytest
from support.captured import captured, parts, signature_is_good
from support.paths import ROOT
from support.processes import WAIT
from support.values import API
from support.values import CLOUD_DAY as DAY
from werkzeug import Response

from cloud_openapi import Cloud, CloudSDKError, ConfigError, UnknownAPIError
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.transports.gateway import GatewayTransport
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange
from cloud_openapi.wire import messages
from cloud_openapi.wire.messages import Pair

A, a = f"openapi.{API}", API
JSON = "application/json; encoding=utf-8"
GATEWAY_JSON = "application/json; charset=utf-8"
PLATFORM = {
    "TENCENTCLOUD_RUNENV": "SCF",
    "TENCENTCLOUD_SECRETID": "test-id",
    "TENCENTCLOUD_SECRETKEY": "test-key",
    "TENCENTCLOUD_SESSIONTOKEN": "test-session",
    "TENCENTCLOUD_REGION": "ap-shanghai",
    "TCB_ENV": "local",
    "WX_API_TOKEN": "test-api-token",
}
OTHERS = ("TCB_CONTEXT_CNFG", "TCB_SOURCE", "TCB_SEQID", "TCB_SESSIONTOKEN", "TCB_TRACELOG")
OTHERS += ("TRIGGER_SRC", "WX_TRIGGER_API_TOKEN_V0", "WX_CLOUDBASE_ACCESSTOKEN", "SCF_NAMESPACE")
OTHERS += ("WX_CONTEXT_KEYS", "CBR_ENV_ID", "SUMERU_ENV", "TCB_ROUTE_KEY")


@pytest.fixture
def platform(monkeypatch):
    """Set the variables that a function has on CloudBase, and no others of the kind."""
    for name in OTHERS:
        monkeypatch.delenv(name, raising=False)
    for name, value in PLATFORM.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def gateway(platform, httpserver):
    """Return a facade whose gateway is the test's server."""
    platform.setenv("TCB_CONTEXT_CNFG", json.dumps({"URL": httpserver.url_for("/admin")}))
    facade = Cloud()
    facade.init()
    return facade


def answers(httpserver, body, content_type="application/octet-stream", status=200):
    reply = Response(body, status)
    reply.headers["Content-Type"] = content_type
    httpserver.expect_request("/admin").respond_with_response(reply)


def message(body, content_type=JSON):
    return messages.write_answer(body, content_type)


def sent(httpserver):
    request = httpserver.log[-1][0]
    headers = {name.lower(): value for name, value in request.headers.items()}
    return request, headers, parts(headers, request.get_data())


# ---- what is sent --------------------------------------------------------------------------


def test_a_call_has_the_fields_of_the_sdk_in_its_order(gateway, httpserver):
    answers(httpserver, message(b"{}"))
    gateway.openapi.analysis.getDailyRetain(DAY)
    request, headers, fields = sent(httpserver)
    theirs = captured("wx-server-sdk-4.0.2.openApi.http")
    expected = parts(theirs.headers, theirs.body)
    assert fields == expected
    assert list(fields) == list(expected)
    pattern = re.escape(theirs.headers["content-type"])[:-24] + "[0-9a-f]{24}"
    assert re.fullmatch(pattern, headers["content-type"])
    assert headers.keys() >= theirs.headers.keys() - {"transfer-encoding", "connection"}
    assert re.fullmatch(r"env=local&seqId=[0-9a-f]+_1", request.query_string.decode())


def test_a_call_is_signed_as_the_sdk_signs(gateway, httpserver):
    answers(httpserver, message(b"{}"))
    begun = time.time()
    gateway.openapi.analysis.getDailyRetain(DAY)
    request, headers, _ = sent(httpserver)
    theirs = captured("wx-server-sdk-4.0.2.openApi.http").headers["authorization"]
    assert signature_is_good(headers, request.full_path, request.get_data(), "test-key")
    assert not signature_is_good(headers, request.full_path, request.get_data(), "another")
    for part in ("SignedParams", "SignedHeaders"):
        pattern = f"{part}=([^,]*)"
        assert re.search(pattern, headers["authorization"])[1] == re.search(pattern, theirs)[1]
    # As the SDK does it, a second back; the clock may be a tick of the kernel late.
    assert int(begun - 0.02) - 1 <= int(headers["x-timestamp"]) <= time.time()
    assert headers["x-signature-expires"] == "600"


def test_a_file_text_and_nesting_are_packed_as_the_sdk_packs_them(gateway, httpserver):
    answers(httpserver, message(b"{}"))
    params = {
        "beginDate": "20170313",
        "note": "零零零 ñ " + "长" * 3500,
        "deep": {"aB": [{"cD": 1.5}, None, True, "é"]},
        "img": {"contentType": "image/jpeg", "value": bytes([0, 255, 216, 13, 10, 45, 45, 128, 1])},
    }
    gateway.openapi.analysis.getDailyRetain(params)
    theirs = captured("wx-server-sdk-4.0.2.openApi-media.http")
    expected = messages.read_request(parts(theirs.headers, theirs.body)["requestData"])
    assert messages.read_request(sent(httpserver)[2]["requestData"]).pairs == expected.pairs


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        ("half \ud800", Pair("k", '"half \ufffd"'.encode())),
        (
            [1e-7, 2.0, -0.0, 1e16, 1e21, "1e-07"],
            Pair("k", b'[1e-7,2,0,10000000000000000,1e+21,"1e-07"]'),
        ),
        ("\x7f\u2028\ufeff", Pair("k", b'"\\u007f\\u2028\\ufeff"')),
        (12345678901234567890, Pair("k", b"12345678901234567890")),
        ({"content_type": "no/such", "value": b"x"}, Pair("k", b"x", "k.png")),
        ({"contentType": "image/png", "value": b"x", "fileName": "n.x"}, Pair("k", b"x", "n.x")),
        ({"contentType": "a/b", "value": "x"}, Pair("k", b'{"contentType":"a/b","value":"x"}')),
    ],
    ids=str,
)
def test_a_value_is_packed(gateway, httpserver, value, pair):
    answers(httpserver, message(b"{}"))
    gateway.openapi(convertCase=False).analysis.getDailyRetain({"k": value})
    assert messages.read_request(sent(httpserver)[2]["requestData"]).pairs == (pair,)


@pytest.mark.parametrize("value", [b"bytes", float("nan"), {1, 2}], ids=str)
def test_a_value_that_is_no_json_is_a_type_error(gateway, value):
    with pytest.raises(TypeError, match="getDailyRetain: the parameters cannot be written as JSON"):
        gateway.openapi.analysis.getDailyRetain({"k": value})
    with pytest.raises(TypeError, match="callFunction: the parameters cannot be written as JSON"):
        gateway.callFunction(name="hello", data={"k": value})


@pytest.mark.parametrize(
    ("variables", "token", "more"),
    [
        ({}, b"test-api-token", {}),
        ({"WX_TRIGGER_API_TOKEN_V0": "v0"}, b"test-api-token", {}),
        ({"WX_TRIGGER_API_TOKEN_V0": "v0", "TRIGGER_SRC": "timer"}, b"v0", {}),
        ({"TRIGGER_SRC": "timer"}, b"test-api-token", {}),
        ({"WX_API_TOKEN": ""}, b"", {"wxCloudbaseAccesstoken": b""}),
        (
            {"WX_API_TOKEN": "", "WX_CLOUDBASE_ACCESSTOKEN": "c"},
            b"",
            {"wxCloudbaseAccesstoken": b"c"},
        ),
    ],
    ids=str,
)
def test_the_tokens_are_those_of_the_moment_of_the_call(  # noqa: PLR0913 - fixtures and a table
    gateway, httpserver, platform, variables, token, more
):
    answers(httpserver, message(b"{}"))
    for name, value in variables.items():
        platform.setenv(name, value)
    gateway.openapi.analysis.getDailyRetain(DAY)
    fields = sent(httpserver)[2]
    assert fields["wxCloudApiToken"] == token
    assert {k: v for k, v in fields.items() if k == "wxCloudbaseAccesstoken"} == more


@pytest.mark.parametrize(
    ("env", "variables", "expected"),
    [
        (None, {}, b"local"),
        (Cloud.DYNAMIC_CURRENT_ENV, {}, b"local"),
        (Cloud.DYNAMIC_CURRENT_ENV, {"TCB_ENV": "", "SCF_NAMESPACE": "ns"}, b"ns"),
        (Cloud.DYNAMIC_CURRENT_ENV, {"TENCENTCLOUD_RUNENV": "WX_LOCAL_SCF"}, b""),
        ("mine", {}, b"mine"),
    ],
    ids=str,
)
def test_the_environment_is_that_of_init_or_of_the_function(  # noqa: PLR0913 - as above
    gateway, httpserver, platform, env, variables, expected
):
    answers(httpserver, message(b"{}"))
    for name, value in variables.items():
        platform.setenv(name, value)
    gateway.init(env=env)
    gateway.openapi.analysis.getDailyRetain(DAY)
    request, _, fields = sent(httpserver)
    assert fields["envName"] == expected
    assert request.args["env"] == expected.decode()


# ---- the address ---------------------------------------------------------------------------


class Recorder:
    """Keeps where a request would have gone."""

    def __init__(self):
        self.urls = []

    def open(self, base):
        self.base = base
        return self

    def send(self, method, target, body=None, headers=None):
        self.urls.append((self.base + target.partition("?")[0], headers["host"]))
        raise ConnectionError


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://local.internal.ap-shanghai.tcb-api.tencentcloudapi.com"),
        ({"TENCENTCLOUD_REGION": ""}, "http://local.internal.tcb-api.tencentcloudapi.com"),
        ({"TCB_ENV": "No!"}, "http://internal.ap-shanghai.tcb-api.tencentcloudapi.com"),
        ({"TENCENTCLOUD_RUNENV": ""}, "https://local.ap-shanghai.tcb-api.tencentcloudapi.com"),
        ({"TCB_CONTEXT_CNFG": "{}"}, "http://local.internal.ap-shanghai.tcb-api.tencentcloudapi.com"),
        ({"TCB_CONTEXT_CNFG": '{"URL": "http://gate:8080/admin?"}'}, "http://gate:8080"),
    ],
    ids=str,
)  # fmt: skip
def test_without_an_address_the_gateway_is_where_the_sdk_looks(platform, variables, url):
    for name, value in variables.items():
        platform.setenv(name, value)
    recorder = Recorder()
    facade = Cloud()
    facade.init(transport=GatewayTransport(recorder.open))
    with pytest.raises(ConnectionError):
        facade.openapi.analysis.getDailyRetain(DAY)
    assert recorder.urls == [(f"{url}/admin", url.partition("//")[2])]


@pytest.mark.parametrize("text", ["http://x/admin", "[]", '{"URL": "x"}', '{"URL": 1}'])
def test_an_address_that_is_none_is_not_replaced_by_the_real_one(platform, text):
    platform.setenv("TCB_CONTEXT_CNFG", text)
    facade = Cloud()
    facade.init()
    with pytest.raises(ConfigError, match="TCB_CONTEXT_CNFG must be JSON such as"):
        facade.openapi.analysis.getDailyRetain(DAY)
    with pytest.raises(ConfigError, match="TCB_CONTEXT_CNFG must be JSON such as"):
        facade.callFunction(name="hello")


def test_what_the_variables_say_holds_for_one_invocation(gateway, httpserver, platform):
    answers(httpserver, message(b'{"a":1}'))

    def call():
        gateway.openapi.analysis.getDailyRetain(DAY)
        _, headers, fields = sent(httpserver)
        return fields["wxCloudApiToken"], headers["x-tcb-source"], "test-id-2" in str(headers)

    platform.setenv("TCB_SOURCE", "wx_client")
    assert call() == (b"test-api-token", "wx_client,scf", False)
    # Each invocation has a token of its own, and the id of a request may be left of the last one.
    platform.setenv("WX_API_TOKEN", "another-token")
    platform.setenv("TENCENTCLOUD_SECRETID", "test-id-2")
    assert call() == (b"another-token", "wx_client,scf", True)
    platform.setenv("TRIGGER_SRC", "timer")
    platform.setenv("TCB_SOURCE", "wx_trigger")
    for token in "first", "second":
        platform.setenv("WX_TRIGGER_API_TOKEN_V0", token)
        assert call() == (token.encode(), "wx_trigger,scf", True)
    # Without a token, the end of an invocation is unknown.
    platform.setenv("WX_TRIGGER_API_TOKEN_V0", "")
    platform.setenv("WX_API_TOKEN", "")
    for source in "one", "two":
        platform.setenv("TCB_SOURCE", source)
        assert call() == (b"", f"{source},scf", True)


# ---- what comes of the answers: each row was seen with wx-server-sdk 4.0.2 -------------------

INVALID = "wechat server internal error, response body is invalid json: "
ERRORS = [
    (messages.write_error(-604101), "x", -604101, "system error: error code: -604101"),
    (messages.write_error(7), "x", 7, "system error: error code: 7"),
    (message(b'{"errcode":40001,"errmsg":"m"}'), "x", 40001, f"{A}:fail m"),
    (message(b'{"errcode":"0","errmsg":"m"}'), "x", "0", f"{A}:fail m"),
    (message(b"{x"), "x", -601001, f"{A}:fail {INVALID}{{x"),
    (message(b""), "x", -601001, f"{A}:fail {INVALID}"),
    (
        b'{"code":"INVALID_PARAM","message":"bad param"}',
        GATEWAY_JSON,
        -501007,
        f"{A}:fail -501007 invalid parameters. bad param",
    ),
    (
        b'{"code":"WHAT","message":"m"}',
        GATEWAY_JSON,
        -501001,
        f"{A}:fail -501001 resource system error. m",
    ),
    (b"{}", GATEWAY_JSON, -501001, f"{a}:fail unknown response [object Object]"),
    (
        b'{"errcode":40003,"errmsg":"invalid openid"}',
        GATEWAY_JSON,
        40003,
        f"{a}:fail invalid openid",
    ),
    (
        b'{"code":"INVALID_PARAM","message":"bad param"}',
        "application/json",
        -501007,
        f"{a}:fail bad param",
    ),
    (
        b'{"code":"INVALID_PARAM","x":1}',
        "application/json",
        -501001,
        f'{a}:fail {{"code":"INVALID_PARAM","x":1}}',
    ),
    (
        b"<html><body>hello</body></html>",
        "text/html",
        -601001,
        f"{a}:fail unknown wx response received: Error: invalid wire type 4 at offset 1",
    ),
]


@pytest.mark.parametrize(("reply", "code", "text"), [(e[:2], *e[2:]) for e in ERRORS])
def test_an_error_is_the_sdks_to_the_letter(gateway, httpserver, reply, code, text):
    answers(httpserver, *reply)
    with pytest.raises(CloudSDKError) as caught:
        gateway.openapi.analysis.getDailyRetain(DAY)
    assert caught.value.to_dict() == {"errCode": code, "errMsg": text}


RESULTS = [
    (message(b'{"ref_date":"1"}'), {"refDate": "1"}),
    (message(b'{"errcode":0,"errmsg":"ok","a_b":1}', "text/plain"), {"aB": 1}),
    (message(b"hello", "text/plain"), {"result": "hello"}),
    (message(b"\xff\xd8", " image/jpeg "), {"contentType": "image/jpeg", "buffer": b"\xff\xd8"}),
    (message(b'[{"a":1}]'), {"0": {"a": 1}}),
    (b"", {"contentType": "", "buffer": b""}),
    (bytes.fromhex("0a027b7d12") + b"\x10application/json\x20\xf4\x03", {}),  # httpCode 500
]


@pytest.mark.parametrize(("body", "result"), RESULTS, ids=[str(r[1]) for r in RESULTS])
def test_a_success_is_the_sdks(gateway, httpserver, body, result):
    answers(httpserver, body)
    found = gateway.openapi.analysis.getDailyRetain(DAY)
    assert found == {**result, "errMsg": f"{A}:ok"}


@pytest.mark.parametrize(("status", "phrase"), [(404, "Not Found"), (500, "Internal Server Error")])
def test_a_status_other_than_200_is_the_sdks_error_with_the_url(
    gateway, httpserver, status, phrase
):
    answers(httpserver, b"", status=status)
    with pytest.raises(CloudSDKError) as caught:
        gateway.openapi.analysis.getDailyRetain(DAY)
    url = re.escape(httpserver.url_for("/admin"))
    text = rf"{A}:fail -501001 resource system error\. {status} {phrase} \| "
    assert re.fullmatch(rf"{text}\[{url}\?env=local&seqId=\w+\]", caught.value.errMsg)
    assert caught.value.errCode == -501001


def test_no_connection_and_no_answer_in_time_are_the_sdks_errors(platform, httpserver):
    def failure(url, **settings):
        platform.setenv("TCB_CONTEXT_CNFG", json.dumps({"URL": url}))
        facade = Cloud()
        facade.init(**settings)
        with pytest.raises(CloudSDKError) as caught:
            facade.openapi.analysis.getDailyRetain(DAY)
        return caught.value.to_dict()

    text = f"{A}:fail -501001 resource system error. "
    assert failure("http://127.0.0.1:1/admin") == {
        "errCode": -501001,
        "errMsg": f"{text}connect ECONNREFUSED 127.0.0.1:1",
    }
    over = threading.Event()
    httpserver.expect_request("/admin").respond_with_handler(lambda _: over.wait(WAIT) and "late")
    try:
        assert failure(httpserver.url_for("/admin"), timeout=0.05) == {
            "errCode": -501001,
            "errMsg": f"{text}request timeout",
        }
    finally:
        over.set()


def test_without_credentials_a_call_says_so(platform):
    platform.setenv("TCB_CONTEXT_CNFG", '{"URL": "http://127.0.0.1:1/admin"}')
    platform.delenv("TENCENTCLOUD_SECRETKEY")
    facade = Cloud()
    facade.init()
    with pytest.raises(CloudSDKError, match="missing secretId or secretKey") as caught:
        facade.openapi.analysis.getDailyRetain(DAY)
    assert caught.value.errCode == -501007
    with pytest.raises(CloudSDKError, match="callFunction:fail missing secretId or secretKey"):
        facade.callFunction(name="hello")


def test_no_token_and_no_secret_reaches_a_log_or_an_error(gateway, httpserver, caplog):
    caplog.set_level(logging.DEBUG)
    answers(httpserver, b"test-api-token", status=500)
    with pytest.raises(CloudSDKError) as caught:
        gateway.openapi.analysis.getDailyRetain(DAY)
    everything = f"{caught.value} {caught.value!r} {gateway!r} {caplog.text}"
    for secret in ("test-key", "test-api-token", "test-session"):
        assert secret not in everything


# ---- which way a facade calls --------------------------------------------------------------


def chosen(**settings):
    facade = Cloud()
    facade.init(**settings)
    return type(facade._transport).__name__


def test_a_function_of_cloudbase_calls_by_the_gateway_and_others_by_https(platform, monkeypatch):
    assert chosen() == "GatewayTransport"
    explicit = {"appid": "wx1", "secret": "s"}
    assert chosen(**explicit) == "HTTPSTransport"
    assert chosen(base_url="http://127.0.0.1:1") == "HTTPSTransport"
    assert chosen(**explicit, transport="gateway") == "GatewayTransport"
    monkeypatch.setenv("CLOUD_OPENAPI_TRANSPORT", "cloudrun")
    assert chosen() == "CloudRunTransport"
    monkeypatch.setenv("CLOUD_OPENAPI_TRANSPORT", "gateway")
    assert chosen() == "GatewayTransport"
    monkeypatch.delenv("CLOUD_OPENAPI_TRANSPORT")
    monkeypatch.delenv("TENCENTCLOUD_SECRETID")
    assert chosen() == "_NoTransport"
    monkeypatch.setenv("TCB_CONTEXT_CNFG", '{"URL": "http://127.0.0.1:1/admin"}')
    assert chosen() == "GatewayTransport"


def test_an_unknown_way_is_refused():
    with pytest.raises(ConfigError, match="https, gateway or cloudrun, not"):
        chosen(transport="pigeon")


def test_only_the_gateway_loads_protobuf(platform):
    code = (
        "import sys, cloud_openapi as c\n"
        "c.cloud.init(base_url='http://127.0.0.1:1'); print('google.protobuf' in sys.modules)\n"
        "c.cloud.init(); print('google.protobuf' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert result.stdout.split() == ["False", "True"]


def test_without_protobuf_the_error_says_what_to_install(platform):
    code = "import sys; sys.modules['google'] = None\nimport cloud_openapi as c\nc.cloud.init()"
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert "ConfigError: The CloudBase gateway needs the package google" in result.stderr
    assert "pip install 'protobuf>=4.25'" in result.stderr


# ---- secrets and limits ----------------------------------------------------------------------


def repeated(request):
    """Return the secrets of a request: tokens, key and signature."""
    signature = request.headers["Authorization"].rpartition("=")[2]
    return ["test-api-token", "test-session", "test-key", signature]


TEXTS = {
    "an error of the gateway": lambda text: ({"code": "SYS_ERR", "message": text}, GATEWAY_JSON),
    "an error of another type": lambda text: ({"code": "SYS_ERR", "message": text}, "text/html"),
    "an error with a code of WeChat's": lambda text: ({"errcode": 5, "errmsg": text}, GATEWAY_JSON),
    "an unknown error": lambda text: ({"x": text}, "text/html"),
    "a function's error": lambda text: (
        {"code": "FUNCTIONS_EXECUTE_FAIL", "message": text, "requestId": text},
        GATEWAY_JSON,
    ),
    "a code": lambda text: ({"code": text, "message": "x"}, GATEWAY_JSON),
}
BODIES = {
    "an error of WeChat's": lambda text: json.dumps({"errcode": 40001, "errmsg": text}).encode(),
    "a page": lambda text: f"<html>{text}</html>".encode(),
}


@pytest.mark.parametrize("kind", [*TEXTS, *BODIES])
def test_a_secret_that_the_gateway_repeats_is_masked(gateway, httpserver, kind):
    seen = []

    def answer(request):
        seen[:] = repeated(request)
        text = " ".join(seen)
        if kind in BODIES:
            return Response(message(BODIES[kind](text)), content_type="application/octet-stream")
        body, content_type = TEXTS[kind](text)
        reply = Response(json.dumps(body))
        reply.headers["Content-Type"] = content_type
        return reply

    httpserver.expect_request("/admin").respond_with_handler(answer)
    for call in (
        lambda: gateway.openapi.analysis.getDailyRetain(DAY),
        lambda: gateway.callFunction(name="f"),
    ):
        with pytest.raises(CloudSDKError) as caught:
            call()
        shown = f"{caught.value}{caught.value.hint}{caught.value.to_dict()}"
        assert [secret for secret in seen if secret in shown] == []
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "body",
    [
        b"\xff" * 300_000,
        b"\x2a\x00" * 300_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"9" * 100_000,
    ],
    ids=lambda body: repr(body[:6]),
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_hostile_answer_is_an_error_of_the_sdks(gateway, httpserver, body, wrapped):
    answers(httpserver, message(body) if wrapped else body, JSON if wrapped else GATEWAY_JSON)
    for call in (
        lambda: gateway.openapi.analysis.getDailyRetain(DAY),
        lambda: gateway.callFunction(name="f"),
    ):
        with pytest.raises(CloudSDKError) as caught:
            call()
        assert len(str(caught.value)) < 2500


def test_a_response_over_32_mib_is_minus_501001(gateway, httpserver):
    answers(httpserver, bytes(33 * 1024 * 1024))
    for call in (
        lambda: gateway.openapi.analysis.getDailyRetain(DAY),
        lambda: gateway.callFunction(name="f"),
    ):
        with pytest.raises(CloudSDKError, match="response larger than 32 MiB"):
            call()


# ---- against the emulator ------------------------------------------------------------------


def test_by_the_gateway_the_service_decides_and_not_the_local_config_json(
    platform, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)  # without any config.json
    emulator = Emulator()
    facade = Cloud()
    exchange = WSGIExchange(create_app(emulator))
    facade.init(transport=GatewayTransport(lambda _base: exchange))
    with pytest.raises(CloudSDKError) as caught:
        facade.openapi.analysis.getDailyRetain(DAY)
    assert caught.value.errCode == -604104
    platform.delenv("WX_API_TOKEN")
    assert facade.openapi.analysis.getDailyRetain(DAY)["refDate"] == "20170313"
    assert [entry.appid for entry in emulator.journal] == [DEMO_APPID] * 2


def test_a_documented_call_that_the_catalogue_lacks_is_sent_by_its_name(platform):
    platform.delenv("WX_API_TOKEN")
    emulator, facade = Emulator(), Cloud()
    exchange = WSGIExchange(create_app(emulator))
    facade.init(transport=GatewayTransport(lambda _base: exchange))
    api = "officialAccount.semantic.search"
    response = {"errcode": 0, "search_id": "b"}
    for name in ("city_name", "cityName"):
        emulator.pins.add({"api": api, "request": {name: "a"}, "response": response})
    answer = facade.openapi.officialAccount.semantic.search(cityName="a")
    assert answer == {"searchId": "b", "errMsg": f"openapi.{api}:ok"}
    answer = facade.openapi(convertCase=False)[api](cityName="a")
    assert answer == {"search_id": "b", "errMsg": f"openapi.{api}:ok"}
    with pytest.raises(CloudSDKError) as caught:
        facade.openapi[api](cityName="b")
    assert (type(caught.value), caught.value.errCode) == (CloudSDKError, -604100)
    assert [entry.api for entry in emulator.journal] == [api] * 3
    with pytest.raises(UnknownAPIError, match=r'Did you mean "analysis.getDailyRetain"'):
        facade.openapi.analysis.getDailyRetian(DAY)
    assert len(emulator.journal) == 3


def test_the_permission_of_the_gateway_comes_as_the_sdk_tells_it(gateway, httpserver):
    answers(httpserver, messages.write_error(-604101))
    with pytest.raises(CloudSDKError) as caught:
        gateway.openapi.analysis.getDailyRetain(DAY)
    assert caught.value.message == (
        "errCode: -604101 function has no permission to call this API | "
        "errMsg: system error: error code: -604101"
    )
    assert "config.json" in caught.value.hint


# ---- callFunction and getWXContext ---------------------------------------------------------


def called(httpserver, data):
    httpserver.expect_request("/admin").respond_with_json(
        {"requestId": "r1", "data": {"response_data": data}}
    )


def test_a_function_is_called_as_the_sdk_calls_it(gateway, httpserver):
    called(httpserver, '{"a":1}')
    result = gateway.callFunction({"name": "hello", "data": {"a": "é", "n": 1}})
    assert result == {"result": {"a": 1}, "errMsg": "callFunction:ok", "requestID": "r1"}
    request, headers, _ = sent(httpserver)
    theirs = captured("wx-server-sdk-4.0.2.callFunction.http")
    assert request.get_data() == theirs.body
    assert headers["content-type"] == theirs.headers["content-type"]
    assert signature_is_good(headers, request.full_path, request.get_data(), "test-key")
    gateway.callFunction(name="hello")
    assert sent(httpserver)[2]["request_data"] == b"{}"


@pytest.mark.parametrize(
    ("data", "result"),
    [('"{\\"a\\":1}"', {"a": 1}), ('"text"', "text"), ("", ""), ("null", None), ("[1]", [1])],
)
def test_a_result_is_parsed_twice_if_it_is_text(gateway, httpserver, data, result):
    called(httpserver, data)
    assert gateway.callFunction(name="hello")["result"] == result


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("x", "parameter should be object instead of string; "),
        ({}, "parameter.name should be string instead of undefined;"),
        ({"name": 5}, "parameter.name should be string instead of number;"),
        ({"name": "a", "data": "s"}, "parameter.data should be object instead of string;"),
        ({"name": "a", "data": [1]}, "parameter.data should be object instead of array;"),
        ({"name": "a", "data": None}, "parameter.data should be object instead of null;"),
        ({"name": ""}, "callFunction:fail 函数名不能为空"),
    ],
    ids=str,
)
def test_wrong_options_are_refused_in_the_words_of_the_sdk(gateway, options, text):
    with pytest.raises(CloudSDKError) as caught:
        gateway.callFunction(options)
    assert caught.value.to_dict() == {"errCode": -1, "errMsg": text}


def test_a_function_that_fails_is_the_error_of_the_sdk(gateway, httpserver):
    failure = {"code": "FUNCTIONS_EXECUTE_FAIL", "message": "Error: boom", "requestId": "r2"}
    httpserver.expect_request("/admin").respond_with_json(failure)
    with pytest.raises(CloudSDKError) as caught:
        gateway.callFunction(name="hello")
    assert caught.value.to_dict() == {"errCode": -1, "errMsg": "callFunction:fail Error: boom"}
    assert caught.value.hint == "The gateway says FUNCTIONS_EXECUTE_FAIL, request r2."


def test_call_function_without_an_answer_is_an_error(gateway, platform):
    platform.setenv("TCB_CONTEXT_CNFG", '{"URL": "http://127.0.0.1:1/admin"}')
    with pytest.raises(CloudSDKError) as caught:
        gateway.callFunction(name="hello")
    text = "callFunction:fail connect ECONNREFUSED 127.0.0.1:1"
    assert caught.value.to_dict() == {"errCode": -1, "errMsg": text}


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"data": 1}'])
def test_an_answer_that_is_not_the_gateways_is_an_error(gateway, httpserver, body):
    httpserver.expect_request("/admin").respond_with_data(body)
    with pytest.raises(CloudSDKError, match="callFunction:fail unknown response"):
        gateway.callFunction(name="hello")


def test_without_a_gateway_or_init_a_function_cannot_be_called(cloud):
    assert isinstance(cloud._transport, HTTPSTransport)
    with pytest.raises(CloudSDKError, match="CLOUD_OPENAPI_TRANSPORT=gateway"):
        cloud.callFunction(name="hello")
    with pytest.raises(CloudSDKError, match="please call init first"):
        Cloud().callFunction(name="hello")
    with pytest.raises(TypeError, match="callFunction has no option timeout"):
        cloud.callFunction(name="hello", timeout=3)


def test_the_context_is_what_the_variables_say_without_tokens(platform):
    assert Cloud().getWXContext() == {}
    context = {
        "WX_CONTEXT_KEYS": "WX_CLIENTIP,WX_APPID,WX_OPENID,WX_API_TOKEN,WX_TRIGGER_API_TOKEN_V0,"
        "WX_MISSING,,WX_NUMBER,OTHER,WX_",
        "WX_CLIENTIP": "1.2.3.4",
        "WX_APPID": "wx1",
        "WX_OPENID": "o1",
        "WX_NUMBER": "-12",
        "OTHER": "007",
        "WX_": "x",
        "WX_TRIGGER_API_TOKEN_V0": "secret",
        "TCB_SOURCE": "wx_client,scf",
    }
    for name, value in context.items():
        platform.setenv(name, value)
    assert Cloud().getWXContext() == {
        "CLIENTIP": "1.2.3.4",
        "APPID": "wx1",
        "OPENID": "o1",
        "NUMBER": -12,
        "OTHER": 7,
        "WX_": "x",
        "ENV": "local",
        "SOURCE": "wx_client,scf",
    }
