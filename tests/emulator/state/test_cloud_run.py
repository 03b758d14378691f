"""Cloud Run's open interface service: calls without a token and with the token of its file."""

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
    """A client in a container; the emulator is its side-car."""

    def __init__(self):
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "s"}
        self.emulator = Emulator(clock=Clock(NOW), apps=apps)
        self.client = create_app(self.emulator).test_client()

    def switch(self, setting, appid=DEMO_APPID):
        self.emulator.configure_app(appid, cloud_run=setting)

    def call(self, path=DAILY, scheme="http", **query):
        base = f"{scheme}://api.weixin.qq.com"
        return self.client.post(path, base_url=base, query_string=query, json=DAY)

    def code(self, *path, **query):
        return self.call(*path, **query).json.get("errcode", 0)

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


def test_call_without_token_is_for_the_containers_mini_program(container):
    container.switch(EVERY)
    answer = container.call()
    token, _ = container.emulator.program(DEMO_APPID).tokens.grant()
    assert answer.json == container.call(access_token=token).json
    assert answer.json["ref_date"] == "20260310"
    assert container.last.appid == DEMO_APPID


def test_only_side_car_responses_have_its_header(container):
    container.switch(EVERY)
    token, _ = container.emulator.program(DEMO_APPID).tokens.grant()
    assert re.fullmatch(r"[0-9a-f-]{26}", container.call().headers[SEQID])
    assert SEQID not in container.call(access_token=token).headers
    assert SEQID not in container.call(cloudbase_access_token=container.file()).headers
    container.switch(OFF)
    assert SEQID not in container.call().headers


def test_errors_through_the_side_car_have_its_header(container):
    container.switch(EVERY)
    container.emulator.configure_app(DEMO_APPID, daily_limits={DAILY: 0})
    answer = container.call()
    assert answer.json["errcode"] == 45009
    assert SEQID in answer.headers


def test_call_without_token_needs_the_service(container):
    assert container.code() == 41001
    container.switch(EVERY)
    assert container.code() == 0
    container.switch(OFF)
    assert container.code() == 41001


def test_call_without_token_is_41001_until_ready(container):
    container.switch({**EVERY, "ready": False})
    assert container.code() == 41001


def test_call_without_token_over_https_is_41001(container):
    container.switch(EVERY)
    assert container.code(scheme="https") == 41001


def test_empty_token_is_41001_and_invalid_token_40001(container):
    container.switch(EVERY)
    assert container.code(access_token="") == 41001
    assert container.code(access_token="x") == 40001


def test_unlisted_path_is_502_by_the_side_car(container):
    container.switch({"api_whitelist": [DAILY]})
    assert container.code(DAILY) == 0
    answer = container.call(WEEKLY)
    assert (answer.status_code, answer.mimetype) == (502, "text/html")
    assert SEQID not in answer.headers
    assert (container.last.path, container.last.check) == (WEEKLY, "side-car: api_whitelist")


def test_from_appid_selects_the_mini_program(container):
    container.switch(EVERY)
    container.switch({"api_whitelist": [DAILY]}, OTHER)
    own, shared = container.call().json, container.call(from_appid=OTHER).json
    assert own != shared
    assert container.last.appid == OTHER
    assert container.call(WEEKLY, from_appid=OTHER).status_code == 502
    assert container.call(from_appid=DEMO_APPID).json == own


@pytest.mark.parametrize("appid", [OTHER, "wxunknown"])
def test_from_appid_without_the_service_is_85105(container, appid):
    container.switch(EVERY)
    assert container.code(from_appid=appid) == 85105


def test_container_belongs_to_the_first_mini_program_with_the_service(container):
    container.switch(EVERY, OTHER)
    container.switch(EVERY, DEMO_APPID)
    container.switch({"api_whitelist": [DAILY]}, OTHER)  # a change keeps its place
    container.call()
    assert container.last.appid == OTHER
    described = [
        container.emulator.describe_app(appid)["cloud_run"] for appid in (OTHER, DEMO_APPID)
    ]
    assert described == [
        {"api_whitelist": [DAILY], "ready": True, "own": True},
        {"api_whitelist": ["/*"], "ready": True, "own": False},
    ]
    container.switch(OFF, OTHER)
    container.call()
    assert container.last.appid == DEMO_APPID


def test_quotas_and_faults_apply_to_the_mini_program(container):
    container.switch(EVERY)
    container.switch(EVERY, OTHER)
    container.emulator.configure_app(OTHER, minute_limits={DAILY: 0})
    assert (container.code(), container.code(from_appid=OTHER)) == (0, 45011)
    container.emulator.faults.add({"kind": "error", "errcode": 61504, "appid": DEMO_APPID})
    assert (container.code(), container.code(from_appid=OTHER)) == (61504, 45011)


def test_token_request_still_needs_the_secret(container):
    container.switch(EVERY)
    assert container.client.get(TOKEN).json["errcode"] == 41002


def test_reset_switches_the_service_off(container):
    container.switch(EVERY)
    token = container.file()
    container.emulator.reset_app(DEMO_APPID)
    assert container.emulator.describe_app(DEMO_APPID)["cloud_run"] is False
    assert container.code() == 41001
    container.switch(EVERY)
    assert container.by_file(token) == 40001


# ---- the token file ------------------------------------------------------------------------


def test_token_of_the_file_is_valid_over_http_and_https(container):
    container.switch(EVERY)
    token = container.file()
    assert container.code(cloudbase_access_token=token) == 0
    assert container.code(cloudbase_access_token=token, scheme="https") == 0
    assert container.last.appid == DEMO_APPID


def test_token_of_the_file_is_not_an_access_token(container):
    container.switch(EVERY)
    assert container.code(access_token=container.file()) == 40001


def test_token_is_pushed_every_ten_minutes_and_valid_for_thirty(container):
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


def test_unread_push_does_not_extend_the_token(container):
    container.switch(EVERY)
    container.file()
    container.emulator.clock.advance(timedelta(minutes=25))
    token = container.file()  # pushed five minutes ago
    container.emulator.clock.advance(timedelta(minutes=25, seconds=-1))
    assert container.by_file(token) == 0
    container.emulator.clock.advance(timedelta(seconds=1))
    assert container.by_file(token) == 42001


def test_token_is_valid_after_the_clock_is_moved_back(container):
    container.switch(EVERY)
    container.file()
    container.emulator.clock.advance(timedelta(hours=-6))
    assert container.by_file(container.file()) == 0


def test_each_mini_program_has_its_own_token(container):
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
def test_settings_of_the_mini_program_refuse_the_token_of_the_file(container, setting, code):
    container.switch(EVERY)
    container.switch(EVERY, OTHER)
    token = container.file()
    container.switch(setting)
    assert container.by_file(token) == code


def test_invalid_token_of_the_file_is_40001_or_41001_while_the_service_is_off(container):
    assert container.by_file("x") == 41001
    container.switch(EVERY)
    assert container.by_file("x") == 40001


def test_file_is_served_to_this_machine_only(container):
    container.switch(EVERY)
    path = f"/_emulator/apps/{DEMO_APPID}/cloudbase_access_token"
    answer = container.client.get(path, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.status_code == 403


def test_journal_and_state_mask_the_token_of_the_file(container):
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


def test_the_oldest_pushed_tokens_are_evicted(container):
    container.switch(EVERY)
    tokens = []
    for _ in range(101):
        tokens.append(container.file())
        container.emulator.clock.advance(timedelta(minutes=10))
    assert [container.by_file(token) for token in tokens[:2]] == [40001, 42001]


def test_client_reads_the_file_and_calls_as_in_a_container(container, tmp_path):
    container.switch({"api_whitelist": [DAILY]})
    listening = listen("127.0.0.1", 0)
    file = tmp_path / "cloudbase_access_token"
    with Server(create_app(container.emulator), listening) as server:
        url = f"{server.url}/_emulator/apps/{DEMO_APPID}/cloudbase_access_token"
        file.write_bytes(requests.get(url, timeout=30).content)
        answer = requests.post(
            server.url + DAILY,
            params={"cloudbase_access_token": file.read_text("utf-8")},
            json=DAY,
            timeout=30,
        )
    assert answer.json()["ref_date"] == "20260310"
