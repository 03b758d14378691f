"""The command record: its requests, its files, and the recordings that it keeps."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest
import requests
import vcr
from click.testing import CliRunner
from pytest_httpserver import HTTPServer
from support.canaries import Canaries
from support.cassettes import run
from support.paths import ROOT, sample
from support.values import API
from werkzeug import Response

from cloud_openapi.cli._group import group
from cloud_openapi.errors import ConfigError
from cloud_openapi.periods import BEIJING
from cloud_openapi.recordings import Recorder, load
from cloud_openapi.transports import TransportSettings, connect

WAIT = 60
PATH = "/datacube/getweanalysisappiddailyretaininfo"
TOKEN = "t0ken-" + "x" * 100


@pytest.fixture
def service(httpserver, monkeypatch):
    """Return a stand-in for WeChat, which answers any day and repeats the caller's secret."""
    monkeypatch.setenv("CLOUD_OPENAPI_SECRET", "s3cret-of-mine-123")
    monkeypatch.setenv("CLOUD_OPENAPI_APPID", "wx0123456789abcdef")
    httpserver.expect_request("/cgi-bin/stable_token").respond_with_json(
        {"access_token": TOKEN, "expires_in": 7200}
    )

    def answer(request):
        date = request.get_json()["begin_date"]
        body = {"ref_date": date, "visit_uv_new": [], "visit_uv": []}
        if date == "20260305":
            body = {"errcode": 61503, "errmsg": f"data not ready {TOKEN} rid: 1"}
        if date == "20260306":
            return Response("<p>busy</p>", status=502)
        return Response(json.dumps(body), content_type="application/json; encoding=utf-8")

    httpserver.expect_request(PATH, method="POST").respond_with_handler(answer)
    return httpserver


def record(service, folder, *options, api=API):
    url = service.url_for("").rstrip("/")
    return CliRunner().invoke(
        group,
        ["record", api, "--to", str(folder), "--base-url", url, "--pause", "0", *options],
        catch_exceptions=False,
    )


def asked(service):
    return [request.get_json()["begin_date"] for request, _ in service.log if request.path == PATH]


def test_every_day_is_recorded_by_date_errors_included(service, tmp_path):
    done = record(service, tmp_path, "--dates", "20260303..20260305")
    assert done.stdout == f"2 recorded; 1 of errcode 61503 too. Folder: {tmp_path}\n"
    names = [f"{day}-{day}.yaml" for day in ("20260303", "20260304", "20260305")]
    assert [path.name for path in sorted((tmp_path / API).iterdir())] == names
    found = load(tmp_path / API / names[0])[0]
    assert found.response_json == {"ref_date": "20260303", "visit_uv_new": [], "visit_uv": []}
    assert found.response_headers["Content-Type"] == ["application/json; encoding=utf-8"]
    assert found.recorded_at is not None
    assert found.origin == service.url_for("").rstrip("/")


def test_dates_that_no_mini_program_has_are_left_out_with_a_word(service, tmp_path):
    path = "/datacube/getweanalysisappidmonthlyretaininfo"
    service.expect_request(path).respond_with_json({"ref_date": "x"})
    done = record(
        service, tmp_path, "--dates", "19000101..20170331", api="analysis.getMonthlyRetain"
    )
    assert done.output.startswith("--dates: 20170109 to yesterday are possible")
    folder = tmp_path / "analysis.getMonthlyRetain"
    assert sorted(path.stem for path in folder.iterdir()) == [
        "20170201-20170228",
        "20170301-20170331",
    ]


def test_the_last_date_may_be_any(service, tmp_path):
    today = datetime.now(BEIJING).date()
    begin = today - timedelta(days=2)
    done = record(service, tmp_path, "--dates", f"{begin:%Y%m%d}..99991231")
    assert "2 recorded" in done.output
    assert len(asked(service)) == 2


def test_another_run_requests_only_missing_days_and_errors(service, tmp_path):
    record(service, tmp_path, "--dates", "20260304..20260305")
    service.clear_log()
    done = record(service, tmp_path, "--dates", "20260303..20260305")
    assert asked(service) == ["20260303", "20260305"]
    assert "1 were there already" in done.output


def test_two_dates_are_requested_unchanged(service, tmp_path):
    done = record(service, tmp_path, "--begin-date", "20990101", "--end-date", "20990102")
    assert done.stdout.startswith("1 recorded.")
    assert asked(service) == ["20990101"]


def test_an_api_of_weeks_requests_weeks(service, tmp_path):
    path = "/datacube/getweanalysisappidweeklyretaininfo"
    service.expect_request(path).respond_with_json({"ref_date": "x"})
    done = record(
        service, tmp_path, "--dates", "20260301..20260322", api="analysis.getWeeklyRetain"
    )
    assert done.stdout.startswith("3 recorded.")
    folder = tmp_path / "analysis.getWeeklyRetain"
    assert sorted(path.stem for path in folder.iterdir()) == [
        "20260302-20260308",
        "20260309-20260315",
        "20260316-20260322",
    ]


BOOT = "/wxa/business/performance/boot"


@pytest.mark.parametrize(
    "dates", [["--dates", "20210103..20210103"], ["--begin-date=20210103", "--end-date=20210103"]]
)
def test_times_in_seconds_are_requested_as_in_wechats_example(service, tmp_path, dates):
    documented = sample("getPerformanceData.request.official-https.json")
    service.expect_request(BOOT).respond_with_json({"errcode": 0, "errmsg": "ok"})
    data = {name: documented[name] for name in ("module", "params")}
    options = ["--data", json.dumps(data), *dates]
    done = record(service, tmp_path, *options, api="analysis.getPerformanceData")
    assert done.stdout.startswith("1 recorded.")
    assert [one.get_json() for one, _ in service.log if one.path == BOOT] == [documented]
    assert record(service, tmp_path, *options, api="analysis.getPerformanceData").stdout == (
        f"0 recorded; 1 were there already. Folder: {tmp_path}\n"
    )


def test_the_summary_is_shown_after_a_connection_failure(service, tmp_path):
    url = service.url_for("").rstrip("/")
    result = run(
        "record", API, "--dates", "20260303..20260307", "--to", tmp_path, "--base-url", url,
        "--pause", "0",
    )  # fmt: skip
    whom, error = result.stderr.splitlines()
    assert url in whom
    assert (result.returncode, "502" in error) == (1, True)
    assert result.stdout == (
        "2 recorded; 1 of errcode 61503 too; 2 are left; the same command goes on with them. "
        f"Folder: {tmp_path}\n"
    )


@pytest.mark.slow
def test_ctrl_c_keeps_the_recorded_days_and_says_how_to_go_on(service, tmp_path):
    options = [
        "record", API, "--dates", "20260301..20260303", "--to", str(tmp_path), "--base-url",
        service.url_for("").rstrip("/"), "--pause", "60",
    ]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", "from cloud_openapi.cli import main; main()", *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        first = tmp_path / API / "20260301-20260301.yaml"
        while not first.exists():
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.2)  # now the command waits for the second request
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT)
    assert out == (
        f"1 recorded; 2 are left; the same command goes on with them. Folder: {tmp_path}\n"
    )
    assert (process.returncode, "Traceback" in err) == (1, False)
    record(service, tmp_path, "--dates", "20260301..20260303")
    assert asked(service) == ["20260301", "20260302", "20260303"]


def test_a_quota_that_is_used_up_ends_the_run_until_tomorrow(service, tmp_path):
    service.clear()
    service.expect_request("/cgi-bin/stable_token").respond_with_json(
        {"access_token": TOKEN, "expires_in": 7200}
    )
    service.expect_request(PATH).respond_with_json(
        {"errcode": 45009, "errmsg": "reach max api daily quota limit rid: 1"}
    )
    done = record(service, tmp_path, "--dates", "20260303..20260305")
    assert done.stdout == (
        "0 recorded; 1 of errcode 45009 too; 2 are left: the quota of the day is used up; run the "
        f"command again tomorrow. Folder: {tmp_path}\n"
    )
    assert asked(service) == ["20260303"]


def test_one_file_contains_all_and_can_be_loaded_by_vcr(service, tmp_path):
    record(service, tmp_path, "--one-file", "--dates", "20260303..20260304")
    (file,) = tmp_path.iterdir()
    assert file.name == f"{API}.yaml"
    with vcr.VCR(record_mode="none").use_cassette(str(file)) as played:
        assert len(played) == 3


def test_no_secret_of_the_caller_is_written(service, tmp_path):
    canary = Canaries()
    canary.made = {"token": TOKEN, "secret": "s3cret-of-mine-123", "appid": "wx0123456789abcdef"}
    record(service, tmp_path, "--dates", "20260303..20260305")
    assert len(load(tmp_path)) == 4
    assert canary.leaked(tmp_path) == []


def test_a_page_instead_of_a_response_is_recorded(tmp_path, service):
    path = "/datacube/getweanalysisappidmonthlyretaininfo"
    service.expect_request(path).respond_with_data("<p>busy</p>", status=502)
    with pytest.raises(Exception, match="502"):
        record(
            service,
            tmp_path,
            "--dates",
            "20260201..20260228",
            api="analysis.getMonthlyRetain",
        )
    (found,) = load(tmp_path / "analysis.getMonthlyRetain")
    assert (found.status, found.response_body) == (502, b"<p>busy</p>")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--dates", "yesterday"], "two days such as"),
        (["--dates", "20260305..20260303"], "two days such as"),
        (["--dates", "20990101..20990103"], "has nothing in 20990101..20990103"),
        (["--dates", "20251101..20251131"], "20251131 is not a day: November 2025 has 30 days"),
        (["--dates", "20260200..20260203"], "20260200 is not a day: February 2026 has 28 days"),
        ([], "Name the dates, for example: --dates 20"),
        (["--dates", "20260303..20260303", "--end-date", "20260303"], "not both"),
        (["--data", "[]"], "must be a JSON object"),
        *((["--pause", each], "not a number of seconds") for each in ("nan", "inf", "-1", "1e300")),
    ],
)
def test_usage_errors_are_reported_before_any_request(service, tmp_path, options, reason):
    done = record(service, tmp_path, *options)
    assert done.exit_code == 2
    assert reason in done.output
    assert service.log == []


def test_a_refused_secret_ends_the_run_with_the_cause(service, tmp_path):
    service.clear()
    service.expect_request("/cgi-bin/stable_token").respond_with_json(
        sample("error.40125-rid.json")
    )
    done = CliRunner().invoke(
        group,
        ["record", API, "--dates", "20260303..20260305", "--to", str(tmp_path), "--pause", "0",
         "--base-url", service.url_for("").rstrip("/")],
    )  # fmt: skip
    assert done.exit_code == 1
    assert str(done.exception).startswith("The service refused the call with 40125. Check the App")
    assert "2 are left" in done.stdout
    assert len(service.log) == 1


def test_a_server_on_this_machine_is_named_with_a_warning(service, tmp_path):
    done = record(service, tmp_path, "--dates", "20260303..20260303")
    url = service.url_for("").rstrip("/")
    assert done.stderr == (
        f"Warning: Recording {url}: 1 request. It is a server on this machine, such as an "
        "emulator, not WeChat.\n"
    )


def test_the_suggested_dates_can_be_recorded(service, tmp_path):
    path = "/datacube/getweanalysisappidweeklyretaininfo"
    service.expect_request(path).respond_with_json({"ref_date": "x"})
    weekly = "analysis.getWeeklyRetain"
    refused = record(service, tmp_path, "--dates", "20990101..20990103", api=weekly)
    suggested = refused.output.strip().split()[-2:]
    assert suggested[0] == "--dates"
    assert record(service, tmp_path, *suggested, api=weekly).stdout.startswith("1 recorded.")


def test_without_credentials_no_request_is_sent(tmp_path):
    done = CliRunner().invoke(group, ["record", API, "--to", str(tmp_path), "--begin-date", "1"])
    assert "CLOUD_OPENAPI_SECRET" in str(done.exception)


def test_a_recorded_folder_answers_from_pytest_httpserver(service, tmp_path):
    record(service, tmp_path, "--begin-date", "20260303", "--end-date", "20260303")
    with HTTPServer() as server:
        for one in load(tmp_path):
            server.expect_request(one.path, method=one.method).respond_with_data(
                one.response_body, one.status, content_type="application/json"
            )
        got = requests.post(server.url_for(PATH), json={}, timeout=30)
    assert got.json()["ref_date"] == "20260303"


@pytest.mark.parametrize("kind", ["gateway", "cloudrun"])
def test_a_recorder_is_refused_by_transports_that_cannot_record(tmp_path, kind):
    with pytest.raises(ConfigError, match=f"Calls by {kind} are not recorded"):
        connect(TransportSettings(transport=kind), Recorder(tmp_path))
