from xml.etree import ElementTree as ET

import pytest

from cloud_openapi.charts import Bar, Cohort, Point, bar_table, chinese, curve_svg, trend_svg

KEYS = (0, 1, 7, 30)
COHORTS = [
    Cohort("1", "2026-11-01", {0: 1000, 1: 200, 7: 50, 30: 20}),
    Cohort("2", "2026-11-02", {0: 1000, 1: 100, 7: 70}),
]


def titles(svg):
    return [title.text for title in ET.fromstring(svg).iter("title")]


def test_average_and_picked_cohorts_have_a_point_at_each_key():
    svg = curve_svg(COHORTS, COHORTS[:1], KEYS, caption="")
    assert titles(svg) == [
        "Average, 1 day later: 15.0 %",
        "Average, 7 days later: 6.0 %",
        "Average, 30 days later: 2.0 %",
        "2026-11-01, 1 day later: 20.0 %",
        "2026-11-01, 7 days later: 5.0 %",
        "2026-11-01, 30 days later: 2.0 %",
    ]


def test_points_stand_at_their_values():
    svg = ET.fromstring(curve_svg(COHORTS, COHORTS, KEYS, caption=""))
    points = [(float(c.get("cx")), float(c.get("cy"))) for c in svg.iter("circle")]
    average, one, two = points[:3], points[3:6], points[6:]
    # Days are as far apart as their keys, and higher values are higher.
    assert (average[1][0] - average[0][0]) / (average[2][0] - average[0][0]) == pytest.approx(
        6 / 29, abs=0.01
    )
    assert one[0][1] < average[0][1] < two[0][1]
    assert two[0][1] - average[0][1] == pytest.approx(average[0][1] - one[0][1], abs=0.2)


def test_lines_differ_by_class_and_name():
    svg = ET.fromstring(curve_svg(COHORTS, COHORTS, KEYS, caption="Curves"))
    assert svg.get("aria-label") == "Curves"
    classes = [path.get("class") for path in svg.iter("path")]
    assert [name for name in classes if name.startswith("curve")] == [
        name for n in range(3) for name in (f"curve c{n}",) * 2
    ]
    names = [text.text for text in svg.iter("text") if text.get("class") is None]
    assert names == ["Average", "2026-11-01", "2026-11-02"]


def test_curves_of_numbers_in_chinese():
    svg = curve_svg(COHORTS, (), KEYS, caption="", show="number", t=chinese)
    assert titles(svg)[0] == "平均, 1 天后: 150"


@pytest.mark.parametrize("keys", [(0, 1), (0, 1, 7)])
def test_curves_without_values_are_empty_axes(keys):
    assert titles(curve_svg([], [Cohort("1", "x", {})], keys, caption="")) == []


def test_trend_has_a_line_and_a_title_for_each_number():
    points = [Point("2026-11-01 Sun", 10), Point("2026-11-02 Mon", 12.5), Point("2026-11-03", None)]
    svg = trend_svg([*points, Point("2026-11-04 Wed", 1234567)], caption="")
    assert titles(svg) == [
        "2026-11-01 Sun: 10",
        "2026-11-02 Mon: 12.5",
        "2026-11-03: –",
        "2026-11-04 Wed: 1,234,567",
    ]
    curves = [p.get("d") for p in ET.fromstring(svg).iter("path") if p.get("class") == "curve c0"]
    # A missing number interrupts the line.
    assert [len(curve.split()) for curve in curves] == [4, 3]


@pytest.mark.parametrize("points", [[], [Point("a", None)], [Point("a", 0)]])
def test_trend_of_few_numbers_is_a_chart(points):
    assert len(titles(trend_svg(points, caption=""))) == len(points)


def test_bars_are_as_long_as_their_numbers():
    table = ET.fromstring(bar_table([Bar("1", "男", 30), Bar("2", "<b>女", 10)], caption="c"))
    rows = table.findall("tbody/tr")
    assert [["".join(cell.itertext()) for cell in row] for row in rows] == [
        ["1", "男", "30", "75.0", ""],
        ["2", "<b>女", "10", "25.0", ""],
    ]
    assert [rect.get("width") for rect in table.iter("rect")] == ["100.0%", "33.33%"]


def test_bars_of_nothing():
    table = ET.fromstring(bar_table([Bar("1", "a", 0)], caption=""))
    assert ["".join(cell.itertext()) for cell in table.find("tbody/tr")][2:4] == ["0", "–"]
