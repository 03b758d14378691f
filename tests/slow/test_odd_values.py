"""Every field of every API has odd values: each call is answered or refused, in either form."""

import json

import pytest
from support.both_forms import HTTPS, CloudCall, split_files

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator.errors import TEXTS

pytestmark = pytest.mark.slow

CATALOGUE = default_catalogue()
# A file that is missing or empty; any API that takes one may answer these.
MEDIA = {41005, 44001}
ODD = (
    10**400,
    -(10**19),
    0.1,
    float("nan"),
    float("inf"),
    True,
    None,
    "",
    "a" * 3000,
    "\ud800",
    "a\x00\x1b\r\n\x7f",
    "中文，漢字😀",
    "1e999",
    "$made",
    "${a}{0}%s&=?#/../",
    [],
    [[[[]], {}], None],
    {},
    {"a": {"b": [{"c": None}]}, "": 1, "$param": "a", "\ud800": 1},
    {"filename": "a.png", "contentType": "image/png", "size": 1},
)
ODD_FILES = (
    ("", "", b""),
    ("a.png", "image/png", b""),
    ("图片😀.jpg", "", b"\xff\xd8"),
    ('a"\r\nb\x00.exe', "a/b; c=\u4e2d", b"\x00"),
    ("a" * 3000, "x" * 3000, b"{}"),
)


@pytest.mark.parametrize("form", [HTTPS, CloudCall])
@pytest.mark.parametrize("name", CATALOGUE)
def test_odd_values_are_answered_or_refused(name, form):
    operation, client = CATALOGUE[name], form(CATALOGUE)
    client.emulator.configure_app(DEMO_APPID, daily_limits={operation.path: None})
    known = {0, *TEXTS, *operation.errors} | (MEDIA if operation.files else set())
    for params, files in _calls(operation):
        kind, body = client.call(name, params, files)
        if not kind.startswith("application/json"):
            assert operation.binary, (params, kind)
            continue
        answer = json.loads(body)
        assert isinstance(answer, dict), params
        assert answer.get("errcode", 0) in known, (params, answer)


def _calls(operation):
    """Yield the first example, a field of it replaced by each odd value."""
    example, fields = operation.examples[0]["request"], operation.schema("https", "request")
    params, files = split_files(example)
    for name in {**fields["properties"], **params}:
        others = {each: file for each, file in files.items() if each != name}
        for value in ODD:
            yield {**params, name: value}, others
        for inner in _inner(params.get(name)):
            yield {**params, name: inner}, files
    for name in files:
        for file in ODD_FILES:
            yield params, {**files, name: file}


def _inner(value):
    """Yield an object, a field of it replaced by each odd value; the same for a list of these."""
    if isinstance(value, dict):
        for name in value:
            for odd in ODD:
                yield {**value, name: odd}
    elif isinstance(value, list):
        for odd in ODD:
            yield [odd, *value[1:]]
        for inner in _inner(value[0] if value else None):
            yield [inner, *value[1:]]
