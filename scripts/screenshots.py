"""Take a picture of each page of the console, in each width and theme, in build/screenshots.

python -m scripts.screenshots [--language en] [--only requests] [--readme]

With --readme, take the two pictures in docs/images.
"""

import argparse
import itertools
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from cloud_openapi.emulator.console.mount import PATH
from scripts.filled import RECORDINGS, SHOP, Served, fill, linked_pages, served

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "screenshots"
IMAGES = ROOT / "docs" / "images"
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
WIDTHS = (360, 1024, 1920)
THEMES = ("light", "dark")
MOST_BYTES = 150_000
# The address that `serve` has by default; it leads to the port that was free.
SHOWN = "127.0.0.1:7070"


def take_all(browser: Browser, pages: dict[str, list[str]], languages: list[str]) -> int:
    """Take a picture of each page, whole, and return their number."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    count = 0
    for language, theme, width in itertools.product(languages, THEMES, WIDTHS):
        with _opened(browser, language, theme, width) as page:
            for endpoint, paths in pages.items():
                for number, path in enumerate(paths, 1):
                    page.goto(f"http://{SHOWN}{path}")
                    name = f"{endpoint}-{number}-{language}-{theme}-{width}.png"
                    page.screenshot(path=FOLDER / name, full_page=True)
                    count += 1
    return count


def take_for_readme(browser: Browser) -> None:
    """Take the pictures of the README: why a call failed, and the retention of a month."""
    with _opened(browser, "en", "light", 1200) as page:
        page.goto(f"http://{SHOWN}{PATH}/requests")
        page.get_by_role("link", name="subscribeMessage.send").first.click()
        page.get_by_role("heading", name="Why it failed").wait_for()
        _take_for_readme(page, "console-requests")
    with _opened(browser, "en", "dark", 1200) as page:
        page.goto(f"http://{SHOWN}{PATH}/data")
        heat = page.locator("table.heat").locator("xpath=ancestor::*[contains(@class, 'card')][1]")
        # The bar stays above what is scrolled.
        heat.evaluate("card => scrollTo(0, card.offsetTop - 56)")
        _take_for_readme(page, "console-data")


def _take_for_readme(page: Page, name: str) -> None:
    place = IMAGES / f"{name}.png"
    page.screenshot(path=place)
    if place.stat().st_size > MOST_BYTES:
        sys.exit(f"{place} has {place.stat().st_size:,} bytes; at most {MOST_BYTES:,} are good")


@contextmanager
def _opened(browser: Browser, language: str, theme: str, width: int) -> Iterator[Page]:
    with browser.new_context(
        locale=LANGUAGES[language],
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": 660},
        reduced_motion="reduce",
    ) as context:
        yield context.new_page()


@contextmanager
def _chromium(emulated: Served) -> Iterator[Browser]:
    path = shutil.which("chromium") or sys.exit("Chromium is missing: apt-get install chromium")
    rule = f"--host-resolver-rules=MAP {SHOWN} {emulated.url.removeprefix('http://')}"
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=[rule]) as browser,
    ):
        yield browser


def main() -> None:
    """Take the pictures that the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", action="append", choices=LANGUAGES, help="repeatable")
    parser.add_argument("--only", action="append", help="an endpoint, such as requests")
    parser.add_argument("--readme", action="store_true", help="write docs/images")
    given = parser.parse_args()
    with served(SHOP, recordings=RECORDINGS) as emulated, _chromium(emulated) as browser:
        fill(emulated)
        if given.readme:
            take_for_readme(browser)
            return
        pages = linked_pages(emulated)
        if unknown := set(given.only or ()) - set(pages):
            parser.error(f"no page {', '.join(unknown)}; there are {', '.join(pages)}")
        wanted = {name: pages[name] for name in given.only or pages}
        print(f"{take_all(browser, wanted, given.language or ['en'])} pictures in {FOLDER}")


if __name__ == "__main__":
    main()
