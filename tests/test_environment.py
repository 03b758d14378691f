"""Tests neither depend on the variables and folders of the machine nor leave anything there."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from support.paths import WITHOUT_OTHERS

HOSTILE = {
    "CLOUD_OPENAPI_PORT": "x", "COLUMNS": "20", "FORCE_COLOR": "1", "GIT_DIR": "/nowhere",
    "LC_ALL": "POSIX", "NODE_OPTIONS": "--nonsense", "NO_COLOR": "1", "PYTHONUTF8": "0",
    "TCB_ENV": "x", "all_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9",
}  # fmt: skip
OWN = "test_settings_of_the_user_are_gone"


def test_settings_of_the_user_are_gone():
    assert not HOSTILE.keys() & os.environ.keys()


def test_settings_of_the_user_are_gone_when_there_are_any(tmp_path):
    command = [sys.executable, "-m", "pytest", *WITHOUT_OTHERS.split(), f"{__file__}::{OWN}"]
    ran = subprocess.run(
        [*command, "--basetemp", tmp_path / "base"],
        check=False,
        capture_output=True,
        env={**os.environ, **HOSTILE},
    )
    assert ran.returncode == 0, ran.stdout


def test_temporary_folder_is_that_of_the_tests(tmp_path):
    assert Path(tempfile.gettempdir()).parent in tmp_path.parents
    command = [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"]
    seen = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    assert seen.rstrip("\n") == tempfile.gettempdir()
