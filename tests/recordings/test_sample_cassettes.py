"""The cassettes of the samples are the recorded bodies, byte for byte, with their origin."""

import importlib
import json

import pytest
import vcr
from support.paths import ROOT, SAMPLES, sample

from cloud_openapi.recordings import load

FOLDER = SAMPLES / "cassettes"
FILES = sorted(FOLDER.glob("*.yaml"))
INDEX = {entry["file"]: entry for entry in json.loads((SAMPLES / "INDEX.json").read_text("utf-8"))}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_response_is_the_sample_and_names_its_origin(file):
    (found,) = load(file)
    name = file.stem + ".json"
    assert found.response_body == (SAMPLES / name).read_bytes()
    assert found.origin.startswith(INDEX[name]["origin"][:20])
    assert found.api is not None


def test_each_recorded_response_of_an_api_has_a_cassette():
    recorded = {name for name in INDEX if ".response.recorded" in name}
    assert len(recorded) >= 6
    assert recorded <= {file.stem + ".json" for file in FILES}


def test_a_request_has_the_day_of_its_response():
    (found,) = load(FOLDER / "getDailyRetain.response.recorded-20191024-php.yaml")
    day = sample("getDailyRetain.response.recorded-20191024-php.json")["ref_date"]
    assert found.request_json == {"begin_date": day, "end_date": day}


def test_a_refused_request_has_the_dates_of_the_note():
    (found,) = load(FOLDER / "error.61501-two-days-rid.yaml")
    assert found.request_json == {"begin_date": "20210911", "end_date": "20210912"}
    assert found.api == "analysis.getDailyVisitTrend"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_vcr_loads_it(file):
    with vcr.VCR(record_mode="none").use_cassette(str(file)) as played:
        assert len(played) == 1


def test_a_form_body_is_kept():
    (found,) = load(FOLDER / "error.61500-hint.yaml")
    assert found.request_body == b"&end_date=20170313&begin_date=20170313"


def test_the_script_makes_the_committed_cassettes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    made = importlib.import_module("scripts.cassettes").cassettes()
    assert made == {file.name: load(file)[0] for file in FILES}
