"""Cloud Run's open interface service: calls without a token, and with the one in its file."""

import re
from datetime import timedelta

import pytest
import requests
from support.values import DAILY, DAY, NOW, OTHER, TOKEN, WEEKLY

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, Server, create_app, listen

EVERY = {"api_whitelist": ["/*"]}
OFF = False
SEQID = "x-openapi-seqid"


class Container:
    """A client in a container, of which the emulator plays the side-car."""

    def __init__(self):
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "s"}
        self.emulator = Emulator(clock=Clock(NOW), apps=apps)
        self.client = create_app(self.emulator).test_client()

    def switch(self, setting, appid=DEMO_APPID):
        self.emulator.configure_app(appid, cloud_run=setting)

    def ask(self, path=DAILY, scheme="http", **query):
        base = f"{scheme}://api.weixin.qq.com"
        return self.client.post(path, base_url=base, query_string=query, json=DAY)

    def code(self, *path, **query):
        return self.ask(*path, **query).json.get("errcode", 0)

    def file(self, appid=DEMO_APPID):
        return self.client.get(f"/_emulator/apps/{appid}/cloudbase_access_token").text

    def by_file(self, token):
        return self.code(cloudbase_access_token=token)

    @property
    def last(self):
        return list(self.emulator.journal)[-1]


@pytest.fixture
def container():
    return Container()


# ---- without a token -----------------------------------------------------------------------


def test_a_call_without_a_token_is_made_in_the_containers_own_name(container):
    container.switch(EVERY)
    answer = container.ask()
    token, _ = container.emulator.program(DEMO_APPID).tokens.grant()
    assert answer.json == container.ask(access_token=token).json
    assert answer.json["ref_date"] == "20260310"
    assert container.last.appid == DEMO_APPID


def test_only_what_went_through_the_side_car_has_its_header(container):
    container.switch(EVERY)
    token, _ = container.emulator.program(DEMO_APPID).tokens.grant()
    assert re.fullmatch(r"[0-9a-f-]{26}", container.ask().headers[SEQID])
    assert SEQID not in container.ask(access_token=token).headers
    assert SEQID not in container.ask(cloudbase_access_token=container.file()).headers
    container.switch(OFF)
    assert SEQID not in container.ask().headers


def test_an_error_behind_the_side_car_has_its_header_too(container):
    container.switch(EVERY)
    container.emulator.configure_app(DEMO_APPID, daily_limits={DAILY: 0})
    answer = container.ask()
    assert answer.json["errcode"] == 45009
    assert SEQID in answer.headers


def test_while_the_service_is_off_the_token_is_missing(container):
    assert container.code() == 41001
    container.switch(EVERY)
    assert container.code() == 0
    container.switch(OFF)
    assert container.code() == 41001


def test_while_the_container_starts_the_token_is_missing(container):
    container.switch({**EVERY, "ready": False})
    assert container.code() == 41001


def test_over_https_the_token_is_missing(container):
    container.switch(EVERY)
    assert container.code(scheme="https") == 41001


def test_an_empty_token_is_missing_and_a_false_one_false(container):
    container.switch(EVERY)
    assert container.code(access_token="") == 41001
    assert container.code(access_token="x") == 40001


def test_a_path_that_is_not_listed_is_502_by_the_side_car(container):
    container.switch({"api_whitelist": [DAILY]})
    assert container.code(DAILY) == 0
    answer = container.ask(WEEKLY)
    assert (answer.status_code, answer.mimetype) == (502, "text/html")
    assert SEQID not in answer.headers
    assert (container.last.path, container.last.check) == (WEEKLY, "side-car: api_whitelist")


def test_from_appid_chooses_whose_data_are_asked_for(container):
    container.switch(EVERY)
    container.switch({"api_whitelist": [DAILY]}, OTHER)
    own, shared = container.ask().json, container.ask(from_appid=OTHER).json
    assert own != shared
    assert container.last.appid == OTHER
    assert container.ask(WEEKLY, from_appid=OTHER).status_code == 502
    assert container.ask(from_appid=DEMO_APPID).json == own


@pytest.mark.parametrize("appid", [OTHER, "wxnobody"])
def test_from_appid_of_a_mini_program_without_the_service_is_85105(container, appid):
    container.switch(EVERY)
    assert container.code(from_appid=appid) == 85105


def test_the_container_is_that_of_the_mini_program_that_was_first_to_have_the_service(container):
    container.switch(EVERY, OTHER)
    container.switch(EVERY, DEMO_APPID)
    container.switch({"api_whitelist": [DAILY]}, OTHER)  # a change keeps its place
    container.ask()
    assert container.last.appid == OTHER
    described = [
        container.emulator.describe_app(appid)["cloud_run"] for appid in (OTHER, DEMO_APPID)
    ]
    assert described == [
        {"api_whitelist": [DAILY], "ready": True, "own": True},
        {"api_whitelist": ["/*"], "ready": True, "own": False},
    ]
    container.switch(OFF, OTHER)
    container.ask()
    assert container.last.appid == DEMO_APPID


def test_quotas_and_faults_are_those_of_the_mini_program(container):
    container.switch(EVERY)
    container.switch(EVERY, OTHER)
    container.emulator.configure_app(OTHER, minute_limits={DAILY: 0})
    assert (container.code(), container.code(from_appid=OTHER)) == (0, 45011)
    container.emulator.faults.add({"kind": "error", "errcode": 61504, "appid": DEMO_APPID})
    assert (container.code(), container.code(from_appid=OTHER)) == (61504, 45011)


def test_a_token_is_not_granted_without_its_secret(container):
    container.switch(EVERY)
    assert container.client.get(TOKEN).json["errcode"] == 41002


def test_a_reset_switches_the_service_off(container):
    container.switch(EVERY)
    token = container.file()
    container.emulator.reset_app(DEMO_APPID)
    assert container.emulator.describe_app(DEMO_APPID)["cloud_run"] is False
    assert container.code() == 41001
    container.switch(EVERY)
    assert container.by_file(token) == 40001


# ---- the token file ------------------------------------------------------------------------


def test_the_token_of_the_file_is_good_over_http_and_https(container):
    container.switch(EVERY)
    token = container.file()
    assert container.code(cloudbase_access_token=token) == 0
    assert container.code(cloudbase_access_token=token, scheme="https") == 0
    assert container.last.appid == DEMO_APPID


def test_the_token_of_the_file_is_no_access_token(container):
    container.switch(EVERY)
    assert container.code(access_token=container.file()) == 40001


def test_a_token_is_pushed_every_ten_minutes_and_good_for_thirty(container):
    container.switch(EVERY)
    first = container.file()
    container.emulator.clock.advance(timedelta(minutes=10, seconds=-1))
    assert container.file() == first
    container.emulator.clock.advance(timedelta(seconds=1))
    second = container.file()
    assert second != first
    assert (container.by_file(first), container.by_file(second)) == (0, 0)
    container.emulator.clock.advance(timedelta(minutes=20))
    assert (container.by_file(first), container.by_file(second)) == (42001, 0)
    container.emulator.clock.advance(timedelta(minutes=10))
    assert container.by_file(second) == 42001


def test_a_push_that_nobody_read_does_not_prolong_the_token(container):
    container.switch(EVERY)
    container.file()
    container.emulator.clock.advance(timedelta(minutes=25))
    token = container.file()  # pushed five minutes ago
    container.emulator.clock.advance(timedelta(minutes=25, seconds=-1))
    assert container.by_file(token) == 0
    container.emulator.clock.advance(timedelta(seconds=1))
    assert container.by_file(token) == 42001


def test_a_clock_that_goes_back_gets_a_token_that_is_good(container):
    container.switch(EVERY)
    container.file()
    container.emulator.clock.advance(timedelta(hours=-6))
    assert container.by_file(container.file()) == 0


def test_each_mini_program_has_a_token_of_its_own(container):
    container.switch(EVERY)
    container.switch(EVERY, OTHER)
    assert container.by_file(container.file(OTHER)) == 0
    assert container.last.appid == OTHER


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        (OFF, 41001),
        ({"api_whitelist": ["/*"], "ready": False}, 85113),
        ({"api_whitelist": [WEEKLY]}, 85107),
        ({"api_whitelist": []}, 85107),
    ],
    ids=["off", "not ready", "not listed", "none listed"],
)
def test_a_token_of_the_file_is_refused_by_the_setting_of_its_mini_program(
    container, setting, code
):
    container.switch(EVERY)
    container.switch(EVERY, OTHER)
    token = container.file()
    container.switch(setting)
    assert container.by_file(token) == code


def test_a_made_up_token_of_the_file_is_40001_and_41001_while_the_service_is_off(container):
    assert container.by_file("x") == 41001
    container.switch(EVERY)
    assert container.by_file("x") == 40001


def test_the_file_is_for_this_machine_only(container):
    container.switch(EVERY)
    path = f"/_emulator/apps/{DEMO_APPID}/cloudbase_access_token"
    answer = container.client.get(path, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.status_code == 403


def test_no_token_of_the_file_is_in_the_journal_or_the_state(container):
    container.switch(EVERY)
    token = container.file()
    body = {**DAY, "cloudbase_access_token": token}
    container.client.post(DAILY, query_string={"cloudbase_access_token": token}, json=body)
    dates = {"begin_date": token, "end_date": token}
    container.client.post(DAILY, query_string={"cloudbase_access_token": token}, json=dates)
    container.client.get(f"{DAILY}&cloudbase_access_token={token}")
    assert len(container.emulator.journal) == 3
    assert token not in repr(list(container.emulator.journal))
    assert token not in repr(container.emulator.describe())


def test_what_is_remembered_of_tokens_is_bounded(container, monkeypatch):
    monkeypatch.setattr("cloud_openapi.emulator.state.cloud_run._MOST_TOKENS", 3)
    container.emulator.reset()
    container.switch(EVERY)
    for _ in range(9):
        container.file()
        container.emulator.clock.advance(timedelta(minutes=10))
    assert len(container.emulator.program(DEMO_APPID).cloud_run._pushed) == 3


def test_a_client_reads_the_file_and_calls_as_it_does_in_a_container(container, tmp_path):
    container.switch({"api_whitelist": [DAILY]})
    listening = listen("127.0.0.1", 0)
    file = tmp_path / "cloudbase_access_token"
    with Server(create_app(container.emulator), listening) as server:
        url = f"{server.url}/_emulator/apps/{DEMO_APPID}/cloudbase_access_token"
        file.write_bytes(requests.get(url, timeout=5).content)
        answer = requests.post(
            server.url + DAILY,
            params={"cloudbase_access_token": file.read_text("utf-8")},
            json=DAY,
            timeout=5,
        )
    assert answer.json()["ref_date"] == "20260310"
