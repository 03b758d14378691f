"""The OpenAPI document: valid, true to the catalogue, and enough to drive the emulator with."""

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.specs.openapi import checks
from support.paths import sample

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import (
    Clock,
    Emulator,
    Server,
    create_app,
    listen,
    openapi_document,
)
from cloud_openapi.emulator.control_schemas import control_schemas
from cloud_openapi.emulator.errors import CLEAR_QUOTA_V2, MANAGEMENT_PATHS, TEXTS, TOKEN_PATHS
from cloud_openapi.emulator.weixin.management import management_apis
from cloud_openapi.json_schema.values import type_of
from cloud_openapi.periods import BEIJING, Period, parse_day, write_day

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
SERVICE = schemathesis.openapi.from_dict(DOCUMENT)
TOKEN, _ = EMULATOR.program(DEMO_APPID).tokens.grant()
# Many APIs get fewer requests each, so that the whole stays below half a minute.
EXAMPLES = max(10, 250 // len(SERVICE.raw_schema["paths"]))


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


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_generators_of_clients_can_read_each_schema(name):
    for schema in schemas(DOCUMENT["components"]["schemas"][name]):
        kind, pattern = schema.get("type"), schema.get("pattern")
        assert not isinstance(kind, list) or "null" in kind, "one class cannot have two types"
        assert len({type_of(value) for value in schema.get("enum", ())}) <= 1, "nor can an enum"
        assert kind != "array" or "items" in schema
        # Titles become names of classes.
        assert "const" in schema or not isinstance(schema.get("title"), str)
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


# ---- a tool that makes requests up ---------------------------------------------------------

# WeChat answers every request with status 200 and says in the body what was wrong. These look
# for a status of 4xx; `expected_codes` holds the body against the request instead.
NOT_WITH_STATUS_200 = [
    checks.negative_data_rejection,  # wants 400 for a bad body; here 47001, 61500, …
    checks.unsupported_method,  # wants 405 for another method; here 43001, 43002
    checks.ignored_auth,  # wants 401 without a token; here 41001, 40001
]


@SERVICE.auth()
class Authentication:
    """The emulator's own token, except where schemathesis tries what is none."""

    def get(self, case, context):
        return TOKEN

    def set(self, case, data, context):
        case.query["access_token"] = data


@SERVICE.hook
def map_case(context, case):
    """Move every second first day to a span of the past: by chance two dates hardly ever fit."""
    if not case.meta.generation.mode.is_positive:
        return case
    for rule in (rule for api in APIS.get(case.path, ()) for rule in api.rules):
        day = parse_day(case.body.get(rule.begin)) if isinstance(case.body, dict) else None
        if day is not None and day.year % 2:
            case.body = {**case.body, **accepted(rule, day)}
    return case


def accepted(rule, day):
    """Return two dates that the rule takes: after the same day of another year, or lately."""
    for start in (day.replace(year=(2016, 2020, 2024)[day.year % 3]), TODAY - timedelta(31)):
        for shift, length in product(range(31), (0, 6, 27, 28, 29, 30)):
            begin = start + timedelta(shift)
            ends = {rule.begin: begin, rule.end: begin + timedelta(length)}
            dates = {name: write_day(end) for name, end in ends.items()}
            if isinstance(rule.check(dates, TODAY), Period):
                return dates
    raise AssertionError(f"nothing fits {rule.describe()}")


def expected_codes(apis, request):
    """Return the codes that this request may be answered with; 0 stands for a success."""
    if request.method not in {api.method for api in apis}:
        return {43001, 43002}
    token = parse_qs(urlsplit(request.url).query).get("access_token")
    if token != [TOKEN]:
        return {40001 if token else 41001}
    api = apis[0]
    refused = {answer.get("errcode", 0) for api in apis for answer in api.answers}
    if len(apis) > 1 or not has_json_body(api) or api.query:
        # `test_by_example` has parameters of the URL and of forms.
        empty_file = {41005, 44001} if api.files else set()
        return {0, 40007, 44002, 47001, *empty_file, *refused}
    try:
        body = json.loads(request.body or b"")
    except ValueError:
        return {44002, 47001, 61500}
    # The document leaves out conditions that generators of clients cannot read.
    if not Draft202012Validator(api.schema("https", "request")).is_valid(body):
        return {47001, 61500, *refused} - {0}
    good = all(isinstance(rule.check(body, TODAY), Period) for rule in api.rules)
    return {0, *refused} if good else set().union(*(rule.CODES for rule in api.rules))


@pytest.fixture(scope="module")
def codes():
    """Take the codes that each API answers; whatever was asked must have succeeded too."""
    found = {}
    yield found
    # A file is kept by another call only.
    needing_a_file = {api.path for api in CATALOGUE.values() if "$kept" in str(api.answers)}
    assert {path for path, answered in found.items() if 0 not in answered} <= needing_a_file


@pytest.fixture(scope="module")
def served():
    """Serve the emulator; yield a function that sends a case to it and holds the answer."""
    server = Server(create_app(EMULATOR), listen("127.0.0.1", 0), EMULATOR.never_blocks)
    with server, requests.Session() as session:
        session.trust_env = False
        assert session.get(f"{server.url}/openapi.json").json() == DOCUMENT
        yield partial(
            schemathesis.Case.call_and_validate,
            base_url=server.url,
            session=session,
            excluded_checks=NOT_WITH_STATUS_200,
        )


@pytest.mark.slow
@SERVICE.parametrize()
@settings(max_examples=EXAMPLES, deadline=None)
def test_responses_to_generated_requests_match_the_document(case, codes, served):
    response = served(case)
    is_file = "json" not in response.headers["content-type"][0]
    answer = {} if is_file else response.json()
    code = answer.get("errcode", 0)
    apis = APIS.get(case.path, [])
    assert code in {0, *TEXTS, *(code for api in apis for code in api.errors)}
    # The document allows texts without a rid, for pins and recordings.
    assert code == 0 or RID.search(answer["errmsg"])
    if apis:
        codes.setdefault(case.path, set()).add(code)
        assert code in expected_codes(apis, response.request)
