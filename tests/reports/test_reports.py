"""Reports of documented and recorded bodies: each number shown is one of the body."""

import csv
import io
import json
import subprocess
import sys
from datetime import date, timedelta

import pytest
import resvg_py
from justhtml import JustHTML
from PIL import Image
from support.fonts import needs_chinese_fonts, needs_fonts
from support.paths import SAMPLES

from cloud_openapi import ConfigError
from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.charts import chinese, csv_text, english
from cloud_openapi.periods import Period, parse_day
from cloud_openapi.reports import (
    Answer,
    Bars,
    CohortTable,
    Gap,
    Grid,
    Settings,
    content,
    page_of,
    png_of,
    records,
    reports,
    svg_of,
)

TODAY = date(2026, 3, 11)
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x01\"'&"
# The window of each documented body, and the report that shows it.
DOCUMENTED = {
    "getDailyRetain": ("retention", "day", "20170313", "20170313"),
    "getWeeklyRetain": ("retention", "week", "20170306", "20170312"),
    "getMonthlyRetain": ("retention", "month", "20170201", "20170228"),
    "getDailyVisitTrend": ("trend", "day", "20170313", "20170313"),
    "getWeeklyVisitTrend": ("trend", "week", "20170306", "20170312"),
    "getMonthlyVisitTrend": ("trend", "month", "20170301", "20170331"),
    "getDailySummary": ("summary", "day", "20170313", "20170313"),
    "getVisitDistribution": ("distribution", "day", "20170313", "20170313"),
    "getVisitPage": ("pages", "day", "20170313", "20170313"),
    "getUserPortrait": ("portrait", "day", "20170611", "20170617"),
    "getPerformanceData": ("performance", "day", "20210103", "20210103"),
}


def body_of(name):
    return json.loads((SAMPLES / name).read_text("utf-8"))


def answered(api, body=None, problem=""):
    _, span, begin, end = DOCUMENTED[api]
    first, last = parse_day(begin), parse_day(end)
    span = "window" if span == "day" and first != last else span
    if body is None and not problem:
        body = body_of(f"{api}.response.official-https.json")
    return Answer(Period(span, first, last), body or {}, problem)


def made(api, *answers, **settings):
    name, span, *_ = DOCUMENTED[api]
    given = {"appid": "wx1", "span": span, "today": TODAY, **settings}
    return content(reports()[name], answers or [answered(api)], Settings(**given))


def day(n):
    first = date(2026, 2, 1) + timedelta(days=n)
    return Period("day", first, first)


def plain_values(value):
    """Yield every number of a body, however deep."""
    if isinstance(value, dict):
        value = [each for name, each in value.items() if name not in ("errcode", "count")]
    if isinstance(value, list):
        for each in value:
            yield from plain_values(each)
    elif isinstance(value, int | float):
        yield value


def cells(content_):
    text = csv_text(content_.header, content_.rows).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_every_dated_api_has_a_report():
    catalogue = default_catalogue()
    dated = {name for name, operation in catalogue.items() if operation.rules}
    shown = {each.name for report in reports().values() for each in report.operations.values()}
    assert shown == dated == {f"analysis.{api}" for api in DOCUMENTED}
    for api, (name, span, *_) in DOCUMENTED.items():
        assert reports()[name].operations[span].name == f"analysis.{api}"


def test_rows_have_every_number_of_the_documented_body():
    for api in DOCUMENTED:
        body = body_of(f"{api}.response.official-https.json")
        rows = records(default_catalogue()[f"analysis.{api}"], body)
        values = [value for row in rows for value in row.values()]
        numbers = [value for value in values if isinstance(value, int | float)]
        assert set(plain_values(body)) <= set(numbers), api
        assert not [value for value in values if isinstance(value, dict | list)], api


def test_recorded_retention_keeps_its_numbers_and_its_gaps():
    body = body_of("getDailyRetain.response.recorded-20191015-php.json")
    period = Period("day", date(2019, 10, 15), date(2019, 10, 15))
    for users in ("new", "active"):
        field = {"new": "visit_uv_new", "active": "visit_uv"}[users]
        expected = {row["key"]: row["value"] for row in body[field]}
        shown = made("getDailyRetain", Answer(period, body), users=users)
        (row,) = cells(shown)
        for key in (0, *range(1, 8), 14, 30):
            assert row[f"key_{key}"] == str(expected.get(key, ""))
            if key:
                share = row[f"percent_{key}"]
                assert (share == "") == (key not in expected)
                if share:
                    wanted = 100 * expected[key] / expected[0]
                    assert float(share) == pytest.approx(wanted, abs=1e-4)


def test_keys_that_are_not_over_differ_from_keys_that_the_answer_lacks():
    body = {"ref_date": "20260301", "visit_uv_new": [{"key": 0, "value": 50}], "visit_uv": []}
    window = Period("day", date(2026, 3, 1), date(2026, 3, 1))
    (table,) = made("getDailyRetain", Answer(window, body, asked=date(2026, 3, 4))).sections
    (cohort,) = table.cohorts
    assert cohort.open == {14, 30}
    assert cohort.missing[14] == "not over: 2026-03-15 Sun ends on 2026-03-15"
    assert cohort.missing[1] == "the answer has no key 1"
    assert cohort.missing[3] == (
        "last asked for on 2026-03-04, before it was over: cloud-openapi history sync"
    )
    assert cohort.values == {0: 50}


def test_a_window_that_is_not_ready_is_named_and_never_zero():
    problem = "61503 data not ready"
    for api in DOCUMENTED:
        shown = made(api, answered(api, problem=problem))
        (row,) = cells(shown)
        assert row.pop("problem") == problem
        assert {*row.values()} - {"visit_uv_new", answered(api).period.ref} <= {""}, api
        assert problem in page_of(shown)
        assert shown.data["windows"][0]["answer"] is None
        assert shown.data["windows"][0]["problem"] == problem


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_valid_html_in_one_file_without_scripts(language):
    for api in DOCUMENTED:
        t = {"en": english, "zh": chinese}[language]
        check_page(page_of(made(api, t=t), t), language)


def check_page(page, language):
    # The strict parser raises for each mistake that the HTML standard names.
    root = JustHTML(page, strict=True).root
    assert root.query("html")[0].attrs["lang"] == language
    names = {each.name for each in root.query("*")}
    assert not names & {"script", "link", "img", "iframe", "object"}
    for each in root.query("*"):
        assert not [name for name in each.attrs if name.startswith("on") or name == "src"]
        assert each.attrs.get("href", "#").startswith("#")
    assert "url(" not in page
    assert "@import" not in page


def test_page_shows_hostile_names_as_text():
    body = body_of("getVisitPage.response.official-https.json")
    body["list"][0]["page_path"] = HOSTILE
    page = page_of(made("getVisitPage", answered("getVisitPage", body)))
    root = JustHTML(page, strict=True).root
    assert not root.query("img")
    assert "onerror=alert" in root.query("table")[0].to_text()


def test_csv_names_the_groups_of_a_portrait():
    body = body_of("getUserPortrait.response.official-https.json")
    rows = cells(made("getUserPortrait", users="active"))
    for group, items in body["visit_uv"].items():
        found = [(row["name"], row["value"]) for row in rows if row["group"] == group]
        assert found == [(item["name"], str(item["value"])) for item in items]


def test_distribution_has_wechats_names_of_its_keys():
    names = body_of("getVisitDistribution.key-tables.official.json")
    sections = made("getVisitDistribution").sections
    assert all(isinstance(each, Bars) for each in sections)
    shown = {(bar.key, bar.name) for each in sections for bar in each.bars if bar.name}
    known = {(str(key), name) for table in names.values() for key, name in pairs(table)}
    assert shown
    assert shown <= known


def test_ages_stays_and_depths_keep_their_order():
    ages = [{"id": n, "name": f"age {n}", "value": v} for n, v in ((3, 5), (1, 2), (2, 9), (10, 1))]
    users = {name: [] for name in ("city", "province", "genders", "platforms", "devices")}
    body = {"ref_date": "20260310", "visit_uv_new": {**users, "ages": ages}, "visit_uv": {}}
    shown = made("getUserPortrait", answered("getUserPortrait", body)).sections
    assert [bar.key for bar in shown[0].bars] == ["1", "2", "3", "10"]
    items = [{"key": key, "value": value} for key, value in ((2, 5), (8, 1), (1, 3))]
    body = {"ref_date": "20170313", "list": [{"index": "access_staytime_info", "item_list": items}]}
    (section,) = made("getVisitDistribution", answered("getVisitDistribution", body)).sections
    assert [bar.key for bar in section.bars] == ["1", "2", "8"]


def pairs(table):
    return (
        table.items() if isinstance(table, dict) else ((row["key"], row["name"]) for row in table)
    )


def test_kinds_of_sections():
    kinds = {api: type(made(api).sections[0]) for api in DOCUMENTED}
    retentions = [api for api in DOCUMENTED if api.endswith("Retain")]
    assert all(kinds[api] is CohortTable for api in retentions)
    assert kinds["getVisitPage"] is kinds["getDailySummary"] is Grid
    assert kinds["getUserPortrait"] is kinds["getVisitDistribution"] is Bars
    grid = made("getPerformanceData").sections[0]
    assert [(row.label, row.values) for row in grid.rows] == [
        ("20210103", {"memorydiff": 70.7778, "memory": 314.0}),
        ("20210104", {"memorydiff": 72.0446, "memory": 302.3218}),
    ]


def test_key_is_explained_where_it_is_shown():
    for users in ("new", "active"):
        (note,) = made("getWeeklyRetain", users=users).notes
        assert note.startswith("key is the number of weeks after the week of the row.")
        assert f"all {users} users" in note
        assert note in page_of(made("getWeeklyRetain", users=users))
    assert "key 表示所在行日期之后的第几天" in page_of(made("getDailyRetain", t=chinese), chinese)


@pytest.mark.parametrize(
    "api",
    [
        pytest.param("getDailyRetain", marks=needs_fonts),
        pytest.param("getDailySummary", marks=needs_fonts),
        pytest.param("getUserPortrait", marks=[needs_chinese_fonts, pytest.mark.slow]),
    ],
)
def test_png_is_opened_by_another_library_and_has_the_size_of_the_svg(api):
    shown = made(api)
    with Image.open(io.BytesIO(png_of(shown))) as picture:
        picture.load()
        assert picture.format == "PNG"
        width, height = svg_of(shown).split('width="', 1)[1].split('"')[:3:2]
        assert picture.size == (2 * int(width), 2 * int(height))
        colours = picture.convert("RGB").getcolors(picture.width * picture.height)
        assert len(colours) > 10
        # The paper is white, and the greatest part of it.
        assert max(colours)[1] == (255, 255, 255)


@needs_fonts
def test_heat_map_of_the_png_has_the_deepest_colour_where_most_came_back():
    values = ([100, 10], [100, 90])
    answers = [
        Answer(day(n), {"visit_uv_new": [{"key": k, "value": v} for k, v in enumerate(row)]})
        for n, row in enumerate(values)
    ]
    shown = made("getDailyRetain", *answers)
    with Image.open(io.BytesIO(png_of(shown))) as picture:
        # The column of key 1 begins at 190 + 66, rows at 44 and 66, each pixel is two.
        pixels = [picture.convert("RGB").getpixel((2 * 266, 2 * y)) for y in (56, 78)]
    assert sum(pixels[0]) > sum(pixels[1])
    assert pixels[1] == (0x13, 0x4A, 0x86)


def test_png_without_the_package_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ConfigError, match="resvg-py"):
        png_of(made("getDailyRetain"))


def test_png_without_fonts_says_so(monkeypatch):
    draw = resvg_py.svg_to_bytes
    monkeypatch.setattr(
        resvg_py, "svg_to_bytes", lambda **given: draw(**{**given, "skip_system_fonts": True})
    )
    with pytest.raises(ConfigError, match="characters such as 0, since this machine has no font"):
        png_of(made("getDailyRetain"))
    with pytest.raises(ConfigError, match="characters such as 中"):
        png_of(made("getUserPortrait"))


@needs_fonts
def test_png_without_chinese_fonts_says_so(monkeypatch):
    draw = resvg_py.svg_to_bytes
    latin = subprocess.run(
        ["fc-match", "DejaVu Sans", "--format=%{file}"], capture_output=True, check=True, text=True
    )
    if "DejaVu" not in latin.stdout:
        pytest.skip("the font DejaVu Sans is missing")
    given = {"skip_system_fonts": True, "font_files": [latin.stdout]}
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **more: draw(**more, **given))
    assert png_of(made("getDailyRetain"))
    with pytest.raises(ConfigError, match="characters such as 中"):
        png_of(made("getUserPortrait"))


def test_nothing_to_draw_is_an_error_with_the_reason():
    shown = made("getVisitPage", answered("getVisitPage", problem="61503 data not ready"))
    assert shown.sections == [Gap("2017-03-13 Mon", "61503 data not ready")]
    with pytest.raises(ConfigError, match="nothing to draw: 61503 data not ready"):
        svg_of(shown)


def test_odd_answers_are_shown_without_an_error():
    for api in DOCUMENTED:
        body = body_of(f"{api}.response.official-https.json")
        for name in body:
            for odd in (None, 1, "x", [], [None], [{"key": "a", "value": {}}], {"list": 5}):
                shown = made(api, answered(api, {**body, name: odd}))
                page_of(shown)
                csv_text(shown.header, shown.rows)
