"""Cassettes of VCR.py are loaded; errors name file, interaction and key."""

import gzip
import json
import zlib
from datetime import datetime, timedelta, timezone

import pytest
import requests
import vcr
import yaml

from cloud_openapi.recordings import RecordingError, load

PATH = "/datacube/getweanalysisappiddailyretaininfo"
URI = f"https://api.weixin.qq.com{PATH}"
BODY = '{"begin_date":"20170313","end_date":"20170313"}'
ANSWER = {"ref_date": "20170313", "visit_uv_new": [], "visit_uv": []}


def entry(**changes):
    """Return an interaction as VCR.py writes it, with changes by dotted key."""
    made = {
        "request": {
            "method": "POST",
            "uri": URI,
            "body": BODY,
            "headers": {"Content-Type": ["application/json"]},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"Content-Type": ["application/json; encoding=utf-8"]},
            "body": {"string": json.dumps(ANSWER)},
        },
    }
    for key, value in changes.items():
        *parents, last = key.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        place[last] = value
    return made


def cassette(path, *entries, **top):
    document = {"interactions": list(entries), "version": 1, **top}
    write = yaml.safe_dump if path.suffix in {".yaml", ".yml"} else json.dumps
    path.write_text(write(document), "utf-8")
    return path


@pytest.fixture
def served(httpserver):
    httpserver.expect_request(PATH, method="POST").respond_with_json(ANSWER)
    return httpserver


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_a_cassette_of_vcr_is_loaded(served, tmp_path, serializer):
    file = tmp_path / f"day.{serializer}"
    with vcr.VCR(serializer=serializer).use_cassette(str(file)):
        requests.post(served.url_for(PATH), data=BODY, timeout=30)
    (found,) = load(file)
    assert (found.api, found.method, found.uri) == (
        "analysis.getDailyRetain",
        "POST",
        served.url_for(PATH),
    )
    assert found.request_json == {"begin_date": "20170313", "end_date": "20170313"}
    assert (found.status, found.reason, found.response_json) == (200, "OK", ANSWER)
    assert found.response_headers["Content-Type"] == ["application/json"]
    assert (found.recorded_at, found.origin) == (None, None)


def test_the_cassettes_of_a_folder_are_loaded_in_name_order(tmp_path):
    (tmp_path / "b").mkdir()
    cassette(tmp_path / "b" / "2.json", entry(request__uri=URI + "?n=2"))
    cassette(tmp_path / "a.yaml", entry(request__uri=URI + "?n=1"), entry())
    cassette(tmp_path / ".unfinished.yaml", entry())
    (tmp_path / "notes.txt").write_text("nothing", "utf-8")
    assert [found.uri for found in load(tmp_path)] == [URI + "?n=1", URI, URI + "?n=2"]


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("identity", bytes),
        ("br", bytes),  # VCR.py decoded the body and kept the header
        ("gzip", bytes),
    ],
)
def test_a_compressed_response_is_decoded(tmp_path, encoding, encode):
    plain = json.dumps(ANSWER).encode()
    headers, body = {"content-encoding": [encoding]}, {"string": encode(plain)}
    file = cassette(tmp_path / "a.yaml", entry(response__headers=headers, response__body=body))
    assert load(file)[0].response_body == plain


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({"request__body": None}, b""),
        ({"request__body": b"\xff\x00"}, b"\xff\x00"),
        ({"request__body": {"begin_date": "天"}}, '{"begin_date":"天"}'.encode()),
    ],
)
def test_a_request_body_may_be_absent_bytes_or_a_value(tmp_path, changes, sent):
    assert load(cassette(tmp_path / "a.yaml", entry(**changes)))[0].request_body == sent


def test_a_body_in_base64_is_loaded(tmp_path):
    file = cassette(tmp_path / "a.json", entry(response__body={"base64_string": "eyJhIjoxfQ=="}))
    assert load(file)[0].response_json == {"a": 1}


def test_a_header_may_have_one_value_or_several(tmp_path):
    headers = {"Accept": "*/*", "Vary": ["A", "B"]}
    file = cassette(tmp_path / "a.json", entry(request__headers=headers))
    assert load(file)[0].request_headers == {"Accept": ["*/*"], "Vary": ["A", "B"]}


@pytest.mark.parametrize(
    "written", ["2026-03-09T08:00:00+08:00", "2026-03-09T00:00:00Z", "2026-03-09T08:00"]
)
def test_time_and_origin_of_a_recording_are_loaded(tmp_path, written):
    made = entry(recorded_at=written, origin="a page")
    (found,) = load(cassette(tmp_path / "a.json", made))
    assert found.recorded_at == datetime(2026, 3, 9, 8, tzinfo=timezone(timedelta(hours=8)))
    assert found.origin == "a page"


def test_a_time_that_yaml_parses_is_loaded(tmp_path):
    file = tmp_path / "a.yaml"
    text = yaml.safe_dump({"interactions": [entry(recorded_at="AT")], "version": 1})
    file.write_text(text.replace("AT", "2026-03-09 00:00:00"), "utf-8")
    assert load(file)[0].recorded_at == datetime(2026, 3, 9, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"request": []}, "request: must be an object"),
        ({"request__uri": 5}, "request.uri: must be a string"),
        ({"request__uri": "http://["}, "request.uri: is not a valid URL"),
        ({"request__method": None}, "request.method: must be a string"),
        ({"request__headers": "x"}, "request.headers: must be an object"),
        ({"request__body": 5}, "request.body: must be a string, is integer"),
        ({"response__status": {"message": "OK"}}, "response.status.code: is missing"),
        ({"response__status": {"code": "200"}}, "response.status.code: must be an integer"),
        ({"response__body": {"string": 1.5}}, "response.body.string: must be a string, is number"),
        (
            {"response__body": {"base64_string": "%"}},
            "response.body.base64_string: is not base64",
        ),
        ({"recorded_at": "yesterday"}, "recorded_at: must be an ISO 8601 time, is 'yesterday'"),
    ],
)
def test_an_error_names_file_interaction_key_and_reason(tmp_path, changes, key):
    file = cassette(tmp_path / "a.json", entry(), entry(**changes))
    with pytest.raises(RecordingError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{file}: interaction 2: {key}"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.json", "", "is not JSON"),
        ("a.json", '{"interactions": [', "is not JSON"),
        ("a.yaml", "interactions: [", "is not YAML as VCR.py writes it in line "),
        ("a.yaml", "a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("a.yaml", "", "not a cassette of VCR.py"),
        ("a.json", "[]", "not a cassette of VCR.py"),
        ("a.yaml", "http_interactions: []\n", "not a cassette of VCR.py"),
        ("a.json", '{"interactions": [], "version": 2}', "version: is 2"),
    ],
)
def test_a_file_that_is_not_a_cassette_is_named(tmp_path, name, text, reason):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(RecordingError, match=reason) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(str(tmp_path / name))


@pytest.mark.parametrize(
    ("encoding", "data", "reason"),
    [
        ("gzip", gzip.compress(b"x" * 999, mtime=0)[:-9], "the gzip data end too early"),
        ("gzip", b"\x1f\x8b\xff\xff", "is not gzip data"),
        ("br", b"\xff\xfe", "headers.Content-Encoding: is br"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_an_error_with_its_place(tmp_path, encoding, data, reason):
    made = entry(
        response__headers={"Content-Encoding": [encoding]}, response__body={"string": data}
    )
    with pytest.raises(RecordingError, match=f"interaction 1: response.*{reason}"):
        load(cassette(tmp_path / "a.yaml", made))


def test_a_missing_file_or_another_suffix_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("", "utf-8")
    with pytest.raises(RecordingError, match="no such file or folder"):
        load(tmp_path / "missing.yaml")
    with pytest.raises(RecordingError, match=r"a cassette must end in \.yaml"):
        load(tmp_path / "a.txt")
