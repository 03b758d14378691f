"""Temporary folders of killed processes are removed by the next process."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.temporary import wait_for_removal

from cloud_openapi.emulator.storage import temporary as module
from cloud_openapi.emulator.storage.temporary import TemporaryFolder

HOLDS_A_FOLDER = """
import sys
from cloud_openapi.emulator.storage.temporary import TemporaryFolder
print(TemporaryFolder("same-").path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_folder_of_a_killed_process_is_removed_by_the_next():
    command = [sys.executable, "-c", HOLDS_A_FOLDER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        folder = Path(process.stdout.readline().rstrip("\n"))
        TemporaryFolder("same-").remove()
        wait_for_removal()
        assert folder.is_dir()
        process.kill()
    assert folder.is_dir()
    TemporaryFolder("same-").remove()
    wait_for_removal()
    assert not folder.exists()


def test_folder_that_cannot_be_written_is_removed():
    folder = TemporaryFolder("read-only-")
    below = folder.path / "below"
    below.mkdir()
    (below / "file").touch(0o400)
    below.chmod(0o500)
    folder.remove()
    assert not folder.path.exists()


def test_what_is_no_folder_of_mkdtemp_stays(temporary):
    (temporary / "kept").mkdir()
    (temporary / "same-link0000").symlink_to("kept")
    (temporary / "same-file0000").touch()
    names = ["kept", "same-file0000", "same-link0000"]
    for end in ("backup", "of-mine0", "0000000", "000000000", "0000000A"):
        (temporary / f"same-{end}").mkdir()
        names.append(f"same-{end}")
    (temporary / "same-00_0000a").mkdir()
    TemporaryFolder("same-").remove()
    wait_for_removal()
    assert sorted(each.name for each in temporary.iterdir()) == sorted(names)


def test_folder_of_another_user_stays(temporary, monkeypatch):
    (temporary / "same-00000000").mkdir()
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    TemporaryFolder("same-").remove()
    wait_for_removal()
    assert [each.name for each in temporary.iterdir()] == ["same-00000000"]


def test_a_new_folder_does_not_wait_until_those_that_were_left_are_removed(temporary, monkeypatch):
    left, may_go, remove = temporary / "same-00000000", threading.Event(), module._remove
    left.mkdir()

    def remove_later(folder):
        assert may_go.wait(10)
        remove(folder)

    monkeypatch.setattr(module, "_remove", remove_later)
    folder = TemporaryFolder("same-")
    assert left.exists()
    may_go.set()
    wait_for_removal()
    assert not left.exists()
    assert folder.path.is_dir()
    folder.remove()


def test_folder_that_is_removed_before_it_is_locked_is_made_again(monkeypatch):
    lock, seen = module._lock, []

    def lock_removed(folder):
        descriptor = lock(folder)
        seen.append(folder)
        if len(seen) == 1:
            folder.rmdir()
        return descriptor

    monkeypatch.setattr(module, "_lock", lock_removed)
    folder = TemporaryFolder("same-")
    assert len(seen) == 2
    assert folder.path == seen[1]
    assert folder.path.is_dir()
    folder.remove()
