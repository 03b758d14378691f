"""The commands are loaded one by one: fast for whoever asks for little."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import click
import pytest
from click.testing import CliRunner
from support.paths import ROOT

from cloud_openapi.cli import main
from cloud_openapi.cli._examples import EXAMPLES
from cloud_openapi.cli._group import group
from cloud_openapi.errors import message_of
from cloud_openapi.extras import install_command

# click keeps the names of a command's help option, as its first context has them.
CONTEXT = click.Context(group, **group.context_settings)
NAMES = group.list_commands(CONTEXT)


@pytest.mark.parametrize("name", NAMES)
def test_the_overview_has_the_first_line_of_each_commands_help(name):
    overview = CliRunner().invoke(group, ["--help"], terminal_width=200).output
    found = group.get_command(CONTEXT, name)
    assert found.name == name
    assert re.search(rf"  {name} +{re.escape(found.help.splitlines()[0])}\n", overview)


# Of these commands only --url has a variable.
ALL_OPTIONS = {"control", "database", "storage"}


def options_of(command, *path):
    """Yield the option and the path of each option of a command and its subcommands."""
    for each in command.params:
        if isinstance(each, click.Option):
            yield each, (*path, each.opts[0])
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from options_of(command.get_command(context, name), *path, name)


def test_options_without_a_variable_are_those_that_the_reference_names():
    page = (ROOT / "docs" / "reference" / "commands.md").read_text("utf-8")
    (sentence,) = re.findall(r"the other options of [^.]+ have\s+none\.", page)
    named = set(re.findall("`(.+?)`", sentence))
    found = list(options_of(group))
    without = {path for each, path in found if not each.envvar} - {("--version",)}
    of_history = {path[-1] for path in without if path[0] == "history"}
    assert {path[0] for path in without} | of_history == named
    others = {path[-1] for each, path in found if each.envvar and path[0] in ALL_OPTIONS}
    assert others == {"--url"}


UNNEEDED = {
    "cloud_openapi.runtime._functions",
    "flask",
    "jsonschema",
    "orjson",
    "requests",
    "rich",
    "waitress",
}


@pytest.mark.variants
@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        *([name, "--help"] for name in NAMES),
        ["control", "faults", "add", "--help"],
    ],
    ids=" ".join,
)
def test_help_imports_neither_a_server_nor_the_runtime(arguments):
    code = (
        "import sys, cloud_openapi.cli\n"
        f"sys.argv[1:] = {arguments}\n"
        "try:\n    cloud_openapi.cli.main()\n"
        "finally:\n"
        f"    print({UNNEEDED} & {{*sys.modules}}, end='')"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.endswith("set()")


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (["control", "--help"], "click"),
        (["openapi"], "flask"),
        (["verify", "missing.yaml"], "jsonschema"),
    ],
)
def test_a_package_that_is_missing_is_named(monkeypatch, arguments, module):
    for name in [*sys.modules]:
        if name.startswith(("cloud_openapi.cli.", "cloud_openapi.emulator", "cloud_openapi.cont")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(sys, "argv", ["cloud-openapi", *arguments])
    with pytest.raises(SystemExit) as exit_info:
        main()
    start = f"cloud-openapi: {module} is not installed; the commands need pip install "
    assert exit_info.value.code.startswith(start)
    packages = shlex.split(exit_info.value.code.removeprefix(start))
    assert {"protobuf", "pyyaml", "click", "flask", "jsonschema"} <= {
        re.split("[<>=]", package)[0] for package in packages
    }


def test_the_command_for_missing_packages_names_those_of_the_extra(monkeypatch):
    assert install_command("recordings") == "pip install 'pyyaml>=6.0'"
    emulator, fixtures = (set(install_command(name).split()) for name in ("emulator", "pytest"))
    assert fixtures - emulator == {"'pytest>=8.3'"}

    def not_installed(_name):
        raise PackageNotFoundError

    monkeypatch.setattr("importlib.metadata.requires", not_installed)
    assert install_command("emulator") == "pip install '.[emulator]'"


def test_a_missing_module_of_this_package_is_a_traceback(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloud_openapi.cli._group", None)
    with pytest.raises(ModuleNotFoundError, match="_group"):
        main()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(13, "Permission denied", "a/b"), "a/b: Permission denied."),
        (OSError(18, "Cross-device link", "a", None, "b"), "b: Cross-device link."),
        (OSError(111, "Connection refused"), "Connection refused."),
        (OSError("own words"), "own words"),
        (ValueError("own words"), "own words"),
    ],
)
def test_an_error_of_the_system_begins_with_the_path(error, message):
    assert message_of(error) == message


@pytest.mark.parametrize(
    "arguments",
    [["init", "file/new"], ["package", "hello", "--to", "file/new"], ["install", "hello"]],
)
def test_an_error_of_the_system_is_one_line_without_its_number(
    command, tmp_path, monkeypatch, arguments
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "file/new")
    (tmp_path / "file").touch()
    folder = tmp_path / "functions" / "hello"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text("def main(event, context):\n    return 1\n")
    (folder / "requirements.txt").write_text("treasure\n")
    code, out, err = command(*arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "file/new" in err
    assert err.endswith(": Not a directory.\n")


def test_a_misspelt_command_is_suggested():
    ran = CliRunner().invoke(group, ["srve"])
    assert ran.exit_code == 2
    assert "No such command 'srve'. Did you mean 'serve'?" in ran.output


# ---- examples --------------------------------------------------------------------------------


def commands(name, command):
    """Yield each command with its words, except the subcommands of call, which are APIs."""
    yield name, command
    if isinstance(command, click.Group) and name != "call":
        for below in command.list_commands(CONTEXT):
            yield from commands(f"{name} {below}", command.get_command(CONTEXT, below))


ALL = dict(each for name in NAMES for each in commands(name, group.get_command(CONTEXT, name)))


@pytest.mark.parametrize("name", ALL)
def test_each_help_text_has_an_example_that_parses(name):
    shown = CliRunner().invoke(group, [*name.split(), "--help"], terminal_width=200).output
    example = re.search(r"Example:\n +cloud-openapi (.*)\n", shown)[1]
    words = shlex.split(example)
    assert " ".join(words).startswith(name)
    command, context = group, CONTEXT
    while isinstance(command, click.Group):
        _, command, words = command.resolve_command(context, words)
        context = click.Context(command, parent=context)
    command.make_context(name, words, parent=context.parent)


def test_no_example_is_for_a_command_that_is_gone():
    assert set(EXAMPLES) <= set(ALL)


# ---- completion ------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell):
    script = CliRunner().invoke(group, ["completion", shell]).output
    assert f"_CLOUD_OPENAPI_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["srve"], "'serve'"),
        (["control", "fauts", "list"], "'faults'"),
        (["invoke", "--dat", "{}"], "'--data'"),
        (["call", "analysis.getDailyRetain", "--begindate", "20170313"], "'--begin-date'"),
        (["control", "mode", "Replai"], "Did you mean replay?"),
        (["schema", "analysis.getDailyRetain", "--form", "HTTP"], "Did you mean https?"),
        (["verify", "x", "--report", "jsn"], "Did you mean json?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_wrong_word_is_answered_with_the_nearest_right_one(arguments, meant):
    ran = CliRunner().invoke(group, arguments)
    assert ran.exit_code == 2
    assert meant in ran.output


def test_a_word_like_no_other_has_no_suggestion():
    ran = CliRunner().invoke(group, ["control", "mode", "zzz"])
    assert "Did you mean" not in ran.output
