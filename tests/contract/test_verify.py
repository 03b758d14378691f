"""cloud-openapi verify: recordings checked against schemas, emulator and functions."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.cassettes import cassette, interaction, run
from support.disk import full_disk
from support.paths import ROOT, SAMPLES, sample

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.contract import verify
from cloud_openapi.errors import RecordingError

DAILY = "analysis.getDailyRetain"
APIS = {name.rpartition(".")[2] for name in default_catalogue()}
DAY = {"begin_date": "20170313", "end_date": "20170313"}
GOOD = sample("getDailyRetain.response.official-https.json")


def findings(tmp_path, *interactions):
    """Return the findings of verify as text, and its notes."""
    outcome = verify([cassette(tmp_path / "a.json", *interactions)], default_catalogue())
    return [str(found) for case in outcome.cases for found in case.findings], outcome.notes


def recorded_samples():
    """Yield every recorded and documented response of the HTTPS form with its request."""
    for name in sorted(path.name for path in SAMPLES.glob("*.response.*.json")):
        method, _, origin = name.split(".")[:3]
        if origin.endswith("cloud") or method not in APIS:
            continue
        answer = sample(name)
        request = sample(f"{method}.request.official-https.json")
        rows = answer.get("list") or [{}]
        day = answer.get("ref_date") or rows[0].get("ref_date")
        if origin.startswith("recorded") and day:
            request = {"begin_date": day, "end_date": day}
        yield interaction(f"analysis.{method}", request, answer)


def test_no_documented_or_recorded_response_differs(tmp_path):
    found, notes = findings(tmp_path, *recorded_samples())
    assert found == []
    assert notes["recordings compared with the emulator"] == len(list(recorded_samples()))


# ---- against the schemas -------------------------------------------------------------------


def test_a_violation_is_found_in_both_forms(tmp_path):
    bad = {**GOOD, "visit_uv": [{"key": 0, "valeu": 5}]}
    found, _ = findings(tmp_path, interaction(DAILY, DAY, bad))
    https = [each for each in found if each.startswith("https form: $.visit_uv[].value")]
    cloud = [each for each in found if each.startswith("cloud form: $.visitUv[].value")]
    assert len(https) == len(cloud) == 1
    assert https[0].endswith("got nothing; did you mean valeu?")


@pytest.mark.parametrize(
    ("answer", "status", "part"),
    [
        ("<html>", 502, "expected 200, got 502"),
        ("<html>", 200, "expected a JSON object, got text that is not JSON"),
        ({"errcode": 61501, "errmsg": "date range error", "list": []}, 200, "$.list"),
        ({"errcode": 61501, "errmsg": "date range error rid: 1-2-3"}, 200, "$.errmsg"),
    ],
)
def test_a_response_that_weixin_never_sends_is_found(tmp_path, answer, status, part):
    found, _ = findings(tmp_path, interaction(DAILY, DAY, answer, status=status))
    assert any(part in each for each in found)


def test_the_request_of_a_successful_response_is_checked(tmp_path):
    hyphens = {"begin_date": "2017-03-13", "end_date": "2017-03-13"}
    found, _ = findings(tmp_path, interaction(DAILY, hyphens, GOOD))
    assert any(each.startswith("cloud form: $.beginDate: request") for each in found)


# ---- the emulator against the recordings ---------------------------------------------------


@pytest.mark.parametrize(
    ("name", "api", "dates", "asked"),
    [
        ("61501-hint", "getMonthlyRetain", ("20190111", "20190210"), None),
        ("61501-hint", "getMonthlyRetain", ("20190210", "20190210"), None),
        ("61501-rid", "getDailySummary", ("20200915", "20200917"), "2020-09-18T10:00:00+08:00"),
        ("61501-two-days-rid", "getDailyVisitTrend", ("20210911", "20210912"), None),
        ("61501-begin-after-end-rid", "getDailyRetain", ("20240219", "20240218"), "2024-02-21"),
        (
            "61501-today-hint",
            "getDailyRetain",
            ("20200616", "20200616"),
            "2020-06-16T15:00:00+08:00",
        ),
        ("61501-today-hint", "getDailyRetain", ("20200616", "20200616"), None),
        ("61501-rid", "getUserPortrait", ("20170611", "20170617"), "2022-04-02"),
        ("61501-rid", "getUserPortrait", ("20170611", "20170617"), None),
    ],
)
def test_the_emulator_refuses_recorded_refusals_at_their_time(tmp_path, name, api, dates, asked):
    """Requests and days are those of captures named in docs and samples."""
    request = dict(zip(DAY, dates, strict=True))
    answer = sample(f"error.{name}.json")
    asked = interaction(f"analysis.{api}", request, answer, recorded_at=asked)
    found, notes = findings(tmp_path, asked)
    assert found == []
    assert notes["recordings compared with the emulator"] == 1


def test_a_missing_refusal_of_the_emulator_is_found(tmp_path):
    # The service refused this request on a day on which it looks valid (2021-09-28).
    error = {"errcode": 61501, "errmsg": "date range error"}
    month = {"begin_date": "20210801", "end_date": "20210831"}
    asked = interaction("analysis.getMonthlyVisitTrend", month, error, recorded_at="2021-09-28")
    found, _ = findings(tmp_path, asked)
    assert found == ["emulator: $: expected error 61501, got an answer"]


def test_a_wrong_refusal_of_the_emulator_is_found(tmp_path):
    two_days = {"begin_date": "20170312", "end_date": "20170313"}
    found, _ = findings(tmp_path, interaction(DAILY, two_days, GOOD))
    assert found == ["emulator: $: expected an answer, got error 61501"]


def test_a_field_missing_in_the_emulators_response_is_found(tmp_path):
    day = {"begin_date": "20260310", "end_date": "20260310"}
    answer = {**GOOD, "ref_date": "20260310", "visit_uv_old": []}
    found, _ = findings(tmp_path, interaction(DAILY, day, answer, recorded_at="2026-03-12"))
    assert found == ["emulator: $.visit_uv_old: expected array, got nothing"]


def test_rows_are_not_compared_with_an_empty_list(tmp_path):
    day = {"begin_date": "20260310", "end_date": "20260310"}
    empty = sample("getDailySummary.response.recorded-empty-community.json")
    assert findings(tmp_path, interaction("analysis.getDailySummary", day, empty))[0] == []


@pytest.mark.parametrize("name", ["error.61503-rid.json", "error.40001-2026-rid.json"])
def test_an_error_of_the_accounts_state_is_noted_and_not_compared(tmp_path, name):
    found, notes = findings(tmp_path, interaction(DAILY, DAY, sample(name)))
    assert found == []
    assert any("state" in note for note in notes)


def test_emulator_and_service_refuse_a_form_body(tmp_path):
    body = "&end_date=20170313&begin_date=20170313"
    answer = sample("error.61500-hint.json")
    assert findings(tmp_path, interaction("analysis.getDailyVisitTrend", body, answer))[0] == []


@pytest.mark.parametrize("day", ["00010101", "99991231"])
def test_a_day_out_of_the_clocks_range_does_not_crash(tmp_path, day):
    answer = {"errcode": 61501, "errmsg": "date range error"}
    request = {"begin_date": day, "end_date": "20170101"}
    findings(tmp_path, interaction(DAILY, request, answer))
    findings(tmp_path, interaction(DAILY, {"begin_date": day, "end_date": day}, GOOD))


# ---- functions -----------------------------------------------------------------------------


@pytest.fixture
def functions(tmp_path):
    """Return a folder of three functions: one is right, one renames a field, one fails."""
    source = (ROOT / "functions" / "getDailyRetain" / "index.py").read_text("utf-8")
    wrong = source.replace(
        'return cloud.openapi.analysis.getDailyRetain(dates or newest_dates("day"))',
        "result = cloud.openapi.analysis.getDailyRetain(dates)\n"
        "        return {**result, 'visitUv': len(result['visitUv'])}",
    )
    sources = {"right": source, "wrong": wrong, "fails": "def main(event, context):\n    1 / 0\n"}
    for name, text in sources.items():
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "index.py").write_text(text, "utf-8")
        allowed = {"permissions": {"openapi": [DAILY]}}
        (folder / "config.json").write_text(json.dumps(allowed), "utf-8")
    idle = tmp_path / "functions" / "idle"
    idle.mkdir()
    (idle / "index.py").write_text("def main(event, context):\n    pass\n", "utf-8")
    return tmp_path / "functions"


def test_functions_are_invoked_with_the_recorded_request_and_response(tmp_path, functions):
    error = sample("error.61501-two-days-rid.json")
    two_days = {"begin_date": "20210911", "end_date": "20210912"}
    path = cassette(
        tmp_path / "a.json",
        interaction(DAILY, DAY, GOOD),
        interaction(DAILY, two_days, error),
    )
    result = run("verify", "--functions", functions, "--report", "json", path)
    report = json.loads(result.stdout)
    assert result.returncode == 1
    assert {(each["check"], each["path"]) for each in report["findings"]} == {
        ("function wrong", "$.visitUv"),
        ("function fails", "$"),
    }
    notes = report["notes"]
    assert notes["invocations of right answered with the recorded response"] == 2
    assert notes["invocations of fails answered with the simulation (another request)"] == 2
    assert notes["function idle may call 0 APIs, not checked"] == 1


# ---- the command ---------------------------------------------------------------------------


def test_the_exit_code_is_0_without_differences_and_1_with_some(tmp_path):
    good = cassette(tmp_path / "good.json", interaction(DAILY, DAY, GOOD))
    bad = cassette(tmp_path / "bad.json", interaction(DAILY, DAY, {**GOOD, "ref_date": 1}))
    assert run("verify", good).returncode == 0
    result = run("verify", good, bad)
    assert (result.returncode, result.stderr) == (1, "")
    assert f"{bad}#1" in result.stdout
    assert "1 of 2 cases failed." in result.stdout


@pytest.mark.parametrize(
    ("text", "part"),
    [(None, "no such file"), ("{", "not JSON"), ('{"interactions": []}', "no recording")],
)
def test_an_unusable_file_is_exit_code_2_and_is_named(tmp_path, text, part):
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text, "utf-8")
    result = run("verify", path)
    assert (result.returncode, result.stdout) == (2, "")
    assert str(path) in result.stderr
    assert part in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["verify", "drift"])
def test_all_unusable_files_of_a_folder_are_named_in_a_line(tmp_path, name):
    cassette(tmp_path / "good.json", interaction(DAILY, DAY, GOOD))
    (tmp_path / "a.json").write_text("{", "utf-8")
    (tmp_path / "b.json").write_text("[]", "utf-8")
    result = run(name, tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    first, second = result.stderr.split("; ")
    assert first.startswith(f"cloud-openapi: {tmp_path / 'a.json'}: is not JSON: ")
    assert second.startswith(f"{tmp_path / 'b.json'}: not a cassette of VCR.py: ")
    assert second.count("\n") == 1


def test_a_missing_path_is_named_with_the_unusable_files(tmp_path):
    bad, missing = tmp_path / "a.json", tmp_path / "b.json"
    bad.write_text("{", "utf-8")
    result = run("verify", bad, missing)
    assert (result.returncode, result.stdout) == (2, "")
    first, second = result.stderr.split("; ")
    assert first.startswith(f"cloud-openapi: {bad}: is not JSON: ")
    assert second == f"{missing}: no such file or folder\n"


def test_progress_reaches_its_end_past_unusable_files(tmp_path):
    for name in ("a.json", "c.json"):
        (tmp_path / name).write_text("{", "utf-8")
    cassette(tmp_path / "b.json", interaction(DAILY, DAY, GOOD))
    steps = []
    with pytest.raises(RecordingError):
        verify([tmp_path], default_catalogue(), after_file=lambda: steps.append(1))
    assert len(steps) == 3


def test_a_report_that_cannot_be_written_leaves_the_former_one(tmp_path):
    good = cassette(tmp_path / "good.json", interaction(DAILY, DAY, GOOD))
    (tmp_path / "report.xml").write_text("former")
    with full_disk():
        result = run("verify", good, "--report", "junit", "--output", tmp_path / "report.xml")
    assert result.returncode == 2
    assert str(tmp_path / "report.xml") in result.stderr
    assert (tmp_path / "report.xml").read_text() == "former"


def test_verify_without_arguments_is_a_usage_error():
    result = run("verify")
    assert result.returncode == 2
    assert "give recordings" in result.stderr


def test_a_lone_surrogate_in_a_recording_can_be_reported(tmp_path):
    path = cassette(tmp_path / "a.json", interaction(DAILY, DAY, {**GOOD, "ref_date": "\ud800"}))
    for report in ("text", "json"):
        output = tmp_path / report
        assert run("verify", path, "--report", report, "--output", output).returncode == 1
        assert "ud800" in output.read_text("utf-8")


def test_junit_has_a_case_for_each_recording_and_a_failure_for_each_difference(tmp_path):
    bad = {**GOOD, "ref_date": "\u0001<>&\ud800"}
    path = cassette(
        tmp_path / "a.json", interaction(DAILY, DAY, GOOD), interaction(DAILY, DAY, bad)
    )
    output = tmp_path / "report.xml"
    result = run("verify", "--report", "junit", "--output", output, path)
    assert (result.returncode, result.stdout) == (1, "")
    suite = ET.parse(output).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("classname") for case in suite.iter("testcase")] == [DAILY, DAILY]
    assert [len(case) for case in suite.iter("testcase")] == [0, 1]


def test_an_unreadable_file_is_an_error(tmp_path):
    cassette(tmp_path / "set" / "a.json", interaction(DAILY, DAY, GOOD))
    (tmp_path / "set" / "b.json").write_text("[]", "utf-8")
    with pytest.raises(RecordingError, match=r"b\.json"):
        verify([tmp_path / "set"], default_catalogue())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux reports the peak")
def test_ten_thousand_recordings_take_at_most_a_minute_and_200_mib(tmp_path):
    for number in range(100):
        days = [f"20{18 + number % 8}{1 + n // 28:02}{1 + n % 28:02}" for n in range(100)]
        cassette(
            tmp_path / "set" / f"{number}.json",
            *(
                interaction(DAILY, {"begin_date": day, "end_date": day}, {**GOOD, "ref_date": day})
                for day in days
            ),
        )
    code = (
        "import pathlib, re, resource, sys; from cloud_openapi.cli import main\n"
        "try: main()\n"
        "finally:\n"
        "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "    status = pathlib.Path('/proc/self/status').read_text()\n"
        "    peak = re.search(r'VmHWM:\\s+(\\d+)', status)[1]\n"
        "    print(peak, used.ru_utime + used.ru_stime, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "verify", tmp_path / "set"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    assert "10000 cases" in result.stdout
    # CPU time, since other programs may run meanwhile. The peak is Linux's own, since ru_maxrss
    # starts with the memory of the parent process.
    # Before it, a slow machine has lines about the progress.
    memory, seconds = map(float, result.stderr.splitlines()[-1].split())
    assert seconds < 60
    assert memory < 200 * 1024


def test_a_check_ends_with_the_program_that_began_it(tmp_path):
    os.mkfifo(tmp_path / "a.json")  # nobody writes: the check waits
    reading, held = os.pipe()
    command = [sys.executable, "-m", "cloud_openapi.contract", tmp_path / "a.json"]
    with subprocess.Popen(command, stdin=reading, stdout=subprocess.DEVNULL) as check:
        os.close(reading)
        with pytest.raises(subprocess.TimeoutExpired):
            check.wait(0.5)
        os.close(held)
        assert check.wait(60) == 1


def test_a_check_ends_by_itself_while_its_input_is_open():
    reading, held = os.pipe()
    command = [sys.executable, "-m", "cloud_openapi.contract", SAMPLES / "cassettes"]
    with os.fdopen(reading), os.fdopen(held, "wb"):
        ended = subprocess.run(command, stdin=reading, capture_output=True, check=True)
    assert ended.stderr == b""
    assert json.loads(ended.stdout)["files"]
