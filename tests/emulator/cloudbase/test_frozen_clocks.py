"""Functions and the gateway in a test that freezes Python's clocks, by both libraries for it."""

import shutil
from functools import partial

import freezegun
import pytest
import time_machine
from support.serving import Served

from cloud_openapi import Cloud
from cloud_openapi.emulator import gateway_variables

API = "analysis.getDailyRetain"
PYTHON = f"""
import time
from cloud_openapi import cloud, newest_dates
def main(event, context):
    if event.get("sleep"): time.sleep(60)
    cloud.init()
    return cloud.openapi.{API}(newest_dates("day"))["refDate"]
"""
NODE = f"""
const cloud = require('wx-server-sdk');
cloud.init({{ env: cloud.DYNAMIC_CURRENT_ENV }});
exports.main = async (event) => {{
  if (event.sleep) await new Promise((done) => setTimeout(done, 60000));
  const day = process.env.CLOUD_OPENAPI_NOW.slice(0, 10).replace(/-/g, '') - 1 + '';
  return (await cloud.openapi.{API}({{ beginDate: day, endDate: day }})).refDate;
}};
"""
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")
LANGUAGES = [("index.py", PYTHON), pytest.param(("index.js", NODE), marks=needs_node)]
LIBRARIES = {
    "freezegun": freezegun.freeze_time,
    "time-machine": partial(time_machine.travel, tick=False),
}
DAILY = {"triggers": [{"name": "t", "type": "timer", "config": "0 0 2 * * * *"}]}


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES)
def freeze(request):
    """Return a context manager that freezes Python's time."""
    return request.param


@pytest.fixture
def served(tmp_path, monkeypatch):
    with Served(tmp_path, monkeypatch) as served:
        yield served


def write(served, language, **config):
    file, source = language
    served.write("retain", source, [API], file, **config)


@pytest.mark.variants
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("year", [2020, 2040])
def test_a_function_calls_at_the_frozen_date(served, freeze, language, year):
    write(served, language)
    with freeze(f"{year}-01-15 12:00:00"):
        assert served.call("retain") == f"{year}0114"
        assert served.call("retain") == f"{year}0114"  # by the same worker and connection


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_timeout_comes_in_a_frozen_time(served, freeze, language):
    write(served, language, timeout=1)
    with freeze("2020-01-15"):
        assert served.call("retain", {"sleep": 1})["statusCode"] == 433


def test_a_facade_that_signs_in_the_frozen_process_is_accepted(served, freeze, monkeypatch):
    served.emulator.gateway_secret = "emulator"
    for name, value in gateway_variables(served.url).items():
        monkeypatch.setenv(name, value)
    config = served.folder / "config.json"
    config.write_text(f'{{"permissions": {{"openapi": ["{API}"]}}}}')
    with freeze("2020-01-15"):
        facade = Cloud()
        facade.init(config=config)
        answer = facade.openapi.analysis.getDailyRetain(beginDate="20200101", endDate="20200101")
        assert answer["refDate"] == "20200101"


@pytest.mark.parametrize("year", [2020, 2040])
def test_a_moved_clock_fires_the_timers_of_the_time_between(served, freeze, year):
    write(served, LANGUAGES[0], **DAILY)
    with freeze(f"{year}-01-15 12:00:00"):
        assert served.emulator.clock.advance(2 * 86400) == []
        log = [line for _, line in served.functions.log_of("retain").since()]
        assert sum(line.startswith("START") for line in log) == 2


def test_a_latency_fault_ends_in_a_frozen_time(served, freeze):
    write(served, LANGUAGES[0])
    with freeze("2020-01-15"):
        served.emulator.faults.add({"kind": "latency", "seconds": 0.05, "api": API})
        assert served.call("retain") == "20200114"
