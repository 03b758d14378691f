"""A canary for every path by which requests and responses are written to disk."""

import base64
import contextlib
import json
import sys
from types import SimpleNamespace

import pytest
import yaml
from support.canaries import Canaries, encodings, with_canaries
from support.cassettes import cassette, interaction, run
from support.har import entry as har_entry
from support.har import har
from support.paths import sample
from support.service import RECORDED
from support.values import API

# Imported here, since pytester would import it a second time.
import cloud_openapi.pytest_plugin
from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.recordings import RecordingError, load, write

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


@pytest.mark.variants
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
@pytest.mark.parametrize("coding", encodings())
@pytest.mark.parametrize("way", ["har", "yaml", "json", "upstream"])
def test_an_encoded_secret(service, tmp_path, coding, codec, way):
    canary = service.canary
    secret = {"session_key": canary("session key"), "private_key": canary("private key")}
    body = encodings()[coding](json.dumps(secret).encode(codec))
    found = SimpleNamespace(stdout="", stderr="")
    to = tmp_path / "to"
    to.mkdir()
    if way == "upstream":
        service.answer, service.headers = body, {"Content-Encoding": coding}
        found = run("record", API, "--begin-date", "20260301", "--end-date", "20260301",
                    "--base-url", service.url, "--to", to)  # fmt: skip
    else:
        text = base64.encodebytes(body).decode()
        file = encoded_file(tmp_path, way, coding, text, body)
        if way == "har":
            found = run("import", file, "--to", to)
        else:
            found = run("verify", file, "--output", to / "report")
            with contextlib.suppress(RecordingError):
                write(to / "again.yaml", load(file))
    # As the SDK does, the client shows its caller a body that is not JSON: UTF-16 is not.
    if (way, codec) != ("upstream", "utf-16"):
        (to / "output").write_text(f"{found.stdout} {found.stderr}")
    assert list(to.rglob("*.*")) or found.stderr or "left out" in found.stdout
    assert canary.leaked(tmp_path / "to", may_be_empty=True) == []


def encoded_file(tmp_path, way, coding, text, body):
    """Write a HAR file or a cassette, in which both sides have an encoded body."""
    headers = [{"name": "Content-Encoding", "value": coding}]
    if way == "har":
        kept = {"text": text, "encoding": "base64"}
        return har(tmp_path, har_entry(
            request__postData=kept, request__headers=headers,
            response__content=kept, response__headers=headers,
        ))  # fmt: skip
    entry = interaction(API, DAY, RECORDED)
    entry["response"]["headers"] = {"content-encoding": [coding]}
    entry["response"]["body"] = {"base64_string": "".join(text.split())}
    if way == "yaml":
        entry["request"].update(body=body, headers={"content-encoding": [coding]})
        entry["response"]["body"] = {"string": body}
    file = tmp_path / f"foreign.{way}"
    document = {"version": 1, "interactions": [entry]}
    file.write_text(yaml.dump(document) if way == "yaml" else json.dumps(document), "utf-8")
    return file


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
    result = run(*(word.replace("OUT", str(tmp_path)) for word in command.split()), path)
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


def test_the_search_looks_into_what_is_encoded(tmp_path):
    canary = Canaries()
    made = json.dumps({"a": canary("plain"), "b": canary("any")}).encode()
    for number, coding in enumerate({*encodings()} - {"compress"}):
        folder = tmp_path / str(number)
        folder.mkdir()
        body = encodings()[coding](made.decode().encode("utf-16"))
        (folder / "a.yaml").write_text(yaml.dump({"body": body}), "utf-8")
        assert canary.leaked(folder) == ["plain", "any"], coding
