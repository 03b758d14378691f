"""Answers of the real service that developers published are what the catalogue says."""

import json
import re

import pytest
from jsonschema import Draft202012Validator
from support.paths import SAMPLES

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.emulator.errors import TEXTS

FOLDER = SAMPLES / "recorded_answers"
RECORDED = [
    pytest.param(path.stem, recorded["body"], id=f"{path.stem}-{index}")
    for path in sorted(FOLDER.glob("*.json"))
    for index, recorded in enumerate(json.loads(path.read_text("utf-8")))
]
# A rid, or the hint of earlier years; 47003 names the field before it.
_END = re.compile(r"( data\.\w+\.value invalid)? (rid: [0-9a-f-]{26}|hint: \[\w+\])$")


@pytest.mark.parametrize(("api", "body"), RECORDED)
def test_a_recorded_answer_is_what_the_entry_says(api, body):
    operation = default_catalogue()[api]
    if body["errcode"] == 0:
        Draft202012Validator(operation.schema("https", "response")).validate(body)
        return
    text = TEXTS.get(body["errcode"]) or operation.errors[body["errcode"]]
    assert _END.sub("", body["errmsg"]) == text


def test_each_recorded_answer_has_its_origin():
    for path in FOLDER.glob("*.json"):
        for recorded in json.loads(path.read_text("utf-8")):
            assert recorded["origin"].startswith("https://developers.weixin.qq.com/community/")
