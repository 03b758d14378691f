"""Requests to the gateway that no SDK sends: twins, other callers, strange text, sizes, secrets."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.gateway import API, DAY, Gateway

from cloud_openapi.demo import DEMO_SECRET
from cloud_openapi.wire import messages, multipart
from cloud_openapi.wire.messages import Pair

KIND = "multipart/form-data; boundary=----x"
PARAMS = '{"begin_date":"20170313","end_date":"20170313"}'
CALL = {"action": "wx.api", "apiName": API, "wxCloudApiToken": "token-a", "requestData": PARAMS}


@pytest.fixture
def gateway():
    return new_gateway()


def new_gateway():
    gateway = Gateway()
    gateway.client.application.testing = True  # exceptions are raised
    return gateway


def post_json(gateway, body, headers=None):
    reply = gateway.client.post(
        "/admin", data=body, headers=headers, content_type="application/json"
    )
    assert reply.status_code == 200
    return reply.json


def signed_json(gateway, fields, extra="", change=lambda headers: headers, by=None):
    """Send fields as JSON, signed, and after that a further member in the same text."""
    signed = gateway.functions.secrets_of("reader") if by is None else by
    headers = change(gateway.sign(fields, "application/json", signed))
    return post_json(gateway, json.dumps(fields)[:-1] + extra + "}", headers)


def errcode(reply):
    return json.loads(reply["data"]["responseData"]).get("errcode", 0)


# ---- the signed request is the one that is used ----------------------------------------------


def test_a_signed_call_is_answered(gateway):
    assert errcode(signed_json(gateway, CALL)) == 0


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("requestdata", "{}"),
        ("REQUESTDATA", "{}"),
        ("requestData", "{}"),
        ("apiname", "x"),
        ("wxcloudapitoken", "token-b"),
        ("Action", "functions.invokeFunction"),
    ],
)
def test_twins_of_a_signed_field_are_refused(gateway, name, value, first):
    twin = f"{json.dumps(name)}: {json.dumps(value)}"
    headers = gateway.sign(CALL, "application/json", gateway.functions.secrets_of("reader"))
    text = json.dumps(CALL)
    body = f"{{{twin}, {text[1:]}" if first else f"{text[:-1]}, {twin}}}"
    assert post_json(gateway, body, headers)["code"] == "INVALID_PARAM"


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_a_field_counts_in_any_spelling_that_the_signature_covers(gateway, spelling):
    fields = {spelling(name): value for name, value in CALL.items()}
    headers = gateway.sign(CALL, "application/json", gateway.functions.secrets_of("reader"))
    assert errcode(post_json(gateway, json.dumps(fields), headers)) == 0


@pytest.mark.parametrize("tail", ["&x", "&q-ak=y", "/x", ",x", " x", ";x", ".x", "\u00e9"])
def test_a_secret_id_with_more_behind_it_is_nobody_elses(gateway, tail):
    gateway.functions.root = frozenset({API})
    own, _ = secrets = gateway.functions.secrets_of("denied")

    def change(headers):
        return {**headers, "Authorization": headers["Authorization"].replace(own, own + tail, 1)}

    fields = {**CALL, "wxCloudApiToken": ""}
    reply = signed_json(gateway, fields, change=change, by=secrets)
    assert reply["code"] == "SIGN_PARAM_INVALID"
    old = {**fields, "authorization": f"q-sign-algorithm=sha1&q-ak={own}{tail}&q-sign-time=1;2"}
    assert post_json(gateway, json.dumps(old))["code"] == "SIGN_PARAM_INVALID"


@pytest.mark.parametrize("value", ["Bearer x", "Basic eDp5", "TC3-HMAC-SHA256", "x"])
def test_an_authorization_that_is_no_signature_is_refused(gateway, value):
    fields = {**CALL, "wxCloudApiToken": ""}
    reply = post_json(gateway, json.dumps(fields), {"Authorization": value})
    assert reply["code"] == "SIGN_PARAM_INVALID"


@pytest.mark.parametrize("timestamp", ["253402300800", "999999999999", "9" * 5000, "-1", "", "1.5"])
def test_a_time_of_any_year_is_refused(gateway, timestamp):
    reply = signed_json(gateway, CALL, change=lambda headers: {**headers, "X-Timestamp": timestamp})
    assert reply["code"] == "SIGN_PARAM_INVALID"
    assert "X-Timestamp" in reply["message"]


@pytest.mark.parametrize("list_of", ["SignedParams=", "SignedHeaders="])
def test_a_list_that_repeats_a_name_is_refused(gateway, list_of):
    """A field of 6 MB that is signed 20,000 times would be hashed as often."""

    def change(headers):
        many = list_of + "requestdata;" * 20_000
        return {**headers, "Authorization": headers["Authorization"].replace(list_of, many)}

    fields = {**CALL, "requestData": "x" * 1_000_000}
    reply = signed_json(gateway, fields, change=change)
    assert (reply["code"], reply["message"]) == ("SIGN_PARAM_INVALID", "a name is signed twice")


@pytest.mark.parametrize("values", [["x", "right"], ["right", "x"]])
@pytest.mark.parametrize("name", ["Authorization", "X-Timestamp"])
def test_a_header_that_is_sent_twice_is_refused(gateway, name, values):
    headers = gateway.sign(CALL, "application/json", gateway.functions.secrets_of("reader"))
    # As WSGI servers join them.
    both = ", ".join(headers[name] if each == "right" else each for each in values)
    reply = post_json(gateway, json.dumps(CALL), {**headers, name: both})
    assert reply["code"] == "SIGN_PARAM_INVALID"


def test_the_token_of_one_function_with_the_signature_of_another_is_refused(gateway):
    for token, name in (("token-a", "denied"), ("token-b", "reader")):
        secrets = gateway.functions.secrets_of(name)
        reply = signed_json(gateway, {**CALL, "wxCloudApiToken": token}, by=secrets)
        assert errcode(reply) == -604104


def test_the_message_of_an_unknown_caller_is_not_read(gateway, monkeypatch):
    def read(_data):
        raise AssertionError

    monkeypatch.setattr(messages, "read_request", read)
    assert gateway.code(token="unknown") == -604104
    assert gateway.last.body == b""


# ---- strange text ----------------------------------------------------------------------------

STRANGE = {
    "a byte order mark": "\ufeff",
    "NaN": "NaN",
    "Infinity": '{"a": Infinity}',
    "a number without an end": "1" * 5000,
    "a number beyond a double": "1e999",
    "deep nesting": "[" * 500 + "]" * 500,
    "endless nesting": "[" * 100_000,
    "single quotes": "{'a': 1}",
    "a comma at the end": '{"a": 1,}',
    "two values": "1 2",
    "half a pair": '"\\ud800',
}


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_json_is_refused_in_each_place(gateway, kind):
    text = STRANGE[kind]
    assert gateway.code(pairs=[Pair("begin_date", text.encode())]) == 47001
    assert errcode(signed_json(gateway, {**CALL, "requestData": text})) == 47001
    body = text.encode()
    reply = gateway.client.post("/admin", data=body, content_type="application/json").json
    assert reply["code"] == "INVALID_PARAM"
    assert len(reply["message"]) < 300


@pytest.mark.parametrize("code", ["utf-16", "utf-16-le", "utf-32", "utf-32-be", "utf-8-sig"])
def test_other_encodings_are_refused_in_each_place(gateway, code):
    body = json.dumps({**CALL, "wxCloudApiToken": ""}).encode(code)
    assert post_json(gateway, body)["code"] == "INVALID_PARAM"
    assert gateway.code(pairs=[Pair("begin_date", '"20170313"'.encode(code))]) == 47001
    fields = {**CALL, "requestData": PARAMS.encode(code)}
    assert errcode(gateway.post(fields).json) == 47001


# ---- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff" * 2_000_000, "invalid wire type 7 at offset 10"),
        (b"\x80" * 2_000_000, "invalid varint encoding"),
        (b"\x12\x80\x89\x7a" + b"\x0a\x00" * 1_000_000, "more than 10000 fields"),
    ],
    ids=["no end", "zeros", "empty pairs"],
)
def test_a_hostile_message_is_refused_with_a_short_text(gateway, data, reason):
    gateway.functions.root = frozenset({API})
    reply = gateway.post({"action": "wx.openApi", "apiName": API, "requestData": data})
    assert reply.json["code"] == "INVALID_PARAM"
    assert len(reply.json["message"]) < 200
    assert reason in reply.json["message"]


def test_a_json_body_has_at_most_100_fields(gateway):
    body = json.dumps({f"a{number}": 1 for number in range(101)})
    reply = post_json(gateway, body)
    assert (reply["code"], reply["message"][-19:]) == ("INVALID_PARAM", "has over 100 fields")


def test_texts_of_the_caller_are_cut_in_messages(gateway):
    long = "x" * 1_000_000
    for fields in (
        {"action": long},
        {**CALL, "apiName": long},
        {**CALL, "action": "functions.invokeFunction", "function_name": long},
    ):
        reply = signed_json(gateway, fields)
        assert len(json.dumps(reply)) < 600
    assert len(gateway.last.check) < 200


# ---- secrets ---------------------------------------------------------------------------------


def test_no_message_and_no_entry_repeats_a_secret():
    gateway = Gateway(gateway_secret="the-secret-of-the-gateway")
    gateway.client.application.testing = True
    by = gateway.functions.secrets_of("reader")
    token = gateway.emulator.program(gateway.emulator.first_appid).tokens.grant()[0]
    for secret in (DEMO_SECRET, "the-secret-of-the-gateway", "token-a", token):
        for change in (
            {"action": secret},
            {"apiName": secret},
            {"requestData": secret},
            {"requestData": json.dumps({secret: secret})},
            {"action": "functions.invokeFunction", "function_name": secret},
            {"action": "functions.invokeFunction", "request_data": secret},
        ):
            reply = signed_json(gateway, {**CALL, **change}, by=by)
            assert secret not in json.dumps(reply)
        for unsigned in ({secret: "1"}, {}):
            headers = gateway.sign(CALL, "application/json", by)
            reply = post_json(gateway, json.dumps({**CALL, **unsigned, "apiName": secret}), headers)
            assert headers["Authorization"][-64:] not in json.dumps(reply)
        for entry in gateway.emulator.journal:
            assert secret not in json.dumps(entry.describe())


# ---- random requests -------------------------------------------------------------------------

FUZZED = new_gateway()
WORDS = [API, "wx.openApi", "wx.api", "functions.invokeFunction", "token-a", "token-b", "reader"]
STRANGE_TEXTS = [PARAMS, "{}", "null", "\ufeff{}", "1" * 400, '{"a": "\\ud800"}', " token-a "]
texts = st.text(max_size=9) | st.sampled_from(WORDS) | st.sampled_from(STRANGE_TEXTS)
messages_ = st.builds(
    messages.write_request,
    st.lists(
        st.builds(
            Pair,
            st.sampled_from(["begin_date", "end_date", ""]) | st.text(max_size=4),
            st.binary(max_size=9) | st.sampled_from([b'"20170313"', b"NaN", b"\xff"]),
            st.sampled_from(["", "", "f.png"]),
        ),
        max_size=3,
    )
    | st.just(DAY),
    st.sampled_from(["", "wxother", "wxnew"]),
)
values = texts | messages_ | st.binary(max_size=20)
likely = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["wx.openApi", "wx.api", "functions.invokeFunction"]),
        "apiName": st.sampled_from([API, API, "x"]),
        "wxCloudApiToken": st.sampled_from(["token-a", "token-a", "token-b", "", "x"]),
        "requestData": messages_ | texts,
    },
    optional={
        "function_name": st.sampled_from(["reader", "x"]),
        "request_data": texts,
        "REQUESTDATA": texts,
        "authorization": texts,
        "İ": texts,
    },
)
fields_ = likely | st.dictionaries(texts, values, max_size=4)


def as_json(fields):
    return {
        name: value if isinstance(value, str) else value.decode("latin-1")
        for name, value in fields.items()
    }


def check(fields, form, by, tail, header):
    kind = {"multipart": KIND, "json": "application/json", "odd": "multipart/form-data"}[form]
    if form == "json":
        fields = as_json(fields)
        body = json.dumps(fields).encode() + tail
    else:
        body = multipart.write(fields, "----x") + tail
    headers = {}
    # A header holds no name with a line break.
    if by is not None and "\n" not in "".join(fields) and "".join(fields).isprintable():
        headers = FUZZED.sign(fields, kind, FUZZED.functions.secrets_of(by))
    if header is not None:
        headers["Authorization"] = header
    reply = FUZZED.client.post("/admin", data=body, content_type=kind, headers=headers)
    assert reply.status_code == 200
    if reply.content_type == "application/octet-stream":
        messages.read_answer(reply.data)
    else:
        assert {"code", "data"} & reply.json.keys()
        assert len(reply.data) < 3000


random_requests = given(
    fields_,
    st.sampled_from(["multipart", "multipart", "json", "odd"]),
    st.sampled_from(["reader", "reader", "denied", None]),
    st.sampled_from([b"", b"", b"", b"x", b"{}"]),
    st.none()
    | st.none()
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, database=None)
@random_requests
def test_a_random_request_gets_an_answer_of_the_gateways(fields, form, by, tail, header):
    check(fields, form, by, tail, header)


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None, database=None)
@random_requests
def test_many_random_requests_get_an_answer_of_the_gateways(fields, form, by, tail, header):
    check(fields, form, by, tail, header)
