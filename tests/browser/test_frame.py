"""What all pages share: language and theme, errors, the guard, links by keyboard."""

import pytest
from support.browser import LOOKS, axe, every_look, follow, watched

TITLES = {"en": "Overview", "zh": "概览"}


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])
def test_chosen_language_stays(browser, shop, with_scripts):
    with watched(browser, shop, java_script_enabled=with_scripts) as console:
        page = console.open("/functions")
        follow(page.get_by_role("button", name="中文"))
        assert page.url.endswith("/_console/functions")
        assert page.locator("html").get_attribute("lang") == "zh-CN"
        console.open()
        assert page.locator("[aria-current=page]").inner_text() == TITLES["zh"]
        page.get_by_role("button", name="English").click()
        page.locator("html[lang=en]").wait_for()


def test_theme_follows_the_browser_until_one_is_chosen(console):
    page = console.open()
    page.emulate_media(color_scheme="dark")
    dark = background(page)
    page.emulate_media(color_scheme="light")
    light = background(page)
    assert dark != light
    seen = set()
    for theme in ("light", "dark", "auto"):
        page.locator("button[name=theme]").click()
        page.locator(f"html[data-theme={theme}]").wait_for()
        page.emulate_media(color_scheme="dark" if theme == "light" else "light")
        seen.add((theme, background(page)))
    assert seen == {("light", light), ("dark", dark), ("auto", light)}


@every_look
def test_error_page_fits_and_is_accessible(console, look):
    console.expect_status(404, 403)
    for page in (console.open("/nothing"), with_old_token(console)):
        axe(page)
        assert page.locator("html").evaluate("root => root.scrollWidth") <= look.width
        assert page.locator("main h1").inner_text()


def with_old_token(console):
    page = console.open()
    page.evaluate("document.querySelectorAll('[name=token]').forEach(each => each.value = 'old')")
    follow(page.locator("button[name=theme]"))
    return page


def test_form_of_another_site_changes_nothing(browser, shop):
    fields = '<input name="next" value="/"><input name="theme" value="dark"><button>Go</button>'
    with watched(browser, shop) as console:
        form = f'<!doctype html><form method="post" action="{console.url}/settings">{fields}</form>'
        page = console.page
        page.route(
            "http://example.org/", lambda route: route.fulfill(body=form, content_type="text/html")
        )
        console.expect_site("http://example.org")
        page.goto("http://example.org/")
        console.expect_status(403)
        follow(page.get_by_role("button"))
        assert console.open().locator("html").get_attribute("data-theme") == "auto"


def test_keyboard_alone_leads_to_a_page_past_the_bar(console):
    page = console.open()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.get_by_role("link", name="Functions", exact=True).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/_console/functions")


@pytest.mark.parametrize("language", TITLES)
def test_titles_are_in_the_language(browser, empty, language):
    look = next(look for look in LOOKS if look.language == language)
    with watched(browser, empty, look) as console:
        assert console.open().locator("[aria-current=page]").inner_text() == TITLES[language]


@every_look
def test_open_page_is_seen_in_the_bar(console, look):
    page = console.open("/storage")
    bar, current = (
        page.locator(each).bounding_box() for each in (".bar nav", ".bar [aria-current]")
    )
    assert bar["x"] <= current["x"]
    assert current["x"] + current["width"] <= bar["x"] + bar["width"]
