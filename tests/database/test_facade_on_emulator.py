"""The facade and wx-server-sdk 4 get the same from two emulators that begin alike.

The expressions of test_same_as_sdk.py run end to end, one after another: each finds what those
before it have left.
"""

import json
import re
from datetime import datetime

import pytest
from support import expressions
from support.expressions import Node, Python, samples
from support.serving import Served

from cloud_openapi import Cloud
from cloud_openapi.emulator import Clock, Emulator, Server, create_app, gateway_variables, listen
from cloud_openapi.periods import BEIJING
from cloud_openapi.transports.gateway import GatewayTransport
from cloud_openapi.transports.wsgi import WSGIExchange

PLACE = {"type": "Point", "coordinates": [113.5, 23.25]}
COLLECTIONS = {
    "t": [
        {"_id": "x", "a": 1, "b": "two", "n": 5, "l": PLACE, "tags": ["a", "b"]},
        {"_id": "y", "a": 2, "b": {"c": 1}, "n": 15, "x": "a\u00f1c", "l": PLACE},
        {"_id": "z", "a": None, "n": 2.5, "at": {"$date": 1600000000123}, "l": PLACE},
        *({"_id": f"d{number:03}", "n": number, "a": number % 3} for number in range(120)),
    ],
    "u": [{"_id": "one", "b": 1, "name": "first"}, {"_id": "two", "b": 2}],
}
T, DOC, WHERE = (f'db.collection("t"){more}' for more in ("", '.doc("x")', '.where({"a": 1})'))
PROGRAM = [
    f"{T}.get()",
    f"{T}.count()",
    *(f"{T}.where({query}).get()" for query in samples("queries")),
    *(query.replace("{}", T, 1) for query in samples("finding") if "remove" not in query),
    *(f"{T}.aggregate(){stages}.end()" for stages in samples("stages") + expressions.operators()),
    *(f'{T}.add({{"data": {data}}})' for data in samples("data") + samples("added")),
    *(f'{DOC}.update({{"data": {data}}})' for data in samples("data") + samples("updates")),
    f"{DOC}.get()",
    *(f'{DOC}.set({{"data": {data}}})' for data in samples("data")),
    f"{DOC}.get()",
    *(f'{WHERE}.update({{"data": {data}}})' for data in samples("updates")),
    *samples("others"),
    f'{T}.orderBy("n", "desc").limit(1000).get()',
    *(query.replace("{}", T, 1) for query in samples("finding") if "remove" in query),
    f"{T}.get()",
    'db.collection("new").add({"data": {"a": 1}})',
    'db.collection("missing").get()',
    'db.collection("missing").add({"data": {"a": 1}})',
    'db.collection("missing").aggregate().end()',
    'db.createCollection("new")',
    f'{T}.add({{"data": {{"_id": "one"}}}})',
    f'{T}.add({{"data": {{"_id": "one"}}}})',
]
FILES = [
    'cloud.uploadFile({"cloudPath": "dir/零 (1).txt", "fileContent": binary("content ñ")})',
    'cloud.downloadFile({"fileID": "cloud://no/such"})',
    'cloud.deleteFile({"fileList": ["cloud://no/such"]})',
]


def emulator():
    made = Emulator(clock=Clock(datetime(2020, 1, 1, 12, tzinfo=BEIJING)), seed=5)
    made.databases.given = json.loads(json.dumps(COLLECTIONS))
    return made


@pytest.fixture
def outcomes(monkeypatch):
    """Return a function that runs a program by both, and returns both lists of outcomes."""

    def outcomes(program):
        for name, value in gateway_variables("http://localhost").items():
            monkeypatch.setenv(name, value)
        exchange = WSGIExchange(create_app(emulator()))
        cloud = Cloud()
        cloud.init(transport=GatewayTransport(lambda _base: exchange))
        python = Python(cloud)
        ours = [python.evaluate(expression) for expression in program]
        with Server(create_app(emulator()), listen("127.0.0.1", 0)) as server:
            node = Node({**gateway_variables(server.url), "TCB_CONTEXT_KEYS": "TCB_ENV"})
            theirs = node.evaluate(program)
            node.close()
        return ours, theirs

    return outcomes


def shown(outcome):
    """Return an outcome as text, without what differs by chance or by test_same_as_sdk.py."""
    if "error" in outcome:
        error = outcome["error"]
        outcome = [error.get("errCode", -1), error.get("errMsg", error.get("message"))]
    text = json.dumps(_plain(outcome), ensure_ascii=False, default=bytes.hex)
    text = re.sub(r'"requestId": "[^"]*"', '"requestId": "…"', text)
    return re.sub(r'"statusCode": (-1|20[04])', '"statusCode": "…"', text)


def _plain(value):
    """Return a value whose whole numbers are such, with a stored regular expression as in Node."""
    if isinstance(value, dict):
        if value.get("$") == "regex":
            return dict(zip(("pattern", "options"), value["value"], strict=True))
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check(program, outcomes):
    # Each emulator draws other documents.
    program = [each for each in program if ".sample(" not in each]
    ours, theirs = outcomes(program)
    pairs = list(zip(program, map(shown, ours), map(shown, theirs), strict=True))
    wrong = [pair for pair in pairs if pair[1] != pair[2]]
    assert not wrong, f"{len(wrong)} of {len(pairs)} differ; the first: {wrong[0]}"
    return sum("result" in outcome for outcome in ours)


def test_both_get_the_same_from_the_emulator(outcomes):
    assert check([*PROGRAM[::9], *FILES], outcomes) > 25


def test_remove_without_where_removes_all(outcomes):
    for outcome in outcomes(['db.collection("u").remove()', 'db.collection("u").count()']):
        assert [each["result"].get("stats", each["result"].get("total")) for each in outcome] == [
            {"removed": 2}, 0,
        ]  # fmt: skip


@pytest.mark.slow
def test_both_get_the_same_for_every_expression(outcomes):
    assert check([*PROGRAM, *FILES], outcomes) > 245


FUNCTION = """
from cloud_openapi import cloud

cloud.init()


def main(event, context):
    db = cloud.database()
    db.createCollection("files")
    stored = cloud.uploadFile(cloudPath=event["path"], fileContent=event["text"].encode())
    db.collection("files").doc(event["path"]).set(data={"file": stored["fileID"]})
    file = db.collection("files").doc(event["path"]).get()["data"]["file"]
    text = cloud.downloadFile(fileID=file)["fileContent"].decode()
    (deleted,) = cloud.deleteFile(fileList=[file])["fileList"]
    return {"file": file, "text": text, "deleted": deleted["errMsg"]}
"""


@pytest.mark.slow
def test_a_python_function_has_the_database_and_the_storage(tmp_path, monkeypatch):
    with Served(tmp_path, monkeypatch) as served:
        served.write("keep", FUNCTION, file="index.py")
        result = served.call("keep", {"path": "报告/一 月.txt", "text": "content ñ 零"})
        paths = [entry.path for entry in served.entries]
    assert result["file"].startswith("cloud://")
    assert result["file"].endswith("/报告/一 月.txt")
    assert (result["text"], result["deleted"]) == ("content ñ 零", "ok")
    assert len(paths) >= 6
