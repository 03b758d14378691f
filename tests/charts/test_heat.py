"""The heat map as HTML and as SVG; both are well-formed XML, so that a parser reads them."""

from xml.etree import ElementTree as ET

import pytest

from cloud_openapi.charts import (
    STYLE,
    Cohort,
    HeatLinks,
    chinese,
    heat_svg,
    heat_table,
    svg_document,
)

KEYS = (0, 1, 7)
HOSTILE = '<script>alert("1")</script>&\x00\ud800\u202e'
COHORTS = [
    Cohort("20261101", "2026-11-01", {0: 1000, 1: 200, 7: 50}),
    Cohort("20261102", "2026-11-02", {0: 2000, 1: 100}, {7: "not over: ends on 2026-11-09"}),
    Cohort("20261103", "2026-11-03", {}, problem="61503 data not ready"),
    Cohort("20261104", "2026-11-04", {0: 0, 1: 16853}),
]


def parsed(html):
    return ET.fromstring(f"<div>{html}</div>")


def text(element):
    return "".join(element.itertext())


def rows(table, body=1):
    return [[text(cell) for cell in row] for row in table.findall(".//tbody")[body]]


def test_row_a_cohort_and_column_a_key():
    table = parsed(heat_table(COHORTS, KEYS, caption="Retention"))
    assert text(table.find(".//caption")) == "Retention"
    assert [text(cell) for cell in table.find(".//thead/tr")] == ["Day", "key 0", "key 1", "key 7"]
    assert rows(table) == [
        ["2026-11-01", "1,000", "▲20.0", "5.0"],
        ["2026-11-02", "▲2,000", "▼5.0", "–"],
        ["2026-11-03", "– 61503 data not ready"],
        ["2026-11-04", "▼0", "–", "–"],
    ]


def test_numbers_instead_of_percentages():
    table = parsed(heat_table(COHORTS[:2], KEYS, caption="", show="number"))
    assert rows(table) == [
        ["2026-11-01", "▼1,000", "▲200", "50"],
        ["2026-11-02", "▲2,000", "▼100", "–"],
    ]


def test_summary_names_average_best_and_worst_of_each_key():
    table = parsed(heat_table(COHORTS, KEYS, caption=""))
    assert rows(table, 0) == [
        ["Average", "1,000", "10.0", "5.0"],
        ["▲ Best", "2,0002026-11-02", "20.02026-11-01", "–"],
        ["▼ Worst", "02026-11-04", "5.02026-11-02", "–"],
    ]


def test_each_cell_says_its_numbers_or_why_there_are_none():
    table = parsed(heat_table(COHORTS, KEYS, caption=""))
    titles = [[cell.get("title") for cell in row] for row in table.findall(".//tbody")[1]]
    assert titles == [
        [
            None,
            None,
            "2026-11-01, 1 day later: 200 of 1,000 users, 20.0 %",
            "2026-11-01, 7 days later: 50 of 1,000 users, 5.0 %",
        ],
        [
            None,
            None,
            "2026-11-02, 1 day later: 100 of 2,000 users, 5.0 %",
            "not over: ends on 2026-11-09",
        ],
        [None, None],
        [None, None, "16,853 users, but key 0 has none: no percentage", "no value"],
    ]


def test_colour_is_the_share_also_where_numbers_are_shown():
    percent, number = (
        parsed(heat_table(COHORTS, KEYS, caption="", show=show)) for show in ("percent", "number")
    )
    colours = [[cell.get("class") for cell in row] for row in percent.findall(".//tbody")[1]]
    assert colours[0] == [None, None, "h8", "h0"]
    assert colours[1] == [None, None, "h0", "none"]
    shown = [[cell.get("class") for cell in row] for row in number.findall(".//tbody")[1]]
    assert shown[:2] == colours[:2]


def test_legend_has_the_range_of_each_colour():
    legend = parsed(heat_table(COHORTS, KEYS, caption="")).find("ul")
    steps = [(step.get("class"), step.text) for step in legend.findall(".//span/span")]
    assert (steps[0], steps[-1]) == (("h0", "4–6"), ("h8", "18–20"))


def test_both_languages():
    html = heat_table(COHORTS, KEYS, caption="留存", t=chinese)
    assert "1,000 人中有 200 人，20.0 %" in html
    assert "Best" not in html
    assert "later" not in html


def test_links_sort_and_pick():
    links = HeatLinks(
        {name: f"?a=1&sort={name}" for name in ("date", "0", "1", "7")},
        lambda cohort: f"?a=1&pick={cohort.ref}",
        "1",
        ascending=True,
        picked=frozenset({"20261102"}),
    )
    table = parsed(heat_table(COHORTS, KEYS, caption="", links=links))
    heads = table.findall(".//thead/tr/th")
    assert [head.get("aria-sort") for head in heads] == [None, None, "ascending", None]
    assert heads[2].find("a").get("href") == "?a=1&sort=1"
    picks = [row[0].find("a") for row in table.findall(".//tbody")[1]]
    assert [pick.get("aria-current") for pick in picks] == [None, "true", None, None]
    assert picks[0].get("href") == "?a=1&pick=20261101"


@pytest.mark.parametrize("make", [heat_table, heat_svg])
def test_hostile_text_is_text(make):
    cohort = Cohort(HOSTILE, HOSTILE, {0: 1}, {1: HOSTILE}, short=HOSTILE)
    failed = Cohort(HOSTILE, HOSTILE, {}, problem=HOSTILE)
    html = make([cohort, failed], KEYS, caption=HOSTILE)
    assert "<script" not in html
    html.encode()
    parsed(html)


def test_table_without_cohorts_is_a_table():
    table = parsed(heat_table([], KEYS, caption=""))
    assert rows(table) == []
    assert rows(table, 0)[0] == ["Average", "–", "–", "–"]


def test_svg_has_the_same_numbers_and_is_a_file_of_its_own():
    svg = svg_document(heat_svg(COHORTS, KEYS, caption="Retention"), "a <title>")
    picture = ET.fromstring(svg)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    found = [text(each) for each in picture if each.tag.endswith("}text")]
    assert found[:4] == ["Retention", "key 0", "key 1", "key 7"]
    assert found[4:12] == ["2026-11-01", "1,000", "20.0", "5.0", "2026-11-02", "2,000", "5.0", "–"]
    # An average weights each cohort by its users of key 0, and leaves out a cohort without key 0.
    assert found[-7:] == [
        *("Average", "1,000", "10.0", "5.0"),
        *("key: days later", "from key 1 on, percent of key 0", "– no value"),
    ]
    y = [float(each.get("y")) for each in picture if each.tag.endswith("}text")]
    assert max(y) < float(picture.get("height"))
    # Other programs know no light-dark().
    assert "light-dark" not in svg
    assert "var(" not in svg


def test_svg_names_what_its_columns_and_signs_stand_for():
    cohort = Cohort("20261101", "2026-11-01", {0: 1000}, {1: "not over"}, open=frozenset({1}))
    options = {"caption": "", "span": "month", "show": "number", "t": chinese}
    picture = ET.fromstring(heat_svg([cohort], (0, 1), **options))
    assert [text(each) for each in picture][-5:] == [
        *("平均", "1,000", "–"),
        *("key：之后第几月", "… 尚未结束；– 无数据"),
    ]


def test_rows_are_in_parts_of_which_a_browser_lays_out_those_in_sight():
    cohorts = [Cohort(str(n), f"row {n}", {0: 10, 1: n % 10}) for n in range(60)]
    table = parsed(heat_table(cohorts, KEYS, caption=""))
    parts = table.findall(".//tbody")[1:]
    assert [len(part) for part in parts] == [25, 25, 10]
    labels = [row[0] for n in range(3) for row in rows(table, n + 1)]
    assert labels == [one.label for one in cohorts]


def test_widths_of_columns_have_room_for_the_longest_text():
    wide = [Cohort("1", "2026-11-01 周日", {0: 12345678, 1: 12})]
    for cohorts, classes in ((COHORTS, ["l11", "w7"]), (wide, ["l16", "w12"])):
        found = (
            parsed(heat_table(cohorts, KEYS, caption="", t=chinese)).find(".//table").get("class")
        )
        assert found.split() == ["heat", "cohorts", *classes]
        for name in classes:
            assert f"table.{name} {{" in STYLE
