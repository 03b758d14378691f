"""The reference has every command, option, variable, route, fixture and public name."""

import ast
import importlib
import re

import click
import pytest
from support.pages import ENGLISH, chinese, section, text_of
from support.paths import ROOT

from cloud_openapi.catalogue.cloud_calls import cloud_calls
from cloud_openapi.cli._group import group
from cloud_openapi.cli._options import variable
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.control_schemas import control_schemas
from cloud_openapi.runtime import Functions
from cloud_openapi.transports import TransportSettings

COMMANDS = "docs/reference/commands.md"
SHARED = {
    COMMANDS: "## Options of several commands",
    chinese(COMMANDS): "## 多个命令共有的选项",
}
BOTH = {page: [page, chinese(page)] for page in ENGLISH}
PUBLIC = ["", ".contract", ".database", ".emulator", ".history", ".recordings", ".transports"]
# A request's fields are options of `call`; an API stands for all.
CALL = ("call", "analysis.getDailyRetain")
FIELDS = {"--begin-date", "--end-date"}
# The package's own processes speak to each other by these.
INTERNAL = {"CLOUD_OPENAPI_EMULATOR", "CLOUD_OPENAPI_NODE"}


def commands_of(command, path=()):
    """Yield each command with its path, groups too."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands_of(command.get_command(context, name), (*path, name))


def options_of(command):
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in parameter.opts
        if name.startswith("--")
    }


ALL = dict(commands_of(group))
OPTIONS = {path: options_of(command) for path, command in ALL.items() if path}
OPTIONS[("call",)] = OPTIONS[CALL] - FIELDS
EVERY = {
    path: options
    for path, options in OPTIONS.items()
    if len(path) == 1 or (path[0] != "call" and not isinstance(ALL[path], click.Group))
}


def documented(page, path):
    """Return the section or the row of a command, and the rows of the options that it shares."""
    own = section(page, f"## {path[0]}")
    if len(path) > 1:
        # A table of options in a group's section is of all its commands.
        options = re.findall(r"^\| `--.*$", own, re.MULTILINE)
        (row,) = re.findall(rf"^\| `{' '.join(path)}(?: [^`]*)?` \|.*$", own, re.MULTILINE)
        own = "\n".join([row, *options])
    rows = section(page, SHARED[page]).splitlines()
    return "\n".join([own, *(row for row in rows if f"`{path[0]}`" in row)])


@pytest.mark.parametrize("page", SHARED)
@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_and_option_is_in_the_reference(page, path):
    text = documented(page, path)
    # The row of a group says that each of its commands takes --url.
    options = EVERY[path] - ({"--url"} if len(path) > 1 else set())
    assert {option for option in options if not re.search(rf"`{option}\b", text)} == set()


@pytest.mark.parametrize("page", SHARED)
def test_the_reference_has_no_command_and_no_option_that_does_not_exist(page):
    text = text_of(page)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert named - set.union(*OPTIONS.values()) - {"--help", "--version"} == set()
    headings = re.findall(r"^## ([a-z]+)$", text, re.MULTILINE)
    assert set(headings) == {path[0] for path in EVERY}


@pytest.mark.parametrize("page", SHARED)
def test_a_shared_option_names_the_commands_that_have_it(page):
    rows = re.findall(
        r"^\| `(--[\w-]+)[^|]*\| ([^|]*) \|", section(page, SHARED[page]), re.MULTILINE
    )
    having = {
        option: {path[0] for path in EVERY if option in EVERY[path] and len(path) == 1}
        for option, _ in rows
    }
    wrong = {
        option: names
        for option, names in rows
        if not set(re.findall(r"`(\w+)`", names)) <= having[option]
    }
    assert wrong == {}


def routes_of(app, emulator):
    """Return the paths and methods of an application, as the reference writes them."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<\w+:(\w+)>", r"<\1>", str(rule)).removeprefix("/_emulator/")
        # The paths of HTTP access are spellings of one.
        if not path.startswith("/http/"):
            path = path.replace("/schemas/<name>", "/schemas/<api>/<form>/<side>.json")
            yield from ((path, method) for method in rule.methods - {"HEAD", "OPTIONS"})
    # These are not routes of Flask, which is slow.
    yield from (("/v1/functions/<name>", "POST"), ("/http/<name>", ""))
    yield from ((path, "") for path in emulator.paths - emulator.apis_at.keys())


@pytest.mark.parametrize("page", BOTH["docs/reference/control-routes.md"])
def test_every_route_is_in_the_reference(page, tmp_path):
    emulator = Emulator()
    routes = set(routes_of(create_app(emulator, Functions(tmp_path, {})), emulator))
    assert len(routes) > 30
    rows = re.findall(r"^\| ([^|]*) \|(?: `([^`]*)` \|)?", text_of(page), re.MULTILINE)
    cells = [f"{first} `{second}`" for first, second in rows]
    prose = without_tables(page)
    missing = [
        (path, method)
        for path, method in routes
        if not any(f"`{path}`" in cell and method in cell for cell in (*cells, *prose))
    ]
    assert missing == []


def without_tables(page):
    # A fault or pin is removed at its number: a sentence says so.
    return [f"DELETE {line}" for line in text_of(page).splitlines() if not line.startswith("|")]


@pytest.mark.parametrize("page", BOTH["docs/how-to/faults.md"])
def test_every_kind_of_fault_is_on_the_page(page):
    kinds = control_schemas()["fault"]["properties"]["kind"]["enum"]
    assert len(kinds) > 10
    assert [kind for kind in kinds if f"`{kind}`" not in text_of(page)] == []


@pytest.mark.parametrize("page", BOTH["docs/reference/fixtures.md"])
def test_every_fixture_option_and_setting_of_pytest_is_in_the_reference(page):
    tree = ast.parse((ROOT / "pytest_cloud_openapi.py").read_text("utf-8"))
    fixtures = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any("fixture" in ast.unparse(each) for each in node.decorator_list)
    }
    assert len(fixtures) >= 6
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    added = {
        call.args[0].value
        for call in calls
        if getattr(call.func, "attr", "") in ("addoption", "addini")
    }
    assert {"--record", "cloud_openapi_config"} <= added
    text = text_of(page)
    heading = next(line for line in text.splitlines() if line.startswith("## "))
    assert set(re.findall(r"^\| `(\w+)`", section(page, heading), re.MULTILINE)) == fixtures
    assert {name for name in added if not re.search(rf"`{name}\b", text)} == set()


@pytest.mark.parametrize("page", BOTH["docs/reference/python-api.md"])
@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_in_the_reference(page, package):
    name = f"cloud_openapi{package}"
    heading = re.search(rf"^## .*\b{re.escape(name)}(?!\.).*$", text_of(page), re.MULTILINE)
    listed = re.findall(r"^\| `(\w+)` \|", section(page, heading[0]), re.MULTILINE)
    assert sorted(listed) == sorted(importlib.import_module(name).__all__)


@pytest.mark.parametrize("page", BOTH["docs/reference/settings.md"])
def test_every_setting_and_variable_is_in_the_reference(page):
    files = [*ROOT.glob("cloud_openapi/**/*.py"), *ROOT.glob("cloud_openapi/**/*.js")]
    sources = "".join(path.read_text("utf-8") for path in files)
    variables = set(re.findall(r"(?<!_)CLOUD_OPENAPI_[A-Z_]*[A-Z]\b", sources)) - INTERNAL
    # A rule gives those of options.
    variables -= {variable(name[2:]) for options in OPTIONS.values() for name in options}
    settings = set(TransportSettings._fields)
    variables |= {f"CLOUD_OPENAPI_{name.upper()}" for name in settings}
    text = text_of(page)
    assert {name for name in settings | variables if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("page", BOTH["docs/reference/apis.md"])
def test_every_cloud_call_is_in_the_reference(page):
    listed = re.findall(r"`([a-z]\w*(?:\.\w+)+)`", text_of(page))
    assert sorted(set(listed) - {"config.json"}) == sorted(cloud_calls())
