"""WeChat's management APIs: quotas by day and minute, and requests by rid."""

import re
from datetime import datetime, timedelta
from functools import partial

import pytest
from support.paths import sample
from support.threads import run_concurrently
from support.values import DAILY, DAY, NOW, OTHER, QUOTA, WEEKLY

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.emulator.errors import MANAGEMENT_PATHS, RefusalError
from cloud_openapi.emulator.state import rids as rids_module
from cloud_openapi.emulator.weixin.management import handlers
from cloud_openapi.periods import BEIJING

CLEAR = "/cgi-bin/clear_quota"
CLEAR_V2 = "/cgi-bin/clear_quota/v2"
CLEAR_ONE = "/cgi-bin/openapi/quota/clear"
RID = "/cgi-bin/openapi/rid/get"
FIELDS = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
OK = {"errcode": 0, "errmsg": "ok"}


class Limited:
    def __init__(self):
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "s"}
        self.emulator = Emulator(clock=Clock(NOW), apps=apps)
        self.client = create_app(self.emulator).test_client()

    def limit(self, **limits):
        self.emulator.configure_app(DEMO_APPID, daily_limits=limits)

    def limit_a_minute(self, **limits):
        self.emulator.configure_app(DEMO_APPID, minute_limits=limits)

    def spend(self, path, times):
        for _ in range(times):
            self.emulator.program(DEMO_APPID).quota.spend(path, self.emulator.clock.now())

    def ask(self, path, body, appid=DEMO_APPID):
        token, _ = self.emulator.program(appid).tokens.grant()
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


def test_calls_without_a_limit_are_counted(limited):
    assert [limited.code() for _ in range(3)] == [0, 0, 0]
    assert limited.ask(QUOTA, {"cgi_path": DAILY}) == {
        **OK,
        "quota": {"daily_limit": 0, "used": 3, "remain": 0},
    }


def test_exceeded_daily_quota_is_45009_as_recorded(limited):
    limited.limit(**{"analysis.getDailyRetain": 2})
    answers = [limited.ask(DAILY, DAY) for _ in range(3)]
    assert [answer.get("errcode", 0) for answer in answers] == [0, 0, 45009]
    assert text_of(answers[2]) == text_of(sample("error.45009-api-rid.json"))
    assert limited.quota() == {"daily_limit": 2, "used": 2, "remain": 0}


def test_refused_call_counts_but_call_without_token_does_not(limited):
    limited.limit(**{DAILY: 10})
    limited.code(body={})
    limited.client.post(DAILY, json=DAY)
    limited.client.post(DAILY, query_string={"access_token": "x"}, json=DAY)
    assert limited.quota() == {"daily_limit": 10, "used": 1, "remain": 9}


def test_daily_quota_is_checked_after_the_token_and_before_the_body(limited):
    limited.limit(**{DAILY: 0})
    assert limited.code(body={}) == 45009
    assert limited.client.post(DAILY, json={}).json["errcode"] == 41001


def test_limit_applies_to_one_api_of_one_mini_program(limited):
    limited.limit(**{DAILY: 0})
    assert limited.code() == 45009
    assert limited.code(appid=OTHER) == 0
    assert limited.code(WEEKLY, {"begin_date": "20260302", "end_date": "20260308"}) == 0


def test_daily_quota_restarts_at_midnight_in_beijing(limited):
    limited.limit(**{DAILY: 1})
    limited.emulator.clock.freeze(datetime(2026, 3, 11, 23, 59, 59, tzinfo=BEIJING))
    assert [limited.code(), limited.code()] == [0, 45009]
    limited.emulator.clock.advance(timedelta(seconds=1))
    assert limited.quota()["used"] == 0
    assert limited.code() == 0


@pytest.mark.parametrize("path", ["/cgi-bin/token", "/cgi-bin/stable_token"])
def test_token_endpoints_have_their_own_quota_message(limited, path):
    limited.limit(**{path: 1})

    def ask():
        if path.endswith("stable_token"):
            return limited.client.post(path, json=FIELDS).json
        return limited.client.get(path, query_string=FIELDS).json

    assert "access_token" in ask()
    answer = ask()
    assert answer["errcode"] == 45009
    assert "could get access_token by getStableAccessToken" in answer["errmsg"]


def test_daily_limit_can_be_removed_and_is_cleared_by_reset(limited):
    limited.limit(**{DAILY: 0, WEEKLY: 5})
    limited.limit(**{DAILY: None})
    assert limited.code() == 0
    assert limited.emulator.describe_app(DEMO_APPID)["daily_limits"] == {WEEKLY: 5}
    limited.emulator.reset_app(DEMO_APPID)
    assert limited.emulator.describe_app(DEMO_APPID)["daily_limits"] == {}
    assert limited.quota()["used"] == 0


def test_quota_can_be_cleared_ten_times_a_month(limited):
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
        (QUOTA, {"cgi_path": f"{DAILY}?access_token=x"}, 76021),
        (QUOTA, {"cgi_path": f"https://api.weixin.qq.com{DAILY}"}, 76021),
        (QUOTA, {"cgi_path": "/sns/jscode2session"}, 76022),
        (CLEAR_ONE, {"cgi_path": "/nowhere"}, 76021),
        (CLEAR_ONE, {"cgi_path": "/sns/jscode2session"}, 76022),
        (RID, {}, 76002),
        (RID, {"rid": 5}, 76002),
        (RID, {"rid": "69b0e6c0-1-2"}, 76002),
        (RID, {"rid": "00000000-00000000-00000000"}, 76004),
        (RID, {"rid": "ffffffff-00000000-00000000"}, 76001),
    ],
)
def test_invalid_management_requests_are_refused(limited, path, body, code):
    assert limited.code(path, body) == code


def test_every_management_path_has_a_handler(limited):
    assert tuple(handlers(limited.emulator)) == MANAGEMENT_PATHS


@pytest.mark.parametrize("path", [CLEAR, QUOTA, CLEAR_ONE, RID])
def test_management_apis_require_post_and_a_token(limited, path):
    assert limited.client.get(path).json["errcode"] == 43002
    assert limited.client.post(path, json={}).json["errcode"] == 41001
    assert limited.client.post(path, query_string={"access_token": "x"}).json["errcode"] == 40001


# ---- the quota of a minute -----------------------------------------------------------------


def test_exceeded_minute_quota_is_45011_until_the_next_minute(limited):
    limited.limit_a_minute(**{"analysis.getDailyRetain": 2})
    limited.emulator.clock.freeze(datetime(2026, 3, 11, 12, 0, 59, tzinfo=BEIJING))
    answers = [limited.ask(DAILY, DAY) for _ in range(3)]
    assert [answer.get("errcode", 0) for answer in answers] == [0, 0, 45011]
    assert text_of(answers[2]) == "api minute-quota reach limit, must slower, retry next minute"
    limited.emulator.clock.advance(timedelta(seconds=1))
    assert [limited.code() for _ in range(3)] == [0, 0, 45011]


def test_call_refused_by_minute_quota_does_not_use_daily_quota(limited):
    limited.limit(**{DAILY: 10})
    limited.limit_a_minute(**{DAILY: 1})
    assert [limited.code() for _ in range(3)] == [0, 45011, 45011]
    assert limited.quota() == {"daily_limit": 10, "used": 1, "remain": 9}


def test_daily_quota_is_checked_before_minute_quota(limited):
    limited.limit(**{DAILY: 0})
    limited.limit_a_minute(**{DAILY: 0})
    assert limited.code() == 45009


def test_minute_quota_is_checked_after_the_token_and_before_the_body(limited):
    limited.limit_a_minute(**{DAILY: 0})
    assert limited.code(body={}) == 45011
    assert limited.client.post(DAILY, json={}).json["errcode"] == 41001


def test_minute_limit_is_shown_as_rate_limit(limited):
    limited.limit_a_minute(**{DAILY: 7})
    assert limited.ask(QUOTA, {"cgi_path": DAILY}) == {
        **OK,
        "quota": {"daily_limit": 0, "used": 0, "remain": 0},
        "rate_limit": {"call_count": 7, "refresh_second": 60},
    }
    limited.limit_a_minute(**{DAILY: None})
    assert "rate_limit" not in limited.ask(QUOTA, {"cgi_path": DAILY})


def test_minute_limit_is_described_and_cleared_by_reset(limited):
    limited.limit_a_minute(**{DAILY: 1})
    assert limited.emulator.describe_app(DEMO_APPID)["minute_limits"] == {DAILY: 1}
    assert [limited.code(), limited.code()] == [0, 45011]
    limited.emulator.reset_app(DEMO_APPID)
    assert limited.emulator.describe_app(DEMO_APPID)["minute_limits"] == {}
    assert [limited.code(), limited.code()] == [0, 0]


# ---- the limits that WeChat publishes ------------------------------------------------------


def test_token_endpoint_grants_2000_tokens_a_day(limited):
    limited.spend("/cgi-bin/token", 1999)
    answers = [limited.client.get("/cgi-bin/token", query_string=FIELDS).json for _ in range(2)]
    assert "access_token" in answers[0]
    assert answers[1]["errcode"] == 45009


def test_stable_token_allows_10000_calls_a_minute_and_500000_a_day(limited):
    path = "/cgi-bin/stable_token"
    limited.spend(path, 9_999)
    assert "access_token" in limited.client.post(path, json=FIELDS).json
    assert limited.client.post(path, json=FIELDS).json["errcode"] == 45011
    assert limited.ask(QUOTA, {"cgi_path": path}) == {
        **OK,
        "quota": {"daily_limit": 500_000, "used": 10_000, "remain": 490_000},
        "rate_limit": {"call_count": 10_000, "refresh_second": 60},
    }
    limited.emulator.clock.advance(timedelta(minutes=1))
    assert "access_token" in limited.client.post(path, json=FIELDS).json


def test_published_limit_can_be_removed_and_is_restored_by_reset(limited):
    path = "/cgi-bin/token"
    limited.limit(**{path: None})
    assert limited.emulator.describe_app(DEMO_APPID)["daily_limits"] == {path: None}
    limited.spend(path, 2001)
    assert limited.quota(path) == {"daily_limit": 0, "used": 2001, "remain": 0}
    limited.emulator.reset_app(DEMO_APPID)
    assert limited.quota(path) == {"daily_limit": 2000, "used": 0, "remain": 2000}


# ---- threads, time and memory --------------------------------------------------------------


def count_done(action, appids):
    done = 0
    for appid in appids:
        try:
            action(appid)
        except RefusalError:
            continue
        done += 1
    return done


def test_concurrent_calls_never_exceed_the_quota(limited):
    appids = [f"wx{number}" for number in range(1000)]
    for appid in appids:
        # Limits of both kinds, for more code between the check of a limit and the count.
        limits = {"daily_limits": {DAILY: 2}, "minute_limits": {DAILY: 100}}
        limited.emulator.configure_app(appid, secret="s", **limits)
    programs = limited.emulator.programs

    def spend():
        return count_done(lambda appid: programs[appid].quota.spend(DAILY, NOW), sorted(appids * 2))

    assert sum(run_concurrently(*[spend] * 4)) == 2 * len(appids)


def test_daily_quota_uses_current_day(limited):
    quota, today = limited.emulator.program(DEMO_APPID).quota, NOW
    yesterday = NOW - timedelta(days=1)
    quota.spend(DAILY, today)
    quota.spend(DAILY, yesterday)
    assert quota.show(DAILY, yesterday)["quota"]["used"] == 2
    assert quota.show(DAILY, today)["quota"]["used"] == 2


def test_minute_quota_uses_current_minute(limited):
    limited.limit_a_minute(**{DAILY: 2})
    quota, late = limited.emulator.program(DEMO_APPID).quota, NOW - timedelta(seconds=1)
    for moment in (NOW, late):
        quota.spend(DAILY, moment)
    with pytest.raises(RefusalError):
        quota.spend(DAILY, NOW)


def test_clock_moved_back_restarts_the_daily_quota(limited):
    limited.spend(DAILY, 3)
    limited.emulator.clock.advance(timedelta(days=-1))
    limited.spend(DAILY, 1)
    now = limited.emulator.clock.now()
    assert limited.emulator.program(DEMO_APPID).quota.show(DAILY, now)["quota"]["used"] == 1


def test_only_known_apis_and_mini_programs_use_memory(limited):
    limited.limit_a_minute(**{DAILY: 9})
    for number in range(50):
        limited.client.post(f"/nowhere/{number}", json={})
        limited.client.get("/cgi-bin/token", query_string={**FIELDS, "appid": f"wx{number}"})
        limited.ask(QUOTA, {"cgi_path": f"/nowhere/{number}"})
        limited.ask(CLEAR_ONE, {"cgi_path": f"/nowhere/{number}"})
        limited.emulator.clock.advance(timedelta(minutes=1))
        limited.code()
    programs = limited.emulator.programs
    kept = {appid: list(program.quota._meters) for appid, program in programs.items()}
    assert kept == {DEMO_APPID: [DAILY], OTHER: []}


# ---- clearing without a token, and one API alone -------------------------------------------


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({"appid": DEMO_APPID, "appsecret": DEMO_SECRET}, None),
        ({}, {"appid": DEMO_APPID, "appsecret": DEMO_SECRET}),
        ({"appid": DEMO_APPID}, {"appsecret": DEMO_SECRET}),
    ],
    ids=["query", "body", "both"],
)
def test_quota_can_be_cleared_with_the_secret_instead_of_a_token(limited, query, body):
    limited.limit(**{DAILY: 1})
    assert [limited.code(), limited.code()] == [0, 45009]
    assert limited.client.post(CLEAR_V2, query_string=query, json=body).json == OK
    assert limited.code() == 0
    assert list(limited.emulator.journal)[-2].appid == DEMO_APPID


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 41002),
        ({"appid": "wxunknown", "appsecret": "s"}, 40013),
        ({"appid": DEMO_APPID}, 41004),
        ({"appid": DEMO_APPID, "appsecret": "wrong"}, 40125),
        ({"appid": DEMO_APPID, "appsecret": []}, 41004),
    ],
    ids=str,
)
def test_clearing_with_invalid_credentials_is_refused(limited, fields, code):
    assert limited.client.post(CLEAR_V2, json=fields).json["errcode"] == code


def test_clearing_with_the_secret_requires_post_and_fields(limited):
    fields = {"appid": DEMO_APPID, "appsecret": DEMO_SECRET}
    assert limited.client.get(CLEAR_V2, query_string=fields).json["errcode"] == 43002
    assert limited.client.post(CLEAR_V2).json["errcode"] == 44002


def test_both_ways_of_clearing_share_one_monthly_limit(limited):
    fields = {"appid": DEMO_APPID, "appsecret": DEMO_SECRET}
    for _ in range(5):
        assert limited.ask(CLEAR, {"appid": DEMO_APPID}) == OK
        assert limited.client.post(CLEAR_V2, json=fields).json == OK
    assert limited.client.post(CLEAR_V2, json=fields).json["errcode"] == 48006
    assert limited.code(CLEAR, {"appid": DEMO_APPID}) == 48006


def test_secret_of_a_clearing_is_not_stored(limited):
    fields = {"appid": DEMO_APPID, "appsecret": DEMO_SECRET}
    limited.client.post(CLEAR_V2, json=fields)
    limited.client.post(CLEAR_V2, query_string=fields)
    rid = limited.rid(limited.client.post(CLEAR_V2, json={**fields, "appid": "wxunknown"}).json)
    assert DEMO_SECRET not in repr(list(limited.emulator.journal))
    assert DEMO_SECRET not in repr(limited.emulator.common.rids.get(rid))


def test_fault_of_a_mini_program_applies_to_its_clearing_with_the_secret(limited):
    limited.emulator.faults.add({"kind": "error", "errcode": -1, "appid": DEMO_APPID})
    fields = {"appid": DEMO_APPID, "appsecret": DEMO_SECRET}
    assert limited.client.post(CLEAR_V2, query_string=fields).json["errcode"] == -1
    assert limited.client.post(CLEAR_V2, json=fields).json["errcode"] == -1


def test_count_of_one_api_can_be_cleared_fifty_times_a_month(limited):
    limited.code(WEEKLY, {})
    for _ in range(50):
        limited.code()
        assert limited.ask(CLEAR_ONE, {"cgi_path": DAILY}) == OK
    assert (limited.quota(DAILY)["used"], limited.quota(WEEKLY)["used"]) == (0, 1)
    assert limited.code(CLEAR_ONE, {"cgi_path": WEEKLY}) == 48006
    assert limited.ask(CLEAR_ONE, {"cgi_path": DAILY}, OTHER) == OK
    assert limited.ask(CLEAR, {"appid": DEMO_APPID}) == OK
    limited.emulator.clock.freeze(datetime(2026, 4, 1, tzinfo=BEIJING))
    assert limited.ask(CLEAR_ONE, {"cgi_path": WEEKLY}) == OK


def test_clearing_does_not_reset_the_minute_quota(limited):
    limited.limit_a_minute(**{DAILY: 1})
    assert limited.code() == 0
    assert limited.ask(CLEAR, {"appid": DEMO_APPID}) == OK
    assert limited.ask(CLEAR_ONE, {"cgi_path": DAILY}) == OK
    assert limited.code() == 45011


# ---- rids ----------------------------------------------------------------------------------


def test_rid_returns_its_request_and_response(limited):
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


def test_rid_is_valid_for_seven_days(limited):
    rid = limited.rid(limited.ask(DAILY, {}))
    limited.emulator.clock.advance(timedelta(days=7))
    assert limited.code(RID, {"rid": rid}) == 0
    limited.emulator.clock.advance(timedelta(seconds=1))
    assert limited.code(RID, {"rid": rid}) == 76004


def test_rid_is_visible_to_its_own_mini_program_only(limited):
    rid = limited.rid(limited.ask(DAILY, {}))
    assert limited.code(RID, {"rid": rid}, OTHER) == 76003
    unowned = limited.rid(limited.client.post(DAILY, json=DAY).json)
    assert limited.code(RID, {"rid": unowned}) == 76003


def test_rid_of_a_fault_is_found(limited):
    limited.emulator.faults.add({"kind": "error", "errcode": 61504, "times": 1})
    rid = limited.rid(limited.ask(DAILY, DAY))
    assert "system busy" in limited.ask(RID, {"rid": rid})["request"]["response_body"]


def test_reset_clears_the_rids_of_its_mini_program(limited):
    rid, others = (limited.rid(limited.ask(DAILY, {}, appid)) for appid in (DEMO_APPID, OTHER))
    limited.emulator.reset_app(DEMO_APPID)
    assert limited.code(RID, {"rid": rid}) == 76001
    assert limited.code(RID, {"rid": others}, OTHER) == 0


def test_stored_rids_and_bodies_are_bounded(limited, monkeypatch):
    monkeypatch.setattr(rids_module, "_MOST_RECORDS", 3)
    limited.emulator.reset()
    rids = [limited.rid(limited.ask(DAILY, {"x": "y" * 9999})) for _ in range(5)]
    found = [limited.emulator.program(DEMO_APPID).rids.get(rid) for rid in rids]
    assert [record is None for record in found] == [True, True, False, False, False]
    assert all(len(record.body) == 2048 for record in found[2:])


def test_rids_of_concurrent_requests_are_all_found():
    rids = rids_module.Rids()

    def make(letter):
        record = rids_module.Record(NOW, 0, letter.encode(), b"", "127.0.0.1")
        for number in range(250):
            rids.add(f"{letter}{number}", record)
        return letter

    letters = run_concurrently(*[partial(make, letter) for letter in "abcd"])
    assert all(
        rids.get(f"{a}{number}").body == a.encode() for a in letters for number in range(250)
    )


def test_concurrent_clearings_share_the_monthly_limit(limited):
    appids = [f"wx{number}" for number in range(1000)]
    for appid in appids:
        limited.emulator.configure_app(appid, secret="s")
    programs = limited.emulator.programs

    def clear():
        return count_done(lambda appid: programs[appid].quota.clear(NOW), sorted(appids * 10))

    assert sum(run_concurrently(*[clear] * 4)) == 10 * len(appids)
