"""Mistakes in a JSON text, in JSON's words."""

import json

import pytest

from cloud_openapi.json_text import json_mistake, read_json


@pytest.mark.parametrize(
    ("text", "line", "wrong"),
    [
        ('{\n  "a": 1,\n}', 2, 'remove the comma before "}"'),
        ("[1, 2,]", 1, 'remove the comma before "]"'),
        (
            '{\n  // the name\n  "a": 1\n}',
            2,
            "JSON has no comments: remove the one that begins with //",
        ),
        ('{"a": 1 /* one */}', 1, "JSON has no comments: remove the one that begins with /*"),
        ('# settings\n{"a": 1}', 1, "JSON has no comments: remove the one that begins with #"),
        ('{"a": 1, // one\n"b": 2}', 1, "JSON has no comments: remove the one that begins with //"),
        ("{'a': 1}", 1, "write double quotes instead of single quotes"),
        ("{\"a\": 'b'}", 1, "write double quotes instead of single quotes"),
        ("{a: 1}", 1, "write the name in double quotes"),
        ('{"a" 1}', 1, "a colon is missing before this"),
        ('{"a": 1\n"b": 2}', 2, "a comma is missing before this"),
        ('{"a": 1', 1, "the text ends too early: a bracket or a quotation mark is missing"),
        ('{"a": [1, 2}', 1, "a comma is missing before this"),
        ('{"a": 1}\n}', 2, "the text goes on behind its end: remove this"),
        ('{"a": }', 1, "a value is missing, or is no string, number, object, array, true, false"),
        ('{"a": undefined}', 1, "a value is missing, or is no string, number, object, array, true"),
        ('{"a": "b\nc"}', 1, "a string does not go over its line"),
        ('{"a": "C:\\data"}', 1, "a backslash in a string is written twice"),
        ('{"a": "b', 1, "the quotation mark at the end of this string is missing"),
        ("", 1, "the text is empty: write {}"),
        (" \n", 2, "the text is empty: write {}"),
    ],
)
def test_a_mistake_says_what_to_do(text, line, wrong):
    with pytest.raises(json.JSONDecodeError) as caught:
        read_json(text)
    told = json_mistake(caught.value)
    place, _, what = told.partition(": not JSON: ")
    assert what.startswith(wrong)
    if text.strip():
        assert place.startswith(f"line {line}, column ")


@pytest.mark.parametrize("text", ["{secret", '{"a": secret}', '{"a": "secret', '{"a": 1} secret'])
def test_a_mistake_shows_nothing_of_the_text(text):
    with pytest.raises(json.JSONDecodeError) as caught:
        read_json(text)
    assert "secret" not in json_mistake(caught.value)
