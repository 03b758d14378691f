"""Secrets in texts and bodies are masked; everything else is unchanged."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from cloud_openapi.masking import Masker, mask_json, mask_named, mask_text, mask_url

SECRET = 'a secret/"+=ä'


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        quote(SECRET, safe=""),
        quote_plus(SECRET).lower(),
        quote(quote(SECRET, safe=""), safe=""),
    ],
)
def test_a_known_secret_is_masked_in_every_spelling(spelled):
    assert mask_text(f"x {spelled} y", ["other", SECRET]) == "x *** y"


@pytest.mark.parametrize("before", ["", "x", "xx"])
def test_a_known_secret_is_masked_at_every_offset_of_base64(before):
    encoded = base64.b64encode(f"{before}a-long-secret-of-mine".encode()).decode()
    masked = mask_text(encoded, ["a-long-secret-of-mine"])
    assert "***" in masked
    assert len(masked) < 10


def test_longer_secret_is_masked_whole():
    assert mask_text("secret-1 secret-1-2", ["secret-1", "secret-1-2"]) == "*** ***"


@pytest.mark.parametrize("secrets", [[], [""], [None], ["z"]])
def test_a_text_without_a_secret_is_unchanged(secrets):
    assert mask_text("bmFtZQ", secrets) == "bmFtZQ"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("POST /x?access_token=abc&n=1", "POST /x?access_token=***&n=1"),
        ("cloudbase_access_token=abc HTTP/1.1", "cloudbase_access_token=*** HTTP/1.1"),
        ("{'secret': 'a b'}", "{'secret': ***'}"),
        ("emulator_" + "a" * 136, "***"),
        ("begin_date=20170313", "begin_date=20170313"),
    ],
)
def test_value_is_masked_by_its_name_or_form(text, masked):
    assert mask_named(text) == masked


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        (b'{"list": [{"appSecret": {"a": 1}}]}', b'{"list": [{"appSecret": "***"}]}'),
        (b'{"access\\u005ftoken": "abc", "n": "\xe5\xa4\xa9"}', None),
        (b'{"token": "abc', b'{"token": ***'),
        (b'{"n":1,  "token_of":"b"}', b'{"n": 1, "token_of": "***"}'),
    ],
)
def test_secrets_of_a_body_are_masked(body, masked):
    masked = masked or '{"access_token": "***", "n": "天"}'.encode()
    assert mask_json(body) == masked


@pytest.mark.parametrize("body", [b'{"n":1}', b"\xff", b'["secret"]', b""])
def test_a_body_without_secrets_is_the_same_bytes(body):
    assert mask_json(body) == body


@pytest.mark.parametrize("secret", ["z", SECRET, "a-long-secret-of-mine"])
def test_a_masker_replaces_what_mask_text_replaces(secret):
    encoded = base64.b64encode(f"xx{secret * 3}y".encode()).decode()
    text = f"{secret} {quote_plus(secret)} {json.dumps(secret)} {encoded}"
    assert Masker([secret]).mask(text) == mask_text(text, [secret])


@pytest.mark.parametrize("as_word", [(True, False), (False, True)])
def test_a_word_that_is_added_as_a_secret_is_masked_within_words_too(as_word):
    masker = Masker()
    for one in as_word:
        masker.add("Ab1cd2f", as_word=one)
    assert masker.mask("xAb1cd2fy") == "x***y"
    assert len(masker) == 1


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://u:pa/ss@w?x@127.0.0.1:7070/x", "http://***@127.0.0.1:7070/x"),
        ("u:geheim@127.0.0.1", "***@127.0.0.1"),
        ("http://127.0.0.1/?key=geheim&x=1#end", "http://127.0.0.1/?***"),
        ("http://127.0.0.1/#access_token=geheim", "http://127.0.0.1/#***"),
        ("http://u:ge\nheim@127.0.0.1/?x=ge\nheim", "http://***@127.0.0.1/?***"),
        ("http://[::1", "http://[::1"),
    ],
)
def test_url_is_shown_without_user_password_and_query(url, masked):
    assert mask_url(url) == masked
