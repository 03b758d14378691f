"""cloud-openapi ui: the console of a running emulator, in the browser."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from support.processes import WAIT

from cloud_openapi.emulator import Access, Emulator, Server, create_app, listen

COMMAND = Path(sys.executable).with_name("cloud-openapi")
DESKTOP = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def url():
    with Server(create_app(Emulator()), listen("127.0.0.1", 0)) as server:
        yield server.url


@pytest.fixture
def browser(tmp_path):
    """Return the variables of a browser, a program that writes the address to a file."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
    program.chmod(0o700)
    return {"BROWSER": str(program)}


def ui(*arguments, **variables):
    kept = {name: text for name, text in os.environ.items() if name not in DESKTOP}
    return subprocess.run(
        [COMMAND, "ui", *arguments],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )


def test_browser_opens_the_console(url, browser, tmp_path):
    ran = ui("--url", url, **browser)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{url}/_console/\n", "")
    opened = (tmp_path / "opened").read_text().strip()
    assert opened == f"{url}/_console/"
    with OPENER.open(opened, timeout=WAIT) as page:
        assert page.headers["Content-Type"].startswith("text/html")


def test_print_opens_nothing(url, browser, tmp_path):
    ran = ui("--print", CLOUD_OPENAPI_BASE_URL=f"{url}/", **browser)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{url}/_console/\n", "")
    assert not (tmp_path / "opened").exists()


def test_terminal_without_a_desktop_gets_the_address(url):
    ran = ui("--url", url)
    assert (ran.returncode, ran.stdout) == (0, f"{url}/_console/\n")
    assert ran.stderr == "No browser was found here: open this address in one.\n"


def test_browser_that_cannot_be_started_is_reported(url):
    ran = ui("--url", url, BROWSER="/nowhere/browser")
    assert (ran.returncode, ran.stdout) == (0, f"{url}/_console/\n")
    assert "open this address" in ran.stderr


def test_without_an_emulator_the_command_that_starts_one_is_named(browser, tmp_path):
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    ran = ui("--url", f"http://127.0.0.1:{port}", **browser)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert "start one with cloud-openapi serve" in ran.stderr
    assert not (tmp_path / "opened").exists()


def test_another_program_is_not_opened(httpserver, browser, tmp_path):
    httpserver.expect_request("/healthz").respond_with_json({"status": "ok"})
    ran = ui("--url", httpserver.url_for(""), **browser)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "is not an emulator" in ran.stderr
    assert not (tmp_path / "opened").exists()


def test_emulator_that_only_its_own_machine_controls_is_found():
    """As one in a container, whose console asks for a password."""
    app = create_app(Emulator(), access=Access(wide=True, console_password="p"))

    def far(environ, start):
        return app({**environ, "REMOTE_ADDR": "172.17.0.1"}, start)

    with Server(far, listen("127.0.0.1", 0)) as server:
        assert ui("--print", "--url", server.url).stdout == f"{server.url}/_console/\n"
