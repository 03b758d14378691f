"""What functions list is installed once, outside of their folders."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloud_openapi.runtime import Functions, install_packages
from cloud_openapi.runtime._packages import packages_of

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
            target = install_packages(found.settings_of(name))
            assert target is None or (target / "wx-server-sdk").is_dir()
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


@pytest.mark.parametrize(
    ("listed", "number"),
    [
        ({"scripts": {"postinstall": "true"}}, 1),
        ({"workspaces": ["parts/one"]}, 1),
        ({"scripts": {"test": "jest"}, "dependencies": {}}, 0),
        ({"scripts": None}, 0),
    ],
)
def test_what_npm_has_nothing_to_do_for_is_not_installed(installs, listed, number):
    assert installs({"fn": {"package.json": listed}}) == number


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
        {"package.json": package("b"), "npm-shrinkwrap.json": lock("b", "4.0.1")},
    ],
    ids=["version", "overrides", "scripts", "lock", "shrinkwrap"],
)
def test_each_file_that_npm_reads_decides_the_cache_folder(installs, other):
    assert installs({"fna": {"package.json": package("a")}, "fnb": other}) == 2


# Two of them wait for each other, so that each has begun before either has ended.
SLOW_NPM = """#!/bin/sh
while [ "$1" != --prefix ]; do shift; done
touch "$NPM_LOG.$$"
while [ "$(ls "$NPM_LOG".* | wc -l)" -lt 2 ]; do sleep 0.01; done
mkdir -p "$2/node_modules/wx-server-sdk"
"""


def test_two_installs_of_the_same_at_once_both_succeed(installs, tmp_path):
    (tmp_path / "bin" / "npm").write_text(SLOW_NPM)
    folder = tmp_path / "functions" / "hello"
    folder.mkdir(parents=True)
    (folder / "index.js").write_text("exports.main = () => 1\n")
    (folder / "package.json").write_text(json.dumps(package("hello")))
    command = [Path(sys.executable).with_name("cloud-openapi"), "install", "hello"]
    both = [
        subprocess.Popen(
            [*command, "--functions", folder.parent],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert told[0] == told[1]
    (made,) = (tmp_path / "cache" / "cloud_openapi").iterdir()
    assert (made / "node_modules" / "wx-server-sdk").is_dir()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a function that says where the packages of a requirements.txt and its files belong."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "functions" / "hello"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text("def main(event, context):\n    return event\n")

    def place(**files):
        for name, content in files.items():
            path = folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        functions = Functions(folder.parent, {})
        functions.close()
        return packages_of(functions.settings_of("hello"))

    return place


@pytest.mark.parametrize(
    "line",
    [
        "-r base.txt",
        "-rbase.txt",
        "-c base.txt  # what others were tested with",
        "  --requirement base.txt",
        "--constraint=base.txt",
        "-r ./base.txt",
        '-r "base.txt"',
        "--requirement \\\n  base.txt",
        "-r ${FOLDER}base.txt",
        "-r https://example.com/base.txt\r\n-r base.txt\r\n",
    ],
)
def test_included_requirements_decide_the_cache_folder(place, monkeypatch, line):
    monkeypatch.setenv("FOLDER", "")
    first = place(requirements_txt=f"requests\n{line}\n", base_txt="idna==3.7\n")
    assert place(base_txt="idna==3.7\n") == first
    assert place(base_txt="idna==3.8\n") != first


def test_requirements_may_include_each_other_at_any_depth(place):
    files = {"sub__base_txt": "-r ../more.txt\n", "more_txt": "-r requirements.txt\nidna==3.7\n"}
    first = place(requirements_txt="-r sub/base.txt\n", **files)
    assert place(more_txt="-r requirements.txt\nidna==3.8\n") != first


def test_a_requirements_file_in_a_comment_is_not_included(place):
    first = place(requirements_txt="# -r base.txt\nrequests # -r base.txt\n", base_txt="one\n")
    assert place(base_txt="two\n") == first
