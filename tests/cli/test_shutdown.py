"""The served emulator ends at once, even while functions run and faults sleep."""

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
from support.processes import until

from cloud_openapi.cli._local_emulator import serving
from cloud_openapi.emulator import Emulator, listen, url_of

COMMAND = Path(sys.executable).with_name("cloud-openapi")
WAIT = 30
# waitress waits so many seconds for running requests; a shutdown takes less than a tenth.
WAITRESS_WAITS = 5


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_serve_does_not_wait_for_a_running_function(tmp_path, how):
    folder = tmp_path / "sleeps"
    folder.mkdir()
    started = tmp_path / "started"
    source = (
        "import pathlib, time\ndef main(event, context):\n"
        f"    pathlib.Path({str(started)!r}).touch()\n    time.sleep(60)\n"
    )
    (folder / "index.py").write_text(source, "utf-8")
    (folder / "config.json").write_text('{"timeout": 60}', "utf-8")
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--json", "--functions", tmp_path],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            caller = asking(f"{url}/v1/functions/sleeps")
            assert until(started.exists)
            begun = time.monotonic()
            # Further signals do not delay the end.
            for _ in range(3):
                process.send_signal(how)
            assert process.wait(WAIT) == 0
            assert time.monotonic() - begun < WAITRESS_WAITS
        finally:
            process.kill()
        caller.join()


def test_shutdown_does_not_wait_for_a_latency_fault(tmp_path):
    emulator = Emulator()
    fault = emulator.faults.add({"kind": "latency", "seconds": 60})
    listening = listen("127.0.0.1", 0)
    with serving(emulator, tmp_path, listening):
        caller = asking(f"{url_of(listening)}/cgi-bin/token")
        assert until(lambda: fault.struck)
        begun = time.monotonic()
    assert time.monotonic() - begun < WAITRESS_WAITS
    caller.join()


def asking(url):
    """Send a request from another thread; its outcome does not matter."""

    def ask():
        try:
            urllib.request.urlopen(url, b"{}", timeout=WAIT).close()
        except (urllib.error.URLError, ConnectionError) as error:
            error.close() if isinstance(error, urllib.error.HTTPError) else None

    thread = threading.Thread(target=ask)
    thread.start()
    return thread
