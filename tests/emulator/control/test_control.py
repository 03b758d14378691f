"""The routes below /_emulator: what they show, change and refuse."""

import json
import threading
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from support.processes import WAIT, until
from support.threads import run_concurrently
from support.values import DAILY, DAY, NOW, OTHER, STABLE, WEEKLY

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app

OTHER_SECRET = "a-secret-of-another"


class Control:
    def __init__(self):
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: OTHER_SECRET}
        self.emulator = Emulator(clock=Clock(NOW), apps=apps, seed=3)
        self.client = create_app(self.emulator).test_client()

    def send(self, method, path, body=None, **more):
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        return self.client.open(f"/_emulator/{path}", method=method, data=data, **more)

    def get(self, path, /, **query):
        return self.send("GET", path, query_string=query)

    def put(self, path, body):
        return self.send("PUT", path, body)

    def post(self, path, body):
        return self.send("POST", path, body)

    @property
    def state(self):
        return self.get("state").json

    def token(self, appid=DEMO_APPID):
        return self.emulator.program(appid).tokens.grant()[0]

    def call(self, token, path=DAILY, body=None):
        return self.client.post(path, query_string={"access_token": token}, json=body or DAY).json

    def entries(self, **query):
        return self.get("journal", **query).json["entries"]


@pytest.fixture
def control():
    return Control()


def test_state_has_no_secrets_and_tokens(control):
    token = control.token()
    control.call(token)
    control.post("faults", {"kind": "html"})
    assert control.state == {
        "seed": 3,
        "clock": {"now": "2026-03-11T12:00:00+08:00", "frozen": True, "offset": 0.0},
        "apps": {
            appid: {
                "appid": appid,
                "ready_hour": 0,
                "daily_limits": {},
                "minute_limits": {},
                "cloud_run": False,
            }
            for appid in (DEMO_APPID, OTHER)
        },
        "mode": "simulate",
        "recordings": None,
        "upstream": None,
        "faults": [{"id": 1, "kind": "html", "struck": 0}],
        "pins": 0,
        "journal": 1,
    }
    text = control.get("state").text
    assert not any(secret in text for secret in (token, DEMO_SECRET, OTHER_SECRET))


# ---- the clock -----------------------------------------------------------------------------


def test_clock_freezes_advances_and_runs(control):
    frozen = control.put("clock", {"freeze": "2024-02-29T23:59:59"}).json
    assert frozen == {"now": "2024-02-29T23:59:59+08:00", "frozen": True, "offset": 0.0}
    assert control.put("clock", {"advance": 1.5}).json["now"] == "2024-03-01T00:00:00.500000+08:00"
    assert control.put("clock", {"run": "2020-01-01T00:00+00:00"}).json["frozen"] is False
    assert control.emulator.clock.now().isoformat().startswith("2020-01-01T08:00")
    assert control.put("clock", {"run": True}).json["offset"] == 0
    assert control.put("clock", {"freeze": True}).json["frozen"] is True
    assert control.get("clock").json["now"] == control.emulator.clock.now().isoformat()


# ---- resets, seeds, worlds of their own ----------------------------------------------------


def test_reset_of_one_mini_program_leaves_the_others_alone(control):
    tokens = {appid: control.token(appid) for appid in (DEMO_APPID, OTHER)}
    for appid, token in tokens.items():
        control.post("faults", {"kind": "error", "errcode": -1, "appid": appid})
        control.put(f"apps/{appid}", {"ready_hour": 24})
        control.call(token)
    assert control.post("reset", {"appid": DEMO_APPID}).status_code == 200
    assert control.call(tokens[DEMO_APPID])["errcode"] == 40001
    assert control.call(control.token())["ref_date"] == "20260310"
    assert control.call(tokens[OTHER])["errcode"] == -1
    assert [fault["appid"] for fault in control.state["faults"]] == [OTHER]
    assert control.get(f"apps/{OTHER}").json["ready_hour"] == 24
    assert len(control.entries(appid=OTHER)) == 2
    assert len(control.entries(appid=DEMO_APPID)) == 1


def test_reset_of_all_restores_the_initial_state(control):
    first = control.state
    token = control.token()
    control.put("apps/wxnew", {"secret": "s"})
    control.put(f"apps/{DEMO_APPID}", {"secret": "changed", "ready_hour": 9})
    control.put("clock", {"advance": 60})
    control.put("seed", {"seed": 8})
    control.post("faults", {"kind": "error", "errcode": -1})
    control.call(token)
    assert control.state != first
    assert control.post("reset", {"all": True}).json == control.state == first
    assert control.emulator.program_of_token(token) is None
    assert control.token() == token  # by the seed of the beginning
    fields = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
    assert "access_token" in control.client.post(STABLE, json=fields).json
    assert control.post("faults", {"kind": "html"}).json["id"] == 1


def test_reset_ends_the_delay_of_a_latency_fault(control):
    token = control.token()
    control.post("faults", {"kind": "latency", "seconds": 60})
    answers = []
    thread = threading.Thread(target=lambda: answers.append(control.call(token)))
    thread.start()
    assert until(lambda: control.emulator.faults.active[0].struck)
    control.emulator.reset()
    thread.join(WAIT)
    assert [answer["errcode"] for answer in answers] == [40001]


def test_seed_gives_the_numbers_of_an_emulator_made_with_it(control):
    assert control.put("seed", {"seed": 8}).json == {"seed": 8}
    made = Control()
    made.emulator = Emulator(clock=Clock(NOW), apps=made.emulator.apps, seed=8)
    made.client = create_app(made.emulator).test_client()
    token = control.token()
    assert token == made.token()
    assert control.call(token) == made.call(token)


def test_mini_programs_have_numbers_of_their_own(control):
    answers = [control.call(control.token(appid)) for appid in (DEMO_APPID, OTHER)]
    assert answers[0] != answers[1]


# ---- mini programs -------------------------------------------------------------------------


def test_a_mini_program_is_added_and_changed(control):
    answer = control.put("apps/wxnew", {"secret": "s3cret", "ready_hour": 9})
    assert answer.json == {
        "appid": "wxnew",
        "ready_hour": 9,
        "daily_limits": {},
        "minute_limits": {},
        "cloud_run": False,
    }
    fields = {"grant_type": "client_credential", "appid": "wxnew", "secret": "s3cret"}
    token = control.client.post(STABLE, json=fields).json["access_token"]
    assert control.call(token)["ref_date"] == "20260310"
    assert control.put("apps/wxnew", {"ready_hour": 13}).json["ready_hour"] == 13
    assert control.call(token)["errcode"] == 61503
    assert control.get("apps/wxnew").json["ready_hour"] == 13


def test_unknown_mini_program_is_refused(control):
    assert control.get("apps/wxnew").status_code == 404
    assert control.put("apps/wxnew", {"ready_hour": 9}).status_code == 400


# ---- faults --------------------------------------------------------------------------------


def test_faults_are_added_listed_and_removed(control):
    token = control.token()
    added = control.post("faults", {"kind": "error", "errcode": 61504, "times": 5})
    assert (added.status_code, added.json["id"]) == (201, 1)
    control.post("faults", {"kind": "html", "appid": OTHER})
    assert control.call(token)["errcode"] == 61504
    assert [fault["struck"] for fault in control.get("faults").json["faults"]] == [1, 0]
    left = control.send("DELETE", "faults/1").json["faults"]
    assert [fault["id"] for fault in left] == [2]
    assert control.send("DELETE", "faults/1").status_code == 404
    control.post("faults", {"kind": "empty"})
    left = control.send("DELETE", "faults", query_string={"appid": OTHER}).json["faults"]
    assert [fault["id"] for fault in left] == [3]
    assert control.send("DELETE", "faults").json == {"faults": []}
    assert control.call(token)["ref_date"] == "20260310"


def test_faults_do_not_apply_to_control_routes(control):
    control.post("faults", {"kind": "drop"})
    assert control.get("faults").status_code == 200


# ---- the journal ---------------------------------------------------------------------------


def test_the_journal_is_filtered(control):
    token = control.token()
    control.call(token)
    control.emulator.clock.advance(timedelta(minutes=1))
    control.call(token, WEEKLY)
    control.call(control.token(OTHER))
    control.call("made-up")
    everything = control.entries()
    assert [entry["errcode"] for entry in everything] == [0, 61501, 0, 40001]
    took, answered = everything[0]["milliseconds"], everything[0]["answered"]
    assert datetime.fromisoformat(answered).tzinfo is not None
    assert took == round(took, 1)
    assert everything[0] == {
        "number": 1,
        "time": "2026-03-11T12:00:00+08:00",
        "method": "POST",
        "path": DAILY,
        "api": "analysis.getDailyRetain",
        "appid": DEMO_APPID,
        "body": '{"begin_date": "20260310", "end_date": "20260310"}',
        "errcode": 0,
        "check": "simulation",
        "status": 200,
        "rid": "",
        "reason": "",
        "milliseconds": took,
        "answered": answered,
        "invocation": "",
        "via": "https",
        "function": None,
    }
    assert control.entries(appid=DEMO_APPID) == everything[:2]
    assert control.entries(api="analysis.getWeeklyRetain") == everything[1:2]
    assert control.entries(path=DAILY) == [everything[i] for i in (0, 2, 3)]
    assert control.entries(errcode=40001) == everything[3:]
    assert control.entries(errcode=0, appid=OTHER) == everything[2:3]
    assert control.entries(since="2026-03-11T12:01") == everything[1:]
    # As curl sends it, where the plus is not escaped.
    assert control.entries(since="2026-03-11T12:01:00 08:00") == everything[1:]
    assert control.entries(limit=2) == everything[2:]
    assert control.entries(appid="wxunknown") == []
    assert control.entries(failed="true") == [everything[1], everything[3]]
    assert control.entries(failed="false") == everything
    assert control.entries(via="gateway") == control.entries(function="daily") == []


def test_journal_is_searched_in_requests_and_answers(control):
    token = control.token()
    control.call(token, body={"begin_date": "20260310", "end_date": "20260310", "note": "留存"})
    control.call(token, WEEKLY)
    first, second = control.entries()
    for text in ("GetDailyRetain", "留存", "visit_uv_NEW"):
        assert control.entries(text=text) == [first], text
    assert control.entries(text="61501") == [second]
    assert control.entries(text=DEMO_APPID.upper()) == [first, second]
    assert control.entries(text="nowhere") == []


def test_journal_entry_is_found_by_the_rid_of_the_response(control):
    control.call(control.token())
    refused = control.call("made-up")
    rid = refused["errmsg"].rpartition("rid: ")[2]
    (entry,) = control.entries(rid=rid)
    assert (entry["rid"], entry["errcode"], entry["status"]) == (rid, 40001, 200)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 599}, 599),
        ({"kind": "html"}, 200),
        ({"kind": "drop"}, 0),
        ({"kind": "error", "errcode": -1}, 200),
    ],
)
def test_journal_entry_has_the_status_of_the_response(control, fault, status):
    token = control.token()
    control.emulator.faults.add({**fault, "times": 1})
    with suppress(ConnectionAbortedError):
        control.client.post(DAILY, query_string={"access_token": token}, json=DAY)
    assert control.entries()[-1]["status"] == status


def test_journal_shows_bytes_that_are_not_utf8(control):
    query = {"access_token": control.token()}
    control.client.post(DAILY, query_string=query, data=b"\xff\xfe")
    assert control.entries()[0]["body"] == "��"


# ---- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("POST", "reset", {}, "a JSON object of appid, all, and this one is empty"),
        ("POST", "reset", None, "not JSON"),
        ("POST", "reset", b"{", "not JSON"),
        ("POST", "reset", b"[" * 100_000, "not JSON"),
        ("POST", "reset", [], "a JSON object of appid, all"),
        ("POST", "reset", {"all": False}, "to reset one mini program"),
        ("POST", "reset", {"all": 1, "appid": DEMO_APPID}, "to reset one mini program"),
        ("POST", "reset", {"appid": "wxunknown"}, "appid is one of wxdemo000000000000, wxother"),
        ("POST", "reset", {"appid": None}, "appid is one of"),
        ("PUT", "clock", {"freeze": True, "advance": 1}, "one of freeze, advance and run"),
        ("PUT", "clock", {"freeze": "soon"}, "freeze is a time such as"),
        ("PUT", "clock", {"freeze": False}, "freeze is a time such as"),
        ("PUT", "clock", {"run": 5}, "run is a time such as"),
        ("PUT", "clock", {"run": "9999-01-01"}, "between 1971 and 2105"),
        ("PUT", "clock", {"advance": "1"}, "a number of seconds"),
        ("PUT", "clock", {"advance": True}, "a number of seconds"),
        ("PUT", "clock", {"advance": 1e12}, "between 1971 and 2105"),
        ("PUT", "clock", {"advance": 1e300}, "advance is too large"),
        ("PUT", "clock", b'{"advance": NaN}', "a number of seconds, not NaN"),
        ("PUT", "clock", {"stop": True}, "a JSON object of freeze, advance, run"),
        ("PUT", "seed", {"seed": "1"}, "a whole number"),
        ("PUT", "seed", {"seed": True}, "a whole number"),
        ("PUT", "seed", {"sed": 1}, "sed: the body is a JSON object of seed"),
        ("PUT", f"apps/{OTHER}", {"secret": "x", "ready_hour": 25}, "from 0 to 24"),
        ("PUT", f"apps/{OTHER}", {"secret": "", "ready_hour": 5}, "secret is a text"),
        ("PUT", f"apps/{OTHER}", {"secret": 5}, "secret is a text"),
        (
            "PUT",
            "apps/unknown",
            {"ready_hour": 5},
            "not 'unknown'; give a secret to add a mini program",
        ),
        ("PUT", f"apps/{OTHER}", {"secret": "s\ud800"}, "secret is a text"),
        ("PUT", f"apps/{OTHER}", {"secret": None, "seed": 1}, "secret: null changes nothing"),
        ("PUT", f"apps/{OTHER}", {"daily_limits": 5}, "an object such as"),
        ("PUT", f"apps/{OTHER}", {"daily_limits": {DAILY: 2**31}}, "at most 2147483647"),
        ("PUT", f"apps/{OTHER}", {"daily_limits": {"analysis.x": 5}}, "'analysis.x' is not one of"),
        ("PUT", f"apps/{OTHER}", {"daily_limits": {DAILY: 5, WEEKLY: -1}}, "a whole number or"),
        ("PUT", f"apps/{OTHER}", {"minute_limits": {DAILY: 1.5}}, "minute_limits: " + DAILY),
        ("PUT", f"apps/{OTHER}", {"cloud_run": True}, "cloud_run is false or an object"),
        ("PUT", f"apps/{OTHER}", {"cloud_run": {}}, "cloud_run is false or an object"),
        ("PUT", f"apps/{OTHER}", {"cloud_run": {"api_whitelist": "/*"}}, "is a list of paths"),
        ("PUT", f"apps/{OTHER}", {"cloud_run": {"api_whitelist": ["/a?b"]}}, "without a query"),
        (
            "PUT",
            f"apps/{OTHER}",
            {"cloud_run": {"api_whitelist": [], "ready": 1}},
            "ready is true or false",
        ),
        ("GET", f"apps/{OTHER}/cloudbase_access_token", None, "cloud_run is off or not ready"),
        ("GET", "apps/wxunknown/cloudbase_access_token", None, "appid is one of"),
        ("PUT", f"apps/{OTHER}", {"ready_hour": 5, "daily_limits": {DAILY: True}}, "or null"),
        ("PUT", f"apps/{OTHER}", {"name": "x"}, "a JSON object of secret, ready_hour"),
        ("PUT", "apps/wx%20new", {"secret": "s"}, "an appid is"),
        ("PUT", "apps/" + "x" * 65, {"secret": "s"}, "an appid is"),
        ("POST", "faults", {"kind": "eror"}, "kind is one of"),
        ("POST", "faults", [], "a fault is an object"),
        ("POST", "faults", b"", "not JSON"),
        ("DELETE", "faults?appid=wxunknown", None, "appid is one of"),
        ("DELETE", "faults?id=1", None, "id: the query may have appid"),
        ("GET", "journal?limit=0", None, "limit is at least 1"),
        ("GET", "journal?limit=all", None, "limit is a whole number"),
        ("GET", "journal?errcode=x", None, "errcode is a whole number"),
        ("GET", "journal?since=today", None, "since is a time"),
        ("GET", "journal?failed=yes", None, "failed is true or false, not 'yes'"),
        ("GET", "journal?via=http", None, "via is https or gateway, not 'http'"),
        ("GET", "journal?api=analysis.x", None, "and 156 more, not 'analysis.x'"),
        (
            "GET",
            f"journal?api=analysis.getDailyRetain&path={DAILY}",
            None,
            "give either api or path",
        ),
        ("GET", "journal?user=1", None, "user: the query may have appid, api"),
    ],
)
def test_bad_input_is_400_with_the_reason_and_changes_nothing(control, method, path, body, reason):
    token = control.token()
    control.post("faults", {"kind": "html", "appid": OTHER})
    control.call(token)
    before = control.state
    path, _, query = path.partition("?")
    answer = control.send(method, path, body, query_string=query)
    assert answer.status_code == 400
    assert answer.json.keys() == {"code", "message"}
    assert answer.json["code"] == "INVALID_REQUEST"
    assert reason in answer.json["message"]
    assert control.state == before
    assert control.emulator.apps == {DEMO_APPID: DEMO_SECRET, OTHER: OTHER_SECRET}
    assert control.call(token)["ref_date"] == "20260310"


@pytest.mark.parametrize(
    "path", ["", "nothing", "faults/x", "apps", "state/more", "/state", "state/", "apps//x"]
)
def test_unknown_path_is_404_in_json(control, path):
    answer = control.get(path)
    assert (answer.status_code, answer.json["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("bug", [ValueError, KeyError])
def test_error_of_the_emulator_is_500_not_400(control, monkeypatch, bug):
    def broken():
        raise bug("of our own")

    monkeypatch.setattr(control.emulator, "describe", broken)
    control.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert control.get("state").status_code == 500


OTHER_METHODS = [("POST", "state"), ("DELETE", "clock"), ("PATCH", "faults"), ("TRACE", "seed")]


@pytest.mark.parametrize(("method", "path"), OTHER_METHODS)
def test_wrong_method_is_405_in_json(control, method, path):
    answer = control.send(method, path, {})
    assert answer.status_code == 405
    assert answer.json.keys() == {"code", "message"}


HOSTS = ["localhost", "localhost:7070", "127.0.0.1:7070", "127.8.9.10", "[::1]:7070", "LOCALHOST"]


@pytest.mark.parametrize("host", HOSTS)
def test_loopback_host_is_accepted(control, host):
    assert control.send("GET", "state", headers={"Host": host}).status_code == 200


ELSEWHERE = ["api.weixin.qq.com", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"]


@pytest.mark.parametrize("host", [*ELSEWHERE, "0.0.0.0", "[::2]", "[", "evil@localhost.example"])
@pytest.mark.parametrize("path", ["state", "reset", "nothing"])
def test_foreign_host_is_refused_and_changes_nothing(control, host, path):
    control.post("faults", {"kind": "html"})
    method = "POST" if path == "reset" else "GET"
    answer = control.send(method, path, {"all": True}, headers={"Host": host})
    assert (answer.status_code, answer.json["code"]) == (403, "NOT_LOOPBACK")
    assert len(control.state["faults"]) == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://10.0.0.1:7070"])
def test_foreign_origin_is_refused(control, origin):
    answer = control.send("POST", "reset", {"all": True}, headers={"Origin": origin})
    assert answer.status_code == 403


@pytest.mark.parametrize(("method", "path"), OTHER_METHODS)
def test_foreign_host_gets_403_for_a_wrong_method_too(control, method, path):
    answer = control.send(method, path, {}, headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json["code"]) == (403, "NOT_LOOPBACK")


def test_loopback_origin_is_accepted(control):
    origin = {"Origin": "http://localhost:8000"}
    assert control.send("POST", "reset", {"all": True}, headers=origin).status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [("192.168.1.5", 403), ("::ffff:127.0.0.1", 200), ("::1", 200), ("fe80::1%eth0", 403)],
)
def test_foreign_address_is_refused(control, address, status):
    answer = control.send("GET", "state", environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == status


def test_wechat_routes_accept_any_host(control):
    headers = {"Host": "api.weixin.qq.com"}
    answer = control.client.post(DAILY, query_string={"access_token": "x"}, headers=headers)
    assert answer.json["errcode"] == 40001


def test_request_overtaken_by_a_reset_leaves_no_trace(control):
    alone = Control()
    control.emulator.faults.add({"kind": "latency", "seconds": 60})
    token = control.token()
    late = threading.Thread(target=control.call, args=(token,))
    late.start()
    assert until(lambda: control.emulator.faults.listed()[0].struck)
    control.emulator.reset()
    late.join(WAIT)
    assert control.entries() == []
    assert control.token() == alone.token()
    refused = [each.client.get("/cgi-bin/token").json for each in (control, alone)]
    assert refused[0] == refused[1]


def test_token_request_overtaken_by_a_reset_gets_no_token(control):
    control.emulator.faults.add({"kind": "latency", "seconds": 60})
    fields = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
    answers = []
    late = threading.Thread(
        target=lambda: answers.append(control.client.post(STABLE, json=fields).json)
    )
    late.start()
    assert until(lambda: control.emulator.faults.listed()[0].struck)
    control.emulator.reset()
    late.join(WAIT)
    assert answers[0]["errcode"] == -1
    shown = control.emulator.program(DEMO_APPID).quota.show(STABLE, NOW)
    assert shown["quota"]["used"] == 0
    assert control.token() == Control().token()


def test_state_is_readable_while_mini_programs_are_added_and_removed(control):
    def come_and_go():
        for _ in range(50):
            for number in range(20):
                control.emulator.configure_app(f"wx{number}", secret="s")
            control.emulator.reset()

    def tell():
        return {len(control.emulator.describe()["apps"]) for _ in range(1000)}

    _, told = run_concurrently(come_and_go, tell)
    assert min(told) == 2


def test_new_seed_invalidates_tokens(control):
    token = control.token()
    control.put("seed", {"seed": 8})
    assert control.call(token)["errcode"] == 40001


@pytest.mark.parametrize(
    "body",
    [
        b'{"accessToken": "SECRET-VALUE"}',
        b'{"ACCESS_TOKEN": "SECRET-VALUE"}',
        b'{"access\\u005ftoken": "SECRET-VALUE"}',
        b'{"list": [{"appSecret": {"a": "SECRET-VALUE"}}]}',
        b'{"x": "{\\"access_token\\": \\"SECRET-VALUE\\"}"}',
        b"{'access_token': 'with blanks SECRET-VALUE'}",
        b"access%5Ftoken=SECRET-VALUE&a=1",
        b"<token>SECRET-VALUE</token>",
        b'{"anything": "a-secret-of-another"}',
        b'["emulator_%b"]' % (b"x" * 136),
        b'{"emulator_%b": 1}' % (b"x" * 136),
    ],
)
def test_journal_masks_secrets_under_any_name(control, body):
    token = control.token(OTHER)
    query = {"access_token": token}
    control.client.post(
        DAILY, query_string=query, data=body.replace(b"SECRET-VALUE", b"x" + token.encode())
    )
    control.client.post(DAILY, query_string=query, data=body)
    text = json.dumps(control.entries())
    assert not any(secret in text for secret in ("SECRET-VALUE", token, OTHER_SECRET, "x" * 136))


@pytest.mark.parametrize(
    "body",
    [
        {"note": OTHER_SECRET},
        {OTHER_SECRET: 1},
        {"begin_date": [f"{OTHER_SECRET} {DEMO_SECRET}"]},
        f"a={OTHER_SECRET}&b=1",
        f"<x>{OTHER_SECRET}</x>",
    ],
    ids=str,
)
def test_journal_and_rids_mask_secrets_of_other_mini_programs(control, body):
    token = control.token()
    data = body if isinstance(body, str) else json.dumps(body)
    answer = control.client.post(DAILY, query_string={"access_token": token}, data=data)
    assert OTHER_SECRET not in json.dumps(control.entries())
    rid = answer.json["errmsg"].rpartition(" ")[2]
    looked_up = control.client.post(
        "/cgi-bin/openapi/rid/get", query_string={"access_token": token}, json={"rid": rid}
    )
    assert "***" in looked_up.json["request"]["request_body"]
    assert OTHER_SECRET not in looked_up.text


def test_journal_masks_replaced_secrets(control):
    control.put(f"apps/{OTHER}", {"secret": "a-newer-one"})
    control.call(control.token(), body={"note": f"{OTHER_SECRET} a-newer-one"})
    assert '"note": "*** ***"' in control.entries()[-1]["body"].replace('":"', '": "')


def test_journal_masks_a_token_in_the_path(control):
    token = control.token()
    control.client.post(f"/datacube/{token}/x", json={})
    assert control.entries()[-1]["path"] == "/datacube/***/x"


def test_rid_body_is_not_cut_within_a_token(control):
    token, other = control.token(), control.token(OTHER)
    body = {"begin_date": "x" * 1960 + other}
    rid = control.call(token, body=body)["errmsg"].rpartition(" ")[2]
    kept = control.client.post(
        "/cgi-bin/openapi/rid/get", query_string={"access_token": token}, json={"rid": rid}
    ).json["request"]["request_body"]
    assert "x" * 1960 in kept
    assert other[:30] not in kept
