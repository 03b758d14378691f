"""sync asks for what a store lacks, once for each day on which a key can arrive."""

import json
import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.history import DAILY, World

from cloud_openapi import ConfigError
from cloud_openapi.history import Clock, Series, Store, StoreError, status
from cloud_openapi.transports import unreachable

WEEKLY, MONTHLY = "analysis.getWeeklyRetain", "analysis.getMonthlyRetain"
PATH = "/datacube/getweanalysisappiddailyretaininfo"
TODAY = date(2026, 3, 11)
# The ages in days at which a day's retention gets a key: 0-7, 14 and 30 days later are over.
AGES = (1, 2, 3, 4, 5, 6, 7, 8, 15, 31)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_complete_range_is_stored_and_not_asked_for_again(world):
    done = world.sync([DAILY, WEEKLY, MONTHLY])
    assert (done.total, done.known, done.stored, done.calls, done.remaining) == (45, 0, 45, 45, 0)
    assert len(world.keys()) == 38
    again = world.sync([DAILY, WEEKLY, MONTHLY])
    assert (again.known, again.calls, again.remaining) == (45, 0, 0)


def test_a_window_is_asked_for_again_only_on_days_on_which_a_key_can_arrive(world):
    calls = []
    for age in range(40):
        world.at(f"{date(2026, 3, 1) + timedelta(days=age)}T12:00")
        done = world.sync(end="20260301", begin="20260301")
        if done.calls:
            calls.append(age)
            assert world.keys()["20260301"][-1] == age - 1
    assert tuple(calls) == AGES


@pytest.mark.parametrize(
    ("api", "begin", "expected"),
    [
        (
            WEEKLY,
            "20260302",
            ["2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30", "2026-04-06"],
        ),
        (MONTHLY, "20260201", ["2026-03-01", "2026-04-01"]),
        ("analysis.getVisitPage", "20260301", ["2026-03-02"]),
    ],
)
def test_weeks_months_and_answers_without_keys_have_days_of_their_own(world, api, begin, expected):
    days = []
    for number in range(75):
        day = date(2026, 3, 1) + timedelta(days=number)
        world.at(f"{day}T12:00")
        if world.sync(api, begin, begin).calls:
            days.append(day.isoformat())
    assert days == expected


def test_final_only_asks_once_when_all_keys_can_exist(world):
    done = world.sync(begin="20260101", final_only=True)
    assert done.calls == done.total == 39
    assert set(map(len, world.keys(begin="20260101").values())) == {10}
    world.at("2026-03-12T12:00")
    assert world.sync(begin="20260101", final_only=True).calls == 1


def test_windows_that_a_clock_asked_for_days_too_early_are_due_again(world):
    ahead = Clock(lambda: world.emulator.clock.now() + timedelta(days=20))
    world.sync(begin="20260301", clock=ahead)
    assert world.keys()["20260305"] == [0, 1, 2, 3, 4, 5]
    (line,) = status(world.url, clock=world.clock)
    assert (line.windows, line.complete, line.due) == (10, 0, 10)
    done = world.sync(begin="20260301", end="20260310")
    assert (done.known, done.calls, done.remaining) == (0, 10, 0)
    (line,) = status(world.url, clock=world.clock)
    # The failures of days that were not over are those of the wrong clock, too.
    assert (line.due, line.errors) == (0, {})
    world.at("2026-03-12T12:00")
    assert world.sync(begin="20260301", end="20260310").calls == 7
    assert world.keys()["20260305"] == [0, 1, 2, 3, 4, 5, 6]


def test_a_service_with_another_date_is_named_as_the_reason(world):
    ahead = Clock(lambda: world.emulator.clock.now() + timedelta(days=20))
    done = world.sync(begin="20260315", clock=ahead, patience=0)
    (failure,) = [each for each in done.failures if each.error.errCode == 61501]
    assert "compare this machine's clock with the service's" in failure.error.hint


def test_a_quota_that_a_clock_found_used_up_days_too_early_pauses_nothing(world):
    world.emulator.configure_app("wx0", daily_limits={DAILY: 5})
    ahead = Clock(lambda: world.emulator.clock.now() + timedelta(days=20))
    world.sync(begin="20260301", end="20260310", clock=ahead)
    world.emulator.configure_app("wx0", daily_limits={DAILY: None})
    (line,) = status(world.url, clock=world.clock)
    assert line.paused == 0
    assert world.sync(begin="20260301").remaining == 0


def test_no_window_before_the_launch_of_mini_programs_is_asked_for(world):
    world.at("2017-01-12T12:00")
    assert world.sync(begin="19990101").calls == 3
    assert world.sync(WEEKLY, begin="19990101").total == 0
    assert sorted(world.keys(begin="20170101")) == ["20170109", "20170110", "20170111"]


def test_windows_come_newest_first_or_oldest_first(world):
    for options, reverse in (({}, True), ({"newest_first": False}, False)):
        world.sync(at_once=1, store=world.url + str(reverse), **options)
        bodies = [body for _, body, _ in world.asked()]
        assert bodies == sorted(bodies, reverse=reverse)


def test_unready_data_cost_one_call_a_look_and_arrive_the_same_day(world):
    world.sync()
    world.asked()
    world.at("2026-03-12T08:00")
    world.emulator.configure_app("wx0", ready_hour=10)
    done = world.sync(patience=4 * 3600)
    assert (done.remaining, done.stored) == (0, 10)
    assert world.keys()["20260311"] == [0]
    assert world.keys()["20260310"] == [0, 1]
    # Two hours: after one, two, four … minutes, at the latest after thirty.
    assert done.calls - done.stored <= 9


def test_without_patience_unready_windows_remain_for_the_next_run(world):
    world.sync()
    world.at("2026-03-12T08:00")
    world.emulator.configure_app("wx0", ready_hour=10)
    done = world.sync(patience=0)
    assert (done.calls, done.remaining) == (1, 10)
    assert {failure.error.errCode for failure in done.failures} == {61503}
    world.at("2026-03-12T10:00")
    assert world.sync(patience=0).calls == 10


def test_windows_that_were_never_stored_are_asked_for_though_todays_data_are_not_ready(world):
    world.emulator.configure_app("wx0", ready_hour=24)
    done = world.sync(patience=0)
    assert len(world.keys()) == 37
    assert world.keys()["20260309"] == [0]
    assert done.remaining == 10


@pytest.mark.parametrize("code", [-1, 61504])
def test_a_busy_service_is_asked_again_with_growing_pauses(world, code):
    world.fault("error", errcode=code, times=12, path=PATH)
    done = world.sync(begin="20260307", at_once=1)
    assert (done.remaining, done.calls) == (0, 4 + 12)
    # Each of the four windows waits one, two and four seconds.
    assert 0.7 * 7 <= sum(world.clock.waited) <= 1.3 * 8 * 4


def test_a_busy_api_is_left_alone_until_one_call_succeeds(world):
    fault = world.fault("error", errcode=-1, path=PATH)
    done = world.sync(begin="20250101", patience=1000)
    assert done.stored == 0
    calls = Counter(code for _, _, code in world.asked())
    # Those that were in flight when eight had failed, and then one at a time.
    assert calls[-1] < 100
    world.emulator.faults.remove(fault.id)
    assert world.sync(begin="20250101").remaining == 0


def test_a_used_up_minute_is_waited_for(world):
    world.emulator.configure_app("wx0", minute_limits={DAILY: 10})
    done = world.sync(begin="20260220", at_once=1, patience=600)
    assert (done.remaining, done.stored) == (0, 19)
    assert 50 < world.clock.waited[0] <= 66
    assert done.calls <= 19 + 4


def test_a_used_up_day_stops_the_api_of_that_mini_program_until_tomorrow(tmp_path):
    world = World(tmp_path, 2)
    world.emulator.configure_app("wx0", daily_limits={DAILY: 5})
    done = world.sync([DAILY, WEEKLY], at_once=1)
    codes = Counter((appid, code) for appid, _, code in world.asked())
    assert codes["wx0", 45009] == 1
    assert codes["wx1", 0] == 38 + 6
    assert codes["wx0", 0] == 5 + 6
    assert [(f.appid, f.api, f.error.errCode, f.windows) for f in done.failures] == [
        ("wx0", DAILY, 45009, 33)
    ]
    again = world.sync([DAILY, WEEKLY])
    assert (again.calls, again.remaining, again.paused) == (0, 33, 1)
    assert world.sync(WEEKLY).paused == 0
    world.at("2026-03-12T00:00:01")
    world.emulator.configure_app("wx0", daily_limits={DAILY: None})
    assert world.sync([DAILY, WEEKLY]).remaining == 0


def test_a_used_up_quota_of_a_mini_program_that_needs_nothing_is_not_counted(tmp_path):
    world = World(tmp_path, 2)
    assert world.sync(begin="20260302", apps={"wx0": world.apps["wx0"]}).remaining == 0
    with closing(Store(world.url)) as store:
        store.pause("wx0", DAILY, date(2026, 3, 12))
    done = world.sync(begin="20260302")
    assert (done.known, done.stored, done.remaining, done.paused) == (9, 9, 0, 0)
    done = world.sync(begin="20260301")
    assert (done.stored, done.remaining, done.paused) == (1, 1, 1)


def test_a_wrong_credential_stops_that_mini_program_at_once(tmp_path):
    world = World(tmp_path, 3)
    done = world.sync(apps={**world.apps, "wx1": "geheim-falsch"}, at_once=1)
    tokens = [e.errcode for e in world.emulator.journal if "token" in e.path]
    assert sorted(tokens) == [0, 0, 40125]
    assert done.stored == 2 * 38
    assert [(f.appid, f.error.errCode, f.windows) for f in done.failures] == [("wx1", 40125, 38)]
    assert "geheim" not in repr(done)
    assert world.sync().calls == 38


def test_a_refusal_of_the_credentials_is_reported_for_each_api_by_its_name(world):
    done = world.sync([DAILY, WEEKLY], apps={"wx0": "wrong"}, at_once=1)
    assert [(f.api, f.error.errMsg.partition(":")[0]) for f in done.failures] == [
        (DAILY, f"openapi.{DAILY}"),
        (WEEKLY, f"openapi.{WEEKLY}"),
    ]


def test_a_sync_without_news_does_not_wait_for_another_program_that_writes(world):
    world.sync()
    with closing(sqlite3.connect(world.url)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert world.sync().known == 38


def test_an_api_that_is_not_granted_is_asked_for_once(world):
    world.fault("error", errcode=48001, path=PATH)
    done = world.sync([DAILY, WEEKLY], at_once=1)
    assert Counter(code for _, _, code in world.asked()) == {48001: 1, 0: 6}
    assert [(f.api, f.error.errCode, f.windows) for f in done.failures] == [(DAILY, 48001, 38)]


def test_a_window_that_fails_is_reported_and_the_rest_goes_on(world):
    world.fault("error", errcode=47001, path=PATH, times=2)
    done = world.sync(at_once=1)
    assert (done.stored, done.failed, done.remaining) == (36, 2, 2)
    assert [(f.error.errCode, f.windows, f.first) for f in done.failures] == [
        (47001, 2, "20260310")
    ]
    assert world.sync().calls == 2


def test_dropped_connections_come_back(world):
    world.fault("drop", path=PATH, rate=0.3)
    done = world.sync(patience=3600)
    assert done.remaining == 0
    assert done.calls > done.stored


class Unplugged:
    """An exchange without a service."""

    base_url = ""

    def __init__(self):
        self.requests = 0

    def send(self, *_request, **_more):
        self.requests += 1
        raise unreachable("connect ECONNREFUSED 127.0.0.1:1", "http://127.0.0.1")


def test_a_service_that_is_away_is_asked_by_one_call_at_a_time_and_given_up(world):
    away = Unplugged()
    done = world.sync(begin="20250101", exchange=away, patience=600)
    assert (done.stored, done.remaining) == (0, 434)
    assert done.failures[0].windows == 434
    # 32 calls were handed over before it was known.
    assert away.requests < 2 * 32 + 30
    assert world.sync(begin="20250101").remaining == 0


@pytest.mark.parametrize("patience", [10, 600])
def test_a_service_that_is_away_is_given_up_when_the_patience_ends(world, patience):
    begun = world.clock.seconds()
    assert world.sync(begin="20250101", exchange=Unplugged(), patience=patience).remaining == 434
    assert abs(world.clock.seconds() - begun - patience) < 1


def test_a_rate_spreads_the_calls(world):
    begun = world.clock.seconds()
    world.sync(begin="20260302", rate=0.5)
    assert 16 <= world.clock.seconds() - begun <= 20


def test_portraits_are_kept_while_the_api_offers_them_and_then_counted_as_lost(world):
    series = [Series("analysis.getUserPortrait", days=days) for days in (1, 7)]
    done = world.sync(series, begin="20260301")
    assert (done.total, done.stored, done.lost, done.calls) == (4, 4, 16, 4)
    world.at("2026-03-12T12:00")
    done = world.sync(series, begin="20260301")
    assert (done.stored, done.calls, done.lost) == (2, 2, 16)


def test_mini_programs_are_split_among_machines(tmp_path):
    world = World(tmp_path, 12)
    parts = [world.sync(WEEKLY, "20260302", shard=f"{n}/3").stored for n in (1, 2, 3)]
    assert sum(parts) == 12
    assert all(parts)
    assert world.sync(WEEKLY, "20260302").calls == 0


def test_progress_tells_what_remains(world):
    told = []
    world.sync(on_progress=told.append)
    assert [each.remaining for each in told] == sorted((e.remaining for e in told), reverse=True)
    assert told[-1].remaining == 0
    assert len(told) >= 3


def test_answers_are_committed_at_most_sixteen_together(world):
    sizes = []

    class Counting(Store):
        def write(self, windows):
            sizes.append(len(windows))
            super().write(windows)

    world.sync(store=Counting(world.url))
    assert sum(sizes) == 38
    assert max(sizes) <= 16


class _Answering(BaseHTTPRequestHandler):
    """Answers a token, or a day of retention."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections.append(self.client_address)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rows = [{"key": key, "value": 1} for key in (*range(8), 14, 30)]
        answer = {"access_token": "token", "expires_in": 7200}
        if "begin_date" in body:
            answer = {"ref_date": body["begin_date"], "visit_uv_new": rows, "visit_uv": rows}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Print nothing."""


def test_many_mini_programs_share_the_connections_of_one_exchange(world):
    apps = {f"wx{number}": "made-up" for number in range(50)}
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as server:
        server.connections = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}"
            done = world.sync(begin="20260301", apps=apps, at_once=4, exchange=None, base_url=url)
        finally:
            server.shutdown()
            thread.join()
            server.block_on_close = False
    assert (done.stored, done.remaining) == (50 * 10, 0)
    assert len(set(server.connections)) <= 4


def test_any_executor_carries_the_calls(world):
    with ThreadPoolExecutor(3) as pool:
        assert world.sync(executor=pool, at_once=3).remaining == 0


def test_a_store_that_fails_ends_the_sync_and_keeps_what_was_committed(world):
    store = Store(world.url)
    written = []

    def write(windows):
        if written:
            raise StoreError("the disk is full")
        written.append(len(windows))
        Store.write(store, windows)

    store.write = write
    with pytest.raises(StoreError, match="disk is full"):
        world.sync(store=store)
    assert world.sync().known == written[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard": "0/3"}, "such as 1/4"),
        ({"shard": "4/3"}, "such as 1/4"),
        ({"shard": "1"}, "such as 1/4"),
        ({"patience": -1}, "patience is a number"),
        ({"apps": {"wx0": ""}}, "secret"),
        ({"apps": {}}, "no mini program"),
        ({"begin": "20260401", "end": "20260301"}, "later than end"),
        ({"begin": "19990101", "end": "20170108"}, "windows are from 2017-01-09"),
        ({"apis": []}, "no API"),
        ({"apis": "analysis.getPerformanceData"}, "needs parameters: module, params"),
    ],
)
def test_mistakes_are_refused_before_a_call(world, options, message):
    with pytest.raises(ConfigError, match=message):
        world.sync(**options)
    assert world.asked() == []
