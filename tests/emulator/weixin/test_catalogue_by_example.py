"""The catalogue's answers by example: documented examples and the conditions of errors.

A sample of refused calls has changes to an API's first example, each with the error that it leads
to; a null takes a field away. A sample of answered calls has changes that lead to a written answer
which no example leads to, each with the answer's index.
"""

import json

import pytest
from jsonschema_rs import Draft202012Validator
from support.both_forms import HTTPS, CloudCall, split_files
from support.paths import SAMPLES
from support.values import NOW

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator
from cloud_openapi.emulator.simulation.made_values import NotKeptError, Source, writer
from cloud_openapi.naming import to_camel_case

CATALOGUE = default_catalogue()
BY_EXAMPLE = [operation for operation in CATALOGUE.values() if not operation.simulation]


def _samples(folder):
    return {path.stem: path for path in sorted((SAMPLES / folder).glob("*.json"))}


REFUSED = _samples("refused_calls")
ANSWERED = _samples("answered_calls")


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
    answer = client.answer(operation.name, *split_files(example["request"]))
    assert answer == example["response"]


WRITTEN = [
    pytest.param(operation, index, id=f"{operation.name}-{index}")
    for operation in BY_EXAMPLE
    for index, answer in enumerate(operation.answers)
    if "response" in answer
]


@pytest.mark.parametrize(("operation", "index"), WRITTEN)
def test_a_written_answer_is_what_the_schemas_of_both_forms_say(operation, index):
    written = operation.answers[index]["response"]
    request = _request_for(operation, index)
    assert _answer_to(operation, request) == index
    params, files = split_files(request)
    shown = {name: {"contentType": file[1]} for name, file in files.items()}
    contents = {name: file[2] for name, file in files.items()}
    program = Emulator().program(DEMO_APPID)
    source = Source(
        api=operation.name,
        streams=program.streams,
        kept_files=program.kept_files,
        now=NOW,
        appid=DEMO_APPID,
        params={**params, **shown},
        files=contents,
    )
    if "$kept" in written:
        with pytest.raises(NotKeptError):
            writer(written)(source)
        return
    made = writer(written)(source)
    if isinstance(made, dict):
        Draft202012Validator(operation.schema("https", "response")).validate(made)
        cloud = {**to_camel_case(made), "errMsg": f"openapi.{operation.name}:ok"}
        Draft202012Validator(operation.schema("cloud", "response")).validate(cloud)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_calls_get_their_errors(client, name):
    for params, errcode in _changed(REFUSED[name], "errcode"):
        assert client.answer(name, *split_files(params))["errcode"] == errcode, params


@pytest.mark.parametrize("name", REFUSED)
def test_each_condition_of_an_error_has_a_refused_call(name):
    refusals = [answer["when"] for answer in CATALOGUE[name].answers if "errcode" in answer]
    matched = set()
    for params, _ in _changed(REFUSED[name], "errcode"):
        matches = (Draft202012Validator(when).is_valid(params) for when in refusals)
        matched.add(next(index for index, is_match in enumerate(matches) if is_match))
    assert matched == set(range(len(refusals)))


def _request_for(operation, index):
    """Return a request that leads to a written answer: an example, else a sample."""
    for example in operation.examples:
        if _answer_to(operation, example["request"]) == index:
            return example["request"]
    samples = _changed(ANSWERED[operation.name], "answer")
    return next(params for params, answer in samples if answer == index)


def _answer_to(operation, params):
    """Return the index of the first written answer that fits a request, None if none does."""
    whens = (Draft202012Validator(answer.get("when", True)) for answer in operation.answers)
    return next((index for index, when in enumerate(whens) if when.is_valid(params)), None)


def _changed(sample, expected):
    """Yield the requests of a sample, each with what is expected of it."""
    example = CATALOGUE[sample.stem].examples[0]["request"]
    for call in json.loads(sample.read_text("utf-8")):
        params = {**example, **call["change"]}
        yield {key: value for key, value in params.items() if value is not None}, call[expected]
