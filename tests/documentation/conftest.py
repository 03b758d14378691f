"""A project with the files that pages name, and a shell beside an emulator."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.cassettes import cassette, interaction
from support.har import entry, har
from support.paths import ROOT, sample
from support.sdk import NODE, packages

from cloud_openapi.catalogue import FOLDER
from cloud_openapi.runtime import Functions
from cloud_openapi.runtime._packages import packages_of

# The first one is the reader's own, by whose credentials pages call the service.
APPS = (
    "wx0123456789abcdef:0123456789abcdef0123456789abcdef",
    "wxdemo000000000000:public-demo-secret",
    "wxone",
    "wxtwo",
)

PROJECT = ROOT / "cloud_openapi" / "cli" / "sample"
NOW = "2026-05-01T12:00"


def install(function):
    """Do what `npm install` does for a function, by links to the packages of the tests."""
    (function / "node_modules").mkdir(parents=True)
    for package in packages().iterdir():
        (function / "node_modules" / package.name).symlink_to(package)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Go to a project that has the files which pages name."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "functions", "functions")
    shutil.copy(ROOT / "config.json", "config.json")
    timer = {"triggers": [{"name": "TRIGGER", "type": "timer", "config": "0 0 9 * * * *"}]}
    for function in Path("functions").glob("*Node"):
        install(function)
    Path("functions/FUNCTION").mkdir()
    Path("functions/FUNCTION/config.json").write_text(json.dumps(timer))
    Path("functions/FUNCTION/index.py").write_text("def main(event, context):\n    return 1\n")
    shutil.copytree(PROJECT, "my-mini-program")
    # What `cloud-openapi install --all` does for the sample, which `init` writes, too.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    functions = Functions(Path("my-mini-program/cloudfunctions"), {})
    install(packages_of(functions.settings_of("getWeeklyRetain")).parent)
    Path("test_it.py").write_text("def test_it():\n    pass\n")
    api, day = "analysis.getVisitDistribution", {"begin_date": "20170313", "end_date": "20170313"}
    har(Path(), entry(request__postData__text=json.dumps(day)))
    answer = sample("getVisitDistribution.response.official-https.json")
    cassette(Path("former/old.json"), interaction(api, day, answer))
    answer["list"][0]["index"] = "access_city_info"
    cassette(Path("recordings/march.json"), interaction(api, day, answer, recorded_at="2026-03-01"))
    shutil.copytree(FOLDER, "released/catalogue")
    return tmp_path


@pytest.fixture
def shell(project):
    """Return a function that runs a command of a page beside an emulator, and gives its result."""
    names = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment = {**os.environ, **names, "NODE_PATH": str(NODE / "node_modules")}
    command = ["cloud-openapi", "serve", "--port", "0", "--json", "--now", NOW]
    for app in APPS:
        command += ["--app", app]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    with serving:
        ready = json.loads(serving.stdout.readline())
        environment |= ready["environment"]
        environment["CLOUD_OPENAPI_UPSTREAM"] = ready["url"]
        environment["CLOUD_OPENAPI_NOW"] = NOW

        def run(command):
            if command.startswith("cd ") and "&&" not in command:
                os.chdir(command.removeprefix("cd "))
                return subprocess.CompletedProcess(command, 0, "", "")
            exported = command.startswith("export ")
            command = command.replace("http://127.0.0.1:7070", ready["url"])
            command = command.removesuffix(" --follow")  # which has no end
            command = re.sub("^curl ", "curl --fail-with-body --silent ", command)
            if command.startswith("cloud-openapi serve"):
                return serve(command, environment)
            if exported:
                command += "; env -0"
            done = subprocess.run(
                ["bash", "-c", command],
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if exported:
                lines = done.stdout.strip("\0").split("\0")
                environment.update(line.split("=", 1) for line in lines)
            return done

        yield run
        serving.terminate()


def serve(command, environment):
    """Start an emulator, wait until it is ready, and stop it."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command} --port 0 --json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ready = process.stdout.readline()
    process.terminate()
    output, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, ready + output, errors)
