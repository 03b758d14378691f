"""The command report: its sources, its files, and what it refuses."""

import csv
import io
import json
import re
import shlex
import sys
from datetime import date

import click
import pytest
from justhtml import JustHTML
from support.disk import full_disk
from support.fonts import needs_chinese_fonts
from support.terminal import at_terminal

from cloud_openapi.cli._emulator_options import EmulatorOptions, moment, transport_to
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Clock as EmulatorClock
from cloud_openapi.emulator import Emulator, Server, create_app, listen
from cloud_openapi.emulator.server.server import url_of
from cloud_openapi.history import Clock, Store, fetch
from cloud_openapi.reports import reports

NOW = "2026-03-11T15:00"
COMMAND = [sys.executable, "-c", "from cloud_openapi.cli import main; main()"]
RETAIN = "analysis.getDailyRetain"
OPTIONS = {"performance": ("--module", "10022", "--params", "[]")}
"""What a report needs beside its dates."""


@pytest.fixture
def unready(tmp_path):
    """Return the options of an emulator at 5 o'clock, whose data are ready at noon."""
    apps = {"wxlate": {"secret": "made-up", "ready_hour": 12}}
    (tmp_path / "settings.json").write_text(json.dumps({"apps": apps}), "utf-8")
    return ("--now", "2026-03-11T05:00", "--settings", "settings.json")


@pytest.fixture
def report(command, monkeypatch, tmp_path):
    """Return a function that runs the command in an empty folder, and returns its stdout."""
    monkeypatch.chdir(tmp_path)

    def report(*arguments, fails=0):
        code, out, err = command("report", *arguments)
        assert code == fails, err
        return err if fails else out

    return report


def stored(path, appids=(DEMO_APPID,), begin="20260201", end="20260310"):
    """Fill a store with windows that an emulator answers."""
    emulator = EmulatorOptions((), None, moment(NOW), None).emulator()
    clock = Clock(emulator.clock.now)
    store = Store(str(path))
    windows = list(
        fetch(RETAIN, begin, end, transport=transport_to(emulator), clock=clock, patience=0)
    )
    for appid in appids:
        store.write([window._replace(appid=appid) for window in windows])
    store.close()
    return windows


def test_demo_mini_program_is_found_without_configuration(report, tmp_path):
    text = report("retention", "--now", NOW, "--csv", "r.csv", "--html", "r.html", "--svg", "r.svg")
    assert DEMO_APPID in text
    assert "the numbers are simulated" in text
    assert "key is the number of days after the day of the row." in text
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text("utf-8"))))
    assert len(rows) == 30
    assert rows[-1]["ref_date"] == "20260310"
    JustHTML((tmp_path / "r.html").read_text("utf-8"), strict=True)
    assert "xmlns" in (tmp_path / "r.svg").read_text("utf-8")


def test_numbers_are_those_of_a_call(report, command):
    text = report(
        "retention", "--now", NOW, "--from", "20260301", "--to", "2026-03-01", "--json", "-"
    )
    shown = json.loads(text)
    dates = ("--begin-date", "20260301", "--end-date", "20260301")
    _, called, _ = command("call", RETAIN, *dates, "--form", "https", "--now", NOW)
    assert [each["answer"] for each in shown["windows"]] == [json.loads(called)]
    kept = {row["key"]: row["value"] for row in shown["windows"][0]["answer"]["visit_uv_new"]}
    assert shown["average"]["1"] == {"number": kept[1], "percent": 100 * kept[1] / kept[0]}


@pytest.mark.parametrize("name", reports())
def test_every_report_has_text_and_each_kind_of_file(report, tmp_path, name):
    files = [f"--{form}={name}.{form}" for form in ("csv", "json", "html", "svg")]
    text = report(name, "--now", NOW, "--to", "20260310", *OPTIONS.get(name, ()), *files)
    assert reports()[name].operation.name in text
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".json", ".html", ".svg"}
    rows = list(csv.reader(io.StringIO((tmp_path / f"{name}.csv").read_text("utf-8"))))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}


@needs_chinese_fonts
@pytest.mark.slow
@pytest.mark.parametrize("name", reports())
def test_every_report_has_a_png(report, tmp_path, name):
    png = tmp_path / "x.png"
    report(name, "--now", NOW, "--to", "20260310", *OPTIONS.get(name, ()), f"--png={png}")
    assert png.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_weeks_and_months_and_users_and_numbers(report):
    text = report(
        "retention", "--now", NOW, "--span", "month", "--users", "active", "--show", "number"
    )
    assert "analysis.getMonthlyRetain" in text
    assert "Active users that came back, 2025-03 – 2026-02" in text
    assert "percent" not in text.partition("key is")[0]
    text = report("retention", "--now", NOW, "--span", "week", "--last", "2")
    assert "New users that came back, 2026-02-23 – 2026-03-08\n" in text
    text = report("retention", "--now", NOW, "--span", "week", "--last", "1")
    assert "New users that came back, 2026-03-02 – 03-08\n" in text
    assert "--span day: analysis.getDailyRetain, --span week: analysis.getWeeklyRetain" in report(
        "retention", "--help"
    ).replace("\n  ", " ")


def test_what_is_not_over_or_not_ready_is_said(report, unready):
    text = report("retention", *unready, "--from", "20260309", "--to", "20260311")
    assert re.search(r"2026-03-10 Tue – 61503 The data of that day is not ready", text)
    assert re.search(r"2026-03-11 Wed – not over: ends on 2026-03-11", text)
    assert re.search(r"2026-03-09 Mon +[\d,]+ +[…–]", text)
    rows = csv.DictReader(
        io.StringIO(report("retention", *unready, "--last", "1", "--csv", "-", "--to", "20260309"))
    )
    assert [row["key_1"] for row in rows] == [""]


def test_newest_window_with_an_answer_is_shown(report, unready):
    assert "2026-03-09 Mon" in report("pages", *unready)
    assert "2026-03-10 Tue" in report("pages", "--now", NOW)


def test_nothing_but_errors_is_an_error(report, unready):
    error = report("pages", *unready, "--from", "20260310", fails=1)
    assert "61503" in error
    assert "not ready" in error


def test_store_is_read_if_there_is_one(report, tmp_path, monkeypatch):
    windows = stored(tmp_path / "history.sqlite")
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", NOW)
    shown = json.loads(report("retention", "--from", "20260201", "--json", "-"))
    assert [each["answer"] for each in shown["windows"]] == [window.answer for window in windows]
    assert "Source: history.sqlite" in report("retention")
    assert "the numbers are simulated" in report("retention", "--demo")
    (tmp_path / "history.sqlite").rename(tmp_path / "other.sqlite")
    assert "Source: other.sqlite" in report("retention", "--store", "other.sqlite")
    monkeypatch.setenv("CLOUD_OPENAPI_STORE", "other.sqlite")
    assert "Source: other.sqlite" in report("retention")
    assert "the numbers are simulated" in report("retention", "--live")


def test_store_is_read_though_an_address_is_set_for_good(report, httpserver, tmp_path, monkeypatch):
    # An error that is not repeated says that the service was asked.
    refusal = {"errcode": 40013, "errmsg": "invalid appid"}
    httpserver.expect_request("/cgi-bin/stable_token").respond_with_json(refusal)
    address = httpserver.url_for("").rstrip("/")
    stored(tmp_path / "history.sqlite")
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", NOW)
    monkeypatch.setenv("CLOUD_OPENAPI_BASE_URL", address)
    assert "Source: history.sqlite" in report("retention")
    assert httpserver.log == []
    assert "40013" in report("retention", "--live", fails=1)
    assert "40013" in report("retention", "--base-url", address, fails=1)


def test_store_of_several_mini_programs_needs_a_choice(report, tmp_path, monkeypatch):
    stored(tmp_path / "history.sqlite", ["wxone", "wxtwo"], "20260301")
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", NOW)
    assert "choose one by --app" in report("retention", fails=2)
    assert "getDailyRetain, wxtwo" in report("retention", "--app", "wxtwo")
    error = report("retention", "--app", "wxthree", fails=1)
    assert "has no window of analysis.getDailyRetain of wxthree" in error
    assert "history sync analysis.getDailyRetain --from 2026-02-09 --appid wxthree, or" in error
    assert "cloud-openapi history sync" in report("trend", fails=1)


@pytest.mark.parametrize("options", [["--span", "week"], ["--last", "100"], ["--to", "2025-03-02"]])
def test_range_that_the_store_lacks_is_what_the_command_gets(report, command, monkeypatch, options):
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", NOW)
    other = ("history", "sync", "analysis.getDailySummary", "--demo", "--now", NOW)
    assert command(*other)[0] == 0
    error = report("retention", *options, fails=1)
    _, *advised = shlex.split(error.partition("run ")[2].partition(", or")[0])
    assert command(*advised, "--demo", "--now", NOW)[0] == 0
    assert "not in the store" not in report("retention", *options)


def test_rows_that_the_store_lacks_are_named(report, tmp_path, monkeypatch):
    stored(tmp_path / "history.sqlite", begin="20260305", end="20260306")
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", NOW)
    text = report("retention", "--from", "20260304", "--to", "20260307")
    assert text.count("not in the store: cloud-openapi history sync") == 2
    # Without a range the report ends with the newest window of the store.
    assert "– 2026-03-06 Fri" in report("retention")


def test_a_report_begins_with_the_launch_of_mini_programs_and_says_so(report, command):
    range_ = ("--from", "20161201", "--to", "20170110", "--csv", "-")
    code, out, err = command("report", "retention", "--now", NOW, *range_)
    assert code == 0
    assert [line[:8] for line in out.splitlines()[1:]] == ["20170109", "20170110"]
    assert "The range begins on 2017-01-09, when mini programs opened" in err
    early = ("--from", "20161201", "--to", "20170108")
    assert "choose a later --to" in report("retention", *early, fails=2)


def test_running_emulator_is_asked_by_its_address(report):
    emulator = Emulator(clock=EmulatorClock(moment(NOW)))
    listening = listen("127.0.0.1", 0)
    url = url_of(listening)
    with Server(create_app(emulator), listening, emulator.never_blocks):
        text = report("retention", "--base-url", url, "--from", "20170313", "--to", "20170313")
    assert f"Source: {url}" in text
    assert "5,464" in text  # WeChat's documented example
    assert [entry.api for entry in emulator.journal if entry.api] == [RETAIN]


def test_csv_for_excel_has_a_byte_order_mark(report, tmp_path):
    report("portrait", "--now", NOW, "--excel", "--csv", "p.csv")
    report("portrait", "--now", NOW, "--csv", "q.csv")
    marked, plain = (tmp_path / name for name in ("p.csv", "q.csv"))
    assert marked.read_bytes() == b"\xef\xbb\xbf" + plain.read_bytes()
    assert "广东省" in plain.read_text("utf-8")


def test_language_is_the_terminals(report, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "key 表示所在行日期之后的第几天" in report("retention", "--now", NOW)
    assert "平均" in report("retention", "--now", NOW)
    assert "key is the number" in report("retention", "--now", NOW, "--language", "en")


def test_only_a_dash_alone_is_stdout(report, tmp_path):
    assert "the numbers are simulated" in report("retention", "--now", NOW, "--csv", "./-")
    table = report("retention", "--now", NOW, "--csv", "-")
    assert (tmp_path / "-").read_bytes() == table.encode()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--from", "20260230"], 2, "'20260230' is not a day such as 2026-03-01"),
        (["--from", "20260310", "--to", "20260301"], 2, "is later than 2026-03-01"),
        (["--from", "18991231"], 2, "'18991231' is before 1900: choose a later day"),
        (["--from", "19000101"], 2, "at most 3660 rows"),
        (["--to", "00010101", "--span", "week"], 2, "is before 1900"),
        (["--last", "100000", "--span", "month"], 2, "at most 3660 rows"),
        (["--last", "0"], 2, "x>=1"),
        (["--users", "old"], 2, "'old' is not one of"),
        (["--span", "weak"], 2, "Did you mean week?"),
        (["--store", "no.sqlite"], 1, "no.sqlite"),
        (["--store", "x", "--demo"], 2, "Choose --store, or one of"),
        (["--base-url", "http://127.0.0.1:9", "--seed", "1"], 2, "add --demo"),
        (["--svg", "missing/folder.svg"], 1, "missing"),
        (["--csv", "-", "--json", "-"], 2, "Only one file"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_used_is_refused_in_a_line(report, arguments, code, message):
    error = report("retention", *arguments, fails=code)
    assert message in error
    assert "Traceback" not in error


def test_a_length_that_the_api_does_not_offer_is_refused(report):
    assert "'8' is not one of '1', '7', '30'" in report("portrait", "--days", "8", fails=2)


def test_the_password_of_a_store_is_in_no_output(report, tmp_path):
    stored(tmp_path / "a.sqlite")
    url = f"sqlite:///file:{tmp_path}/a.sqlite?uri=true&password=geheim"
    text = report("retention", "--store", url, "--last", "3", "--html", "r.html")
    assert f"{tmp_path}/a.sqlite\n" in text
    assert "geheim" not in text + (tmp_path / "r.html").read_text("utf-8")
    error = report("trend", "--store", url, fails=1)
    assert "cloud-openapi history sync analysis.getDailyVisitTrend --from " in error
    assert " --store URL, or" in error
    assert "geheim" not in error
    error = report("portrait", "--days", "7", "--store", url, fails=1)
    assert "cloud-openapi history sync analysis.getUserPortrait --from " in error
    assert " --days 7 --store URL, or" in error


def test_unknown_report_suggests_the_nearest(report):
    assert "retention" in report("retension", fails=2)


def test_a_file_that_cannot_be_made_leaves_the_others_unwritten(report, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    (tmp_path / "old.csv").write_text("precious")
    assert "resvg-py" in report(
        "summary", "--now", NOW, "--csv", "old.csv", "--png", "x.png", fails=1
    )
    assert (tmp_path / "old.csv").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]


def test_a_full_disk_leaves_the_former_report(report, tmp_path):
    (tmp_path / "r.csv").write_text("former")
    with full_disk():
        error = report("retention", "--now", NOW, "--csv", "r.csv", fails=1)
    assert error == "cloud-openapi: r.csv: File too large.\n"
    assert (tmp_path / "r.csv").read_text() == "former"
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 60])
def test_terminal_has_colours_unless_they_are_refused(width, tmp_path):
    run = [*COMMAND, "report", "retention", "--now", NOW]
    shown = at_terminal(run, width, HOME=str(tmp_path)).replace("\r\n", "\n")
    assert re.search("\x1b\\[48;5;\\d+m", shown)
    assert max(len(line) for line in click.unstyle(shown).split("\n")) <= width
    plain = at_terminal(run, width, NO_COLOR="1").replace("\r\n", "\n")
    assert "\x1b" not in plain
    assert str(date(2026, 3, 10)) in plain
