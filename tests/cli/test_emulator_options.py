"""The options --app and --settings of serve, exec, invoke and call."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from support.paths import ROOT
from support.values import DAILY

from cloud_openapi.cli import _group
from cloud_openapi.cli._emulator_options import EmulatorOptions, moment
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET, secret_for
from cloud_openapi.errors import ConfigError

COMMAND = Path(sys.executable).with_name("cloud-openapi")
CALL = ["call", "analysis.getDailyRetain", "--begin-date", "20260310", "--end-date", "20260310"]
CALL += ["--now", "2026-03-11", "--form", "https"]


def ran(*arguments, **variables):
    """Run a command in this process and return what it printed."""
    environment = {f"CLOUD_OPENAPI_{name}": str(value) for name, value in variables.items()}
    done = CliRunner().invoke(_group.group, list(map(str, arguments)), env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout


def with_options(*, apps=(), seed=None, settings=None):
    return EmulatorOptions(apps=apps, seed=seed, now=None, settings=settings)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.json"


def test_without_options_the_demo_mini_program_is_there():
    assert with_options().emulator().apps == {DEMO_APPID: DEMO_SECRET}


def test_the_default_secret_is_derived_from_the_appid():
    apps = with_options(apps=(("wx1", None), ("wx2", "two"), (DEMO_APPID, None))).emulator().apps
    assert apps == {"wx1": secret_for("wx1"), "wx2": "two", DEMO_APPID: DEMO_SECRET}
    assert secret_for("wx1") != secret_for("wx2")
    assert len(secret_for("wx1")) == 32


def test_call_is_made_for_the_first_mini_program():
    answers = [ran(*CALL, *options) for options in ([], ["--app", "wx1"], ["--app", "wx1:s"])]
    assert answers[0] != answers[1] == answers[2]
    assert ran(*CALL, "--app", "wx1", "--app", DEMO_APPID) == answers[1]
    assert ran(*CALL, APP=f"wx1 {DEMO_APPID}:s") == answers[1]


def test_exec_uses_the_first_mini_program_and_knows_the_others():
    source = """
import json, os, urllib.parse, urllib.request
def token(appid, secret):
    query = {"grant_type": "client_credential", "appid": appid, "secret": secret}
    url = os.environ["CLOUD_OPENAPI_BASE_URL"] + "/cgi-bin/token?" + urllib.parse.urlencode(query)
    return "access_token" in json.load(urllib.request.urlopen(url))
own = os.environ["CLOUD_OPENAPI_APPID"], os.environ["CLOUD_OPENAPI_SECRET"]
print(json.dumps([own, token(*own), token("wx2", "a:b"), token("wx3", "x")]))
"""
    apps = ["--app", "wx1", "--app", "wx2:a:b"]
    done = subprocess.run(
        [COMMAND, "exec", *apps, "--", sys.executable, "-c", source],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout) == [["wx1", secret_for("wx1")], True, True, False]


@pytest.mark.parametrize("as_json", [True, False])
def test_serve_shows_each_mini_program_with_its_secret(as_json):
    arguments = [COMMAND, "serve", "--port", "0", "--app", "wx1", "--app", "wx2:two"]
    environment = {**os.environ, "CLOUD_OPENAPI_JSON": "1" if as_json else "0"}
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        if as_json:
            ready = json.loads(process.stdout.readline())
            assert ready["apps"] == {"wx1": secret_for("wx1"), "wx2": "two"}
            assert ready["environment"]["CLOUD_OPENAPI_APPID"] == "wx1"
            with urllib.request.urlopen(f"{ready['url']}/_emulator/state") as answer:
                assert list(json.load(answer)["apps"]) == ["wx1", "wx2"]
        else:
            text = "".join(iter(process.stdout.readline, "Ctrl-C stops it.\n"))
            assert f"Apps        wx1  {secret_for('wx1')}\n            wx2  two\n" in text
            assert f"export CLOUD_OPENAPI_SECRET={secret_for('wx1')}\n" in text
        process.terminate()


def test_an_invoked_function_belongs_to_the_first_mini_program(tmp_path):
    (tmp_path / "show").mkdir()
    source = "import os\ndef main(event, _):\n    return os.environ['WX_APPID']\n"
    (tmp_path / "show" / "index.py").write_text(source, "utf-8")
    options = ["--functions", tmp_path, "--app", "wx1", "--app", "wx2"]
    assert json.loads(ran("invoke", "show", *options)) == "wx1"


# ---- the settings file ---------------------------------------------------------------------


def test_a_settings_file_gives_seed_and_mini_programs(file):
    one = {"secret": "s", "ready_hour": 9, "daily_limits": {DAILY: 100}, "seed": 4}
    file.write_text(json.dumps({"seed": 3, "apps": {"wx1": one, "wx2": {}}}), "utf-8")
    emulator = with_options(settings=file).emulator()
    assert emulator.seed == 3
    assert emulator.apps == {"wx1": "s", "wx2": secret_for("wx2")}
    assert emulator.describe_app("wx1") == {
        "appid": "wx1",
        "ready_hour": 9,
        "daily_limits": {DAILY: 100},
        "minute_limits": {},
        "cloud_run": False,
        "seed": 4,
    }


def test_a_null_secret_gets_the_default(file):
    file.write_text('{"apps": {"wx1": {"secret": null}, "wx2": {}}}')
    assert (
        with_options(settings=file).emulator().apps
        == with_options(apps=(("wx1", None), ("wx2", None))).emulator().apps
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("soon", "not a time such as"),
        ("", "not a time such as"),
        ("1969-01-01", "between 1971 and 2105"),
    ],
)
def test_an_invalid_time_is_refused_with_the_reason(text, reason):
    with pytest.raises(click.BadParameter, match=reason):
        moment(text)


def test_an_option_overrides_the_settings_file(file):
    file.write_text(json.dumps({"seed": 3, "apps": {"wx1": {"ready_hour": 9}}}), "utf-8")
    emulator = with_options(seed=5, apps=(("wx1", "own"), ("wx2", None)), settings=file).emulator()
    assert emulator.seed == 5
    assert emulator.apps == {"wx1": "own", "wx2": secret_for("wx2")}
    assert emulator.describe_app("wx1")["ready_hour"] == 9


def test_call_reads_the_settings_file(file):
    file.write_text('{"seed": 5}', "utf-8")
    assert ran(*CALL, "--settings", file) == ran(*CALL, "--seed", "5") != ran(*CALL)
    assert ran(*CALL, SETTINGS=file) == ran(*CALL, "--seed", "5")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"seed": NaN}', "not JSON: NaN"),
        ('{"seed": ' + "9" * 5000 + "}", "more digits than can be read"),
        ('{"apps": {"\\ud800": {}}}', "appids and secrets are text in UTF-8"),
        ('{"apps": {"wx1": {"secret": "\\ud800"}}}', "appids and secrets are text in UTF-8"),
        ("[]", "must be a JSON object of seed, apps"),
        ('{"sed": 1}', "unknown key sed; the keys are seed, apps"),
        ('{"seed": "1"}', "seed is a whole number, not '1'"),
        ('{"apps": []}', "apps must be an object such as"),
        ('{"apps": {"wx1": "s"}}', "apps: wx1 must be an object such as"),
        ('{"apps": {"wx1": {"ready": 9}}}', "wx1: ready: a mini program has secret, ready_hour"),
        ('{"apps": {"wx1": {"ready_hour": 25}}}', "wx1: ready_hour is a whole number from 0"),
        ('{"apps": {"wx 1": {}}}', "wx 1: an appid is 1 to 64 letters"),
        ('{"apps": {"wx1": {"daily_limits": {"x": 1}}}}', "wx1: daily_limits: 'x' is not one of"),
        (None, "No such file"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_settings_file_is_named_with_the_key_and_the_reason(file, content, reason):
    if content is not None:
        file.write_text(content, "utf-8")
    with pytest.raises(ConfigError) as error_info:
        with_options(settings=file).emulator()
    assert str(error_info.value).startswith(f"{file}: ")
    assert reason in str(error_info.value)


def test_a_settings_file_in_another_encoding_names_the_byte(file):
    file.write_text('{"商店": 1}', "gbk")
    with pytest.raises(ConfigError, match="byte 3 is not UTF-8; save it as UTF-8"):
        with_options(settings=file).emulator()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--app", ":s"], "':s' is not APPID or APPID:SECRET"),
        (["--app", "wx1:"], "'wx1:' is not APPID or APPID:SECRET"),
        (["--app", "wx1", "--base-url", "http://127.0.0.1:1"], "--app is for an emulator in"),
    ],
)
def test_wrong_usage_is_exit_code_2(options, part):
    done = CliRunner().invoke(_group.group, [*CALL, *options])
    assert done.exit_code == 2
    assert part in done.stderr
