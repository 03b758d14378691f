"""Modes: recordings or the service instead of the simulation, over HTTPS and the gateway."""

import gzip
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from support.cassettes import cassette, interaction, run
from support.gateway import Gateway
from support.paths import ROOT, sample
from support.service import RECORDED
from support.values import API, NOW

from cloud_openapi import Cloud, CloudSDKError
from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, Server, create_app, listen
from cloud_openapi.recordings import load
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange
from cloud_openapi.wire import messages
from cloud_openapi.wire.messages import Pair

OPERATION = default_catalogue()[API]
PATH = OPERATION.path
DAY = {"begin_date": "20260301", "end_date": "20260301"}
OTHER_DAY = {"begin_date": "20260302", "end_date": "20260302"}
PAIRS = [Pair("begin_date", b'"20260301"'), Pair("end_date", b'"20260301"')]


def emulator(**settings):
    return Emulator(clock=Clock(NOW), **settings)


def asking(emulator):
    """Return a function that requests a day from an emulator over HTTPS, with a token."""
    client = create_app(emulator).test_client()

    def ask(body=DAY):
        token, _ = emulator.program(DEMO_APPID).tokens.grant_stable(force=False)
        data = body if isinstance(body, str) else json.dumps(body)
        return client.post(f"{PATH}?access_token={token}", data=data)

    return ask


@pytest.fixture
def recordings(tmp_path):
    cassette(tmp_path / "a.json", interaction(API, DAY, RECORDED))
    return tmp_path


def test_a_recorded_response_is_replayed_unchanged_and_noted_in_the_journal(recordings):
    used = emulator(mode="replay", recordings=recordings)
    answer = asking(used)()
    assert (answer.status_code, json.loads(answer.data)) == (200, RECORDED)
    assert [entry.check for entry in used.journal] == ["recording"]


def test_a_recorded_error_replaces_the_simulation(tmp_path):
    error = sample("error.61503-rid.json")
    cassette(tmp_path / "a.json", interaction(API, DAY, error))
    used = emulator(mode="replay", recordings=tmp_path)
    assert json.loads(asking(used)().data) == error
    assert [entry.errcode for entry in used.journal] == [61503]


def test_a_recording_of_a_body_that_is_not_json_is_found(tmp_path):
    form = "&end_date=20170313&begin_date=20170313"
    cassette(tmp_path / "a.json", interaction(API, form, {"errcode": 61500, "errmsg": "recorded"}))
    used = emulator(mode="replay", recordings=tmp_path)
    assert json.loads(asking(used)(form).data) == {"errcode": 61500, "errmsg": "recorded"}


def test_a_recorded_status_other_than_200_is_replayed(tmp_path):
    cassette(tmp_path / "a.json", interaction(API, DAY, "<h1>busy</h1>", status=503))
    answer = asking(emulator(mode="replay", recordings=tmp_path))()
    assert (answer.status_code, answer.data) == (503, b"<h1>busy</h1>")


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (OTHER_DAY, "NO_MATCH", 'body.begin_date is "20260302", recorded is "20260301"'),
        (DAY, "USED_UP", "are used up"),
    ],
)
def test_a_missing_recording_is_an_error_that_wechat_never_gives(recordings, body, code, words):
    used = emulator(mode="replay", recordings=recordings)
    ask = asking(used)
    ask()
    answer = ask(body)
    assert answer.status == f"501 The emulator has no answer: {code}"
    assert answer.json["code"] == code
    assert words in answer.json["message"]
    assert list(used.journal)[-1].check.startswith(f"{code}: ")
    assert list(used.journal)[-1].errcode == 0


def test_by_api_another_day_is_answered_and_another_api_is_not(recordings):
    used = emulator(mode="replay", recordings=recordings, by_api=True)
    ask = asking(used)
    assert json.loads(ask(OTHER_DAY).data) == RECORDED
    assert ask(OTHER_DAY).json["code"] == "USED_UP"
    path = default_catalogue()["analysis.getDailySummary"].path
    token, _ = used.program(DEMO_APPID).tokens.grant_stable(force=False)
    answer = create_app(used).test_client().post(f"{path}?access_token={token}", json=DAY)
    assert answer.json["code"] == "NO_MATCH"


def test_a_folder_without_recordings_is_an_error_of_its_own(tmp_path):
    answer = asking(emulator(mode="replay", recordings=tmp_path / "none"))()
    assert (answer.status_code, answer.json["code"]) == (501, "NO_RECORDINGS")
    assert str(tmp_path / "none") in answer.json["message"]


def test_a_request_to_another_host_is_blocked_and_not_a_missing_recording(
    recordings,
):
    used = emulator(mode="replay", recordings=recordings)
    listening = listen("127.0.0.1", 0)
    with Server(create_app(used), listening, used.never_blocks) as server:
        proxies = {"http": server.url}
        answer = requests.post("http://example.com/a?b=c", json=DAY, proxies=proxies, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (403, "NETWORK_BLOCKED")
    assert "http://example.com" in answer.json()["message"]


def test_the_facade_raises_the_error_of_the_missing_recording(recordings):
    app = create_app(emulator(mode="replay", recordings=recordings))
    cloud = Cloud()
    transport = HTTPSTransport(WSGIExchange(app), DEMO_APPID, DEMO_SECRET)
    cloud.init(transport=transport, config=ROOT / "config.json")
    with pytest.raises(CloudSDKError, match="501 The emulator has no answer: NO_MATCH"):
        cloud.openapi.analysis.getDailyRetain(beginDate="20260302", endDate="20260302")


def test_the_gateway_is_answered_by_the_same_recording(recordings):
    gateway = Gateway(clock=Clock(NOW), mode="replay", recordings=recordings)
    assert json.loads(gateway.call(PAIRS).body) == RECORDED
    fields = {"action": "wx.openApi", "apiName": API, "wxCloudApiToken": "token-a"}
    again = gateway.post(fields | {"requestData": messages.write_request(PAIRS, "")})
    assert (again.status_code, again.json["code"]) == (501, "USED_UP")


def test_a_pin_comes_before_a_recording(recordings):
    used = emulator(mode="replay", recordings=recordings)
    pinned = {**RECORDED, "visit_uv": []}
    used.pins.add({"api": API, "request": DAY, "response": pinned})
    assert asking(used)().json == pinned


def test_a_reset_restarts_recordings_and_restores_the_first_mode(recordings):
    used = emulator(mode="replay", recordings=recordings)
    ask = asking(used)
    ask()
    used.modes.set("simulate")
    assert json.loads(ask().data) != RECORDED
    used.reset()
    assert json.loads(ask().data) == RECORDED


# ---- spy -----------------------------------------------------------------------------------


def test_spy_repeats_recordings_and_simulates_other_requests(recordings):
    used = emulator(mode="spy", recordings=recordings)
    ask = asking(used)
    assert [json.loads(ask().data) for _ in range(3)] == [RECORDED] * 3
    assert json.loads(ask(OTHER_DAY).data)["ref_date"] == "20260302"
    assert [entry.check for entry in used.journal] == ["recording"] * 3 + ["simulation"]


# ---- record --------------------------------------------------------------------------------


def test_a_response_of_the_service_is_returned_and_recorded(service, tmp_path):
    used = emulator(mode="record", recordings=tmp_path / "r", upstream=service.url)
    assert json.loads(asking(used)().data) == RECORDED
    (found,) = load(tmp_path / "r")
    assert (found.api, found.request_json, found.response_json) == (API, DAY, RECORDED)
    assert found.origin == service.url
    assert (tmp_path / "r" / API / "20260301-20260301.yaml").is_file()


def test_a_call_by_the_gateway_is_recorded_and_replayed_over_https(service, tmp_path):
    gateway = Gateway(clock=Clock(NOW), mode="record", recordings=tmp_path, upstream=service.url)
    assert json.loads(gateway.call(PAIRS).body) == RECORDED
    used = emulator(mode="replay", recordings=tmp_path)
    assert json.loads(asking(used)().data) == RECORDED


def test_no_token_secret_appid_or_cookie_reaches_the_disk(service, tmp_path):
    canary = service.canary
    app = (canary("appid"), canary("secret"))
    service.headers = {"Set-Cookie": f"session={canary('cookie')}; Path=/", "X-Key": canary("key")}

    def answer(path):
        return {**RECORDED, "echo": f"{path} {app} {service.tokens}", "session_key": canary("key2")}

    service.answer = answer
    used = emulator(mode="record", recordings=tmp_path, upstream=service.url, upstream_app=app)
    client = create_app(used).test_client()
    own, _ = used.program(DEMO_APPID).tokens.grant_stable(force=False)
    body = {**DAY, "access_token": own, "secret": canary("own secret")}
    client.set_cookie("session", canary("sent cookie"))
    headers = {"Authorization": f"Bearer {canary('bearer')}"}
    target = f"{PATH}?access_token={own}&secret={canary('query')}"
    assert client.post(target, json=body, headers=headers).status_code == 200
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert canary.leaked(tmp_path) == []
    text = files[0].read_text()
    assert own not in text
    assert DEMO_SECRET not in text
    # The service receives nothing of the caller but the body.
    path, _, headers = service.asked[-1]
    assert canary.made["query"] not in path
    assert not {"Cookie", "Authorization"} & headers.keys()
    assert not any(secret in repr(used.describe()) for secret in (*app, *service.tokens))
    assert not any(secret in repr(list(used.journal)) for secret in (*app, *service.tokens))


@pytest.mark.parametrize("mode", ["record", "diff"])
def test_no_secret_of_the_upstream_reaches_the_caller_or_the_journal(service, tmp_path, mode):
    canary = service.canary
    app = (canary("appid"), canary("secret"))
    service.headers = {"Content-Type": f"text/x-{app[0]}"}
    service.status = 500

    def answer(path):
        service.reason = f"Failed for {service.tokens[-1]}"
        return {**RECORDED, service.tokens[-1]: 1, "echo": f"{path} {app} {service.tokens}"}

    service.answer = answer
    used = emulator(mode=mode, recordings=tmp_path, upstream=service.url, upstream_app=app)
    got = asking(used)()
    assert got.status.startswith("500 Failed for REDACTED")
    # The appid belongs to the answer: data that users share name it.
    assert app[0].encode() in got.data
    secrets = (app[1], *service.tokens)
    shown = f"{got.data} {got.status} {got.headers} {used.journal_entries()}"
    assert not [secret for secret in secrets if secret in shown]
    assert mode == "record" or used.journal_entries()[0]["differences"]


def test_a_short_secret_does_not_change_other_words(service, tmp_path):
    service.answer = {**RECORDED, "app_version": "latest"}
    app = ("app", "test")
    used = emulator(mode="record", recordings=tmp_path, upstream=service.url, upstream_app=app)
    assert json.loads(asking(used)().data) == service.answer


def test_a_compressed_response_is_returned_and_recorded_decoded(service, tmp_path):
    canary = service.canary
    meant = {**RECORDED, "session_key": canary("compressed")}
    service.answer = gzip.compress(json.dumps(meant).encode())
    service.headers = {"Content-Encoding": "gzip"}
    used = emulator(mode="record", recordings=tmp_path, upstream=service.url)
    assert json.loads(asking(used)().data) == meant
    (found,) = load(tmp_path)
    assert found.response_json == {**RECORDED, "session_key": "REDACTED"}
    assert canary.leaked(tmp_path) == []


def test_a_response_in_an_unknown_encoding_is_502_and_not_recorded(service, tmp_path):
    service.answer, service.headers = b"\xff\x00", {"Content-Encoding": "compress"}
    used = emulator(mode="record", recordings=tmp_path / "r", upstream=service.url)
    answer = asking(used)()
    assert (answer.status_code, answer.json["code"]) == (502, "UPSTREAM")
    assert "Content-Encoding: is compress" in answer.json["message"]
    assert not (tmp_path / "r").exists()


def test_a_page_instead_of_a_token_is_502_with_the_reason(service, tmp_path):
    service.granted = b"<p>busy</p>"
    used = emulator(mode="record", recordings=tmp_path / "r", upstream=service.url)
    assert asking(used)().json["message"].endswith("grants no token: HTTP 200, not a JSON object")


def test_a_refused_token_is_renewed_once(service, tmp_path):
    def answer(path):
        good = len(service.tokens) > 1 and service.tokens[-1] in path
        return RECORDED if good else {"errcode": 40001, "errmsg": "invalid credential"}

    service.answer = answer
    used = emulator(mode="record", recordings=tmp_path, upstream=service.url)
    assert json.loads(asking(used)().data) == RECORDED
    assert len(service.tokens) == 2
    assert [one.response_json for one in load(tmp_path)] == [RECORDED]


def test_an_unreachable_service_is_502_and_nothing_is_recorded(tmp_path):
    used = emulator(mode="record", recordings=tmp_path / "r", upstream="http://127.0.0.1:9")
    answer = asking(used)()
    assert answer.status_code == 502
    assert answer.json["code"] == "UPSTREAM"
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"mode": "tape"}, "simulate, replay, record, spy, diff, not 'tape'"),
        ({"mode": "replay"}, "needs recordings"),
        ({"mode": "record", "recordings": "r"}, "needs an appid and a secret"),
        ({"mode": "diff", "upstream": "ftp://x"}, "not a base URL"),
        (
            {"mode": "diff", "upstream": "http://u:geheim@h?x"},
            r"'http://\*{3}@h\?\*{3}' is not a base URL",
        ),
        ({"mode": "diff", "upstream": "https://u:p@x.com"}, "user name"),
        ({"mode": "diff", "upstream": "http://x.com", "upstream_app": ("wx", "s")}, "https"),
        ({"mode": "diff", "upstream_app": (DEMO_APPID, DEMO_SECRET)}, "not for wxdemo"),
    ],
)
def test_an_invalid_mode_is_refused_with_the_reason(settings, reason):
    with pytest.raises(ValueError, match=reason):
        emulator(**settings)


# ---- diff ----------------------------------------------------------------------------------


def test_equal_shapes_are_not_differences(service):
    used = emulator(mode="diff", upstream=service.url)
    assert json.loads(asking(used)().data) == RECORDED
    assert [entry.differences for entry in used.journal] == [()]


def test_a_different_shape_is_noted_in_the_journal(service):
    service.answer = {**RECORDED, "visit_uv": [{"key": "0", "value": 1}]}
    used = emulator(mode="diff", upstream=service.url)
    assert json.loads(asking(used)().data) == service.answer
    (entry,) = used.journal_entries()
    assert entry["differences"] == ["$.visit_uv[].key: expected number, got string"]
    service.answer = {**RECORDED, "visits": []}
    asking(used)()
    *_, entry = used.journal_entries()
    assert entry["differences"] == ["$.visits: expected nothing, got array"]


def test_a_page_instead_of_a_response_is_noted_in_the_journal(service):
    service.answer = b"<p>busy</p>"
    used = emulator(mode="diff", upstream=service.url)
    assert asking(used)().data == b"<p>busy</p>"
    assert [one.differences for one in used.journal] == [("$: the upstream's answer is not JSON",)]


def test_an_error_of_one_side_is_noted_in_the_journal(service):
    service.answer = {"errcode": 48001, "errmsg": "api unauthorized"}
    used = emulator(mode="diff", upstream=service.url)
    asking(used)()
    (entry,) = used.journal_entries()
    assert entry["errcode"] == 48001
    assert entry["differences"] == ["$: simulated an answer, upstream error 48001"]


# ---- control -------------------------------------------------------------------------------


def test_the_mode_is_shown_and_changed_by_a_route(recordings):
    used = emulator(recordings=recordings)
    client = create_app(used).test_client()
    state = client.get("/_emulator/state").json
    assert [state[name] for name in ("mode", "recordings")] == ["simulate", str(recordings)]
    changed = client.put("/_emulator/mode", json={"mode": "replay"})
    assert changed.json == {"mode": "replay", "recordings": str(recordings), "upstream": None}
    assert json.loads(asking(used)().data) == RECORDED


@pytest.mark.parametrize("mode", ["tape", 7, None, "diff"])
def test_an_invalid_mode_is_400_and_changes_nothing(recordings, mode):
    used = emulator(recordings=recordings)
    answer = create_app(used).test_client().put("/_emulator/mode", json={"mode": mode})
    assert (answer.status_code, answer.json["code"]) == (400, "INVALID_REQUEST")
    assert used.modes.mode == "simulate"


def test_unreadable_recordings_are_400_with_the_file_name(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    used = emulator(recordings=tmp_path)
    answer = create_app(used).test_client().put("/_emulator/mode", json={"mode": "spy"})
    assert answer.status_code == 400
    assert "bad.json" in answer.json["message"]


def test_a_slow_service_does_not_delay_the_next_request(service, tmp_path):
    began, go_on = threading.Event(), threading.Event()

    def answer(_path):
        began.set()
        assert go_on.wait(30)
        return RECORDED

    service.answer = answer
    used = emulator(mode="record", recordings=tmp_path, upstream=service.url)
    token, _ = used.program(DEMO_APPID).tokens.grant_stable(force=False)
    listening = listen("127.0.0.1", 0)
    with (
        Server(create_app(used), listening, used.never_blocks) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        url = f"{server.url}{PATH}?access_token={token}"
        slow = pool.submit(requests.post, url, json=DAY, timeout=20)
        assert began.wait(30)
        query = f"grant_type=client_credential&appid={DEMO_APPID}&secret={DEMO_SECRET}"
        quick = requests.get(f"{server.url}/cgi-bin/token?{query}", timeout=30)
        assert "access_token" in quick.json()
        assert not slow.done()
        go_on.set()
        assert slow.result().json() == RECORDED


# ---- from the command line -----------------------------------------------------------------

COMMAND = Path(sys.executable).with_name("cloud-openapi")
ASK = """
from cloud_openapi import cloud
cloud.init()
answer = cloud.openapi.analysis.getDailyRetain(beginDate="20260301", endDate="20260301")
print(answer["visitUv"][0]["value"])
"""


def test_a_program_runs_against_recordings(recordings):
    command = ["exec", "--mode", "replay", "--recordings", str(recordings), "--now", "2026-03-11"]
    another_day = ASK.replace("20260301", "20260302")
    program = [COMMAND, *command, "--by-api", "--", sys.executable, "-c", another_day]
    done = subprocess.run(
        program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("434343\n", 0), done.stderr


def test_an_unchanged_program_is_recorded(service, tmp_path):
    command = ["exec", "--mode", "record", "--recordings", str(tmp_path), "--upstream", service.url]
    program = [COMMAND, *command, "--", sys.executable, "-c", ASK]
    done = subprocess.run(
        program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("434343\n", 0), done.stderr
    assert [one.response_json for one in load(tmp_path)] == [RECORDED]


def test_a_mode_with_missing_settings_is_one_line_on_stderr():
    result = run("exec", "--mode", "replay", "--", "true")
    assert result.returncode == 1
    assert result.stderr == (
        "cloud-openapi: --mode: this mode needs recordings: start the emulator with their folder.\n"
    )
