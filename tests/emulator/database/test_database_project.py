"""A project whose functions use the cloud database and storage as public mini programs do.

Each function of tests/database_project is called as its scenario says, with the SDK of the age that
its package.json names. The results, documents and files are those that the code has on CloudBase.

A scenario has steps: the event of a call, or of several calls ``together``, at a time and from a
source, and the result. ``documents`` are the final ones of a collection, ``added`` those behind the
first ones, ``files`` the changed ones, null for a removed one; all others must not change. ``<id>``
stands for a new _id, ``<any>`` for any value, ``<link to …>`` for the URL of such a content, and
``{"<any order>": […]}`` for a list whose order is open.
"""

import json
import re
import shutil
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import permutations
from pathlib import Path

import pytest
from support.paths import ROOT
from support.sdk import NODE, node

from cloud_openapi.emulator import Emulator, Server, create_app, emulator_variables, listen
from cloud_openapi.emulator.cloudbase.function_time import moved_clock
from cloud_openapi.emulator.database.transfer import export_text
from cloud_openapi.emulator.server.server import url_of
from cloud_openapi.runtime import Functions

SAMPLE = ROOT / "tests" / "database_project"
FUNCTIONS = SAMPLE / "cloudfunctions"
SCENARIOS = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((SAMPLE / "scenarios").glob("*.json"))
}
TIME = "2026-03-11T10:00:00+08:00"
"""The time of a step that names none."""
ID = re.compile("[0-9a-f]{32}")
LINK = "<link to "
QUICK = {"archiveLogs", "checkIn", "comments", "createOrder", "py_lend", "py_report"}
"""The functions that the quick tests call: with the newest SDK, and in Python."""
WAIT = 60.0
"""Seconds that a function may take on a busy machine."""


def dependencies_of(name):
    """Return the ranges of the packages that a function in JavaScript lists."""
    path = FUNCTIONS / name / "package.json"
    return json.loads(path.read_text("utf-8"))["dependencies"] if path.exists() else {}


def has_common_packages(name):
    """Return whether a function needs no package but the SDK that all tests have."""
    return dependencies_of(name) in ({}, {"wx-server-sdk": "latest"})


def has_older_sdk(name):
    packages = dependencies_of(name)
    return packages.keys() == {"wx-server-sdk"} and packages["wx-server-sdk"] != "latest"


def packages_for(name, request):
    """Return the folder of a function's packages: the oldest version that its range allows."""
    if has_common_packages(name):
        if dependencies_of(name):
            node()
        return NODE / "node_modules"
    installed = request.getfixturevalue("installed")
    ranges = dependencies_of(name).items()
    return installed(*(f"{package}@{wanted.lstrip('~^')}" for package, wanted in ranges))


class Project:
    """One function of the sample with its packages, in an emulator with the seeds of all."""

    def __init__(self, name, folder, packages, monkeypatch):
        for part in (f"cloudfunctions/{name}", "database", "storage"):
            shutil.copytree(SAMPLE / part, folder / part)
        monkeypatch.setenv("NODE_PATH", str(packages))
        self.emulator = Emulator(seeds=folder)
        self.listening = listen("127.0.0.1", 0)
        self.functions = Functions(
            folder / "cloudfunctions",
            emulator_variables(url_of(self.listening), self.emulator),
            timeout=WAIT,
            clock=lambda: moved_clock(self.emulator),
        )
        self.program = self.emulator.program(self.emulator.first_appid)

    def __enter__(self):
        app = create_app(self.emulator, self.functions)
        self.server = Server(app, self.listening, self.emulator.never_blocks)
        self.server.__enter__()
        return self

    def __exit__(self, *error):
        self.functions.close()
        self.server.__exit__(*error)
        self.emulator.databases.close()

    def call(self, name, event, source):
        now = self.emulator.clock.now()
        outcome = self.functions.invoke(name, event, now, source)
        assert outcome.status == 200, (outcome.reason, outcome.result, outcome.log)
        return outcome.result

    def take(self, name, step):
        """Make the calls of a step, and return what they gave.

        A step without a call moves the clock, which fires the function's timers.
        """
        self.emulator.clock.freeze(datetime.fromisoformat(step.get("at", TIME)))
        source = step.get("source", "wx_client")
        if "event" in step:
            return self.call(name, step["event"], source)
        if "together" not in step:
            return None
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda event: self.call(name, event, source), step["together"]))

    def documents(self):
        database = self.program.database
        texts = {name: export_text(database, name, "json") for name in database.names()}
        return {
            name: [json.loads(line) for line in text.splitlines()] for name, text in texts.items()
        }

    def files(self):
        listed = self.program.storage.files.listed()
        return {path: file.content.read_text("utf-8") for path, file in listed}


def content_of(url):
    quoted = urllib.parse.quote(url, safe=":/?=&%")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(quoted) as answer:
        return answer.read().decode()


def moment(value):
    return datetime.fromisoformat(value["$date"].replace("Z", "+00:00"))


def matches(found, wanted):
    """Return whether a value is the expected one; placeholders stand for values of the run."""
    if isinstance(wanted, str):
        return matches_text(found, wanted)
    if isinstance(wanted, list):
        same_length = isinstance(found, list) and len(found) == len(wanted)
        return same_length and all(map(matches, found, wanted))
    if isinstance(wanted, dict):
        return matches_object(found, wanted)
    return isinstance(found, bool) == isinstance(wanted, bool) and found == wanted


def matches_text(found, wanted):
    if wanted == "<any>":
        return True
    if wanted == "<id>":
        return isinstance(found, str) and ID.fullmatch(found) is not None
    if wanted.startswith(LINK):
        return content_of(found) == wanted.removeprefix(LINK).removesuffix(">")
    return found == wanted


def matches_object(found, wanted):
    if "<any order>" in wanted:
        orders = permutations(wanted["<any order>"])
        return any(matches(found, list(each)) for each in orders)
    same_keys = isinstance(found, dict) and found.keys() == wanted.keys()
    if same_keys and wanted.keys() == {"$date"}:
        return moment(found) == moment(wanted)
    return same_keys and all(matches(found[key], each) for key, each in wanted.items())


def changed(before, scenario):
    """Return the documents and the files that a scenario leaves."""
    documents, files = before
    added = scenario.get("added", {})
    documents = {
        **{name: each + added.get(name, []) for name, each in documents.items()},
        **scenario.get("documents", {}),
    }
    files = {**files, **scenario.get("files", {})}
    return documents, {path: text for path, text in files.items() if text is not None}


def play(name, packages, folder, monkeypatch):
    """Take the steps of a function's scenario, and compare what they give and leave."""
    scenario = SCENARIOS[name]
    with Project(name, folder, packages, monkeypatch) as project:
        before = project.documents(), project.files()
        for step in scenario["steps"]:
            found = project.take(name, step)
            assert matches(found, step.get("result")), (step, found)
        after = project.documents(), project.files()
    wanted = changed(before, scenario)
    for found, given in zip(after, wanted, strict=True):
        assert found.keys() == given.keys()
        for key, value in given.items():
            assert matches(found[key], value), (key, found[key])


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in SCENARIOS],
)
def test_function_gives_its_results_and_leaves_its_documents(name, tmp_path, monkeypatch, request):
    play(name, packages_for(name, request), tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SCENARIOS if has_older_sdk(name)])
def test_function_for_an_older_sdk_does_the_same_with_the_newest(name, tmp_path, monkeypatch):
    node()
    play(name, NODE / "node_modules", tmp_path, monkeypatch)


def test_each_function_has_a_scenario():
    assert {path.name for path in FUNCTIONS.iterdir()} == set(SCENARIOS)
    assert all(map(has_common_packages, QUICK))


def test_sample_has_no_dependency_on_this_repository():
    for path in FUNCTIONS.rglob("*.js"):
        assert str(ROOT) not in path.read_text("utf-8")
    assert not list(Path(SAMPLE).rglob("node_modules"))
