"""JSON bodies: which of them are JSON."""

import json
import random

import pytest
from support.refusals import refusal

from cloud_openapi.json_text import DEEPEST, read_json_body

GOOD = {"a": ["é", 1.5, None, True, {"b": -1}]}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(GOOD).encode(),
        json.dumps(GOOD, ensure_ascii=False, indent=1).encode(),
        b" \r\n\t" + json.dumps(GOOD).encode() + b" \n",
    ],
)
def test_json_in_utf8_is_read(body):
    assert read_json_body(body) == GOOD


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"1e308", 1e308),
        (b"-0", 0),
        (b"1" * 300, int("1" * 300)),
        (b'"\\ud800"', "\ud800"),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"[" * DEEPEST + b"]" * DEEPEST, None),
        (b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST, None),
        (b'"' + b"[" * 1000 + b'"', "[" * 1000),
        (b"[" + b"[]," * 1000 + b"[]]", [[]] * 1001),
    ],
    ids=lambda value: str(value)[:12],
)
def test_odd_json_is_read(body, value):
    found = read_json_body(body)
    assert value is None or found == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"[1,]",
        b"{a: 1}",
        b'{"a": 1} {}',
        b"// a\n{}",
        b"01",
        b"+1",
        b".5",
        b"0x10",
        b'"\t"',
        b'"\\x41"',
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"1e309",
        b"-1e400",
        b"1" * 400,
        b"-" + b"1" * 5000,
        b'"\xe9"',
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b"\xef\xbb\xbf{}",
        b"\xff",
        b"[" * 101 + b"]" * 101,
        b'{"a":' * 101 + b"1" + b"}" * 101,
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
    ]
    + [
        json.dumps(GOOD).encode(code)
        for code in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le")
    ],
    ids=lambda body: repr(body[:12]),
)
def test_anything_else_is_refused_with_a_short_text(body):
    assert 0 < len(refusal(read_json_body, body)) < 200


def test_random_changes_of_json_never_raise_anything_else():
    chance = random.Random(1)
    whole = json.dumps({**GOOD, "c": "零"}, ensure_ascii=False).encode()
    for _ in range(2000):
        body = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        assert len(refusal(read_json_body, bytes(body))) < 300
