"""Requests to WeChat in HAR files of browsers and proxies become recordings."""

import base64
import functools
import gzip
import json
import re
import sys
import tracemalloc
import zlib
from datetime import datetime, timezone

import backports
import brotli
import pytest
from backports import zstd
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
        ({"response__content": {"text": "x", "encoding": "rot13"}}, "encoding must be base64"),
        ({"request__url": "http://["}, "request.url: is not a valid URL"),
        ({"request__headers": {"a": "b"}}, "request.headers: must be a list of objects"),
        ({"request__postData": {"params": [5]}}, "postData.params: must be a list of objects"),
        ({"request__postData": None, "request__bodySize": 25}, "did not keep the 25 bytes"),
        ({"response": None}, "response: must be an object"),
        ({"response__status": 0}, "response.status: is 0: the program received no response"),
        ({"response__status": -1}, "response.status: must be an HTTP status from 100 to 999"),
        ({"response__status": 200.5}, "response.status: must be an integer"),
        ({"response__status": True}, "response.status: must be an integer"),
        ({"response__headers": 5}, "response.headers: must be a list of objects"),
        ({"response__content": {"size": 312}}, "content.text: is missing; the program did not"),
        ({"response__content": {"size": 312, "text": ""}}, "did not keep the 312 bytes"),
        ({"response__content": {"mimeType": "x"}}, "content.text: is missing"),
    ],
)
def test_an_odd_entry_of_weixin_is_left_out_with_its_reason(tmp_path, changes, key):
    left_out = []
    file = har(tmp_path, entry(), entry(**changes), entry())
    assert len(read_har(file, left_out=left_out.append)) == 2
    (reason,) = left_out
    assert reason.startswith("log.entries[1].")
    assert key in reason


@pytest.mark.parametrize("odd", [5, {}, {"request": None}, {"request": {"url": 5}}])
def test_an_entry_that_names_no_host_is_left_out_with_its_reason(tmp_path, odd):
    left_out = []
    assert len(read_har(har(tmp_path, odd, entry()), left_out=left_out.append)) == 1
    assert left_out[0].startswith("log.entries[0].request")


@pytest.mark.parametrize(
    "changes",
    [
        {"response": None},
        {"response__status": -1},
        {"response__headers": 5},
        {"request__method": None},
        {"request__postData": 5},
        {"startedDateTime": []},
    ],
)
def test_other_hosts_may_have_odd_entries(tmp_path, changes):
    left_out = []
    file = har(tmp_path, entry("https://other.example/x", **changes), entry())
    assert len(read_har(file, left_out=left_out.append)) == 1
    assert left_out == []


def test_the_log_names_what_is_left_out_by_default(tmp_path, caplog):
    assert read_har(har(tmp_path, entry(response__status=-1))) == []
    assert "log.entries[0].response.status" in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"response__status": 204, "response__content": {"size": -1}},
        {"response__content": {"size": 0}},
        {"request__method": "HEAD", "response__content": {"size": 312}},
    ],
)
def test_an_answer_without_a_body_is_recorded(tmp_path, changes):
    (found,) = read_har(har(tmp_path, entry(**changes)), left_out=pytest.fail)
    assert found.response_body == b""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (1773194400000, datetime(2026, 3, 11, 2, tzinfo=timezone.utc)),
        (1773194400.5, datetime(2026, 3, 11, 2, 0, 0, 500000, tzinfo=timezone.utc)),
        ("2026-03-11T07:30:00.000+0530", datetime(2026, 3, 11, 2, tzinfo=timezone.utc)),
        (
            "2026-03-11T10:00:00.1234567+08:00",
            datetime(2026, 3, 11, 2, 0, 0, 123456, tzinfo=timezone.utc),
        ),
        ("20260311T020000Z", datetime(2026, 3, 11, 2, tzinfo=timezone.utc)),
        ("noon", None),
        ([], None),
        (1e300, None),
        (None, None),
    ],
)
def test_a_time_is_read_and_a_bad_one_does_not_cost_the_entry(tmp_path, written, read):
    made = har(tmp_path, entry(startedDateTime=written))
    (found,) = read_har(made, left_out=pytest.fail)
    assert found.recorded_at == read


TOKEN = {"access_token": "a-real-token-of-the-service", "expires_in": 7200}
PLAIN = json.dumps(TOKEN).encode()
ENCODED = {
    "gzip": gzip.compress(PLAIN),
    "x-gzip": gzip.compress(PLAIN),
    "deflate": zlib.compress(PLAIN),
    "deflate ": zlib.compress(PLAIN, wbits=-15),
    "DEFLATE": gzip.compress(PLAIN),
    "br": brotli.compress(PLAIN),
    "zstd": zstd.compress(PLAIN),
    "gzip, br": brotli.compress(gzip.compress(PLAIN)),
    "deflate, gzip": gzip.compress(zlib.compress(PLAIN)),
    "gzip;gzip": gzip.compress(gzip.compress(PLAIN)),
    "identity": zlib.compress(PLAIN),
    "unheard-of": zstd.compress(PLAIN),
    "members": gzip.compress(PLAIN[:9]) + gzip.compress(PLAIN[9:]),
}


def in_base64(data):
    return {"text": base64.encodebytes(data).decode(), "encoding": "base64"}


@pytest.mark.parametrize("coding", ENCODED)
@pytest.mark.parametrize("side", ["request", "response"])
def test_whatever_is_encoded_is_decoded_before_redaction(tmp_path, coding, side):
    body = in_base64(ENCODED[coding])
    headers = [{"name": "Content-Encoding", "value": one} for one in coding.split(";")]
    place = "request__postData" if side == "request" else "response__content"
    made = entry(**{place: body, f"{side}__headers": headers})
    (found,) = read_har(har(tmp_path, made), left_out=pytest.fail)
    assert getattr(found, f"{side}_json") == {**TOKEN, "access_token": "REDACTED"}
    assert getattr(found, f"{side}_headers") == {}


@pytest.mark.parametrize(
    ("coding", "data", "reason"),
    [
        ("compress", b"\x1f\x9d\x90" + PLAIN, "Content-Encoding: is compress; supported are gzip"),
        ("base64", base64.b64encode(PLAIN), "headers.Content-Encoding: is base64"),
        ("", zlib.compress(PLAIN)[:-3], "body: the deflate data end too early|not deflate"),
        ("", zlib.compress(PLAIN) + b"\n", "body: is not deflate data"),
        ("aes", b"\x00\xff", "headers.Content-Encoding: is aes"),
        ("gzip", gzip.compress(PLAIN)[:-9], "the gzip data end too early"),
        ("br", brotli.compress(PLAIN)[:-3], "the br data end too early"),
        ("zstd", zstd.compress(PLAIN)[:-3], "the zstd data end too early"),
        ("deflate", b"\xff\xfe", "is not deflate data"),
        ("gzip", gzip.compress(b"") * 100, "more than 64 members"),
        (",".join(["gzip"] * 9), gzip.compress(PLAIN), "more than 8 codings"),
        ("x", functools.reduce(lambda data, _: gzip.compress(data), range(9), b""), "8 times"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_what_cannot_be_decoded_is_left_out(tmp_path, coding, data, reason):
    headers, left_out = [{"name": "content-encoding", "value": coding}], []
    made = entry(response__content=in_base64(data), response__headers=headers)
    assert read_har(har(tmp_path, made), left_out=left_out.append) == []
    assert "log.entries[0].response." in left_out[0]
    assert re.search(reason, left_out[0])


def test_a_token_is_masked_in_the_entries_before_its_grant(tmp_path):
    echoed = entry(response__content={"text": '{"errmsg": "bad a-token-of-mine"}'})
    granted = entry(response__content={"text": '{"access_token": "a-token-of-mine"}'})
    found = read_har(har(tmp_path, echoed, granted))
    assert len(found) == 2
    assert not [each for each in found if b"a-token-of-mine" in each.response_body]


def test_a_long_number_of_another_host_does_not_stop_the_import(tmp_path):
    path = har(tmp_path, entry(request__url="https://other.example/"), entry())
    text = path.read_text("utf-8").replace('"log": {', f'"log": {{"_size": {"1" * 5000},', 1)
    path.write_text(text, "utf-8")
    assert "1" * 5000 in text
    assert len(read_har(path)) == 1


@pytest.mark.parametrize("encode", [base64.b64encode, base64.encodebytes, base64.urlsafe_b64encode])
def test_base64_that_no_key_names_is_decoded(tmp_path, encode):
    made = entry(response__content={"text": encode(PLAIN).decode()})
    (found,) = read_har(har(tmp_path, made))
    assert found.response_json == {**TOKEN, "access_token": "REDACTED"}


def test_broken_data_without_a_header_are_not_taken_for_text(tmp_path):
    left_out = []
    cut = in_base64(brotli.compress(PLAIN * 20)[:-5])
    headers = [{"name": "Content-Type", "value": "application/json; charset=utf-8"}]
    made = entry(response__content=cut, response__headers=headers)
    assert read_har(har(tmp_path, made), left_out=left_out.append) == []
    assert "is not the text that its Content-Type says" in left_out[0]


def test_text_like_base64_that_is_not_json_stays(tmp_path):
    text = "success0123456789abcdef"
    (found,) = read_har(har(tmp_path, entry(response__content={"text": text})))
    assert found.response_body == text.encode()


def test_brotli_without_a_header_is_decoded(tmp_path):
    (found,) = read_har(har(tmp_path, entry(response__content=in_base64(brotli.compress(PLAIN)))))
    assert found.response_json == {**TOKEN, "access_token": "REDACTED"}


def test_an_answer_whose_size_on_the_wire_alone_is_known_was_not_kept(tmp_path):
    left_out = []
    made = entry(response__content={"size": 0}, response__bodySize=312)
    assert read_har(har(tmp_path, made), left_out=left_out.append) == []
    assert "312 bytes" in left_out[0]


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_a_missing_decoder_is_named(tmp_path, monkeypatch, coding):
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    monkeypatch.setattr(backports, "zstd", None)
    monkeypatch.delattr(backports, "zstd")
    headers, left_out = [{"name": "content-encoding", "value": coding}], []
    made = entry(response__content=in_base64(ENCODED[coding]), response__headers=headers)
    assert read_har(har(tmp_path, made), left_out=left_out.append) == []
    assert f"is {coding} data, which need a package: pip install " in left_out[0]
    browsers = entry(response__headers=headers)
    assert len(read_har(har(tmp_path, browsers), left_out=pytest.fail)) == 1


def zeros(coding):
    """Return 200 MB of zeros, encoded."""
    if coding == "br":
        encoder = brotli.Compressor(quality=1)
        parts = [encoder.process(bytes(10**6)) for _ in range(200)]
        return b"".join([*parts, encoder.finish()])
    if coding == "zstd":
        encoder = zstd.ZstdCompressor()
    else:
        encoder = zlib.compressobj(1, wbits={"gzip": 31, "deflate": 15}[coding])
    parts = [encoder.compress(bytes(10**6)) for _ in range(200)]
    return b"".join([*parts, encoder.flush()])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_data_that_decode_to_too_much_are_left_out_without_decoding_them(tmp_path, coding):
    headers, left_out = [{"name": "content-encoding", "value": coding}], []
    content = in_base64(zeros(coding))
    file = har(tmp_path, entry(response__content=content, response__headers=headers))
    tracemalloc.start()
    try:
        assert read_har(file, left_out=left_out.append) == []
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert f"the {coding} data decode to more than 33554432 bytes" in left_out[0]
    assert peak < 150e6


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_har, "_LARGEST_FILE", 2**20)
    (tmp_path / "a.har").write_bytes(b" " * (2**20 + 1))
    with pytest.raises(RecordingError, match=r"a\.har: is larger than 1 MiB, the limit"):
        read_har(tmp_path / "a.har")


def test_an_image_of_a_compressing_server_is_recorded(tmp_path):
    image = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    (found,) = read_har(har(tmp_path, entry(response__content=in_base64(image))))
    assert found.response_body == image


def test_the_command_counts_what_it_recorded_and_left_out(tmp_path):
    file = har(tmp_path, entry(), entry(response__status=-1), entry("https://x.example/", time=1))
    done = CliRunner().invoke(group, ["import", str(file), "--to", str(tmp_path / "to")])
    assert done.exit_code == 0
    assert done.output == (
        f"1 recorded in {tmp_path / 'to'}; 1 left out:\n"
        "  log.entries[1].response.status: must be an HTTP status from 100 to 999, is -1\n"
    )


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
