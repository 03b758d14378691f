"""fetch splits a range into the windows of an API's rule, and yields them in order."""

import threading
from datetime import date

import pytest
from support.history import EmulatorClock

from cloud_openapi import ConfigError
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import create_app
from cloud_openapi.history import fetch
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange

PERFORMANCE = {
    "module": "10022",
    "params": [
        {"field": "networktype", "value": "wifi"},
        {"field": "device_level", "value": "1"},
        {"field": "device", "value": "1"},
    ],
}


@pytest.fixture
def fetched(emulator):
    """Return a function that fetches from the emulator, at noon of 11 March 2026."""
    emulator.clock.freeze("2026-03-11T12:00")
    transport = HTTPSTransport(WSGIExchange(create_app(emulator)), DEMO_APPID, DEMO_SECRET)

    def fetched(api, *arguments, **options):
        options = {"transport": transport, "clock": EmulatorClock(emulator), **options}
        return list(fetch(f"analysis.{api}", *arguments, **options))

    return fetched


@pytest.mark.parametrize(
    ("api", "options", "refs"),
    [
        ("getDailyRetain", {}, ["20260301", "20260302"]),
        ("getDailyRetain", {"newest_first": True}, ["20260302", "20260301"]),
        ("getWeeklyRetain", {}, ["20260223-20260301", "20260302-20260308"]),
        ("getMonthlyVisitTrend", {}, []),
        ("getVisitPage", {}, ["20260301", "20260302"]),
        ("getPerformanceData", {"params": PERFORMANCE}, ["20260301", "20260302"]),
    ],
)
def test_a_range_is_split_by_the_rule_of_the_api(fetched, api, options, refs):
    found = fetched(api, "20260301", "2026-03-02", **options)
    assert [(window.ref, window.error) for window in found] == [(ref, None) for ref in refs]
    for window in found:
        rows = window.answer.get("list") or [{}]
        assert window.answer.get("ref_date", rows[0].get("ref_date", window.ref)) == window.ref


def test_an_answer_about_performance_has_one_day_for_each_window(fetched):
    for window in fetched("getPerformanceData", "20260301", "20260303", params=PERFORMANCE):
        tables = window.answer["data"]["body"]["tables"]
        days = {field["refdate"] for table in tables for field in table["lines"][0]["fields"]}
        assert days == {window.ref}


def test_periods_that_are_not_over_are_left_out(fetched):
    assert [each.ref for each in fetched("getMonthlyRetain", "20260115", "20260401")] == [
        "202601",
        "202602",
    ]
    assert [each.ref for each in fetched("getDailyRetain", "20260310", "20260401")] == ["20260310"]
    assert fetched("getDailyRetain", "20260311", "20260401") == []


def test_windows_that_are_too_old_for_the_api_are_not_asked_for(fetched, emulator):
    found = fetched("getUserPortrait", "20260306", "20260310", days=7)
    assert [window.answer is None for window in found] == [True, True, True, False, False]
    assert found[0].error.errCode == 61501
    assert (found[-1].period.begin, found[-1].period.end) == (date(2026, 3, 4), date(2026, 3, 10))
    assert [entry.errcode for entry in emulator.journal if "datacube" in entry.path] == [0, 0]


def test_a_window_that_fails_has_its_error_and_the_others_their_answers(fetched, emulator):
    emulator.faults.add({"kind": "error", "errcode": 47001, "times": 1, "path": PATH})
    found = fetched("getDailyRetain", "20260301", "20260305", at_once=1)
    assert [window.error and window.error.errCode for window in found] == [47001, *[None] * 4]


PATH = "/datacube/getweanalysisappiddailyretaininfo"


def test_a_busy_service_is_asked_again(fetched, emulator):
    emulator.faults.add({"kind": "error", "errcode": -1, "times": 2, "path": PATH})
    found = fetched("getDailyRetain", "20260301", "20260302", patience=30)
    assert [window.error for window in found] == [None, None]


def test_at_most_so_many_calls_are_in_flight(emulator):
    flying, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(3, timeout=30)

    class Counting:
        def send(self, operation, params):
            nonlocal flying, most
            with lock:
                flying += 1
                most = max(most, flying)
            together.wait()
            with lock:
                flying -= 1
            return {"ref_date": params["begin_date"], "visit_uv_new": [], "visit_uv": []}

    begin, end = "20260101", "20260112"
    found = list(fetch("analysis.getDailyRetain", begin, end, transport=Counting(), at_once=3))
    assert len(found) == 12
    assert most == 3


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("getDailyRetain", "20260302", "20260301"), {}, "later than end"),
        (("getDailyRetain", "19650101", "19600101"), {}, "begin, 1965-01-01, is later than end, 1"),
        (
            ("getDailyRetain", "19600101", "19650101"),
            {},
            "from 2017-01-09 to 9999-11-30, not from 1960-01-01 to 1965-01-01",
        ),
        (
            ("getDailyRetain", "99991215", "99991216"),
            {},
            "from 2017-01-09 to 9999-11-30, not from 9999-12-15 to 9999-12-16",
        ),
        (("getDailyRetain", "yesterday", "20260301"), {}, "begin is a day such as"),
        (("getDailyRetain", "20260301", "20260301"), {"days": 7}, "for a day, not for 7 days"),
        (("getUserPortrait", "20260301", "20260301"), {"days": 8}, "among 1, 7, 30, not 8"),
        (("getDailyRetain", "20260301", "20260301"), {"at_once": 65}, "from 1 to 64, not 65"),
        (("getDailyRetain", "20260301", "20260301"), {"rate": 0}, "rate is a number"),
        (("getDailyRetain", "20260301", "20260301"), {"params": {"begin_date": 1}}, "leave it out"),
        (("getDailyRetain", "20260301", "20260301"), {"params": {"a": {1}}}, "written as JSON"),
    ],
)
def test_mistakes_are_refused_before_a_call(fetched, arguments, options, message):
    with pytest.raises(ConfigError, match=message):
        fetched(*arguments, **options)


def test_an_api_without_periods_is_refused_with_those_that_have_them():
    with pytest.raises(ConfigError, match="getUserPortrait"):
        list(fetch("wxacode.getUnlimited", "20260301", "20260302"))


def test_without_credentials_nothing_is_called():
    with pytest.raises(ConfigError, match="CLOUD_OPENAPI_BASE_URL"):
        fetch("analysis.getDailyRetain", "20260301", "20260302")
