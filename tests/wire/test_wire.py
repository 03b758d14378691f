"""Messages, multipart bodies and signature, held against the bytes of wx-server-sdk."""

import re

import pytest
from support.captured import KEY, SIGNED, captured, parts, signature_is_good

from cloud_openapi.wire import messages, multipart, signature
from cloud_openapi.wire.messages import Pair

FORMS = [name for name in SIGNED if ".openApi" in name]
MEDIA = bytes([0, 255, 216, 13, 10, 45, 45, 128, 1])
# Each as wx-server-sdk 4.0.2 writes it.
REQUESTS = {
    "08001200": ([], ""),
    "080012150a130a0e6578706972655f7365636f6e6473120135": ([Pair("expire_seconds", b"5")], ""),
    "0800121d0a1b0a056d656469611207504e474441544122096d656469612e706e67": (
        [Pair("media", b"PNGDATA", "media.png")],
        "",
    ),
    "080012090a070a026142120131320777786f74686572": ([Pair("aB", b"1")], "wxother"),
}


@pytest.mark.parametrize("encoded", REQUESTS)
def test_a_request_is_written_and_read_as_the_sdk_writes_it(encoded):
    pairs, appid = REQUESTS[encoded]
    assert messages.write_request(pairs, appid).hex() == encoded
    assert messages.read_request(bytes.fromhex(encoded)) == (0, tuple(pairs), appid)


def test_a_negative_error_code_takes_ten_bytes():
    encoded = bytes.fromhex("18bb90dbffffffffffff01")
    assert messages.write_error(-604101) == encoded
    assert messages.read_answer(encoded) == (b"", "", -604101)


def test_an_answer_is_its_body_its_type_and_200():
    encoded = b"\x0a\x02{}\x12\x20application/json; encoding=utf-8\x20\xc8\x01"
    assert messages.write_answer(b"{}", "application/json; encoding=utf-8") == encoded
    assert messages.read_answer(encoded) == (b"{}", "application/json; encoding=utf-8", 0)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [  # each as protobuf.js says it
        (b"<html><body>hello</body></html>", "Error: invalid wire type 4 at offset 1"),
        (b"hello there", "Error: invalid wire type 4 at offset 3"),
        (b'\x0a\x50{"a":1', "RangeError: index out of range: 2 + 80 > 8"),
        (b"\x0a\x02{}\x12", "RangeError: index out of range: 5 + 1 > 5"),
    ],
)
def test_bytes_that_are_no_message_are_refused_in_the_words_of_protobuf_js(data, complaint):
    with pytest.raises(messages.MessageError) as caught:
        messages.read_answer(data)
    assert str(caught.value) == complaint


def test_an_unknown_kind_of_call_and_text_that_is_no_utf8_are_read_all_the_same():
    assert messages.read_request(b"\x08\x63").api_type == 99
    request = messages.read_request(b"\x08\x00\x12\x06\x0a\x04\x0a\x02\xff\xfe")
    assert request.pairs == (Pair("\ufffd\ufffd", b""),)


@pytest.mark.parametrize("name", FORMS)
def test_a_captured_body_comes_apart_byte_for_byte(name):
    request = captured(name)
    fields = multipart.read(request.headers["content-type"], request.body)
    assert fields == parts(request.headers, request.body)
    assert fields["action"] == b"wx.openApi"
    assert fields["wxCloudApiToken"] == b"test-api-token"
    assert fields["tcb_sessionToken"] == b""


@pytest.mark.parametrize("name", FORMS)
def test_a_captured_body_is_written_again_byte_for_byte(name):
    request = captured(name)
    kind = request.headers["content-type"]
    fields = multipart.read(kind, request.body)
    again = {
        field: value if field == "requestData" else value.decode()
        for field, value in fields.items()
    }
    assert multipart.write(again, kind.partition("boundary=")[2]) == request.body
    message = messages.read_request(fields["requestData"])
    assert messages.write_request(message.pairs, message.appid) == fields["requestData"]


@pytest.mark.parametrize("version", ["3.0.4", "4.0.2"])
def test_what_no_text_survives_arrives_as_it_was_sent(version):
    request = captured(f"wx-server-sdk-{version}.openApi-media.http")
    fields = multipart.read(request.headers["content-type"], request.body)
    message = messages.read_request(fields["requestData"])
    assert message.appid == "wxother"
    assert message.pairs == (
        Pair("note", ('"零零零 ñ ' + "长" * 3500 + '"').encode()),
        Pair("deep", '{"a_b":[{"c_d":1.5},null,true,"é"]}'.encode()),
        Pair("img", MEDIA, "img.jpeg"),
        Pair("begin_date", b'"20170313"'),
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1"),
        ("multipart/form-data; boundary=x", b'--x\r\nA: form-data; name="a"\r\n\r\n1\r\n--x--'),
        ("multipart/form-data; boundary=x", b"--x\r\n" * 200 + b"--x--"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut',
        ),
    ],
)
def test_a_body_that_is_no_whole_form_is_refused(kind, body):
    with pytest.raises(multipart.MultipartError):
        multipart.read(kind, body)


def test_a_file_name_is_not_taken_for_the_name_of_the_part():
    body = b'--x\r\nContent-Disposition: form-data; filename="f"; name="a"\r\n\r\n1\r\n--x--\r\n'
    assert multipart.read('multipart/form-data; boundary="x"', body) == {"a": b"1"}


def signed(request, **changes):
    fields = parts(request.headers, request.body) | changes.pop("fields", {})
    url = f"//{request.headers['host']}{request.path}"
    return signature.Signed(url, request.query, request.headers | changes, fields)


def verified(request, key, now):
    """Return the secret id of a request whose signature is good."""
    claim = signature.read(request)
    claim.verify(request, key, now)
    return claim.secret_id


@pytest.mark.parametrize("name", SIGNED)
def test_the_signature_of_a_captured_request_is_good(name):
    request = captured(name)
    now = int(request.headers["x-timestamp"]) + 1
    assert signature_is_good(request.headers, request.target, request.body, KEY)
    assert verified(signed(request), KEY, now) == "test-id"


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    "changes",
    [
        {"fields": {"envName": b"another"}},
        {"fields": {"action": b"wx.other"}},
        {"fields": {"apiOptions": b"added"}},
        {"x-sdk-version": "another"},
        {"host": "another"},
        {"x-timestamp": "12"},
        {"x-timestamp": ""},
        {"authorization": ""},
        {"authorization": "TC3-HMAC-SHA256 Credential=test-id"},
    ],
    ids=str,
)
def test_the_signature_of_a_changed_request_is_refused(name, changes):
    request = captured(name)
    now = int(request.headers["x-timestamp"])
    with pytest.raises(signature.SignatureError):
        verified(signed(request, **dict(changes)), KEY, now)


def test_another_key_and_another_time_are_refused():
    request = captured(SIGNED[-1])
    at = int(request.headers["x-timestamp"])
    for key, now in (("another", at), (KEY, at + 601), (KEY, at - 601)):
        with pytest.raises(signature.SignatureError):
            verified(signed(request), key, now)
    assert verified(signed(request), KEY, at + 599) == "test-id"


@pytest.mark.parametrize("name", [name for name in SIGNED if "4.0.2" in name])
def test_we_sign_as_the_sdk_does_to_the_letter(name):
    request = captured(name)
    names = re.search("SignedHeaders=([^,]*)", request.headers["authorization"])[1].split(";")
    url, query, _, fields = signed(request)
    again = signature.Signed(url, query, {n: request.headers[n] for n in names}, fields)
    at = int(request.headers["x-timestamp"])
    assert signature.sign(again, "test-id", KEY, at) == request.headers["authorization"]
