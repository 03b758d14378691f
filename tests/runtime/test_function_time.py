"""Functions see the emulator's time, if the option says so."""

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from support.processes import WAIT
from support.serving import Served
from support.values import API, NOW
from support.values import CLOUD_DAY as DAY

from cloud_openapi import clocks
from cloud_openapi.emulator import Emulator
from cloud_openapi.emulator.cloudbase.function_time import moved_clock
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Functions, MovedClock, _worker_command

pytestmark = pytest.mark.slow  # each starts processes with debuggers or clocks of their own

COMMAND = Path(sys.executable).with_name("cloud-openapi")
FROZEN = datetime(2020, 2, 29, 8, 30, 0, 250_000, tzinfo=BEIJING)
YEAR = 365 * 24 * 60 * 60
# Each way in which programs ask for the time, as milliseconds.
PYTHON = """
import datetime, time
from datetime import date, datetime as moment
from time import time as now
LOADED = now() * 1000
def milliseconds(year, month, day, hour=0, minute=0, second=0, *rest):
    zone = datetime.timezone.utc
    return moment(year, month, day, hour, minute, second, tzinfo=zone).timestamp() * 1000
def main(event, context):
    begun = time.monotonic()
    time.sleep(event.get("seconds", 0))
    today = date.today()
    return {
        "loaded": LOADED,
        "exact": [now() * 1000, time.time_ns() / 1e6, moment.now().timestamp() * 1000,
                  moment.now(datetime.timezone.utc).timestamp() * 1000],
        "seconds": [milliseconds(*time.gmtime()), milliseconds(*time.localtime()),
                    milliseconds(*moment.utcnow().timetuple())],
        "day": today.isoformat(),
        "kinds": [type(moment.now()) is moment, isinstance(today, date)],
        "passed": time.monotonic() - begun,
    }
"""
NODE = """
const loaded = Date.now()
class Later extends Date {}
exports.main = async (event) => {
  const begun = performance.now()
  await new Promise((go) => setTimeout(go, 1000 * (event.seconds || 0)))
  const kinds = [new Date() instanceof Date, new Date(5).getTime() === 5, Date.UTC(1970, 0) === 0,
    new Date().constructor === Date, typeof Date() === 'string', new Later() instanceof Later,
    new Date(2017, 2, 13, 8).toISOString() === '2017-03-13T08:00:00.000Z', Date.name === 'Date',
    new Date('2017-03-13').getTime() === 1489363200000, Date.length === 7,
    require('fs').statSync(__filename).mtime instanceof Date, Object.keys(Date).length === 0,
    structuredClone(new Date(7)).getTime() === 7, JSON.stringify(new Date(0)).length === 26]
  return {
    loaded, kinds,
    exact: [Date.now(), new Date().getTime(), +new Date(), new Later().getTime()],
    seconds: [1000 * Math.floor(Date.parse(Date()) / 1000)],
    day: new Date().toISOString().slice(0, 10),
    passed: (performance.now() - begun) / 1000,
  }
}
"""
SOURCES = {"python": ("index.py", PYTHON), "node": ("index.js", NODE)}
LANGUAGES = list(SOURCES)
# An emulator and its workers read the time one after the other, on a busy machine.
NEAR = 1000 * WAIT


class Clock:
    """The clock of `Functions`."""

    def __init__(self):
        self.shown = None

    def __call__(self):
        return self.shown


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def invoke(tmp_path, clock, request):
    folder = tmp_path / "hello"
    folder.mkdir()
    with closing(Functions(tmp_path, {}, timeout=WAIT, clock=clock)) as functions:

        def invoke(language, event=None):
            file, source = SOURCES[language]
            if not (folder / file).exists():
                (folder / file).write_text(source)
            outcome = functions.invoke("hello", event or {}, NOW, "wx_http")
            assert outcome.status == 200, outcome.result
            return outcome.result

        yield invoke


def machine():
    return clocks.now() * 1000


@pytest.mark.parametrize("language", LANGUAGES)
def test_functions_see_a_frozen_clock_from_their_module_on(invoke, clock, language):
    clock.shown = MovedClock(FROZEN.timestamp())
    shown = invoke(language, {"seconds": 0.02})
    expected = FROZEN.timestamp() * 1000
    assert [shown["loaded"], *shown["exact"]] == pytest.approx([expected] * 5, rel=0, abs=0.01)
    assert set(shown["seconds"]) == {expected - 250}
    assert shown["day"] == "2020-02-29"
    assert all(shown["kinds"])
    # What measures a duration is not frozen.
    assert shown["passed"] >= 0.02


@pytest.mark.parametrize("language", LANGUAGES)
def test_functions_see_a_running_clock(invoke, clock, language):
    clock.shown = MovedClock(None, -3 * YEAR)
    first, second = invoke(language)["exact"], invoke(language, {"seconds": 0.05})["exact"]
    assert second[0] - first[0] >= 50
    for moment in (*first, *second):
        assert abs(moment + 3000 * YEAR - machine()) < NEAR


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_warm_function_follows_each_move_and_returns_to_the_machine(invoke, clock, language):
    def shown():
        return invoke(language)["exact"][0]

    assert abs(shown() - machine()) < NEAR
    clock.shown = MovedClock(FROZEN.timestamp())
    assert shown() == pytest.approx(FROZEN.timestamp() * 1000, rel=0, abs=0.01)
    clock.shown = MovedClock(FROZEN.timestamp() + 1)
    assert shown() == pytest.approx(FROZEN.timestamp() * 1000 + 1000, rel=0, abs=0.01)
    clock.shown = MovedClock(None, YEAR)
    assert abs(shown() - 1000 * YEAR - machine()) < NEAR
    clock.shown = None
    assert abs(shown() - machine()) < NEAR
    # One process, which loaded its module at the machine's time.
    assert abs(invoke(language)["loaded"] - machine()) < NEAR


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_timeout_comes_although_the_clock_stands_still(tmp_path, clock, language):
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / SOURCES[language][0]).write_text(
        "import time\ndef main(event, context):\n    while time.time() < 2e9: pass\n"
        if language == "python"
        else "exports.main = async () => { while (Date.now() < 2e12); }\n"
    )
    clock.shown = MovedClock(FROZEN.timestamp())
    with closing(Functions(tmp_path, {}, timeout=0.5, clock=clock)) as functions:
        assert functions.invoke("hello", {}, NOW).status == 433


def test_without_time_machine_the_error_says_how_to_install_it(invoke, clock, monkeypatch):
    monkeypatch.setattr(_worker_command, "_is_installed", lambda _: False)
    invoke("python")  # the machine's time needs nothing
    clock.shown = MovedClock(FROZEN.timestamp())
    with pytest.raises(AssertionError, match="pip install time-machine"):
        invoke("python")


def test_function_does_not_load_pytest_with_time_machine(tmp_path, clock):
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "index.py").write_text(
        "import sys\ndef main(event, context):\n    return sys.modules.get('pytest', 'none')\n"
    )
    clock.shown = MovedClock(FROZEN.timestamp())
    with closing(Functions(tmp_path, {}, timeout=WAIT, clock=clock)) as functions:
        assert functions.invoke("hello", {}, NOW).result == "none"


# ---- the emulator's clock ------------------------------------------------------------------


def test_the_clock_of_functions_is_that_of_their_mini_program():
    emulator = Emulator()
    assert moved_clock(emulator) is None
    emulator.clock.advance(60)
    assert moved_clock(emulator) == MovedClock(None, 60)
    emulator.clock_of(emulator.first_appid).freeze(FROZEN)
    assert moved_clock(emulator) == MovedClock(FROZEN.timestamp())
    emulator.reset()
    assert moved_clock(emulator) is None


@pytest.mark.parametrize("library", ["freezegun", "time_machine"])
def test_a_time_that_a_test_freezes_is_the_functions_time(library):
    freeze = pytest.importorskip(library)
    travel = freeze.freeze_time if library == "freezegun" else freeze.travel
    with travel("2020-01-15T12:00:00+00:00"):
        shown = moved_clock(Emulator())
    assert shown.frozen_at == pytest.approx(1579089600, abs=WAIT)


SDK = """
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
exports.main = async ({ day, called }) => {
  const { refDate } = await cloud.openapi.analysis.getDailyRetain(day)
  const nested = called && (await cloud.callFunction({ name: called, data: { day } })).result
  return { refDate, now: new Date().toISOString(), nested }
}
"""
FACADE = """
from datetime import datetime
from cloud_openapi import cloud
cloud.init()
def main(event, context):
    answer = cloud.openapi.analysis.getDailyRetain(event["day"])
    return {"refDate": answer["refDate"], "now": datetime.now().isoformat()}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("functions")
    with pytest.MonkeyPatch.context() as monkeypatch, Served(folder, monkeypatch) as served:
        served.functions._clock = lambda: moved_clock(served.emulator)
        served.write("sdk", SDK, [API])
        served.write("facade", FACADE, [API], "index.py")
        yield served


def test_calls_are_signed_and_accepted_at_a_moved_time(served):
    for move in (
        lambda clock: clock.freeze("2024-02-29T12:00"),
        lambda clock: clock.advance(2 * YEAR),
        lambda clock: clock.run("2018-05-05T00:00"),
        lambda clock: clock.run(),
    ):
        move(served.emulator.clock)
        day = served.emulator.clock.now().astimezone().isoformat()[:4]
        answer = served.call("sdk", {"day": DAY, "called": "facade"})
        assert answer["refDate"] == answer["nested"]["refDate"] == "20170313"
        assert answer["now"][:4] == answer["nested"]["now"][:4] == day


SIGNS = """
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
exports.main = async ({ day, away }) => {
  const { Date } = globalThis
  const now = () => Date.now() + 1000 * away
  globalThis.Date = class extends Date {
    static now() { return now() }
    constructor(...values) { super(...(values.length ? values : [now()])) }
  }
  try { return (await cloud.openapi.analysis.getDailyRetain(day)).refDate }
  catch ({ errCode }) { return errCode }
  finally { globalThis.Date = Date }
}
"""


def test_a_signature_of_another_time_stays_refused(served):
    served.write("signs", SIGNS, [API])
    served.emulator.clock.freeze("2024-02-29T12:00")
    assert served.call("signs", {"day": DAY, "away": 300}) == "20170313"
    assert served.call("signs", {"day": DAY, "away": 3000}) == -501001


# ---- commands ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        file, source = SOURCES[language]
        (tmp_path / language / file).write_text(source)
    return tmp_path


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("time", [None, "machine", "emulator"])
def test_invoke_shows_the_time_of_the_option(folder, language, time):
    given = [] if time is None else ["--function-time", time]
    result = subprocess.run(
        [COMMAND, "invoke", language, "--functions", folder, "--now", "2020-02-29", *given],
        check=True,
        capture_output=True,
        text=True,
    )
    is_moved = json.loads(result.stdout)["day"] == "2020-02-28"  # 16:00 in UTC
    assert is_moved is (time == "emulator")


def test_exec_and_serve_show_the_emulators_time(folder):
    asks = (
        "import json, os, sys; from urllib.request import *\n"
        "url = os.environ['CLOUD_OPENAPI_BASE_URL'] + '/v1/functions/'\n"
        "ask = build_opener(ProxyHandler({})).open\n"
        "print(*[json.load(ask(url + each, b'{}'))['day'] for each in sys.argv[1:]])"
    )
    given = ["--functions", folder, "--now", "2020-02-29T12:00", "--function-time", "emulator"]
    command = ["exec", *given, "--", sys.executable, "-c", asks, *LANGUAGES]
    done = subprocess.run([COMMAND, *command], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["2020-02-29", "2020-02-29"]
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--json", *given],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CLOUD_OPENAPI_FUNCTION_TIME": "machine"},
    ) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{url}/v1/functions/node", b"{}", WAIT) as answer:
                assert json.load(answer)["day"] == "2020-02-29"
        finally:
            process.terminate()
