"""Mistakes in JSON texts: JSON's words, the same on each Python, and nothing of the text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_openapi.json_mistake import JSONMistakeError
from cloud_openapi.json_text import read_json, read_json_body

COMMENT = "JSON has no comments: remove it"
EARLY = "the text ends too early"
NUMBER = "a number begins with 0, or is none"
VALUE = "a value is a string in double quotes"
MISTAKES = {
    "": "line 1, column 1: the text is empty",
    " \n": "line 2, column 1: the text is empty",
    '{"a": 1,}': 'line 1, column 9: remove the comma before "}"',
    '{"a": 1,\n}': 'line 2, column 1: remove the comma before "}"',
    "[1, ]": 'line 1, column 5: remove the comma before "]"',
    '// x\n{"a": 1}': f"line 1, column 1: {COMMENT}",
    '{"a": 1} // x': f"line 1, column 10: {COMMENT}",
    '{"a": 1, # x\n}': f"line 1, column 10: {COMMENT}",
    '{\n  /* x */ "a": 1}': f"line 2, column 3: {COMMENT}",
    "[1 // x\n]": f"line 1, column 4: {COMMENT}",
    "{'a': 1}": "line 1, column 2: strings and names have double quotes",
    "['a']": "line 1, column 2: strings and names have double quotes",
    "{a: 1}": "line 1, column 2: a name in double quotes is missing",
    "{": f"line 1, column 2: {EARLY}",
    '{"a":': f"line 1, column 6: {EARLY}",
    "[1, ": f"line 1, column 5: {EARLY}",
    '{"a" 1}': "line 1, column 6: a colon is missing after the name",
    '{"a": 1 "b": 2}': "line 1, column 9: a comma or a closing bracket is missing",
    '{"a": True}': "line 1, column 7: True is not a JSON value: write true",
    "None": "line 1, column 1: None is not a JSON value: write null",
    "hello": f"line 1, column 1: {VALUE}",
    "+1": f"line 1, column 1: {VALUE}",
    "[,]": 'line 1, column 2: a value is missing before ","',
    '"abc': "line 1, column 1: the string that begins here has no closing quote",
    '"a\nb"': "line 1, column 3: a string holds a line break or a tab",
    r'"\x"': "line 1, column 2: a string holds a single backslash",
    r'"\u12"': r"line 1, column 3: \u needs four hexadecimal digits",
    "01": f"line 1, column 2: {NUMBER}",
    '{"a": 01}': f"line 1, column 8: {NUMBER}",
    "1.2.3": f"line 1, column 4: {NUMBER}",
    '{"a": 1},': "line 1, column 9: further text follows the value",
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.items())
def test_a_mistake_has_its_place_and_jsons_words(text, message):
    with pytest.raises(JSONMistakeError) as error:
        read_json(text)
    assert str(error.value).startswith(message)


def test_a_byte_order_mark_is_named():
    with pytest.raises(json.JSONDecodeError) as error:
        json.loads("\ufeff{}")
    assert str(JSONMistakeError(error.value)).endswith("a byte order mark comes before the text")


def message_of(text, read=read_json):
    """Return the message about a text, empty if it is JSON."""
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return ""


@given(st.text(alphabet="{}[]\",:\\ \n\t01.-+eE'/*#atrufalsn", max_size=30))
def test_no_mistake_is_in_pythons_words(text):
    for read in (read_json, read_json_body):
        message = message_of(text, read)
        assert not any(word in message for word in ("Expecting", "Extra data", "delimiter"))


@given(st.text(alphabet='{}[]",: ', max_size=12), st.text(alphabet='{}[]",: ', max_size=12))
def test_the_message_never_holds_a_word_of_the_text(before, after):
    assert "s3cret" not in message_of(f"{before}s3cret{after}")
