"""The Data page: its numbers are those that a call gets, and looking at them changes nothing."""

import csv
import io
import json
import re
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from support.cassettes import cassette, interaction

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.periods import BEIJING, Period, last_complete, write_day

NOW = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
RETAIN = {
    "day": "analysis.getDailyRetain",
    "week": "analysis.getWeeklyRetain",
    "month": "analysis.getMonthlyRetain",
}
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x01\"'&"


class Tables(HTMLParser):
    """The texts, and the titles, of the cells of each row of a page's tables."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.titles = [], []
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
            self.titles.append([])
        elif tag == "tr":
            self.tables[-1].append([])
            self.titles[-1].append([])
        elif tag in ("td", "th"):
            self._in_cell = True
            self.tables[-1][-1].append("")
            self.titles[-1][-1].append(dict(attrs).get("title"))

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data):
        if self._in_cell:
            self.tables[-1][-1][-1] += data


class Console:
    """The Data page and the HTTPS API of one emulator."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.client = create_app(emulator).test_client()
        app = emulator.programs.get(DEMO_APPID)
        query = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
        self.token = (
            app and self.client.get("/cgi-bin/token", query_string=query).json["access_token"]
        )

    def call(self, api, period):
        dates = {"begin_date": write_day(period.begin), "end_date": write_day(period.end)}
        path = default_catalogue()[api].path
        return self.client.post(f"{path}?access_token={self.token}", json=dates).json

    def page(self, status=200, **query):
        query = {name.rstrip("_"): value for name, value in query.items()}
        answer = self.client.get("/_console/data", query_string=query)
        assert answer.status_code == status, answer.text
        return answer.text

    def table(self, number=0, **query):
        return Tables(self.page(**query)).tables[number]

    def cohorts(self, **query):
        """Return the rows of the heat map below its summary, without marks."""
        return [[cell.strip("▲▼") for cell in row] for row in self.table(**query)[4:]]

    def csv(self, **query):
        answer = self.client.get("/_console/data.csv", query_string=query)
        assert answer.content_type == "text/csv; charset=utf-8"
        return list(csv.DictReader(io.StringIO(answer.data.decode(), newline="")))


@pytest.fixture(scope="module")
def console():
    """Return a console of an emulator that no test changes."""
    return Console(Emulator(clock=Clock(NOW)))


def periods(span, count):
    return [last_complete(span, NOW.date()).after(-steps) for steps in range(count)]


@pytest.mark.parametrize("users", ["new", "active"])
@pytest.mark.parametrize("span", ["day", "week", "month"])
def test_heat_map_has_the_numbers_of_the_calls(console, span, users):
    rows = console.cohorts(span=span, users=users, show="number", last=40)
    assert len(rows) == 40
    field = "visit_uv_new" if users == "new" else "visit_uv"
    keys = default_catalogue()[RETAIN[span]].keys(field)
    for row, period in zip(rows, periods(span, 40), strict=True):
        answer = console.call(RETAIN[span], period)
        values = {each["key"]: f"{each['value']:,}" for each in answer[field]}
        assert row[1:] == [values.get(key, "–") for key in keys]


def test_percentages_are_those_of_the_numbers(console):
    numbers = console.cohorts(show="number", last=60)
    percents = console.cohorts(last=60)
    for counted, shown in zip(numbers, percents, strict=True):
        values = [int(each.replace(",", "")) for each in counted[1:] if each != "–"]
        assert shown[1] == counted[1]
        assert shown[2 : len(values) + 1] == [f"{100 * n / values[0]:.1f}" for n in values[1:]]


def test_page_says_what_key_means(console):
    assert "key is the number of days after the day of the row" in console.page()
    assert "weeks after the week" in console.page(span="week")
    assert "months after the month" in console.page(span="month")


def test_reading_changes_nothing():
    console = Console(Emulator(clock=Clock(NOW)))
    console.emulator.configure_app(DEMO_APPID, daily_limits={RETAIN["day"]: 2})
    journal = len(console.emulator.journal)
    console.emulator.faults.add({"kind": "error", "errcode": -1, "times": 1})
    console.emulator.pins.add(
        {
            "api": RETAIN["day"],
            "request": {"begin_date": "20260310", "end_date": "20260310"},
            "responses": [
                {"ref_date": "20260310", "visit_uv_new": [{"key": 0, "value": 7}], "visit_uv": []},
                {"errcode": 61504},
            ],
        }
    )
    for _ in range(2):
        assert console.cohorts(last=365, show="number")[0][1] == "7"
    assert len(console.emulator.journal) == journal
    (fault,) = console.emulator.faults.listed()
    assert fault.describe()["struck"] == 0
    (pin,) = console.emulator.pins.listed()
    assert pin.given == 0
    day = last_complete("day", NOW.date())
    assert console.call(RETAIN["day"], day)["errcode"] == -1
    assert console.call(RETAIN["day"], day)["visit_uv_new"] == [{"key": 0, "value": 7}]
    # The next answer of the pin, and of the page.
    assert "61504" in console.cohorts()[0][1]
    # The quota had both calls, and no reading.
    assert console.call(RETAIN["day"], day)["errcode"] == 61504
    assert console.call(RETAIN["day"], day)["errcode"] == 45009


def test_missing_values_say_why(console):
    titles = Tables(console.page(last=3)).titles[0][4:]
    assert titles[0][2] == "not over: 2026-03-11 Wed ends on 2026-03-11"
    assert titles[1][2].startswith("2026-03-09 Mon, 1 day later: ")
    assert titles[1][3] == "not over: 2026-03-11 Wed ends on 2026-03-11"


def test_day_before_its_hour_is_shown_as_not_ready():
    console = Console(Emulator(clock=Clock(NOW.replace(hour=6)), ready_hour=8))
    tables = Tables(console.page(last=3))
    assert tables.tables[0][4] == ["2026-03-10 Tue", "– 61503 not ready until 8:00"]
    assert tables.titles[0][5][2] == "not ready until 8:00"
    assert console.call(RETAIN["day"], last_complete("day", NOW.date()))["errcode"] == 61503


def test_base_of_zero_users_has_no_percentage(console):
    # WeChat's example of this week has more retained users than users.
    page = console.page(span="week", from_="20170306", to="20170306")
    (row,) = Tables(page).tables[0][4:]
    assert row[:3] == ["2017-03-06 – 03-12", "0", "–"]
    assert "16,853 users, but key 0 has none: no percentage" in page
    assert "1 × documented example" in page


def test_best_and_worst_are_named_and_marked(console):
    page = console.page(last=30)
    rows = Tables(page).tables[0]
    first = {row[0]: float(row[2].strip("▲▼")) for row in rows[4:] if row[2] != "–"}
    best, worst = (pick(first, key=first.get) for pick in (max, min))
    assert f"<dd><strong>{best}</strong>: {first[best]} %</dd>" in page
    assert f"<dd><strong>{worst}</strong>: {first[worst]} %</dd>" in page
    assert rows[2][2] == f"{first[best]}{best[:10]}"
    assert rows[3][2] == f"{first[worst]}{worst[:10]}"
    marked = {row[2][0]: row[0] for row in rows[4:] if row[2][0] in "▲▼"}
    assert marked == {"▲": best, "▼": worst}


@pytest.mark.parametrize("order", ["", "asc"])
def test_rows_sorted_by_a_key_and_those_without_a_value_last(console, order):
    column = [row[2] for row in console.cohorts(sort="1", order=order, last=50)]
    assert column[-1] == "–"
    values = [float(each) for each in column[:-1]]
    assert values == sorted(values, reverse=not order)


def test_link_of_a_column_sorts_by_it_and_then_the_other_way_round(console):
    def link(page):
        head = re.search(r'<th scope="col"([^>]*)><a href="([^"]+)"[^>]*>key 1', page)
        return head[1], head[2].replace("&amp;", "&")

    state, url = link(console.page(last=5, users="active"))
    assert state == ""
    for expected in ("descending", "ascending", "descending"):
        page = console.client.get(url).text
        state, url = link(page)
        assert state == f' aria-sort="{expected}"'
        assert '<option value="active" selected>' in page


def test_dates_sort_newest_and_oldest_first(console):
    newest = [row[0] for row in console.cohorts(last=5)]
    assert newest[0] == "2026-03-10 Tue"
    assert [row[0] for row in console.cohorts(last=5, order="asc")] == newest[::-1]


def test_first_cell_of_a_row_draws_its_curve(console):
    page = console.page(last=5)
    url = re.search(r'<th scope="row"><a href="([^"]+)">2026-03-07', page)[1]
    assert "<text" in page
    drawn = console.client.get(url.replace("&amp;", "&")).text
    assert "<title>2026-03-07 Sat, 1 day later: " in drawn
    assert 'aria-current="true">2026-03-07 Sat</a>' in drawn
    # The link removes it again.
    url = re.search(r'<th scope="row"><a href="([^"]+)" aria-current', drawn)[1]
    assert "pick" not in url


@pytest.mark.parametrize("metric", ["visit_uv", "stay_time_session", "share_uv"])
@pytest.mark.parametrize("span", ["day", "week", "month"])
def test_trends_have_the_numbers_of_the_calls(console, span, metric):
    apis = {
        "day": ("analysis.getDailyVisitTrend", "analysis.getDailySummary"),
        "week": ("analysis.getWeeklyVisitTrend",),
        "month": ("analysis.getMonthlyVisitTrend",),
    }[span]
    rows = console.csv(view="trends", span=span, last=10, metric=metric)
    assert len(rows) == 10
    for row, period in zip(rows, periods(span, 10), strict=True):
        answers = [console.call(api, period)["list"][0] for api in apis]
        expected = {name: str(value) for each in answers for name, value in each.items()}
        assert row == expected
    page = console.page(view="trends", span=span, last=10, metric=metric)
    assert page.count('class="hover"') == 10
    shown = [row[1].replace(",", "") for row in Tables(page).tables[0][1:]]
    assert shown == [row["visit_uv"] for row in rows]


def test_trends_are_sorted_by_a_column(console):
    rows = console.csv(view="trends", sort="visit_pv", last=20)
    assert [int(row["visit_pv"]) for row in rows] == sorted(
        (int(row["visit_pv"]) for row in rows), reverse=True
    )
    assert console.csv(view="trends", order="asc")[-1]["ref_date"] == "20260310"


def test_distribution_has_the_numbers_and_names_of_the_keys(console):
    answer = console.call("analysis.getVisitDistribution", last_complete("day", NOW.date()))
    expected = {
        (each["index"], str(item["key"])): str(item["value"])
        for each in answer["list"]
        for item in each["item_list"]
    }
    rows = console.csv(view="distribution")
    assert {(row["index"], row["key"]): row["value"] for row in rows} == expected
    assert {row["name"] for row in rows} >= {"小程序历史列表", "11-20s", "6-10 页"}
    tables = Tables(console.page(view="distribution")).tables
    assert len(tables) == 4
    assert tables[0][1][:2] == ["1", "小程序历史列表"]
    assert [row[0] for row in tables[2][1:]] == list("12345678")


def test_pages_are_those_of_the_call_in_any_order(console):
    answer = console.call("analysis.getVisitPage", last_complete("day", NOW.date()))
    rows = console.table(view="pages")[1:]
    assert [row[0] for row in rows] == [page["page_path"] for page in answer["list"]]
    assert [row[1].replace(",", "") for row in rows] == [
        str(page["page_visit_pv"]) for page in answer["list"]
    ]
    shares = console.csv(view="pages", sort="page_share_pv", order="asc")
    numbers = [int(row["page_share_pv"]) for row in shares]
    assert numbers == sorted(numbers)
    paths = [row["page_path"] for row in console.csv(view="pages", sort="page_path", order="asc")]
    assert paths == sorted(paths)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_portrait_has_the_numbers_of_the_call(console, days):
    last = last_complete("day", NOW.date()).end
    period = Period("window", last - timedelta(days=days - 1), last)
    answer = console.call("analysis.getUserPortrait", period)["visit_uv"]
    expected = sorted(
        (group, str(each.get("id", "")), each["name"], str(each["value"]))
        for group, items in answer.items()
        for each in items
    )
    rows = console.csv(view="portrait", days=days, users="active")
    found = sorted((row["group"], row["id"], row["name"], row["value"]) for row in rows)
    assert found == expected


def test_portrait_of_an_old_window_is_the_refusal_of_the_call(console):
    assert "61501 date range error" in console.page(view="portrait", to="20260301")


def test_day_without_visits_is_empty(console):
    for view in ("distribution", "pages"):
        assert "An empty answer" in console.page(view=view, to="20160101")
    (row,) = console.table(view="trends", from_="20160101", to="20160101")[1:]
    assert row[1] == "– an empty list: no visits"


def test_day_view_shows_the_newest_day_with_data():
    console = Console(Emulator(clock=Clock(NOW.replace(hour=6)), ready_hour=8))
    assert "<h2>2026-03-09 Mon</h2>" in console.page(view="pages")
    assert "61503 not ready until 8:00" in console.page(view="pages", to="2026-03-10")


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ({"last": 2}, ["2026-03-10 Tue", "2026-03-09 Mon"]),
        ({"last": 2, "to": "2026-03-01"}, ["2026-03-01 Sun", "2026-02-28 Sat"]),
        ({"from": "20260308", "to": "2026-03-09"}, ["2026-03-09 Mon", "2026-03-08 Sun"]),
        ({"from": "2026-03-09"}, ["2026-03-10 Tue", "2026-03-09 Mon"]),
        ({"span": "week", "last": 1}, ["2026-03-02 – 03-08"]),
        ({"span": "week", "from": "20251230", "to": "20260101"}, ["2025-12-29 – 2026-01-04"]),
        ({"span": "month", "from": "20260115"}, ["2026-02", "2026-01"]),
    ],
)
def test_range_of_the_url(console, query, labels):
    answer = console.client.get("/_console/data", query_string=query)
    assert [row[0] for row in Tables(answer.text).tables[0][4:]] == labels


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"to": "2026-03-11"},
            "to: the day of 2026-03-11 is not over; the newest day is 2026-03-10 Tue",
        ),
        ({"span": "week", "from": "20260311"}, "the newest week is 2026-03-02 – 03-08"),
        ({"from": "yesterday"}, "from is a day such as 2026-03-10, not 'yesterday'"),
        ({"from": "0001-01-01"}, "from is a day such as 2026-03-10"),
        ({"to": "9999-12-31", "span": "month"}, "is not over"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "is later than to"),
        ({"from": "2020-01-01"}, "longer than 366 rows"),
        ({"last": "367"}, "last: a number from 1 to 366, not '367'"),
        ({"last": "²"}, "last: a number from 1 to 366"),
        ({"span": "dya"}, "span: day, week, month, not 'dya' (did you mean day?)"),
        ({"appid": "wxother"}, f"appid: {DEMO_APPID}, not 'wxother'"),
        ({"view": "trends", "from": HOSTILE}, "from is a day"),
        ({"view": "pages", "to": "x"}, "to is a day"),
        ({"view": "portrait", "days": "2"}, "days: 1, 7, 30, not '2'"),
    ],
)
def test_mistake_is_said_and_the_form_comes_back_filled_in(console, query, message):
    answer = console.client.get("/_console/data", query_string=query)
    assert answer.status_code == 400
    alert = re.search(r'<p class="alert bad" role="alert">(.*?)</p>', answer.text, re.DOTALL)[1]
    assert message in alert.replace("&#39;", "'")
    assert "<form" in answer.text
    for name in ("from", "to"):
        value = query.get(name)
        if value and value.isascii():
            filled = re.sub(r"(\d{4})(\d\d)(\d\d)", r"\1-\2-\3", value)
            assert f'value="{filled}"' in answer.text
    assert console.client.get("/_console/data.csv", query_string=query).status_code == 400


def test_unknown_sort_order_and_metric_are_the_default(console):
    assert console.cohorts(sort="²") == console.cohorts()
    assert console.cohorts(sort="99", pick="nothing") == console.cohorts()
    page = console.page(view="trends", metric="<b>", sort="<b>")
    assert "<b>" not in page
    assert "(visit_uv)" in page


def test_mini_programs_have_their_own_numbers():
    apps = {DEMO_APPID: DEMO_SECRET, "wx-2": "0" * 32}
    console = Console(Emulator(clock=Clock(NOW), apps=apps))
    assert console.cohorts() != console.cohorts(appid="wx-2")
    assert "<option selected>wx-2</option>" in console.page(appid="wx-2")


def test_own_clock_of_a_mini_program_counts():
    console = Console(Emulator(clock=Clock(NOW)))
    console.emulator.clock_of(DEMO_APPID).freeze("2026-01-05T12:00")
    assert console.cohorts(last=1)[0][0] == "2026-01-04 Sun"


def retention(day, value, **more):
    values = [{"key": 0, "value": 100}, {"key": 1, "value": value}]
    return {"ref_date": day, "visit_uv_new": values, "visit_uv": values, **more}


def recorded(tmp_path, mode, *days):
    """Return the console of an emulator with recordings of some days."""
    found = [
        interaction(RETAIN["day"], {"begin_date": day, "end_date": day}, answer)
        for day, answer in days
    ]
    path = cassette(tmp_path / "recordings" / "one.yaml", *found)
    return Console(Emulator(clock=Clock(NOW), mode=mode, recordings=path))


def test_replayed_recordings_are_shown_and_stay(tmp_path):
    console = recorded(
        tmp_path,
        "replay",
        ("20191015", retention("20191015", 11)),
        ("20191015", retention("20191015", 12)),
        ("20191020", retention("20191020", 30)),
    )
    # Without dates, the recorded days.
    expected = [["2019-10-20 Sun", "100", "30.0"], ["2019-10-15 Tue", "100", "11.0"]]
    assert [row[:3] for row in console.cohorts()] == expected
    assert [row[:3] for row in console.cohorts()] == expected
    period = Period("day", date(2019, 10, 15), date(2019, 10, 15))
    for value in (11, 12):
        assert console.cohorts()[1][2] == f"{value}.0"
        assert console.call(RETAIN["day"], period)["visit_uv"][1]["value"] == value
    # All recordings are used: the page shows the last.
    assert console.cohorts()[1][2] == "12.0"
    assert console.cohorts(**{"from": "20191014", "to": "20191015"})[1][1] == (
        "– no recording of this window"
    )


def test_spied_recordings_come_before_the_simulation(tmp_path):
    console = recorded(tmp_path, "spy", ("20260309", retention("20260309", 77)))
    assert "1 × recording" in console.page(last=2)
    simulated = Console(Emulator(clock=Clock(NOW)))
    rows = console.cohorts(last=2)
    assert rows[1][2] == "77.0"
    assert rows[0] == simulated.cohorts(last=2)[0]


@pytest.mark.parametrize(
    "answer",
    [
        {"errcode": 99999},
        {"errcode": 45009, "errmsg": HOSTILE},
        {"ref_date": HOSTILE, "visit_uv_new": "nothing", "visit_uv": None},
        {"visit_uv_new": [None, 1, {"key": HOSTILE}, {"key": [], "value": 1}, {"value": True}]},
        {"visit_uv_new": [{"key": 0, "value": 10**400}, {"key": 1, "value": -(10**400)}]},
        '{"visit_uv_new": [{"key": 0, "value": NaN}, {"key": 1, "value": Infinity}]}',
        "not JSON at all <b>",
        "[]",
    ],
)
def test_odd_recording_is_shown_harmlessly(tmp_path, answer):
    console = recorded(tmp_path, "replay", ("20191015", answer))
    page = console.page()
    assert "<img" not in page
    assert Tables(page).tables[0][4][0] == "2019-10-15 Tue"
    chart = console.client.get("/_console/data.svg?chart=heat")
    ET.fromstring(chart.data)


@pytest.mark.parametrize("view", ["trends", "pages", "distribution", "portrait"])
def test_hostile_recordings_of_other_views_are_shown_harmlessly(tmp_path, view):
    apis = {
        "trends": "analysis.getDailyVisitTrend",
        "pages": "analysis.getVisitPage",
        "distribution": "analysis.getVisitDistribution",
        "portrait": "analysis.getUserPortrait",
    }
    text = f"=1+1{HOSTILE}"
    number = {"page_path": text, "page_visit_pv": 3, "visit_uv": 3, "visit_pv": HOSTILE}
    answers = {
        "trends": {"list": [number, None]},
        "pages": {"list": [number, {"page_path": 1}, "x"]},
        "distribution": {
            "list": [{"index": text, "item_list": [{"key": text, "value": 1}, {"key": {}}]}, 7]
        },
        "portrait": {"visit_uv_new": {"province": [{"name": text, "value": 2}], "city": 3}},
    }
    day = {"begin_date": "20191015", "end_date": "20191015"}
    path = cassette(
        tmp_path / "recordings" / "one.yaml",
        interaction(apis[view], day, json.dumps(answers[view])),
        interaction("analysis.getDailySummary", day, {"list": [{"share_pv": 1}]}),
    )
    console = Console(Emulator(clock=Clock(NOW), mode="replay", recordings=path))
    page = console.page(view=view, days=1)
    assert "<img" not in page
    assert ("&lt;img" in page) == (view != "trends")
    excel = console.client.get("/_console/data.csv", query_string={"view": view, "excel": 1})
    assert not re.search(rb"(^|,)\"?=1", excel.data, re.MULTILINE)


@pytest.mark.parametrize("mode", ["record", "diff"])
def test_real_service_is_not_asked(tmp_path, mode):
    console = Console(
        Emulator(
            clock=Clock(NOW),
            mode=mode,
            recordings=tmp_path / "recordings",
            upstream="http://127.0.0.1:9",
        )
    )
    simulated = Console(Emulator(clock=Clock(NOW)))
    assert console.cohorts() == simulated.cohorts()
    assert f"In mode {mode} calls get the real service" in console.page()


@pytest.mark.parametrize("view", ["retention", "trends", "distribution", "pages", "portrait"])
def test_each_view_in_both_languages(console, view):
    for language, other in (("en", "zh"), ("zh", "en")):
        answer = console.client.get(
            "/_console/data", query_string={"view": view}, headers={"Accept-Language": language}
        )
        assert answer.status_code == 200
        words = {"en": "Export", "zh": "导出"}
        assert words[language] in answer.text
        assert words[other] not in answer.text


@pytest.mark.parametrize("view", ["retention", "trends", "distribution", "pages", "portrait"])
def test_each_view_is_exported_as_csv(console, view):
    plain = console.client.get("/_console/data.csv", query_string={"view": view})
    assert re.fullmatch(
        r'attachment; filename="[a-z-]+\.csv"', plain.headers["Content-Disposition"]
    )
    excel = console.client.get("/_console/data.csv", query_string={"view": view, "excel": "1"})
    assert excel.data == b"\xef\xbb\xbf" + plain.data


def test_csv_of_retention_has_numbers_and_percentages(console):
    rows = console.csv(last=20, users="active")
    assert rows[0]["key_1"] == rows[0]["percent_1"] == ""
    for row in rows[1:]:
        assert row["users"] == "visit_uv"
        assert float(row["percent_1"]) == round(100 * int(row["key_1"]) / int(row["key_0"]), 4)


@pytest.mark.parametrize(
    ("query", "charts"),
    [
        ({}, ["heat", "curves"]),
        ({"span": "month"}, ["heat"]),
        ({"view": "trends"}, ["trend"]),
        ({"view": "pages"}, []),
    ],
)
def test_charts_are_exported_as_svg(console, query, charts):
    page = console.page(**query)
    urls = re.findall(r'<a class="button quiet" href="([^"]+\.svg[^"]+)" download>', page)
    assert [url.partition("chart=")[2] for url in urls] == charts
    assert re.findall(r'data-png="([^"]+)"', page) == urls
    for url in urls:
        answer = console.client.get(url.replace("&amp;", "&"))
        assert answer.content_type.startswith("image/svg+xml")
        assert ET.fromstring(answer.data).tag == "{http://www.w3.org/2000/svg}svg"


def test_unknown_chart_is_not_found(console):
    assert console.client.get("/_console/data.svg?chart=<b>").status_code == 404


def test_page_with_thousands_of_cells_does_not_load_htmx():
    client = create_app(Emulator(clock=Clock(NOW))).test_client()
    for page in ("data", "data?view=trends"):
        text = client.get(f"/_console/{page}").text
        assert "htmx.min.js" not in text
        assert " hx-get" not in text
        assert " hx-post" not in text
