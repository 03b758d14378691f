"""A store keeps one row for each window, with its answer, and has views of the numbers."""

import os
import sqlite3
from contextlib import closing
from datetime import date

import pytest
from sqlalchemy import event
from support.history import ASKED, retention

from cloud_openapi import CloudSDKError, ConfigError
from cloud_openapi.history import Series, Store, StoreError, Window, stored
from cloud_openapi.history import _store as store_module
from cloud_openapi.periods import Period, period_with

RETAIN = "analysis.getDailyRetain"


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "history.sqlite")


@pytest.fixture
def store(path):
    store = Store(path)
    yield store
    store.close()


def test_an_answer_replaces_the_former_one_of_its_window(store, path):
    day = date(2026, 3, 1)
    for values in ({0: 5}, {0: 5, 1: 2}):
        store.write([retention(day, values), retention(day, {0: 1}, "wx2")])
    found = list(stored(RETAIN, day, day, "wx1", store=path))
    assert found == [retention(day, {0: 5, 1: 2})]
    assert [window.appid for window in stored(RETAIN, day, day, store=store)] == ["wx1", "wx2"]


def test_an_answer_is_kept_as_wechat_sent_it(store):
    answer = {"ref_date": "20260301", "list": [{"page_path": "页面/é😀\ud800", "x": 1.5}, None]}
    window = Window("wx1", "analysis.getVisitPage", period_with("day", date(2026, 3, 1)), answer)
    store.write([window._replace(asked=ASKED)])
    (found,) = stored("analysis.getVisitPage", "20260301", "20260301", store=store)
    assert found.answer == answer


def test_windows_are_read_by_range_length_and_parameters(store):
    series = Series("analysis.getUserPortrait", days=7)
    period = Period("window", date(2026, 2, 27), date(2026, 3, 5))
    store.write([Window("wx1", series.api, period, {"a": 1}, asked=ASKED)])
    read = {"days": 7, "store": store}
    assert [w.period for w in stored(series.api, "20260305", "20260305", **read)] == [period]
    assert list(stored(series.api, "20260306", "20260309", **read)) == []
    assert list(stored(series.api, "20260227", "20260309", store=store)) == []
    assert list(stored(series.api, "20260305", "20260305", params={"a": 1}, **read)) == []


@pytest.mark.parametrize("api", [RETAIN, "analysis.getWeeklyRetain", "analysis.getMonthlyRetain"])
@pytest.mark.parametrize("begin", [date.min, "2026-03-01"])
def test_a_range_may_end_at_the_end_of_the_calendar(store, api, begin):
    window = retention(date(2026, 3, 1), {0: 1})
    store.write([window])
    found = list(stored(api, begin, "9999-12-31", store=store))
    assert found == [window] * (api == RETAIN)


def test_views_have_a_row_for_each_key_and_each_row_of_a_trend(store, path):
    store.write([retention(date(2026, 3, 1), {0: 5, 1: 2})])
    trend = Series("analysis.getWeeklyVisitTrend")
    row = {"ref_date": "20260302-20260308", "session_cnt": 7, "visit_depth": 1.5}
    week = period_with("week", date(2026, 3, 2))
    store.write([Window("wx1", trend.api, week, {"list": [row]}, asked=ASKED)])
    with sqlite3.connect(path) as plain:
        keys = plain.execute('SELECT appid, ref_date, users, "key", value FROM history_keys')
        assert sorted(keys) == [
            ("wx1", "20260301", "visit_uv", 0, 5),
            ("wx1", "20260301", "visit_uv_new", 0, 5),
            ("wx1", "20260301", "visit_uv_new", 1, 2),
        ]
        trends = plain.execute(
            "SELECT first_day, session_cnt, visit_depth, visit_uv, share_pv FROM history_trends"
        )
        assert list(trends) == [("2026-03-02", 7, 1.5, None, None)]
    plain.close()


def test_a_store_without_windows_is_not_made_by_reading(tmp_path):
    for url in (str(tmp_path / "no.sqlite"), f"sqlite:///{tmp_path}/no.sqlite"):
        with pytest.raises(ConfigError, match="history sync"):
            list(stored(RETAIN, "20260301", "20260301", store=url))
    assert list(tmp_path.iterdir()) == []
    sqlite3.connect(tmp_path / "other.sqlite").close()
    with pytest.raises(ConfigError, match="history sync"):
        list(stored(RETAIN, "20260301", "20260301", store=str(tmp_path / "other.sqlite")))


@pytest.mark.parametrize("writes", [False, True])
def test_a_folder_without_write_permission_is_enough_to_read(tmp_path, monkeypatch, writes):
    path = tmp_path / "a ?.sqlite"
    window = retention(date(2026, 3, 1), {0: 5})
    writer = Store(str(path))
    writer.write([window])
    if not writes:
        writer.close()
    # A test that runs as root may write anywhere.
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    before = sorted(tmp_path.iterdir())
    reader = Store(str(path), create=False)
    assert list(stored(RETAIN, store=reader)) == [window]
    with pytest.raises(StoreError, match="readonly"):
        reader.write([window])
    assert sorted(tmp_path.iterdir()) == before
    assert len(before) == (3 if writes else 1)
    reader.close()
    writer.close()


def test_a_locked_file_says_who_is_in_the_way(tmp_path, monkeypatch):
    path = tmp_path / "a.sqlite"
    store = Store(str(path))
    event.listen(store._engine, "connect", lambda it, _: it.execute("PRAGMA busy_timeout=1"))
    store.close()
    monkeypatch.setattr(store_module, "_PAUSE", 0)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked: another program"):
            store.write([retention(date(2026, 3, 1), {0: 5})])
    store.write([retention(date(2026, 3, 1), {0: 5})])
    store.close()


def test_a_locked_file_is_waited_for_once(tmp_path, monkeypatch):
    path = tmp_path / "a.sqlite"
    monkeypatch.setattr(store_module, "_LONGEST_WAIT", 0.1)
    store = Store(str(path))
    tries = []
    event.listen(store._engine, "begin", tries.append)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            store.write([retention(date(2026, 3, 1), {0: 5})])
    assert len(tries) == 1
    store.close()


def test_a_file_that_cannot_be_used_says_why(tmp_path):
    (tmp_path / "folder.sqlite").mkdir()
    Store(str(tmp_path / "damaged.sqlite")).close()
    (tmp_path / "damaged.sqlite").write_bytes((tmp_path / "damaged.sqlite").read_bytes()[:5000])
    for name, message in (
        ("folder.sqlite", "unable to open database file: it is a folder"),
        ("missing/a.sqlite", "unable to open database file: the folder .*missing is missing"),
        ("damaged.sqlite", "malformed: the file is damaged: restore a copy"),
    ):
        with pytest.raises(StoreError, match=message):
            Store(str(tmp_path / name))


@pytest.mark.parametrize("change", ["answer = '{\"ref'", "last_day = 'yesterday'"])
def test_a_row_that_another_program_has_damaged_is_an_error_of_the_store(store, path, change):
    store.write([retention(date(2026, 3, 1), {0: 5})])
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"UPDATE history_windows SET {change}")
        other.commit()
    with pytest.raises(StoreError, match="a row is damaged: "):
        list(stored(RETAIN, store=store))


def test_urls_that_cannot_be_used_are_refused_without_their_password(tmp_path):
    (tmp_path / "text.sqlite").write_text("no database, but a text of some length\n" * 50)
    for url, error, message in (
        ("postgresql://u:geheim@[::1/x", ConfigError, "URL is invalid"),
        ("nosuch://u:geheim@host/x", ConfigError, "dialect"),
        ("postgresql+nosuch://u:geheim@host/x", ConfigError, "dialect"),
        ("postgresql+psycopg2://u:geheim@127.0.0.1:1/x", StoreError, "127.0.0.1:1"),
        ("mysql+pymysql://u@127.0.0.1:1/x?password=geheim", StoreError, "127.0.0.1:1/x: "),
        ("mysql+pymysql://u:geheim@127.0.0.1:1/x?nosuch=1", ConfigError, "URL is invalid"),
        ("sqlite://u:geheim@host/x", ConfigError, "URL is invalid"),
        (str(tmp_path / "text.sqlite"), StoreError, "not a database"),
    ):
        with pytest.raises(error, match=message) as refused:
            Store(url)
        assert "geheim" not in str(refused.value)


def test_failures_and_pauses_are_remembered(store):
    error = CloudSDKError(48001, "api unauthorized", "hint")
    window = Window("wx1", RETAIN, period_with("day", date(2026, 3, 1)), None, error, ASKED)
    store.write([window])
    store.pause("wx1", RETAIN, date(2026, 3, 12))
    store.pause("wx1", RETAIN, date(2026, 3, 13))
    assert store.paused(date(2026, 3, 12)) == {("wx1", RETAIN)}
    assert store.paused(date(2026, 3, 13)) == set()
