"""Cassettes of VCR.py are loaded; errors name file, interaction and key."""

import gzip
import http.client
import io
import json
import tracemalloc
import zlib
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest
import requests
import vcr
import yaml

from cloud_openapi.recordings import RecordingError, _files, load

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


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-09 08:00:00",
        "2026-03-09T08:00:00",
        "'2026-03-09T08:00:00'",
        "2026-03-09T00:00:00Z",
        "2026-03-09 01:00:00 +01:00",
    ],
)
def test_a_time_is_the_same_whether_yaml_parses_it_or_not(tmp_path, written):
    file = tmp_path / "a.yaml"
    text = yaml.safe_dump({"interactions": [entry(recorded_at="AT")], "version": 1})
    file.write_text(text.replace("AT", written), "utf-8")
    assert load(file)[0].recorded_at == datetime(2026, 3, 9, 8, tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.parametrize("written", ["20260309", "2026-03-09", "'20260309'", "1772985600000"])
def test_a_day_or_a_number_that_yaml_parses_is_loaded(tmp_path, written):
    file = tmp_path / "a.yaml"
    text = yaml.safe_dump({"interactions": [entry(recorded_at="AT")], "version": 1})
    file.write_text(text.replace("AT", written), "utf-8")
    assert load(file)[0].recorded_at == datetime(2026, 3, 9, tzinfo=timezone(timedelta(hours=8)))


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
        (
            {"response__status": {"code": -1}},
            "response.status.code: must be an HTTP status from 100 to 999, is -1",
        ),
        (
            {"response__status": {"code": 0}},
            "response.status.code: must be an HTTP status from 100 to 999, is 0",
        ),
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
        ("br", b"\xff\xfe", "body: is not br data"),
        ("compress", b"\xff\xfe", "headers.Content-Encoding: is compress; supported are"),
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


def test_every_bad_file_of_a_folder_is_named_at_once(tmp_path):
    cassette(tmp_path / "good.yaml", entry())
    (tmp_path / "a.yaml").write_text("a: !!python/object/apply:os.getcwd []", "utf-8")
    (tmp_path / "b.json").write_text("{", "utf-8")
    with pytest.raises(RecordingError) as caught:
        load(tmp_path)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{tmp_path / 'a.yaml'}: is not YAML as VCR.py writes it in line 1")
    assert first.endswith("Record it again, or remove it")
    assert second.startswith(f"{tmp_path / 'b.json'}: is not JSON")


# ---- values of Python in the YAML of VCR.py --------------------------------------------------

SENT = b'{"begin_date":"20170313"}'


def pieces():
    yield SENT[:5]
    yield SENT[5:]


def by_http_client(url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("POST", parts.path, SENT, {"X-Number": "5"})
    connection.getresponse().read()
    connection.close()


def by_file(url, file):
    with file.open("rb") as stream:
        requests.post(url, data=stream, timeout=30)


@pytest.mark.parametrize(
    "send",
    [
        by_file,
        lambda url, file: requests.post(url, data=io.BytesIO(SENT), timeout=30),
        lambda url, file: requests.post(url, data=io.StringIO(SENT.decode()), timeout=30),
        lambda url, file: requests.post(url, data=pieces(), timeout=30),
        lambda url, file: requests.post(url, data=iter((SENT,)), timeout=30),
        lambda url, file: requests.post(url, data=bytearray(SENT), timeout=30),
        lambda url, file: requests.post(url, data=SENT, timeout=30),
        lambda url, file: requests.post(url, json=json.loads(SENT), timeout=30),
        lambda url, file: by_http_client(url),
    ],
    ids=["file", "BytesIO", "StringIO", "generator", "iterator", "bytearray", "bytes", "json", "c"],
)
def test_a_body_that_vcr_recorded_is_loaded(served, tmp_path, send):
    (tmp_path / "body").write_bytes(SENT)
    with vcr.VCR().use_cassette(str(tmp_path / "day.yaml")):
        send(served.url_for(PATH), tmp_path / "body")
    (found,) = load(tmp_path / "day.yaml")
    assert found.request_json == json.loads(SENT)
    assert found.response_json == ANSWER


OLD_HTTPX = """
interactions:
- request: {body: '{}', headers: {accept: ['*/*']}, method: POST, uri: 'https://a.example/x'}
  response:
    content: '{"ref_date":"20170313"}'
    headers: {content-type: [application/json]}
    http_version: HTTP/1.1
    status_code: 201
version: 1
"""


def test_a_response_of_httpx_as_older_releases_of_vcr_wrote_it_is_loaded(tmp_path):
    (tmp_path / "a.yaml").write_text(OLD_HTTPX, "utf-8")
    (found,) = load(tmp_path / "a.yaml")
    assert (found.status, found.response_json) == (201, {"ref_date": "20170313"})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("!!python/unicode 'a'", b"a"),
        ("!!python/str 'a'", b"a"),
        ("!!binary YQ==", b"a"),
        ("!!python/bytes YQ==", b"a"),
        ("!!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary YQ==, 0, null]}", b"a"),
        ("!!python/object/new:_io.StringIO {state: !!python/tuple ['a', '', 0, null]}", b"a"),
        ("!!python/object/new:_io.BufferedReader {}", b""),
        ("!!python/object/new:_io.BufferedReader [!!binary YQ==]", b"a"),
        ("!!python/object/apply:builtins.iter {args: [[a, !!binary Yg==, 99]], state: 0}", b"abc"),
        ("!!python/object/apply:builtins.iter {args: [!!python/tuple []], state: 0}", b""),
        ("!!python/object/apply:builtins.bytearray ['\xff', latin-1]", b"\xff"),
        ("!!python/tuple [1, !!python/long 2]", b"[1,2]"),
        ("!!python/dict {a: !!python/none null}", b'{"a":null}'),
        ("!!python/object/new:multidict._multidict.istr ['a']", b"a"),
    ],
)
def test_a_harmless_tag_of_python_is_read(tmp_path, written, read):
    text = yaml.safe_dump({"interactions": [entry(request__body="BODY")], "version": 1})
    (tmp_path / "a.yaml").write_text(text.replace("BODY", written.replace("\n", "")), "utf-8")
    assert load(tmp_path / "a.yaml")[0].request_body == read


@pytest.mark.parametrize(
    "written",
    [
        "!!python/object/apply:os.getcwd []",
        "!!python/object/apply:os.system ['touch hacked']",
        "!!python/object/new:os.system ['touch hacked']",
        "!!python/object/apply:builtins.eval ['1']",
        "!!python/object/apply:builtins.map [!!python/name:builtins.bytes , []]",
        "!!python/object:collections.OrderedDict {}",
        "!!python/name:os.system ''",
        "!!python/module:os ''",
        "!!python/object/apply:subprocess.Popen [[touch, hacked]]",
        "!!python/object/new:_io.BytesIO 5",
        "!!python/object/new:_io.BytesIO {state: []}",
        "!!python/object/apply:builtins.iter {args: [[{}]]}",
        "!!python/object/apply:builtins.bytearray [5, latin-1]",
        "!!timestamp x",
        "!!bool x",
        "!!int ''",
        "&a [*a]",
        "*missing",
    ],
)
def test_a_hostile_or_broken_value_is_refused_by_the_name_of_its_file(
    tmp_path, monkeypatch, written
):
    monkeypatch.chdir(tmp_path)
    text = yaml.safe_dump({"interactions": [entry(request__body="BODY")], "version": 1})
    (tmp_path / "a.yaml").write_text(text.replace("BODY", written), "utf-8")
    with pytest.raises(RecordingError, match=r"a\.yaml: "):
        load(tmp_path / "a.yaml")
    assert not (tmp_path / "hacked").exists()


# ---- limits ----------------------------------------------------------------------------------


def bomb(width, depth):
    lines = ["a0: &a0 [" + ", ".join(["x" * 9] * width) + "]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(lines) + "\n"


MERGES = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (bomb(9, 9), "its aliases repeat more than 16 MiB, the limit"),
        (MERGES, "its aliases repeat more than 16 MiB, the limit"),
        ("[" * 100_000, "is nested more than 64 deep, the limit"),
        ("- " * 100_000, "is nested more than 64 deep, the limit"),
        ("a: {" * 100_000, "is nested more than 64 deep, the limit"),
        (
            "a: 1" + ":1" * 999 + "\n",
            "has a number of more than 300 characters, the limit, in line 1",
        ),
        ("a: 1" + ":1" * 999 + ".5\n", "has a number of more than 300 characters, the limit"),
        ("a: !!python/long 1" + ":1" * 999 + "\n", "has a number of more than 300"),
    ],
    ids=["aliases", "merges", "flow", "block", "mappings", "sixties", "fractions", "long"],
)
def test_a_yaml_file_that_explodes_is_refused_with_the_limit(tmp_path, text, reason):
    (tmp_path / "a.yaml").write_text(text + "interactions: []\n", "utf-8")
    tracemalloc.start()
    try:
        with pytest.raises(RecordingError, match=reason):
            load(tmp_path / "a.yaml")
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_aliases_that_vcr_writes_are_read(tmp_path):
    shared = ["application/json"]
    headers = {"Accept": shared, "Content-Type": shared}
    made = {"interactions": [entry(request__headers=headers) for _ in range(9)], "version": 1}
    (tmp_path / "a.yaml").write_text(yaml.dump(made), "utf-8")
    assert "*id001" in (tmp_path / "a.yaml").read_text()
    assert [one.request_headers for one in load(tmp_path)] == [headers] * 9


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "_LARGEST", 2**20)
    (tmp_path / "a.json").write_bytes(b" " * (2**20 + 1))
    with pytest.raises(RecordingError, match=r"a\.json: is larger than 1 MiB, the limit"):
        load(tmp_path)
