"""Windows as a table: for pandas and polars, with what is missing as missing."""

import builtins
import json
import sys
from datetime import date

import pandas as pd
import polars as pl
import pytest
from support.paths import SAMPLES

from cloud_openapi import ConfigError
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.history import Window, Windows
from cloud_openapi.periods import Period

RETAIN = "analysis.getDailyRetain"


def window(api, ref, answer=None, code=0):
    day = date.fromisoformat(ref)
    error = CloudSDKError(code, "data not ready") if code else None
    return Window("wx1", f"analysis.{api}", Period("day", day, day), answer, error)


def recorded():
    """Return a window that WeChat answered, one without data, and one that is not ready."""
    body = json.loads((SAMPLES / "getDailyRetain.response.recorded-20191015-php.json").read_text())
    return body, Windows(
        iter(
            [
                window("getDailyRetain", "2019-10-15", body),
                window("getDailyRetain", "2019-10-16", {"ref_date": "20191016", "visit_uv": []}),
                window("getDailyRetain", "2019-10-17", code=61503),
            ]
        )
    )


def expected(body):
    return [
        (name, each["key"], each["value"])
        for name in ("visit_uv_new", "visit_uv")
        for each in body[name]
    ]


def test_pandas_has_the_numbers_of_the_answer_and_no_zero_for_what_is_missing():
    body, windows = recorded()
    frame = windows.to_pandas()
    assert list(frame) == ["appid", "begin", "end", "ref_date", "users", "key", "value", "errcode"]
    answered = frame[frame.begin == "2019-10-15"]
    found = answered[["users", "key", "value"]].itertuples(index=False, name=None)
    assert list(found) == expected(body)
    rest = frame[frame.begin > "2019-10-15"]
    assert rest.value.isna().all()
    assert rest.errcode.tolist() == [pd.NA, 61503]
    assert str(frame.value.dtype) == "Int64"
    assert frame.begin.dtype.kind == "M"


def test_polars_has_the_same_table():
    body, windows = recorded()
    frame = windows.to_polars()
    answered = frame.filter(pl.col("begin") == date(2019, 10, 15))
    assert answered.select("users", "key", "value").rows() == expected(body)
    rest = frame.filter(pl.col("begin") > date(2019, 10, 15))
    assert rest["value"].to_list() == [None, None]
    assert rest["errcode"].to_list() == [None, 61503]
    assert frame.schema["begin"] == pl.Date


def test_no_windows_are_a_table_without_rows():
    columns = ["appid", "begin", "end", "errcode"]
    assert list(Windows(iter([])).to_pandas()) == columns
    assert Windows(iter([])).to_polars().columns == columns
    assert list(Windows(iter([])).rows()) == []


def test_a_number_that_is_whole_on_one_day_only_is_a_number_on_all():
    rows = (
        [{"ref_date": "20260301", "visit_depth": 2}],
        [{"ref_date": "20260302", "visit_depth": 1.5}],
    )
    made = [
        window("getDailyVisitTrend", f"2026-03-0{n}", {"list": row})
        for n, row in enumerate(rows, 1)
    ]
    assert Windows(iter(made)).to_polars()["visit_depth"].to_list() == [2.0, 1.5]
    assert Windows(iter(made)).to_pandas().visit_depth.tolist() == [2.0, 1.5]


def test_windows_are_still_an_iterator_of_windows():
    _, windows = recorded()
    assert next(windows).ref == "20191015"
    assert [each.ref for each in windows] == ["20191016", "20191017"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_missing_is_named(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=f"pip install {library}"):
        getattr(Windows(iter([])), f"to_{library}")()


def test_fetch_and_stored_load_neither_library(monkeypatch):
    loaded = builtins.__import__

    def refuse(name, *rest, **more):
        assert name.partition(".")[0] not in ("pandas", "polars")
        return loaded(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    _, windows = recorded()
    assert len(list(windows.rows())) > 3
