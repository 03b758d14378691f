"""Calls of forked children: on connections, with locks and after requests of their own."""

import os
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from support.paths import ROOT
from support.processes import WAIT, in_children, until
from support.serving import Served
from support.values import API
from support.values import CLOUD_DAY as DAY

from cloud_openapi import Cloud
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Server, create_app, gateway_variables, listen, url_of
from cloud_openapi.tokens import AccessToken, Granted
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange

KINDS = pytest.mark.parametrize("kind", ["https", "gateway", "cloudrun", "wsgi"])
FIRST = date(2018, 1, 1)


@pytest.fixture
def facade_of(emulator, monkeypatch):
    """Serve an emulator and return facades that call it in several ways."""
    app = create_app(emulator)
    emulator.configure_app(DEMO_APPID, cloud_run={"api_whitelist": ["/*"]})
    listening = listen("127.0.0.1", 0)

    def make(kind):
        cloud = Cloud()
        transport = {"wsgi": HTTPSTransport(WSGIExchange(app), DEMO_APPID, DEMO_SECRET)}
        for name, value in gateway_variables(server.url).items():
            monkeypatch.setenv(name, value)
        cloud.init(
            transport=transport.get(kind, kind), base_url=server.url, config=ROOT / "config.json"
        )
        return cloud

    with Server(app, listening, emulator.never_blocks) as server:
        yield make
    listening.close()


def day(number):
    moment = f"{FIRST + timedelta(days=number % 2500):%Y%m%d}"
    return {"beginDate": moment, "endDate": moment}


def wrong_answers(cloud, numbers):
    """Return the days whose answer is another day's."""
    asked = [day(number) for number in numbers]
    answers = [cloud.openapi[API](one)["refDate"] for one in asked]
    return [
        (one["beginDate"], answer)
        for one, answer in zip(asked, answers, strict=True)
        if one["beginDate"] != answer
    ]


@KINDS
@pytest.mark.parametrize(
    "calls", [15, pytest.param(1250, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_children_of_one_process_get_their_own_answers(facade_of, kind, calls):
    clouds = [facade_of(kind), facade_of(kind)]
    for cloud in clouds:
        cloud.openapi[API](DAY)

    def work(number):
        return wrong_answers(clouds[number % 2], range(number * calls, (number + 1) * calls))

    assert in_children(8, work, WAIT * calls) == [[]] * 8
    assert clouds[0].openapi[API](day(0))["refDate"] == f"{FIRST:%Y%m%d}"


@pytest.mark.slow
@KINDS
def test_children_forked_amid_the_calls_of_other_threads_get_their_own_answers(facade_of, kind):
    cloud = facade_of(kind)
    cloud.openapi[API](DAY)
    ended = threading.Event()
    wrong = []

    def call():
        while not ended.is_set():
            wrong.extend(wrong_answers(cloud, range(10)))

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        found = in_children(8, lambda number: wrong_answers(cloud, range(number, number + 5)))
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert (found, wrong) == ([[]] * 8, [])


@pytest.mark.parametrize("held", [False, True], ids=["first token", "renewed token"])
def test_a_child_forked_amid_a_token_request_makes_its_own(held):
    parent, forked = os.getpid(), threading.Event()
    requests = []

    def fetch():
        requests.append("request")
        if os.getpid() == parent and len(requests) > held:
            assert forked.wait(WAIT)
        return Granted(f"token-{os.getpid()}", 7200)

    token = AccessToken(fetch)
    first = token.get() if held else None
    thread = threading.Thread(target=token.renew, args=(first,) if held else ("",))
    thread.start()
    assert until(lambda: len(requests) > held)
    try:
        # The child may use the token that the parent held, but not wait for the parent's thread.
        kept, renewed = in_children(1, lambda _: (token.get(), token.renew(first or "")))[0]
    finally:
        forked.set()
        thread.join()
    assert kept == first or not held
    assert renewed not in {first, f"token-{parent}"}


def test_a_child_keeps_the_token(facade_of, emulator):
    cloud = facade_of("https")
    cloud.openapi[API](DAY)
    in_children(4, lambda number: wrong_answers(cloud, range(number, number + 2)))
    assert len(emulator.journal_entries(path="/cgi-bin/stable_token")) == 1


POOL = """
import multiprocessing
from cloud_openapi import cloud
cloud.init()
def ask(day):
    return cloud.openapi.analysis.getDailyRetain(beginDate=day, endDate=day)["refDate"]
def main(event, context):
    first = ask(event["days"][0])
    with multiprocessing.get_context("fork").Pool(3) as pool:
        return [first, *pool.map(ask, event["days"], chunksize=1)]
"""


def test_a_pool_of_processes_within_a_function(tmp_path, monkeypatch):
    days = [day(number)["beginDate"] for number in range(12)]
    with Served(tmp_path, monkeypatch) as served:
        served.write("pool", POOL, [API], "index.py")
        assert served.call("pool", {"days": days}) == [days[0], *days]


APPLICATION = """
from cloud_openapi import cloud
cloud.init()
def ask(day):
    return cloud.openapi.analysis.getDailyRetain(beginDate=day, endDate=day)["refDate"]
ask("20170313")
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [ask(environ["QUERY_STRING"]).encode()]
"""


@pytest.mark.slow
def test_workers_of_gunicorn_that_preloads_the_application(emulator, tmp_path, monkeypatch):
    (tmp_path / "application.py").write_text(APPLICATION)
    days = [day(number)["beginDate"] for number in range(200)]
    app, listening = create_app(emulator), listen("127.0.0.1", 0)
    with Server(app, listening, emulator.never_blocks) as server, listen("127.0.0.1", 0) as web:
        monkeypatch.setenv("CLOUD_OPENAPI_BASE_URL", server.url)
        monkeypatch.setenv("CLOUD_OPENAPI_CONFIG", str(ROOT / "config.json"))
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers=4", "application"]
        command += [f"--bind=fd://{web.fileno()}", "--no-control-socket"]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        gunicorn = subprocess.Popen(command, cwd=tmp_path, pass_fds=[web.fileno()])

        def ask(moment):
            with opener.open(f"{url_of(web)}/?{moment}", timeout=WAIT) as answer:
                return answer.read().decode()

        try:
            with ThreadPoolExecutor(8) as pool:
                assert list(pool.map(ask, days)) == days
        finally:
            gunicorn.terminate()
            gunicorn.wait()
