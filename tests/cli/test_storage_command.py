"""cloud-openapi storage: the files of cloud storage of a running emulator."""

import io
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from support.processes import WAIT
from support.values import NOW

from cloud_openapi.emulator import Clock, Emulator, Server, create_app, listen

COMMAND = Path(sys.executable).with_name("cloud-openapi")
FILE_ID = "cloud://local.6c6f-local-1250000000/"


@pytest.fixture(scope="module")
def served():
    emulator = Emulator(clock=Clock(NOW), apps={"wx-1": "a", "wx-2": "b"})
    with listen("127.0.0.1", 0) as listening, Server(create_app(emulator), listening) as server:
        yield emulator, server.url


@pytest.fixture
def files(served, tmp_path, monkeypatch):
    """Return the files of the first mini program, empty, in a working directory of the test."""
    emulator, url = served
    emulator.reset()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOUD_OPENAPI_BASE_URL", url)
    return emulator.program("wx-1").storage.files


@pytest.fixture
def storage(files, command):
    """Return a function that runs a command, and gives its lines; it must succeed."""

    def storage(*arguments):
        code, printed, error = command("storage", *arguments)
        assert (code, error) == (0, "")
        return printed.splitlines()

    return storage


@pytest.fixture
def failing(files, command):
    """Return a function that runs a command that fails, and gives its exit code and message."""

    def failing(*arguments):
        code, printed, error = command("storage", *arguments)
        assert printed == ""
        assert "Traceback" not in error
        return code, error

    return failing


def paths(files):
    return [path for path, _file in files.listed()]


def test_files_are_written_listed_read_and_removed(storage, files, tmp_path):
    content = bytes(range(256)) * 40_000
    (tmp_path / "图 一.png").write_bytes(content)
    assert storage("put", "图 一.png") == [f"{FILE_ID}图 一.png"]
    assert storage("put", "图 一.png", "images/") == [f"{FILE_ID}images/图 一.png"]
    assert storage("put", "图 一.png", "images/50%#?.png") == [f"{FILE_ID}images/50%#?.png"]
    assert storage("list", "images/") == [
        "  10,240,000  2026-03-11T12:00:00  images/50%#?.png",
        "  10,240,000  2026-03-11T12:00:00  images/图 一.png",
    ]
    assert len(storage("list")) == 3
    assert storage("get", "images/50%#?.png") == []
    assert (tmp_path / "50%#?.png").read_bytes() == content
    storage("get", "图 一.png", "copy.png")
    assert (tmp_path / "copy.png").read_bytes() == content
    storage("remove", "图 一.png", "images/图 一.png")
    assert paths(files) == ["images/50%#?.png"]
    storage("reset")
    assert paths(files) == []


def test_folders_are_written_and_read(storage, files, tmp_path):
    (tmp_path / "seed" / "deeper").mkdir(parents=True)
    (tmp_path / "seed" / "a").write_bytes(b"a")
    (tmp_path / "seed" / "deeper" / "b").write_bytes(b"b")
    assert storage("put", "seed", "x") == [f"{FILE_ID}x/a", f"{FILE_ID}x/deeper/b"]
    storage("put", "seed")
    assert paths(files) == ["a", "deeper/b", "x/a", "x/deeper/b"]
    assert storage("get", "x/", "out") == ["out/a", "out/deeper/b"]
    assert (tmp_path / "out" / "deeper" / "b").read_bytes() == b"b"


def test_more_files_than_one_answer_has_are_listed(storage, files):
    for number in range(1005):
        files.write(f"{number:04}", [b""], NOW)
    assert len(storage("list")) == 1005


def test_input_and_output_are_streams(storage, files, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\0")))
    storage("put", "-", "from input")
    assert files.get("from input").content.read_bytes() == b"\xff\0"
    files.write("text", [b"a line\n"], NOW)
    assert storage("get", "text", "-") == ["a line"]


def test_a_file_may_have_the_name_of_a_stream(storage, files, tmp_path):
    (tmp_path / "-").write_bytes(b"a")
    storage("put", "./-")
    storage("put", "./-", "x/")
    assert paths(files) == ["-", "x/-"]
    (tmp_path / "-").unlink()
    assert storage("get", "x/-") == []
    assert (tmp_path / "-").read_bytes() == b"a"
    (tmp_path / "-").unlink()
    assert storage("get", "-", "./-") == []
    assert (tmp_path / "-").read_bytes() == b"a"


def test_each_mini_program_has_its_files(storage, files, tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    storage("put", "a", "--appid", "wx-2")
    assert paths(files) == []
    assert len(storage("list", "--appid", "wx-2")) == 1


def test_errors_say_what_was_wrong_and_lose_nothing(failing, files, tmp_path):
    (tmp_path / "a").write_bytes(b"local")
    assert failing("get", "missing") == (1, "cloud-openapi: There is no file missing here.\n")
    assert failing("get", "missing", "a")[0] == 1
    assert (tmp_path / "a").read_bytes() == b"local"
    assert failing("remove", "missing") == (1, "cloud-openapi: There is no file missing here.\n")
    assert "none/a: No such file" in failing("get", "missing", "none/a")[1]
    assert "nothing: No such file" in failing("put", "nothing")[1]
    assert "has no segment . or .." in failing("put", "a", "../a")[1]
    assert "two slashes" in failing("put", "a", "b//c")[1]
    assert "/a: a path of cloud storage does not begin with a slash" in failing("put", "a", "/a")[1]
    assert failing("get", "x/") == (1, "cloud-openapi: There is no file below x/ here.\n")
    assert "appid is one of" in failing("list", "--appid", "other")[1]
    assert failing("put", "-")[0] == 2
    assert failing("remove")[0] == 2
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert paths(files) == []


def test_files_are_not_written_outside_of_the_target(failing, files, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path)
    files.write("x/link/escaped", [b"x"], NOW)
    code, error = failing("get", "x/", "out")
    assert (code, "outside of out" in error) == (1, True)
    assert not (tmp_path / "escaped").exists()


@pytest.mark.slow
def test_serve_keeps_files_between_runs_and_begins_with_the_seed(tmp_path):
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "seed.txt").write_bytes(b"seed")
    (tmp_path / "cloudfunctions").mkdir()
    kept = ("--functions", tmp_path / "cloudfunctions", "--data", tmp_path / "data")
    with serving(*kept) as url:
        assert requests.put(f"{url}/_emulator/storage/files/new", data=b"new").status_code == 201
        assert requests.delete(f"{url}/_emulator/storage/files/seed.txt").status_code == 200
        second = subprocess.run(
            [COMMAND, "serve", "--port", "0", *kept],
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT,
        )
        assert (second.returncode, second.stdout) == (1, "")
        assert "--data: " in second.stderr
        assert "in use by another emulator" in second.stderr
        assert second.stderr.count("\n") == 1
    with serving(*kept) as url:
        assert listed_at(url) == ["new"]
        assert requests.get(f"{url}/_emulator/storage/files/new").content == b"new"
        requests.post(f"{url}/_emulator/reset", json={"all": True})
        assert listed_at(url) == ["seed.txt"]
    with serving(*kept) as url:
        assert listed_at(url) == ["seed.txt"]


def listed_at(url):
    return [each["path"] for each in requests.get(f"{url}/_emulator/storage").json()["files"]]


@contextmanager
def serving(*options):
    """Run serve until the end of the with block, at which it is killed."""
    command = [COMMAND, "serve", "--port", "0", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()
