"""Forged and random signatures, and random forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.captured import KEY, SIGNED, captured, parts
from support.refusals import refusal

from cloud_openapi.wire import multipart, old_signature, signature

FIELDS = {"action": b"wx.openApi", "apiName": b"a.b"}
NOW = 1795508239
OLD = (
    "q-sign-algorithm=sha1&q-ak={id}&q-sign-time={begin};{end}&q-key-time={begin};{end}"
    "&q-header-list={headers}&q-url-param-list={params}&q-signature=" + "0" * 40
)
NEW = (
    "TC3-HMAC-SHA256 Credential={id}/{date}/tcb/tc3_request, SignedParams={params}, "
    "SignedHeaders={headers}, Signature=" + "0" * 64
)
GIVEN = {
    "id": "AKID",
    "begin": NOW,
    "end": NOW + 900,
    "date": "2026-11-24",
    "params": "action;apiname",
    "headers": "content-type;host",
}


def new(fields=FIELDS, timestamp=NOW, **changes):
    headers = {
        "authorization": NEW.format(**GIVEN | changes),
        "x-timestamp": str(timestamp),
        "content-type": "application/json",
        "host": "localhost",
    }
    return signature.Signed("//localhost/admin", "", headers, fields)


def old(fields=FIELDS, **changes):
    authorization = OLD.format(**GIVEN | changes).encode()
    return signature.Signed(
        "//localhost/admin", "", {"host": "localhost"}, {**fields, "authorization": authorization}
    )


def verify(module, request):
    module.read(request).verify(request, KEY, NOW)


BOTH = pytest.mark.parametrize(
    ("module", "request_with"), [(signature, new), (old_signature, old)], ids=["TC3", "q-sign"]
)


@BOTH
def test_a_complete_signature_of_another_key_is_refused(module, request_with):
    assert "does not belong to this request" in refusal(verify, module, request_with())


@BOTH
@pytest.mark.parametrize(
    "secret_id", ["AKID.reader&x", "AKID.reader&q-ak=AKID.denied", "AKID.r/eader", "a,b", "a b", ""]
)
def test_a_secret_id_is_read_whole_or_not_at_all(module, request_with, secret_id):
    request = request_with(id=secret_id)
    refused = refusal(module.read, request)
    assert refused.startswith("there is no ") or module.read(request).secret_id == secret_id


@pytest.mark.parametrize(
    "timestamp", [253402300800, 999999999999, 0, -1, "1e9", "", "٣", "²", "1" * 5000, "nan"]
)
def test_a_time_of_any_year_is_refused(timestamp):
    assert "X-Timestamp" in refusal(verify, signature, new(timestamp=timestamp))


@pytest.mark.parametrize("time", ["9" * 12, "٣" * 10, "1" * 5000])
def test_an_old_signature_of_any_year_is_refused(time):
    assert refusal(verify, old_signature, old(begin=time, end=time))


@BOTH
@pytest.mark.parametrize("place", ["params", "headers"])
def test_a_name_that_is_signed_twice_is_refused(module, request_with, place):
    request = request_with(**{place: ";".join(["action"] * 1000)})
    assert refusal(verify, module, request) == "a name is signed twice"


@BOTH
def test_the_text_for_unsigned_fields_is_short(module, request_with):
    fields = {f"{number}{'x' * 500}": b"1" for number in range(50)}
    assert len(refusal(verify, module, request_with({**FIELDS, **fields}))) < 250


@pytest.mark.parametrize("name", SIGNED)
def test_a_captured_signature_has_no_name_twice(name):
    request = captured(name)
    claim = signature.read(
        signature.Signed("", "", request.headers, parts(request.headers, request.body))
    )
    assert len(set(claim.params)) == len(claim.params)


# ---- random text -----------------------------------------------------------------------------

texts = st.text(max_size=20) | st.sampled_from(["AKID", "a;b", ";", "2026-11-24", "9" * 12, "host"])
given_fields = st.dictionaries(
    st.sampled_from(["action", "Action", "requestData", "authorization", "İ", "ſ", ""])
    | st.text(max_size=5),
    st.binary(max_size=20),
    max_size=4,
)


@st.composite
def requests(draw):
    changes = {name: draw(texts) for name in draw(st.sets(st.sampled_from(sorted(GIVEN))))}
    made = draw(st.sampled_from([new, old]))
    request = made(draw(given_fields), **changes)
    if draw(st.integers(0, 4)) == 0:
        request.headers["authorization"] = draw(st.text(max_size=60))
    return request


def check(request):
    for module in (signature, old_signature):
        refused = refusal(verify, module, request)
        assert 0 < len(refused) < 300
        assert KEY not in refused


@settings(max_examples=200, deadline=None, database=None)
@given(requests())
@pytest.mark.slow
def test_random_signatures_are_refused(request):
    check(request)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, database=None)
@given(requests())
def test_many_random_signatures_are_refused(request):
    check(request)


# ---- multipart -------------------------------------------------------------------------------

pieces = st.sampled_from(
    [
        b"--x",
        b"--",
        b"\r\n",
        b"\r\n\r\n",
        b'; name="a"',
        b'; name="A"',
        b"Content-Disposition: form-data",
    ]
) | st.binary(max_size=5)
bodies = st.lists(pieces, max_size=20).map(b"".join)
kinds = st.sampled_from(
    ["multipart/form-data; boundary=x", 'multipart/form-data; boundary="x y"']
) | (st.text(max_size=20).map("multipart/form-data; {}".format))


def check_form(kind, body):
    refused = refusal(multipart.read, kind, body)
    assert len(refused) < 500
    if not refused:
        fields = multipart.read(kind, body)
        assert len({name.lower() for name in fields}) == len(fields) <= multipart.MOST_PARTS
        assert sum(map(len, fields.values())) <= len(body)


@settings(max_examples=200, deadline=None, database=None)
@given(kinds, bodies)
def test_random_forms_are_read_or_refused(kind, body):
    check_form(kind, body)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, database=None)
@given(kinds, bodies)
def test_many_random_forms_are_read_or_refused(kind, body):
    check_form(kind, body)


@pytest.mark.parametrize(
    "part",
    [
        b"--x\r\n",
        b"--x\r\n\r\n\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n',
        b'--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\n1\r\n',
    ],
)
def test_many_parts_are_refused(part):
    with pytest.raises(multipart.MultipartError) as caught:
        multipart.read("multipart/form-data; boundary=x", part * 100_000)
    assert len(str(caught.value)) < 200
