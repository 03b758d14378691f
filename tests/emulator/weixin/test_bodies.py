"""Bodies and queries that are not what WeChat expects: strange text, hostile sizes, random ones."""

import gzip
import json
import tracemalloc

import jsonschema.exceptions
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.values import API, DAILY, DAY, NOW, QUOTA, STABLE, TOKEN

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app

PERFORMANCE = default_catalogue()["analysis.getPerformanceData"].path
TEXT = json.dumps(DAY)
FIELDS = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}


class Weixin:
    def __init__(self):
        self.emulator = Emulator(clock=Clock(NOW))
        self.app = create_app(self.emulator)
        self.app.testing = True  # exceptions are raised
        self.client = self.app.test_client()
        self.token = self.emulator.program(DEMO_APPID).tokens.grant()[0]

    def post(self, body, path=DAILY, **settings):
        return self.client.post(
            path, query_string={"access_token": self.token}, data=body, **settings
        )

    def code(self, body, path=DAILY, **settings):
        return self.post(body, path, **settings).json.get("errcode", 0)

    @property
    def last(self):
        return list(self.emulator.journal)[-1]


@pytest.fixture
def weixin():
    return Weixin()


# ---- strange text ----------------------------------------------------------------------------

NOT_JSON = {
    "a byte order mark": TEXT.encode("utf-8-sig"),
    "UTF-16 with a mark": TEXT.encode("utf-16"),
    "UTF-16 without one": TEXT.encode("utf-16-le"),
    "UTF-16, the other order": TEXT.encode("utf-16-be"),
    "UTF-32 with a mark": TEXT.encode("utf-32"),
    "UTF-32 without one": TEXT.encode("utf-32-le"),
    "UTF-32, the other order": TEXT.encode("utf-32-be"),
    "latin-1": json.dumps({**DAY, "note": "é"}, ensure_ascii=False).encode("latin-1"),
    "GBK": json.dumps({**DAY, "note": "零"}, ensure_ascii=False).encode("gbk"),
    "half a pair as bytes": TEXT.replace("2026", "\ud800").encode("utf-8", "surrogatepass"),
    "gzip": gzip.compress(TEXT.encode(), mtime=0),
    "NaN": TEXT.replace("}", ', "a": NaN}').encode(),
    "Infinity": TEXT.replace("}", ', "a": -Infinity}').encode(),
    "a number without an end": TEXT.replace("}", ', "a": ' + "1" * 5000 + "}").encode(),
    "a number beyond a double": TEXT.replace("}", ', "a": 1e999}').encode(),
    "deep nesting": TEXT.replace("}", ', "a": ' + "[" * 500 + "]" * 500 + "}").encode(),
    "single quotes": TEXT.replace('"', "'").encode(),
    "a comma at the end": TEXT.replace("}", ",}").encode(),
    "a comment": b"// dates\n" + TEXT.encode(),
    "a tab in a string": TEXT.replace("2026", "\t").encode(),
    "two values": TEXT.encode() * 2,
    "spaces": b"  ",
    "an array": f"[{TEXT}]".encode(),
    "a string": json.dumps(TEXT).encode(),
    "a number": b"5",
    "null": b"null",
}


@pytest.mark.parametrize("path", [DAILY, PERFORMANCE, QUOTA])
@pytest.mark.parametrize("kind", NOT_JSON)
def test_a_body_that_is_not_a_json_object_is_47001(weixin, kind, path):
    assert weixin.code(NOT_JSON[kind], path) == 47001


@pytest.mark.parametrize("kind", NOT_JSON)
def test_a_token_request_that_is_not_a_json_object_has_no_appid(weixin, kind):
    answer = weixin.client.post(STABLE, data=NOT_JSON[kind])
    assert answer.json["errcode"] == 47001


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (TEXT.encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
        (TEXT.encode("utf-16-le"), {"Content-Type": "application/json; charset=utf-16le"}),
        (NOT_JSON["latin-1"], {"Content-Type": "application/json; charset=iso-8859-1"}),
        (NOT_JSON["GBK"], {"Content-Type": "application/json; charset=gbk"}),
        (gzip.compress(TEXT.encode(), mtime=0), {"Content-Encoding": "gzip"}),
    ],
    ids=["UTF-16", "UTF-16LE", "latin-1", "GBK", "gzip"],
)
def test_no_header_makes_another_encoding_json(weixin, body, headers):
    assert weixin.code(body, headers=headers) == 47001


def test_a_content_encoding_that_is_not_true_is_ignored(weixin):
    assert weixin.code(TEXT.encode(), headers={"Content-Encoding": "gzip"}) == 0


def test_an_empty_body_is_44002(weixin):
    assert weixin.code(b"") == 44002


def test_of_two_members_of_a_name_the_last_one_counts(weixin):
    assert weixin.post(b'{"begin_date": "x", ' + TEXT.encode()[1:]).json["ref_date"] == "20260310"


def test_of_two_tokens_in_the_query_the_first_one_counts(weixin):
    url = f"{DAILY}?access_token={weixin.token}&access_token=x"
    assert "errcode" not in weixin.client.post(url, data=TEXT).json
    url = f"{DAILY}?access_token=x&access_token={weixin.token}"
    assert weixin.client.post(url, data=TEXT).json["errcode"] == 40001


def test_of_two_appids_the_first_one_is_both_checked_and_used(weixin):
    weixin.emulator.configure_app("wxother", secret="other-secret")
    query = f"{TOKEN}?grant_type=client_credential&appid={DEMO_APPID}&appid=wxother&secret="
    assert weixin.client.get(query + "other-secret").json["errcode"] == 40125
    token = weixin.client.get(query + DEMO_SECRET).json["access_token"]
    assert weixin.emulator.program_of_token(token).appid == DEMO_APPID


@pytest.mark.parametrize(
    "name", ["begin_Date", "Begin_date", "BEGIN_DATE", "begin_date ", "ｂegin_date"]
)
def test_a_name_in_another_spelling_is_another_name(weixin, name):
    assert weixin.code(TEXT.replace("begin_date", name).encode()) == 61500


# ---- sizes -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b"[" + b"[]," * 300_000 + b"[]]",
        b'{"a": "' + b"x" * 1_000_000 + b'"}',
        b"9" * 1_000_000,
        b'{"begin_date": "' + b"2" * 1_000_000 + b'", "end_date": "20260310"}',
        b"&".join(b"a%d=1" % number for number in range(100_000)),
        b" " * 1_000_000,
        b"a: " * 300_000,
    ],
    ids=lambda body: repr(body[:12]),
)
@pytest.mark.parametrize("path", [DAILY, PERFORMANCE, STABLE])
def test_a_large_body_is_refused_with_a_short_text(weixin, path, body):
    answer = weixin.post(body, path)
    assert answer.json["errcode"] in {40013, 41002, 47001, 61500}
    assert len(answer.data) < 300
    assert len(weixin.last.check) < 300
    assert len(weixin.last.body) <= 64 * 1024


def test_the_errors_of_a_long_list_are_not_all_collected(weixin, monkeypatch):
    collected = []
    best = jsonschema.exceptions.best_match

    def counting(errors):
        collected.extend(errors)
        return best(iter(collected))

    monkeypatch.setattr(jsonschema.exceptions, "best_match", counting)
    body = {"time": {"begin_timestamp": 1, "end_timestamp": 2}, "module": "10022"}
    body["params"] = [{"field": 1, "value": 1}] * 10_000
    assert weixin.code(json.dumps(body).encode(), PERFORMANCE) == 47001
    assert 0 < len(collected) <= 100


def test_the_search_for_secrets_does_not_keep_every_word(weixin):
    body = b'{"a": "' + b"word " * 200_000 + b'"}'
    weixin.post(body)
    tracemalloc.start()
    try:
        weixin.post(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(body)


@pytest.mark.parametrize(
    "query", ["a=1&" * 100_000, "access_token=" + "x" * 200_000, "&" * 200_000]
)
def test_a_long_query_is_answered(weixin, query):
    answer = weixin.client.post(f"{DAILY}?{query}", data=TEXT)
    assert answer.json["errcode"] in {40001, 41001}
    assert len(answer.data) < 400


# ---- random requests -------------------------------------------------------------------------

FUZZED = Weixin()
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["\ud800", "20260310", "20170313", 10**400, "10022", DEMO_APPID, API]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = ["begin_date", "end_date", "time", "module", "params", "rid", "cgi_path", "force_refresh"]
CREDENTIALS = ["appid", "secret", "grant_type", "appsecret"]
names = st.sampled_from(NAMES) | st.sampled_from(CREDENTIALS)
objects = st.dictionaries(names, anything, max_size=4).map(json.dumps)
encodings = st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-32-le", "utf-8-sig"])
bodies = st.builds(str.encode, objects, encodings) | st.binary(max_size=30)
paths = st.sampled_from([*sorted(FUZZED.emulator.paths), "/nowhere", "/x//y", "/%ff"])
queries = st.lists(
    st.tuples(
        st.sampled_from(["access_token", "appid", "secret", "cloudbase_access_token", "a"]),
        st.sampled_from([FUZZED.token, DEMO_APPID, "", "%FF", "%00"]) | st.text(max_size=5),
    ),
    max_size=3,
)


def check(method, path, query, body, kind):
    answer = FUZZED.client.open(
        path, method=method, query_string=query, data=body, content_type=kind
    )
    assert answer.status_code == 200
    assert DEMO_SECRET.encode() not in answer.data
    if method == "HEAD":
        return
    assert isinstance(answer.json, dict)
    assert isinstance(answer.json.get("errcode", 0), int)
    if answer.json.get("errcode"):
        assert len(answer.data) < 400
    entry = FUZZED.last.describe()
    assert DEMO_SECRET not in json.dumps(entry)
    assert FUZZED.token not in json.dumps(entry)


random_requests = given(
    st.sampled_from(["POST", "POST", "POST", "GET", "HEAD", "PUT"]),
    paths,
    queries,
    bodies,
    st.none()
    | st.sampled_from(["application/json", "multipart/form-data", "x", "text/plain; charset=x"]),
)


@settings(max_examples=200, deadline=None, database=None)
@random_requests
def test_a_random_request_gets_an_answer_of_wechats(method, path, query, body, kind):
    check(method, path, query, body, kind)


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None, database=None)
@random_requests
def test_many_random_requests_get_an_answer_of_wechats(method, path, query, body, kind):
    check(method, path, query, body, kind)
