"""Fixtures of the tests in Chromium. Each test of this folder has the mark ``browser``."""

from pathlib import Path

import pytest
from support.browser import ARGUMENTS, PLAIN, chromium, watched
from support.hostile import attack, write_functions

from scripts.filled import RECORDINGS, SHOP, fill, served


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser():
    """Start the browser of this process."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is missing: pip install playwright"
    )
    path = chromium()
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def look():
    """Return the settings of the browser; `every_look` gives each of them."""
    return PLAIN


@pytest.fixture
def shop():
    """Serve an emulator with the functions of tests/samples/shop, at which nothing happened."""
    with served(SHOP) as emulated:
        yield emulated


@pytest.fixture
def console(browser, shop, look):
    """Open the console, whose problems fail the test at its end. ``served`` is ``shop``."""
    with watched(browser, shop, look) as console:
        yield console


@pytest.fixture
def filled_console(browser, full, look):
    """Open the console of ``full``. Tests only look at it."""
    with watched(browser, full, look) as console:
        yield console


@pytest.fixture(scope="session")
def full():
    """Serve an emulator in which something has happened. Tests only look at it."""
    with served(SHOP, recordings=RECORDINGS) as emulated:
        fill(emulated)
        yield emulated


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """Serve an emulator to which hostile programs have talked. Tests only look at it."""
    project = tmp_path_factory.mktemp("hostile")
    write_functions(project)
    with served(project) as emulated:
        attack(emulated)
        yield emulated


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """Serve an emulator without functions, at which nothing happened. Tests only look at it."""
    with served(tmp_path_factory.mktemp("empty")) as emulated:
        yield emulated
