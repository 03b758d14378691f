"""The served emulator ends at once, whatever its functions are doing."""

import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.processes import WAIT, until

from cloud_openapi.cli._local_emulator import serving
from cloud_openapi.emulator import Emulator, listen, url_of

COMMAND = Path(sys.executable).with_name("cloud-openapi")
# What waitress logs once it has waited five seconds for its threads.
STILL_RUNNING = "still running"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_serve_does_not_wait_for_a_running_function(tmp_path, how):
    folder = tmp_path / "sleeps"
    folder.mkdir()
    started = tmp_path / "started"
    source = (
        "import pathlib, time\ndef main(event, context):\n"
        f"    pathlib.Path({str(started)!r}).touch()\n    time.sleep(600)\n"
    )
    (folder / "index.py").write_text(source, "utf-8")
    (folder / "config.json").write_text('{"timeout": 600}', "utf-8")
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--json", "--functions", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            caller = asking(f"{url}/v1/functions/sleeps")
            assert until(started.exists)
            # Pressing Ctrl-C once more does not delay the end.
            for _ in range(3):
                process.send_signal(how)
            _, errors = process.communicate(timeout=WAIT)
            assert process.returncode == 0
            assert STILL_RUNNING not in errors
        finally:
            process.kill()
        caller.join()


def test_serve_goes_on_when_the_terminal_closes_if_nohup_says_so():
    command = ["nohup", COMMAND, "serve", "--port", "0", "--json"]
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **given) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            process.send_signal(signal.SIGHUP)
            urllib.request.urlopen(f"{url}/healthz", timeout=WAIT).close()
            assert process.poll() is None
        finally:
            process.terminate()


def test_shutdown_does_not_wait_for_a_latency_fault(tmp_path, caplog):
    emulator = Emulator()
    fault = emulator.faults.add({"kind": "latency", "seconds": 60})
    listening = listen("127.0.0.1", 0)
    with serving(emulator, tmp_path, listening):
        caller = asking(f"{url_of(listening)}/cgi-bin/token")
        assert until(lambda: fault.struck)
    assert STILL_RUNNING not in caplog.text
    caller.join()


def asking(url):
    """Ask in another thread, whatever is answered."""

    def ask():
        try:
            urllib.request.urlopen(url, b"{}", timeout=WAIT).close()
        except (urllib.error.URLError, ConnectionError) as error:
            error.close() if isinstance(error, urllib.error.HTTPError) else None

    thread = threading.Thread(target=ask)
    thread.start()
    return thread
