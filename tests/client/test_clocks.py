"""Clocks that a test's frozen time does not change."""

import threading
import time
from contextlib import nullcontext
from datetime import datetime

import freezegun
import pytest
import time_machine
from support.gateway import Gateway
from support.paths import ROOT
from support.processes import WAIT, until
from support.values import API
from support.values import CLOUD_DAY as DAY
from werkzeug import Response

from cloud_openapi import Cloud, CloudSDKError, clocks
from cloud_openapi.emulator import Server, create_app, listen
from cloud_openapi.tokens import AccessToken, Granted
from cloud_openapi.transports.gateway import GatewayTransport
from cloud_openapi.transports.wsgi import WSGIExchange

CONFIG = ROOT / "config.json"
MOMENT = "2020-01-15T00:00:00Z"
FROZEN = pytest.mark.parametrize(
    "frozen",
    [
        nullcontext,
        lambda: freezegun.freeze_time(MOMENT),
        lambda: time_machine.travel(MOMENT, tick=False),
    ],
    ids=["not frozen", "freezegun", "time-machine"],
)


@FROZEN
def test_clocks_show_the_machines_time(frozen):
    real, now, monotonic = time.time(), clocks.now(), clocks.monotonic()
    with frozen():
        measured = clocks.now(), clocks.monotonic()
    assert now <= measured[0] <= clocks.now()
    assert monotonic <= measured[1] <= clocks.monotonic()
    assert abs(now - real) < abs(now - datetime.fromisoformat(MOMENT[:-1]).timestamp())


@FROZEN
def test_moments_are_those_of_the_machine_and_keep_their_order(frozen):
    measured = [clocks.monotonic() + number / 10**4 for number in range(1000)]
    before = clocks.now()
    with frozen():
        moments = [clocks.moment(each).timestamp() for each in measured]
        assert [clocks.moment(each).timestamp() for each in measured] == moments
    assert moments == sorted(moments)
    # The clock of `now` ticks each 4 ms.
    assert before - 0.01 <= moments[0] + (clocks.monotonic() - measured[0]) <= clocks.now() + 0.01


@FROZEN
def test_the_emulator_compares_a_signature_with_the_machines_time(frozen):
    gateway = Gateway()
    fields = {"action": "functions.invokeFunction", "wxCloudApiToken": "token-a"}
    fields |= {"function_name": "reader", "request_data": "{}"}
    headers = gateway.sign(fields, "application/json", gateway.functions.secrets_of("reader"))
    with frozen():
        answer = gateway.client.post("/admin", json=fields, headers=headers)
    assert answer.json["data"]["response_data"] == "{}", answer.json


@FROZEN
def test_a_call_is_signed_with_the_machines_time(frozen, monkeypatch):
    gateway = Gateway()
    secret_id, secret_key = gateway.functions.secrets_of("reader")
    monkeypatch.setenv("TENCENTCLOUD_SECRETID", secret_id)
    monkeypatch.setenv("TENCENTCLOUD_SECRETKEY", secret_key)
    monkeypatch.setenv("WX_API_TOKEN", "token-a")
    monkeypatch.setenv("TCB_CONTEXT_CNFG", '{"URL": "http://localhost/admin"}')
    exchange = WSGIExchange(gateway.client.application)
    cloud = Cloud()
    cloud.init(transport=GatewayTransport(lambda _: exchange, "local"))
    with frozen():
        assert cloud.openapi[API](DAY)["errMsg"] == f"openapi.{API}:ok"


@FROZEN
def test_a_token_ends_in_the_machines_time(frozen):
    granted = []

    def fetch():
        granted.append(f"token-{len(granted)}")
        return Granted(granted[-1], 7200)

    token = AccessToken(fetch)
    with frozen():
        assert token.get() == "token-0"
    assert token.get() == "token-0"
    with frozen():
        assert token.get() == "token-0"


@FROZEN
def test_a_call_over_a_socket_ends_with_an_answer_or_its_timeout(frozen, httpserver, emulator):
    over = threading.Event()
    httpserver.expect_request("/cgi-bin/stable_token").respond_with_handler(
        lambda _: Response("{}" if over.wait(WAIT) else "")
    )
    slow, served = Cloud(), Cloud()
    slow.init(base_url=httpserver.url_for("").rstrip("/"), timeout=0.1, config=CONFIG)
    listening = listen("127.0.0.1", 0)
    with Server(create_app(emulator), listening, emulator.never_blocks) as server, frozen():
        served.init(base_url=server.url, config=CONFIG)
        assert served.openapi[API](DAY)["refDate"] == "20170313"
        with pytest.raises(CloudSDKError) as caught:
            slow.openapi[API](DAY)
    over.set()
    # The server notes the request when it ends; it must not do so in the log of the next test.
    until(lambda: httpserver.log)
    assert caught.value.errCode == -604102
