"""Fixtures of all tests: an emulator, a facade that calls it, and a stand-in for WeChat."""

import contextlib
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.databases import SECANTUSDB, installed_folder, secantusdb
from support.paths import ROOT
from support.service import talkative_service

from cloud_openapi import Cloud
from cloud_openapi.cli import main
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange

# A separate project: test_pytest_plugin.py runs its tests.
collect_ignore = ["project"]
# No test depends on how fast the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# Background jobs of a shell ignore SIGINT, jobs of nohup SIGHUP, and child processes inherit that.
for number, usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


def pytest_ignore_collect(collection_path, config):
    """Leave out the folder of a mark that is not asked for: to collect it takes long."""
    mark = collection_path.name
    is_folder = collection_path.parent == ROOT / "tests" and mark in ("slow", "browser")
    return True if is_folder and f"not {mark}" in config.option.markexpr else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Leave to the slow suite all cases but the first of a test with the mark ``variants``."""
    begun = set()
    for item in items:
        if item.get_closest_marker("variants"):
            test = item.nodeid.partition("[")[0]
            if test in begun:
                item.add_marker(pytest.mark.slow)
            begun.add(test)


def pytest_collection_finish():
    # Ten thousand tests stay until the end: to look for garbage among them, over and over, takes a
    # quarter of a run.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_terminal_summary(terminalreporter):
    """Print the texts that tests pass to ``record_property("summary", …)``."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties:
                if name == "summary" and report.when == "call":
                    terminalreporter.section(report.nodeid.rpartition("::")[2])
                    terminalreporter.write_line(text)


def _is_setting(name):
    """Return whether a variable changes what this project or a program that tests run does."""
    mine = ("CLOUD_OPENAPI_", "TCB_", "TENCENTCLOUD_", "WX_", "GIT_", "LC_")
    display = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE")
    programs = ("LANGUAGE", "NODE_OPTIONS", "NODE_ENV", "PYTHONUTF8", "PYTHONIOENCODING")
    return _is_proxy(name) or name.startswith(mine) or name in (*display, *programs)


def _is_proxy(name):
    # A proxy does not lead to the servers of tests.
    return name.lower().endswith("_proxy")


@pytest.fixture(scope="session", autouse=True)
def outside(tmp_path_factory):
    """Keep settings and folders of the machine from tests, and return its variables.

    Programs that install packages for tests need the variables; pip's, uv's and npm's own stay.
    """
    former = dict(os.environ)
    base = tmp_path_factory.getbasetemp()
    # The processes of a run share it, so that the templates of pages are compiled once.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    (shared / "temporary").mkdir(exist_ok=True)
    temporary = str(shared / "temporary")
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(_is_setting, former):
            patch.delenv(name)
        patch.setenv("LANG", "C.UTF-8")
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        # What the user has installed changes nothing. uv's own cache has only downloads.
        caches = former.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
        patch.setenv("UV_CACHE_DIR", former.get("UV_CACHE_DIR", f"{caches}/uv"))
        patch.setenv("XDG_CACHE_HOME", str(shared / "cache"))
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, temporary)
        patch.setattr(tempfile, "tempdir", temporary)
        yield former


@pytest.fixture
def proxies(outside, monkeypatch):
    """Give the user's proxies to a test that installs packages."""
    for name in filter(_is_proxy, outside):
        monkeypatch.setenv(name, outside[name])


@pytest.fixture
def emulator():
    return Emulator()


@pytest.fixture
def cloud(emulator):
    """Return a facade wired to the emulator in this process, with the root config.json."""
    facade = Cloud()
    exchange = WSGIExchange(create_app(emulator))
    facade.init(
        transport=HTTPSTransport(exchange, DEMO_APPID, DEMO_SECRET), config=ROOT / "config.json"
    )
    return facade


@pytest.fixture
def service():
    """Serve a stand-in for WeChat, which repeats tokens and secrets in its responses."""
    with talkative_service() as state:
        yield state


@pytest.fixture
def command(monkeypatch, capsys):
    """Return a function that runs the command, and gives exit code, stdout and stderr."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["cloud-openapi", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return command


@pytest.fixture(scope="session")
def installed(request, outside):
    """Return a function that installs packages of npm, cached on this machine."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is missing")

    def install(*packages):
        cached = "_".join(packages).replace("/", "-").replace("@", "-")
        folder = Path(request.config.cache.mkdir(f"npm-{cached}"))
        if not (folder / "node_modules").is_dir():
            # Another process of the tests may install the same packages at the same time.
            prefix = Path(tempfile.mkdtemp(dir=folder))
            command = [npm, "install", "--prefix", prefix, "--no-audit", "--no-fund", *packages]
            made = subprocess.run(command, check=False, capture_output=True, text=True, env=outside)
            if made.returncode:
                pytest.skip(f"npm cannot install {packages}: {made.stderr[-200:]}")
            with contextlib.suppress(OSError):
                (prefix / "node_modules").rename(folder / "node_modules")
        return folder / "node_modules"

    return install


@pytest.fixture(scope="session")
def mongodb(request, outside):
    """Serve SecantusDB, a MongoDB-compatible database, and return its URL."""
    with secantusdb(installed_folder(request.config.cache, outside, SECANTUSDB)) as url:
        yield url
