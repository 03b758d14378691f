"""Requests to WeChat in HAR files of browsers and proxies become recordings."""

import base64
import gzip
import json
from datetime import datetime, timezone

import pytest
from click.testing import CliRunner
from support.canaries import Canaries, with_canaries
from support.har import ANSWER, PATH, URI, entry, har

from cloud_openapi.cli._group import group
from cloud_openapi.recordings import RecordingError, Redactor, _har, _recorder, load, read_har


def test_an_entry_becomes_an_interaction(tmp_path):
    (found,) = read_har(har(tmp_path, entry()))
    assert (found.api, found.method, found.uri) == ("analysis.getDailyRetain", "POST", URI)
    assert found.request_headers == {"content-type": ["application/json"]}
    assert found.request_json == {"begin_date": "20170313"}
    assert (found.status, found.reason, found.response_body) == (200, "OK", ANSWER.encode())
    assert found.response_headers == {}
    assert found.recorded_at == datetime(2026, 3, 9, 8, 0, 0, 123000, timezone.utc)
    assert found.origin == "https://api.weixin.qq.com"


def test_base64_bodies_are_decoded_and_form_fields_are_encoded(tmp_path):
    content = {"text": base64.b64encode(ANSWER.encode()).decode(), "encoding": "base64"}
    form = {"params": [{"name": "a", "value": "1 2"}, {"name": "secret", "value": "x"}]}
    made = entry(response__content=content, request__postData=form)
    (found,) = read_har(har(tmp_path, made))
    assert found.response_body == ANSWER.encode()
    assert found.request_body == b"a=1+2&secret=REDACTED"


def test_a_body_saved_in_its_encoding_is_decoded_and_redacted(tmp_path):
    canary = Canaries()
    sent = gzip.compress(json.dumps({"session_key": canary("compressed")}).encode())
    content = {"text": base64.b64encode(sent).decode(), "encoding": "base64"}
    (found,) = read_har(har(tmp_path, entry(response__content=content)))
    assert found.response_json == {"session_key": "REDACTED"}
    assert "content-encoding" not in found.response_headers


def test_other_hosts_are_left_out_unless_the_path_is_of_the_catalogue(tmp_path):
    urls = [
        f"http://127.0.0.1:7070{PATH}",
        "https://api.weixin.qq.com/wxa/other",
        "https://example.com/other",
        "data:text/plain,x",
    ]
    found = read_har(har(tmp_path, *map(entry, urls)))
    assert [one.uri for one in found] == urls[:2]


def test_an_entry_without_a_response_is_left_out(tmp_path):
    assert read_har(har(tmp_path, entry(response__status=0))) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a HAR file is JSON in UTF-8"),
        ("[]", "it has no list log.entries"),
        ('{"log": {"entries": {}}}', "it has no list log.entries"),
        ('{"log": {"entries": [5]}}', r"log\.entries\[0\]\.request: is missing"),
    ],
)
def test_a_file_that_is_not_har_is_named(tmp_path, text, reason):
    (tmp_path / "a.har").write_text(text, "utf-8")
    with pytest.raises(RecordingError, match=rf"a\.har: .*{reason}"):
        read_har(tmp_path / "a.har")
    with pytest.raises(RecordingError, match=r"missing\.har: cannot be read: No such file"):
        read_har(tmp_path / "missing.har")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"request__method": 5}, "request.method: must be a string"),
        ({"request__headers": ["x"]}, "request.headers: must be a list of objects"),
        ({"request__postData": "x"}, "request.postData: must be an object"),
        ({"response__status": "200"}, "response.status: must be an integer"),
        ({"response__content": {"text": 5}}, "response.content.text: must be a string"),
        ({"response__content": {"text": "%", "encoding": "base64"}}, "text: is not base64"),
        ({"startedDateTime": "noon"}, "startedDateTime: must be an ISO 8601 time, is 'noon'"),
    ],
)
def test_an_error_names_entry_and_key(tmp_path, changes, key):
    with pytest.raises(RecordingError) as caught:
        read_har(har(tmp_path, entry(), entry(**changes)))
    assert "log.entries[1]." in str(caught.value)
    assert key in str(caught.value)


def test_the_command_redacts_each_entry_and_looks_its_api_up_once(tmp_path, monkeypatch):
    calls = []

    def counted(name, function):
        def call(*arguments):
            calls.append(name)
            return function(*arguments)

        return call

    monkeypatch.setattr(Redactor, "interaction", counted("redact", Redactor.interaction))
    for module in (_har, _recorder):
        monkeypatch.setattr(module, "api_of", counted("api", module.api_of))
    file = har(tmp_path, entry(), entry())
    CliRunner().invoke(group, ["import", str(file), "--to", str(tmp_path / "to")])
    assert sorted(calls) == ["api", "api", "redact", "redact"]
    assert [found.api for found in load(tmp_path / "to")] == ["analysis.getDailyRetain"] * 2


def test_the_command_imports_without_secrets(tmp_path):
    canary = Canaries()
    made = with_canaries(canary, "https://api.weixin.qq.com/cgi-bin/stable_token")
    filled_entry = entry(
        made.uri,
        request__headers=[
            {"name": name, "value": values[0]} for name, values in made.request_headers.items()
        ],
        request__postData={"text": made.request_body.decode()},
        request__cookies=[{"name": "sid", "value": canary("HAR cookie")}],
        request__queryString=[{"name": "secret", "value": canary("HAR query")}],
        response__headers=[
            {"name": name, "value": values[0]} for name, values in made.response_headers.items()
        ],
        response__content={"text": made.response_body.decode()},
        response__statusText=made.reason,
    )
    file, folder = har(tmp_path, filled_entry, entry()), tmp_path / "to"
    done = CliRunner().invoke(group, ["import", str(file), "--to", str(folder)])
    assert (done.exit_code, done.output) == (0, f"2 recorded in {folder}\n")
    assert canary.leaked(folder) == []
    assert load(folder / "analysis.getDailyRetain")[0].response_body == ANSWER.encode()
