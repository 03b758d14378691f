"""Files, binary answers and APIs without dates in the commands call and record."""

import json

import pytest
from support.cassettes import run

from cloud_openapi.emulator import Emulator, Server, create_app, listen
from cloud_openapi.recordings import load

PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff"


@pytest.fixture(autouse=True)
def _without_an_allowlist(monkeypatch, tmp_path):
    """Leave the project's folder, whose config.json lists some APIs only."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def url():
    with Server(create_app(Emulator()), listen("127.0.0.1", 0)) as server:
        yield server.url


@pytest.fixture
def picture(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(PICTURE)
    return file


def test_call_reads_a_parameter_that_is_a_file(picture):
    done = run("call", "security.imgSecCheck", "--media", picture)
    assert json.loads(done.stdout) == {"errMsg": "openapi.security.imgSecCheck:ok"}
    missing = run("call", "security.imgSecCheck", "--media", "none.png")
    assert missing.returncode == 2
    assert "media: none.png cannot be read: No such file" in missing.stderr


@pytest.mark.parametrize("form", ["cloud", "https"])
def test_call_writes_an_answer_that_is_a_file(tmp_path, form):
    file = tmp_path / "code.png"
    done = run("call", "wxacode.get", "--path", "a", "--form", form, "--output", file)
    answer = json.loads(done.stdout)
    assert answer["contentType"] == "image/png"
    assert answer["buffer"] == f"{file.stat().st_size} bytes in {file}"
    assert file.read_bytes().startswith(b"\x89PNG")
    left_out = json.loads(run("call", "wxacode.get", "--path", "a", "--form", form).stdout)
    assert left_out["buffer"].endswith("bytes; --output FILE writes them to a file")


def test_call_says_why_its_own_emulator_refused():
    values = json.dumps({"thing1": {"value": "x" * 21}})
    call = ("call", "subscribeMessage.send", "--touser", "o", "--template-id", "t")
    refused = run(*call, "--data", values)
    assert refused.returncode != 0
    assert "Reason: data.thing1.value is " in refused.stderr
    assert "(errCode 47003)" in refused.stderr


def test_call_keeps_a_name_with_capitals():
    done = run("call", "liveBroadcast.getPushUrl", "--roomId", "7")
    assert json.loads(done.stdout)["errMsg"] == "openapi.liveBroadcast.getPushUrl:ok"


def test_call_keeps_its_own_options_apart_from_parameters_of_their_name():
    help_text = run("call", "riskControl.getUserRiskRank", "--help").stdout
    assert "--param-appid TEXT" in help_text
    assert "--appid TEXT          The mini program to call for." in help_text


def record(url, folder, api, *options):
    return run("record", api, "--to", folder, "--base-url", url, "--pause", "0", *options)


def test_record_makes_the_documented_request_of_an_api_without_dates(url, tmp_path):
    api = "security.msgSecCheck"
    assert record(url, tmp_path, api).stdout.startswith("1 recorded")
    assert record(url, tmp_path, api).stdout.startswith("0 recorded; 1 were there already")
    other = record(url, tmp_path, api, "--data", '{"content": "hello"}')
    assert other.stdout.startswith("1 recorded")
    sent = [one.request_json for one in load(tmp_path) if one.api == api]
    assert len(sent) == 2
    assert {"content": "hello"} in sent
    refused = record(url, tmp_path, api, "--dates", "20260301..20260302")
    assert f"{api} has no dates: give its parameters by --data." in refused.stderr


def test_record_sends_a_file_by_its_path_and_keeps_an_answer_that_is_one(url, tmp_path, picture):
    folder = tmp_path / "recordings"
    asked = record(url, folder, "security.imgSecCheck")
    assert """takes a file. Name one: --data '{"media": "path of media"}'""" in asked.stderr
    data = json.dumps({"media": str(picture)})
    for words in ("1 recorded", "0 recorded; 1 were there already"):
        done = record(url, folder, "security.imgSecCheck", "--data", data)
        assert done.stdout.startswith(words)
    for words in ("1 recorded", "0 recorded; 1 were there already"):
        assert record(url, folder, "wxacode.get").stdout.startswith(words)
    by_api = {one.api: one for one in load(folder)}
    assert PICTURE in by_api["security.imgSecCheck"].request_body
    assert by_api["wxacode.get"].response_body.startswith(b"\x89PNG")


def test_recordings_of_every_kind_pass_verify_and_drift(url, tmp_path, picture):
    folder = tmp_path / "recordings"
    data = json.dumps({"media": str(picture)})
    assert record(url, folder, "security.imgSecCheck", "--data", data).returncode == 0
    for api in ("wxacode.get", "security.msgSecCheck", "operation.getFeedback"):
        done = record(url, folder, api)
        assert done.stdout.startswith("1 recorded"), done
    verified = run("verify", folder)
    assert verified.returncode == 0, verified.stdout
    assert "left out" in verified.stdout  # the requests for a token
    drift = run("drift", folder)
    assert drift.returncode == 0, drift.stdout
