"""The console: how soon its pages are seen, and what they cost those who call meanwhile."""

import gzip
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial

from playwright.sync_api import Browser, Page, Response, sync_playwright

from cloud_openapi.emulator import Emulator, Entry, create_app
from cloud_openapi.emulator.console.mount import PATH
from cloud_openapi.periods import BEIJING
from scripts.bench.calls import DOCUMENTED_PATH, documented_call
from scripts.bench.load import load
from scripts.bench.measuring import Effort, NotMeasuredError, Samples, alternate
from scripts.bench.servers import emulator

_ROWS, _DAYS = 200, 365
_EVENTS = 5
_SECONDS, _BYTES = 1000, 1000
# The frame after the one in which all has been loaded shows it.
_PAINTED = """
addEventListener("load", () => requestAnimationFrame(() => requestAnimationFrame(
  () => { window.painted = performance.now() })))
"""
# A browser that shows the list, without the work of showing it: it reconnects at each end.
_READER = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
while True:
    with opener.open(sys.argv[1]) as stream:
        stream.readline()
        print(flush=True)
        while stream.readline():
            pass
"""


def first_page(effort: Effort) -> Samples:
    """Measure the seconds until Chromium has painted the first page of a new emulator."""
    return Samples(_first_pages(effort)[0], [])


def landing_page(effort: Effort) -> Samples:
    """Measure the same with an empty cache, once the emulator has made its console."""
    return Samples(list(_seen(effort, "/", "nav", 1)), [])


def first_page_size(effort: Effort) -> Samples:
    """Measure the compressed kilobytes of that page, with all that it loads."""
    return Samples(_first_pages(effort)[1], [])


@cache
def _first_pages(effort: Effort) -> tuple[list[float], list[float]]:
    with _chromium() as browser:
        # The first start does not count: it compiles modules.
        measured = [_first_page(browser) for _ in range(1 + effort.rounds)][1:]
    return [seconds for seconds, _ in measured], [kilobytes for _, kilobytes in measured]


def _first_page(browser: Browser) -> tuple[float, float]:
    answers: list[Response] = []

    def keep(answer: Response) -> None:
        answers.append(answer)

    with emulator() as (url, _), _tab(browser) as page:
        page.on("response", keep)
        seconds = _painted(page, f"{url}{PATH}/")
        return seconds, sum(len(gzip.compress(each.body())) for each in answers) / _BYTES


def heat_map(effort: Effort) -> Samples:
    """Measure the seconds until Chromium has painted the retention of each day of a year."""
    return Samples(list(_seen(effort, f"/data?last={_DAYS}", "table tbody tr", _DAYS)), [])


def _seen(effort: Effort, path: str, part: str, least: int) -> Iterator[float]:
    """Yield the seconds until a page with at least so many parts is seen, the cache empty."""
    with _chromium() as browser, emulator() as (url, _):
        for round_ in range(1 + effort.rounds):
            with _tab(browser) as page:
                seconds = _painted(page, f"{url}{PATH}{path}")
                if page.locator(part).count() < least:
                    raise RuntimeError(f"{path} lacks parts: {part}")
            # The first one does not count: it makes the console.
            if round_:
                yield seconds


def list_time(effort: Effort, size: int) -> Samples:
    """Measure the CPU seconds of the list of requests with ``size`` of them in the journal."""
    emulator = Emulator(journal_size=size)
    for number in range(size):
        emulator.keep(emulator.program(emulator.first_appid), _entry(number))
    client = create_app(emulator).test_client()
    seconds = []
    for _ in range(1 + effort.rounds):
        begun = time.process_time()
        text = client.get(f"{PATH}/requests").text
        seconds.append(time.process_time() - begun)
        if text.count(DOCUMENTED_PATH) + text.count("analysis.getDailyRetain") < _ROWS:
            raise RuntimeError("The list has no rows.")
    return Samples(seconds[1:], [])


def _entry(number: int) -> Entry:
    return Entry(
        time=datetime(2026, 3, 9, tzinfo=BEIJING),
        method="POST",
        path=DOCUMENTED_PATH,
        appid=None,
        body=b'{"begin_date": "20260308", "end_date": "20260308"}',
        errcode=0 if number % 10 else 61501,
        check="simulation",
        apis=("analysis.getDailyRetain",),
        answer=b'{"ref_date": "20260308"}' * 10,
        begun=float(number),
    )


def looked_at(effort: Effort) -> Samples:
    """Measure the calls per second while a page shows each request, and while none does."""
    # Long enough for several events.
    seconds = _EVENTS * effort.seconds
    with emulator("--quiet") as (url, _):
        calls = [documented_call(url)]

        def shown() -> float:
            with _reader(f"{url}{PATH}/events"):
                return load(url, calls, seconds)

        return alternate(effort.rounds, shown, partial(load, url, calls, seconds))


@contextmanager
def _reader(url: str) -> Iterator[None]:
    command = [sys.executable, "-c", _READER, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            if not process.stdout or not process.stdout.readline():
                raise RuntimeError(f"{url} sends nothing")
            yield
        finally:
            process.kill()


@contextmanager
def _chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise NotMeasuredError("Chromium is missing")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program) as browser,
    ):
        yield browser


@contextmanager
def _tab(browser: Browser) -> Iterator[Page]:
    """Yield a page of a browser whose cache is empty."""
    with browser.new_context() as context:
        context.add_init_script(_PAINTED)
        yield context.new_page()


def _painted(page: Page, url: str) -> float:
    """Return the seconds from the request for a page until it is seen."""
    page.goto(url)
    page.wait_for_function("() => window.painted")
    return float(page.evaluate("window.painted")) / _SECONDS
