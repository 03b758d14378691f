"""Files of documents, as CloudBase's console imports and exports them."""

import csv
import json
import re
from contextlib import suppress
from datetime import datetime, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_openapi.emulator.database.files import read_records, write_records

AT = datetime(2018, 8, 31, 17, 30, 0, 882_000, timezone.utc)
# The console's own example: records one after another, which may span lines.
# https://developers.weixin.qq.com/miniprogram/dev/wxcloud/guide/database/import.html
EXPORTED = """{"_id":"a","index":1,"at":{"$date":"2018-08-31T17:30:00.882Z"}}
{
    "_id": "b",
    "index": 2
}
"""
RECORDS = [{"_id": "a", "index": 1, "at": AT}, {"_id": "b", "index": 2}]
WRONG = [
    ("json", '{"a": 1}\n{"b": }', "line 2, column 7"),
    ("json", '{"a": 1} 5', "line 1: a record is an object, not 5"),
    ("json", '[{"a": 1}, "x"]', 'record 2: a record is an object, not "x"'),
    ("json", "[{}] {}", "further text follows the list"),
    ("json", '{"a": NaN}', "line 1: NaN is not a JSON value"),
    ("json", '{"a": {"$date": "x"}}', "line 1: $date cannot be 'x'"),
    ("json", '{"a":' * 5000, "line 1: too many levels"),
    ("csv", "a,a\n1,2", "line 1: two fields have the same name"),
    ("csv", "a,.b\n1,2", "line 1: '.b' is not a name"),
    ("csv", "a,\n1,2", "line 1: '' is not a name"),
    ("csv", "a\n1,2", "line 2: it has 2 fields, the first row has 1 names"),
    ("csv", "a,a.b\n1,2", "line 2: a.b: a is a text already"),
    ("csv", 'a\n"x', "line 2: "),
    (
        "csv",
        'a,b\n1,2\n3,"x\n5,6\n',
        "line 3: a quote is not closed in the record",
    ),
    ("csv", '"a,b\n1,2\n', "line 1: a quote is not closed"),
    ("csv", 'a,b\n1,"x\n3,"y"', "after '\"', in the record that begins in line 2"),
]


def test_json_is_records_one_after_another_or_a_list():
    assert read_records(EXPORTED, "json") == RECORDS
    assert read_records("\ufeff" + EXPORTED.replace("\n", "\r\n"), "json") == RECORDS
    listed = json.dumps([{"_id": "b", "index": 2}])
    assert read_records(listed, "json") == RECORDS[1:]
    assert read_records(" \n", "json") == []
    assert read_records("[]", "json") == []


def test_csv_has_texts_and_dots_between_nested_names():
    text = '\ufeff_id,o.x,o.y.z,s\na,1,2,"multi\nline, with comma"\nb,,,\n'
    assert read_records(text, "csv") == [
        {"_id": "a", "o": {"x": "1", "y": {"z": "2"}}, "s": "multi\nline, with comma"},
        {"_id": "b", "o": {"x": "", "y": {"z": ""}}, "s": ""},
    ]


def test_an_export_is_read_again():
    assert read_records(write_records(RECORDS, "json"), "json") == RECORDS
    assert write_records(RECORDS, "json").splitlines()[0] == EXPORTED.splitlines()[0]
    exported = write_records([{"_id": "a", "o": {"x": 1, "l": [1]}, "at": AT}, {"_id": "b"}], "csv")
    assert exported == "_id,o.x,o.l,at\na,1,[1],2018-08-31T17:30:00.882Z\nb,,,\n"


@pytest.mark.parametrize(("form", "text", "message"), WRONG)
def test_a_mistake_is_named_with_its_place(form, text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_records(text, form)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(), st.sampled_from(["json", "csv"]))
def test_any_text_is_read_or_refused(text, form):
    with suppress(ValueError):
        assert isinstance(read_records(text, form), list)


def test_csv_has_texts_of_any_length_and_the_limit_of_the_process_stays():
    former = csv.field_size_limit()
    documents = [{"_id": "a", "text": "长" * 200_000}]
    assert read_records(write_records(documents, "csv"), "csv") == documents
    assert csv.field_size_limit() == former
    with pytest.raises(ValueError, match="line 2"):
        read_records("a\n1,2", "csv")
    assert csv.field_size_limit() == former
