"""Every page of the console, in each language, theme and width, empty and full."""

from itertools import chain

import pytest
from support.browser import (
    LOOKS,
    PLAIN,
    Look,
    assert_keyboard_reaches_everything,
    columns_of_rows,
    every_look,
    violations,
    watched,
)

from cloud_openapi.emulator.console.mount import PATH
from scripts.filled import linked_pages, served, url_map_of

# No link leads there: parts and files of pages, the stream of events, and the result of a run that
# was too long for its page.
NOT_LINKED = {
    "charts_css",
    "data_csv",
    "data_svg",
    "events",
    "export_collection",
    "file_content",
    "overview_live",
    "request_answer",
    "result",
    "static",
}
# All languages, themes and widths in two looks, which see more of the pages than the others.
CONTRARY = LOOKS[0], LOOKS[-1]
LANGUAGES = {"en": "en", "zh": "zh-CN"}
each_state = pytest.mark.parametrize("state", ["empty", "full"])


@pytest.fixture
def opened(request, browser):
    """Return a function that opens each page of a state, and gives the pages one by one."""

    def opened(state, look=PLAIN, most=1, **options):
        emulated = request.getfixturevalue(state)
        pages = linked_pages(emulated, most)
        with watched(browser, emulated, look, **options) as console:
            for path in chain.from_iterable(pages.values()):
                yield console.open(path.removeprefix(PATH))

    return opened


def test_links_lead_to_every_page(full):
    rules = url_map_of(full).iter_rules()
    gets = {rule.endpoint for rule in rules if "GET" in rule.methods}
    assert set(linked_pages(full)) == gets - NOT_LINKED


def misfits(page, look):
    """Return what is wrong with how a page looks, a line for each."""
    lines = violations(page)
    root = page.locator("html")
    width = root.evaluate("root => root.scrollWidth")
    if width > look.width:
        lines.append(f"{page.url} is {width} pixels wide")
    if root.get_attribute("lang") != LANGUAGES[look.language]:
        lines.append(f"{page.url} is in another language")
    if page.locator("main h1").count() != 1:
        lines.append(f"{page.url} has not one heading")
    return lines


@each_state
@every_look
def test_page_has_no_problem_and_fits(opened, state, look):
    most = 5 if look in CONTRARY else 1
    found = {page.url: misfits(page, look) for page in opened(state, look, most)}
    assert len(found) >= 7
    assert_nothing_is_in(found)


@pytest.mark.parametrize("look", CONTRARY, ids=str)
def test_hostile_content_is_shown_and_does_nothing(opened, look):
    found = {}
    for page in opened("hostile", look, most=5):
        found[page.url] = misfits(page, look)
        if not page.evaluate("window.struck === undefined"):
            found[page.url].append(f"{page.url} ran a foreign script")
    assert_nothing_is_in(found)


def assert_nothing_is_in(found):
    lines = list(chain.from_iterable(found.values()))
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", ["empty", "full", "hostile"])
def test_tables_need_no_scrolling_on_a_phone(opened, state, language):
    widths = "each => each.map(one => [one.scrollWidth, one.clientWidth])"
    found = {
        page.url: page.locator(".scroll").evaluate_all(widths)
        for page in opened(state, Look(language=language, width=360), most=5)
    }
    assert any(found.values())
    assert {url: all_ for url, all_ in found.items() if any(x > y for x, y in all_)} == {}


@pytest.mark.parametrize("state", ["full", "hostile"])
def test_screen_readers_find_each_cell_of_a_table_in_its_column_on_a_phone(opened, state):
    found = {
        page.url: columns_of_rows(page, "folded") for page in opened(state, Look(width=360), most=5)
    }
    assert any(found.values())
    uneven = {
        url: tables for url, tables in found.items() if any(len(set(rows)) != 1 for rows in tables)
    }
    assert uneven == {}


@each_state
@pytest.mark.parametrize("width", [360, 1024])
def test_keyboard_reaches_everything(opened, state, width):
    for page in opened(state, Look(width=width)):
        assert_keyboard_reaches_everything(page)


@each_state
def test_page_has_its_content_without_javascript(opened, state):
    for page in opened(state, java_script_enabled=False):
        assert page.locator("main h1").count() == 1, page.url


CATCHING = """
from cloud_openapi import cloud

cloud.init()


def main(event, context):
    try:
        cloud.openapi.analysis.getDailyRetain({})
    except Exception:
        return "caught"
"""


@pytest.fixture(scope="module")
def catching(tmp_path_factory):
    """Serve an emulator whose function caught a failure."""
    project = tmp_path_factory.mktemp("catching")
    folder = project / "cloudfunctions" / "catching"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text(CATCHING)
    with served(project) as emulated:
        emulated.invoke("catching", {})
        yield emulated


@pytest.mark.parametrize("look", CONTRARY, ids=str)
def test_mark_of_a_failure_inside_has_no_problem_and_fits(browser, catching, look):
    (ended,) = catching.functions.ended
    with watched(browser, catching, look) as console:
        for path in ("/requests", f"/traces/{ended.invocation}", "/functions/catching"):
            page = console.open(path)
            assert page.locator(".inside").first.is_visible()
            assert misfits(page, look) == []
