"""Messages that nobody writes on purpose: odd but valid ones, hostile ones, and random bytes."""

import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.refusals import refusal
from support.sdk import NODE, node

from cloud_openapi.wire import messages

MOST = 10_000
PAIR = b"\x0a\x06\x0a\x01a\x12\x011"  # pairs: {key: "a", value: "1"}
DATA = b"\x12\x08" + PAIR
GROUP = b"\xbb\x06\x08\x01\xbc\x06"  # field 103, which no definition has
REQUESTS = {
    "an unknown number": b"\x08\x00\x78\x05" + DATA,
    "an unknown text": b"\xfa\x07\x02hi" + DATA,
    "unknown fixed numbers": b"\xf9\x0712345678\xfd\x071234" + DATA,
    "an unknown group": GROUP + DATA,
    "groups in groups": b"\xbb\x06" * 50 + b"\xbc\x06" * 50 + DATA,
    "an unknown field of a pair": b"\x12\x0a\x0a\x08\x0a\x01a\x12\x011\x78\x05",
    "an unknown field of the data": b"\x12\x0a\x78\x05" + PAIR,
    "apiType twice": b"\x08\x02\x08\x00" + DATA,
    "appid twice": DATA + b"\x32\x01x\x32\x01y",
    "a key and a value twice": b"\x12\x0e\x0a\x0c\x0a\x01b\x0a\x01a\x12\x012\x12\x011",
    "fields in another order": b"\x32\x01y" + DATA + b"\x08\x00",
    "a length of five bytes": b"\x12\x88\x80\x80\x80\x00" + PAIR,
    "a negative number": b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + DATA,
    "nothing": b"",
    "empty data": b"\x12\x00",
    "an empty pair": b"\x12\x02\x0a\x00",
}
ANSWERS = {
    "an unknown number": b"\x78\x05\x0a\x02{}",
    "an unknown group": GROUP + b"\x0a\x02{}",
    "a body twice": b"\x0a\x02[]\x0a\x02{}",
    "a type twice": b"\x12\x01a\x0a\x02{}\x12\x01b",
    "a code twice": b"\x18\x05\x18\x00\x0a\x02{}",
    "headers": b"\x0a\x02{}\x2a\x06\x0a\x01a\x12\x01b\x2a\x00",
    "all numbers": b"\x0a\x02{}\x20\xc8\x01\x30\x07",
}


class Counted(bytes):
    """Bytes that count how often one of them is read."""

    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return super().__getitem__(index)


# ---- odd but valid messages ------------------------------------------------------------------


@pytest.fixture(scope="module")
def protobuf_js():
    """Return a function that decodes messages with protobuf.js."""
    program = node()

    def decode(kind, encoded):
        lines = "".join(f"{kind} {data.hex()}\n" for data in encoded)
        done = subprocess.run(
            [program, "messages.js"],
            input=lines,
            capture_output=True,
            text=True,
            check=True,
            cwd=NODE,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return decode


def ours(request):
    pairs = [
        {"key": pair.key, "value": pair.value.hex(), "filename": pair.filename}
        for pair in request.pairs
    ]
    return {"apiType": request.api_type, "appid": request.appid, "pairs": pairs}


def test_odd_requests_are_read_as_by_protobuf_js(protobuf_js):
    theirs = protobuf_js("CommApiData", REQUESTS.values())
    read = [ours(messages.read_request(data)) for data in REQUESTS.values()]
    assert dict(zip(REQUESTS, read, strict=True)) == dict(zip(REQUESTS, theirs, strict=True))


def test_odd_answers_are_read_as_by_protobuf_js(protobuf_js):
    theirs = protobuf_js("CommOpenApiResp", ANSWERS.values())
    read = [messages.read_answer(data) for data in ANSWERS.values()]
    assert [
        {"respData": body.hex(), "contentType": kind, "errorCode": code}
        for body, kind, code in read
    ] == theirs


def test_two_parts_of_a_message_are_joined():
    """As the definition of protobuf says; protobuf.js keeps the second one only."""
    request = messages.read_request(DATA + b"\x12\x08\x0a\x06\x0a\x01b\x12\x012")
    assert [pair.key for pair in request.pairs] == ["a", "b"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 20,
        b"\xff" * 5,
        b"\x7a\xff\xff\xff\xff\x0f",
        b"\xf9\x07123",
        b"\xfd\x071",
        b"\xbb\x06\x08\x01",
        b"\xbb\x06" * 200 + b"\xbc\x06" * 200,
        b"\xbc\x06",
        b"\x06",
        b"\x07",
    ],
    ids=lambda data: data[:6].hex(),
)
@pytest.mark.slow
def test_invalid_messages_are_refused_in_the_words_of_protobuf_js(protobuf_js, data):
    for kind, read in (
        ("CommApiData", messages.read_request),
        ("CommOpenApiResp", messages.read_answer),
    ):
        with pytest.raises(messages.MessageError) as caught:
            read(data)
        assert {"error": str(caught.value)} == protobuf_js(kind, [data])[0]


# ---- limits ----------------------------------------------------------------------------------


def reads(data):
    counted = Counted(data)
    for read in (messages.read_request, messages.read_answer):
        with pytest.raises(messages.MessageError):
            read(counted)
    return counted.reads


@pytest.mark.parametrize(
    "unit", [b"\xff", b"\x80", b"\x08\xff\xff", b"\x0a\x00", b"\x12\x00", b"\x2a\x00", b"\xbb\x06"]
)
def test_a_long_message_is_given_up_after_the_same_number_of_steps(unit):
    assert reads(unit * 200_000) == reads(unit * 400_000) <= 20 * MOST


@pytest.mark.parametrize(
    ("unit", "around"),
    [
        (b"\x0a\x00", b"\x12"),
        (b"\x78\x00", b"\x12"),
        (b"\x78\x00", b"\x0a"),
        (b"\x0a\x00", b"\x0a"),
    ],
    ids=["pairs", "unknown fields", "unknown fields of a pair", "keys of a pair"],
)
def test_the_fields_within_a_message_are_limited(unit, around):
    def message(count):
        inside = unit * count
        if around == b"\x0a":
            inside = b"\x0a" + length(len(inside)) + inside
        return b"\x12" + length(len(inside)) + inside

    messages.read_request(message(MOST // 2))
    with pytest.raises(messages.MessageError, match="more than 10000 fields"):
        messages.read_request(message(MOST + 1))


def length(number):
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def test_many_parts_of_a_message_share_the_limit():
    part = b"\x12" + length(2000) + b"\x0a\x00" * 1000
    with pytest.raises(messages.MessageError, match="more than 10000 fields"):
        messages.read_request(part * 10)


# ---- random bytes ----------------------------------------------------------------------------

fields = st.builds(
    lambda number, kind, rest: length(number << 3 | kind) + rest,
    st.sampled_from([0, 1, 2, 3, 6, 15, 2**29 - 1]),
    st.integers(0, 7),
    st.binary(max_size=12),
)
random_messages = st.binary(max_size=60) | st.lists(fields, max_size=8).map(b"".join)


def check(data):
    for read in (messages.read_request, messages.read_answer):
        assert len(refusal(read, data)) < 200


@settings(max_examples=200, deadline=None, database=None)
@given(random_messages)
def test_random_bytes_are_read_or_refused(data):
    check(data)


@pytest.mark.slow
@settings(max_examples=20_000, deadline=None, database=None)
@given(random_messages)
def test_many_random_bytes_are_read_or_refused(data):
    check(data)


random_requests = st.lists(
    st.builds(messages.Pair, st.text(max_size=5), st.binary(max_size=9), st.text(max_size=5)),
    max_size=5,
)


@settings(max_examples=100, deadline=None, database=None)
@given(random_requests, st.text(max_size=5))
def test_a_written_request_is_read_unchanged(pairs, appid):
    written = messages.write_request(pairs, appid)
    assert messages.read_request(written) == (0, tuple(pairs), appid)
