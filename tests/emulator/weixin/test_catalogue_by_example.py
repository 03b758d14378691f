"""The catalogue's answers by example: documented examples and the conditions of errors.

A sample of refused calls has changes to an API's first example, each with the error that it leads
to; a null takes a field away.
"""

import json

import pytest
from jsonschema_rs import Draft202012Validator
from support.both_forms import HTTPS, CloudCall
from support.paths import SAMPLES
from support.values import NOW

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator
from cloud_openapi.emulator.simulation.made_values import NotKeptError, Source, writer
from cloud_openapi.naming import to_camel_case

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


WRITTEN = [
    pytest.param(operation, answer["response"], id=f"{operation.name}-{index}")
    for operation in BY_EXAMPLE
    for index, answer in enumerate(operation.answers)
    if "response" in answer
    if Draft202012Validator(answer.get("when", True)).is_valid(operation.examples[0]["request"])
]


@pytest.mark.parametrize(("operation", "written"), WRITTEN)
def test_a_written_answer_is_what_the_schemas_of_both_forms_say(operation, written):
    params, files = _split(operation.examples[0]["request"])
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
