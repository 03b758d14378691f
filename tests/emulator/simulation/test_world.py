"""The numbers of a simulated mini program agree with one another."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloud_openapi.emulator.simulation.world import LAUNCH, World
from cloud_openapi.periods import Period, period_with

WORLDS = [World(seed, appid) for seed in (0, 1, 2017) for appid in ("wxdemo000000000000", "wx1")]
STEPS = {"day": (1, 2, 3, 4, 5, 6, 7, 14, 30), "week": (1, 2, 3, 4), "month": (1,)}
USERS = ("new_users", "active_users")

worlds = st.sampled_from(WORLDS)
days = st.dates(date(2016, 10, 1), date(2030, 12, 31))
periods = st.builds(period_with, st.sampled_from(sorted(STEPS)), days)
weeks = st.builds(period_with, st.just("week"), days)
later = periods.flatmap(lambda period: st.tuples(st.just(period), st.sampled_from(steps(period))))
bounded = settings(max_examples=50, deadline=None, database=None)


def steps(period):
    return STEPS[period.span]


def days_of(period):
    length = (period.end - period.begin).days + 1
    return [period_with("day", period.begin + timedelta(days=n)) for n in range(length)]


@bounded
@given(worlds, later, st.sampled_from(USERS))
def test_every_number_is_a_non_negative_int(world, later, users):
    period, step = later
    for value in (world.retention(users, period, 0), world.retention(users, period, step)):
        assert type(value) is int
        assert value >= 0


@bounded
@given(worlds, periods)
def test_new_users_are_active_users(world, period):
    assert world.retention("new_users", period, 0) <= world.retention("active_users", period, 0)


@bounded
@given(worlds, later)
def test_returning_new_users_do_not_exceed_new_users(world, later):
    period, step = later
    assert world.retention("new_users", period, step) <= world.retention("new_users", period, 0)


@bounded
@given(worlds, later)
def test_returning_active_users_do_not_exceed_active_users(world, later):
    period, step = later
    returned = world.retention("active_users", period, step)
    assert returned <= world.retention("active_users", period, 0)


@bounded
@given(worlds, later)
def test_returning_users_are_active_in_the_later_period(world, later):
    period, step = later
    there = world.retention("active_users", period.after(step), 0)
    assert world.retention("active_users", period, step) <= there


@bounded
@given(worlds, later)
def test_returning_new_users_are_returning_active_users(world, later):
    period, step = later
    returned_new = world.retention("new_users", period, step)
    assert returned_new <= world.retention("active_users", period, step)


@bounded
@given(worlds, later, st.sampled_from(USERS))
@example(WORLDS[0], (period_with("week", date(2017, 1, 9)), 1), "new_users")
@example(WORLDS[0], (period_with("week", date(2017, 1, 23)), 1), "active_users")
@example(WORLDS[0], (period_with("month", date(2030, 8, 1)), 1), "active_users")
def test_returning_users_are_not_new_in_the_later_period(world, later, users):
    period, step = later
    then = period.after(step)
    old = world.retention("active_users", then, 0) - world.retention("new_users", then, 0)
    assert world.retention(users, period, step) <= old


@bounded
@given(worlds, weeks)
def test_active_users_of_a_week_lie_between_its_best_day_and_its_sum(world, week):
    active = [world.retention("active_users", day, 0) for day in days_of(week)]
    assert max(active) <= world.retention("active_users", week, 0) <= sum(active)


@settings(bounded, max_examples=30)
@given(worlds, periods)
def test_new_users_of_a_period_are_the_sum_of_its_days(world, period):
    new = [world.retention("new_users", day, 0) for day in days_of(period)]
    assert world.retention("new_users", period, 0) == sum(new)


@bounded
@given(
    worlds,
    st.builds(period_with, st.sampled_from(sorted(STEPS)), st.dates(date(2, 1, 1), LAUNCH)),
    st.sampled_from(USERS),
)
def test_numbers_before_the_launch_are_zero(world, period, users):
    if period.end < LAUNCH:
        counts = [world.retention(users, period, step) for step in (0, *steps(period))]
        assert counts == [0] * len(counts)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("users", USERS)
def test_all_users_are_new_on_the_day_of_the_launch(world, users):
    day = Period("day", LAUNCH, LAUNCH)
    assert world.retention(users, day, 0) == world.retention("new_users", day, 0) > 0


@settings(bounded, max_examples=20)
@given(
    st.integers(),
    st.text(max_size=20),
    st.lists(st.tuples(later, st.sampled_from(USERS)), min_size=1, max_size=4),
)
def test_same_seed_and_appid_give_same_numbers_in_any_order(seed, appid, calls):
    one, other = World(seed, appid), World(seed, appid)
    numbers = [one.retention(users, *later) for later, users in calls]
    backwards = [other.retention(users, *later) for later, users in reversed(calls)]
    assert numbers == backwards[::-1]


@pytest.mark.parametrize(
    ("seed", "appid"), [(1, "wx1"), (0, "wx2"), (1, "wx2")], ids=["seed", "appid", "both"]
)
def test_different_seed_or_appid_gives_different_numbers(seed, appid):
    def numbers(world):
        ten = (date(2026, 3, day) for day in range(1, 11))
        return [world.retention("active_users", period_with("day", day), 0) for day in ten]

    assert numbers(World(seed, appid)) != numbers(World(0, "wx1"))
