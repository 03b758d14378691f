"""The cost of a call for its client."""

import importlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from cloud_openapi import Cloud
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import create_app
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange
from cloud_openapi.wire.messages import write_answer
from scripts.bench.calls import DOCUMENTED, DOCUMENTED_PATH, documented_call, granted_token
from scripts.bench.measuring import ROOT, Effort, NotMeasuredError, Samples, alternate, timed
from scripts.bench.servers import emulator, serving

_PARAMS = {"begin_date": DOCUMENTED, "end_date": DOCUMENTED}

# CloudBase sets these variables for a function.
_FUNCTION_VARIABLES = {
    "TENCENTCLOUD_RUNENV": "SCF",
    "TENCENTCLOUD_REGION": "ap-shanghai",
    "TENCENTCLOUD_SECRETID": "AKID" + 32 * "0",
    "TENCENTCLOUD_SECRETKEY": 32 * "0",
    "TENCENTCLOUD_SESSIONTOKEN": 64 * "0",
    "SCF_NAMESPACE": "local",
    "TCB_ENV": "local",
    "TCB_SEQID": "1489406400000_0000000000000000",
    "TCB_SOURCE": "wx_client",
    "TRIGGER_SRC": "tcb",
    "WX_API_TOKEN": 160 * "0",
}


def facade(**settings: Any) -> Callable[[], Any]:
    """Return the measured call, in the form that a function would use."""
    cloud = Cloud()
    cloud.init(config=ROOT / "config.json", **settings)
    return lambda: cloud.openapi.analysis.getDailyRetain(
        {"beginDate": DOCUMENTED, "endDate": DOCUMENTED}
    )


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """Set environment variables temporarily."""
    former = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


def against_requests(effort: Effort) -> Samples:
    """Measure the CPU seconds of a facade call, and of the same exchange with requests."""
    with emulator() as (url, _), requests.Session() as session:
        address = url + documented_call(url).target
        return alternate(
            effort.rounds,
            timed(facade(base_url=url), effort.calls, time.process_time),
            timed(
                lambda: session.post(address, json=_PARAMS).json(), effort.calls, time.process_time
            ),
        )


def against_wechatpy(effort: Effort) -> Samples:
    """Measure the CPU seconds of a facade call, and of the same exchange with wechatpy."""
    try:
        wechatpy = importlib.import_module("wechatpy")
    # wechatpy raises a plain Exception if cryptography is missing.
    except Exception as error:
        raise NotMeasuredError(f"wechatpy: {error}") from error
    with emulator() as (url, _):
        # With this token the client does not request one.
        token = granted_token(url)
        client = wechatpy.WeChatClient(DEMO_APPID, DEMO_SECRET, access_token=token)
        return alternate(
            effort.rounds,
            timed(facade(base_url=url), effort.calls, time.process_time),
            timed(
                lambda: client.post(DOCUMENTED_PATH, data=_PARAMS, api_base_url=url),
                effort.calls,
                time.process_time,
            ),
        )


def gateway_against_https(effort: Effort) -> Samples:
    """Measure the CPU seconds of a facade call through the gateway, and of one over HTTPS.

    A bare application answers both: a client that waits longer for its answer finds colder caches,
    and the emulator does more work for a gateway call than for an HTTPS call.
    """
    with emulator() as (url, _):
        answer = documented_call(url).answer or b""
    answers = {
        "/cgi-bin/stable_token": json.dumps(
            {"access_token": 157 * "0", "expires_in": 7200}
        ).encode(),
        DOCUMENTED_PATH: answer,
        "/admin": write_answer(answer, "application/json"),
    }
    with (
        serving("waitress", answers) as url,
        variables(**_FUNCTION_VARIABLES, TCB_CONTEXT_CNFG=json.dumps({"URL": f"{url}/admin"})),
    ):
        return alternate(
            effort.rounds,
            timed(facade(transport="gateway"), effort.calls, time.process_time),
            timed(facade(base_url=url), effort.calls, time.process_time),
        )


def in_process(effort: Effort) -> Samples:
    """Measure the wall seconds of a facade call without a socket, and over a socket."""
    transport = HTTPSTransport(WSGIExchange(create_app()), DEMO_APPID, DEMO_SECRET)
    with emulator() as (url, _):
        return alternate(
            effort.rounds,
            timed(facade(transport=transport), effort.calls, time.perf_counter),
            timed(facade(base_url=url), effort.calls, time.perf_counter),
        )
