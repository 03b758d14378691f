"""package makes a folder or a zip file that runs without this machine's packages."""

import json
import os
import socket
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from cloud_openapi.runtime.packing import _dependencies

PLAIN = "def main(event, context):\n    return event\n"
WAIT = 60


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a folder with the function ``hello``; it is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOUD_OPENAPI_INSTALLER", "pip")
    folder = tmp_path / "functions" / "hello"
    (folder / "lib" / "__pycache__").mkdir(parents=True)
    (folder / "lib" / "__pycache__" / "a.pyc").touch()
    (folder / "lib" / "data.txt").write_text("data")
    (folder / ".DS_Store").touch()
    (folder / "index.py").write_text(PLAIN)
    (folder / "config.json").write_text("{}")
    return tmp_path


@pytest.fixture
def pip(monkeypatch):
    """Replace pip, which installs the module ``treasure``; return the arguments of each call."""
    calls = []

    def install(folder, what, **_python):
        calls.append(what)
        (folder / "bin").mkdir()
        (folder / "bin" / "treasure").touch()
        (folder / "treasure").mkdir()
        (folder / "treasure" / "__init__.py").write_text("VALUE = 'gold'\n")
        (folder / "treasure" / "__init__.pyi").touch()
        (folder / "treasure-1.0.dist-info").mkdir()
        for name in ("METADATA", "RECORD", "INSTALLER", "REQUESTED"):
            (folder / "treasure-1.0.dist-info" / name).write_text(str(folder))

    monkeypatch.setattr(_dependencies, "pip_install", install)
    return calls


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def runtime(name):
    return json.dumps({"functions": [{"name": "hello", "runtime": name}]})


def test_the_copy_has_the_functions_files_alone(project, command):
    code, out, err = command("package", "hello", "--no-rc")
    assert (code, err) == (0, "")
    assert files_of(project / "build" / "hello") == ["config.json", "index.py", "lib/data.txt"]
    first, last = out.splitlines()
    assert first.startswith("hello: build/hello: 3 files, ")
    assert last == "Upload it: tcb fn deploy hello --dir build/hello"
    assert [path.name for path in (project / "build").iterdir()] == ["hello"]


def test_a_copy_of_before_is_replaced(project, command):
    command("package", "hello", "--to", "out")
    (project / "functions" / "hello" / "lib" / "data.txt").unlink()
    command("package", "functions/hello/", "--to", "out")
    assert files_of(project / "out" / "hello") == ["config.json", "index.py"]


@pytest.mark.parametrize("to", [".", "functions", "functions/hello", "functions/hello/deep"])
def test_other_files_are_never_replaced(project, command, to):
    (project / "hello").mkdir()
    (project / "hello" / "mine").touch()
    before = files_of(project)
    code, out, err = command("package", "hello", "--to", to)
    assert (code, out) == (1, "")
    assert "another folder" in err
    assert files_of(project) == before


def test_a_zip_file_has_the_files_at_its_top_with_their_modes(project, command):
    script = project / "functions" / "hello" / "scf_bootstrap"
    script.write_text("#!/bin/bash\n")
    script.chmod(0o755)
    assert command("package", "hello", "--zip")[0] == 0
    with zipfile.ZipFile(project / "build" / "hello.zip") as archive:
        assert sorted(archive.namelist()) == [
            "config.json",
            "index.py",
            "lib/data.txt",
            "scf_bootstrap",
        ]
        assert archive.getinfo("scf_bootstrap").external_attr >> 16 & 0o777 == 0o755
    assert [path.name for path in (project / "build").iterdir()] == ["hello.zip"]


def test_a_file_that_cannot_be_copied_is_named_with_the_reason(project, command):
    # A socket: root reads files of any mode.
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("functions/hello/s")
        code, out, err = command("package", "hello")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("cloud-openapi: hello: not copied: ")
    assert "functions/hello/s" in err
    assert "[(" not in err
    assert not list((project / "build").rglob("index.py"))


def test_what_the_platform_installs_for_node_is_left_out(project, command):
    folder = project / "functions" / "web"
    (folder / "node_modules" / "a").mkdir(parents=True)
    (folder / "node_modules" / "a" / "index.js").touch()
    (folder / "index.js").write_text("exports.main = () => 1\n")
    assert command("package", "web")[0] == 0
    assert files_of(project / "build" / "web") == ["index.js", "node_modules/a/index.js"]
    (folder / "package.json").write_text("{}")
    _, out, _ = command("package", "web")
    assert files_of(project / "build" / "web") == ["index.js", "package.json"]
    assert "web: the platform installs what package.json lists: node_modules is left out" in out


@pytest.mark.parametrize(
    ("name", "version"), [("Python3.9", "3.9"), ("Python3.11", "3.11"), (None, "3.10")]
)
def test_requirements_are_installed_for_the_functions_runtime(project, command, pip, name, version):
    if name:
        (project / "cloudbaserc.json").write_text(runtime(name))
    (project / "functions" / "hello" / "requirements.txt").write_text("tiny\n")
    code, out, _ = command("package", "hello")
    (what,) = pip
    assert code == 0
    assert f"--python-version={version}" in what
    assert "--only-binary=:all:" in what
    assert "--platform=manylinux2014_x86_64" in what
    listed = str((project / "functions" / "hello" / "requirements.txt").resolve())
    assert what[-2:] == ["--requirement", listed]
    assert f"hello: its packages are for the runtime Python{version}\n" in out
    assert files_of(project / "build" / "hello")[3:] == [
        "requirements.txt",
        "treasure-1.0.dist-info/METADATA",
        "treasure/__init__.py",
    ]


@pytest.mark.parametrize(
    "source", ["from cloud_openapi import cloud\n", "def f():\n    import cloud_openapi.errors\n"]
)
def test_this_package_comes_from_the_running_installation(project, command, pip, source):
    (project / "functions" / "hello" / "index.py").write_text(source + PLAIN)
    code, _, err = command("package", "hello")
    assert (code, err) == (0, "")
    (what,) = pip
    assert [text.partition(">")[0] for text in what[-2:]] == ["requests", "protobuf"]
    copy = project / "build" / "hello"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import cloud_openapi as c; "
        "from cloud_openapi.catalogue import default_catalogue as catalogue; "
        "assert catalogue()['analysis.getDailyRetain'].method == 'POST'; print(c.__file__)"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(copy)],
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(copy)


def test_a_runtime_that_is_too_old_for_this_package_is_refused(project, command, pip):
    (project / "functions" / "hello" / "index.py").write_text("import cloud_openapi\n" + PLAIN)
    (project / "cloudbaserc.json").write_text(runtime("Python3.9"))
    code, out, err = command("package", "hello")
    assert (code, out, pip) == (1, "", [])
    assert "runtime Python3.9: cloud_openapi needs Python3.10 or newer" in err
    assert list((project / "build").iterdir()) == []


@pytest.mark.parametrize("arguments", [["install"], ["package", "--no-rc"]])
@pytest.mark.parametrize("file", ["requirements.txt", "more.txt"])
def test_a_list_of_packages_that_is_not_utf_8_is_named_with_its_byte(
    project, command, monkeypatch, arguments, file
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(project / "cache"))
    folder = project / "functions" / "hello"
    (folder / "requirements.txt").write_text("-r more.txt\n")
    (folder / file).write_text("# 商店\ntreasure\n", "gbk")
    code, out, err = command(*arguments, "hello")
    message = f"functions/hello/{file}: byte 3 is not UTF-8; save it as UTF-8"
    assert (code, out, err) == (1, "", f"cloud-openapi: {message}\n")


@pytest.mark.parametrize(
    ("text", "encoding"), [("# 商店\n", "utf-16"), ("# coding: gbk\n# 商店\n", "gbk")]
)
def test_a_list_of_packages_in_an_encoding_that_pip_knows_is_left_to_pip(
    project, command, pip, text, encoding
):
    (project / "functions" / "hello" / "requirements.txt").write_text(text, encoding)
    assert command("package", "hello", "--no-rc")[0] == 0
    assert len(pip) == 1


@pytest.mark.skipif(find_spec("pip") is None, reason="pip is missing")
@pytest.mark.slow
def test_pips_output_is_shown_if_it_fails(project, command):
    (project / "functions" / "hello" / "requirements.txt").write_text("./nowhere.whl\n")
    code, out, err = command("package", "hello")
    assert (code, out) == (1, "")
    assert "nowhere.whl" in err
    assert err.splitlines()[-1].startswith("cloud-openapi: pip failed; its output is above")
    assert not (project / "build" / "hello").exists()


def test_check_names_the_command_for_a_function_that_needs_it(project, command, monkeypatch):
    (project / "functions" / "hello" / "index.py").write_text("import cloud_openapi\n" + PLAIN)
    code, out, _ = command("check", "hello")
    assert code == 0
    note = "the platform does not have cloud_openapi; upload the copy that this makes"
    assert f"    {note}: cloud-openapi package hello\n" in out
    monkeypatch.chdir(project / "functions" / "hello")
    (project / "functions").rename(project / "other")
    monkeypatch.chdir(project)
    _, out, _ = command("check", "hello", "--functions", "other")
    assert f"{note}: cloud-openapi package hello --functions other\n" in out


def test_several_functions_are_packaged_and_one_that_fails_stops_no_other(project, command):
    folder = project / "functions" / "lost"
    folder.mkdir()
    (folder / "index.py").write_text("from cloud_openapi import cloud\n" + PLAIN)
    entries = [{"name": "lost", "runtime": "Python3.9"}, {"name": "hello", "runtime": "Python3.9"}]
    (project / "cloudbaserc.json").write_text(json.dumps({"functions": entries}))
    code, out, err = command("package", "--all")
    assert code == 1
    assert [path.name for path in (project / "build").iterdir()] == ["hello"]
    assert "hello: build/hello: " in out
    assert "cloud-openapi: lost: " in err
    assert "cloud_openapi needs Python3.10 or newer" in err
    code, out, err = command("package", "hello", "functions/hello")
    assert (code, err) == (0, "")
    assert out.count("Upload it: ") == 1
    assert command("package", "hello", "--all")[0] == 2


def test_cloudbaserc_is_written_and_a_command_in_another_folder_goes_there(
    project, command, monkeypatch
):
    _, out, _ = command("package", "hello", "--variable", "KEY")
    added = "runtime, handler, timeout, memorySize, envVariables"
    assert f"cloudbaserc.json: hello: {added} added\n" in out
    (entry,) = json.loads((project / "cloudbaserc.json").read_text())["functions"]
    assert entry["envVariables"] == {"KEY": "{{env.KEY}}"}
    monkeypatch.chdir(project / "functions")
    _, out, _ = command("package", "hello", "--to", "../out")
    assert out.splitlines()[-1] == "Upload it: cd .. && tcb fn deploy hello --dir out/hello"


@pytest.mark.parametrize("given", ["CLOUD_OPENAPI_SECRET=geheim", "geheim-1", "1=geheim", ""])
def test_a_variable_is_a_name_and_a_value_reaches_no_file(project, command, given):
    code, out, err = command("package", "hello", "--variable", given)
    assert code == 2
    assert "geheim" not in out + err
    assert "name" in err
    assert not (project / "cloudbaserc.json").exists()
    assert not (project / "build").exists()


def test_without_rc_nothing_is_written_beside_the_result(project, command):
    command("package", "hello", "--no-rc")
    assert not (project / "cloudbaserc.json").exists()


def test_own_files_are_kept(project, command, pip):
    folder = project / "functions" / "hello"
    (folder / "requirements.txt").write_text("treasure\n")
    (folder / "treasure").mkdir()
    (folder / "treasure" / "__init__.py").write_text("VALUE = 'own'\n")
    _, out, _ = command("package", "hello")
    assert "hello: the function's own files are kept: treasure\n" in out
    copied = project / "build" / "hello" / "treasure" / "__init__.py"
    assert copied.read_text() == "VALUE = 'own'\n"


def test_packages_are_installed_once_for_all_functions_with_the_same(project, command, pip):
    for name in ("aa", "bb"):
        (project / "functions" / name).mkdir()
        (project / "functions" / name / "index.py").write_text(PLAIN)
        (project / "functions" / name / "requirements.txt").write_text("treasure\n")
    assert command("package", "--all")[0] == 0
    assert len(pip) == 1
    assert (project / "build" / "bb" / "treasure" / "__init__.py").is_file()
    (project / "functions" / "bb" / "requirements.txt").write_text("treasure>=1\n")
    assert command("package", "--all")[0] == 0
    assert len(pip) == 3


# A function's source, and the message of --check --data, which is the result if it runs.
TRIALS = {
    "import treasure\ndef main(event, context):\n    return treasure.VALUE + event['x']\n": (
        'hello: "golden"\n'
    ),
    "import click\n" + PLAIN: "No module named 'click': the result does not have it; list it",
    "def main(event, context):\n    raise KeyError('lost')\n": "hello: KeyError: 'lost'",
    "def main(event, context):\n    open('new.txt', 'w')\n": "Read-only file system: 'new.txt'",
    "import os\ndef main(event, context):\n    os.rename('index.py', 'b.py')\n": (
        "Read-only file system: 'index.py'"
    ),
    "import tempfile\ndef main(event, context):\n    with tempfile.TemporaryFile('w') as file:\n"
    "        return file.write('abc')\n": "hello: 3\n",
    "def handler(event, context):\n    return 1\n": (
        "functions/hello/index.py has no function main(event, context)"
    ),
}


def test_check_runs_the_result_with_nothing_but_its_own_files(project, command, pip):
    folder = project / "functions" / "hello"
    (folder / "requirements.txt").write_text("treasure\n")
    for source, expected in TRIALS.items():
        (folder / "index.py").write_text(source)
        code, out, err = command("package", "hello", "--check", "--data", '{"x": "en"}')
        assert expected in out + err, (source, out, err)
        assert (code == 0) == (expected in out), (source, out, err)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".DS_Store",
        "config.json",
        "index.py",
        "lib",
        "requirements.txt",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="modes keep others from writing")
def test_check_sees_what_root_writes_by_another_program(project, command):
    source = "import os\nos.system('echo new > new.txt')\n" + PLAIN
    (project / "functions" / "hello" / "index.py").write_text(source)
    code, _, err = command("package", "hello", "--check")
    assert code == 1
    assert "hello: it writes into its folder, which is read-only: new.txt" in err


def test_check_tries_a_zip_and_names_web_functions(project, command):
    code, out, _ = command("package", "hello", "--zip", "--check")
    assert code == 0
    assert "hello: it loads with nothing but its own files\n" in out
    script = project / "functions" / "hello" / "scf_bootstrap"
    script.write_text("#!/bin/bash\n")
    script.chmod(0o755)
    code, out, _ = command("package", "hello", "--zip", "--check")
    assert code == 0
    assert "hello: not tried: web functions are not emulated\n" in out
    assert command("package", "hello", "--data", "{}")[0] == 2
