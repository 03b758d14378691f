"""The page of a report in Chromium: opened from the disk, it is accessible and calls nobody."""

from datetime import date

import pytest
from support.browser import axe

from cloud_openapi.charts import chinese, english
from cloud_openapi.cli._emulator_options import EmulatorOptions, moment, transport_to
from cloud_openapi.cli._report_answers import Wanted, ask
from cloud_openapi.history import Clock
from cloud_openapi.reports import Settings, content, page_of, reports


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the files of the pages of reports by name and language."""
    folder = tmp_path_factory.mktemp("reports")
    emulator = EmulatorOptions((), None, moment("2026-03-11T15:00"), None).emulator()
    transport, clock = transport_to(emulator), Clock(emulator.clock.now)
    files = {}
    for language, t in (("en", english), ("zh", chinese)):
        for name in ("retention", "trend", "pages", "portrait"):
            report = reports()[name]
            wanted = Wanted(report.operation, "day", last=2 if name == "portrait" else 40)
            found = ask(wanted, "wx1", transport, clock, t)
            settings = Settings("wx1", today=date(2026, 3, 11), t=t)
            path = folder / f"{name}-{language}.html"
            path.write_text(page_of(content(report, found.answers, settings), t), "utf-8")
            files[name, language] = path
    return files


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_of_a_report_is_accessible_and_loads_nothing(browser, pages, language, theme):
    for (name, of), path in pages.items():
        if of != language:
            continue
        with browser.new_context(color_scheme=theme) as context:
            page = context.new_page()
            requests, messages = [], []
            page.on("request", lambda request, seen=requests: seen.append(request.url))
            page.on("console", lambda message, seen=messages: seen.append(message.text))
            page.goto(path.as_uri())
            assert requests == [path.as_uri()], name
            assert messages == []
            axe(page)
            rows = page.locator("tbody tr")
            assert rows.count() > 5
            assert page.locator("h1").inner_text().endswith("wx1")


def test_colours_of_the_heat_map_follow_the_theme(browser, pages):
    found = {}
    for theme in ("light", "dark"):
        with browser.new_context(color_scheme=theme) as context:
            page = context.new_page()
            page.goto(pages["retention", "en"].as_uri())
            cell = page.locator("td[class^=h]").first
            found[theme] = cell.evaluate("cell => getComputedStyle(cell).backgroundColor")
    assert found["light"] != found["dark"]
