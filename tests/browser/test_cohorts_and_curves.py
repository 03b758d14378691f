"""The Data page in Chromium: hovering, sorting, exporting, zooming."""

import base64
import csv
import io
import re

import pytest
from support.browser import PLAIN, Look, axe, every_look, follow, watched

from cloud_openapi.demo import DEMO_APPID

VIEWS = ["retention", "trends", "distribution", "pages", "portrait"]
THEMES = [Look(theme=theme) for theme in ("light", "dark")]
PNG = b"\x89PNG\r\n\x1a\n"


def column(page, number):
    """Return the texts of a column of the heat map below its summary, also of rows out of sight."""
    rows = page.locator("table.heat tbody:not(.summary) tr")
    return rows.locator(f"xpath=./*[{number}]").all_text_contents()


def size_of(png):
    assert png.startswith(PNG)
    return tuple(int.from_bytes(png[n : n + 4]) for n in (16, 20))


def downloaded(page, control):
    with page.expect_download() as event:
        control.click()
    return event.value.suggested_filename, event.value.path().read_bytes()


@every_look
@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_accessible_and_fits(filled_console, look, view):
    page = filled_console.open(f"/data?view={view}")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width


@pytest.mark.parametrize("look", THEMES, ids=str)
@pytest.mark.parametrize("query", ["last=365&users=active&show=number", "span=week", "span=month"])
def test_heat_map_of_a_year_is_accessible(filled_console, query):
    axe(filled_console.open(f"/data?{query}"))


def test_best_first_day_is_found_by_one_click(filled_console):
    page = filled_console.open("/data?last=90")
    follow(page.get_by_role("link", name="key 1", exact=True))
    best = page.locator("dl.facts dd strong").first.inner_text()
    assert column(page, 1)[0] == best
    values = [float(text.strip("▲▼ ")) for text in column(page, 2 + 1) if text != "–"]
    assert values == sorted(values, reverse=True)
    assert page.locator("table.heat th[aria-sort]").get_attribute("aria-sort") == "descending"
    page.go_back()
    assert column(page, 1)[0] != best


def test_hovering_shows_the_numbers(filled_console):
    page = filled_console.open("/data")
    cell = page.locator("table.heat tbody:not(.summary) tr").nth(5).locator("td").nth(1)
    cell.hover()
    assert re.fullmatch(
        r"2026-03-03 Tue, 1 day later: [\d,]+ of [\d,]+ users, [\d.]+ %",
        cell.get_attribute("title"),
    )
    point = page.locator("svg.chart circle").first
    point.hover()
    assert point.locator("title").text_content().startswith("Average, 1 day later: ")


def test_curve_of_a_row_is_drawn_by_keyboard(filled_console):
    page = filled_console.open("/data?last=10")
    page.get_by_role("link", name="2026-03-03 Tue").press("Enter")
    page.wait_for_url("**pick=20260303**")
    assert page.locator("svg.chart path.curve.c1").count() == 2
    assert page.locator("svg.chart text", has_text="2026-03-03 Tue").is_visible()
    follow(page.get_by_role("link", name="Draw the best and the worst"))
    assert "pick" not in page.url


def test_form_chooses_the_range(filled_console):
    page = filled_console.open("/data")
    page.get_by_label("or from").fill("2026-02-01")
    page.get_by_label("up to").fill("2026-02-05")
    page.get_by_label("Users", exact=True).select_option("active")
    page.get_by_label("Values").select_option("number")
    follow(page.get_by_role("button", name="Show"))
    assert "from=2026-02-01" in page.url
    assert [text[:10] for text in column(page, 1)] == [f"2026-02-0{day}" for day in range(5, 0, -1)]
    assert page.get_by_label("Users", exact=True).input_value() == "active"
    follow(page.get_by_role("link", name="Weeks"))
    assert len(column(page, 1)) == 12
    page.get_by_label("or from").select_option(label="2026-02-02 – 02-08")
    follow(page.get_by_role("button", name="Show"))
    assert column(page, 1)[-1] == "2026-02-02 – 02-08"


def test_browser_refuses_a_day_that_is_not_over(filled_console):
    page = filled_console.open("/data")
    page.get_by_label("up to").fill("2026-03-09")
    page.get_by_role("button", name="Show").click()
    assert page.locator("#data-to").evaluate("field => field.validity.rangeOverflow")
    assert "to=" not in page.url


def test_mistake_in_the_url_is_said_beside_the_form(filled_console):
    filled_console.expect_status(400)
    page = filled_console.open("/data?from=yesterday&users=active")
    assert "from is a day such as 2026-03-08" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("or from").input_value() == "yesterday"
    assert page.get_by_label("Users", exact=True).input_value() == "active"
    axe(page)


def test_head_and_first_column_stay_in_sight(filled_console):
    page = filled_console.open("/data?last=365")
    region = page.locator(".heat-scroll")
    region.evaluate("region => region.scrollTo(300, 4000)")
    place = region.bounding_box()
    head = page.locator("table.heat thead th").nth(3).bounding_box()
    assert abs(head["y"] - place["y"]) <= 2
    first = page.locator("table.heat tbody:not(.summary) th").nth(180).bounding_box()
    assert abs(first["x"] - place["x"]) <= 2


@pytest.mark.parametrize("look", THEMES, ids=str)
def test_pictures_are_downloaded(filled_console):
    page = filled_console.open("/data?last=30")
    name, content = downloaded(page, page.get_by_role("button", name="Heat map PNG"))
    assert (name, size_of(content)) == ("retention-day-new-heat.png", (1732, 1616))
    name, content = downloaded(page, page.get_by_role("button", name="Curves PNG"))
    assert name == "retention-day-new-curves.png"
    assert size_of(content)[0] == 1520
    # Not an empty picture: the colours of the lines are in it.
    colours = page.evaluate(
        """async (base64) => {
          const image = new Image();
          image.src = `data:image/png;base64,${base64}`;
          await image.decode();
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.width, image.height];
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          const found = new Set();
          for (let n = 0; n < data.length; n += 4) found.add(data.slice(n, n + 4).join());
          return [...found];
        }""",
        base64.b64encode(content).decode(),
    )
    assert {"255,255,255,255", "11,104,71,255", "31,111,178,255"} <= set(colours)


def test_picture_of_a_year_fits_into_a_canvas(filled_console):
    page = filled_console.open("/data?last=365")
    _, content = downloaded(page, page.get_by_role("button", name="Heat map PNG"))
    width, height = size_of(content)
    assert width >= 866
    assert height <= 16384


def test_files_are_downloaded_without_javascript(browser, full):
    with watched(browser, full, PLAIN, java_script_enabled=False) as console:
        page = console.open("/data?last=5")
        name, content = downloaded(page, page.get_by_role("link", name="Heat map SVG"))
        assert name == "retention-day-new-heat.svg"
        assert content.startswith(b"<svg xmlns=")
        name, content = downloaded(page, page.get_by_role("link", name="CSV", exact=True))
        rows = list(csv.reader(io.StringIO(content.decode())))
        assert (name, len(rows)) == ("retention-day-new.csv", 6)
        assert page.get_by_role("button", name="Heat map PNG").count() == 0
        # Sorting is a link.
        follow(page.get_by_role("link", name="key 1", exact=True))
        assert column(page, 1)[-1] == "2026-03-08 Sun"


@pytest.mark.parametrize("look", THEMES, ids=str)
def test_trend_is_zoomed_by_dragging(filled_console):
    page = filled_console.open("/data?view=trends&last=365")
    chart = page.locator(".uplot")
    assert chart.is_visible()
    assert not page.locator("svg.chart").is_visible()
    over = page.locator(".u-over")
    place = over.bounding_box()
    page.mouse.move(place["x"] + place["width"] * 0.5, place["y"] + 50)
    values = page.locator(".u-legend .u-value").all_inner_texts()
    assert re.fullmatch(r"202[56]-\d\d-\d\d", values[0])
    middle = values[0]
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.6, place["y"] + 50, steps=5)
    page.mouse.up()
    page.mouse.move(place["x"] + place["width"] * 0.05, place["y"] + 50)
    # The left end shows now what was in the middle.
    assert page.locator(".u-legend .u-value").first.inner_text() >= middle
    axe(page)


def test_trend_without_the_script_is_a_picture(browser, full):
    with watched(browser, full, PLAIN, java_script_enabled=False) as console:
        page = console.open("/data?view=trends&last=30")
        assert page.locator("svg.chart").is_visible()
        assert page.locator("svg.chart rect.hover").count() == 30


def test_mini_program_is_chosen(filled_console):
    page = filled_console.open("/data")
    before = column(page, 2)
    page.get_by_label("Mini program").select_option("wxshop0000000001")
    follow(page.get_by_role("button", name="Show"))
    assert "appid=wxshop0000000001" in page.url
    assert column(page, 2) != before
    assert DEMO_APPID in page.get_by_label("Mini program").inner_text()
