"""The console in Chromium: what a user sees, and everything that goes wrong meanwhile."""

import shutil
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from support.paths import ROOT, TESTS

from cloud_openapi.emulator.console.mount import PATH

AXE = TESTS / "node" / "node_modules" / "axe-core" / "axe.min.js"
VENDOR = ROOT / "cloud_openapi" / "emulator" / "console" / "static" / "vendor"
# Neither the browser itself nor a page finds another host than this machine's address.
ARGUMENTS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
_LOCALES = {"en": "en-US", "zh": "zh-CN"}
# Chromium's own line for a status, which the response shows already.
_STATUS_LINE = "Failed to load resource: the server responded with a status of"
# The page itself has ended a request, by another one or by a download.
_ENDED = "net::ERR_ABORTED"


class Look(NamedTuple):
    """How a user has set the browser."""

    language: str = "en"
    theme: str = "light"
    width: int = 1024

    def __str__(self):
        return f"{self.language}-{self.theme}-{self.width}"


PLAIN = Look()
LOOKS = [
    Look(language, theme, width)
    for language in ("en", "zh")
    for theme in ("light", "dark")
    for width in (360, 1024)
]
every_look = pytest.mark.parametrize("look", LOOKS, ids=str)
"""Mark of a test that uses the fixture ``console``: it runs with each `Look`."""


class Console:
    """The console in a tab of the browser. ``page`` is Playwright's."""

    def __init__(self, context, served):
        self.served = served
        self.emulator = served.emulator
        self.functions = served.functions
        self.url = served.url + PATH
        self._hosts = (served.url + "/", "data:", "blob:")
        self._refused = set()
        self._seen = set()
        self._problems = []
        self._watch(context)
        self.page = context.new_page()

    def open(self, path="/"):
        """Open a page by its path within the console, and return Playwright's page."""
        self.page.goto(self.url + path)
        return self.page

    def expect_status(self, *statuses):
        """Accept answers of these statuses from now on: the test provokes them."""
        self._refused.update(statuses)

    def expect_site(self, url):
        """Accept requests to another site, whose answers the test makes."""
        self._hosts = (*self._hosts, url)

    def problems(self):
        """Return what a user would not have wanted to happen, a line for each."""
        # Events that have arrived are handled during a call.
        self.page.evaluate("null")
        absent = [f"no answer with status {each}" for each in sorted(self._refused - self._seen)]
        return self._problems + absent

    def _watch(self, context):
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._problems.append(f"uncaught: {error.error}"))
        context.on("request", self._on_request)
        context.on("requestfailed", self._on_failed)
        context.on("response", self._on_response)

    def _on_console(self, message):
        if message.type in ("error", "warning") and not message.text.startswith(_STATUS_LINE):
            self._problems.append(f"{message.type}: {message.text}")

    def _on_request(self, request):
        if not request.url.startswith(self._hosts):
            self._problems.append(f"request to another host: {request.url}")

    def _on_failed(self, request):
        if request.failure != _ENDED:
            self._problems.append(f"{request.failure}: {request.url}")

    def _on_response(self, response):
        if response.status in self._refused:
            self._seen.add(response.status)
        elif response.status >= 400:
            self._problems.append(
                f"status {response.status}: {response.request.method} {response.url} "
                f"(a test that provokes it calls console.expect_status)"
            )


@contextmanager
def watched(browser, served, look=PLAIN, **options):
    """Open a `Console`, and raise AssertionError at the end for its problems."""
    context = browser.new_context(
        locale=_LOCALES[look.language],
        color_scheme=look.theme,
        viewport={"width": look.width, "height": 800},
        reduced_motion="reduce",
        **options,
    )
    try:
        console = Console(context, served)
        yield console
        problems = console.problems()
    finally:
        context.close()
    assert not problems, "\n".join(problems)


def chromium():
    """Return the path of the system's Chromium; skip the test if it or a script is missing."""
    if not (VENDOR / "htmx.min.js").is_file():
        pytest.skip("htmx is missing: python scripts/vendor")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    return path


def follow(control):
    """Click a link or a button, and wait until the page to which it leads is whole."""
    with control.page.expect_navigation():
        control.click()


def axe(page):
    """Assert that axe-core finds no violation in a page."""
    lines = violations(page)
    assert not lines, "\n".join(lines)


def violations(page):
    """Return the violations that axe-core finds in a page, a line for each."""
    if not AXE.is_file():
        pytest.skip("axe-core is missing: npm ci --prefix tests/node")
    page.wait_for_load_state()
    # The debugger evaluates it, to which the page's policy does not apply.
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{page.url} {each['id']} ({each['impact']}): {node['target']}: {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


_CELLS = {"td": {"cell"}, "th": {"columnheader", "rowheader"}}


def columns_of_rows(page, name):
    """Return the number of columns that each row of the tables of a class has for screen readers.

    There is a list for each table, from Chromium's accessibility tree.
    """
    session = page.context.new_cdp_session(page)
    document = session.send("DOM.getDocument", {"depth": -1})["root"]
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    roles = {node["backendDOMNodeId"]: node["role"]["value"] for node in nodes if _is_shown(node)}

    def columns(row):
        cells = [each for tag in _CELLS for each in _elements(row, tag)]
        assert roles.get(row["backendNodeId"]) == "row"
        return sum(
            int(_attributes(each).get("colspan", 1))
            for each in cells
            if roles.get(each["backendNodeId"]) in _CELLS[each["localName"]]
        )

    tables = [
        each
        for each in _elements(document, "table")
        if name in _attributes(each).get("class", "").split() and each["backendNodeId"] in roles
    ]
    assert all(roles[each["backendNodeId"]] == "table" for each in tables)
    return [list(map(columns, _elements(each, "tr"))) for each in tables]


def _is_shown(node):
    return not node["ignored"] and "backendDOMNodeId" in node


def _attributes(node):
    given = node.get("attributes", [])
    return dict(zip(given[::2], given[1::2], strict=True))


def _elements(node, tag):
    """Yield the elements inside a node of the DOM that have a tag."""
    for child in node.get("children", ()):
        if child["localName"] == tag:
            yield child
        yield from _elements(child, tag)


_FOLLOW_FOCUS = """() => {
  window.reached = new Set();
  window.invisible = [];
  document.addEventListener('focusin', ({target}) => {
    reached.add(target);
    const {outlineStyle, boxShadow} = getComputedStyle(target);
    if (outlineStyle === 'none' && boxShadow === 'none') invisible.push(target.outerHTML);
  });
}"""
_CONTROLS = """() => [...document.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter(each =>
  !each.disabled && each.tabIndex >= 0 && each.checkVisibility({visibilityProperty: true}) &&
  // Arrows move within a group of radio buttons.
  !(each.type === 'radio' && (!each.checked || reached.has(each))))"""


def assert_keyboard_reaches_everything(page):
    """Press Tab until each control had the focus, and assert that it was seen to have it."""
    page.evaluate(_FOLLOW_FOCUS)
    controls = page.evaluate(f"({_CONTROLS})().length")
    # A date takes a Tab each for year, month, day and the button of its calendar.
    for _ in range(controls + 3 * page.locator("input[type=date]").count() + 1):
        page.keyboard.press("Tab")
    left = page.evaluate(
        f"({_CONTROLS})().filter(each => !reached.has(each)).map(each => each.outerHTML)"
    )
    assert not left, f"{page.url}: Tab does not reach {left}"
    invisible = page.evaluate("invisible")
    assert not invisible, f"{page.url}: nothing shows the focus of {invisible}"
