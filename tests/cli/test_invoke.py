"""The log that ``cloud-openapi invoke`` prints, and its last line."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.sdk import NODE, node

COMMAND = Path(sys.executable).with_name("cloud-openapi")
OUTER = """
const cloud = require('wx-server-sdk');
cloud.init();
exports.main = async () => cloud.callFunction({ name: 'inner', data: {} });
"""
DENIED = """
const cloud = require('wx-server-sdk');
cloud.init();
exports.main = async () => cloud.openapi.analysis.getDailyRetain({});
"""
# Logs a line of a library and one of the function itself, both below warning.
LOGS = """
import logging, urllib3, urllib.request, requests
logging.getLogger().info("own by the root")
logging.getLogger("mine").debug("own by a name")
def main(event, context):
    try:
        requests.get("http://127.0.0.1:9", timeout=1)
    except requests.ConnectionError:
        logging.getLogger("mine").info("own in the handler")
"""


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Return a function that runs the command, in the folder above the functions."""
    monkeypatch.setenv("NODE_PATH", str(NODE / "node_modules"))

    def invoke(*arguments):
        return subprocess.run(
            [COMMAND, "invoke", *arguments, "--functions", "functions"],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=60,
        )

    return invoke


@pytest.fixture
def write(tmp_path):
    def write(name, source, file="index.py"):
        path = tmp_path / "functions" / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")

    return write


@pytest.mark.slow
def test_a_failure_is_its_log_its_stack_and_its_reason_once_each(invoke, write):
    node()
    write("inner", DENIED, "index.js")
    result = invoke("inner")
    assert (result.returncode, result.stdout) == (1, "")
    reason = (
        "analysis.getDailyRetain -604101: write functions/inner/config.json: "
        '{"permissions": {"openapi": ["analysis.getDailyRetain"]}}'
    )
    lines = result.stderr.splitlines()
    assert lines[-1] == f"cloud-openapi: inner: statusCode 430: {reason}"
    assert lines.count(f"Reason: {reason}") == 1
    error = "Error: errCode: -604101 function has no permission to call this API"
    assert result.stderr.count(error) == 1
    assert result.stderr.count("callGeneralOpenAPI") == 1
    (short,) = [line for line in lines if line.startswith("ERROR ")]
    assert short.endswith(" user code exception caught (statusCode 430)")


@pytest.mark.slow
def test_a_nested_failure_has_its_own_stack_and_the_outer_one_its_reason(invoke, write):
    node()
    write("outer", OUTER, "index.js")
    write("inner", "def main(event, context):\n    raise ValueError('no')\n")
    result = invoke("outer")
    *log, last = result.stderr.splitlines()
    assert last == "cloud-openapi: outer: statusCode 430: inner: ValueError: no"
    start = log.index("inner:")
    assert log[start + 1].startswith("  START RequestId:")
    assert "  Traceback (most recent call last):" in log[start:]
    assert "  ValueError: no" in log[start:]
    assert result.stderr.count("Traceback") == 1


@pytest.mark.slow
def test_an_error_line_does_not_repeat_the_reason_above_it(invoke, write):
    write("other", "def main_handler(event, context):\n    return 1\n")
    *log, last = invoke("other").stderr.splitlines()
    text = "index.py has no function main(event, context); it has main_handler"
    assert [line.split()[0] for line in log if text in line] == ["Reason:"]
    assert text in last
    (error,) = [line for line in log if line.startswith("ERROR")]
    assert error.endswith(" (statusCode 437)")


def test_without_a_reason_the_last_line_has_the_error(invoke, write):
    write("fails", "def main(event, context):\n    raise ValueError('no\\nmore')\n")
    last = invoke("fails").stderr.splitlines()[-1]
    assert last == "cloud-openapi: fails: ValueError: no (statusCode 430)"


@pytest.mark.slow
def test_an_error_object_that_the_log_cut_is_shown_as_it_is(invoke, write):
    write("fails", f"def main(event, context):\n    raise ValueError({'x' * 6000!r})\n")
    result = invoke("fails")
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("ERROR ")]
    assert line.endswith("…")
    assert result.returncode == 1


@pytest.mark.slow
def test_an_api_that_is_not_emulated_names_commands_that_can_be_pasted_afterwards(invoke, write):
    node()
    source = DENIED.replace("analysis.getDailyRetain", "officialAccount.semantic.search")
    write("inner", source, "index.js")
    config = '{"permissions": {"openapi": ["officialAccount.semantic.search"]}}'
    write("inner", config, "config.json")
    last = invoke("inner").stderr.splitlines()[-1]
    assert last.endswith(
        "to pin a response: cloud-openapi serve, and in another terminal: cloud-openapi control "
        "pins add officialAccount.semantic.search --response '{}'"
    )


@pytest.mark.slow
def test_libraries_are_quiet_and_the_functions_own_lines_are_not(invoke, write):
    write("logs", LOGS)
    result = invoke("logs")
    assert result.returncode == 0, result.stderr
    own = [line for line in result.stderr.splitlines() if "RequestId" not in line]
    assert own == ["own by the root", "own by a name", "own in the handler"]


@pytest.mark.slow
def test_verbose_shows_the_lines_of_libraries_and_error_objects(invoke, write):
    write("logs", LOGS)
    assert "Starting new HTTP connection" in invoke("logs", "--verbose").stderr
    write("fails", "def main(event, context):\n    raise ValueError('no')\n")
    assert 'Result:{"errorCode": -1, ' in invoke("fails", "--verbose").stderr


@pytest.mark.parametrize(
    "configured",
    [
        "logging.getLogger('urllib3').setLevel(logging.DEBUG)",
        "logging.basicConfig(level=logging.DEBUG, force=True)",
    ],
)
@pytest.mark.slow
def test_a_function_that_configures_logging_gets_the_lines_of_libraries(invoke, write, configured):
    write("logs", LOGS.replace("def main", f"{configured}\ndef main"))
    assert "Starting new HTTP connection" in invoke("logs").stderr


@pytest.mark.slow
def test_a_warning_of_a_library_is_shown(invoke, write):
    source = (
        "import logging\ndef main(e, c):\n    logging.getLogger('urllib3').warning('careful')\n"
    )
    write("logs", source)
    assert "careful" in invoke("logs").stderr.splitlines()
