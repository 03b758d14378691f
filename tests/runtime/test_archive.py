"""The repository's functions that archive the retention, in Python and in JavaScript."""

import json
import shutil
from datetime import datetime

import pytest
from support.paths import ROOT, sample
from support.serving import Served

from cloud_openapi.periods import BEIJING

PYTHON, NODE = "archiveRetention", "archiveRetentionNode"
TUESDAY = "2017-03-14T01:00:00Z"


def copied(folder):
    for name in (PYTHON, NODE):
        shutil.copytree(ROOT / "functions" / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Serve copies of both functions, whose timers do not fire."""
    folder = copied(tmp_path_factory.mktemp("archive") / "functions")
    for path in folder.glob("*/config.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "triggers": []}))
    with pytest.MonkeyPatch.context() as patch, Served(folder, patch) as served:
        yield served


@pytest.fixture(params=[PYTHON, NODE])
def function(archive, request):
    """Return a function whose database is empty."""
    archive.emulator.reset()
    return request.param


def run(archive, function, time=TUESDAY):
    """Let the timer of a function fire at a time, which is then the emulator's."""
    archive.emulator.clock.freeze(time)
    return archive.call(function, {"Type": "Timer", "Time": time}, source="wx_trigger")


def stored(archive):
    """Return the documents of the archive by id."""
    database = archive.emulator.programs[archive.emulator.first_appid].database
    return {each["_id"]: each for each in database.find("retention", {}, limit=1000)}


def test_the_periods_with_a_new_number_are_stored(archive, function):
    result = run(archive, function)
    documents = stored(archive)
    assert result == {"stored": list(documents), "waiting": []}
    days = ["20170313", "20170312", "20170311", "20170310", "20170309", "20170308", "20170307"]
    days += ["20170306", "20170227", "20170211"]
    weeks = ["20170306-20170312", "20170227-20170305", "20170220-20170226", "20170213-20170219"]
    weeks += ["20170206-20170212"]
    months = ["201702", "201701"]
    names = {"day": days, "week": weeks, "month": months}
    assert list(documents) == [f"{span}-{ref}" for span in names for ref in names[span]]
    expected = sample("getDailyRetain.response.official-cloud.json")
    del expected["errMsg"]
    assert documents["day-20170313"] == {"_id": "day-20170313", "span": "day", **expected}
    keys = [[each["key"] for each in documents[f"day-{day}"]["visitUv"]] for day in days]
    assert keys[1:3] == [[0, 1], [0, 1, 2]]
    assert keys[-1] == [0, 1, 2, 3, 4, 5, 6, 7, 14, 30]


def test_a_second_run_calls_no_api_and_changes_nothing(archive, function):
    run(archive, function)
    documents, calls = stored(archive), calls_of(archive)
    assert run(archive, function) == {"stored": [], "waiting": []}
    assert stored(archive) == documents
    assert calls_of(archive) == calls == 17


def test_the_next_morning_only_new_numbers_are_got(archive, function):
    run(archive, function)
    result = run(archive, function, "2017-03-15T01:00:00Z")
    days = ["20170314", *(f"201703{day:02}" for day in range(13, 6, -1)), "20170228", "20170212"]
    assert result == {"stored": [f"day-{day}" for day in days], "waiting": []}
    assert len(stored(archive)) == 17 + 3


def test_both_languages_store_the_same(archive):
    documents = {}
    for function in (PYTHON, NODE):
        archive.emulator.reset()
        for day in (14, 15, 20, 31):
            run(archive, function, f"2017-03-{day}T16:30:00Z")
        documents[function] = stored(archive)
    assert documents[PYTHON] == documents[NODE]
    assert len(documents[PYTHON]) == 38


@pytest.mark.parametrize("errcode", [61503, 61504, 45009])
def test_what_is_not_ready_waits_for_the_next_run(archive, function, errcode):
    archive.emulator.faults.add(
        {"kind": "error", "api": "analysis.getDailyRetain", "errcode": errcode, "times": 1}
    )
    result = run(archive, function)
    assert result["waiting"] == ["day-20170313"]
    assert len(result["stored"]) == 16
    assert run(archive, function) == {"stored": ["day-20170313"], "waiting": []}


def test_another_error_is_raised(archive, function):
    fault = {"kind": "error", "api": "analysis.getWeeklyRetain", "errcode": 48001, "times": 1}
    archive.emulator.faults.add(fault)
    archive.emulator.clock.freeze(TUESDAY)
    answer = archive.send(
        "POST", f"/v1/functions/{function}", json.dumps({"Time": TUESDAY}).encode()
    )
    assert b"48001" in answer.body
    assert len(stored(archive)) == 10
    assert len(run(archive, function)["stored"]) == 7


@pytest.mark.slow
def test_the_timers_come_back_for_what_was_not_ready(tmp_path, monkeypatch):
    with Served(copied(tmp_path / "functions"), monkeypatch) as archive:
        emulator = archive.emulator
        emulator.configure_app(emulator.first_appid, ready_hour=12)
        emulator.clock.freeze(datetime(2017, 3, 14, 8, tzinfo=BEIJING))
        emulator.clock.advance(2 * 60 * 60)
        assert "day-20170313" not in stored(archive)
        assert "day-20170312" in stored(archive)
        emulator.clock.advance(4 * 60 * 60)
        assert "day-20170313" in stored(archive)


def calls_of(archive):
    return sum(entry.path.startswith("/datacube/") for entry in archive.entries)
