"""The command history: a store is filled, looked at and written to files."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import click
import pytest
from support.terminal import at_terminal

from cloud_openapi.emulator import Emulator, Server, create_app, listen
from cloud_openapi.emulator.server.server import url_of
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.history import Clock, Failure, Progress

RETAIN = "analysis.getDailyRetain"
PROGRAM = "from cloud_openapi.cli import main; main()"
NOW = ("--now", "2026-03-11T12:00")
REVERSED = ("--from", "2026-03-02", "--to", "2026-03-01")


@pytest.fixture
def history(command, tmp_path, monkeypatch):
    """Return a function that runs a subcommand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: command("history", *arguments)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def filled(history):
    code, _out, err = history("sync", RETAIN, "--from", "2026-02-01", "--demo", *NOW)
    assert (code, err) == (0, "")
    return history


def test_sync_says_what_it_did_and_what_remains(history):
    code, out, err = history("sync", RETAIN, "--from", "2026-02-01", "--demo", *NOW)
    assert (code, err) == (0, "")
    assert out == "38 windows: 0 were complete, 38 stored by 38 calls, 0 remain.\n"
    code, out, _ = history("sync", RETAIN, "--from", "2026-02-01", "--demo", "--json", *NOW)
    assert (code, json.loads(out)["known"], json.loads(out)["calls"]) == (0, 38, 0)


def test_status_shows_what_a_store_has(filled):
    code, out, err = filled("status", *NOW)
    assert (code, err) == (0, "")
    assert out == f"{RETAIN}\t1\t2026-02-01..2026-03-10\t38\t8\t0\t0\t-\n"
    _, out, _ = filled("status", "--now", "2026-03-12T12:00", "--by-app", "--json")
    (shown,) = json.loads(out)
    assert (shown["appid"], shown["due"]) == ("wxdemo000000000000", 9)


def test_show_prints_a_line_of_json_for_each_window(filled):
    code, out, _ = filled("show", RETAIN, "--from", "2026-03-09", "--newest-first")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["ref_date"] for line in lines] == ["20260310", "20260309"]
    assert [line["due"] for line in lines] == ["2026-03-12", "2026-03-12"]
    assert lines[0]["answer"]["visit_uv"][0]["key"] == 0


@pytest.mark.parametrize(
    ("options", "lacks"),
    [
        (
            ("--from", "2020-01-01", "--to", "2020-02-01"),
            f"of {RETAIN} from 2020-01-01",
        ),
        (("--to", "2017-01-20"), f"of {RETAIN} to 2017-01-20"),
        (("--app", "wxother"), f"of {RETAIN} of wxother"),
        (("--app", "wxother", "--app", "wxthird"), f"of {RETAIN} of wxother, wxthird"),
    ],
)
def test_what_the_store_lacks_is_said_with_the_command_that_gets_it(
    filled, monkeypatch, options, lacks
):
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", NOW[1])
    code, out, err = filled("show", RETAIN, *options)
    assert (code, out) == (1, "")
    assert f"The store has no window {lacks}" in err
    assert filled("export", RETAIN, "a.csv", *options) == (
        0,
        "Wrote 0 rows to a.csv\n",
        err.removeprefix("cloud-openapi: "),
    )
    _, *command = shlex.split(err.partition("Run: ")[2])
    assert command[:3] == ["history", "sync", RETAIN]
    monkeypatch.setenv("CLOUD_OPENAPI_SECRET", "made-up")
    Path("FILE").write_text('{"wxother": "made-up", "wxthird": "made-up"}')
    if "--appid" in command:
        command[command.index("--appid") :] = ["--apps", "FILE"]
    assert ("--apps" in command) == ("--app" in options)
    assert filled(*command[1:], "--demo", *NOW)[0] == 0
    assert filled("show", RETAIN, *options)[0] == 0


def test_the_command_names_the_url_of_a_store_that_has_no_password(history, tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", NOW[1])
    url = f"sqlite:///{tmp_path}/a store.sqlite"
    store = ("--store", url)
    history("sync", RETAIN, "--from", "2026-03-01", "--demo", *store, *NOW)
    err = history("show", RETAIN, "--to", "2017-01-20", *store)[2]
    _, *command = shlex.split(err.partition("Run: ")[2])
    assert command[-2:] == ["--store", url]
    assert history(*command[1:], "--demo", *NOW)[0] == 0
    assert history("show", RETAIN, "--to", "2017-01-20", *store)[0] == 0
    secret = f"sqlite:///file:{tmp_path}/a store.sqlite?uri=true&password=geheim"
    options = ("--from", "2020-01-01", "--to", "2020-01-02", "--store", secret)
    err = history("show", RETAIN, *options)[2]
    assert err.endswith(" --store URL\n")
    assert "geheim" not in err


def test_a_range_before_the_launch_has_no_command_that_gets_it(filled):
    err = filled("show", RETAIN, "--to", "2017-01-08")[2]
    message = f"There is no window of {RETAIN} to 2017-01-08: mini programs opened on 2017-01-09.\n"
    assert err == f"cloud-openapi: {message}"
    assert filled("export", RETAIN, "a.csv", "--to", "2017-01-08")[2] == message


def test_days_that_are_too_old_for_an_api_have_no_command_that_gets_them(filled, monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", NOW[1])
    api, old = "analysis.getUserPortrait", ("--from", "2020-01-01", "--to", "2020-01-02")
    lacks = f"The store has no window of {api} from 2020-01-01 to 2020-01-02, "
    code, _, err = filled("show", api, *old)
    assert code == 1
    assert f"{lacks}and WeChat no longer offers it: " in err
    assert "1 or 7 or 30 days" in err
    assert "Run:" not in err
    assert "Run: " in filled("show", api, "--from", "2020-01-01")[2]


def test_a_day_that_is_not_over_has_no_command_that_gets_it(filled, monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", NOW[1])
    code, _, err = filled("show", RETAIN, "--from", "2026-03-11")
    assert code == 1
    assert "No window of analysis.getDailyRetain from 2026-03-11 is over yet" in err
    assert "Run:" not in err


def test_a_sync_from_before_the_launch_of_mini_programs_says_where_it_begins(history):
    options = ("--to", "2017-01-10", "--demo", *NOW)
    code, out, err = history("sync", RETAIN, "--from", "1999-01-01", *options)
    assert (code, out[:9]) == (0, "2 windows")
    assert err.startswith("The range begins on 2017-01-09, when mini programs opened, not on 1999")
    assert history("sync", RETAIN, "--from", "2017-01-09", *options)[2] == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("sync", RETAIN, "--demo", *REVERSED),
            "later than end",
        ),
        (("sync", RETAIN, "--demo", "--from", "2026-03-12", *NOW), "later than end, 2026-03-11"),
        (("sync", RETAIN, "--demo", "--to", "2017-01-08", *NOW), "give begin (--from) too"),
        (("sync", RETAIN, "--demo", "--from", "1999-01-01", "--to", "2017-01-08"), "2017-01-09"),
        (("sync", RETAIN, "--demo", "--at-once", "65"), "from 1 to 64"),
        (("sync", RETAIN, "--demo", "--rate", "nan"), "rate is a number"),
        (("sync", RETAIN, "--demo", "--patience", "-1"), "patience is a number"),
        (("sync", RETAIN, "--demo", "--shard", "2/1"), "such as 1/4"),
        (("sync", RETAIN, "--demo", "--days", "2"), "not for 2 days"),
        (("sync", RETAIN, "--demo", "--params", "[]"), "the parameters are an object"),
        (("show", RETAIN, *REVERSED), "later than end"),
        (("export", RETAIN, "a.csv", *REVERSED), "later than"),
        (("export", RETAIN, "a.xlsx"), "ends with .csv, .jsonl, .parquet"),
    ],
)
def test_options_that_can_never_be_used_are_wrong_usage(filled, arguments, message):
    code, out, err = filled(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_export_writes_rows_of_numbers(filled, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is missing")
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        code, out, err = filled("export", RETAIN, name, "--from", "2026-03-09")
        assert (code, out, err) == (0, f"Wrote 6 rows to {name}\n", "")
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["ref_date"], row["users"], row["key"]) for row in rows] == [
        ("20260309", "visit_uv_new", "0"),
        ("20260309", "visit_uv_new", "1"),
        ("20260309", "visit_uv", "0"),
        ("20260309", "visit_uv", "1"),
        ("20260310", "visit_uv_new", "0"),
        ("20260310", "visit_uv", "0"),
    ]
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    table = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    for row, line, typed in zip(rows, lines, table, strict=True):
        assert row == {name: str(value) for name, value in line.items()}
        assert typed == {**line, "first_day": typed["first_day"], "last_day": typed["last_day"]}
        assert isinstance(typed["first_day"], date)
        assert isinstance(typed["value"], int)
    assert names_in(tmp_path) == ["a.csv", "a.jsonl", "a.parquet", "history.sqlite"]


def test_an_export_without_rows_has_its_columns(filled):
    pandas = pytest.importorskip("pandas", reason="pandas is missing")
    pytest.importorskip("pyarrow", reason="pyarrow is missing")
    for name, read in (("a.csv", pandas.read_csv), ("a.parquet", pandas.read_parquet)):
        options = ("--from", "2020-01-01", "--to", "2020-02-01")
        assert filled("export", RETAIN, name, *options)[1] == f"Wrote 0 rows to {name}\n"
        frame = read(name)
        assert list(frame.columns) == ["appid", "ref_date", "first_day", "last_day"]
        assert frame.empty


def test_every_api_is_exported_with_the_numbers_of_its_answers(history):
    apis = ("getUserPortrait", "getVisitPage", "getVisitDistribution", "getWeeklyVisitTrend")
    names = [f"analysis.{api}" for api in apis]
    assert history("sync", *names, "--from", "2026-03-01", "--demo", *NOW)[0] == 0
    expected = {
        "getUserPortrait": {"users", "group", "id", "name", "value"},
        "getVisitPage": {"page_path", "page_visit_pv", "page_staytime_pv"},
        "getVisitDistribution": {"index", "key", "value"},
        "getWeeklyVisitTrend": {"session_cnt", "visit_depth", "stay_time_uv"},
    }
    for api in apis:
        assert history("export", f"analysis.{api}", f"{api}.csv")[0] == 0
        with Path(f"{api}.csv").open(encoding="utf-8") as file:
            first = next(csv.DictReader(file))
        assert expected[api] <= set(first)
        assert first["appid"] == "wxdemo000000000000"


def test_parquet_is_written_by_polars_where_pyarrow_is_missing(filled, monkeypatch):
    polars = pytest.importorskip("polars", reason="polars is missing")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert filled("export", RETAIN, "a.parquet")[0] == 0
    frame = polars.read_parquet("a.parquet")
    assert frame.height == sum(1 for _ in frame.iter_rows())
    assert frame.schema["first_day"] == polars.Date
    monkeypatch.setitem(sys.modules, "polars", None)
    code, _, err = filled("export", RETAIN, "b.parquet")
    assert (code, "pyarrow or polars" in err) == (1, True)
    assert "b.parquet" not in names_in(Path())


def test_an_export_that_cannot_be_written_names_its_own_file(filled):
    for name in ("missing/a.csv", "missing/a.jsonl", "missing/a.parquet"):
        code, _, err = filled("export", RETAIN, name)
        assert code == 1
        assert name in err
        assert ".part" not in err
    assert names_in(Path()) == ["history.sqlite"]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_status_shows_each_number_at_any_width(filled, width):
    command = [sys.executable, "-c", PROGRAM, "history", "status", *NOW]
    shown = click.unstyle(at_terminal(command, width)).replace("\r\n", "\n")
    assert max(map(len, shown.split("\n"))) <= width
    text = " ".join(shown.split())
    for each in (RETAIN, "2026-02-01..2026-03-10", "windows", "complete", "missing", "errors"):
        assert each in text
    assert "…" not in text


def test_a_sync_that_waits_says_why(history, monkeypatch):
    emulator = Emulator(apps={"wxone": {"secret": "made-up", "ready_hour": 12}})
    emulator.clock.freeze("2026-03-11T06:00")
    listening = listen("127.0.0.1", 0)
    monkeypatch.setenv("CLOUD_OPENAPI_BASE_URL", url_of(listening))
    monkeypatch.setenv("CLOUD_OPENAPI_APPID", "wxone")
    monkeypatch.setenv("CLOUD_OPENAPI_SECRET", "made-up")
    waited = []

    def wait(_clock, seconds):
        waited.append(seconds)
        if len(waited) > 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Clock, "wait", wait)
    changed = []
    monkeypatch.setattr(signal, "signal", lambda *given: changed.append(given))
    monkeypatch.setattr(Clock, "seconds", lambda _clock: sum(waited))
    options = ("--from", "2026-03-01", "--now", "2026-03-11T06:00", "--patience", "3600")
    with Server(create_app(emulator), listening, emulator.never_blocks):
        code, _, err = history("sync", RETAIN, *options)
    lines = err.splitlines()
    assert code == 1
    assert lines[0].startswith(f"The next call comes in {waited[0]:.0f} s: 61503 ")
    assert lines[1].startswith("The next call comes in ")
    assert "2 of 10 windows are complete; the next sync goes on." in lines
    assert 2 * 0.6 * waited[0] <= waited[1]
    # Calls may be in flight: a second Ctrl-C does not wait for them.
    assert changed == [(signal.SIGINT, signal.SIG_DFL)]


def test_a_page_of_a_proxy_is_one_line_of_the_reason(history, monkeypatch):
    page = f"<html>\n<body>\n{'sign in ' * 100}</body>\n</html>\n"
    error = CloudSDKError(-601001, f"response body is invalid json: {page}")
    failure = Failure("wxone", RETAIN, error, 2, "20260310")

    def sync(*_, on_pause, **_settings):
        on_pause(10.0, error)
        return Progress(2, 0, failed=2, failures=(failure,))

    monkeypatch.setattr("cloud_openapi.history.sync", sync)
    _, _, err = history("sync", RETAIN, "--demo", *NOW)
    waits, fails = err.splitlines()
    assert waits.startswith("The next call comes in 10 s: -601001 response body is invalid json")
    assert fails.endswith("… (errCode -601001)")
    assert max(len(waits), len(fails)) < 400


def test_used_up_quotas_are_counted(history, monkeypatch):
    done = Progress(2, 0, paused=2)
    monkeypatch.setattr("cloud_openapi.history.sync", lambda *_, **_settings: done)
    code, _, err = history("sync", RETAIN, "--demo", *NOW)
    assert code == 0
    assert err.startswith("Nothing was asked for 2 pairs of mini program and API whose quota")


def test_many_mini_programs_come_from_a_file(history, tmp_path):
    (tmp_path / "apps.json").write_text('{"wxone": "geheim-1", "wxtwo": "geheim-2"}')
    options = ("sync", RETAIN, "--from", "2026-03-10", "--apps", "apps.json", "--demo", *NOW)
    assert history(*options)[1].startswith("2 windows")
    assert history(*options, "--shard", "1/2")[0] == 0


def test_a_sync_that_fails_says_so_without_secrets(history, tmp_path, monkeypatch):
    emulator = Emulator(apps={"wxone": "geheim-richtig"})
    emulator.clock.freeze("2026-03-11T12:00")
    listening = listen("127.0.0.1", 0)
    monkeypatch.setenv("CLOUD_OPENAPI_BASE_URL", url_of(listening))
    (tmp_path / "apps.json").write_text('{"wxone": "geheim-falsch"}')
    with Server(create_app(emulator), listening, emulator.never_blocks):
        options = ("sync", RETAIN, "--from", "2026-03-09", "--apps", "apps.json", *NOW)
        code, out, err = history(*options, "--at-once", "1")
        assert code == 1
        assert "2 remain" in out
        assert "wxone 2 windows from 20260310" in err
        assert "(errCode 40125)" in err
        assert "geheim" not in out + err
        # The other window was not asked for any more.
        days = "2026-03-10..2026-03-10"
        assert history("status", *NOW)[1] == f"{RETAIN}\t1\t{days}\t0\t0\t0\t1\t40125: 1\n"
        (tmp_path / "apps.json").write_text('{"wxone": "geheim-richtig"}')
        emulator.configure_app("wxone", daily_limits={RETAIN: 1})
        code, out, err = history(*options, "--at-once", "1")
        # A used up quota is no error: tomorrow's sync goes on.
        assert (code, "1 remain" in out, "45009" in err) == (0, True, True)
        assert "45009: 1, 1 until tomorrow" in history("status", *NOW)[1]
        code, out, err = history(*options)
        assert (code, "1 remain" in out) == (0, True)
        assert err == (
            "Nothing was asked for 1 pair of mini program and API whose quota of today was used up "
            "(errCode 45009): tomorrow's sync goes on.\n"
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sync",), "name an API"),
        (("sync", RETAIN), "no service to call"),
        (("sync", "analysis.getDailyRetian", "--demo"), "getDailyRetain"),
        (("sync", "wxacode.get", "--demo"), "does not answer for a period"),
        (("sync", RETAIN, "--demo", "--from", "yesterday"), "not a day such as"),
        (("sync", RETAIN, "--demo", "--shard", "2"), "such as 1/4"),
        (("sync", RETAIN, "--demo", "--store", "nosuch://x"), "needs its dialect"),
        (("sync", RETAIN, "--demo", "--store", "mysql://u:geheim@h/x"), "install mysqlclient"),
        (("sync", RETAIN, "--demo", "--store", "missing/x.sqlite"), "unable to open"),
        (("sync", RETAIN, "--demo", "--store", "bad.json"), "not a database"),
        (("sync", RETAIN, "--demo", "--apps", "bad.json"), "not JSON"),
        (("sync", RETAIN, "--demo", "--apps", "list.json"), "appids and secrets"),
        (("sync", RETAIN, "--demo", "--params", "[1]"), "the parameters are an object, not [1]"),
        (("sync", RETAIN, "--demo", "--params", "[]"), "the parameters are an object, not []"),
        (("status",), "run cloud-openapi history sync"),
        (("show", RETAIN), "run cloud-openapi history sync"),
        (("export", RETAIN, "a.xlsx"), "ends with .csv, .jsonl, .parquet"),
    ],
)
def test_mistakes_are_explained(history, tmp_path, arguments, message):
    (tmp_path / "bad.json").write_text('{"wxone": geheim}')
    (tmp_path / "list.json").write_text('["geheim"]')
    code, _out, err = history(*arguments)
    assert code in (1, 2)
    assert message in err
    assert "geheim" not in err
    assert "history.sqlite" not in names_in(Path())


def test_a_sync_without_sqlalchemy_says_what_to_install(tmp_path):
    (tmp_path / "sqlalchemy.py").write_text("raise ModuleNotFoundError(name='sqlalchemy')")
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "history", "status"],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs SQLAlchemy" in done.stderr
