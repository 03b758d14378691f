"""The programs and commands in the documentation run, and are the same in both languages."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from support.cassettes import cassette, interaction, run
from support.gateway import API, Functions
from support.har import entry, har
from support.paths import ROOT, SAMPLES, sample

from cloud_openapi import Cloud
from cloud_openapi._version import __version__
from cloud_openapi.catalogue import FOLDER
from cloud_openapi.emulator import Clock, Emulator, Server, create_app, gateway_variables, listen
from cloud_openapi.periods import BEIJING
from cloud_openapi.recordings import load
from cloud_openapi.transports.gateway import GatewayTransport
from cloud_openapi.transports.wsgi import WSGIExchange

PYTHON = "docs/reference/python-api.md"
ENGLISH = Path("docs")
CHINESE = Path("docs/zh-CN")
PAGES = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md")),
]
TWINS = [
    ("README.md", "README.zh-CN.md"),
    *(
        (page, str(CHINESE / Path(page).relative_to(ENGLISH)))
        for page in PAGES
        if page.startswith("docs/") and not page.startswith("docs/zh-CN/")
    ),
]


def blocks(page, language=r"\w*"):
    """Return the code blocks of a page, in order."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("english", "chinese"), TWINS)
def test_both_languages_have_the_same_headings_tables_and_programs(english, chinese):
    if not (ROOT / chinese).exists():
        pytest.skip("not translated yet")
    assert blocks(english) == blocks(chinese)
    shapes = [
        re.findall(r"^(#+|\|)", (ROOT / page).read_text("utf-8"), re.MULTILINE)
        for page in (english, chinese)
    ]
    assert shapes[0] == shapes[1]


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


def test_a_function_calls_another_by_the_gateway(monkeypatch):
    for name, value in gateway_variables("http://localhost").items():
        monkeypatch.setenv(name, value)
    functions = Functions()
    functions.names = ["getDailyRetain"]
    exchange = WSGIExchange(create_app(Emulator(), functions))
    facade = Cloud()
    facade.init(transport=GatewayTransport(lambda _base: exchange))
    exec(compile(blocks(PYTHON, "python")[1], PYTHON, "exec"), {"cloud": facade})
    day = {"beginDate": "20170313", "endDate": "20170313"}
    assert functions.invoked[0][:2] == ("getDailyRetain", day)


def test_emulator_in_a_program_answers(monkeypatch):
    monkeypatch.chdir(ROOT)
    module = {}
    exec(compile(blocks(PYTHON, "python")[2], PYTHON, "exec"), module)
    assert isinstance(module["cloud"], Cloud)
    day = {"beginDate": "20170313", "endDate": "20170313"}
    assert module["cloud"].openapi.analysis.getDailyRetain(day)["refDate"] == "20170313"
    assert [entry.appid for entry in module["emulator"].journal] == ["wxdemo000000000000"] * 2


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, "README.zh-CN.md"])
def test_every_link_leads_to_a_file_and_a_heading(page):
    links = re.findall(
        r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", (ROOT / page).read_text("utf-8")
    )
    for path, anchor in links:
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), anchor


def test_changelog_begins_with_this_version():
    found = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert found[1] == __version__


def test_programs_about_recordings_run_in_order(monkeypatch, tmp_path):
    shutil.copytree(SAMPLES / "cassettes", tmp_path / "recordings")
    monkeypatch.chdir(tmp_path)
    module = {}
    programs = blocks("docs/how-to/recordings.md", "python")
    assert len(programs) == 5
    for program in programs:
        exec(compile(program, "docs/how-to/recordings.md", "exec"), module)
    assert module["answer"].status_code == 200


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Return a function that starts a command of a page in a folder, with a running emulator."""
    monkeypatch.chdir(tmp_path)
    appid, secret = "wx0123456789abcdef", "0123456789abcdef" * 2
    emulator = Emulator(clock=Clock(datetime(2026, 5, 1, tzinfo=BEIJING)), apps={appid: secret})
    app = create_app(emulator)
    with Server(app, listen("127.0.0.1", 0), emulator.never_blocks) as server, ExitStack() as stack:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        given = {
            "PATH": path,
            "CLOUD_OPENAPI_BASE_URL": server.url,
            "CLOUD_OPENAPI_UPSTREAM": server.url,
            "CLOUD_OPENAPI_APPID": appid,
            "CLOUD_OPENAPI_SECRET": secret,
        }
        environment = {**os.environ, **given}

        def start(line):
            process = subprocess.Popen(
                shlex.split(line), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def commands(page):
    """Return the commands in a page's shell blocks, without the placeholders of secrets."""
    lines = "".join(blocks(page, "sh")).splitlines()
    return [line for line in lines if not line.startswith("export ")]


@pytest.mark.slow
def test_every_command_about_recordings_runs(shell):
    har(Path(), entry())
    Path("test_it.py").write_text("def test_it():\n    pass\n")
    for line in commands("docs/how-to/recordings.md"):
        if line.startswith("cloud-openapi serve"):
            process = shell(f"{line} --port 0 --json")
            assert json.loads(process.stdout.readline())["url"]
            process.terminate()
        else:
            process = shell(line)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, line) == (0, line), errors
    days = {json.loads(one.request_body).get("begin_date") for one in load(Path("recordings"))}
    assert {f"202603{day:02}" for day in range(1, 32)} <= days


def test_command_that_records_for_pytest_runs(shell):
    source = "".join(blocks("docs/how-to/pytest.md", "python"))
    Path("test_page.py").write_text(source, "utf-8")
    Path("config.json").write_text(json.dumps({"permissions": {"openapi": [API]}}), "utf-8")
    _install, record = commands("docs/how-to/pytest.md")
    process = shell(record)
    printed, _ = process.communicate(timeout=60)
    # The emulator's numbers differ from the real day's.
    assert b"1 failed" in printed
    assert b"25487" in printed
    assert [path.stem for path in Path("recordings").rglob("*.yaml")] == record.split()[-1:]


# ---- docs/how-to/contract.md ---------------------------------------------------------------


def test_violations_on_the_page_are_those_of_its_body(capsys):
    module = {}
    first, in_a_test = blocks("docs/how-to/contract.md", "python")
    exec(compile(first, "docs/how-to/contract.md", "exec"), module)
    assert capsys.readouterr().out == blocks("docs/how-to/contract.md", "text")[0]
    exec(compile(in_a_test, "docs/how-to/contract.md", "exec"), module)
    check = module["test_my_function_keeps_the_contract"]
    check(sample("getDailyRetain.response.official-cloud.json"))
    with pytest.raises(AssertionError, match="did you mean vlaue"):
        check(module["body"])


@pytest.fixture
def march(tmp_path, monkeypatch):
    """Go to a folder with the files that the commands of the page name."""
    monkeypatch.chdir(tmp_path)
    api = "analysis.getVisitDistribution"
    day = {"begin_date": "20170313", "end_date": "20170313"}
    answer = sample("getVisitDistribution.response.official-https.json")
    cassette(Path("former/old.json"), interaction(api, day, answer))
    answer["list"][0]["index"] = "access_city_info"
    new = interaction(api, day, answer, recorded_at="2026-03-01")
    cassette(Path("recordings/march.json"), new)
    shutil.copytree(ROOT / "functions", "functions")
    shutil.copytree(FOLDER, "released/catalogue")


@pytest.mark.usefixtures("march")
def test_every_command_on_the_page_runs():
    lines = "".join(blocks("docs/how-to/contract.md", "sh")).splitlines()
    codes = {line: run(*shlex.split(line)[1:]).returncode for line in lines}
    assert {line: code for line, code in codes.items() if line.split()[1] != "drift" and code} == {}
    # The recordings have a new value.
    assert {code for line, code in codes.items() if line.split()[1] == "drift"} == {1}
    assert Path("report.xml").is_file()
    assert Path("proposal/analysis/getVisitDistribution.json").is_file()


@pytest.mark.usefixtures("march")
def test_output_of_drift_is_that_on_the_page():
    result = run("drift", "recordings", "--now", "2026-03-11")
    assert result.stdout == blocks("docs/how-to/contract.md", "text")[1]
