"""Temporary folders of killed processes are removed by the next process."""

import subprocess
import sys
from pathlib import Path

import pytest

from cloud_openapi.runtime.packing import trial_of
from cloud_openapi.temporary import TemporaryFolder

HOLDS_A_TRIAL = """
import sys
from cloud_openapi.runtime.packing import trial_of
with trial_of([]) as trial:
    print(trial.functions.parent, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_trial_of_a_killed_process_is_removed_by_the_next():
    command = [sys.executable, "-c", HOLDS_A_TRIAL]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        folder = Path(process.stdout.readline().rstrip("\n"))
        with trial_of([]):
            assert folder.is_dir()
        process.kill()
    assert folder.is_dir()
    with trial_of([]):
        assert not folder.exists()


def test_folder_that_cannot_be_written_is_removed():
    folder = TemporaryFolder("read-only-")
    below = folder.path / "below"
    below.mkdir()
    (below / "file").touch(0o400)
    below.chmod(0o500)
    folder.remove()
    assert not folder.path.exists()


def test_link_and_file_of_the_same_name_stay(temporary):
    (temporary / "kept").mkdir()
    (temporary / "same-link").symlink_to("kept")
    (temporary / "same-file").touch()
    TemporaryFolder("same-").remove()
    assert sorted(each.name for each in temporary.iterdir()) == ["kept", "same-file", "same-link"]
