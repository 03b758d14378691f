"""The commands are loaded one by one: fast for whoever asks for little."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import click
import pytest
from click.testing import CliRunner

from cloud_openapi.cli import main
from cloud_openapi.cli._group import group
from cloud_openapi.extras import install_command

CONTEXT = click.Context(group)
NAMES = group.list_commands(CONTEXT)


@pytest.mark.parametrize("name", NAMES)
def test_the_overview_has_the_first_line_of_each_commands_help(name):
    overview = CliRunner().invoke(group, ["--help"], terminal_width=200).output
    found = group.get_command(CONTEXT, name)
    assert found.name == name
    assert f"  {name:9}{found.help.splitlines()[0]}\n" in overview


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["--help"], ["control", "--help"], ["control", "faults", "add", "--help"]],
    ids=" ".join,
)
def test_commands_without_a_server_do_not_import_one(arguments):
    code = (
        "import sys, cloud_openapi.cli\n"
        f"sys.argv[1:] = {arguments}\n"
        "try:\n    cloud_openapi.cli.main()\n"
        "finally:\n"
        "    print({'flask', 'jsonschema', 'requests', 'waitress'} & {*sys.modules}, end='')"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.endswith("set()")


@pytest.mark.parametrize(
    ("command", "module"), [("control", "click"), ("serve", "flask"), ("verify", "jsonschema")]
)
def test_a_package_that_is_missing_is_named(monkeypatch, command, module):
    for name in [*sys.modules]:
        if name.startswith(("cloud_openapi.cli.", "cloud_openapi.emulator", "cloud_openapi.cont")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(sys, "argv", ["cloud-openapi", command, "--help"])
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

    monkeypatch.setattr("cloud_openapi.extras.requires", not_installed)
    assert install_command("emulator") == "pip install '.[emulator]'"


def test_a_missing_module_of_this_package_is_a_traceback(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloud_openapi.cli._group", None)
    with pytest.raises(ModuleNotFoundError, match="_group"):
        main()
