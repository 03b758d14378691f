"""Reports as text: they fit the width, keep their numbers, and mark what is missing."""

import re
from datetime import date

import click
import pytest
from rich.cells import cell_len
from support.colours import contrast

from cloud_openapi.charts import HEAT_STEPS, chinese, english
from cloud_openapi.cli._report_text import Look, _indexed, report_lines
from cloud_openapi.periods import period_with
from cloud_openapi.reports import Answer, Settings, content, reports

TODAY = date(2026, 3, 11)
KEYS = {"day": (0, *range(1, 8), 14, 30), "week": range(5), "month": range(2)}


def period(span, n):
    return period_with(span, TODAY).after(-n)


def retained(span, n, users):
    """Return an answer with a value for each key whose period is over."""
    window = period(span, n)
    rows = [
        {"key": key, "value": users // (key + 1)}
        for key in KEYS[span]
        if window.after(key).end < TODAY
    ]
    return Answer(window, {"ref_date": window.ref, "visit_uv_new": rows, "visit_uv": rows})


def retention(span="day", users=54321, rows=12, problems=(), **settings):
    answers = [
        retained(span, n, users)._replace(
            **({"problem": problems[n], "body": {}} if n in problems else {})
        )
        for n in range(rows, 0, -1)
    ]
    chosen = Settings("wxdemo000000000000", span, today=TODAY, **settings)
    return content(reports()["retention"], answers, chosen)


def lines(report, width=0, t=english, **look):
    return list(report_lines(report, Look(width, t=t, **look)))


@pytest.mark.parametrize("width", [80, 60, 40])
@pytest.mark.parametrize("t", [english, chinese])
def test_tables_of_retention_fit_the_width(width, t):
    for span in KEYS:
        for show in ("percent", "number"):
            for users in (0, 7, 54321, 98765432):
                report = retention(span, users, show=show, t=t, problems={2: "61503 x " * 30})
                for colours in (False, True):
                    for line in lines(report, width, t, colours=colours):
                        assert cell_len(click.unstyle(line)) <= width, line


def test_at_80_and_60_columns_no_key_is_left_out():
    for width, share in ((80, "50.0"), (60, "50")):
        for t in (english, chinese):
            text = lines(retention(t=t), width, t)
            head = next(line for line in text if "key" in line and " 30" in line)
            assert re.findall(r"\d+", head) == [str(key) for key in KEYS["day"]]
            assert any(share in line for line in text)


def test_numbers_are_those_of_the_answer():
    text = "\n".join(lines(retention(rows=2, show="number", users=1234)))
    newest, older = period("day", 1), period("day", 2)
    assert re.search(rf"{newest.begin} \w+ +1,234 +…( +…)+\n", text)
    assert re.search(rf"{older.begin} \w+ +1,234 +617( +…)+\n", text)
    assert re.search(r"Average +1,234 +617( +…)+\n", text)


def test_percentages_are_of_key_0():
    text = "\n".join(lines(retention(rows=2, users=1000)))
    older = period("day", 2)
    assert re.search(rf"{older.begin} \w+ +1,000 +50\.0( +…)+\n", text)


def test_neighbouring_rows_without_numbers_share_a_line():
    problem = "61503 data not ready"
    text = lines(retention(rows=6, problems={1: problem, 2: problem, 4: "61501 x"}))
    first, last = period("day", 2).begin, period("day", 1).begin
    assert any(re.fullmatch(rf"{first} \w+ – {last} \w+ \(2\) – {problem}", line) for line in text)
    assert any(line.endswith(" – 61501 x") for line in text)


def test_no_colour_without_colours():
    report = retention()
    assert not any("\x1b" in line for line in lines(report, 80))
    assert any("\x1b[" in line for line in lines(report, 80, colours=True))
    plain = list(lines(report, 80))
    coloured = [click.unstyle(line) for line in lines(report, 80, colours=True)]
    # Only the legend of the colours is more.
    assert next(line for line in coloured if line not in plain).startswith(
        "Users that came back, %:"
    )


def test_colours_of_the_terminal_are_readable():
    for step in range(HEAT_STEPS):
        ink, heat = (rgb(_indexed(f"{name}{step}")) for name in ("ink", "heat"))
        assert contrast(ink, heat) >= 4.5, step


def rgb(index):
    """Return a fixed colour of a terminal, by the rule of xterm's 256 colours."""
    if index >= 232:
        parts = [8 + 10 * (index - 232)] * 3
    else:
        cube = index - 16
        parts = [0 if n == 0 else 55 + 40 * n for n in (cube // 36, cube // 6 % 6, cube % 6)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def test_control_characters_of_an_answer_do_not_reach_the_terminal():
    body = {"ref_date": "20260310", "list": [{"page_path": "a\x1b[2J\u202eb", "page_visit_pv": 3}]}
    settings = Settings("wx1", today=TODAY)
    report = content(reports()["pages"], [Answer(period("day", 1), body)], settings)
    for width in (0, 80):
        text = "\n".join(lines(report, width))
        assert "\\x1b[2J\\u202eb" in text
        assert "\x1b" not in text


def test_many_groups_are_cut_at_a_terminal_only():
    items = [{"id": n, "name": f"城市{n}", "value": 100 - n} for n in range(50)]
    users = {
        "city": items,
        "province": [],
        "genders": [],
        "platforms": [],
        "devices": [],
        "ages": [],
    }
    body = {"ref_date": "20260310", "visit_uv_new": users, "visit_uv": {}}
    settings = Settings("wx1", today=TODAY)
    report = content(reports()["portrait"], [Answer(period("day", 1), body)], settings)
    assert "and 30 more: --csv has all" in lines(report, 80)
    assert sum("城市" in line for line in lines(report)) == 50
    for line in lines(report, 60):
        assert cell_len(line) <= 60
    bars = [line.count("█") for line in lines(report, 80) if "█" in line]
    assert bars == sorted(bars, reverse=True)
    assert bars[0] > 0


def test_a_group_with_a_name_alone_has_no_empty_brackets():
    users = {name: [] for name in ("city", "province", "genders", "platforms", "ages")}
    users["devices"] = [{"name": "OPPO R9", "value": 3}]
    body = {"ref_date": "20260310", "visit_uv_new": users, "visit_uv": {}}
    settings = Settings("wx1", today=TODAY)
    report = content(reports()["portrait"], [Answer(period("day", 1), body)], settings)
    assert "OPPO R9 3 100.0 %" in lines(report)


def test_a_grid_too_narrow_names_what_it_leaves_out():
    names = ("session_cnt", "visit_pv", "visit_uv", "visit_uv_new", "stay_time_uv", "visit_depth")
    row = {"ref_date": "20260310", **dict.fromkeys(names, 123456.5)}
    settings = Settings("wx1", today=TODAY)
    report = content(reports()["trend"], [Answer(period("day", 1), {"list": [row]})], settings)
    text = lines(report, 60)
    assert all(cell_len(line) <= 60 for line in text)
    assert "visit_depth" in "\n".join(text)
    assert "Too narrow for" in "\n".join(text)
    assert "Too narrow" not in "\n".join(lines(report, 0))
