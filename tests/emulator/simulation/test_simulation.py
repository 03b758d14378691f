"""The answers of all APIs about one simulated mini program agree."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support import identities

from cloud_openapi.catalogue import RuleViolation, default_catalogue
from cloud_openapi.emulator.simulation.answer import simulate
from cloud_openapi.emulator.simulation.split import split, split_making, split_within
from cloud_openapi.emulator.simulation.world import LAUNCH, World
from cloud_openapi.naming import to_camel_case
from cloud_openapi.periods import Period, period_with

CATALOGUE = default_catalogue()
SIMULATED = [operation for operation in CATALOGUE.values() if operation.simulation]
TODAY = date(2031, 1, 1)
WORLDS = [World(seed, f"wx{seed}") for seed in range(4)]
TRENDS = {"day": "Daily", "week": "Weekly", "month": "Monthly"}

bounded = settings(max_examples=40, deadline=None, database=None)
worlds = st.sampled_from(WORLDS)
dates = st.dates(LAUNCH, TODAY - timedelta(days=32))


def ask(world, api, period, params=None):
    return simulate(CATALOGUE[f"analysis.{api}"], world, period, TODAY, params or {})


def day(when):
    return period_with("day", when)


@settings(bounded, max_examples=8)
@given(worlds, dates)
@pytest.mark.parametrize("operation", SIMULATED, ids=str)
def test_each_answer_satisfies_the_schemas_of_both_forms(operation, world, when):
    span = getattr(operation.rules[0], "span", None)
    window = Period("window", when - timedelta(days=6), when)
    params = operation.examples[0]["request"]
    period = period_with(span, when) if span else window
    answer = simulate(operation, world, period, TODAY, params)
    Draft202012Validator(operation.schema("https", "response")).validate(answer)
    cloud = {**to_camel_case(answer), "errMsg": f"openapi.{operation.name}:ok"}
    Draft202012Validator(operation.schema("cloud", "response")).validate(cloud)


@bounded
@given(worlds, dates, st.sampled_from(sorted(TRENDS)))
def test_trend_and_retention_have_the_same_users(world, when, span):
    period = period_with(span, when)
    (trend,) = ask(world, f"get{TRENDS[span]}VisitTrend", period)["list"]
    retain = ask(world, f"get{TRENDS[span]}Retain", period)
    assert retain["ref_date"] == period.ref
    identities.assert_trend_has_the_users_of_the_retention(trend, retain)
    identities.assert_retained_users_do_not_exceed_first_users(retain)


@bounded
@given(worlds, dates, st.sampled_from(["week", "month"]))
def test_visits_of_a_week_or_month_are_the_sum_of_its_days(world, when, span):
    period = period_with(span, when)
    (whole,) = ask(world, f"get{TRENDS[span]}VisitTrend", period)["list"]
    days = [
        row
        for number in range((period.end - period.begin).days + 1)
        for row in ask(world, "getDailyVisitTrend", day(period.begin + timedelta(number)))["list"]
    ]
    identities.assert_whole_has_the_visits_of_its_days(whole, days)
    identities.assert_whole_has_the_depth_of_its_days(whole, days)


@bounded
@given(worlds, dates)
def test_means_of_a_trend_have_the_same_total_time(world, when):
    (trend,) = ask(world, "getDailyVisitTrend", day(when))["list"]
    identities.assert_means_have_the_same_total_time(trend)


@bounded
@given(worlds, dates)
def test_total_of_the_summary_grows_by_the_new_users(world, when):
    before = day(when - timedelta(days=1))
    (row,) = ask(world, "getDailySummary", day(when))["list"]
    new = ask(world, "getDailyRetain", day(when))["visit_uv_new"][0]["value"]
    rows = ask(world, "getDailySummary", before)["list"]
    identities.assert_total_grows_by_the_new_users(row, rows, new)


@bounded
@given(worlds, dates)
def test_each_distribution_adds_up_to_the_sessions(world, when):
    (trend,) = ask(world, "getDailyVisitTrend", day(when))["list"]
    answer = ask(world, "getVisitDistribution", day(when))
    identities.assert_distribution_adds_up_to_the_sessions(answer, trend)


@bounded
@given(worlds, dates)
@example(WORLDS[0], LAUNCH)
@example(WORLDS[1], LAUNCH + timedelta(days=1))
def test_each_distribution_has_the_means_of_the_sessions(world, when):
    (trend,) = ask(world, "getDailyVisitTrend", day(when))["list"]
    answer = ask(world, "getVisitDistribution", day(when))
    identities.assert_distribution_has_the_means_of_the_sessions(answer, trend)


@bounded
@given(worlds, dates)
def test_numbers_of_pages_add_up_to_the_trend_and_the_summary(world, when):
    (trend,) = ask(world, "getDailyVisitTrend", day(when))["list"]
    (summary,) = ask(world, "getDailySummary", day(when))["list"]
    pages = world.pages(day(when))
    shown = ask(world, "getVisitPage", day(when))["list"]
    identities.assert_pages_share_the_visits(shown, trend, summary)
    assert len(shown) == min(len(pages), 200)
    assert sum(page.views for page in pages) == trend["visit_pv"]
    assert sum(page.entries for page in pages) == trend["session_cnt"]
    assert sum(page.exits for page in pages) == trend["session_cnt"]
    assert sum(page.shares for page in pages) == summary["share_pv"]
    assert sum(page.sharers for page in pages) == summary["share_uv"]
    for page in pages:
        assert max(page.entries, page.exits, page.users) <= page.views
        assert page.users <= trend["visit_uv"]
        assert page.sharers <= page.shares


@bounded
@given(worlds, dates, st.sampled_from([0, 6, 29]))
def test_each_group_of_a_portrait_adds_up_to_the_users(world, when, length):
    period = Period("window" if length else "day", when - timedelta(days=length), when)
    answer = ask(world, "getUserPortrait", period)
    new, active = (world.count(users, period) for users in ("new_users", "active_users"))
    identities.assert_portrait_has_as_many_users(answer, new, active)
    identities.assert_portrait_has_each_city_and_device_once(answer)
    assert answer["ref_date"] == period.ref


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        ("getDailySummary", {"list": []}),
        ("getDailyVisitTrend", {"list": []}),
        ("getVisitDistribution", {"ref_date": "20161231", "list": []}),
        ("getVisitPage", {"ref_date": "20161231", "list": []}),
    ],
)
def test_lists_before_the_launch_are_empty_as_recorded(api, expected):
    assert ask(WORLDS[0], api, day(date(2016, 12, 31))) == expected


def test_portrait_before_the_launch_has_twelve_empty_arrays():
    answer = ask(WORLDS[0], "getUserPortrait", day(date(2016, 12, 31)))
    assert list(answer["visit_uv"].values()) == list(answer["visit_uv_new"].values()) == [[]] * 6


def test_some_mini_programs_have_over_200_pages():
    assert max(len(World(seed, "wx").pages(day(date(2030, 1, 1)))) for seed in range(200)) > 200


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**5), min_size=1, max_size=60))
def test_parts_of_a_split_add_up_and_do_not_exceed_their_weights(total, weights):
    parts = split(total, weights)
    assert sum(parts) == (total if sum(weights) else 0)
    assert min(parts) >= 0
    if total <= sum(weights):
        assert all(part <= weight for part, weight in zip(parts, weights, strict=True))


@given(st.data(), st.integers(0, 10**5), st.lists(st.integers(1, 99), min_size=1, max_size=9))
def test_nested_parts_add_up_to_the_parts_of_the_whole(data, total, wholes):
    places = [place for place in range(len(wholes)) for _ in range(data.draw(st.integers(1, 3)))]
    weights = data.draw(st.lists(st.integers(1, 99), min_size=len(places), max_size=len(places)))
    inner = split(total, split_within(wholes, weights, places))
    found = [0] * len(wholes)
    for place, part in zip(places, inner, strict=True):
        found[place] += part
    assert found == split(total, wholes)


@given(st.integers(1000, 10**6), st.floats(1.5, 2.5))
def test_parts_of_a_split_make_a_second_number(total, mean):
    weights, each, making = [1, 4, 30, 50, 40], [9, 4, 3, 2, 1], int(total * mean)
    parts = split_making(total, weights, making, each)
    assert min(parts) >= 0
    assert sum(parts) == total
    assert sum(part * one for part, one in zip(parts, each, strict=True)) == making


WINDOWS = [
    # From an answer of WeChat's staff on 2019-01-22.
    ("2019-01-22", "20190121", "20190121", True),
    ("2019-01-22", "20190115", "20190121", True),
    ("2019-01-22", "20181223", "20190121", True),
    # From a user's report on 2021-12-14.
    ("2021-12-14", "20211213", "20211213", True),
    ("2021-12-14", "20211212", "20211212", True),
    ("2021-12-14", "20211211", "20211211", False),
    # The documented example, years later.
    ("2022-04-02", "20170611", "20170617", False),
    ("2019-01-22", "20190116", "20190121", False),
    ("2019-01-22", "20190116", "20190122", False),
    ("2019-01-22", "20190121", "20190115", False),
]


@pytest.mark.parametrize(("today", "begin", "end", "answered"), WINDOWS)
def test_portrait_accepts_only_recent_windows(today, begin, end, answered):
    (rule,) = CATALOGUE["analysis.getUserPortrait"].rules
    found = rule.check({"begin_date": begin, "end_date": end}, date.fromisoformat(today))
    if answered:
        assert isinstance(found, Period)
    else:
        assert isinstance(found, RuleViolation)
        assert found.code == 61501


@bounded
@given(worlds, st.sampled_from(["10016", "10017", "10021", "10022", "10023", 10022]), dates)
def test_performance_tables_of_a_module_have_each_day(world, module, when):
    period = Period("window", when, when + timedelta(days=3))
    body = ask(world, "getPerformanceData", period, {"module": module})["data"]["body"]
    days = [f"{when + timedelta(days=number):%Y%m%d}" for number in range(4)]
    identities.assert_tables_have_each_day(body, days)
    for table in body["tables"]:
        (line,) = table["lines"]
        assert all(float(field["value"]) > 0 for field in line["fields"])


@pytest.mark.parametrize(
    ("time", "days"),
    [
        ({"begin_timestamp": 1609603200, "end_timestamp": 1609689600}, ("20210103", "20210104")),
        ({"begin_timestamp": 1609603199, "end_timestamp": 1609603199}, ("20210102", "20210102")),
        ({"begin_timestamp": 1609603200, "end_timestamp": 1612195200}, ("20210103", "20210202")),
        ({"begin_timestamp": 1609603200, "end_timestamp": 1612195201}, None),
        ({"begin_timestamp": 1609689600, "end_timestamp": 1609603200}, None),
        ({"begin_timestamp": "1609603200", "end_timestamp": 1609689600}, None),
        ({"begin_timestamp": True, "end_timestamp": 2}, None),
        ({"begin_timestamp": -1, "end_timestamp": 2}, None),
        ({"begin_timestamp": 10**30, "end_timestamp": 10**30}, None),
        ({"begin_timestamp": 1609603200}, None),
        ([], None),
        (None, None),
    ],
    ids=str,
)
def test_performance_covers_thirty_days_at_most(time, days):
    (rule,) = CATALOGUE["analysis.getPerformanceData"].rules
    found = rule.check({"time": time}, date(2026, 1, 1))
    if days is None:
        assert isinstance(found, RuleViolation)
        assert found.code == 47001
    else:
        assert (f"{found.begin:%Y%m%d}", f"{found.end:%Y%m%d}") == days
