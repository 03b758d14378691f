"""Every documented or recorded error, provoked row by row.

A row of error_table.json has a code, its exact text and its cause:

- a request; TOKEN is a valid token, FILE the token of Cloud Run's file, RID OF wx2 a foreign rid;
- ``settings`` of wx1, and further ones set ``after`` the file is read;
- requests that are ``also`` made before, and the number of successful calls (``repeat``);
- a delay in seconds (``later``), and a ``fault`` for errors without another cause.
"""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from support.paths import SAMPLES, sample
from support.values import DAILY, NOW

from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.emulator.errors import TEXTS

ROWS = json.loads(Path(__file__).with_name("error_table.json").read_text("utf-8"))
TAIL = re.compile(r",? rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$")
# Every code of WeChat's pages on these APIs, tokens, quotas and Cloud Run.
CODES = {
    *(-1, 40001, 40002, 40013, 40014, 40125, 40164, 40243, 41001, 41002, 41004, 42001, 43002),
    *(44002, 45009, 45011, 47001, 48001, 48006, 50004, 50007, 61007),
    *(61500, 61501, 61502, 61503, 61504, 76001, 76002, 76003, 76004, 76021, 76022),
    *(85105, 85107, 85112, 85113, 89503, 89506, 89507, 502),
}


class Row:
    """An emulator with a row's settings, earlier requests and fault."""

    def __init__(self, row):
        self.row = row
        self.emulator = Emulator(clock=Clock(NOW), apps={"wx1": "s", "wx2": "s"})
        self.client = create_app(self.emulator).test_client()
        self.emulator.configure_app("wx1", **row.get("settings", {}))
        self.placeholders = {
            "TOKEN": self.emulator.program("wx1").tokens.grant()[0],
            "RID OF wx2": self.rid(),
        }
        if '"FILE"' in json.dumps(row):
            self.placeholders["FILE"] = self.emulator.cloudbase_access_token("wx1")
        self.emulator.configure_app("wx1", **row.get("after", {}))
        for request in row.get("also", []):
            assert "errcode" not in self.send(request).json
        for _ in range(row.get("repeat", 0)):
            assert self.send(row).json.get("errcode", 0) == 0
        self.emulator.clock.advance(timedelta(seconds=row.get("later", 0)))
        if "fault" in row:
            self.emulator.faults.add(row["fault"])

    def rid(self):
        token, _ = self.emulator.program("wx2").tokens.grant()
        answer = self.client.post(DAILY, query_string={"access_token": token}, data=b"{}")
        return answer.json["errmsg"].partition("rid: ")[2]

    def substitute(self, fields):
        return {name: self.placeholders.get(str(value), value) for name, value in fields.items()}

    def send(self, request):
        data = request.get("data", "").encode() or b" " * request.get("bytes", 0)
        if "body" in request:
            data = json.dumps(self.substitute(request["body"])).encode()
        return self.client.open(
            request["path"],
            method=request["method"],
            query_string=self.substitute(request.get("query", {})),
            data=data,
        )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['code']} {row['when']}")
def test_each_error_has_its_code_exact_text_and_rid(row):
    provoked = Row(row)
    answer = provoked.send(row)
    assert answer.status_code == row.get("status", 200)
    if answer.status_code != 200:
        assert answer.mimetype == "text/html"
        return
    assert list(answer.json) == ["errcode", "errmsg"]
    assert answer.json["errcode"] == row["code"]
    text, rid = TAIL.sub("", answer.json["errmsg"]), TAIL.search(answer.json["errmsg"])
    assert text == row["text"]
    assert answer.json["errmsg"].startswith(text + row.get("tail", " rid: "))
    assert int(rid[1], 16) == int(provoked.emulator.clock.now().timestamp())


@pytest.mark.parametrize("row", [row for row in ROWS if "sample" in row], ids=lambda r: r["when"])
def test_text_of_a_row_equals_the_recorded_body(row):
    recorded = sample(row["sample"])
    assert recorded["errcode"] == row["code"]
    if row["sample"].endswith("-rid.json"):
        assert recorded["errmsg"].startswith(row["text"] + row.get("tail", " rid: "))
    else:
        assert recorded["errmsg"].startswith(row["text"] + " hint: [")


def test_table_has_every_documented_code_and_every_code_of_the_emulator():
    codes = {row["code"] for row in ROWS}
    assert codes >= CODES
    assert codes - {502} == TEXTS.keys()


def test_every_current_recorded_error_has_a_row():
    named = {row.get("sample") for row in ROWS}
    recorded = {path.name for path in SAMPLES.glob("error.*-rid.json")}
    # The first has an earlier text of WeChat; the second has another address.
    assert recorded - named == {"error.40001-2022-rid.json", "error.40164-rid.json"}


def test_rows_that_inject_a_fault_are_labelled():
    for row in ROWS:
        assert ("fault" in row) == ("by a fault" in row["when"])


def test_40164_names_the_callers_address_as_recorded():
    address = "222.240.168.30"
    emulator = Emulator(clock=Clock(NOW))
    emulator.faults.add({"kind": "error", "errcode": 40164})
    client = create_app(emulator).test_client()
    answer = client.get("/cgi-bin/token", environ_base={"REMOTE_ADDR": address}).json
    recorded = sample("error.40164-rid.json")
    assert answer["errcode"] == recorded["errcode"]
    assert TAIL.sub("", answer["errmsg"]) == TAIL.sub("", recorded["errmsg"])
