"""cloud-openapi serve: its banner, its lines on a terminal, and a port that is in use."""

import fcntl
import gc
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.cells import cell_len as width
from support.processes import WAIT, until

from cloud_openapi.cli._serve import _without_collection
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, Server, create_app, listen

COMMAND = Path(sys.executable).with_name("cloud-openapi")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
TIMER = {"triggers": [{"name": "morning", "type": "timer", "config": "0 0 9 * * * *"}]}
GOOD = "def main(event, context):\n    print('it works')\n    return 1\n"
BAD = "def main(event, context):\n    raise ValueError('{}')\n"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def project(tmp_path):
    """Return the folder of a project whose functions stand below cloudfunctions."""

    def write(name, source, file="index.py", **config):
        folder = tmp_path / "cloudfunctions" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(source, "utf-8")
        (folder / "config.json").write_text(json.dumps(config), "utf-8")

    write("good", GOOD)
    write("bad", BAD.format("no such thing " * 12), **TIMER)
    write("inNode", "exports.main = async () => 1;\n", "index.js")
    return tmp_path


def environment(**variables):
    kept = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    return {**kept, **variables}


def send(url, body=b"{}"):
    try:
        with OPENER.open(url, body, timeout=WAIT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


@contextmanager
def serving(folder, *options, **variables):
    """Run serve; yield its URL, and a function that returns what it has printed to stderr."""
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--json", *options],
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            lines = []
            reader = threading.Thread(
                target=lambda: lines.extend(iter(process.stderr.readline, ""))
            )
            reader.start()
            yield url, lambda: "".join(lines)
        finally:
            process.terminate()
            process.wait(WAIT)
            reader.join()


# ---- lines ---------------------------------------------------------------------------------


def test_calls_of_functions_programs_and_timers_are_lines(project):
    with serving(project) as (url, printed):
        send(f"{url}/v1/functions/good")
        token = send(
            f"{url}/cgi-bin/token?grant_type=client_credential"
            f"&appid={DEMO_APPID}&secret={DEMO_SECRET}",
            None,
        )["access_token"]
        path = "/datacube/getweanalysisappiddailyretaininfo"
        day = json.dumps({"begin_date": "20170313", "end_date": "20170313"}).encode()
        send(f"{url}{path}?access_token={token}", day)
        send(f"{url}{path}?access_token={token}")
        send(f"{url}/_emulator/timers/bad/morning")
        assert until(lambda: "logs bad" in printed())
    lines = [line[9:].split() for line in printed().splitlines()]
    assert lines[0][:3] == ["good:", "it", "works"]
    assert [line[:2] for line in lines[1:4]] == [
        ["good", "200"],
        ["/cgi-bin/token", "ok"],
        ["analysis.getDailyRetain", "ok"],
    ]
    assert lines[4][0] == "analysis.getDailyRetain"
    assert lines[4][1] not in ("ok", "0")
    assert lines[5][:3] == ["bad", "(timer)", "430"]
    assert f"→ cloud-openapi logs bad --url {url}" in printed()
    assert token not in printed()
    assert DEMO_SECRET not in printed()


@pytest.mark.slow
def test_secrets_are_not_in_verbose_lines_either(project):
    with serving(project, "--verbose") as (url, printed):
        send(f"{url}/cgi-bin/stable_token", json.dumps({"secret": "s3cret-1"}).encode())
        query = "access_token=token-12345&js_code=code-12345&secret=s3cret-1"
        send(f"{url}/wxa/any?{query}", b'{"access_token": "key-12345", "seen": 1}')
        assert until(lambda: "seen" in printed())
    for secret in ("s3cret-1", "token-12345", "key-12345"):
        assert secret not in printed()


@pytest.mark.slow
def test_quiet_shows_failures_only(project):
    with serving(project, "--quiet") as (url, printed):
        send(f"{url}/v1/functions/inNode")
        send(f"{url}/v1/functions/bad")
        assert until(lambda: "logs bad" in printed())
    assert "inNode" not in printed()


@pytest.mark.slow
def test_verbose_shows_the_platforms_lines(project):
    with serving(project, VERBOSE="1", CLOUD_OPENAPI_VERBOSE="1") as (url, printed):
        send(f"{url}/v1/functions/good")
        assert until(lambda: "good: Report RequestId:" in printed())


def test_quiet_and_verbose_exclude_each_other():
    ran = subprocess.run(
        [COMMAND, "serve", "-q", "-v"], capture_output=True, text=True, check=False, timeout=WAIT
    )
    assert ran.returncode == 2
    assert "exclude each other" in ran.stderr


# ---- a terminal ----------------------------------------------------------------------------


def on_terminal(folder, **variables):
    """Return what serve prints on a terminal of 80 columns around one call that fails."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = bytearray()
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0"],
        cwd=folder,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        try:
            read_until(leader, seen, rb"Ctrl-C stops it")
            url = re.search(rb"http://[\d.:]+", seen)[0].decode()
            send(f"{url}/v1/functions/bad")
            read_until(leader, seen, rb"logs bad.*\n")
        finally:
            process.kill()
            os.close(leader)
    return seen.decode().replace("\r\n", "\n")


def read_until(leader, seen, pattern):
    while re.search(pattern, seen) is None:
        assert select.select([leader], [], [], WAIT)[0], seen
        seen += os.read(leader, 4096)


def test_lines_fit_on_a_terminal_and_have_colours(project):
    shown = on_terminal(project)
    calls = shown.partition("Ctrl-C stops it.")[2]
    assert "\x1b[31m" in calls
    lines = ESCAPE.sub("", calls).splitlines()
    assert all(width(line) <= 80 for line in lines)
    error = " ".join(line.strip() for line in lines if "no such thing" in line)
    assert error.count("no such thing") == 12
    (hint,) = (line.strip() for line in lines if "→" in line)
    assert re.fullmatch(r"→ cloud-openapi logs bad --url http://127\.0\.0\.1:\d+", hint)


def test_no_color_is_respected(project):
    assert "\x1b" not in on_terminal(project, NO_COLOR="1")


# ---- the banner ----------------------------------------------------------------------------


def banner(folder, *options):
    """Return the lines of the banner until the end of its commands."""
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            lines = []
            while "Ctrl-C stops it.\n" not in lines:
                lines.append(process.stdout.readline())
        finally:
            process.kill()
    return "".join(lines)


def test_banner_has_functions_languages_and_where_they_were_found(project):
    text = banner(project)
    assert "Functions   cloudfunctions (the folder cloudfunctions)\n" in text
    assert "            Node.js: inNode\n            Python: bad, good\n" in text
    url = re.search(r"Emulator +(\S+)", text)[1]
    assert f"  cloud-openapi logs --follow --url {url}\n" in text


def test_banner_names_the_option_that_led_to_the_functions(project, tmp_path):
    text = banner(tmp_path, "--functions", project / "cloudfunctions")
    assert "Functions   cloudfunctions (--functions)\n" in text


def test_banner_without_functions_says_what_was_looked_for_and_what_to_do(tmp_path):
    text = " ".join(banner(tmp_path).split())
    assert "no project.config.json; no folder cloudfunctions" in text
    assert "cloud-openapi init" in text
    assert "cloud-openapi logs" not in text


def test_banner_has_the_address_of_the_console(project):
    text = banner(project)
    url = re.search(r"Emulator +(\S+)", text)[1]
    assert f"\nConsole     {url}/_console/\n" in text


# ---- the console ---------------------------------------------------------------------------


@contextmanager
def ready(folder, *options, **variables):
    """Run serve --json; yield its line, and the warnings that stand before it."""
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--json", "--functions", folder, *options],
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = json.loads(process.stdout.readline())
            os.set_blocking(process.stderr.fileno(), False)
            yield line, process.stderr.read()
        finally:
            process.kill()


def status_of(url, password=None):
    request = urllib.request.Request(url)
    if password is not None:
        request.add_header("Authorization", f"Basic {b64encode(f':{password}'.encode()).decode()}")
    try:
        with OPENER.open(request, timeout=WAIT) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_console_of_this_machine_needs_no_password(tmp_path):
    with ready(tmp_path, CLOUD_OPENAPI_CONSOLE_PASSWORD="unused") as (line, warnings):
        assert line["console"] == f"{line['url']}/_console/"
        assert status_of(line["console"]) == 200
    assert "password" not in warnings


def test_console_for_other_machines_has_a_password_which_is_printed_once(tmp_path):
    passwords = set()
    for _ in range(2):
        with ready(tmp_path, "--host", "0.0.0.0") as (line, warnings):
            (password,) = re.findall(r"control the emulator at /_console .*: (\S{16})\n", warnings)
            assert (status_of(line["console"]), status_of(line["console"], "x")) == (401, 401)
            assert status_of(line["console"], password) == 200
            assert password not in json.dumps(line)
            passwords.add(password)
    assert len(passwords) == 2


def test_password_of_the_variable_is_not_printed(tmp_path):
    given = {"CLOUD_OPENAPI_CONSOLE_PASSWORD": "密码 of mine"}
    with ready(tmp_path, "--host", "0.0.0.0", **given) as (line, warnings):
        assert status_of(line["console"], "密码 of mine") == 200
        assert "of mine" not in warnings
        assert "CLOUD_OPENAPI_CONSOLE_PASSWORD" in warnings


def test_functions_do_not_get_the_password(project):
    source = "import os\ndef main(event, context):\n    return sorted(os.environ)\n"
    (project / "cloudfunctions" / "good" / "index.py").write_text(source)
    given = {"CLOUD_OPENAPI_CONSOLE_PASSWORD": "p"}
    with ready(project / "cloudfunctions", "--host", "0.0.0.0", **given) as (line, _):
        names = send(f"{line['url']}/v1/functions/good")
    assert "CLOUD_OPENAPI_EMULATOR" in names
    assert not [name for name in names if "PASSWORD" in name]


# ---- a port in use -------------------------------------------------------------------------


def refused(port):
    ran = subprocess.run(
        [COMMAND, "serve", "--port", str(port)],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
    )
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert "--port" in ran.stderr
    return ran.stderr


def test_port_of_another_emulator_is_reported_with_its_url():
    with Server(create_app(Emulator()), listen("127.0.0.1", 0)) as server:
        port = server.url.rpartition(":")[2]
        assert f"another emulator runs there, at {server.url}." in refused(port)


@pytest.mark.slow
def test_port_of_another_program_is_reported():
    """It accepts connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert "in use by another program" in refused(listening.getsockname()[1])


def test_garbage_is_collected_again_after_the_imports_of_a_start(monkeypatch):
    monkeypatch.setattr(gc, "freeze", lambda: None)
    with pytest.raises(ImportError), _without_collection():  # noqa: PT012 - both belong to the block
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()
