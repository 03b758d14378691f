"""The public names of the package, and its imports."""

import ast
import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from graphlib import TopologicalSorter

import grimp
import pytest
from support.paths import ROOT, TESTS
from support.terminal import at_terminal

import cloud_openapi
from cloud_openapi.catalogue import entries


def test_every_public_name_exists_and_is_sorted():
    assert cloud_openapi.__all__ == sorted(cloud_openapi.__all__)
    assert all(hasattr(cloud_openapi, name) for name in cloud_openapi.__all__)


def test_import_loads_only_modules_of_the_deployed_core():
    heavy = ("flask", "werkzeug", "jsonschema", "jsonschema_rs", "click", "waitress", "google")
    heavy += ("cloud_openapi.database", "cloud_openapi.storage", "cloud_openapi.call_function")
    heavy += ("cloud_openapi.catalogue.cloud_calls", "cloud_openapi.wire.multipart")
    code = (
        "import sys, cloud_openapi; "
        "cloud_openapi.cloud.init(base_url='http://127.0.0.1:1'); "
        "cloud_openapi.cloud.openapi.analysis; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]"


def test_import_needs_no_module_that_windows_lacks():
    source = (
        "import sys; sys.modules.update(dict.fromkeys(['resource', 'fcntl', 'pwd', 'grp']))\n"
        "import cloud_openapi.cli, cloud_openapi.emulator, pytest_cloud_openapi\n"
        "from cloud_openapi.runtime._descriptors import reason_of\n"
        "print(reason_of(OSError(24, 'Too many open files')))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )
    assert finished.stdout == "[Errno 24] Too many open files\n", finished.stderr


def test_no_modules_import_each_other_in_a_circle():
    graph = grimp.build_graph("cloud_openapi", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    # An import within a function.
    assert "cloud_openapi.transports.https" in imports["cloud_openapi.transports._settings"]
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


@pytest.mark.slow
def test_no_test_module_imports_another_one():
    files = [path for path in TESTS.rglob("test_*.py") if "node_modules" not in path.parts]
    modules = {path.stem: path for path in files}
    for path in modules.values():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not modules.keys() & set(names), path


CONSOLE = "cloud_openapi/emulator/console/"
VENDOR = f"{CONSOLE}static/vendor"
BUILT = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "pytest_cloud_openapi.py")


def build(root, target, folder, **environment):
    """Build a distribution in a process, and return its file and the lines that were printed."""
    pytest.importorskip("hatchling")
    ended = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    made = [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]
    # The last line of a build that succeeds names the file.
    return (made[0], ended.stderr.splitlines()[:-1]) if made else (None, ended.stderr.splitlines())


# The rooms without which calls, functions, the emulator and the contract do their work.
BESIDE_CALLS = tuple(
    f"cloud_openapi/{room}/"
    for room in (
        "charts",
        "database",
        "documents",
        "emulator/console",
        "emulator/database",
        "emulator/storage",
        "history",
        "reports",
    )
)


def size_of(wheel, belongs):
    """Return the size of a wheel that had only the files whose names satisfy ``belongs``."""
    part = io.BytesIO()
    with zipfile.ZipFile(wheel) as archive, zipfile.ZipFile(part, "w") as smaller:
        for each in filter(lambda file: belongs(file.filename), archive.infolist()):
            content = archive.read(each)
            if each.filename.endswith(".dist-info/RECORD"):
                lines = content.decode().splitlines(keepends=True)
                content = "".join(filter(belongs, lines)).encode()
            smaller.writestr(each, content)
    return part.tell()


@pytest.fixture
def copy(tmp_path):
    """Copy what a build reads, without the console's scripts."""
    for name in BUILT:
        shutil.copy(ROOT / name, tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "vendor")
    shutil.copytree(ROOT / "cloud_openapi", tmp_path / "cloud_openapi", ignore=ignored)
    shutil.copytree(ROOT / "scripts" / "vendor", tmp_path / "scripts" / "vendor")
    return tmp_path


@pytest.fixture
def _scripts():
    """Bring the console's scripts into this checkout; skip the test if that is not possible."""
    brought = subprocess.run(
        [sys.executable, ROOT / "scripts" / "vendor"], capture_output=True, text=True, check=True
    )
    if brought.stderr:
        pytest.skip(brought.stderr.strip())


@pytest.mark.slow
@pytest.mark.usefixtures("_scripts")
def test_a_wheel_has_the_catalogue_and_the_console_and_is_small(tmp_path):
    wheel, _ = build(ROOT, "wheel", tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)
    assert "cloud_openapi/catalogue/entries.jsonl" in names
    assert entries(tmp_path / "cloud_openapi" / "catalogue") == entries()
    files = [each for each in (ROOT / CONSOLE).rglob("*") if each.is_file()]
    expected = {each.relative_to(ROOT).as_posix() for each in files if each.suffix != ".pyc"}
    assert {f"{VENDOR}/{name}" for name in vendor()["FILES"]} <= expected
    assert {name for name in names if name.startswith(CONSOLE)} == expected
    assert size_of(wheel, lambda name: not name.startswith(BESIDE_CALLS)) <= 700_000


@pytest.mark.slow
def test_a_wheel_alone_shows_the_demo_mini_program_in_colour_and_writes_files(
    tmp_path, monkeypatch
):
    wheel, _ = build(ROOT, "wheel", tmp_path)
    site, empty = tmp_path / "site", tmp_path / "empty"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    empty.mkdir()
    monkeypatch.chdir(empty)
    program = (
        "import cloud_openapi, sys; "
        f"assert cloud_openapi.__file__.startswith({str(site)!r}), cloud_openapi.__file__; "
        "from cloud_openapi.cli import main; main()"
    )
    command = [sys.executable, "-c", program, "report", "retention"]
    variables = {"PYTHONPATH": str(site), "HOME": str(tmp_path)}
    shown = at_terminal(command, **variables)
    assert len(re.findall("\x1b\\[48;5;\\d+m", shown)) > 100
    assert "the numbers are simulated" in shown
    at_terminal([*command, "--csv", "r.csv", "--html", "r.html", "--svg", "r.svg"], **variables)
    assert (empty / "r.csv").read_text("utf-8").count("visit_uv_new") == 30
    assert "<svg" in (empty / "r.html").read_text("utf-8")
    assert sorted(path.name for path in empty.iterdir()) == ["r.csv", "r.html", "r.svg"]


@pytest.mark.slow
@pytest.mark.usefixtures("_scripts")
def test_a_source_distribution_makes_the_same_wheel_without_npm(tmp_path):
    source, _ = build(ROOT, "sdist", tmp_path)
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    source.unlink()
    (root,) = (each for each in tmp_path.iterdir() if each.is_dir())
    wheel, printed = build(root, "wheel", tmp_path, PATH="")
    assert printed == []
    expected, _ = build(ROOT, "wheel", tmp_path / "expected")
    assert wheel.read_bytes() == expected.read_bytes()


@pytest.mark.slow
def test_without_npm_a_wheel_has_pages_of_plain_forms_and_links(copy, tmp_path):
    wheel, printed = build(copy, "wheel", tmp_path / "dist", PATH="")
    assert printed == [
        "no htmx and uPlot for the console (npm is missing): its pages are plain forms and links"
    ]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    assert not (tmp_path / "installed" / VENDOR).exists()
    show = (
        "from cloud_openapi.emulator import create_app\n"
        "client = create_app().test_client()\n"
        "print(client.get('/_console/').text)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", show],
        cwd=tmp_path / "installed",
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.findall(r'<script src="/_console/static/([\w.]+)', shown) == ["console.js"]


@pytest.mark.slow
@pytest.mark.usefixtures("_scripts")
def test_build_fails_if_npm_brings_other_files_than_pinned(copy, tmp_path):
    lock = copy / "scripts" / "vendor" / "package-lock.json"
    text = lock.read_text("utf-8")
    pinned = json.loads(text)["packages"]["node_modules/htmx.org"]["integrity"]
    lock.write_text(text.replace(pinned, "sha512-" + "A" * 86 + "=="), "utf-8")
    wheel, printed = build(copy, "wheel", tmp_path / "dist")
    assert wheel is None
    message = "npm brought other files than scripts/vendor/package-lock.json pins"
    assert message in "\n".join(printed)
    assert not (copy / VENDOR).exists()


def vendor():
    """Return the names of the script that brings the console's scripts."""
    return runpy.run_path(str(ROOT / "scripts" / "vendor" / "__main__.py"))


def test_every_pinned_package_is_the_version_that_is_written():
    written = json.loads((ROOT / "scripts/vendor/package.json").read_text("utf-8"))["dependencies"]
    lock = json.loads((ROOT / "scripts/vendor/package-lock.json").read_text("utf-8"))["packages"]
    assert set(written) == {place.partition("/")[0] for place in vendor()["FILES"].values()}
    for name, version in written.items():
        pinned = lock[f"node_modules/{name}"]
        assert pinned["version"] == version
        assert pinned["integrity"].startswith("sha512-")
