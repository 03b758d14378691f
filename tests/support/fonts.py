"""Skip tests that need the text of a PNG: without fonts, a machine draws none."""

import shutil
import subprocess

import pytest


def _exist(pattern):
    program = shutil.which("fc-list")
    run = program and subprocess.run([program, pattern], capture_output=True, check=False)
    return bool(run and run.stdout)


needs_fonts = pytest.mark.skipif(not _exist(":lang=en"), reason="fonts or fc-list are missing")
needs_chinese_fonts = pytest.mark.skipif(
    not _exist(":lang=zh"), reason="Chinese fonts (fonts-wqy-microhei) or fc-list are missing"
)
