"""The HTTPS transport against servers that misbehave, and what it never lets out."""

import gzip
import io
import json
import logging
import socket
import ssl
import threading
import traceback
import warnings
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_httpserver import HTTPServer
from support.paths import ROOT
from support.processes import WAIT, until
from support.threads import waiting_for
from support.values import CLOUD_DAY as DAY
from werkzeug import Response

from cloud_openapi import Cloud, CloudSDKError

PATH = "/datacube/getweanalysisappiddailyretaininfo"
SECRET = "5ecre7-5ecre7-5ecre7"
TOKEN = "94_70ken-70ken-70ken"
FAIL = "openapi.analysis.getDailyRetain:fail "
INVALID = "wechat server internal error, response body is invalid json: "


class Service:
    """A service that grants numbered tokens and answers calls as `answer` says."""

    def __init__(self, httpserver, answer):
        self.answer = answer
        self.asked = Counter()
        self.tokens = []
        self.base_url = httpserver.url_for("").rstrip("/")
        self.bodies = []
        # The access token of the facade, and how many threads a grant waits for.
        self.token = None
        self.followers = 0
        for path in ("/cgi-bin/stable_token", "/cgi-bin/token"):
            httpserver.expect_request(path).respond_with_handler(self.grant)
        httpserver.expect_request(PATH).respond_with_handler(self.call)

    def grant(self, request):
        self.asked[request.path] += 1
        self.bodies.append((request.method, dict(request.args), request.get_json(silent=True)))
        assert until(lambda: waiting_for(self.token._running.done) >= self.followers)
        return json_response(
            {"access_token": f"{TOKEN}{self.asked[request.path]}", "expires_in": 7200}
        )

    def call(self, request):
        self.asked["call"] += 1
        self.tokens.append(request.args["access_token"])
        return self.answer(request)

    def facade(self, **settings):
        facade = Cloud()
        facade.init(
            appid="wx0123456789abcdef",
            secret=SECRET,
            base_url=self.base_url,
            config=ROOT / "config.json",
            **settings,
        )
        self.token = facade._transport._token
        return facade


def json_response(value, status=200):
    return Response(json.dumps(value), status, content_type="application/json; encoding=utf-8")


def fine(_request):
    return json_response({"ref_date": "20170313", "visit_uv_new": [], "visit_uv": []})


def failing(facade):
    with pytest.raises(CloudSDKError) as caught:
        facade.openapi.analysis.getDailyRetain(DAY)
    return caught.value


def test_stable_token_is_asked_for_once_and_kept(httpserver):
    service = Service(httpserver, fine)
    facade = service.facade()
    for _ in range(3):
        facade.openapi.analysis.getDailyRetain(DAY)
    assert service.asked == {"/cgi-bin/stable_token": 1, "call": 3}
    assert service.tokens == [f"{TOKEN}1"] * 3
    fields = {"grant_type": "client_credential", "appid": "wx0123456789abcdef", "secret": SECRET}
    assert service.bodies == [("POST", {}, fields)]


def test_token_is_asked_for_on_request(httpserver):
    service = Service(httpserver, fine)
    service.facade(token_api="token").openapi.analysis.getDailyRetain(DAY)
    fields = {"grant_type": "client_credential", "appid": "wx0123456789abcdef", "secret": SECRET}
    assert service.bodies == [("GET", fields, None)]


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_server_that_keeps_refusing_the_token_costs_two_calls_and_then_raises(httpserver, code):
    service = Service(
        httpserver, lambda _: json_response({"errcode": code, "errmsg": "no rid: 1-2-3"})
    )
    error = failing(service.facade())
    assert error.to_dict() == {"errCode": code, "errMsg": f"{FAIL}no rid: 1-2-3"}
    assert service.asked == {"/cgi-bin/stable_token": 2, "call": 2}


def test_a_token_that_was_replaced_is_renewed_and_the_call_repeated(httpserver):
    def answer(request):
        if request.args["access_token"].endswith("1"):
            return json_response({"errcode": 40001, "errmsg": "invalid credential"})
        return fine(request)

    service = Service(httpserver, answer)
    assert service.facade().openapi.analysis.getDailyRetain(DAY)["refDate"] == "20170313"
    assert service.tokens == [f"{TOKEN}1", f"{TOKEN}2"]


def test_an_error_that_is_not_the_tokens_is_not_repeated(httpserver):
    service = Service(
        httpserver, lambda _: json_response({"errcode": -1, "errmsg": "system error"})
    )
    assert failing(service.facade()).errCode == -1
    assert service.asked["call"] == 1


def test_eight_threads_share_one_token_fetch(httpserver):
    service = Service(httpserver, fine)
    service.followers = 7
    facade = service.facade()
    barrier = threading.Barrier(8)
    results = []

    def call():
        barrier.wait()
        results.append(facade.openapi.analysis.getDailyRetain(DAY))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert service.asked == {"/cgi-bin/stable_token": 1, "call": 8}


def test_a_failed_token_request_raises_weixins_own_code(httpserver):
    refusal = {"errcode": 40125, "errmsg": "invalid appsecret rid: 63cf14c3-1af7da21-37efbc86"}
    service = Service(httpserver, fine)
    httpserver.clear()
    httpserver.expect_request("/cgi-bin/stable_token").respond_with_json(refusal)
    error = failing(service.facade())
    assert error.to_dict() == {"errCode": 40125, "errMsg": FAIL + refusal["errmsg"]}
    assert "CLOUD_OPENAPI_SECRET" in error.hint


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<html>Bad Gateway</html>", "<html>Bad Gateway</html>"),
        (b"", ""),
        (b'{"ref_date": "2017', '{"ref_date": "2017'),
        (b'[{"ref_date": "20170313"}]', '[{"ref_date": "20170313"}]'),
        (b'"text"', '"text"'),
        (b"null", "null"),
        (b"\xff\xfe\x00", "\ufffd\ufffd\x00"),
        (b"\xef\xbb\xbf{}", "\ufeff{}"),
        ("{}".encode("utf-16-le"), "{\0}\0"),
        (b'{"a": NaN}', '{"a": NaN}'),
        (b'{"a": 1e999}', '{"a": 1e999}'),
        (b'{"a":' * 200 + b"1" + b"}" * 200, '{"a":' * 200 + "1" + "}" * 200),
    ],
    ids=lambda value: repr(value[:9]),
)
def test_a_body_that_is_no_json_object_is_minus_601001(httpserver, body, shown):
    service = Service(httpserver, lambda _: Response(body))
    assert failing(service.facade()).to_dict() == {
        "errCode": -601001,
        "errMsg": FAIL + INVALID + shown,
    }
    assert service.asked["call"] == 1


@pytest.mark.parametrize(("status", "text"), [(500, "INTERNAL SERVER ERROR"), (404, "NOT FOUND")])
def test_a_status_that_is_not_200_is_minus_501001(httpserver, status, text):
    service = Service(httpserver, lambda _: Response("oops", status))
    assert failing(service.facade()).to_dict() == {
        "errCode": -501001,
        "errMsg": f"{FAIL}-501001 resource system error. {status} {text} "
        f"| [{service.base_url}{PATH}]",
    }


@pytest.mark.parametrize("status", [500, 302, 201])
def test_secrets_in_a_reason_phrase_are_not_shown(httpserver, status):
    def repeating(request):
        return Response("oops", f"{status} no {request.args['access_token']} {SECRET}")

    failure = failing(Service(httpserver, repeating).facade())
    assert " no *** ***" in failure.errMsg
    shown = f"{failure.to_dict()} {failure!r} {''.join(traceback.format_exception(failure))}"
    assert TOKEN not in shown
    assert SECRET not in shown


def test_a_redirect_is_not_followed(httpserver):
    service = Service(httpserver, lambda _: Response("", 302, {"Location": "/elsewhere"}))
    assert "302 FOUND" in failing(service.facade()).errMsg
    assert service.asked["call"] == 1


def test_an_answer_that_does_not_come_in_time_is_minus_604102(httpserver):
    over = threading.Event()

    def slow(request):
        over.wait(WAIT)
        return fine(request)

    service = Service(httpserver, slow)
    try:
        assert failing(service.facade(timeout=1)).to_dict() == {
            "errCode": -604102,
            "errMsg": "system error: error code: -604102",
        }
    finally:
        over.set()
    assert service.asked["call"] == 1


class Raw:
    """A server of a few bytes: it answers each connection's first request and closes it."""

    def __init__(self, *answers):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.connections = 0
        self.answers = answers
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for answer in self.answers:
            connection, _ = self.listening.accept()
            self.connections += 1
            connection.recv(65536)
            connection.sendall(answer)
            connection.close()
        self.listening.close()


def http(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
        len(body),
        body,
    )


GRANTED = http(b'{"access_token": "%s", "expires_in": 7200}' % TOKEN.encode())


def raw_facade(server, base_url=None):
    facade = Cloud()
    facade.init(
        appid="wx0123456789abcdef",
        secret=SECRET,
        base_url=base_url or server.base_url,
        config=ROOT / "config.json",
    )
    return facade


@pytest.mark.parametrize(
    ("answer", "what"),
    [(b"", "socket hang up"), (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "aborted")],
    ids=["before the answer", "in the middle of the body"],
)
def test_a_dropped_connection_is_minus_501001_and_the_call_is_not_repeated(answer, what):
    server = Raw(GRANTED, answer)
    assert failing(raw_facade(server)).to_dict() == {
        "errCode": -501001,
        "errMsg": f"{FAIL}-501001 resource system error. {what}",
    }
    server.thread.join(WAIT)
    assert server.connections == 2


def test_refused_connection_is_minus_501001():
    server = Raw()
    server.thread.join(WAIT)
    error = failing(raw_facade(server))
    address = server.base_url.removeprefix("http://")
    assert error.errMsg == f"{FAIL}-501001 resource system error. connect ECONNREFUSED {address}"
    assert server.base_url in error.hint


def test_a_body_that_stalls_is_an_answer_that_does_not_come_in_time(httpserver):
    stalled = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        for answer in (GRANTED, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"):
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.sendall(answer)
            if answer is not GRANTED:
                stalled.wait(WAIT)
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    facade = Cloud()
    facade.init(
        base_url=f"http://127.0.0.1:{listening.getsockname()[1]}",
        config=ROOT / "config.json",
        timeout=1,
    )
    try:
        assert failing(facade).errCode == -604102
    finally:
        stalled.set()
        thread.join()
        listening.close()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"errcode": "40003", "errmsg": "invalid openid"}, 40003),
        ({"errcode": [1], "errmsg": "x"}, -601001),
        ({"errcode": {}, "errmsg": "x"}, -601001),
        ({"errcode": "no", "errmsg": "x"}, -601001),
        ({"errcode": 40003}, 40003),
    ],
    ids=str,
)
def test_an_errcode_of_another_type_is_read_or_refused(httpserver, body, code):
    error = failing(Service(httpserver, lambda _: json_response(body)).facade())
    assert error.errCode == code
    assert "None" not in error.errMsg or code == -601001


@pytest.mark.parametrize("encoding", ["gzip", None])
def test_a_response_over_32_mib_is_minus_501001(httpserver, encoding):
    body = bytes(33 * 1024 * 1024)
    service = Service(
        httpserver,
        lambda _: Response(
            gzip.compress(body, 1) if encoding else body,
            headers={"Content-Encoding": encoding} if encoding else {},
        ),
    )
    error = failing(service.facade())
    assert error.errCode == -501001
    assert error.errMsg.endswith("response larger than 32 MiB")


def test_eight_threads_that_wait_for_a_token_all_see_that_it_is_denied(httpserver):
    service = Service(httpserver, fine)

    def deny(_request):
        assert until(lambda: waiting_for(service.token._running.done) == 7)
        return json_response({"errcode": 40125, "errmsg": "invalid appsecret"})

    httpserver.clear()
    httpserver.expect_request("/cgi-bin/stable_token").respond_with_handler(deny)
    facade = service.facade()
    barrier = threading.Barrier(8)
    outcomes = []

    def call():
        barrier.wait()
        try:
            outcomes.append(facade.openapi.analysis.getDailyRetain(DAY))
        except CloudSDKError as error:
            outcomes.append(error.errCode)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [40125] * 8


@pytest.mark.parametrize("body", [b'{"access_token": "%s' % TOKEN.encode(), b"[]", b"{}"])
def test_a_broken_token_answer_is_an_error_that_does_not_show_it(body):
    error = failing(raw_facade(Raw(http(body))))
    assert error.errCode == -601001
    assert TOKEN not in str(error)


def test_proxies_of_the_environment_are_not_asked_for_a_loopback_address(httpserver, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert Service(httpserver, fine).facade().openapi.analysis.getDailyRetain(DAY)


@pytest.mark.parametrize("kind", ["https", "gateway", "cloudrun"])
def test_the_environment_gives_proxies_but_no_password(httpserver, monkeypatch, tmp_path, kind):
    (tmp_path / "netrc").write_text("default login somebody password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", f"http://me:mine@{httpserver.host}:{httpserver.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("TCB_CONTEXT_CNFG", '{"URL": "http://weixin.example/admin"}')
    monkeypatch.setenv("TENCENTCLOUD_SECRETID", "id")
    monkeypatch.setenv("TENCENTCLOUD_SECRETKEY", "key")
    facade = Cloud()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        facade.init(
            appid="wx0123456789abcdef",
            secret=SECRET,
            base_url="http://weixin.example",
            transport=kind,
            config=ROOT / "config.json",
        )
    # The server of the test, as the proxy, answers 500.
    failing(facade)
    headers = httpserver.log[0][0].headers
    assert headers["Proxy-Authorization"].startswith("Basic ")
    assert not headers.get("Authorization", "").startswith("Basic ")


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 400 Bad Request\r\n\r\n", b""], ids=["plain text", "the end"]
)
def test_https_to_a_server_without_tls_is_told_of_http(answer):
    server = Raw(answer)
    error = failing(raw_facade(server, server.base_url.replace("http:", "https:")))
    assert f"its URL is {server.base_url}." in error.hint
    assert "errCode: -501001" in str(error)


def test_an_unknown_certificate_is_no_reason_for_http(httpserver, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "server.pem"))
    with HTTPServer(ssl_context=context) as server:
        error = failing(Service(server, fine).facade())
    assert error.errMsg.endswith("certificate or TLS error")
    assert "http://" not in error.hint


def self_signed(file):
    """Write a key and a certificate for 127.0.0.1 that nobody vouches for, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(
        key.private_bytes(*form, serialization.NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return file


SCENES = {
    "fine": fine,
    "refused": lambda _: json_response({"errcode": 40001, "errmsg": "no"}),
    "status": lambda _: Response("oops", 500),
    "html": lambda request: Response(f"<html>log in first: {request.url} {SECRET}"),
    "echo": lambda request: json_response({"errcode": 47001, "errmsg": request.url}),
    "reason phrase": lambda request: Response("no", f"502 no {request.url} {SECRET}"),
    "renewed": lambda request: json_response({"errcode": 40001, "errmsg": f"{TOKEN}1 is old"}),
    "dropped": b"",
    "broken head": f"HTTP/1.1 502 No\r\nX-A: 1\r\nno colon {TOKEN}\r\n\r\nno".encode(),
}


@pytest.mark.parametrize("token_api", ["stable_token", "token"])
@pytest.mark.parametrize("scene", SCENES)
def test_token_and_secret_reach_no_log_no_repr_and_no_traceback(httpserver, scene, token_api):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    # The server of this test writes whole URLs into a log of its own.
    handler.addFilter(lambda record: not record.name.startswith("werkzeug"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    # As CloudBase's own bootstrap does.
    root.setLevel(logging.DEBUG)
    shown = ""
    try:
        if isinstance(SCENES[scene], bytes):
            facade = raw_facade(Raw(GRANTED, SCENES[scene]))
        else:
            facade = Service(httpserver, SCENES[scene]).facade(token_api=token_api)
        if scene == "fine":
            facade.openapi.analysis.getDailyRetain(DAY)
        else:
            error = failing(facade)
            shown += "".join(traceback.format_exception(error)) + repr(error) + str(error)
            assert error.__cause__ is None
            assert error.__context__ is None
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    transport = facade._transport
    token = transport._token
    shown += repr(facade) + repr(transport) + repr(token) + repr(token._held) + repr(vars(token))
    shown += stream.getvalue()
    assert "urllib3" not in shown or "access_token=***" in shown
    assert TOKEN not in shown
    assert SECRET not in shown
