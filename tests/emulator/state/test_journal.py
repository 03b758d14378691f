"""The journals: reading what is new, and what a text is looked for in."""

from datetime import datetime, timezone

import pytest

from cloud_openapi.emulator.state.journal import Entry, Journal, Journals, Numbers, containing

ENTRY = Entry(datetime(2026, 3, 9, tzinfo=timezone.utc), "POST", "/path", "wx1", b"", 0, "check")


@pytest.fixture
def numbers():
    return Numbers()


@pytest.fixture
def pair(numbers):
    return Journal(10, numbers), Journal(10, numbers)


@pytest.fixture
def journals(numbers, pair):
    return Journals(numbers, lambda: pair)


def test_what_is_new_is_read_in_the_order_of_all_journals(pair, journals):
    for number in range(6):
        pair[number % 2].add(ENTRY._replace(path=f"/{number + 1}"))
    assert [number for number, _ in journals.after(0)] == [1, 2, 3, 4, 5, 6]
    assert [(n, entry.path) for n, entry in journals.after(4)] == [(5, "/5"), (6, "/6")]
    assert journals.after(6) == []


def test_reading_what_is_new_stops_at_the_first_old_entry(numbers):
    journal = Journal(100, numbers)
    for _ in range(100):
        journal.add(ENTRY)
    asked = []
    journal._entries.newest(lambda number: asked.append(number) or number > 97)
    assert asked == [100, 99, 98, 97]


def test_oldest_is_that_of_all_journals(pair, journals):
    assert journals.oldest == 0
    pair[1].add(ENTRY)
    assert journals.oldest == 1
    for _ in range(12):
        pair[0].add(ENTRY)
    assert (pair[0].oldest, journals.oldest) == (4, 1)
    for _ in range(10):
        pair[1].add(ENTRY)
    assert journals.oldest == 4


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "/A/Needle"},
        {"appid": "needle"},
        {"function": "theNeedle"},
        {"invocation": "needle-1"},
        {"rid": "needle"},
        {"reason": "the needle is missing"},
        {"apis": ["other", "api.needle"]},
        {"body": b'{"a": "NEEDLE"}'},
        {"answer": b'{"a": "needle"}'},
    ],
)
def test_text_is_found_in_any_case(fields):
    assert containing("nEEDle")(ENTRY._replace(**fields))
    assert not containing("needles")(ENTRY._replace(**fields))


def test_text_is_found_in_json_that_escapes_it():
    assert containing("中文")(ENTRY._replace(body=b'"\\u4e2d\\u6587"'))
    assert containing("中文")(ENTRY._replace(answer="中文".encode()))
    assert not containing("中文")(ENTRY)


@pytest.mark.parametrize(
    ("fields", "name", "outcome"),
    [
        ({"apis": ["a", "b"]}, "a", "ok"),
        ({"via": "gateway", "check": "wx.openApi"}, "wx.openApi", "ok"),
        ({"via": "gateway", "check": "not an action"}, "/path", "ok"),
        ({"check": "action"}, "/path", "ok"),
        ({"errcode": 40001, "status": 502}, "/path", "40001"),
        ({"status": 502}, "/path", "HTTP 502"),
        ({"status": 0}, "/path", "dropped"),
        ({"status": 204}, "/path", "ok"),
        ({"status": 206}, "/path", "ok"),
        ({"status": 304}, "/path", "ok"),
        ({"status": 302}, "/path", "HTTP 302"),
    ],
)
def test_name_and_outcome(fields, name, outcome):
    entry = ENTRY._replace(**fields)
    assert (entry.name, entry.outcome) == (name, outcome)
    assert entry.failed == (outcome != "ok")
