"""Any HAR file and any cassette is read, or refused with a RecordingError."""

import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.har import entry as har_entry

from cloud_openapi.recordings import RecordingError, load, read_har, write

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LONG = settings(QUICK, max_examples=3_000)

numbers = st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([0, -1, 200, 20260101])
texts = st.text(max_size=20) | st.sampled_from(
    ["\ud800", "gzip", "deflate, br", "base64", "x" * 300, "2026-03-09T08:00:00+0530", "http://["]
)
odd = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


def places(value, path=()):
    """Yield the path of each value within a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


def variants(value):
    """Return a strategy of values of which some parts are odd."""
    paths = list(places(value))

    @st.composite
    def variant(draw):
        made = value
        for path in draw(st.lists(st.sampled_from(paths), min_size=1, max_size=3)):
            if path in set(places(made)):
                made = changed(made, path, draw(odd))
        return made

    return variant()


HAR = {"log": {"version": "1.2", "entries": [har_entry()]}}
CASSETTE = {
    "version": 1,
    "interactions": [
        {
            "request": {
                "method": "POST",
                "uri": "https://api.weixin.qq.com/x?access_token=abc",
                "body": '{"secret": "a"}',
                "headers": {"Content-Type": ["application/json"], "Cookie": ["a=b"]},
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"Content-Encoding": ["gzip"]},
                "body": {"string": "{}"},
            },
            "recorded_at": "2026-03-09T08:00:00Z",
            "origin": "x",
        }
    ],
}
pieces = st.sampled_from(
    [*"&*!<>|-?:,[]{}#%@`\"'\\ \n\tabe019.~=", "!!", "<<", "!!python/", "!!int ", "\x85"]
)
yaml_texts = st.lists(pieces, max_size=40).map("".join)


def reads_or_refuses(read, tmp_path):
    """Read, and write what was read; only a RecordingError may be raised."""
    try:
        write(tmp_path / "again.yaml", read())
    except RecordingError as error:
        message = str(error)
    else:
        message = "again.yaml"
    assert ".yaml" in message or str(tmp_path) in message


def check_har(tmp_path, document):
    (tmp_path / "a.har").write_text(json.dumps(document), "ascii")
    reads_or_refuses(lambda: read_har(tmp_path / "a.har", left_out=len), tmp_path)


def check_cassette(tmp_path, document, suffix):
    text = yaml.dump(document, Dumper=yaml.Dumper) if suffix == ".yaml" else json.dumps(document)
    (tmp_path / f"a{suffix}").write_text(text, "utf-8")
    reads_or_refuses(lambda: load(tmp_path / f"a{suffix}"), tmp_path)


def check_text(tmp_path, text, name):
    (tmp_path / name).write_text(text, "utf-8", errors="replace")
    read = read_har if name.endswith(".har") else load
    reads_or_refuses(lambda: read(tmp_path / name), tmp_path)


def value_of_yaml(text):
    interactions = json.dumps(CASSETTE["interactions"][0]).replace('"a=b"', "VALUE")
    return f"interactions: [{interactions.replace('VALUE', text)}]\nversion: 1\n"


@QUICK
@given(variants(HAR))
@pytest.mark.slow
def test_har_files(tmp_path, document):
    check_har(tmp_path, document)


@QUICK
@given(variants(CASSETTE), st.sampled_from([".yaml", ".json"]))
@pytest.mark.slow
def test_cassettes(tmp_path, document, suffix):
    check_cassette(tmp_path, document, suffix)


@QUICK
@given(st.text() | yaml_texts | yaml_texts.map(value_of_yaml), st.sampled_from(["a.yaml", "a.har"]))
def test_texts(tmp_path, text, name):
    check_text(tmp_path, text, name)


@pytest.mark.slow
@LONG
@given(variants(HAR))
def test_many_har_files(tmp_path, document):
    check_har(tmp_path, document)


@pytest.mark.slow
@LONG
@given(variants(CASSETTE), st.sampled_from([".yaml", ".json"]))
def test_many_cassettes(tmp_path, document, suffix):
    check_cassette(tmp_path, document, suffix)


@pytest.mark.slow
@LONG
@given(st.text() | yaml_texts | yaml_texts.map(value_of_yaml), st.sampled_from(["a.yaml", "a.har"]))
def test_many_texts(tmp_path, text, name):
    check_text(tmp_path, text, name)
