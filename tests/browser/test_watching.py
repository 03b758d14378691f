"""What the fixture ``console`` notices: a test cannot pass beside an error that a user meets."""

import re

import pytest
from support.browser import Console, assert_keyboard_reaches_everything, axe, watched

GOOD = "<!doctype html><html lang=en><title>Good</title><main><h1>Good</h1></main>"
BAD = {
    "<script>1</script>": "error: .*Content Security Policy",
    "<p style='color: red'>": "error: .*Content Security Policy",
    "<img src=http://example.org/a.png>": "request to another host: http://example.org/a.png",
    "<img src=/_console/static/nothing.png>": "status 404: GET .*nothing.png",
    "<script src=/_console/error.js></script>": "error: from the page",
    "<script src=/_console/warning.js></script>": "warning: from the page",
    "<script src=/_console/uncaught.js></script>": "uncaught: thrown by the page",
    "<img src=/_console/dropped.png>": "net::ERR_FAILED: .*dropped.png",
}
SCRIPTS = {
    "error.js": "console.error('from the page')",
    "warning.js": "console.warn('from the page')",
    "uncaught.js": "throw new Error('thrown by the page')",
    "invisible.js": "document.querySelector('a').style.outline = 'none'",
    "trap.js": "addEventListener('keydown', event => event.preventDefault())",
}
POLICY = "default-src 'none'; script-src 'self'; img-src *"


def shown(console: Console, body, status=200):
    """Let the console's address show a page of this test."""

    def answer(route):
        name = route.request.url.rpartition("/")[2]
        if name == "shown":
            headers = {"Content-Type": "text/html", "Content-Security-Policy": POLICY}
            route.fulfill(body=GOOD + body, status=status, headers=headers)
        elif name in SCRIPTS:
            route.fulfill(body=SCRIPTS[name], content_type="text/javascript")
        elif name == "dropped.png":
            route.abort()
        else:
            route.continue_()

    console.page.route("**", answer)
    return console.open("/shown")


@pytest.mark.parametrize("body", BAD)
def test_problem_of_a_page_fails_the_test(browser, empty, body):
    with pytest.raises(AssertionError, match=BAD[body]), watched(browser, empty) as console:
        shown(console, body)


@pytest.mark.parametrize("status", [404, 500])
def test_status_fails_the_test_unless_it_is_expected(browser, empty, status):
    with (
        pytest.raises(AssertionError, match=f"status {status}: GET"),
        watched(browser, empty) as console,
    ):
        shown(console, "", status)
    with watched(browser, empty) as console:
        console.expect_status(status)
        shown(console, "", status)


def test_expected_status_that_did_not_come_fails_the_test(browser, empty):
    with (
        pytest.raises(AssertionError, match="no answer with status 400"),
        watched(browser, empty) as console,
    ):
        console.expect_status(400)


def test_good_page_passes_and_axe_sees_what_is_not_accessible(browser, empty):
    with watched(browser, empty) as console:
        axe(shown(console, ""))
        page = shown(console, "<img src=/_console/static/icon.svg>")
        with pytest.raises(AssertionError, match=re.escape("image-alt (critical)")):
            axe(page)


@pytest.mark.parametrize(
    ("script", "problem"),
    [("invisible.js", "nothing shows the focus of"), ("trap.js", "Tab does not reach")],
)
def test_keyboard_that_fails_is_noticed(browser, empty, script, problem):
    links = "<a href=/_console/>One</a> <button>Two</button>"
    with watched(browser, empty) as console:
        assert_keyboard_reaches_everything(shown(console, links))
        page = shown(console, f"{links}<script src=/_console/{script}></script>")
        with pytest.raises(AssertionError, match=problem):
            assert_keyboard_reaches_everything(page)
