"""The repository's functions, packaged by real installers, run with nothing but their own files."""

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import zipfile
from importlib.util import find_spec
from itertools import count

import pytest
from support.paths import ROOT, sample

from cloud_openapi.runtime import Functions
from cloud_openapi.runtime._python import Python, interpreter
from cloud_openapi.runtime.packing import _dependencies, uploads

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("proxies")]

needs_pip = pytest.mark.skipif(find_spec("pip") is None, reason="pip is missing")
needs_uv = pytest.mark.skipif(not _dependencies._uv_command(), reason="uv is missing")
needs_npm = pytest.mark.skipif(not shutil.which("npm"), reason="npm is missing")
APIS = ("getDailyRetain", "getWeeklyRetain", "getMonthlyRetain")
KILLS = 200
LOCAL = "--no-index\n--find-links ../../wheels\n"
MOST_BYTES = 1_200_000


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Copy the functions into a folder, which is the working directory."""
    shutil.copytree(ROOT / "functions", tmp_path / "functions")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def event_of(api):
    return json.dumps(sample(f"{api}.request.official-cloud.json"))


def results(out):
    """Return the results that the command printed, by function."""
    lines = (line.partition(": ") for line in out.splitlines())
    return {name: json.loads(text) for name, _, text in lines if text.startswith("{")}


@pytest.mark.parametrize(
    "installer", [pytest.param("pip", marks=needs_pip), pytest.param("uv", marks=needs_uv)]
)
def test_python_functions_give_the_documented_results_by_the_gateway(project, command, installer):
    for api in APIS:
        made = []
        for _ in range(2):
            code, out, err = command(
                *("package", api, "--zip", "--installer", installer),
                *("--check", "--data", event_of(api)),
            )
            assert code == 0, err
            assert results(out) == {api: sample(f"{api}.response.official-cloud.json")}
            made.append((project / "build" / f"{api}.zip").read_bytes())
        assert made[0] == made[1]
        assert len(made[0]) <= MOST_BYTES


@needs_pip
@needs_uv
def test_pip_and_uv_give_the_same_bytes(project, command):
    made = []
    for installer in ("pip", "uv"):
        assert command("package", APIS[0], "--zip", "--installer", installer)[0] == 0
        made.append((project / "build" / f"{APIS[0]}.zip").read_bytes())
    assert made[0] == made[1]


@needs_npm
def test_node_functions_give_the_documented_results(project, command):
    for api in APIS:
        name = f"{api}Node"
        code, out, err = command("package", name, "--zip", "--check", "--data", event_of(api))
        assert code == 0, err
        answer = {"errCode": 0, **sample(f"{api}.response.official-cloud.json")}
        assert results(out) == {name: answer}
        with zipfile.ZipFile(project / "build" / f"{name}.zip") as archive:
            assert archive.namelist() == ["config.json", "index.js", "package.json"]


def test_every_function_of_the_repository_loads_with_nothing_but_its_own_files(project, command):
    if not shutil.which("npm"):
        for folder in (project / "functions").glob("*Node"):
            shutil.rmtree(folder)
    code, out, err = command("package", "--all", "--zip", "--check")
    assert code == 0, err
    for folder in (project / "functions").iterdir():
        assert f"{folder.name}: it loads with nothing but its own files\n" in out


@needs_uv
@pytest.mark.parametrize("version", [Python(3, 7), Python(3, 9), Python(3, 10), Python(3, 11)])
def test_a_function_is_tried_with_the_python_of_its_runtime(project, command, version):
    if interpreter(version) is None:
        pytest.skip(f"python{version} is missing")
    folder = project / "functions" / "hello"
    folder.mkdir()
    (folder / "index.py").write_text(
        "import sys, idna\ndef main(event, context):\n"
        "    return {'python': list(sys.version_info[:2]), 'idna': idna.__version__}\n"
    )
    (folder / "requirements.txt").write_text("idna\n")
    entry = {"functions": [{"name": "hello", "runtime": f"Python{version}"}]}
    (project / "cloudbaserc.json").write_text(json.dumps(entry))
    code, out, err = command("package", "hello", "--installer", "uv", "--check", "--data", "{}")
    assert code == 0, err
    assert results(out)["hello"]["python"] == list(version)


def wheel(folder, name, tag, module):
    """Write a wheel into a folder."""
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in module.items():
            archive.writestr(place, text)
        info = f"{name}-1.0.dist-info"
        needs = "Requires-Dist: old; python_version < '3.11'\n" if name == "new" else ""
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        )
        records = [*module, f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"]
        archive.writestr(f"{info}/RECORD", "".join(f"{each},,\n" for each in records))


@needs_uv
def test_conditions_are_read_for_the_platforms_python(project, command):
    wheels = project / "wheels"
    wheels.mkdir()
    wheel(wheels, "new", "py3-none-any", {"new.py": ""})
    wheel(wheels, "old", "py3-none-any", {"old.py": ""})
    wheel(wheels, "later", "cp310-cp310-manylinux_2_28_x86_64", {"later.py": ""})
    function = project / "functions" / "hello"
    function.mkdir()
    (function / "index.py").write_text("def main(event, context):\n    return 1\n")
    (function / "requirements.txt").write_text(f"{LOCAL}new\n")
    for runtime, has_old in (("Python3.10", True), ("Python3.11", False)):
        entry = {"functions": [{"name": "hello", "runtime": runtime}]}
        (project / "cloudbaserc.json").write_text(json.dumps(entry))
        assert command("package", "hello", "--installer", "uv")[0] == 0
        assert (project / "build" / "hello" / "old.py").is_file() == has_old
    # CentOS 7 does not run what is built for a newer glibc.
    (function / "requirements.txt").write_text(f"{LOCAL}later\n")
    code, _, err = command("package", "hello", "--installer", "uv")
    assert code == 1
    assert "later has no wheel for the platform (manylinux2014, x86_64)" in err


@needs_pip
def test_pip_refuses_a_wheel_for_a_newer_glibc(project, command):
    wheels = project / "wheels"
    wheels.mkdir()
    wheel(wheels, "later", "cp310-cp310-manylinux_2_28_x86_64", {"later.py": ""})
    function = project / "functions" / "hello"
    function.mkdir()
    (function / "index.py").write_text("def main(event, context):\n    return 1\n")
    (function / "requirements.txt").write_text(f"{LOCAL}later\n")
    code, _, err = command("package", "hello", "--installer", "pip")
    assert code == 1
    assert "later has no wheel for the platform (manylinux2014, x86_64)" in err
    assert list((project / "build").iterdir()) == []


def content(path):
    """Return what a folder or a zip file has, to compare; None if it is missing."""
    if path.is_file():
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if not path.is_dir():
        return None
    files = sorted(each for each in path.rglob("*") if each.is_file())
    return [(each.relative_to(path).as_posix(), each.read_bytes()) for each in files]


def build_and_kill(settings, folder, zipped, after):
    """Build in a forked child, which is killed after some operations; return whether it ended.

    An operation is one that Python audits: a file is opened, made, renamed or removed.
    """
    pid = os.fork()
    if pid == 0:
        done = count(1)
        sys.addaudithook(lambda *_: next(done) == after and os.kill(os.getpid(), signal.SIGKILL))
        try:
            with uploads(folder, zipped=zipped, installer="pip") as make:
                make(settings)
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def operations_of(settings, folder, zipped):
    """Return the least power of two of operations after which a build has ended."""
    ways = (2**n for n in range(6, 30))
    return next(each for each in ways if build_and_kill(settings, folder, zipped, each))


def test_a_build_that_is_killed_at_any_moment_leaves_a_whole_result_or_none(project, monkeypatch):
    def install(folder, _what, **_python):
        for number in range(100):
            (folder / f"module{number}.py").write_text("x = 1\n" * number)

    monkeypatch.setattr(_dependencies, "pip_install", install)
    found = Functions(project / "functions", {})
    settings = found.settings_of(APIS[0])
    found.close()
    rng, build, ended = random.Random(7), project / "build", 0
    targets = {False: build / APIS[0], True: build / f"{APIS[0]}.zip"}
    whole = {}
    for zipped, target in targets.items():
        with uploads(build, zipped=zipped, installer="pip") as make:
            make(settings)
        whole[zipped] = content(target)
    most = {zipped: operations_of(settings, build, zipped) for zipped in targets}
    for number in range(KILLS):
        zipped = bool(number % 2)
        ended += build_and_kill(settings, build, zipped, rng.randint(1, most[zipped]))
        assert content(targets[zipped]) in (None, whole[zipped])
    assert 0 < ended < KILLS
    for zipped, target in targets.items():
        with uploads(build, zipped=zipped, installer="pip") as make:
            make(settings)
        assert content(target) == whole[zipped]
    assert sorted(build.iterdir()) == sorted(targets.values())
