"""What functions list is installed once, outside of their folders."""

import json
import os
from pathlib import Path

import pytest

from cloud_openapi.runtime import Functions, install_packages

NPM = """#!/bin/sh
echo run >> "$NPM_LOG"
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/wx-server-sdk"
"""


@pytest.fixture
def installs(tmp_path, monkeypatch):
    """Return a function that installs for functions of given files, and how often npm ran."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NPM_LOG", str(tmp_path / "npm.log"))
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(NPM)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    def install(functions):
        for name, files in functions.items():
            folder = tmp_path / "functions" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "index.js").write_text("exports.main = () => 1\n")
            for file, content in files.items():
                (folder / file).write_text(json.dumps(content, indent=len(name)))
        found = Functions(tmp_path / "functions", {})
        for name in found:
            assert (install_packages(found.settings_of(name)) / "wx-server-sdk").is_dir()
        found.close()
        log = Path(os.environ["NPM_LOG"])
        return len(log.read_text().splitlines()) if log.is_file() else 0

    return install


def package(name, version="4.0.2", **more):
    return {"name": name, "version": "1.0.0", "dependencies": {"wx-server-sdk": version}, **more}


def lock(name, version="4.0.2"):
    installed = {"node_modules/wx-server-sdk": {"version": version}}
    return {"name": name, "lockfileVersion": 3, "packages": {"": package(name), **installed}}


def test_functions_with_the_same_dependencies_install_once(installs):
    three = {f"fn{name}": {"package.json": package(name)} for name in ("a", "b", "c")}
    assert installs(three) == 1
    assert installs({}) == 1


def test_functions_with_the_same_lock_install_once(installs):
    files = {f"fn{x}": {"package.json": package(x), "package-lock.json": lock(x)} for x in "ab"}
    assert installs(files) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"package.json": package("b", "3.0.4")},
        {"package.json": package("b", overrides={"axios": "1.0.0"})},
        {"package.json": package("b", scripts={"postinstall": "true"})},
        {"package.json": package("b"), "package-lock.json": lock("b", "4.0.1")},
    ],
    ids=["version", "overrides", "scripts", "lock"],
)
def test_what_differs_in_anything_that_npm_reads_is_installed_apart(installs, other):
    assert installs({"fna": {"package.json": package("a")}, "fnb": other}) == 2
