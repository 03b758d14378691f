"""The README's picture shows what the emulator prints."""

import subprocess
import sys

import pytest
from support.paths import ROOT


@pytest.mark.slow
def test_the_picture_is_what_serve_prints():
    command = [sys.executable, "-m", "scripts.picture", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
