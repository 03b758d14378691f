"""Clocks that a test's frozen time does not change."""

import time
from contextlib import nullcontext

import freezegun
import pytest
import time_machine
from support.gateway import Gateway
from support.values import API
from support.values import CLOUD_DAY as DAY

from cloud_openapi import Cloud, clocks
from cloud_openapi.tokens import AccessToken, Granted
from cloud_openapi.transports.gateway import GatewayTransport
from cloud_openapi.transports.wsgi import WSGIExchange

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
    now, monotonic = time.time(), time.monotonic()
    with frozen():
        measured = clocks.now(), clocks.monotonic()
    # CLOCK_REALTIME_COARSE is behind by up to a tick of the kernel.
    assert now - 0.02 <= measured[0] <= time.time()
    assert monotonic <= measured[1] <= time.monotonic()


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
