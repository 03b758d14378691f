"""Faults on demand: what each does, to whom, how often, and that it ends."""

import http.client
import json
import statistics
import threading
import time
from datetime import timedelta

import pytest
from support.entries import DOORS, SEND, catalogue_of
from support.paths import ROOT
from support.processes import WAIT, until
from support.threads import run_concurrently
from support.values import DAILY, DAY, NOW, OTHER, STABLE, WEEKLY

from cloud_openapi import Cloud, CloudSDKError
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, Server, create_app, listen
from cloud_openapi.emulator.overrides.caller import Caller
from cloud_openapi.emulator.overrides.fault import KINDS
from cloud_openapi.emulator.state import clock as clock_module
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange

WEEK = {"begin_date": "20260302", "end_date": "20260308"}


class Faulty:
    """An emulator of two mini programs, with a good token of each."""

    def __init__(self, **settings):
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "other-secret"}
        self.emulator = Emulator(clock=Clock(NOW), apps=apps, **settings)
        self.client = create_app(self.emulator).test_client()
        self.tokens = {appid: self.emulator.program(appid).tokens.grant()[0] for appid in apps}

    def strike(self, appid=DEMO_APPID):
        """Return the fault that a request meets: thousands of these cost less than requests."""
        caller = Caller(self.emulator.program(appid), DAILY, None, "127.0.0.1")
        return self.emulator.faults.apply(caller)

    def add(self, kind, **fields):
        return self.emulator.faults.add({"kind": kind, **fields})

    def ask(self, path=DAILY, body=None, appid=DEMO_APPID):
        query = {"access_token": self.tokens[appid]}
        return self.client.post(path, query_string=query, json=body or DAY)

    def code(self, *asked, **more):
        return self.ask(*asked, **more).json.get("errcode", 0)

    def stable(self, appid=DEMO_APPID, secret=DEMO_SECRET):
        fields = {"grant_type": "client_credential", "appid": appid, "secret": secret}
        return self.client.post(STABLE, json=fields).json

    @property
    def last(self):
        return list(self.emulator.journal)[-1]


@pytest.fixture
def faulty():
    return Faulty()


# ---- what each kind does -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"errcode": 61504}, "system busy now , please try later"),
        ({"errcode": -1}, "system error"),
        ({"errcode": 45009}, "reach max api daily quota limit"),
        ({"errcode": 48001}, "api unauthorized"),
        ({"errcode": 61503, "errmsg": "计算延迟,请稍后再试"}, "计算延迟,请稍后再试"),
        ({"errcode": 99999, "errmsg": "made up"}, "made up"),
    ],
)
def test_an_error_comes_with_its_text_and_a_rid(faulty, fields, text):
    fault = faulty.add("error", **fields)
    answer = faulty.ask()
    assert answer.status_code == 200
    assert answer.json["errcode"] == fields["errcode"]
    assert answer.json["errmsg"].partition(" rid: ")[0] == text
    assert faulty.last.errcode == fields["errcode"]
    assert faulty.last.check == f"fault {fault.id}: error"
    assert faulty.last.appid == DEMO_APPID


def test_quota_fault_has_the_text_of_the_path(faulty):
    faulty.add("quota")
    assert faulty.ask().json["errmsg"].startswith("reach max api daily quota limit rid: ")
    assert "getStableAccessToken" in faulty.stable()["errmsg"]
    assert faulty.stable()["errcode"] == 45009


def test_data_are_not_ready_until_a_time(faulty):
    faulty.add("not_ready", until="2026-03-11T12:47")
    assert faulty.code() == 61503
    faulty.emulator.clock.advance(timedelta(minutes=47))
    assert faulty.code() == 0
    assert faulty.emulator.faults.active == ()


@pytest.mark.parametrize("status", [400, 404, 502, 503, 599])
def test_status_fault_returns_an_html_page(faulty, status):
    faulty.add("status", status=status)
    answer = faulty.ask()
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert str(status) in answer.text


def test_html_comes_with_status_200(faulty):
    faulty.add("html")
    answer = faulty.ask()
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert answer.text.startswith("<html>")


def test_an_empty_answer_has_status_200_and_no_byte(faulty):
    faulty.add("empty")
    answer = faulty.ask()
    assert (answer.status_code, answer.data) == (200, b"")


def test_a_truncated_answer_is_the_first_half_of_the_good_one(faulty):
    whole = faulty.ask().data
    faulty.add("truncate")
    answer = faulty.ask()
    assert answer.data == whole[: len(whole) // 2]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert faulty.last.check == "simulation, fault 1: truncate"


def test_content_type_fault_changes_only_the_header(faulty):
    whole = faulty.ask().data
    faulty.add("content_type", content_type="text/plain")
    answer = faulty.ask()
    assert (answer.headers["Content-Type"], answer.data) == ("text/plain", whole)


def test_a_revoked_token_is_40001_from_then_on_and_a_new_one_is_granted(faulty):
    faulty.tokens[DEMO_APPID] = faulty.stable()["access_token"]
    faulty.add("revoke_token", times=1)
    assert faulty.stable()["access_token"] == faulty.tokens[DEMO_APPID]  # waits for a token
    assert [faulty.code(), faulty.code()] == [40001, 40001]
    assert faulty.emulator.faults.listed() == ()
    renewed = faulty.stable()["access_token"]
    assert renewed != faulty.tokens[DEMO_APPID]
    faulty.tokens[DEMO_APPID] = renewed
    assert faulty.code() == 0


@pytest.mark.parametrize("kind", ["drop", "drop_in_body"])
def test_a_dropped_connection_is_an_error_in_this_process(faulty, kind):
    faulty.add(kind)
    with pytest.raises(ConnectionError, match="dropped"):
        _ = faulty.ask().data


# ---- latency -------------------------------------------------------------------------------


def seconds_for(ask):
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def test_latency_delays_a_good_response(faulty, monkeypatch):
    fault = faulty.add("latency", seconds=0.2, times=1)
    slept = []
    monkeypatch.setattr(fault.cancelled, "wait", slept.append)
    assert [faulty.code(), faulty.code()] == [0, 0]
    assert slept == [0.2]
    delayed, other = faulty.emulator.journal
    assert (delayed.check, delayed.reason) == (f"{other.check}, fault 1: latency", "")


def test_late_refusal_keeps_its_reason(faulty):
    faulty.add("latency", seconds=0)
    refused = faulty.code(DAILY, {"begin_date": "20260311", "end_date": "20260311"})
    assert faulty.last.errcode == refused == 61501
    assert faulty.last.check.endswith("(Beijing time), fault 1: latency")
    assert "fault" not in faulty.last.reason


def test_latency_adds_to_another_fault(faulty):
    faulty.add("error", errcode=-1)
    faulty.add("latency", seconds=0.2)
    faulty.add("error", errcode=61504)
    codes = []
    assert seconds_for(lambda: codes.append(faulty.code())) >= 0.2
    assert codes == [-1]
    assert faulty.last.check == "fault 2: latency, fault 1: error"
    assert faulty.last.reason.startswith("fault 1: error makes this answer")


@pytest.mark.parametrize(
    ("seconds", "check"),
    [
        ({"uniform": [1, 3]}, lambda all_: min(all_) >= 1 and max(all_) <= 3),
        ({"lognormal": [2, 0.5]}, lambda all_: 1.8 < statistics.median(all_) < 2.2),
        ({"lognormal": [60, 9]}, lambda all_: max(all_) == 60),
    ],
)
def test_latency_follows_its_distribution_from_the_seed(faulty, monkeypatch, seconds, check):
    def drawn(seed):
        faulty = Faulty(seed=seed)
        fault = faulty.add("latency", seconds=seconds)
        slept = []
        monkeypatch.setattr(fault.cancelled, "wait", slept.append)
        for _ in range(500):
            faulty.strike()
        return slept

    assert check(drawn(1))
    assert drawn(1) == drawn(1) != drawn(2)


def test_revocation_waits_for_a_call_that_uses_a_token(faulty):
    fault = faulty.add("revoke_token", times=1)
    fields = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
    query = {"access_token": faulty.tokens[DEMO_APPID]}
    assert "access_token" in faulty.client.post(STABLE, query_string=query, json=fields).json
    assert fault.struck == 0
    assert faulty.code() == 40001


def test_removing_a_latency_fault_ends_its_delays(faulty):
    faulty.add("latency", seconds=60)
    codes = []
    thread = threading.Thread(target=lambda: codes.append(faulty.code()))
    thread.start()
    assert until(lambda: faulty.emulator.faults.active[0].struck)
    faulty.emulator.faults.clear()
    thread.join(WAIT)
    assert codes == [0]


# ---- to whom, how often, until when --------------------------------------------------------


def test_fault_with_api_applies_to_that_api_only(faulty):
    faulty.add("error", errcode=-1, api="analysis.getDailyRetain")
    assert [faulty.code(), faulty.code(WEEKLY, WEEK)] == [-1, 0]
    assert "access_token" in faulty.stable()


def test_fault_with_path_applies_to_that_path_only(faulty):
    faulty.add("error", errcode=-1, path=STABLE)
    assert [faulty.stable()["errcode"], faulty.code()] == [-1, 0]


def test_fault_without_api_and_path_applies_to_all(faulty):
    faulty.add("error", errcode=-1)
    assert faulty.code() == faulty.code(WEEKLY) == faulty.code("/nowhere") == -1
    assert faulty.stable()["errcode"] == -1


def test_fault_with_appid_applies_to_no_other(faulty):
    faulty.add("error", errcode=-1, appid=OTHER)
    assert [faulty.code(), faulty.code(appid=OTHER)] == [0, -1]
    assert "access_token" in faulty.stable()
    assert faulty.stable(OTHER, "other-secret")["errcode"] == -1
    query = {"grant_type": "client_credential", "appid": OTHER, "secret": "other-secret"}
    assert faulty.client.get("/cgi-bin/token", query_string=query).json["errcode"] == -1


def test_a_fault_ends_after_its_times(faulty):
    fault = faulty.add("error", errcode=-1, times=2)
    assert [faulty.code() for _ in range(4)] == [-1, -1, 0, 0]
    assert fault.struck == 2
    assert faulty.emulator.faults.active == ()


def test_older_of_two_faults_applies_first(faulty):
    faulty.add("error", errcode=-1, times=1)
    faulty.add("error", errcode=61504, times=1)
    assert [faulty.code() for _ in range(3)] == [-1, 61504, 0]


def test_rate_follows_from_the_seed_whatever_others_request():
    def codes(seed, noise):
        faulty = Faulty(seed=seed)
        faulty.add("error", errcode=-1, rate=0.3, appid=DEMO_APPID)
        found = []
        for _ in range(300):
            found.append(faulty.strike() is not None)
            for _ in range(noise):
                faulty.strike(OTHER)
        return found

    assert 60 < sum(codes(1, 0)) < 120
    assert codes(1, 0) == codes(1, 2) != codes(2, 0)


def test_times_counts_only_requests_that_the_rate_selects(faulty):
    faulty.add("error", errcode=-1, rate=0.5, times=3)
    assert [faulty.code() for _ in range(100)].count(-1) == 3


def test_times_hold_across_threads(faulty):
    faulty.add("error", errcode=-1, times=50)

    def strikes():
        return [faulty.strike() is not None for _ in range(2000)]

    assert sum(map(sum, run_concurrently(*[strikes] * 4))) == 50


def test_fault_is_removed_by_its_number(faulty):
    faulty.add("error", errcode=-1)
    second = faulty.add("error", errcode=61504)
    faulty.emulator.faults.remove(1)
    assert faulty.code() == 61504
    faulty.emulator.faults.remove(second.id)
    assert faulty.code() == 0
    with pytest.raises(KeyError):
        faulty.emulator.faults.remove(second.id)


def test_fault_is_described(faulty):
    fault = faulty.add("error", errcode=-1, times=2, until="2026-03-12")
    faulty.code()
    assert fault.describe() == {
        "id": 1,
        "kind": "error",
        "errcode": -1,
        "times": 2,
        "until": "2026-03-12T00:00:00+08:00",
        "struck": 1,
    }


# ---- bad definitions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (None, "a fault is an object such as"),
        ([], "a fault is an object such as"),
        ({}, "kind is one of error, status, latency, .* not None"),
        ({"kind": "eror"}, "kind is one of error, status, .* not 'eror'"),
        ({"kind": ["error"]}, "kind is one of"),
        ({"kind": "error"}, "a fault of kind error needs errcode"),
        ({"kind": "error", "errcode": 0}, "whole number other than 0, not 0"),
        ({"kind": "error", "errcode": "61504"}, "whole number other than 0"),
        ({"kind": "error", "errcode": True}, "whole number other than 0"),
        ({"kind": "error", "errcode": 12345}, "12345 has no text here: give errmsg too"),
        ({"kind": "error", "errcode": -1, "errmsg": 1}, "errmsg is a text"),
        ({"kind": "error", "errcode": -1, "errmsg": "\ud800"}, "errmsg is a text"),
        ({"kind": "error", "errcode": -1, "status": 5}, "status: a fault of kind error has kind"),
        ({"kind": "status", "status": 200}, "from 400 to 599, not 200"),
        ({"kind": "status", "status": 502.0}, "from 400 to 599"),
        ({"kind": "error", "errcode": 2**31, "errmsg": "x"}, "32-bit whole number"),
        ({"kind": "gateway_error", "errcode": -(2**31) - 1}, "32-bit whole number"),
        ({"kind": "latency"}, "needs seconds"),
        ({"kind": "latency", "seconds": -1}, "from 0 to 60"),
        ({"kind": "latency", "seconds": 61}, "from 0 to 60"),
        ({"kind": "latency", "seconds": float("nan")}, "from 0 to 60"),
        ({"kind": "latency", "seconds": {"uniform": [3, 1]}}, "least, most"),
        ({"kind": "latency", "seconds": {"uniform": [1]}}, "least, most"),
        ({"kind": "latency", "seconds": {"uniform": [1, "2"]}}, "least, most"),
        ({"kind": "latency", "seconds": {"normal": [1, 2]}}, "least, most"),
        ({"kind": "content_type", "content_type": "a\r\nb: c"}, "value of a header"),
        ({"kind": "not_ready"}, "needs until"),
        ({"kind": "drop", "until": "soon"}, "until is a time such as"),
        ({"kind": "drop", "until": ""}, "until is a time such as"),
        ({"kind": "drop", "until": 5}, "until is a time such as"),
        ({"kind": "drop", "until": "0001-01-01"}, "between 1971 and 2105"),
        ({"kind": "drop", "until": "2026-03-11T12:00"}, "over already: it is 2026-03-11T12:00"),
        ({"kind": "drop", "times": 0}, "at least 1"),
        ({"kind": "drop", "times": 1.5}, "at least 1"),
        ({"kind": "drop", "rate": 0}, "above 0 and at most 1"),
        ({"kind": "drop", "rate": 1.1}, "above 0 and at most 1"),
        (
            {"kind": "drop", "api": "analysis.x"},
            "api is one of .*not 'analysis.x'",
        ),
        ({"kind": "drop", "path": "/x"}, "path is one of .*, not '/x'"),
        ({"kind": "drop", "appid": {}}, "appid is one of wxdemo000000000000, wxother, not"),
        ({"kind": "drop", "api": "analysis.getDailyRetain", "path": DAILY}, "not both"),
    ],
)
def test_invalid_definition_is_refused_with_the_reason(faulty, definition, reason):
    with pytest.raises(ValueError, match=reason):
        faulty.emulator.faults.add(definition)
    assert faulty.emulator.faults.active == ()


@pytest.mark.parametrize("target", [{"api": "notice.send"}, {"path": SEND["path"]}])
def test_an_error_of_an_apis_own_has_its_text_there(tmp_path, target):
    faulty = Faulty(catalogue=catalogue_of(tmp_path))
    faulty.add("error", errcode=43101, **target)
    answer = faulty.ask(SEND["path"], {"touser": "OPENID"}).json
    assert answer["errcode"] == 43101
    assert answer["errmsg"].startswith("user refuse to accept the msg rid: ")


@pytest.mark.parametrize("target", [{}, {"api": "rooms.list"}, {"path": "/cgi-bin/token"}])
def test_an_error_of_an_apis_own_has_no_text_elsewhere(tmp_path, target):
    faulty = Faulty(catalogue=catalogue_of(tmp_path))
    advice = 'give errmsg too, or an api that has it, such as "notice.send"'
    with pytest.raises(ValueError, match=advice):
        faulty.add("error", errcode=43101, **target)


def test_apis_of_one_path_share_their_errors(tmp_path):
    faulty = Faulty(catalogue=catalogue_of(tmp_path))
    for code, text in ((89001, "door is stuck"), (89002, "no doors")):
        faulty.emulator.faults.clear()
        faulty.add("error", errcode=code, path=DOORS["path"])
        answer = faulty.ask(DOORS["path"], {"action": "list"}).json
        assert answer["errmsg"].startswith(f"{text} rid: ")


# ---- through the facade, in this process and over a socket ---------------------------------


def facade(**connection):
    cloud = Cloud()
    cloud.init(config=ROOT / "config.json", **connection)
    return cloud


@pytest.fixture(scope="module")
def served():
    emulator = Emulator(clock=Clock(NOW))
    with Server(create_app(emulator), listen("127.0.0.1", 0)) as server:
        yield emulator, server.url


@pytest.fixture(params=["in process", "over a socket"])
def wired(request, served):
    """An emulator without faults, and a facade that calls it."""
    if request.param == "in process":
        emulator = Emulator(clock=Clock(NOW))
        exchange = WSGIExchange(create_app(emulator))
        return emulator, facade(transport=HTTPSTransport(exchange, DEMO_APPID, DEMO_SECRET))
    emulator, url = served
    emulator.faults.clear()
    return emulator, facade(base_url=url)


@pytest.mark.parametrize(
    ("definition", "code", "text"),
    [
        ({"kind": "drop"}, -501001, "socket hang up"),
        ({"kind": "drop_in_body"}, -501001, "resource system error. aborted"),
        ({"kind": "truncate"}, -601001, 'invalid json: {"'),
        ({"kind": "empty"}, -601001, "invalid json: "),
        ({"kind": "html"}, -601001, "invalid json: <html>"),
        ({"kind": "status", "status": 502}, -501001, "502 Bad Gateway"),
        ({"kind": "error", "errcode": 61504}, 61504, "system busy now , please try later rid: "),
        ({"kind": "quota"}, 45009, "reach max api daily quota limit rid: "),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else "",
)
def test_facade_raises_for_a_fault_and_then_gets_a_good_response(wired, definition, code, text):
    emulator, cloud = wired
    emulator.faults.add({**definition, "api": "analysis.getDailyRetain", "times": 1})
    dates = {"beginDate": "20260310", "endDate": "20260310"}
    with pytest.raises(CloudSDKError) as caught:
        cloud.openapi.analysis.getDailyRetain(dates)
    assert caught.value.errCode == code
    assert text in caught.value.errMsg
    assert cloud.openapi.analysis.getDailyRetain(dates)["refDate"] == "20260310"


@pytest.mark.parametrize(
    "definition",
    [
        {"kind": "revoke_token", "times": 1},
        {"kind": "content_type", "content_type": "text/plain"},
        {"kind": "latency", "seconds": 0.01},
    ],
    ids=lambda definition: definition["kind"],
)
def test_facade_recovers_from_the_other_faults(wired, definition):
    emulator, cloud = wired
    emulator.faults.add(definition)
    dates = {"beginDate": "20260310", "endDate": "20260310"}
    assert cloud.openapi.analysis.getDailyRetain(dates)["refDate"] == "20260310"


def test_drop_in_body_sends_the_head_and_half_of_the_body(served):

    emulator, url = served
    emulator.faults.clear()
    emulator.faults.add({"kind": "drop_in_body", "times": 1})
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    token, _ = emulator.program(DEMO_APPID).tokens.grant()
    connection.request("POST", f"{DAILY}?access_token={token}", json.dumps(DAY))
    answer = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    connection.close()
    assert answer.status == 200
    assert caught.value.partial.startswith(b'{"ref_date":"20260310"')
    assert abs(len(caught.value.partial) - caught.value.expected) <= 1


def test_drop_sends_no_byte(served):

    emulator, url = served
    emulator.faults.clear()
    emulator.faults.add({"kind": "drop", "times": 1})
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.request("POST", DAILY, json.dumps(DAY))
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()


def by_gateway(faulty):
    """Call the same API by the gateway; return the answer's bytes."""
    data = {
        "action": "wx.api",
        "apiName": "analysis.getDailyRetain",
        "requestData": json.dumps(DAY),
    }
    return json.loads(faulty.client.post("/admin", json=data).json["data"]["responseData"])


def test_gateway_error_applies_to_gateway_calls_only(faulty):
    faulty.add("gateway_error", errcode=-604104, times=1)
    assert faulty.code() == 0
    expected = {"errcode": -604104, "errmsg": "illegal source of invocation"}
    assert by_gateway(faulty) == expected
    assert faulty.last.check == "fault 1: gateway_error"
    assert by_gateway(faulty)["ref_date"] == "20260310"


def test_wechat_fault_applies_to_gateway_calls_too(faulty):
    faulty.add("error", errcode=61504, appid=DEMO_APPID, api="analysis.getDailyRetain")
    assert by_gateway(faulty)["errcode"] == 61504
    faulty.emulator.faults.clear()
    faulty.add("revoke_token")
    assert by_gateway(faulty)["ref_date"] == "20260310"
    assert faulty.code() == 40001


def test_not_ready_does_not_apply_to_token_endpoints(faulty):
    faulty.add("not_ready", until="2099-01-01", errmsg="计算延迟,请稍后再试")
    assert faulty.ask().json["errmsg"].startswith("计算延迟,请稍后再试 rid: ")
    fields = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
    assert "access_token" in faulty.client.post("/cgi-bin/stable_token", json=fields).json
    assert faulty.client.post("/nowhere", json={}).json["errcode"] == 40066


def test_ended_fault_stays_ended_when_the_clock_goes_back(faulty):
    clock = faulty.emulator.clock
    now = clock.now()
    faulty.add("error", errcode=-1, until=now + timedelta(hours=1))
    clock.freeze(now + timedelta(hours=2))
    clock.freeze(now)
    assert faulty.code() == 0


def test_fault_that_ended_unseen_stays_ended_when_the_clock_goes_back(faulty, monkeypatch):
    own = faulty.emulator.clock_of(DEMO_APPID)
    own.run(NOW)
    faulty.add("error", errcode=-1, appid=DEMO_APPID, until=own.now() + timedelta(hours=1))
    shown = clock_module._time_of
    later = timedelta(hours=2)
    monkeypatch.setattr(clock_module, "_time_of", lambda at: at.frozen_at or shown(at) + later)
    own.freeze(NOW)
    assert faulty.code() == 0


SEEN = {
    "error": ({"errcode": -1}, lambda seen: seen.json["errcode"] == -1),
    "status": ({"status": 503}, lambda seen: seen.status_code == 503),
    "latency": ({"seconds": 0}, lambda seen: seen.json["ref_date"] == "20260310"),
    "drop": ({}, lambda seen: str(seen) == "dropped before the answer"),
    "drop_in_body": ({}, lambda seen: str(seen) == "dropped within the body"),
    "truncate": ({}, lambda seen: seen.data.startswith(b"{") and not seen.data.endswith(b"}")),
    "html": ({}, lambda seen: seen.mimetype == "text/html"),
    "empty": ({}, lambda seen: seen.data == b""),
    "content_type": ({"content_type": "a/b"}, lambda seen: seen.mimetype == "a/b"),
    "revoke_token": ({}, lambda seen: seen.json["errcode"] == 40001),
    "quota": ({}, lambda seen: seen.json["errcode"] == 45009),
    "not_ready": ({"until": "2099-01-01"}, lambda seen: seen.json["errcode"] == 61503),
    "gateway_error": ({"errcode": -604104}, lambda seen: seen.json["ref_date"] == "20260310"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_effect(faulty, kind):
    fields, expected = SEEN[kind]
    faulty.add(kind, **fields)
    try:
        seen = faulty.ask()
        _ = seen.data
    except ConnectionError as error:
        seen = error
    assert expected(seen)
