"""The command cloud-openapi: what it prints, where, and with which exit code."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.paths import ROOT, SAMPLES, sample
from support.processes import is_alive

from cloud_openapi import __version__
from cloud_openapi.cli import main
from cloud_openapi.emulator import gateway_variables, listen

COMMAND = Path(sys.executable).with_name("cloud-openapi")
METHODS = ["getDailyRetain", "getWeeklyRetain", "getMonthlyRetain"]
APIS = [f"analysis.{method}" for method in METHODS]
DAILY = "analysis.getDailyRetain"
DATES = ("--begin-date", "20170313", "--end-date", "20170313")
SIMULATED = ("--begin-date", "20260310", "--end-date", "20260310", "--now", "2026-03-11")
WAIT = 30
PLATFORM_LINES = ["START", "Response", "END", "Report"]


@pytest.fixture
def command(monkeypatch, capfd):
    """Return a function that runs the command in this process, from the repository's root."""
    monkeypatch.chdir(ROOT)

    def command(*arguments, **variables):
        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["cloud-openapi", *map(str, arguments)])
            for name, value in variables.items():
                patch.setenv(f"CLOUD_OPENAPI_{name}", str(value))
            with pytest.raises(SystemExit) as exit_info:
                main()
        out, err = capfd.readouterr()
        code = exit_info.value.code
        return SimpleNamespace(code=code or 0, out=out, err=err)

    return command


def printed(result):
    """Return the JSON that a successful command printed, with nothing on stderr."""
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def check_error(result, *parts):
    """The command failed with one line on stderr, exit code 1, and nothing on stdout."""
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("cloud-openapi: ")
    assert result.err.count("\n") == 1
    assert result.err.endswith("\n")
    for part in parts:
        assert str(part) in result.err


@pytest.fixture
def functions(tmp_path):
    """Return a folder of functions that need no emulator."""
    for name, body in {
        "echo": "return event",
        "prints": "print('to the log')\n    return event",
        "raises": "raise ValueError('no')",
        "ends": "import os; os._exit(3)",
        "pid": "import os; return os.getpid()",
    }.items():
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "index.py").write_text(f"def main(event, context):\n    {body}\n", "utf-8")
    return tmp_path / "functions"


# ---- schema --------------------------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("form", "side", "names"),
    [
        ("cloud", "request", ["beginDate", "endDate"]),
        ("cloud", "response", ["errMsg", "refDate", "visitUv", "visitUvNew"]),
        ("https", "request", ["begin_date", "end_date"]),
        ("https", "response", ["ref_date", "visit_uv", "visit_uv_new"]),
    ],
)
def test_schema_prints_the_json_schema_of_a_form_and_side(command, api, form, side, names):
    schema = printed(command("schema", api, "--form", form, "--side", side))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert sorted(schema["properties"]) == sorted(schema["required"]) == names
    assert printed(command("schema", api, FORM=form, SIDE=side)) == schema


# ---- call ----------------------------------------------------------------------------------


def documented(method, form):
    """Return the options of WeChat's documented request and its answer."""
    request = sample(f"{method}.request.official-https.json")
    options = ("--begin-date", request["begin_date"], "--end-date", request["end_date"])
    return options, (SAMPLES / f"{method}.response.official-{form}.json").read_text("utf-8")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("form", ["cloud", "https"])
def test_call_prints_the_documented_answer_in_either_form(command, method, form):
    options, expected = documented(method, form)
    result = command("call", f"analysis.{method}", *options, "--form", form)
    assert printed(result) == json.loads(expected)
    assert json.dumps(json.loads(result.out)) == json.dumps(json.loads(expected))  # in order


def test_call_takes_the_cloud_form_unless_told_otherwise(command):
    assert printed(command("call", DAILY, *DATES))["errMsg"] == f"openapi.{DAILY}:ok"


def test_call_needs_no_config_json_for_the_https_form(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert printed(command("call", DAILY, *DATES, "--form", "https"))["ref_date"] == "20170313"


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (DATES, {"BEGIN_DATE": "20170313", "END_DATE": "20170313"}),
        ((*DATES, "--form", "https"), {"FORM": "https"}),
        ((*SIMULATED, "--seed", "5"), {"SEED": "5"}),
        (SIMULATED, {"NOW": "2026-03-11"}),
        ((*DATES, "--config", "functions/getDailyRetain/config.json"), {}),
        (
            (*DATES, "--config", "functions/getDailyRetain/config.json"),
            {"CONFIG": "functions/getDailyRetain/config.json"},
        ),
    ],
    ids=["dates", "form", "seed", "now", "config", "config as variable"],
)
def test_an_option_of_call_is_an_environment_variable_too(command, options, variables):
    given = dict(zip(options[::2], options[1::2], strict=True))
    for name in variables:
        del given[f"--{name.lower().replace('_', '-')}"]
    rest = [word for pair in given.items() for word in pair]
    assert printed(command("call", DAILY, *rest, **variables)) == printed(
        command("call", DAILY, *options)
    )


def test_an_option_overrides_its_environment_variable(command):
    result = command("call", DAILY, *DATES, BEGIN_DATE="x", END_DATE="y")
    assert printed(result)["refDate"] == "20170313"


def test_seed_and_now_choose_the_emulators_numbers_and_time(command):
    default, other = (
        printed(command("call", DAILY, *SIMULATED, "--seed", seed)) for seed in ("0", "5")
    )
    assert printed(command("call", DAILY, *SIMULATED)) == default
    assert other["refDate"] == default["refDate"] == "20260310"
    assert other["visitUv"] != default["visitUv"]
    assert [item["key"] for item in default["visitUv"]] == [0]


@pytest.mark.parametrize(
    ("begin", "end"),
    [("20170313", "20170314"), ("20170314", "20170313"), ("99991231", "99991231")],
)
@pytest.mark.parametrize("form", ["cloud", "https"])
def test_refused_dates_are_one_line_with_61501_and_the_rule(command, form, begin, end):
    result = command("call", DAILY, "--begin-date", begin, "--end-date", end, "--form", form)
    check_error(result, 61501, "date range error", "yesterday")


def test_a_malformed_date_is_one_line_with_61500(command):
    result = command("call", DAILY, "--begin-date", "2017-03-13", "--end-date", "2017-03-13")
    check_error(result, 61500, "date format error", "yyyymmdd")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("analysis.getDailyRetian", DAILY),
        ("analysis.getdailyretain", DAILY),
        ("analysis.getAnalysisMonthlyRetain", "analysis.getMonthlyRetain"),
        ("getWeeklyRetain", "analysis.getWeeklyRetain"),
    ],
)
@pytest.mark.parametrize("verb", ["call", "schema"])
def test_a_misspelt_api_is_one_line_with_a_suggestion(command, verb, name, meant):
    result = command(verb, name)
    assert "604100" not in result.err
    check_error(result, name, f'Did you mean "{meant}"?')


def test_an_api_unlike_any_other_is_one_line_that_says_how_to_list_them(command):
    check_error(command("call", "xyz"), "xyz", "cloud-openapi apis")


def test_a_document_for_a_text_that_is_not_a_base_url_is_refused(command):
    check_error(command("openapi", "--base-url", "nota"), '"nota" is not a base URL')


def test_a_missing_config_json_is_one_line_with_604101_and_the_file(command, tmp_path):
    path = tmp_path / "config.json"
    result = command("call", DAILY, *DATES, "--config", path)
    check_error(result, -604101, DAILY, path, "does not exist")


def test_a_call_in_an_empty_folder_is_answered_with_a_note(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = command("call", DAILY, *DATES)
    assert result.code == 0
    assert json.loads(result.out) == sample(f"{METHODS[0]}.response.official-cloud.json")
    note = "there is no config.json here; a function may call only what its config.json lists"
    assert result.err == f"Note: {note}.\n"


def test_a_config_json_without_the_api_is_one_line_with_604101_and_the_file(command, tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"permissions": {"openapi": []}}', "utf-8")
    check_error(command("call", DAILY, *DATES, "--config", path), -604101, path)


def test_a_broken_config_json_is_one_line_with_file_and_place(command, tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{\n  "permissions": }', "utf-8")
    check_error(command("call", DAILY, *DATES, CONFIG=path), path, "line 2")


@pytest.mark.parametrize(
    ("arguments", "variables", "parts"),
    [
        (["--appid", "wx1"], {}, ["CLOUD_OPENAPI_SECRET"]),
        ([], {"APPID": "wx1"}, ["CLOUD_OPENAPI_SECRET"]),
        ([], {"SECRET": "s3cret"}, ["CLOUD_OPENAPI_APPID"]),
        (["--base-url", "ftp://127.0.0.1"], {}, ["ftp://127.0.0.1"]),
        (["--base-url", "http://192.0.2.1"], {}, ["192.0.2.1", "CLOUD_OPENAPI_APPID"]),
        ([], {"BASE_URL": "nonsense"}, ["nonsense"]),
        ([], {"TIMEOUT": "soon", "BASE_URL": "http://127.0.0.1:1"}, ["CLOUD_OPENAPI_TIMEOUT"]),
        ([], {"TOKEN_API": "x", "BASE_URL": "http://127.0.0.1:1"}, ["CLOUD_OPENAPI_TOKEN_API"]),
    ],
)
def test_invalid_settings_are_one_line_that_names_them(command, arguments, variables, parts):
    result = command("call", DAILY, *DATES, *arguments, **variables)
    check_error(result, *parts)
    assert "s3cret" not in result.err


def test_a_server_that_does_not_answer_is_one_line_with_its_address(command):
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    result = command("call", DAILY, *DATES, "--base-url", f"http://127.0.0.1:{port}")
    check_error(result, f"127.0.0.1:{port}", "ECONNREFUSED")


# ---- wrong usage ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "variables", "part"),
    [
        (["nosuch"], {}, "nosuch"),
        (["apis", "--nosuch"], {}, "--nosuch"),
        (["call", DAILY], {}, "--begin-date"),
        (["call", DAILY, "--begin-date", "20170313"], {}, "--end-date"),
        (["call", DAILY, *DATES, "--form", "x"], {}, "--form"),
        (["call", DAILY, *DATES], {"FORM": "x"}, "'x'"),
        (["call", DAILY, *DATES, "--now", "soon"], {}, "soon"),
        (["call", DAILY, *DATES], {"NOW": "2026-02-30"}, "2026-02-30"),
        (["call", DAILY, *DATES, "--seed", "x"], {}, "--seed"),
        (["call", DAILY, *DATES, "--secret", "s"], {}, "--secret"),
        (["schema"], {}, "NAME"),
        (["schema", DAILY, "--side", "x"], {}, "--side"),
        (["invoke"], {}, "NAME"),
        (["invoke", "getDailyRetain", "--data", "{"], {}, "--data"),
        (["invoke", "getDailyRetain"], {"DATA": "hello"}, "JSON"),
        (["invoke", "getDailyRetain", "--data", '{"a": NaN}'], {}, "NaN is not a JSON value"),
        (["invoke", "getDailyRetain", "--source", "bogus!"], {}, "another SOURCE of the platform"),
        (["invoke", "getDailyRetain"], {"SOURCE": "bogus!"}, "another SOURCE of the platform"),
        (["serve", "--port", "65536"], {}, "--port"),
        (["serve", "--port", "x"], {}, "--port"),
        (["serve"], {"PORT": "-1"}, "-1"),
        (["serve", "extra"], {}, "extra"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_is_exit_code_2_and_names_what_is_wrong(command, arguments, variables, part):
    result = command(*arguments, **variables)
    assert (result.code, result.out) == (2, "")
    assert part in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["-h"],
        ["apis", "-h"],
        ["call", "-h"],
        ["call", DAILY, "-h"],
        ["schema", "-h"],
        ["invoke", "-h"],
        ["serve", "-h"],
    ],
    ids=" ".join,
)
def test_help_is_on_stdout_with_exit_code_0(command, arguments):
    result = command(*arguments)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Usage: cloud-openapi")


def test_the_help_of_a_call_names_the_variable_of_each_option(command):
    text = command("call", DAILY, "--help").out
    for name in ("BEGIN_DATE", "END_DATE", "FORM", "CONFIG", "BASE_URL", "APPID", "SEED", "NOW"):
        assert f"CLOUD_OPENAPI_{name}" in text


def test_the_help_of_serve_names_the_variable_of_each_option(command):
    text = command("serve", "--help").out
    for name in ("HOST", "PORT", "FUNCTIONS", "SEED", "NOW", "JSON"):
        assert f"CLOUD_OPENAPI_{name}" in text


def test_version_is_the_packages(command):
    assert __version__ in command("--version").out


# ---- invoke --------------------------------------------------------------------------------


def returned(result):
    """Return the JSON on stdout of a function that returned and printed nothing."""
    assert result.code == 0
    assert [line.split()[0] for line in result.err.splitlines()] == PLATFORM_LINES
    return json.loads(result.out)


def test_invoke_prints_what_a_function_of_the_repository_returns(command):
    event = json.dumps(sample("getWeeklyRetain.request.official-cloud.json"))
    result = command("invoke", "getWeeklyRetain", "--data", event)
    assert result.code == 0
    assert json.loads(result.out) == sample("getWeeklyRetain.response.official-cloud.json")


@pytest.mark.parametrize("data", ['{"a": [1, null]}', '"留存"', '"\\ud800"', "null", "5"])
def test_invoke_passes_the_data_to_the_function(command, functions, data):
    given = ("--data", data, "--source", "wx_http", "--functions", functions)
    result = command("invoke", "echo", *given)
    assert returned(result) == json.loads(data)


def test_invoke_without_data_gives_an_empty_event(command, functions):
    given = ("--source", "wx_http", "--functions", functions)
    assert returned(command("invoke", "echo", *given)) == {}


def test_an_option_of_invoke_is_an_environment_variable_too(command, functions):
    assert returned(command("invoke", "echo", DATA="[1]", FUNCTIONS=functions)) == [1]


def test_output_of_a_function_goes_to_stderr(command, functions):
    result = command("invoke", "prints", "--data", "[1]", "--functions", functions)
    assert (result.code, json.loads(result.out)) == (0, [1])
    first, second, *rest = result.err.splitlines()
    assert first.startswith("START RequestId:")
    assert second == "to the log"
    assert [line.split()[0] for line in rest] == PLATFORM_LINES[1:]


def test_invoke_calls_as_the_mini_program(command, functions):
    answer = returned(command("invoke", "echo", "--functions", functions))
    assert answer.keys() == {"userInfo"}
    assert answer["userInfo"].keys() == {"appId", "openId"}


@pytest.fixture
def shell(functions):
    """Return a folder with a function that returns the variables which the tests set."""
    body = "return {k: v for k, v in os.environ.items() if v == 'mine'}"
    (functions / "shell").mkdir()
    source = f"import os\ndef main(event, context):\n    {body}\n"
    (functions / "shell" / "index.py").write_text(source, "utf-8")
    return functions


def test_pass_env_passes_only_the_named_variables(command, shell, monkeypatch):
    for name in ("WECHAT_SECRET", "MY_SETTING", "MY_OTHER"):
        monkeypatch.setenv(name, "mine")
    given = ("invoke", "shell", "--functions", shell)
    assert returned(command(*given)) == {}
    two = ("--pass-env", "MY_SETTING", "--pass-env", "MY_OTHER")
    assert returned(command(*given, *two)) == {"MY_SETTING": "mine", "MY_OTHER": "mine"}
    assert returned(command(*given, PASS_ENV="MY_SETTING MY_OTHER")).keys() == {
        "MY_SETTING",
        "MY_OTHER",
    }


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("NOT_SET", "NOT_SET is not set here"),
        ("TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SECRETKEY is a variable of the platform"),
        ("CLOUD_OPENAPI_SECRET", "CLOUD_OPENAPI_SECRET is a variable of the platform"),
    ],
)
def test_a_variable_that_cannot_be_passed_is_a_usage_error(command, shell, name, why):
    result = command("invoke", "shell", "--functions", shell, "--pass-env", name)
    assert (result.code, result.out) == (2, "")
    assert why in result.err


def test_an_unknown_function_is_one_line_with_the_known_ones(command, functions):
    result = command("invoke", "nosuch", "--functions", functions)
    check_error(result, "nosuch", functions, "echo")


def test_a_function_that_raises_is_its_traceback_and_a_last_line(command, functions):
    result = command("invoke", "raises", "--functions", functions)
    assert (result.code, result.out) == (1, "")
    lines = result.err.splitlines()
    assert lines.count("Traceback (most recent call last):") == 1
    assert lines[-2] == "ValueError: no"
    assert lines[-1].startswith("cloud-openapi: raises: ")
    assert "430" in lines[-1]


def test_a_function_whose_process_ends_is_its_log_and_a_last_line(command, functions):
    result = command("invoke", "ends", "--functions", functions)
    assert (result.code, result.out) == (1, "")
    *log, last = result.err.splitlines()
    assert [line.split()[0] for line in log] == ["START", "Reason:", "ERROR", "END", "Report"]
    assert last.startswith("cloud-openapi: ends: ")
    assert "439" in last


# ---- serve ---------------------------------------------------------------------------------


def start(*arguments, **variables):
    """Start the server in a process of its own; return it with what it said when ready."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLOUD_OPENAPI_")}
    environment |= {f"CLOUD_OPENAPI_{name}": str(value) for name, value in variables.items()}
    process = subprocess.Popen(
        [COMMAND, "serve", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env=environment,
    )
    watchdog = threading.Timer(WAIT, process.kill)
    watchdog.start()
    line = process.stdout.readline()
    watchdog.cancel()
    return process, json.loads(line)


def test_serve_passes_variables_too(shell, monkeypatch):
    monkeypatch.setenv("MY_SETTING", "mine")
    given = ("--json", "--port", "0", "--functions", shell)
    process, ready = start(*given, "--pass-env", "MY_SETTING")
    try:
        assert fetch(f"{ready['url']}/v1/functions/shell", {}) == (200, {"MY_SETTING": "mine"})
    finally:
        stop(process)


@pytest.mark.slow
def test_serve_warns_of_probable_mistakes(functions, tmp_path):
    (functions / "my.func").mkdir()
    (functions / "my.func" / "index.py").touch()
    given = ("--json", "--port", "0")
    process, _ = start(*given, "--functions", functions, "--debug", "nosuch")
    code, _, err = stop(process)
    named, debugged = err.splitlines()
    assert code == 0
    assert named.startswith(
        f"Warning: {functions / 'my.func'} is not a function: a function's name"
    )
    assert debugged.startswith('Warning: --debug: There is no function "nosuch"')
    folder = tmp_path / "nosuch"
    replay = ("--mode", "replay", "--recordings", folder)
    process, _ = start(*given, *replay, FUNCTIONS=folder)
    missing, unrecorded = stop(process)[2].splitlines()
    assert missing.startswith(f"Warning: --functions: the folder {folder} is missing. There is ")
    assert unrecorded == (
        f"Warning: --recordings: {folder} is missing; --mode record makes recordings"
    )


def stop(process, how=signal.SIGTERM):
    """Stop the server; return its exit code and what else it printed."""
    process.send_signal(how)
    try:
        out, err = process.communicate(timeout=WAIT)
    finally:
        process.kill()
    return process.returncode, out, err


def fetch(url, body=None):
    """Return status and JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data), timeout=WAIT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def served():
    """Serve this repository's functions; return what the server said when it was ready."""
    process, ready = start("--port", "0", "--json", "--seed", "3")
    yield ready
    stop(process)


def test_serve_prints_url_functions_and_environment_as_json(served):
    assert served.keys() == {"url", "console", "functions", "environment"}
    assert served["url"].startswith("http://127.0.0.1:")
    names = [*METHODS, "archiveRetention"]
    assert served["functions"] == sorted(name + end for name in names for end in ("", "Node"))
    environment = dict(served["environment"])
    assert environment.pop("CLOUD_OPENAPI_BASE_URL") == served["url"]
    assert environment.keys() - gateway_variables(served["url"]).keys() == {
        "CLOUD_OPENAPI_APPID",
        "CLOUD_OPENAPI_SECRET",
    }
    assert environment.items() >= gateway_variables(served["url"]).items()


def test_a_server_answers_healthz_with_the_time_of_now(served):
    status, body = fetch(f"{served['url']}/healthz")
    assert (status, body["status"], body["version"]) == (200, "ok", __version__)
    assert datetime.fromisoformat(body["now"]).utcoffset().total_seconds() == 8 * 3600


@pytest.mark.parametrize("method", METHODS)
def test_a_served_function_answers_the_documented_example(served, method):
    event = sample(f"{method}.request.official-cloud.json")
    expected = sample(f"{method}.response.official-cloud.json")
    assert fetch(f"{served['url']}/v1/functions/{method}", event) == (200, expected)


@pytest.mark.parametrize("method", METHODS)
def test_a_served_function_answers_wechats_error_as_its_value(served, method):
    event = {"beginDate": "20170313", "endDate": "20170311"}
    status, body = fetch(f"{served['url']}/v1/functions/{method}", event)
    assert (status, body["errCode"]) == (200, 61501)
    assert body["errMsg"].startswith(f"openapi.analysis.{method}:fail date range error rid: ")


def test_call_asks_the_server_of_base_url(command, served):
    dates = ("--begin-date", "20250301", "--end-date", "20250301")
    by_option = printed(command("call", DAILY, *dates, "--base-url", served["url"]))
    by_variable = printed(command("call", DAILY, *dates, BASE_URL=served["url"]))
    seed_3 = printed(command("call", DAILY, *dates, "--seed", "3"))
    assert by_option == by_variable == seed_3 != printed(command("call", DAILY, *dates))


def test_a_program_with_the_printed_environment_calls_the_server(command, served):
    variables = {k.removeprefix("CLOUD_OPENAPI_"): v for k, v in served["environment"].items()}
    answer = printed(command("call", DAILY, *DATES, **variables))
    assert answer == sample("getDailyRetain.response.official-cloud.json")


def test_logs_asks_the_server_of_base_url(command, served):
    fetch(f"{served['url']}/v1/functions/getDailyRetain", {})
    result = command("logs", "getDailyRetain", BASE_URL=served["url"])
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("START RequestId:")


def test_logs_of_an_unknown_function_is_one_line_with_the_known_ones(command, served):
    check_error(command("logs", "nosuch", BASE_URL=served["url"]), "getDailyRetain")


def test_an_unknown_function_is_404_on_the_server(served):
    status, body = fetch(f"{served['url']}/v1/functions/nosuch", {})
    assert (status, body["code"]) == (404, "FUNCTION_NOT_FOUND")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_stops_serve_and_its_functions_silently_with_exit_code_0(functions, how):
    given = {"FUNCTIONS": functions, "HOST": "localhost", "NOW": "2026-03-11", "QUIET": 1}
    process, ready = start(PORT=0, JSON=1, **given)
    assert ready["functions"] == ["echo", "ends", "pid", "prints", "raises"]
    assert fetch(f"{ready['url']}/healthz")[1]["now"] == "2026-03-11T00:00:00+08:00"
    worker = fetch(f"{ready['url']}/v1/functions/pid", {})[1]
    assert is_alive(worker)
    assert stop(process, how) == (0, "", "")
    assert not is_alive(worker)


@pytest.mark.slow
def test_a_port_in_use_is_one_line_with_advice(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        check_error(command("serve", "--port", port), f"127.0.0.1:{port}", "in use", "--port")


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_unusable_address_is_one_line_that_names_it(command, host):
    check_error(command("serve", "--host", host, "--port", "0"), host)


def test_an_empty_host_is_refused(command):
    check_error(command("serve", "--host", "", "--port", "0"), "--host", "0.0.0.0")


@pytest.mark.parametrize("name", ["http://wx.example", "wx.example:80", "*.example"])
def test_a_host_that_is_no_name_is_refused(command, name):
    result = command("serve", "--allow-host", name, "--port", "0")
    assert result.code == 2
    assert name in result.err


@pytest.mark.parametrize(
    ("host", "options", "told"),
    [
        ("0.0.0.0", [], "; /_emulator stays with this machine, unless --control any"),
        ("::", ["--control", "any"], "run every function, and control the emulator by /_emulator"),
        ("localhost", ["--control", "any"], None),
    ],
)
def test_serve_tells_what_is_open_to_other_machines(tmp_path, host, options, told):
    options = ["--host", host, "--port", "0", "--json", "--functions", tmp_path, *options]
    options += ["--allow-host", "WX.corp.example"]
    process = subprocess.Popen(
        [COMMAND, "serve", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(WAIT, process.kill)
    watchdog.start()
    url = json.loads(process.stdout.readline())["url"]
    request = urllib.request.Request(f"{url}/healthz", headers={"Host": "wx.corp.example"})
    with urllib.request.urlopen(request, timeout=WAIT) as answer:
        assert answer.status == 200
    watchdog.cancel()
    code, _, errors = stop(process)
    assert code == 0
    assert (told or "") in errors
    assert ("other machines" in errors) == bool(told)


@pytest.mark.slow
def test_serve_with_few_descriptors_answers_beside_many_idle_connections():
    limited = ["sh", "-c", 'ulimit -n 64 && exec "$0" "$@"', COMMAND]
    process = subprocess.Popen(
        [*limited, "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    watchdog = threading.Timer(WAIT, process.kill)
    watchdog.start()
    url = json.loads(process.stdout.readline())["url"]
    event = json.dumps({"beginDate": "20170313", "endDate": "20170313"}).encode()
    with contextlib.ExitStack() as held:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        for _ in range(200):
            held.enter_context(socket.create_connection(address, WAIT))
        for path, body in (("/_emulator/state", None), ("/v1/functions/getDailyRetain", event)):
            with urllib.request.urlopen(f"{url}{path}", body, WAIT) as answer:
                assert answer.status == 200
    watchdog.cancel()
    code, _, errors = stop(process)
    assert code == 0
    assert "Traceback" not in errors
    assert errors.count("Cannot accept") <= 1


def test_serve_without_json_says_how_to_call_it():
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLOUD_OPENAPI_")}
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    watchdog = threading.Timer(WAIT, process.kill)
    watchdog.start()
    lines = list(iter(process.stdout.readline, "Ctrl-C stops it.\n"))
    watchdog.cancel()
    text = "".join(lines)
    assert stop(process)[0] == 0
    url = lines[0].split()[1]
    assert f"export CLOUD_OPENAPI_BASE_URL={url}" in text
    assert "curl" in text
    assert "getDailyRetain" in text
