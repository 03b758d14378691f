import json
import math
import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_openapi.wire.extended_json import Decoder, ObjectId, ServerDate, encode, write

UTC = timezone.utc
AT = datetime(2020, 9, 13, 12, 26, 40, 123_000, UTC)
# What SDKs send for a value in JavaScript: those from 2.3, and those before.
# Captured from wx-server-sdk 4.0.2 and 1.8.3.
SENT = [
    (1, {"$numberInt": "1"}, 1),
    (-(2**31), {"$numberInt": "-2147483648"}, -2147483648),
    (2**31, {"$numberLong": "2147483648"}, 2147483648),
    (1.5, {"$numberDouble": "1.5"}, 1.5),
    (AT, {"$date": {"$numberLong": "1600000000123"}}, {"$date": 1600000000123}),
    (
        ServerDate(3_600_000),
        {"$tcb_server_date": {"offset": {"$numberInt": "3600000"}}},
        {"$date": {"offset": 3600000}},
    ),
    (
        re.compile("x", re.IGNORECASE),
        {"$regularExpression": {"pattern": "x", "options": "i"}},
        {"$regex": "x", "$options": "i"},
    ),
    (ObjectId("5f5e3e1a0000000000000000"), {"$oid": "5f5e3e1a0000000000000000"}, None),
    ("$x", "$x", "$x"),
    (
        {"a": [None, True, {"b": "中"}]},
        {"a": [None, True, {"b": "中"}]},
        {"a": [None, True, {"b": "中"}]},
    ),
]
# MongoDB's specification of relaxed Extended JSON.
RELAXED = [
    (AT, {"$date": "2020-09-13T12:26:40.123Z"}),
    (datetime(2020, 1, 1, tzinfo=UTC), {"$date": "2020-01-01T00:00:00Z"}),
    (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), {"$date": {"$numberLong": "-1000"}}),
    (float("inf"), {"$numberDouble": "Infinity"}),
    (float("-inf"), {"$numberDouble": "-Infinity"}),
    (2**40, 2**40),
    (0.5, 0.5),
]
WRONG = [
    {"$numberInt": 1},
    {"$numberLong": "9" * 20},
    {"$numberDouble": "one"},
    {"$date": "yesterday"},
    {"$date": None},
    {"$date": 10**18},
    {"$date": {"offset": "soon"}},
    {"$tcb_server_date": 5},
    {"$oid": "xyz"},
    {"$regularExpression": {"pattern": "("}},
    {"$regularExpression": "x"},
    {"$regex": "a" * 40_000, "$options": ""},
    {"$binary": {"base64": "", "subType": "00"}},
]
decoder = Decoder()


def test_values_are_written_as_sdks_write_them_and_read_back():
    for value, canonical, plain in SENT:
        assert encode(value, "canonical") == canonical
        assert decoder.decode(canonical) == value
        if plain is not None:
            assert encode(value, "plain") == plain
            assert decoder.decode(plain) == value


def test_relaxed_values_are_those_of_the_specification():
    for value, relaxed in RELAXED:
        assert encode(value) == relaxed
        assert decoder.decode(relaxed) == value


def test_a_nan_is_written_in_either_form_and_read_back():
    for form in ("canonical", "relaxed"):
        read = decoder.read(write(float("nan"), form))
        assert math.isnan(read)
    assert write(float("nan"), "plain") == "null"


@pytest.mark.parametrize("operator", [{"$gt": {"$numberInt": "2"}}, {"$in": [1]}, {"$regex": "x"}])
def test_operators_are_no_types(operator):
    name = next(iter(operator))
    assert list(decoder.decode({"n": operator})["n"]) == [name]
    assert decoder.decode({"$gt": {"$date": 0}, "$lt": {"$date": 1000}}) == {
        "$gt": datetime(1970, 1, 1, tzinfo=UTC),
        "$lt": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
    }


def test_invalid_content_of_a_type_is_an_error_that_names_it():
    for wrong in WRONG:
        with pytest.raises(ValueError, match=r"cannot be|does not have|expression|valid"):
            decoder.decode({"a": wrong})


@pytest.mark.parametrize("content", [None, {"$numberLong": "NaN"}])
def test_an_invalid_date_of_javascript_says_what_made_it(content):
    with pytest.raises(ValueError, match=r"not valid: new Date\(\) got a text that is not a date"):
        decoder.decode({"at": {"$date": content}})


def test_types_that_the_database_lacks_cannot_be_written():
    for wrong in ({1, 2}, b"x", {1: 2}, timedelta(1)):
        with pytest.raises(TypeError):
            encode(wrong)
    with pytest.raises(ValueError, match="64 bits"):
        encode(2**63)


def test_the_reader_chooses_the_type_of_dates():
    chosen = Decoder(date=int, server_date=lambda offset: 1000 + offset)
    assert chosen.read('{"a": {"$date": {"$numberLong": "5"}}}') == {"a": 5}
    assert chosen.decode({"$date": {"offset": 7}}) == 1007
    assert chosen.decode({"$tcb_server_date": {}}) == 1000


def test_a_date_without_a_zone_is_in_utc():
    assert encode(AT.replace(tzinfo=None)) == encode(AT)
    assert decoder.decode({"$date": "2018-08-31T17:30:00.882"}) == datetime(
        2018, 8, 31, 17, 30, 0, 882_000, UTC
    )


_dates = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
_leaves = (
    st.none() | st.booleans() | st.text() | st.integers(-(2**63), 2**63 - 1) | _dates
) | st.floats(allow_nan=False)
_names = st.text().filter(lambda name: not name.startswith("$"))
_values = st.recursive(
    _leaves, lambda inner: st.lists(inner) | st.dictionaries(_names, inner), max_leaves=20
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_values)
def test_all_that_is_written_is_read_back(value):
    for form in ("canonical", "relaxed"):
        assert decoder.read(json.dumps(encode(value, form))) == value
