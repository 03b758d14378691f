"""The quota of a day and what a rid stands for, as WeChat's APIs about APIs tell it."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from conftest import sample

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.emulator import rids as rids_module
from cloud_openapi.emulator.errors import MANAGEMENT_PATHS
from cloud_openapi.emulator.management import handlers

BEIJING = timezone(timedelta(hours=8))
NOW = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
DAILY = "/datacube/getweanalysisappiddailyretaininfo"
WEEKLY = "/datacube/getweanalysisappidweeklyretaininfo"
CLEAR = "/cgi-bin/clear_quota"
QUOTA = "/cgi-bin/openapi/quota/get"
RID = "/cgi-bin/openapi/rid/get"
OTHER = "wxother"
DAY = {"begin_date": "20260310", "end_date": "20260310"}
FIELDS = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
OK = {"errcode": 0, "errmsg": "ok"}


class Limited:
    def __init__(self):
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "s"}
        self.emulator = Emulator(clock=Clock(NOW), apps=apps)
        self.client = create_app(self.emulator).test_client()

    def limit(self, **limits):
        self.emulator.configure_app(DEMO_APPID, daily_limits=limits)

    def ask(self, path, body, appid=DEMO_APPID):
        token, _ = self.emulator.tokens.grant(appid)
        return self.client.post(path, query_string={"access_token": token}, json=body).json

    def code(self, path=DAILY, body=DAY, appid=DEMO_APPID):
        return self.ask(path, body, appid).get("errcode", 0)

    def quota(self, path=DAILY, appid=DEMO_APPID):
        return self.ask(QUOTA, {"cgi_path": path}, appid)["quota"]

    def rid(self, answer):
        return re.search(r"rid: (\S+)$", answer["errmsg"])[1]


@pytest.fixture
def limited():
    return Limited()


def text_of(answer):
    return answer["errmsg"].partition(" rid: ")[0]


# ---- the quota -----------------------------------------------------------------------------


def test_without_a_limit_calls_are_counted_only(limited):
    assert [limited.code() for _ in range(3)] == [0, 0, 0]
    assert limited.ask(QUOTA, {"cgi_path": DAILY}) == {
        **OK,
        "quota": {"daily_limit": 0, "used": 3, "remain": 0},
    }


def test_a_used_up_quota_is_45009_as_recorded(limited):
    limited.limit(**{"analysis.getDailyRetain": 2})
    answers = [limited.ask(DAILY, DAY) for _ in range(3)]
    assert [answer.get("errcode", 0) for answer in answers] == [0, 0, 45009]
    assert text_of(answers[2]) == text_of(sample("error.45009-api-rid.json"))
    assert limited.quota() == {"daily_limit": 2, "used": 2, "remain": 0}


def test_a_refused_call_counts_but_one_without_a_token_does_not(limited):
    limited.limit(**{DAILY: 10})
    limited.code(body={})
    limited.client.post(DAILY, json=DAY)
    limited.client.post(DAILY, query_string={"access_token": "x"}, json=DAY)
    assert limited.quota() == {"daily_limit": 10, "used": 1, "remain": 9}


def test_the_quota_is_checked_after_the_token_and_before_the_body(limited):
    limited.limit(**{DAILY: 0})
    assert limited.code(body={}) == 45009
    assert limited.client.post(DAILY, json={}).json["errcode"] == 41001


def test_a_limit_holds_for_one_api_of_one_mini_program(limited):
    limited.limit(**{DAILY: 0})
    assert limited.code() == 45009
    assert limited.code(appid=OTHER) == 0
    assert limited.code(WEEKLY, {"begin_date": "20260302", "end_date": "20260308"}) == 0


def test_the_quota_is_new_at_midnight_in_beijing(limited):
    limited.limit(**{DAILY: 1})
    limited.emulator.clock.freeze(datetime(2026, 3, 11, 23, 59, 59, tzinfo=BEIJING))
    assert [limited.code(), limited.code()] == [0, 45009]
    limited.emulator.clock.advance(timedelta(seconds=1))
    assert limited.quota()["used"] == 0
    assert limited.code() == 0


@pytest.mark.parametrize("path", ["/cgi-bin/token", "/cgi-bin/stable_token"])
def test_a_token_endpoint_has_a_quota_in_its_own_words(limited, path):
    limited.limit(**{path: 1})

    def ask():
        if path.endswith("stable_token"):
            return limited.client.post(path, json=FIELDS).json
        return limited.client.get(path, query_string=FIELDS).json

    assert "access_token" in ask()
    answer = ask()
    assert answer["errcode"] == 45009
    assert "could get access_token by getStableAccessToken" in answer["errmsg"]


def test_a_limit_is_lifted_and_forgotten_by_a_reset(limited):
    limited.limit(**{DAILY: 0, WEEKLY: 5})
    limited.limit(**{DAILY: None})
    assert limited.code() == 0
    assert limited.emulator.describe_app(DEMO_APPID)["daily_limits"] == {WEEKLY: 5}
    limited.emulator.reset_app(DEMO_APPID)
    assert limited.emulator.describe_app(DEMO_APPID)["daily_limits"] == {}
    assert limited.quota()["used"] == 0


def test_the_quota_is_cleared_ten_times_a_month(limited):
    limited.limit(**{DAILY: 1})
    for _ in range(10):
        assert [limited.code(), limited.code()] == [0, 45009]
        assert limited.ask(CLEAR, {"appid": DEMO_APPID}) == OK
    refused = limited.ask(CLEAR, {"appid": DEMO_APPID})
    assert refused["errcode"] == 48006
    assert text_of(refused) == "forbid to clear quota because of reaching the limit"
    assert limited.ask(CLEAR, {"appid": OTHER}, OTHER) == OK
    limited.emulator.clock.freeze(datetime(2026, 4, 1, tzinfo=BEIJING))
    assert limited.ask(CLEAR, {"appid": DEMO_APPID}) == OK


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (CLEAR, {"appid": OTHER}, 40013),
        (CLEAR, {"appid": []}, 40013),
        (CLEAR, [], 47001),
        (QUOTA, {}, 76021),
        (QUOTA, {"cgi_path": "/nowhere"}, 76021),
        (QUOTA, {"cgi_path": {}}, 76021),
        (RID, {}, 76002),
        (RID, {"rid": 5}, 76002),
        (RID, {"rid": "69b0e6c0-1-2"}, 76002),
        (RID, {"rid": "00000000-00000000-00000000"}, 76004),
        (RID, {"rid": "ffffffff-00000000-00000000"}, 76001),
    ],
)
def test_what_makes_no_sense_is_refused(limited, path, body, code):
    assert limited.code(path, body) == code


def test_the_paths_that_may_be_named_are_those_that_answer(limited):
    assert tuple(handlers(limited.emulator)) == MANAGEMENT_PATHS


@pytest.mark.parametrize("path", [CLEAR, QUOTA, RID])
def test_each_wants_post_and_a_token(limited, path):
    assert limited.client.get(path).json["errcode"] == 43002
    assert limited.client.post(path, json={}).json["errcode"] == 41001
    assert limited.client.post(path, query_string={"access_token": "x"}).json["errcode"] == 40001


# ---- rids ----------------------------------------------------------------------------------


def test_a_rid_tells_what_was_asked_and_answered(limited):
    body = {"begin_date": "x", "end_date": "x", "access_token": "someones"}
    answer = limited.ask(DAILY, body)
    found = limited.ask(RID, {"rid": limited.rid(answer)})
    request = found.pop("request")
    assert found == OK
    assert 0 <= request.pop("cost_in_ms") < 10_000
    assert request == {
        "invoke_time": int(NOW.timestamp()),
        "request_url": "access_token=***",
        "request_body": '{"access_token": "***", "begin_date": "x", "end_date": "x"}',
        "response_body": f'{{"errcode":61500,"errmsg":"{answer["errmsg"]}"}}',
        "client_ip": "127.0.0.1",
    }


def test_a_rid_is_found_for_seven_days(limited):
    rid = limited.rid(limited.ask(DAILY, {}))
    limited.emulator.clock.advance(timedelta(days=7))
    assert limited.code(RID, {"rid": rid}) == 0
    limited.emulator.clock.advance(timedelta(seconds=1))
    assert limited.code(RID, {"rid": rid}) == 76004


def test_a_rid_is_its_callers_alone(limited):
    rid = limited.rid(limited.ask(DAILY, {}))
    assert limited.code(RID, {"rid": rid}, OTHER) == 76003
    nobodys = limited.rid(limited.client.post(DAILY, json=DAY).json)
    assert limited.code(RID, {"rid": nobodys}) == 76003


def test_a_rid_of_a_fault_is_found_too(limited):
    limited.emulator.faults.add({"kind": "error", "errcode": 61504, "times": 1})
    rid = limited.rid(limited.ask(DAILY, DAY))
    assert "system busy" in limited.ask(RID, {"rid": rid})["request"]["response_body"]


def test_a_reset_forgets_the_mini_programs_rids(limited):
    rid, others = (limited.rid(limited.ask(DAILY, {}, appid)) for appid in (DEMO_APPID, OTHER))
    limited.emulator.reset_app(DEMO_APPID)
    assert limited.code(RID, {"rid": rid}) == 76001
    assert limited.code(RID, {"rid": others}, OTHER) == 0


def test_what_is_remembered_of_rids_is_bounded(limited, monkeypatch):
    monkeypatch.setattr(rids_module, "_REMEMBERED", 3)
    rids = [limited.rid(limited.ask(DAILY, {"x": "y" * 9999})) for _ in range(5)]
    found = [limited.emulator.rids._records.get(rid) for rid in rids]
    assert [record is None for record in found] == [True, True, False, False, False]
    assert all(len(record.body) == 2048 for record in found[2:])
