"""The upload of a function: what it has, its bytes, its limits, and that it is written whole."""

import ast
import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from support.paths import ROOT

from cloud_openapi import ConfigError
from cloud_openapi.errors import CloudOpenAPIError
from cloud_openapi.runtime import Functions
from cloud_openapi.runtime._packages import WHEELS_ONLY, run_installer
from cloud_openapi.runtime.packing import _upload, uploads
from cloud_openapi.runtime.packing._own_package import package_files
from cloud_openapi.runtime.packing._workspace import put, workspace

PLAIN = "def main(event, context):\n    return event\n"
NEVER = ("emulator", "cli", "contract", "charts", "runtime", "recordings", "pytest_plugin", "types")
IMPORT_ALL = """
import pkgutil, sys
sys.path[:0] = sys.argv[1:]
import cloud_openapi
assert cloud_openapi.__file__.startswith(sys.argv[1])
for each in pkgutil.walk_packages(cloud_openapi.__path__, "cloud_openapi."):
    __import__(each.name)
    print(each.name)
"""


@pytest.fixture
def function(tmp_path):
    """Return a function that makes the settings of a function from its files."""

    def make(**files):
        folder = tmp_path / "functions" / "hello"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name.replace("_", ".", 1)).write_text(content)
        found = Functions(tmp_path / "functions", {})
        try:
            return found.settings_of("hello")
        finally:
            found.close()

    return make


def make(settings, to, **options):
    with uploads(to, installer="pip", **options) as one:
        return one(settings)


def write(files, folder):
    for place, content in files.items():
        path = folder / "cloud_openapi" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())


def test_the_modules_that_a_function_imports_are_complete_and_no_others_are_there(tmp_path):
    files = package_files({"cloud_openapi"})
    write(files, tmp_path)
    tops = {place.partition("/")[0].removesuffix(".py") for place in files}
    assert tops.isdisjoint(NEVER)
    assert "py.typed" in tops
    # requests and protobuf come from here; an editable installation is not found without site.
    site = str(Path(sys.executable).parent.parent / "lib")
    (packages,) = Path(site).glob("python*/site-packages")
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(tmp_path), str(packages)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    modules = {place for place in files if place.endswith(".py") and place != "__init__.py"}
    assert len(ended.stdout.split()) == len(modules)


def test_imports_for_types_alone_bring_nothing_and_a_room_that_is_named_comes(tmp_path):
    assert not any(place.startswith("charts/") for place in package_files({"cloud_openapi"}))
    files = package_files({"cloud_openapi.charts", "cloud_openapi.charts.retention_table"})
    assert {"__init__.py", "charts/__init__.py", "charts/page.css"} <= files.keys()
    assert "cloud_openapi/types.py" not in files
    # The type checker's imports of the client name types.py.
    source = (ROOT / "cloud_openapi" / "_cloud.py").read_text("utf-8")
    assert "import types" in ast.unparse(ast.parse(source))


def test_recordings_come_for_a_function_that_imports_them():
    assert "recordings/__init__.py" in package_files({"cloud_openapi.recordings"})


def test_same_files_give_the_same_bytes_whatever_their_times_and_modes(function, tmp_path):
    settings = function(index_py=PLAIN, config_json="{}", b_txt="b", a_txt="a")
    first = make(settings, tmp_path / "one", zipped=True).path.read_bytes()
    for path in settings.folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
        path.chmod(0o600)
    second = make(settings, tmp_path / "two", zipped=True).path.read_bytes()
    assert first == second
    with zipfile.ZipFile(tmp_path / "two" / "hello.zip") as archive:
        assert archive.namelist() == ["a.txt", "b.txt", "config.json", "index.py"]
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {each.external_attr >> 16 for each in archive.infolist()} == {0o100644}


def test_what_is_too_large_is_refused_with_the_largest_parts(function, tmp_path, monkeypatch):
    settings = function(index_py=PLAIN, big_bin="x" * 3_000_000, small_bin="x" * 20)
    monkeypatch.setattr(_upload, "_MOST_BYTES", 1_000_000)
    with pytest.raises(ConfigError, match=r"hello: 2\.9 MB are more .* big\.bin \(2\.9 MB\)"):
        make(settings, tmp_path / "build")
    assert list((tmp_path / "build").iterdir()) == []
    monkeypatch.setattr(_upload, "_MOST_BYTES", 2**30)
    monkeypatch.setattr(_upload, "_MOST_ZIPPED", 100)
    (note,) = make(settings, tmp_path / "build", zipped=True).notes
    assert "--deployMode cos" in note


REFUSED = {
    "Python3.12": "runtime: the platform has Python3.11, .* not 'Python3.12'",
    "Ruby3": "runtime must be a version of Python or Node.js",
}


@pytest.mark.parametrize("runtime", REFUSED)
def test_a_runtime_that_the_platform_lacks_is_refused(function, tmp_path, runtime):
    entry = {"functions": [{"name": "hello", "runtime": runtime}]}
    (tmp_path / "cloudbaserc.json").write_text(json.dumps(entry))
    with pytest.raises(ConfigError, match=REFUSED[runtime]):
        make(function(index_py=PLAIN), tmp_path / "build")


def test_a_handler_that_is_missing_is_refused(function, tmp_path):
    entry = {"functions": [{"name": "hello", "runtime": "Python3.11", "handler": "app.main"}]}
    (tmp_path / "cloudbaserc.json").write_text(json.dumps(entry))
    with pytest.raises(ConfigError, match=r"app\.py is missing: it must define main"):
        make(function(index_py=PLAIN), tmp_path / "build")


def test_workspace_removes_what_a_killed_process_left(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f".cloud-openapi-{name}" / "deep").mkdir(parents=True)
    (tmp_path / "mine").touch()
    with workspace(tmp_path) as made:
        assert {path.name for path in tmp_path.iterdir()} == {"mine", made.name}
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_two_processes_do_not_build_in_one_folder_at_the_same_time(tmp_path):
    entered = threading.Event()

    def other():
        with workspace(tmp_path):
            entered.set()

    thread = threading.Thread(target=other)
    with workspace(tmp_path) as made:
        thread.start()
        assert not entered.wait(0.1)
        assert made.is_dir()
    thread.join()
    assert entered.is_set()


def test_a_folder_is_replaced_by_two_renames(tmp_path):
    former, work = tmp_path / "hello", tmp_path / "work"
    for folder in (former, work / "hello"):
        folder.mkdir(parents=True)
    (former / "old").touch()
    (work / "hello" / "new").touch()
    put(work / "hello", former)
    assert [path.name for path in former.iterdir()] == ["new"]
    assert [path.name for path in work.iterdir()] == ["hello.former"]


NO_WHEEL = {
    "pip": "ERROR: Could not find a version\nERROR: No matching distribution found for lxml-old==1",
    "uv": "  Because lxml-old==1 has no\n      usable wheels and you require lxml-old==1, we can",
    "uv of a tag": "Because lxml-old has no wheels with a matching Python version tag",
}


@pytest.mark.parametrize("tool", NO_WHEEL)
def test_a_package_without_a_wheel_is_named(tool, capfd):
    code = f"print({NO_WHEEL[tool]!r}); raise SystemExit(1)"
    with pytest.raises(CloudOpenAPIError, match="lxml-old has no wheel for the platform"):
        run_installer(tool, [sys.executable, "-c", code, WHEELS_ONLY])
    with pytest.raises(CloudOpenAPIError) as ended:
        run_installer(tool, [sys.executable, "-c", code])
    assert "wheel" not in str(ended.value).partition("above")[0]
    assert "lxml-old" in capfd.readouterr().err
