"""init writes a project whose functions run, whose tests pass, and which check accepts."""

import os
import re
import subprocess
import sys

import pytest
from support.paths import ROOT, TESTS

WAIT = 120


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def project(command, tmp_path):
    """Return a sample project; its function in JavaScript has wx-server-sdk already."""
    assert command("init")[0] == 0
    modules = TESTS / "node" / "node_modules"
    if modules.is_dir():
        (tmp_path / "cloudfunctions" / "getWeeklyRetain" / "node_modules").symlink_to(modules)
    return tmp_path


needs_sdk = pytest.mark.skipif(
    not (TESTS / "node" / "node_modules" / "wx-server-sdk").is_dir(), reason="npm ci was not run"
)


def test_each_written_file_is_named(command, tmp_path):
    code, out, err = command("init", "a/b")
    assert (code, err) == (0, "")
    *written, last = out.splitlines()
    assert last == "The next steps are in a/b/README.md (a/b/README.zh-CN.md)."
    there = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert written == [f"wrote {path.relative_to(tmp_path)}" for path in sorted(there)]
    assert len(there) >= 9


def test_a_link_that_leads_to_nothing_is_not_written_through(command, tmp_path):
    (tmp_path / "README.md").symlink_to("elsewhere")
    assert command("init") == (
        1,
        "",
        "cloud-openapi: Nothing is written, for these are there: README.md.\n",
    )
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_is_there_is_named_and_nothing_is_written(command, tmp_path):
    (tmp_path / "config.json").write_text("mine")
    code, out, err = command("init")
    assert (code, out) == (1, "")
    assert err == "cloud-openapi: Nothing is written, for these are there: config.json.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    assert (tmp_path / "config.json").read_text() == "mine"


def test_a_file_behind_the_parent_of_a_new_folder_is_not_overwritten(command, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    code, out, err = command("init", "new/..")
    assert (code, out) == (1, "")
    assert err == "cloud-openapi: Nothing is written, for these are there: new/../README.md.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_file_in_place_of_a_folder_is_an_error(command, tmp_path):
    (tmp_path / "tests").write_text("mine")
    code, out, err = command("init")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["tests"]


@pytest.mark.slow
@needs_sdk
def test_its_functions_run_and_check_accepts_them(project, command):
    for name in ("getDailyRetain", "getWeeklyRetain"):
        assert command("invoke", name)[0] == 0
    code, out, _ = command("check", "--all")
    assert code == 0
    assert out.splitlines()[-1].startswith("2 functions: 2 fine, 0 problems")


@pytest.mark.slow
@needs_sdk
def test_its_own_tests_pass(project):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    assert "3 passed" in finished.stdout


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
@pytest.mark.slow
def test_each_command_of_its_readme_exists(project, command, page):
    text = (project / page).read_text("utf-8")
    names = {line.split()[1] for line in re.findall(r"`(cloud-openapi [^`]+)`", text)}
    assert {"install", "invoke", "check", "call", "serve", "package"} <= names
    for name in names - {"--help"}:
        assert command(name, "--help")[0] == 0


def test_the_wheel_has_the_sample():
    builders = pytest.importorskip("hatchling.builders.wheel")
    included = {
        each.distribution_path for each in builders.WheelBuilder(str(ROOT)).recurse_included_files()
    }
    sample = ROOT / "cloud_openapi" / "cli" / "sample"
    files = [path for path in sample.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(files) >= 9
    assert {str(path.relative_to(ROOT)) for path in files} <= included
