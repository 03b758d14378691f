"""Redaction: no secret is written to disk, and everything else is unchanged."""

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.canaries import Canaries, forms, with_canaries
from support.growth import grows_in_proportion
from support.paths import SAMPLES
from support.processes import until

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.recordings import (
    RULES,
    Interaction,
    Recorder,
    RecordingError,
    Redactor,
    load,
    write,
)

URI = "https://api.weixin.qq.com/cgi-bin/stable_token"


def plain(**changes):
    made = Interaction(
        api=None,
        method="POST",
        uri=URI,
        request_headers={},
        request_body=b"",
        status=200,
        reason="OK",
        response_headers={},
        response_body=b"",
    )
    return made._replace(**changes)


@pytest.fixture
def canary():
    return Canaries()


@pytest.mark.parametrize("target", [".", "all.yaml", "all.json"])
def test_no_canary_of_any_place_is_written(tmp_path, canary, target):
    recorder = Recorder(tmp_path / target)
    recorder.add(with_canaries(canary, URI))
    assert canary.leaked(tmp_path) == []
    assert len(canary.made) >= 40


def test_no_canary_is_written_by_write(tmp_path, canary):
    write(tmp_path / "a.yaml", [with_canaries(canary, URI)])
    assert canary.leaked(tmp_path) == []


def test_the_search_for_canaries_finds_each_that_is_there(tmp_path, canary):
    made = with_canaries(canary, URI)
    (tmp_path / "raw").write_text(repr(made), "utf-8")
    assert set(canary.leaked(tmp_path)) == set(canary.made)


@pytest.mark.parametrize("kind", forms(Canaries()))
@pytest.mark.parametrize("side", ["request_body", "response_body"])
def test_no_canary_of_a_body_that_is_not_json_is_written(tmp_path, canary, kind, side):
    body = forms(canary)[kind].encode()
    Recorder(tmp_path).add(plain(**{side: body}))
    assert canary.leaked(tmp_path) == []


def test_a_granted_token_is_masked_in_later_responses(tmp_path, canary):
    token = canary("any token")
    recorder = Recorder(tmp_path)
    recorder.add(plain(response_body=json.dumps({"access_token": token}).encode()))
    recorder.add(plain(response_body=f"what is {token}?".encode()))
    assert canary.leaked(tmp_path) == []


def test_a_granted_token_is_never_forgotten(tmp_path, canary):
    recorder = Recorder(tmp_path)
    token = canary("granted")
    recorder.add(plain(response_body=json.dumps({"access_token": token}).encode()))
    openids = [{"openid": f"oGZUI0egBJY1zhBYw2K{n:09d}"} for n in range(3000)]
    recorder.add(plain(response_body=json.dumps(openids).encode()))
    recorder.add(plain(response_body=f"what is {token} of {openids[0]['openid']}?".encode()))
    assert canary.leaked(tmp_path) == []
    assert not [file for file in tmp_path.rglob("*.yaml") if b"oGZUI0" in file.read_bytes()]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_a_secret_in_any_unicode_encoding_is_found(codec):
    body = json.dumps({"secret": {"deep": ["a-secret-of-mine"]}, "w": "天"}, ensure_ascii=False)
    xml = "<xml><Token>a-secret-of-mine</Token></xml>"
    redactor = Redactor()
    for text in (body, xml, "what is a-secret-of-mine?"):
        clean = redactor.interaction(plain(response_body=text.encode(codec))).response_body
        assert "a-secret-of-mine" not in clean.decode(codec)
        assert "REDACTED" in clean.decode(codec)
    assert redactor.interaction(plain(request_body=body.encode(codec))).request_json["w"] == "天"


@pytest.mark.parametrize(
    "before", [b"\0\0\0\0@", b"@\0", b"\xfe\xff", b"\xff\xfe", b"\xff\xfe\0\0"]
)
def test_a_secret_behind_bytes_that_suggest_another_encoding_is_found(before):
    body = before + b'{"access_token": "a-secret-of-mine"}'
    redactor = Redactor()
    assert b"a-secret-of-mine" not in redactor.interaction(plain(response_body=body)).response_body
    again = redactor.interaction(plain(response_body=before + b"is a-secret-of-mine"))
    assert b"a-secret-of-mine" not in again.response_body


@pytest.mark.parametrize(
    "name", ["pwd", "user_pwd", "private_key", "encryptedData", "aesKey", "密码", "Encrypt", "jwt"]
)
@pytest.mark.parametrize("form", ['{{"{}": "some text"}}', "{}=some_text&a=1", "{}: some_text"])
def test_a_name_of_a_secret_hides_its_value(name, form):
    clean = Redactor().interaction(plain(response_body=form.format(name).encode()))
    assert b"some" not in clean.response_body


MULTIPART = (
    '--B\r\nContent-Disposition: form-data; name="private_key"\r\n\r\n'
    "-----BEGIN KEY-----\r\nfirst of mine\r\n\r\nthird of mine\r\n-----END KEY-----\r\n"
    '--B\r\ncontent-type: text/plain\r\nContent-Disposition: form-data;\r\n name="token"\r\n\r\n'
    "one of mine\r\ntwo of mine\r\n"
    '--B\r\nContent-Disposition: form-data; name="data"\r\n\r\n'
    '{"secret": ["in json of mine"], "day": "20260301"}\r\n--B--\r\n'
)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("cut", [0, 2, 4])
def test_all_lines_of_a_secret_part_are_removed(end, cut):
    body = MULTIPART[: len(MULTIPART) - cut].replace("\r\n", end).encode()
    clean = Redactor().interaction(plain(request_body=body)).request_body
    assert b"of mine" not in clean
    assert clean.count(b"REDACTED") == 3
    assert b"20260301" in clean
    assert clean.count(end.encode()) == body.count(end.encode()) - 5
    truncated = f"Content-Disposition: form-data; name=token{end}{end}a{end}b of mine".encode()
    assert b"of mine" not in Redactor().interaction(plain(request_body=truncated)).request_body


@pytest.mark.parametrize(
    "xml",
    [
        "<w:AppSecret>a [b] of mine</w:AppSecret>",
        "<AppSecret xmlns='x'><![CDATA[a ]b of mine]]></AppSecret>",
        "<ns1:token\n a='b'>of mine</ns1:token>",
    ],
)
def test_a_secret_element_of_xml_is_removed(xml):
    clean = Redactor().interaction(plain(request_body=xml.encode())).request_body
    assert b"of mine" not in clean
    assert b"</" in clean


def test_a_short_secret_is_removed_as_a_word():
    redactor = Redactor()
    redactor.interaction(plain(request_body=b'{"password": "hunter2"}'))
    body = b"hunter2 is not hunter23 nor 'hunter2'"
    clean = redactor.interaction(plain(response_body=body)).response_body
    assert clean == b"REDACTED is not hunter23 nor 'REDACTED'"


def test_a_given_secret_is_masked_at_any_place(tmp_path, canary):
    secret = canary("any secret")
    recorder = Recorder(tmp_path, redactor=Redactor([secret]))
    recorder.add(plain(uri=URI + "/" + secret, response_body=f"<p>{secret}</p>".encode()))
    assert canary.leaked(tmp_path) == []


def test_secrets_of_a_compressed_body_are_found(tmp_path, canary):
    body = gzip.compress(json.dumps({"secret": canary("compressed")}).encode())
    Recorder(tmp_path).add(
        plain(response_body=body, response_headers={"Content-Encoding": ["gzip"]})
    )
    (found,) = load(tmp_path)
    assert found.response_json == {"secret": "REDACTED"}
    assert "Content-Encoding" not in found.response_headers


def test_an_added_rule_applies(tmp_path, canary):
    rules = RULES._replace(names=RULES.names | {"storename"})
    body = json.dumps({"store_name": canary("own rule")}).encode()
    Recorder(tmp_path, redactor=Redactor(rules=rules)).add(plain(request_body=body))
    assert canary.leaked(tmp_path) == []


def test_redaction_changes_only_secrets():
    body = b'{"begin_date": "20170313",\n "secret": "abc", "n": 1.5, "w": "\xe5\xa4\xa9"}'
    clean = Redactor().interaction(
        plain(uri=URI + "?a=b%20c&access_token=x&d=e+f", request_body=body)
    )
    assert clean.uri == URI + "?a=b%20c&access_token=REDACTED&d=e+f"
    assert clean.request_json == {
        "begin_date": "20170313",
        "secret": "REDACTED",
        "n": 1.5,
        "w": "天",
    }


# The other samples contain documented tokens and appids.
ANALYSIS = [*SAMPLES.glob("get*.json"), *SAMPLES.glob("error.*.json")]


@pytest.mark.parametrize("path", sorted(ANALYSIS), ids=lambda path: path.stem)
def test_documented_and_recorded_bodies_are_unchanged(path):
    body = path.read_bytes()
    assert Redactor().interaction(plain(response_body=body)).response_body == body


# Fields of APIs that name a user, a mini program or a grant: no recording has their values.
SECRET_FIELDS = {
    "appid", "credential", "ctoken", "json_signature", "openid", "password", "plugin_appid",
    "session_id", "shop_app_id", "signature", "sn_ticket", "token", "unionid", "user_openid",
    "wx_appid",
}  # fmt: skip


def test_of_the_fields_of_apis_only_identities_and_grants_count_as_secret():
    names = {
        name
        for operation in default_catalogue().values()
        for side in ("request", "response")
        for name in operation.schema("https", side)["properties"]
    }
    assert {name for name in names if RULES.secret(name)} == SECRET_FIELDS


def test_content_length_is_the_length_of_the_redacted_body():
    body = b'{"access_token":"' + b"a" * 200 + b'"}'
    clean = Redactor().interaction(
        plain(response_body=body, response_headers={"Content-Length": [str(len(body))]})
    )
    assert clean.response_headers == {"Content-Length": [str(len(clean.response_body))]}


def test_empty_and_null_secrets_are_unchanged():
    body = b'{"appid":"","secret":null}'
    assert Redactor().interaction(plain(request_body=body)).request_body == body
    assert Redactor().request("/cgi-bin/token?appid=&secret", b"")[0].endswith("?appid=&secret")


def test_the_repr_of_a_redactor_shows_no_secret():
    redactor = Redactor(["a-secret-of-mine"])
    assert "mine" not in repr(redactor)


@given(st.binary())
def test_any_bytes_are_redacted_or_refused_and_redaction_is_idempotent(body):
    redactor = Redactor()
    try:
        once = redactor.interaction(plain(request_body=body, response_body=body))
    except RecordingError:
        # Secrets in data that begin like gzip, zstd or zlib and are broken cannot be found.
        zlib = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
        assert body.startswith((b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", *zlib))
        return
    assert redactor.interaction(once) == once


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a=",
        "a=b&",
        "a:",
        "-",
        "\n",
        " ",
        "<a",
        "name=a\n",
        "://",
        "eyJ",
        "\\",
        '"',
        "{",
        "wx0",
        "%3D",
    ],
)
def test_a_body_is_redacted_in_time_in_proportion_to_its_length(piece):
    def redact(text):
        Redactor().interaction(plain(request_body=text.encode()))

    assert grows_in_proportion(redact, "", piece)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.slow
@given(json_values, st.text(min_size=10, max_size=40))
def test_any_json_stays_json_without_its_secret(value, secret):
    body = json.dumps({"value": value, "app_secret": secret}).encode()
    clean = Redactor().interaction(plain(request_body=body))
    assert clean.request_json["app_secret"] == "REDACTED"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("password: 'my long pass 99', a: 'b c'", "password: 'REDACTED', a: 'b c'"),
        ('log password="it\'s a long one" a', 'log password="REDACTED" a'),
        ('log password="a \\" b" a', 'log password="REDACTED" a'),
        (r"log \"password\": \"a long one\", b", r"log \"password\": \"REDACTED\", b"),
        ("log password=`a b` a", "log password=`REDACTED` a"),
        ("log password='open and a", "log password='REDACTED and a"),
        ("log password='' a='b'", "log password='' a='b'"),
    ],
)
def test_a_quoted_value_is_redacted_to_its_last_word(text, clean):
    assert Redactor().interaction(plain(request_body=text.encode())).request_body == clean.encode()


def test_threads_may_share_a_redactor():
    redactor = Redactor()
    bodies = [json.dumps({"access_token": f"token-{n:020d}"}).encode() for n in range(120)]

    def clean(body):
        return redactor.interaction(plain(response_body=body)).response_json

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(clean, bodies)) == [{"access_token": "REDACTED"}] * 120


def test_secrets_given_at_the_same_time_are_all_kept():
    redactor = Redactor()
    other = threading.Thread(target=redactor.give, args=("the-other-secret",))

    class Slow(str):
        __slots__ = ()

        def __bool__(self):
            """Let another thread give a secret now, or wait for this one to end."""
            other.start()
            until(lambda: redactor._lock.locked() or not other.is_alive())
            return True

    redactor.give(Slow("the-first-secret"))
    other.join()
    hidden = redactor.hide_given(plain(response_body=b"the-first-secret the-other-secret"))
    assert hidden.response_body == b"REDACTED REDACTED"
