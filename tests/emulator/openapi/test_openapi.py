"""The OpenAPI document: valid, true to the catalogue, and enough to drive the emulator with."""

import json
import re
import subprocess
import sys
from datetime import datetime

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.paths import sample

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import (
    Clock,
    Emulator,
    create_app,
    openapi_document,
)
from cloud_openapi.emulator.control_schemas import control_schemas
from cloud_openapi.emulator.errors import CLEAR_QUOTA_V2, MANAGEMENT_PATHS, TEXTS, TOKEN_PATHS
from cloud_openapi.emulator.weixin.management import management_apis
from cloud_openapi.json_schema.values import type_of
from cloud_openapi.periods import BEIJING

CATALOGUE = default_catalogue()
DOCUMENT = openapi_document(CATALOGUE)
PERFORMANCE = "analysis.getPerformanceData"
APIS = {
    path: [api for api in CATALOGUE.values() if api.path == path]
    for path in {api.path for api in CATALOGUE.values()}
}
COMPONENTS = DOCUMENT["components"]["schemas"]
EMULATOR = Emulator(clock=Clock(datetime(2026, 3, 11, tzinfo=BEIJING)))
RID = re.compile(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$")
TODAY = EMULATOR.clock.now().date()
TOKEN, _ = EMULATOR.program(DEMO_APPID).tokens.grant()


def validator(name):
    components = {"components": DOCUMENT["components"]}
    return Draft202012Validator({**components, "$ref": f"#/components/schemas/{name}"})


def schema_names(value):
    return re.findall(r'"\$ref": "([^"]+)"', json.dumps(value))


# ---- the document --------------------------------------------------------------------------


@pytest.mark.parametrize("catalogue", [CATALOGUE, Catalogue({})], ids=["ours", "empty"])
def test_document_is_valid(catalogue):
    OpenAPIV31SpecValidator(openapi_document(catalogue)).validate()


def test_document_has_tokens_quotas_and_every_api():
    found = {(path, method) for path, item in DOCUMENT["paths"].items() for method in item}
    tokens = {("/cgi-bin/token", "get"), ("/cgi-bin/stable_token", "post")}
    quotas = {(path, "post") for path in (*MANAGEMENT_PATHS, CLEAR_QUOTA_V2)}
    assert found == tokens | quotas | {(api.path, api.method.lower()) for api in CATALOGUE.values()}


def test_each_reference_has_a_component_and_only_control_input_has_no_reference():
    names = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    control = {f"#/components/schemas/_emulator.{kind}" for kind in control_schemas()}
    assert set(schema_names(DOCUMENT)) == names - control


def test_only_endpoints_that_take_a_secret_need_no_token():
    assert DOCUMENT["security"] == [{"access_token": []}]
    open_to_all = [
        path
        for path, item in DOCUMENT["paths"].items()
        if any("security" in operation for operation in item.values())
    ]
    assert open_to_all == ["/cgi-bin/token", "/cgi-bin/stable_token", "/cgi-bin/clear_quota/v2"]


def test_the_example_credentials_are_granted_a_token():
    client = create_app(Emulator()).test_client()
    for entry in management_apis().values():
        if entry["path"] in TOKEN_PATHS:
            example = entry["examples"][0]["request"]
            sent = {"query_string" if entry["method"] == "GET" else "json": example}
            answer = client.open(entry["path"], method=entry["method"], **sent).json
            assert validator(f"{entry['name']}.response").is_valid(answer), answer


@pytest.mark.parametrize("api", CATALOGUE.values(), ids=str)
def test_schemas_accept_the_documented_examples(api):
    for example in api.examples:
        if has_json_body(api):
            validator(f"{api.name}.request").validate(body_of(api, example["request"]))
        if not api.binary:
            validator(f"{api.name}.response").validate(example["response"])


def has_json_body(api):
    return api.method == "POST" and not api.files and f"{api.name}.request" in COMPONENTS


def body_of(api, request):
    return {name: value for name, value in request.items() if name not in api.query}


@pytest.mark.parametrize("api", CATALOGUE.values(), ids=str)
def test_each_example_is_in_the_document(api):
    operation = DOCUMENT["paths"][api.path][api.method.lower()]
    content = operation["responses"]["200"]["content"]["application/json"]
    answers = [each["value"] for each in content["examples"].values()]
    bodies = []
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        examples = operation["requestBody"]["content"]["application/json"]["examples"]
        bodies = [each["value"] for each in examples.values()]
    for example in api.examples:
        if has_json_body(api):
            assert body_of(api, example["request"]) in bodies
        if not api.binary:
            assert example["response"] in answers
    for code, text in api.errors.items():
        assert code in TEXTS or f"{code}: {text}" in operation["responses"]["200"]["description"]


@pytest.mark.parametrize("day", ["2017031", "20171313", "20170332", "20170300", "2017-03-13", 1])
def test_schemas_reject_impossible_dates(day):
    request = sample("getDailyRetain.request.official-https.json")
    request["begin_date"] = day
    assert not validator("analysis.getDailyRetain.request").is_valid(request)


def schemas(value):
    """Yield each object of a schema, its parts included."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from schemas(inner)


def test_generators_of_clients_can_read_each_schema():
    for schema in schemas(DOCUMENT["components"]["schemas"]):
        kind, pattern = schema.get("type"), schema.get("pattern")
        assert not isinstance(kind, list) or "null" in kind, f"one class, two types: {schema}"
        kinds = {type_of(value) for value in schema.get("enum", ())}
        assert len(kinds) <= 1, f"one enum, two types: {schema}"
        assert kind != "array" or "items" in schema, schema
        # Titles become names of classes.
        assert "const" in schema or not isinstance(schema.get("title"), str), schema
        # Python's re.match, which clients use, begins at the first character.
        assert not isinstance(pattern, str) or re.fullmatch(r"\^.*\$", pattern), pattern


SEVERAL_TYPES = [
    ("_emulator.fault", "seconds", [5, 60.5, "5", {"uniform": [1, 2]}, {"uniform": [1]}, {}]),
    ("_emulator.app", "cloud_run", [False, True, 1, {"api_whitelist": ["/*"]}, {}]),
    (f"{PERFORMANCE}.request", "module", ["10016", 10016, 10016.5, "10018", 10018, None]),
]


@pytest.mark.parametrize(("name", "field", "values"), SEVERAL_TYPES)
def test_a_field_of_several_types_accepts_what_the_original_schema_accepts(name, field, values):
    performance = CATALOGUE[PERFORMANCE]
    originals = {f"_emulator.{kind}": schema for kind, schema in control_schemas().items()}
    originals[f"{PERFORMANCE}.request"] = performance.schema("https", "request")
    example = {} if name == "_emulator.app" else {"kind": "latency"}
    example = performance.examples[0]["request"] if field == "module" else example
    judgements = []
    for value in values:
        given = {**example, field: value}
        judgements.append(validator(name).is_valid(given))
        assert judgements[-1] == Draft202012Validator(originals[name]).is_valid(given), value
    assert set(judgements) == {True, False}


@pytest.mark.parametrize("code", TEXTS)
def test_error_schema_accepts_the_emulators_errors(code):
    emulator = Emulator()
    emulator.faults.add({"kind": "error", "errcode": code})
    error = create_app(emulator).test_client().get("/cgi-bin/token").json
    assert error["errcode"] == code
    assert validator("error").is_valid(error)
    assert RID.search(error["errmsg"])
    assert not validator("error").is_valid({**error, "errcode": 0})


def test_document_does_not_change_the_catalogue():
    before = [api.schema("https", "request") for api in CATALOGUE.values()]
    openapi_document(CATALOGUE)
    assert [api.schema("https", "request") for api in CATALOGUE.values()] == before


def test_emulator_serves_the_document_as_its_own_server():
    answer = create_app(Emulator()).test_client().get("/openapi.json")
    assert answer.content_type == "application/json; charset=utf-8"
    assert answer.json == DOCUMENT
    assert DOCUMENT["servers"] == [{"url": "/"}]


@pytest.mark.parametrize(
    ("arguments", "url"),
    [([], "http://127.0.0.1:7070"), (["--base-url", "http://127.0.0.1:1"], "http://127.0.0.1:1")],
)
def test_command_prints_the_document_with_a_server(arguments, url):
    command = [sys.executable, "-c", "from cloud_openapi.cli import main; main()", "openapi"]
    printed = subprocess.run([*command, *arguments], check=True, capture_output=True).stdout
    assert json.loads(printed) == {**DOCUMENT, "servers": [{"url": url}]}
