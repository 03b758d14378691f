"""The emulator's clock, and the APIs, tokens and ready hours that depend on it."""

from datetime import datetime, timedelta, timezone

import pytest
from support.threads import run_concurrently
from support.values import DAILY, OTHER, WEEKLY

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.periods import BEIJING

HOUR = timedelta(hours=1)
SOON = timedelta(seconds=30)
MONTHLY = "/datacube/getweanalysisappidmonthlyretaininfo"


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


class FrozenEmulator:
    """An emulator with a frozen clock, and a client of it."""

    def __init__(self, moment, **settings):
        self.clock = Clock(at(moment))
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "s"}
        self.emulator = Emulator(clock=self.clock, apps=apps, **settings)
        self.client = create_app(self.emulator).test_client()

    def ask(self, path, begin, end, token=None, appid=DEMO_APPID):
        token = token or self.emulator.program(appid).tokens.grant()[0]
        body = {"begin_date": begin, "end_date": end}
        return self.client.post(path, query_string={"access_token": token}, json=body).json

    def code(self, *call, **more):
        return self.ask(*call, **more).get("errcode", 0)


# ---- the clock -----------------------------------------------------------------------------


def test_new_clock_shows_machine_time_in_beijing():
    clock = Clock()
    assert abs(clock.now() - datetime.now(timezone.utc)) < SOON
    assert clock.now().utcoffset() == 8 * HOUR
    assert (clock.frozen_at, clock.offset) == (None, timedelta(0))


def test_freeze_stops_the_clock_at_a_given_or_the_current_time():
    clock = Clock()
    clock.freeze(datetime(2017, 3, 14, 10))  # noqa: DTZ001 - Beijing's, as documented
    assert clock.now() == clock.frozen_at == at("2017-03-14T10:00")
    clock.freeze(datetime(2017, 3, 14, 10, tzinfo=timezone.utc))
    assert clock.now() == at("2017-03-14T18:00")
    clock.run()
    clock.freeze()
    assert clock.now() == clock.now()
    assert abs(clock.now() - datetime.now(timezone.utc)) < SOON


def test_advance_leaves_a_clock_frozen_or_running():
    clock = Clock(at("2017-03-14T10:00"))
    clock.advance(timedelta(days=1, hours=-1))
    assert clock.frozen_at == at("2017-03-15T09:00")
    clock.run()
    clock.advance(3 * HOUR)
    assert clock.offset == 3 * HOUR
    assert abs(clock.now() - datetime.now(timezone.utc) - 3 * HOUR) < SOON


def test_run_starts_from_a_given_or_the_machine_time():
    clock = Clock(at("2017-03-14T10:00"))
    clock.run(at("2020-02-29T23:59"))
    first = clock.now()
    assert timedelta(0) <= first - at("2020-02-29T23:59") < SOON
    assert clock.now() > first
    clock.run()
    assert clock.offset == timedelta(0)


def test_reset_restores_the_first_setting_of_a_clock():
    clock = Clock(at("2017-03-14T10:00"))
    clock.advance(HOUR)
    clock.reset()
    assert clock.frozen_at == at("2017-03-14T10:00")


@pytest.mark.parametrize(
    "change",
    [
        lambda clock: clock.freeze(datetime(1, 1, 1, tzinfo=BEIJING)),
        lambda clock: clock.run(datetime(9999, 1, 1, tzinfo=BEIJING)),
        lambda clock: clock.advance(timedelta(days=-100_000)),
        lambda clock: clock.advance(timedelta.max),
        lambda clock: clock.advance(timedelta.min),
    ],
)
def test_year_out_of_range_is_refused_and_changes_nothing(change):
    clock = Clock(at("2017-03-14T10:00"))
    with pytest.raises(ValueError, match="between 1971 and 2105"):
        change(clock)
    assert clock.now() == at("2017-03-14T10:00")


def test_concurrent_advances_all_count():
    clock = Clock(at("2017-03-14T10:00"))

    def step():
        for _ in range(2000):
            clock.advance(timedelta(seconds=1))

    run_concurrently(*[step] * 4)
    assert clock.now() == at("2017-03-14T10:00") + timedelta(seconds=8000)


# ---- APIs and tokens -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ("2026-03-10T23:59:59", (DAILY, "20260310", "20260310")),
        ("2024-02-29T23:59:59", (DAILY, "20240229", "20240229")),
        ("2024-02-29T23:59:59", (MONTHLY, "20240201", "20240229")),
        ("2023-02-28T23:59:59", (MONTHLY, "20230201", "20230228")),
        ("2026-04-30T23:59:59", (MONTHLY, "20260401", "20260430")),
        ("2025-12-31T23:59:59", (MONTHLY, "20251201", "20251231")),
        ("2017-01-01T23:59:59", (WEEKLY, "20161226", "20170101")),
        ("2024-12-31T23:59:59", (DAILY, "20241231", "20241231")),
        ("2023-01-01T23:59:59", (WEEKLY, "20221226", "20230101")),
    ],
)
def test_period_is_available_from_the_midnight_after_it(before, call):
    emulated = FrozenEmulator(before)
    assert emulated.code(*call) == 61501
    emulated.clock.advance(timedelta(seconds=1))
    assert emulated.code(*call) == 0


def test_week_across_new_year_is_available_from_the_next_monday():
    emulated = FrozenEmulator("2026-01-01T00:00:00")
    assert emulated.code(WEEKLY, "20251229", "20260104") == 61501
    emulated.clock.freeze(at("2026-01-05T00:00:00"))
    assert emulated.ask(WEEKLY, "20251229", "20260104")["ref_date"] == "20251229-20260104"


def test_token_expires_by_the_emulator_clock():
    emulated = FrozenEmulator("2026-03-11T12:00:00")
    token, _ = emulated.emulator.program(DEMO_APPID).tokens.grant()
    call = (DAILY, "20170313", "20170313", token)
    emulated.clock.advance(timedelta(seconds=7199))
    assert emulated.code(*call) == 0
    emulated.clock.advance(timedelta(seconds=1))
    assert emulated.code(*call) == 42001
    emulated.clock.reset()
    assert emulated.code(*call) == 0


# ---- readiness -----------------------------------------------------------------------------

YESTERDAY = (DAILY, "20260310", "20260310")


def test_yesterday_is_ready_at_midnight_by_default():
    assert FrozenEmulator("2026-03-11T00:00:00").code(*YESTERDAY) == 0


@pytest.mark.parametrize(
    ("moment", "call", "code"),
    [
        ("2026-03-11T08:59:59", YESTERDAY, 61503),
        ("2026-03-11T09:00:00", YESTERDAY, 0),
        ("2026-03-11T08:59:59", (DAILY, "20260309", "20260309"), 0),
        ("2026-03-11T08:59:59", (DAILY, "20260311", "20260311"), 61501),
        ("2026-03-09T08:59:59", (WEEKLY, "20260302", "20260308"), 61503),
        ("2026-03-09T09:00:00", (WEEKLY, "20260302", "20260308"), 0),
        ("2026-03-10T00:00:00", (WEEKLY, "20260302", "20260308"), 0),
        ("2024-03-01T00:00:00", (MONTHLY, "20240201", "20240229"), 61503),
        ("2024-03-01T00:00:00", (DAILY, "20240229", "20240229"), 61503),
        ("2024-03-02T00:00:00", (MONTHLY, "20240201", "20240229"), 0),
        # The documented example too, on the day after it.
        ("2017-03-14T08:00:00", (DAILY, "20170313", "20170313"), 61503),
    ],
)
def test_periods_that_ended_yesterday_are_61503_before_the_ready_hour(moment, call, code):
    emulated = FrozenEmulator(moment, ready_hour=9)
    answer = emulated.ask(*call)
    assert answer.get("errcode", 0) == code
    if code == 61503:
        assert answer["errmsg"].startswith("data not ready, please try later rid: ")


def test_retention_keys_exclude_yesterday_before_the_ready_hour():
    emulated = FrozenEmulator("2026-03-11T08:00:00", ready_hour=9)
    keys = [item["key"] for item in emulated.ask(DAILY, "20260308", "20260308")["visit_uv"]]
    assert keys == [0, 1]
    emulated.clock.advance(HOUR)
    keys = [item["key"] for item in emulated.ask(DAILY, "20260308", "20260308")["visit_uv"]]
    assert keys == [0, 1, 2]


def test_mini_programs_have_separate_ready_hours():
    emulated = FrozenEmulator("2026-03-11T23:00:00")
    emulated.emulator.configure_app(OTHER, ready_hour=24)
    assert emulated.code(*YESTERDAY) == 0
    assert emulated.code(*YESTERDAY, appid=OTHER) == 61503
    emulated.emulator.reset_app(OTHER)
    assert emulated.code(*YESTERDAY, appid=OTHER) == 0


@pytest.mark.parametrize("hour", [-1, 25, True, "9", 9.5])
def test_invalid_ready_hour_is_refused(hour):
    with pytest.raises(ValueError, match="whole number from 0 to 24"):
        Emulator(ready_hour=hour)
    emulator = Emulator()
    with pytest.raises(ValueError, match="whole number from 0 to 24"):
        emulator.configure_app(DEMO_APPID, ready_hour=hour)
    assert emulator.program(DEMO_APPID).ready_hour == 0


def test_clock_moved_back_does_not_extend_a_stable_token():
    clock = Clock(at("2026-03-11T12:00"))
    emulator = Emulator(clock=clock)
    first, _ = emulator.program(DEMO_APPID).tokens.grant_stable(force=True)
    clock.advance(timedelta(days=-365))
    token, expires_in = emulator.program(DEMO_APPID).tokens.grant_stable(force=False)
    assert (token != first, expires_in) == (True, 7200)
    clock.advance(timedelta(minutes=1))
    forced, _ = emulator.program(DEMO_APPID).tokens.grant_stable(force=True)
    assert forced != token


def test_clock_accepts_texts_and_seconds():
    clock = Clock()
    clock.freeze("2026-03-09T08:00")
    assert clock.now() == datetime(2026, 3, 9, 8, tzinfo=BEIJING)
    clock.advance(90)
    assert clock.now() == datetime(2026, 3, 9, 8, 1, 30, tzinfo=BEIJING)
    clock.run("2026-03-10")
    assert clock.now().strftime("%Y%m%d") == "20260310"
    with pytest.raises(ValueError, match="at is a time such as"):
        clock.freeze("soon")
    assert clock.now().strftime("%Y%m%d") == "20260310"
