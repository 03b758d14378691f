"""The how-to that adds an API, followed to the letter in a copy of the package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import blocks, commands, text_of
from support.paths import ROOT, WITHOUT_OTHERS

PAGE = "docs/how-to/add-an-api.md"
COPIED = ("cloud_openapi", "docs", "scripts", "pytest_cloud_openapi.py")
(BLOCK,) = blocks(PAGE, "json")
ENTRY = json.loads(BLOCK)
NAME, PLACE = ENTRY["name"], f"cloud_openapi/catalogue/{ENTRY['name'].replace('.', '/')}.json"
PAGES = ("docs/reference/apis.md", "docs/zh-CN/reference/apis.md")
LONG = ENTRY["examples"][0]["request"]["long_url"]
SHORT = ENTRY["examples"][0]["response"]["short_url"]

# A function does not inherit PYTHONPATH.
FUNCTION = f"""
import sys
sys.path.insert(0, CHECKOUT)

import cloud_openapi
from cloud_openapi import cloud

cloud.init()

def main(event, context):
    return [cloud_openapi.__file__, cloud.openapi["{NAME}"](event)]
"""
TESTS = f"""
import json
from urllib.request import urlopen

import pytest

import cloud_openapi
from cloud_openapi import CloudSDKError

NAME, OK = "{NAME}", {{"shortUrl": "{SHORT}", "errMsg": "openapi.{NAME}:ok"}}
EVENT = {{"action": "long2short", "longUrl": "{LONG}"}}


def test_facade_and_https(cloud, cloud_emulator, assert_contract):
    answer = cloud.openapi.officialAccount.shorturl(EVENT)
    assert answer == OK
    assert_contract(answer, NAME)
    with pytest.raises(CloudSDKError, match="invalid url size"):
        cloud.openapi.officialAccount.shorturl({{**EVENT, "longUrl": ""}})
    with pytest.raises(CloudSDKError, match="data format error"):
        cloud.openapi.officialAccount.shorturl()
    assert [each["errcode"] for each in cloud_emulator.journal(api=NAME)] == [0, 40039, 47001]
    assert "Shorten a URL" in cloud.openapi.officialAccount.shorturl.__doc__


def test_gateway(invoke_function, cloud_emulator):
    assert invoke_function("remove", EVENT) == [cloud_openapi.__file__, OK]
    (entry,) = cloud_emulator.journal(api=NAME)
    assert (entry["via"], entry["check"]) == ("gateway", "documented example")


@pytest.mark.cloud_openapi(pins=[{{"api": NAME, "response": {{"errcode": 40039}}}}])
def test_pin(cloud):
    with pytest.raises(CloudSDKError, match="invalid url size"):
        cloud.openapi.officialAccount.shorturl(EVENT)


@pytest.mark.parametrize(("form", "field"), [("https", "long_url"), ("cloud", "longUrl")])
def test_schemas(cloud_emulator, form, field):
    with urlopen(f"{{cloud_emulator.url}}/schemas/{{NAME}}/{{form}}/request.json") as answer:
        assert json.load(answer)["required"] == ["action", field]
    with urlopen(f"{{cloud_emulator.url}}/schemas/{{NAME}}/{{form}}/response.json") as answer:
        assert json.load(answer)["properties"]


def test_document_and_list(cloud_emulator):
    with urlopen(f"{{cloud_emulator.url}}/openapi.json") as answer:
        operation = json.load(answer)["paths"]["{ENTRY["path"]}"]["post"]
    assert operation["operationId"] == NAME
    with urlopen(cloud_emulator.url) as answer:
        assert NAME in answer.read().decode()
"""


class Copy:
    """A copy of the checkout without the API of the page."""

    def __init__(self, folder):
        self.folder = folder
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, folder / name)
        (folder / PLACE).unlink(missing_ok=True)
        self.run("-m", "scripts.generate")

    def run(self, *arguments, cwd=None):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd or self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def command(self, line):
        words = line.split()
        assert words[0] == "cloud-openapi"
        return self.run("-c", "from cloud_openapi.cli import main; main()", *words[1:])

    def texts(self):
        files = [path for path in self.folder.rglob("*") if path.suffix in (".py", ".md", ".json")]
        return {str(path.relative_to(self.folder)): path.read_text("utf-8") for path in files}


@pytest.mark.slow
def test_one_file_adds_an_api_everywhere(tmp_path):
    copy = Copy(tmp_path / "checkout")
    before = copy.texts()
    assert f"`{PLACE}`" in text_of(PAGE)
    assert NAME not in before["cloud_openapi/types.py"]
    assert all(f"`{NAME}`" in before[page] for page in PAGES), "known by its name"

    generate, apis, call = commands(PAGE)
    path = copy.folder / PLACE
    path.parent.mkdir(exist_ok=True)
    path.write_text(BLOCK, "utf-8")
    assert generate == "make generate"
    makefile = (ROOT / "Makefile").read_text("utf-8").partition("\ngenerate:")[2]
    assert makefile.splitlines()[1] == "\t$(BIN)/python -m scripts.generate"
    copy.run("-m", "scripts.generate")

    after = copy.texts()
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {PLACE, "cloud_openapi/types.py", *PAGES}
    assert "shorturl: OfficialAccountShorturl\n" in after["cloud_openapi/types.py"]
    row = f"[`{NAME}`]({ENTRY['docs']}) | POST `{ENTRY['path']}` | `example`"
    assert all(row in after[page] for page in PAGES)
    shown = copy.command(apis)
    assert f"POST {ENTRY['path']}" in shown
    assert "long_url, longUrl: string, required. The URL to shorten" in shown
    assert json.loads(copy.command(call))["shortUrl"].startswith("http://w.url.cn/s/")

    project = tmp_path / "project"
    function = project / "functions" / "remove"
    function.mkdir(parents=True)
    config = json.dumps({"permissions": {"openapi": [NAME]}})
    for place in (project, function):
        Path(place, "config.json").write_text(config, "utf-8")
    source = FUNCTION.replace("CHECKOUT", repr(str(copy.folder)))
    (function / "index.py").write_text(source, "utf-8")
    (project / "test_it.py").write_text(TESTS, "utf-8")
    options = ("-q", "-p", "no:cacheprovider", *WITHOUT_OTHERS.split())
    assert "6 passed" in copy.run("-m", "pytest", *options, cwd=project)
