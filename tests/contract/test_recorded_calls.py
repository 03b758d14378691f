"""Answers and errors that real clients recorded, against the contract of each API."""

import json
import re
from datetime import datetime

import pytest
from support.paths import SAMPLES

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.contract import schema, violations
from cloud_openapi.emulator.errors import TEXTS
from cloud_openapi.json_schema.values import error_code
from cloud_openapi.periods import BEIJING

FOLDER = SAMPLES / "recorded_calls"
CALLS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
TEXT = {"https": "errmsg", "cloud": "errMsg"}
TAIL = re.compile(r",? (hint: \[[^\]]+\] )?rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$| hint: .+$")
# The texts of these codes name what is wrong with the request.
OF_THE_REQUEST = {47003, 200002}
# A number of a mainland mobile phone, other than those that WeChat's examples use.
PHONE = re.compile(r"(?<![0-9])1[3-9](?!800000000)[0-9]{9}(?![0-9])")


def side(call):
    return "error" if error_code(call["body"]) else "response"


def found(call, body):
    return violations(body, call["api"], call["form"], side(call))


@pytest.mark.parametrize("name", CALLS)
def test_a_recorded_body_keeps_the_contract(name):
    assert found(CALLS[name], CALLS[name]["body"]) == []


@pytest.mark.parametrize("name", CALLS)
def test_a_recorded_body_without_a_required_field_breaks_the_contract(name):
    call = CALLS[name]
    required = schema(call["api"], call["form"], side(call))["required"]
    assert required
    for field in required:
        assert found(call, {key: call["body"][key] for key in call["body"] if key != field})


ERRORS = [name for name, call in CALLS.items() if side(call) == "error"]


@pytest.mark.parametrize("name", ERRORS)
def test_a_recorded_error_has_the_text_of_its_entry(name):
    call = CALLS[name]
    code = error_code(call["body"])
    text = TEXTS.get(code) or default_catalogue()[call["api"]].errors.get(code)
    assert text, f"{call['api']} has no text of {code}"
    recorded = TAIL.sub("", call["body"][TEXT[call["form"]]])
    if code not in OF_THE_REQUEST:
        assert recorded.removeprefix(f"openapi.{call['api']}:fail ") == text


@pytest.mark.parametrize("name", ERRORS)
def test_the_time_in_a_rid_is_the_day_of_the_record(name):
    call = CALLS[name]
    rid = TAIL.search(call["body"][TEXT[call["form"]]])[2]
    if rid:
        day = datetime.fromtimestamp(int(rid, 16), BEIJING).date()
        assert call["date"] == day.isoformat()


@pytest.mark.parametrize("name", CALLS)
def test_a_sample_says_where_it_is_from_and_names_nobody(name):
    call = CALLS[name]
    assert list(call) in (
        ["api", "form", "source", "date", "body"],
        ["api", "form", "source", "body"],
    )
    assert call["source"].startswith("https://")
    assert name.rpartition("-")[0] == call["api"]
    assert not PHONE.search(json.dumps(call["body"]))


def test_the_records_are_of_many_apis():
    assert len(CALLS) >= 50
    assert len({call["api"] for call in CALLS.values()}) >= 20
