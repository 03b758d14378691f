"""The served emulator ends at once, whatever its functions are doing."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("cloud-openapi")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_serve_does_not_wait_for_a_function_that_is_running(tmp_path, how):
    folder = tmp_path / "sleeps"
    folder.mkdir()
    started = tmp_path / "started"
    source = (
        "import pathlib, time\ndef main(event, context):\n"
        f"    pathlib.Path({str(started)!r}).touch()\n    time.sleep(4)\n"
    )
    (folder / "index.py").write_text(source, "utf-8")
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--json", "--functions", tmp_path],
        stdout=subprocess.PIPE,
        text=True,
    )
    url = json.loads(process.stdout.readline())["url"]

    def invoke():
        try:
            urllib.request.urlopen(f"{url}/v1/functions/sleeps", b"{}", timeout=10).close()
        except (urllib.error.URLError, ConnectionError) as error:
            error.close() if isinstance(error, urllib.error.HTTPError) else None

    caller = threading.Thread(target=invoke)
    caller.start()
    try:
        deadline = time.monotonic() + 10
        while not started.exists():
            assert time.monotonic() < deadline, "the function did not start"
            time.sleep(0.01)
    except AssertionError:
        process.kill()
        raise
    begun = time.monotonic()
    process.send_signal(how)
    assert process.wait(10) == 0
    # Far less than the function still had to go.
    assert time.monotonic() - begun < 2
    process.stdout.close()
    caller.join()
