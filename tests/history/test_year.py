"""A year of syncs with the real service's failures: no key is missed, few calls are wasted."""

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from support.history import DAILY, World

from cloud_openapi.history import Series, stored

APIS = (DAILY, "analysis.getWeeklyRetain", "analysis.getMonthlyRetain")
REFUSED_TOKEN = 40001
LOOK_BACK = timedelta(days=70)
BEGIN = date(2025, 1, 1)
DAYS = 365
SYNCS = ("09:30", "12:05", "15:00")


def begin_day(world, today, late_apps):
    """Let a day begin: yesterday's data are there at nine, for some only in the afternoon.

    By chance they are not there until 11:25: the sync of the morning ends five minutes later.
    """
    world.at(f"{today}T00:00")
    for appid in world.apps:
        world.emulator.configure_app(appid, ready_hour=14 if appid in late_apps else 9)
    world.fault("not_ready", rate=0.15, until=f"{today}T11:25")
    for span in ("daily", "weekly", "monthly"):
        path = f"/datacube/getweanalysisappid{span}retaininfo"
        world.fault("drop", path=path, rate=0.01)
        world.fault("revoke_token", path=path, rate=0.02)


def needed_on(series, today):
    """Return the windows that get a key on a day, with that key."""
    near = series.windows(max(BEGIN, today - LOOK_BACK), today, today)
    return [
        (period, key) for period in near for key, day in series.key_days(period) if day == today
    ]


def keys_since(world, api, begin):
    """Return mini program, ``ref_date`` and key of each number that is stored."""
    windows = stored(api, begin, store=world.url)
    return {(w.appid, w.ref, row["key"]) for w in windows for row in w.answer["visit_uv"]}


@pytest.mark.slow
def test_every_key_of_a_year_arrives_on_its_first_day_with_few_calls_more_than_needed(
    tmp_path, record_property
):
    chance = random.Random(1)
    world = World(tmp_path, 10)
    every = [Series(api) for api in APIS]
    needed = 0
    outcomes = Counter()
    for number in range(1, DAYS + 1):
        today = BEGIN + timedelta(days=number)
        late_apps = {appid for appid in world.apps if chance.random() < 0.03}
        used_up = chance.choice(sorted(world.apps.keys() - late_apps))
        begin_day(world, today, late_apps)
        for time in SYNCS:
            world.at(f"{today}T{time}")
            if time > "12":
                world.emulator.configure_app(used_up, daily_limits=dict.fromkeys(APIS, 0))
            world.sync(every, BEGIN.isoformat(), patience=2 * 3600)
        outcomes.update(world.outcomes())
        world.emulator.faults.clear()
        world.emulator.configure_app(used_up, daily_limits=dict.fromkeys(APIS))
        for series in every:
            arrived = needed_on(series, today)
            needed += len({period for period, _ in arrived}) * len(world.apps)
            stored = keys_since(world, series.api, today - LOOK_BACK) if arrived else set()
            expected = {(app, p.ref, key) for p, key in arrived for app in world.apps}
            assert expected <= stored, today
    # A revoked token is refused with the next call.
    struck = sum(
        number for (code, by_fault), number in outcomes.items() if by_fault or code == REFUSED_TOKEN
    )
    calls = outcomes.total()
    record_property(
        "summary",
        f"{calls:,} calls, {struck:,} of them struck by a fault, for {needed:,} answers with a new "
        f"key: {(calls - struck) / needed:.3f}. By errcode and fault: {dict(outcomes)}",
    )
    assert world.sync(every, BEGIN.isoformat()).remaining == 0
    assert calls - struck <= 1.1 * needed
