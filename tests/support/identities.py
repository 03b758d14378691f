"""Identities between answers about one mini program."""

import math

import pytest

# The lower and upper bound of each key in WeChat's tables.
PAGES = {**{key: (key, key) for key in range(1, 6)}, 6: (6, 10), 7: (11, math.inf)}
SECONDS = {1: (0, 2), 2: (3, 5), 3: (6, 10), 4: (11, 20), 5: (20, 30), 6: (30, 50), 7: (50, 100)}
SECONDS[8] = (100, math.inf)


def values(items):
    return sum(item["value"] for item in items)


def assert_trend_has_the_users_of_the_retention(trend, retain):
    assert trend["ref_date"] == retain["ref_date"]
    assert trend["visit_uv_new"] == retain["visit_uv_new"][0]["value"]
    assert trend["visit_uv"] == retain["visit_uv"][0]["value"]


def assert_retained_users_do_not_exceed_first_users(retain):
    for field in ("visit_uv_new", "visit_uv"):
        first, *later = (item["value"] for item in retain[field])
        assert all(0 <= value <= first for value in later)
    pairs = zip(retain["visit_uv_new"], retain["visit_uv"], strict=True)
    assert all(new["value"] <= active["value"] for new, active in pairs)


def assert_retained_users_are_active_and_not_new(retain, key, later):
    old = later["visit_uv"] - later["visit_uv_new"]
    for field in ("visit_uv_new", "visit_uv"):
        found = {item["key"]: item["value"] for item in retain[field]}
        assert found[key] <= old


def assert_whole_has_the_visits_of_its_days(whole, days):
    for name in ("session_cnt", "visit_pv", "visit_uv_new"):
        assert whole[name] == sum(row[name] for row in days)
    users = [row["visit_uv"] for row in days]
    assert max(users) <= whole["visit_uv"] <= sum(users)


def assert_means_have_the_same_total_time(trend):
    by_user = trend["stay_time_uv"] * trend["visit_uv"]
    by_session = trend["stay_time_session"] * trend["session_cnt"]
    assert by_user == pytest.approx(by_session, rel=1e-3)
    assert trend["visit_pv"] >= trend["session_cnt"] >= trend["visit_uv"] > 0
    assert trend["visit_depth"] >= 1


def assert_whole_has_the_depth_of_its_days(whole, days):
    of_days = sum(row["visit_depth"] * row["session_cnt"] for row in days)
    rounding = 0.0001 * whole["session_cnt"]
    assert whole["visit_depth"] * whole["session_cnt"] == pytest.approx(of_days, abs=rounding)


def assert_total_grows_by_the_new_users(row, rows_before, new):
    before = rows_before[0]["visit_total"] if rows_before else 0
    assert row["visit_total"] - before == new >= 0
    assert row["share_uv"] <= row["share_pv"]


def assert_distribution_adds_up_to_the_sessions(answer, trend):
    found = {item["index"]: item["item_list"] for item in answer["list"]}
    assert list(found) == [
        "access_source_session_cnt",
        "access_source_visit_uv",
        "access_staytime_info",
        "access_depth_info",
    ]
    users = found.pop("access_source_visit_uv")
    for items in found.values():
        assert values(items) == trend["session_cnt"]
    for items in (*found.values(), users):
        keys = [item["key"] for item in items]
        assert keys == sorted(keys, reverse=True)
        assert all(item["value"] for item in items)
    sessions = found["access_source_session_cnt"]
    assert [item["key"] for item in users] == [item["key"] for item in sessions]
    assert all(u["value"] <= s["value"] for u, s in zip(users, sessions, strict=True))
    assert values(users) >= trend["visit_uv"]


def assert_distribution_has_the_means_of_the_sessions(answer, trend):
    found = {item["index"]: item["item_list"] for item in answer["list"]}
    sessions = trend["session_cnt"]
    for index, bounds, mean in (
        ("access_depth_info", PAGES, trend["visit_depth"]),
        ("access_staytime_info", SECONDS, trend["stay_time_session"]),
    ):
        least, most = (
            sum(bounds[item["key"]][end] * item["value"] for item in found[index]) / sessions
            for end in (0, 1)
        )
        # The means are rounded to four places.
        assert least - 0.0001 <= mean <= most + 0.0001


def assert_pages_share_the_visits(shown, trend, summary):
    """The sums are exact unless the list is cut at 200 pages."""
    views = [page["page_visit_pv"] for page in shown]
    assert views == sorted(views, reverse=True)
    assert len({page["page_path"] for page in shown}) == len(shown) <= 200
    sums = {
        "page_visit_pv": trend["visit_pv"],
        "entrypage_pv": trend["session_cnt"],
        "exitpage_pv": trend["session_cnt"],
        "page_share_pv": summary["share_pv"],
        "page_share_uv": summary["share_uv"],
    }
    for name, total in sums.items():
        found = sum(page[name] for page in shown)
        assert found <= total
        assert found == total or len(shown) == 200
    for page in shown:
        assert max(page["entrypage_pv"], page["exitpage_pv"]) <= page["page_visit_pv"]
        assert page["page_visit_uv"] <= min(page["page_visit_pv"], trend["visit_uv"])
        assert page["page_share_uv"] <= page["page_share_pv"]


def assert_portrait_has_as_many_users(answer, new, active):
    for field, total in (("visit_uv_new", new), ("visit_uv", active)):
        assert [values(items) for items in answer[field].values()] == [total] * 6


def assert_portrait_has_each_city_and_device_once(answer):
    """Users of cities add up to their provinces, users of devices to their systems.

    As in WeChat's example, the id of a city begins with the id of its province.
    """
    for found in (answer["visit_uv_new"], answer["visit_uv"]):
        cities, iphones = dict.fromkeys((item["id"] for item in found["province"]), 0), 0
        for city in found["city"]:
            cities[city["id"] // 100] += city["value"]
        assert cities == {item["id"]: item["value"] for item in found["province"]}
        for device in found["devices"]:
            iphones += device["value"] if "iPhone" in device["name"] else 0
        systems = {item["name"]: item["value"] for item in found["platforms"]}
        assert iphones == systems.get("iPhone", 0)


def assert_tables_have_each_day(body, days):
    assert body["count"] == len(body["tables"]) > 0
    for table in body["tables"]:
        (line,) = table["lines"]
        assert [field["refdate"] for field in line["fields"]] == days
