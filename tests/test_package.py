"""The public names of the package, and its imports."""

import ast
import subprocess
import sys
import zipfile
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
from support.paths import ROOT, TESTS

import cloud_openapi
from cloud_openapi.catalogue import entries


def test_every_public_name_exists_and_is_sorted():
    assert cloud_openapi.__all__ == sorted(cloud_openapi.__all__)
    assert all(hasattr(cloud_openapi, name) for name in cloud_openapi.__all__)


def test_import_loads_only_modules_of_the_deployed_core():
    heavy = ("flask", "werkzeug", "jsonschema", "jsonschema_rs", "click", "waitress", "google")
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


@pytest.mark.slow
def test_a_wheel_has_the_whole_catalogue_and_at_most_700_kb(tmp_path):
    builders = pytest.importorskip("hatchling.builders.wheel")
    wheel = Path(next(builders.WheelBuilder(str(ROOT)).build(directory=str(tmp_path))))
    assert wheel.stat().st_size <= 700_000
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    assert entries(tmp_path / "cloud_openapi" / "catalogue") == entries()
