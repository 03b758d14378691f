"""A project as WeChat DevTools makes it: each function is found, installed, checked and invoked.

Names, SDK ranges, config files and packages follow the habits of public projects.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

SAMPLE = ROOT / "tests" / "devtools_project"
EXPECTED = json.loads((SAMPLE / "expected.json").read_text("utf-8"))

pytestmark = pytest.mark.slow


def command(folder, *arguments, environment=os.environ):
    """Run a command in a folder of the project, as a developer would."""
    program = [sys.executable, "-c", "from cloud_openapi.cli import main; main()"]
    return subprocess.run(
        [*program, *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env={**environment, "PYTHONPATH": str(ROOT)},
        check=False,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory, outside):
    """Return the project's folder; the dependencies of its functions are installed."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing")
    folder = tmp_path_factory.mktemp("devtools") / "project"
    shutil.copytree(SAMPLE, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
        environment = {**outside, "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
        installed = command(folder, "install", "--all", environment=environment)
        if "ENOTFOUND" in installed.stderr or "ECONNREFUSED" in installed.stderr:
            pytest.skip(f"npm reaches no registry: {installed.stderr[-200:]}")
        assert installed.returncode == 0, installed.stderr
        yield folder


@pytest.fixture(scope="module")
def findings(project):
    """Return the findings of ``check --all``, by function."""
    checked = command(project, "check", "--all", "--json")
    assert checked.returncode == 1, checked.stderr
    found = {name: [] for name in EXPECTED}
    for finding in json.loads(checked.stdout):
        if finding["function"]:
            found[finding["function"]].append(finding)
    return found


def test_every_function_is_found_from_the_project_and_from_its_pages(project):
    listed = {path.name for path in (project / "cloudfunctions").iterdir() if path.is_dir()}
    assert listed - {"common"} == set(EXPECTED)
    for folder in (project, project / "miniprogram", project / "cloudfunctions"):
        unknown = command(folder, "invoke", "retian")
        assert unknown.returncode == 1
        assert all(name in unknown.stderr for name in ("addRecord", "wrongHandler")), folder


@pytest.mark.parametrize("name", EXPECTED)
def test_each_function_gives_its_result_or_the_reason(project, name):
    expected = EXPECTED[name]
    event = json.dumps(expected.get("event", {}))
    invoked = command(project, "invoke", name, "--data", event)
    shown = invoked.stderr
    if expected.keys() & {"result", "printed"}:
        assert invoked.returncode == 0, shown
        assert re.search(expected.get("printed", ""), invoked.stdout.strip())
        assert json.loads(invoked.stdout) == expected.get("result", json.loads(invoked.stdout))
    else:
        assert invoked.returncode == 1
        assert invoked.stdout == ""
    for key in ("reason", "stack", "log"):
        if key in expected:
            assert re.search(expected[key], shown), shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("name", EXPECTED)
def test_check_names_the_problems_of_each_function(findings, name):
    codes = {"problem": [], "note": []}
    for finding in findings[name]:
        codes[finding["severity"]].append(finding["code"])
    assert sorted(set(codes["problem"])) == EXPECTED[name].get("problems", [])
    assert sorted(set(codes["note"])) == EXPECTED[name].get("notes", [])


def test_fix_lists_the_permissions_that_the_code_needs(project, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    command(copy, "check", "imgSecCheck", "getQrcode", "--fix")
    for name, api in [
        ("imgSecCheck", "security.imgSecCheck"),
        ("getQrcode", "wxacode.getUnlimited"),
    ]:
        config = json.loads((copy / "cloudfunctions" / name / "config.json").read_text("utf-8"))
        assert config["permissions"]["openapi"] == [api]
    assert command(copy, "check", "getQrcode").returncode == 0


def test_serve_names_where_the_functions_were_found(project):
    program = [sys.executable, "-c", "from cloud_openapi.cli import main; main()"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    served = subprocess.Popen(
        [*program, "serve", "--port", "0", "--json"],
        cwd=project / "miniprogram",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env=environment,
    )
    with served:
        assert set(json.loads(served.stdout.readline())["functions"]) >= set(EXPECTED)
        served.terminate()


def test_sample_has_no_dependency_on_this_repository():
    for path in (SAMPLE / "cloudfunctions").rglob("*.js"):
        assert str(ROOT) not in path.read_text("utf-8")
    assert not list(Path(SAMPLE).rglob("node_modules"))
