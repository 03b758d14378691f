"""The repository's own functions, served and called over plain HTTP as a newcomer does."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT, sample

from cloud_openapi.catalogue import default_catalogue

APIS = ["getDailyRetain", "getWeeklyRetain", "getMonthlyRetain"]
COMMAND = Path(sys.executable).with_name("cloud-openapi")


@pytest.fixture(scope="module")
def url():
    """Serve this repository and return the address."""
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--json"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def curl(*arguments):
    """Run curl and return the JSON that it prints."""
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is not installed")
    result = subprocess.run(
        [program, "-sS", "--noproxy", "*", *arguments], check=True, capture_output=True, text=True
    )
    return json.loads(result.stdout)


@pytest.mark.parametrize("api", APIS)
def test_a_function_returns_the_documented_result(url, api):
    event = json.dumps(sample(f"{api}.request.official-cloud.json"))
    answer = curl("-d", event, f"{url}/v1/functions/{api}")
    assert answer == sample(f"{api}.response.official-cloud.json")


@pytest.mark.parametrize("api", APIS)
def test_a_function_without_dates_takes_the_newest_period(url, api):
    answer = curl("-X", "POST", f"{url}/v1/functions/{api}")
    assert answer["errMsg"] == f"openapi.analysis.{api}:ok"
    assert [item["key"] for item in answer["visitUv"]] == [0]


@pytest.mark.parametrize("api", APIS)
def test_plain_http_gives_the_documented_answer(url, api):
    credentials = "grant_type=client_credential&appid=wxdemo000000000000&secret=public-demo-secret"
    token = curl(f"{url}/cgi-bin/token?{credentials}")["access_token"]
    body = json.dumps(sample(f"{api}.request.official-https.json"))
    path = default_catalogue()[f"analysis.{api}"].path
    answer = curl("-d", body, f"{url}{path}?access_token={token}")
    assert answer == sample(f"{api}.response.official-https.json")


@pytest.mark.slow
def test_permissions_of_one_function_do_not_apply_to_another(tmp_path):
    folder = tmp_path / "functions" / "getDailyRetain"
    shutil.copytree(ROOT / "functions" / "getDailyRetain", folder)
    weekly = ROOT / "functions" / "getWeeklyRetain"
    shutil.copytree(weekly, tmp_path / "functions" / "getWeeklyRetain")
    shutil.copy(weekly / "index.py", folder)
    shutil.copy(ROOT / "config.json", tmp_path)
    assert invoke(tmp_path, "getWeeklyRetain")["errMsg"] == "openapi.analysis.getWeeklyRetain:ok"
    assert invoke(tmp_path, "getDailyRetain")["errCode"] == -604101


def invoke(folder, name):
    """Run the command in a folder and return the JSON that it prints."""
    result = subprocess.run(
        [COMMAND, "invoke", name], check=True, capture_output=True, text=True, cwd=folder
    )
    return json.loads(result.stdout)


def test_a_function_that_is_not_permitted_returns_the_platforms_error(tmp_path):
    folder = tmp_path / "functions" / "getDailyRetain"
    shutil.copytree(ROOT / "functions" / "getDailyRetain", folder)
    (folder / "config.json").write_text('{"permissions": {"openapi": []}}', "utf-8")
    shutil.copy(ROOT / "config.json", tmp_path)
    assert invoke(tmp_path, "getDailyRetain") == {
        "errCode": -604101,
        "errMsg": "system error: error code: -604101",
    }
