"""Why requests over HTTPS fail: the reasons in the journal."""

from datetime import timedelta

import pytest
from support.values import API, DAILY, DAY, NOW, STABLE, TOKEN

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.errors import LONGEST_REASON, advice

CREDENTIALS = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}


class Weixin:
    def __init__(self):
        self.emulator = Emulator(clock=Clock(NOW))
        self.client = create_app(self.emulator).test_client()
        self.tokens = self.emulator.program(DEMO_APPID).tokens

    def reason(self, code, path=DAILY, token=None, method="POST", **request):
        """Send a request that fails with a code, and return the reason in its journal entry."""
        query = {} if token is None else {"access_token": token}
        request.setdefault("query_string", query)
        answer = self.client.open(path, method=method, **request)
        entry = list(self.emulator.journal)[-1]
        assert answer.json["errcode"] == entry.errcode == code
        assert 0 < len(entry.reason) <= LONGEST_REASON
        assert "\n" not in entry.reason
        for secret in (DEMO_SECRET, token):
            assert not secret or secret not in entry.reason
        return entry.reason

    def token(self):
        return self.tokens.grant()[0]


@pytest.fixture
def weixin():
    return Weixin()


def test_a_success_has_no_reason(weixin):
    weixin.client.post(DAILY, query_string={"access_token": weixin.token()}, json=DAY)
    assert [entry.reason for entry in weixin.emulator.journal] == [""]


def test_an_expired_token_names_its_times(weixin):
    token = weixin.token()
    weixin.emulator.clock.advance(timedelta(hours=3))
    assert weixin.reason(42001, token=token, json=DAY) == (
        "the access token of 2026-03-11 12:00:00 expired at 2026-03-11 14:00:00, and by the "
        "emulator's clock it is 2026-03-11 15:00:00: fetch a new one"
    )


def test_a_replaced_token_names_the_time_and_stable_token(weixin):
    token = weixin.token()
    weixin.token()
    weixin.emulator.clock.advance(timedelta(minutes=6))
    assert weixin.reason(40001, token=token, json=DAY).startswith(
        "the access token ended at 2026-03-11 12:05:00 because a program fetched a newer one: let "
        "all programs use /cgi-bin/stable_token"
    )


def test_a_revoked_token_names_the_fault(weixin):
    token = weixin.token()
    weixin.emulator.faults.add({"kind": "revoke_token", "times": 1})
    assert weixin.reason(40001, token=token, json=DAY).startswith("fault 1: revoke_token made ")
    assert "was revoked, by a fault revoke_token" in weixin.reason(40001, token=token, json=DAY)


def test_a_token_of_another_emulator_says_where_to_fetch_one(weixin):
    for token in ("made-up", Weixin().token()[:-1] + "x"):
        reason = weixin.reason(40001, token=token, json=DAY)
        assert reason.startswith("this emulator did not grant the access token, or was reset since")


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        (
            {"appid": "wxother"},
            40013,
            f"the emulator's mini programs are {DEMO_APPID}; to add one: ",
        ),
        (
            {"secret": "wrong"},
            40125,
            f"the secret is not that of {DEMO_APPID} here: use the one th",
        ),
        ({"grant_type": "x"}, 40002, 'grant_type must be "client_credential"'),
        ({"appid": ""}, 41002, "appid is missing"),
        ({"secret": ""}, 41004, "secret is missing"),
    ],
)
@pytest.mark.parametrize("path", [TOKEN, STABLE])
def test_wrong_credentials_say_which(weixin, path, change, code, reason):
    fields = {**CREDENTIALS, **change}
    sent = {"query_string": fields} if path == TOKEN else {"json": fields}
    method = "GET" if path == TOKEN else "POST"
    assert weixin.reason(code, path, method=method, **sent).startswith(reason)


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        ({"method": "GET"}, 43002, "send the request with POST"),
        ({"data": b""}, 44002, "the body is empty: send a JSON object"),
        ({"data": b"{"}, 47001, "the body is not a JSON object in UTF-8"),
        ({"data": b"a=1"}, 61500, "the body is a form: send JSON, as with json= of requests or "),
        ({"json": {"beginDate": "20260310"}}, 61500, "begin_date is missing: did you mean begin_d"),
        ({"json": {**DAY, "end_date": "x"}}, 61500, 'end_date is "x": write a day as yyyymmdd, su'),
    ],
)
def test_a_wrong_request_says_what_to_send(weixin, request_, code, reason):
    assert weixin.reason(code, token=weixin.token(), **request_).startswith(reason)


def test_a_request_without_a_token_says_where_it_belongs(weixin):
    assert "?access_token=" in weixin.reason(41001, json=DAY)


def test_an_unknown_path_names_the_list(weixin):
    assert weixin.reason(40066, "/datacube/nothing").startswith("the emulator has no such path")


def test_the_services_own_limit_is_called_so(weixin):
    path = weixin.emulator.catalogue[API].path
    weixin.emulator.configure_app(DEMO_APPID, daily_limits={API: 1})
    token = weixin.token()
    weixin.client.post(path, query_string={"access_token": token}, json=DAY)
    assert f"the 1 calls a day of {path} are used up (set by daily_limits of" in weixin.reason(
        45009, token=token, json=DAY
    )
    for _ in range(2000):
        weixin.client.get(TOKEN, query_string=CREDENTIALS)
    reason = weixin.reason(45009, TOKEN, method="GET", query_string=CREDENTIALS)
    assert reason.startswith(f"the 2,000 calls a day of {TOKEN} are used up (WeChat's own limit)")


def test_an_error_that_the_simulation_has_no_reason_for_has_the_clients_advice(weixin):
    weixin.emulator.pins.add({"api": API, "response": {"errcode": 40164, "errmsg": "no"}})
    assert weixin.reason(40164, token=weixin.token(), json=DAY).startswith("pin 1 makes this answ")
    # One table for both sides: their words do not contradict each other.
    assert advice(40164).startswith("Add this machine's address to the IP whitelist")
