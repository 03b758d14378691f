"""The programs on the pages run and give what the pages say."""

import json
import shutil
from pathlib import Path

import pytest
from support.cassettes import run
from support.gateway import Functions
from support.pages import ENGLISH, blocks, chinese, commands
from support.paths import ROOT, SAMPLES, sample

from cloud_openapi import Cloud
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import (
    Emulator,
    Server,
    create_app,
    gateway_variables,
    listen,
    url_of,
)
from cloud_openapi.transports.gateway import GatewayTransport
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange

CONTRACT = "docs/how-to/contract.md"
HISTORY = "docs/how-to/history.md"
FILES = "docs/how-to/files.md"
DATABASE = "docs/background/document-database.md"
PYTEST = "docs/how-to/pytest.md"
CLOUD_DATABASE = "docs/how-to/python-database.md"
PYTHON = "docs/reference/python-api.md"
RECORDINGS = "docs/how-to/recordings.md"
NUMBERS = "docs/how-to/look-at-numbers.md"


def test_function_on_the_first_screen_runs(cloud, monkeypatch):
    monkeypatch.chdir(ROOT)
    source = blocks("README.md", "python")[0]
    module = {"__name__": "index"}
    exec(compile(source, "README.md", "exec"), module)
    # The program's own init found no credentials; the emulator takes WeChat's place.
    module["cloud"].init(transport=cloud._transport, config=ROOT / "config.json")
    result = module["main"]({}, {})
    assert result["errMsg"] == "openapi.analysis.getDailyRetain:ok"
    assert len(result["visitUv"]) == 1


def test_the_four_ways_to_call_give_the_documented_answer(cloud):
    lines = blocks(PYTHON, "python")[0].splitlines()
    cloud_form = sample("getDailyRetain.response.official-cloud.json")
    raw = sample("getDailyRetain.response.official-https.json")
    raw["errMsg"] = cloud_form["errMsg"]
    results = [eval(line, {"cloud": cloud}) for line in lines]
    assert results == [cloud_form, cloud_form, cloud_form, raw]


@pytest.mark.parametrize("page", [PYTHON, chinese(PYTHON)])
def test_a_file_is_returned_and_sent(tmp_path, emulator, page):
    config = tmp_path / "config.json"
    apis = ["wxacode.getUnlimited", "security.imgSecCheck"]
    config.write_text(json.dumps({"permissions": {"openapi": apis}}))
    facade = Cloud()
    exchange = WSGIExchange(create_app(emulator))
    facade.init(transport=HTTPSTransport(exchange, DEMO_APPID, DEMO_SECRET), config=config)
    names = {"cloud": facade}
    exec(compile(blocks(page, "python")[1], page, "exec"), names)
    assert names["picture"]["contentType"] == "image/png"
    assert [entry.errcode for entry in emulator.journal if entry.path.startswith("/wxa/")] == [0, 0]


def test_a_function_calls_another_by_the_gateway(monkeypatch):
    for name, value in gateway_variables("http://localhost").items():
        monkeypatch.setenv(name, value)
    functions = Functions()
    functions.names = ["getDailyRetain"]
    exchange = WSGIExchange(create_app(Emulator(), functions))
    facade = Cloud()
    facade.init(transport=GatewayTransport(lambda _base: exchange))
    exec(compile(blocks(PYTHON, "python")[2], PYTHON, "exec"), {"cloud": facade})
    day = {"beginDate": "20170313", "endDate": "20170313"}
    assert functions.invoked[0][:2] == ("getDailyRetain", day)


def test_programs_of_the_cloud_database_run(monkeypatch, tmp_path):
    for name, value in gateway_variables("http://localhost").items():
        monkeypatch.setenv(name, value)
    emulator = Emulator()
    users = [
        {"_id": "1", "name": "Wang", "age": 30, "city": "gz"},
        {"_id": "2", "name": "Li", "age": 40, "city": "gz"},
        {"_id": "3", "name": "Chen", "age": 8, "city": "bj"},
    ]
    emulator.databases.given = {
        "users": users,
        "visits": [{"_id": "total", "count": 1}],
        "cities": [{"_id": "gz", "name": "Guangzhou"}],
        "accounts": [{"_id": "a", "balance": 10}, {"_id": "b", "balance": 0}],
    }
    exchange = WSGIExchange(create_app(emulator))
    module = {}
    programs = blocks(CLOUD_DATABASE, "python")
    for program in programs:
        exec(compile(program, CLOUD_DATABASE, "exec"), module)
    module["cloud"].init(transport=GatewayTransport(lambda _base: exchange))
    db = module["cloud"].database()
    assert module["main"]({}, {}) == {"names": ["Li", "Wang"]}
    assert db.collection("visits").doc("total").get()["data"]["count"] == 2
    first, second = module["by_city"](db)
    assert (first["users"], first["age"], first["city"][0]["name"]) == (2, 35, "Guangzhou")
    assert second == {"_id": "bj", "users": 1, "age": 8, "city": []}
    assert module["pay"](db, "a", "b", 4) == 6
    with pytest.raises(ValueError, match="a has only 6"):
        module["pay"](db, "a", "b", 7)
    balances = [each["balance"] for each in db.collection("accounts").get()["data"]]
    assert balances == [6, 4]
    (tmp_path / "report.txt").write_bytes(b"report")
    assert "/reports/first" in module["keep"](tmp_path / "report.txt", "first")
    stored = module["cloud"].database().collection("users").count()["total"]
    assert stored == len(users)


def test_emulator_in_a_program_answers(monkeypatch):
    monkeypatch.chdir(ROOT)
    module = {}
    exec(compile(blocks(PYTHON, "python")[3], PYTHON, "exec"), module)
    assert isinstance(module["cloud"], Cloud)
    day = {"beginDate": "20170313", "endDate": "20170313"}
    assert module["cloud"].openapi.analysis.getDailyRetain(day)["refDate"] == "20170313"
    assert [entry.appid for entry in module["emulator"].journal] == ["wxdemo000000000000"] * 2


def test_programs_about_recordings_run_in_order(monkeypatch, tmp_path):
    shutil.copytree(SAMPLES / "cassettes", tmp_path / "recordings")
    monkeypatch.chdir(tmp_path)
    module = {}
    programs = blocks(RECORDINGS, "python")
    assert len(programs) == 5
    for program in programs:
        exec(compile(program, RECORDINGS, "exec"), module)
    assert module["answer"].status_code == 200


@pytest.mark.parametrize("page", [NUMBERS, chinese(NUMBERS)])
def test_program_about_numbers_prints_a_row_a_day(monkeypatch, capsys, page):
    emulator = Emulator()
    emulator.clock.freeze("2026-03-11T15:00")
    listening = listen("127.0.0.1", 0)
    monkeypatch.setenv("CLOUD_OPENAPI_BASE_URL", url_of(listening))
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", "2026-03-11T15:00")
    with Server(create_app(emulator), listening, emulator.never_blocks):
        exec(compile(blocks(page, "python")[0], page, "exec"), {})
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines()[2:]] == [
        f"2026-03-{day:02}" for day in range(1, 11)
    ]


@pytest.mark.parametrize("page", [HISTORY, chinese(HISTORY)])
def test_program_about_a_history_prints_what_it_fetched_and_stored(
    monkeypatch, tmp_path, capsys, page
):
    monkeypatch.chdir(tmp_path)
    emulator = Emulator()
    emulator.clock.freeze("2026-04-11T15:00")
    listening = listen("127.0.0.1", 0)
    monkeypatch.setenv("CLOUD_OPENAPI_BASE_URL", url_of(listening))
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", "2026-04-11T15:00")
    # The others need a warehouse and a cluster: tests/history has the same calls.
    _warehouse, program, _cluster = blocks(page, "python")
    with Server(create_app(emulator), listening, emulator.never_blocks):
        exec(compile(program, page, "exec"), {})
    shown = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert shown[:1] == ["20251229-20260104"]
    assert shown[14:] == ["0", *(f"202603{day:02}" for day in range(1, 32))]


@pytest.mark.slow
def test_command_that_records_for_pytest_runs(shell):
    Path("test_page.py").write_text("".join(blocks(PYTEST, "python")), "utf-8")
    (record,) = (line for line in commands(PYTEST) if line.startswith("pytest --record"))
    done = shell(record)
    # The emulator's numbers differ from the real day's.
    assert "1 failed" in done.stdout
    assert "25487" in done.stdout
    assert [path.stem for path in Path("recordings").rglob("*.yaml")] == record.split()[-1:]


def test_violations_on_the_page_are_those_of_its_body(capsys):
    module = {}
    first, in_a_test = blocks(CONTRACT, "python")
    exec(compile(first, CONTRACT, "exec"), module)
    assert capsys.readouterr().out == blocks(CONTRACT, "text")[0]
    exec(compile(in_a_test, CONTRACT, "exec"), module)
    check = module["test_my_function_keeps_the_contract"]
    check(sample("getDailyRetain.response.official-cloud.json"))
    with pytest.raises(AssertionError, match="did you mean vlaue"):
        check(module["body"])


def test_output_of_the_document_database_is_that_on_the_page(capsys):
    (source,), (output,) = blocks(DATABASE, "python"), blocks(DATABASE, "text")
    exec(compile(source, DATABASE, "exec"), {})
    assert capsys.readouterr().out == output


@pytest.mark.usefixtures("project")
def test_output_of_drift_is_that_on_the_page():
    result = run("drift", "recordings", "--now", "2026-03-11")
    assert result.stdout == blocks(CONTRACT, "text")[1]


def test_each_page_with_programs_has_a_test():
    # test_pytest_plugin.py runs those of the page on pytest, test_commands.py those of tutorials
    # and of the page on files.
    tested = {"README.md", CONTRACT, CLOUD_DATABASE, DATABASE, FILES, HISTORY, NUMBERS, PYTEST}
    tested |= {PYTHON, RECORDINGS}
    tutorials = {page for page in ENGLISH if page.startswith("docs/tutorials/")}
    assert {page for page in ENGLISH if blocks(page, "python")} == tested | tutorials
