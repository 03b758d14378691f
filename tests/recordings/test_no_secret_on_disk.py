"""A canary for every path by which requests and responses are written to disk."""

import json
import sys

import pytest
from support.canaries import Canaries, with_canaries
from support.cassettes import cassette, interaction, run
from support.paths import sample
from support.service import RECORDED
from support.values import API

# Imported here, since pytester would import it a second time.
import cloud_openapi.pytest_plugin
from cloud_openapi.catalogue import default_catalogue

pytest_plugins = ["pytester"]

PATH = default_catalogue()[API].path
DAY = {"begin_date": "20260301", "end_date": "20260301"}
URI = f"https://api.weixin.qq.com{PATH}"
assert cloud_openapi.pytest_plugin


@pytest.fixture
def talkative(service, monkeypatch):
    """Return a service whose responses contain tokens, secrets and cookies."""
    canary = service.canary
    app = (canary("appid"), canary("secret"))
    monkeypatch.setenv("CLOUD_OPENAPI_APPID", app[0])
    monkeypatch.setenv("CLOUD_OPENAPI_SECRET", app[1])
    service.headers = {"Set-Cookie": f"session={canary('cookie')}; Path=/", "X-Key": canary("key")}

    def answer(path):
        echo = f"{path} {app} {service.tokens}"
        return {**RECORDED, "echo": echo, "session_key": canary("session key")}

    service.answer = answer
    return service


def test_record(talkative, tmp_path):
    result = run(
        "record", API, "--dates", "20260301..20260302", "--base-url", talkative.url,
        "--to", tmp_path / "r", "--pause", "0",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "r").rglob("*.yaml"))) == 3
    (tmp_path / "output").write_text(result.stdout + result.stderr)
    assert talkative.canary.leaked(tmp_path) == []


ASK = """
from cloud_openapi import cloud
cloud.init()
cloud.openapi.analysis.getDailyRetain(beginDate="20260301", endDate="20260301")
"""


def test_a_program_recorded_by_the_emulator(talkative, tmp_path):
    result = run(
        "exec", "--mode", "record", "--recordings", tmp_path / "r", "--upstream", talkative.url,
        "--functions", tmp_path / "none", "--", sys.executable, "-c", ASK,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    (tmp_path / "output").write_text(result.stdout + result.stderr)
    assert talkative.canary.leaked(tmp_path) == []
    assert (tmp_path / "r" / API / "20260301-20260301.yaml").is_file()


def test_a_recorded_test_that_fails(talkative, monkeypatch, pytester):
    monkeypatch.setenv("CLOUD_OPENAPI_UPSTREAM", talkative.url)
    (pytester.path / "config.json").write_text(json.dumps({"permissions": {"openapi": [API]}}))
    pytester.makepyfile("""
        def test_it(recording, cloud):
            cloud.openapi.analysis.getDailyRetain(beginDate="20260301", endDate="20260301")
            assert False, "so that the journal is shown"
    """)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--record", "--junitxml=x.xml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("*upstream, recorded*")
    (pytester.path / "output").write_text(result.stdout.str())
    assert len(list((pytester.path / "recordings").rglob("*.yaml"))) == 1
    assert talkative.canary.leaked(pytester.path) == []


@pytest.fixture
def foreign(tmp_path):
    """Return the canaries of a cassette that another program wrote, and its path.

    It breaks the contract in many ways, each of which a report tells.
    """
    canary = Canaries()
    made = with_canaries(canary, URI)
    entry = interaction(API, json.loads(made.request_body), {**RECORDED, "visit_uv": [{"key": 99}]})
    answer = json.loads(made.response_body)
    entry["request"].update(uri=made.uri, headers=made.request_headers)
    entry["response"]["headers"] = made.response_headers
    entry["response"]["status"]["message"] = made.reason
    told = {**json.loads(entry["response"]["body"]["string"]), **answer}
    entry["response"]["body"]["string"] = json.dumps(told)
    error = {"errcode": 40013, "errmsg": f"invalid appid={canary('text of an error')}"}
    entries = [{**entry, "origin": made.origin}, interaction(API, DAY, error)]
    return canary, cassette(tmp_path.parent / f"{tmp_path.name}-foreign.json", *entries)


@pytest.mark.parametrize(
    "command",
    [
        "verify --report text --output OUT/report",
        "verify --report json --output OUT/report",
        "verify --report junit --output OUT/report",
        "drift --output OUT/report",
        "drift --propose --output OUT",
    ],
)
def test_reports_about_foreign_recordings(foreign, tmp_path, command):
    canary, path = foreign
    result = run(*command.replace("OUT", str(tmp_path)).split(), path)
    assert result.returncode == 1, result.stderr
    assert [file for file in tmp_path.rglob("*") if file.is_file()]
    (tmp_path / "output").write_text(result.stdout + result.stderr)
    assert canary.leaked(tmp_path) == []


def test_drift_between_two_foreign_sets(foreign, tmp_path):
    canary, path = foreign
    former = interaction(API, DAY, sample("getDailyRetain.response.official-https.json"))
    error = interaction(API, DAY, {"errcode": 40013, "errmsg": "invalid appid"})
    old = cassette(tmp_path / "old.json", former, error)
    result = run("drift", old, path, "--output", tmp_path / "report")
    assert (result.returncode, result.stderr) == (1, "")
    assert "the text of error 40013 was" in (tmp_path / "report").read_text("utf-8")
    assert canary.leaked(tmp_path) == []
