"""The catalogue's answers by example: documented examples and the conditions of errors.

A sample of refused calls has changes to an API's first example, each with the error that it leads
to; a null takes a field away.
"""

import json

import pytest
from jsonschema_rs import Draft202012Validator
from support.both_forms import HTTPS, CloudCall
from support.paths import SAMPLES

from cloud_openapi.catalogue import default_catalogue

CATALOGUE = default_catalogue()
BY_EXAMPLE = [operation for operation in CATALOGUE.values() if not operation.simulation]
REFUSED = {path.stem: path for path in sorted((SAMPLES / "refused_calls").glob("*.json"))}


@pytest.fixture(scope="module", params=[HTTPS, CloudCall])
def client(request):
    return request.param(CATALOGUE)


DOCUMENTED = [
    pytest.param(operation, example, id=f"{operation.name}-{index}")
    for operation in BY_EXAMPLE
    for index, example in enumerate(operation.examples)
    if "response" in example
]


@pytest.mark.parametrize(("operation", "example"), DOCUMENTED)
def test_a_documented_example_is_answered_to_the_letter(client, operation, example):
    answer = client.answer(operation.name, *_split(example["request"]))
    assert answer == example["response"]


@pytest.mark.parametrize("name", REFUSED)
def test_refused_calls_get_their_errors(client, name):
    for params, errcode in _refused(name):
        assert client.answer(name, *_split(params))["errcode"] == errcode, params


@pytest.mark.parametrize("name", REFUSED)
def test_each_condition_of_an_error_has_a_refused_call(name):
    refusals = [answer["when"] for answer in CATALOGUE[name].answers if "errcode" in answer]
    matched = set()
    for params, _ in _refused(name):
        matches = (Draft202012Validator(when).is_valid(params) for when in refusals)
        matched.add(next(index for index, is_match in enumerate(matches) if is_match))
    assert matched == set(range(len(refusals)))


def _refused(name):
    for refused in json.loads(REFUSED[name].read_text("utf-8")):
        params = {**CATALOGUE[name].examples[0]["request"], **refused["change"]}
        yield {key: value for key, value in params.items() if value is not None}, refused["errcode"]


def _split(params):
    """Return the parameters of a call and its files, which are as large as they say."""
    files = {
        name: (value["filename"], value.get("contentType", ""), bytes(value.get("size", 1)))
        for name, value in params.items()
        if isinstance(value, dict) and "filename" in value
    }
    return {name: value for name, value in params.items() if name not in files}, files
