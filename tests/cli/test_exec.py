"""The command exec: another program runs against an emulator of its own."""

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT, WITHOUT_OTHERS, sample
from support.sdk import node

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import gateway_variables
from cloud_openapi.runtime import isolated

EXEC = (Path(sys.executable).with_name("cloud-openapi"), "exec")
NAMES = ["CLOUD_OPENAPI_APPID", "CLOUD_OPENAPI_BASE_URL", "CLOUD_OPENAPI_SECRET"]
WAIT = 30

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
CALL = f"""
import json
from cloud_openapi import cloud, newest_dates
cloud.init(config={str(ROOT / "config.json")!r})
day = {{"beginDate": "20170313", "endDate": "20170313"}}
print(json.dumps([cloud.openapi.analysis.getDailyRetain(day), newest_dates("day")]))
"""
INVOKE = """
import os, urllib.request
url = os.environ["CLOUD_OPENAPI_BASE_URL"] + "/v1/functions/echo?source=wx_http"
print(urllib.request.urlopen(url, b'{"a": 1}').read().decode())
"""
# Says what it got, once it has told that it listens.
LISTEN = """
import signal, sys, time
got = []
signal.signal(signal.SIGINT, lambda *_: got.append("INT"))
signal.signal(signal.SIGTERM, lambda *_: got.append("TERM"))
signal.signal(signal.SIGHUP, lambda *_: got.append("HUP"))
print("ready", flush=True)
while not got:
    time.sleep(0.01)
time.sleep(0.3)
print(*got)
sys.exit(7)
"""


def run(*arguments, options=(), **settings):
    """Run ``exec -- arguments`` and return the finished process."""
    return subprocess.run(
        [*EXEC, *options, "--", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=WAIT,
        **settings,
    )


def python(source, *arguments, **settings):
    return run(sys.executable, "-c", source, *arguments, **settings)


def variables_of(finished):
    assert (finished.returncode, finished.stderr) == (0, "")
    return json.loads(finished.stdout)


def refused(url):
    host, _, port = url.removeprefix("http://").rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), WAIT)


@pytest.mark.parametrize("code", [0, 255])
def test_the_exit_code_is_that_of_the_command(code):
    finished = python(f"raise SystemExit({code})")
    assert (finished.returncode, finished.stdout, finished.stderr) == (code, "", "")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_command_that_a_signal_killed_gives_what_a_shell_gives(number):
    source = f"import os, signal; signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), {number})"
    assert python(source).returncode == 128 + number


def test_a_command_that_does_not_exist_is_127_in_one_line():
    finished = run("no-such-command")
    assert (finished.returncode, finished.stdout) == (127, "")
    assert finished.stderr == ('cloud-openapi: Cannot run "no-such-command": command not found.\n')


def test_a_file_that_is_not_executable_is_126_in_one_line(tmp_path):
    file = tmp_path / "notes"
    file.write_text("nothing to run", "utf-8")
    finished = run(file)
    assert (finished.returncode, finished.stdout) == (126, "")
    assert finished.stderr == f'cloud-openapi: Cannot run "{file}": Permission denied.\n'


@pytest.mark.parametrize("arguments", [[], ["--seed", "1", "--"]])
def test_no_command_is_wrong_usage(arguments):
    finished = subprocess.run(
        [*EXEC, *arguments], check=False, capture_output=True, text=True, timeout=WAIT
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "COMMAND" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_emulators_variables_override_the_users():
    own = {
        "CLOUD_OPENAPI_APPID": "wx1",
        "CLOUD_OPENAPI_SECRET": "real",
        "CLOUD_OPENAPI_TIMEOUT": "3",
    }
    given = {**os.environ, **own, "CLOUD_OPENAPI_BASE_URL": "http://127.0.0.1:1", "OTHER": "kept"}
    seen = variables_of(python(SHOW, env=given))
    base_url = seen.pop("CLOUD_OPENAPI_BASE_URL")
    assert base_url.startswith("http://127.0.0.1:")
    assert seen.pop("CLOUD_OPENAPI_APPID") == DEMO_APPID
    assert seen.pop("CLOUD_OPENAPI_SECRET") == DEMO_SECRET
    gateway = json.loads(seen["TCB_CONTEXT_CNFG"])["URL"].removesuffix("/admin")
    assert gateway == base_url
    seen.pop("LC_CTYPE", None)  # Python's own doing
    others = {k: v for k, v in given.items() if k not in {*NAMES, "LC_CTYPE"}}
    assert seen == isolated({**others, **gateway_variables(gateway)}, gateway)


def test_the_emulator_is_gone_when_the_command_is():
    refused(variables_of(python(SHOW))["CLOUD_OPENAPI_BASE_URL"])


def test_a_program_that_calls_gets_the_documented_answer():
    answer, _ = variables_of(python(CALL))
    assert answer == sample("getDailyRetain.response.official-cloud.json")


def test_the_commands_time_is_that_of_the_emulator():
    _, newest = variables_of(python(CALL, options=("--now", "2020-02-01T10:00")))
    assert newest == {"beginDate": "20200131", "endDate": "20200131"}


def test_a_reason_has_its_command_without_the_url_of_the_emulator_that_ends_soon():
    source = """
import json, os, urllib.request
url = os.environ["CLOUD_OPENAPI_BASE_URL"]
urllib.request.urlopen(f"{url}/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=1")
print(json.dumps(json.load(urllib.request.urlopen(f"{url}/_emulator/journal"))["entries"][-1]))
"""
    reason = variables_of(python(source))["reason"]
    assert "control app set APPID --secret SECRET" in reason
    assert "--url" not in reason


@pytest.mark.slow
def test_a_shells_proxy_does_not_get_the_calls():
    closed = {"http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    source = "import os, requests; requests.get(os.environ['CLOUD_OPENAPI_BASE_URL'] + '/healthz')"
    finished = python(source, env={**os.environ, **closed})
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize("transport", ["https", "http"])
def test_a_node_program_that_calls_weixin_reaches_the_emulator(transport):
    source = f"""
        const query = 'grant_type=client_credential&appid={DEMO_APPID}&secret={DEMO_SECRET}'
        require('{transport}').get('{transport}://api.weixin.qq.com/cgi-bin/token?' + query,
          (answer) => answer.on('data', (data) => process.stdout.write(data)))
    """
    assert variables_of(run(node(), "-e", source))["access_token"]


@pytest.mark.slow
def test_a_python_program_that_calls_weixin_is_told_the_base_url():
    finished = python("import requests; requests.get('https://api.weixin.qq.com/')")
    assert "api.weixin.qq.com is not called: the emulator answers for it" in finished.stderr
    assert "Use http://127.0.0.1:" in finished.stderr


@pytest.mark.slow
def test_exec_runs_the_command_call():
    call = ("call", "analysis.getDailyRetain", "--begin-date", "20260104", "--end-date", "20260104")
    finished = run(EXEC[0], *call, "--form", "https", options=("--now", "2026-01-05"))
    assert variables_of(finished)["ref_date"] == "20260104"


@pytest.mark.slow
def test_call_within_exec_refuses_a_seed():
    call = ("call", "analysis.getDailyRetain", "--begin-date", "20260104", "--end-date", "20260104")
    finished = run(EXEC[0], *call, "--seed", "1")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "ignores it" in finished.stderr


@pytest.mark.slow
def test_pytest_runs_against_it(tmp_path):
    body = "\n".join(f"    {line}" for line in CALL.strip().splitlines())
    (tmp_path / "test_it.py").write_text(f"def test_it():\n{body}\n", "utf-8")
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    finished = run(*command, *WITHOUT_OTHERS.split(), cwd=tmp_path)
    assert finished.returncode == 0, finished.stdout
    assert "1 passed" in finished.stdout


@pytest.mark.slow
def test_the_command_can_invoke_the_functions_of_the_folder(tmp_path):
    (tmp_path / "echo").mkdir()
    (tmp_path / "echo" / "index.py").write_text("def main(event, _):\n    return event\n", "utf-8")
    assert variables_of(python(INVOKE, options=("--functions", tmp_path))) == {"a": 1}


@pytest.mark.slow
def test_exec_passes_the_named_variables_to_functions(tmp_path):
    (tmp_path / "echo").mkdir()
    source = (
        "import os\ndef main(event, _):\n    return [os.environ.get(n) for n in ('ONE', 'TWO')]\n"
    )
    (tmp_path / "echo" / "index.py").write_text(source, "utf-8")
    options = ("--functions", tmp_path, "--pass-env", "ONE")
    result = python(INVOKE, options=options, env={**os.environ, "ONE": "1", "TWO": "2"})
    assert json.loads(result.stdout) == ["1", None]


@pytest.mark.slow
def test_options_after_the_command_belong_to_it_without_dashes_too():
    finished = subprocess.run(
        [*EXEC, "--seed", "1", "echo", "--seed", "-n", "--", "--help"],
        check=True,
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert finished.stdout == "--seed -n -- --help\n"


@pytest.mark.slow
def test_the_command_reads_stdin():
    assert python("print(input())", input="hello\n").stdout == "hello\n"


@pytest.mark.slow
def test_the_command_inherits_descriptors():
    reading, writing = os.pipe()
    os.write(writing, b"hello")
    os.close(writing)
    source = "import os, sys; print(os.read(int(sys.argv[1]), 9).decode())"
    assert python(source, str(reading), pass_fds=[reading]).stdout == "hello\n"
    os.close(reading)


@pytest.fixture
def listening():
    """Return the running command, in a process group of its own as a shell starts it."""
    with subprocess.Popen(
        [*EXEC, "--", sys.executable, "-c", LISTEN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        # Whatever fails, nothing is waited for without end.
        try:
            assert select.select([process.stdout], [], [], WAIT)[0], "the command did not start"
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_ctrl_c_reaches_the_command_once_and_its_end_is_waited_for(listening):
    os.killpg(listening.pid, signal.SIGINT)  # as a terminal does
    assert listening.communicate(timeout=WAIT) == ("INT\n", "")
    assert listening.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_exec_alone_reaches_the_command_once(listening, number):
    name = {signal.SIGINT: "INT", signal.SIGTERM: "TERM", signal.SIGHUP: "HUP"}[number]
    listening.send_signal(number)
    assert listening.communicate(timeout=WAIT) == (f"{name}\n", "")
    assert listening.returncode == 7


def at_a_terminal(*arguments):
    """Run a program that a terminal controls; return its process and the terminal."""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(arguments[0], arguments)
    return process, terminal


def read_to(terminal, text):
    """Read what a terminal shows, until it shows a text."""
    shown = b""
    while text not in shown:
        assert select.select([terminal], [], [], WAIT)[0], shown
        shown += os.read(terminal, 1000)
    return shown


def test_a_terminals_ctrl_c_reaches_the_command_once():
    process, terminal = at_a_terminal(*map(str, EXEC), "--", sys.executable, "-c", LISTEN)
    read_to(terminal, b"ready")
    os.write(terminal, b"\x03")
    shown = read_to(terminal, b"INT\r\n")
    assert b"INT INT" not in shown
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 7
    os.close(terminal)


@pytest.mark.slow
def test_a_signal_to_exec_alone_in_the_background_of_a_terminal_reaches_the_command_once():
    source = f"""
import os, signal, subprocess
command = {[*map(str, EXEC), "--", sys.executable, "-c", LISTEN]!r}
background = subprocess.Popen(command, stdout=-1, preexec_fn=lambda: os.setpgid(0, 0))
background.stdout.readline()
background.send_signal(signal.SIGINT)
print("got", background.communicate()[0], background.returncode, "end")
"""
    process, terminal = at_a_terminal(sys.executable, "-c", source)
    assert rb"got b'INT\n' 7 end" in read_to(terminal, b" end")
    os.waitpid(process, 0)
    os.close(terminal)


@pytest.mark.slow
def test_functions_answer_while_the_command_handles_ctrl_c(tmp_path):
    (tmp_path / "echo").mkdir()
    (tmp_path / "echo" / "index.py").write_text("def main(event, _):\n    return event\n", "utf-8")
    source = f"import signal, time; signal.signal(2, lambda *_: None){INVOKE}"
    source += f"print(end='', flush=True)\nos.killpg(0, 2)\ntime.sleep(0.3)\n{INVOKE}"
    finished = python(source, options=("--functions", tmp_path), start_new_session=True)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.split() == ['{"a":', "1}"] * 2


def test_sigterm_is_passed_on_once_and_the_commands_end_is_waited_for(listening):
    listening.terminate()
    assert listening.communicate(timeout=WAIT) == ("TERM\n", "")
    assert listening.returncode == 7


def test_a_signal_that_the_parent_has_ignored_stays_ignored():
    finished = subprocess.run(
        ["sh", "-c", 'trap "" INT TERM; "$@"; echo $?', "sh", *EXEC, "--", "sh", "-c", "kill $$"],
        check=True,
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert finished.stdout == "0\n"


@pytest.mark.parametrize("mode", ["replay", "spy"])
def test_missing_recordings_are_a_warning(tmp_path, mode):
    given = (*EXEC, "--mode", mode, "--recordings", tmp_path / "nosuch", "--", "true")
    done = subprocess.run(given, capture_output=True, text=True, timeout=WAIT, check=True)
    assert done.stderr == (
        f"Warning: --recordings: {tmp_path / 'nosuch'} is missing; --mode record makes recordings\n"
    )
