"""Requests that schemathesis makes up from the OpenAPI document, answered by the emulator.

To collect them takes longer than all other tests: pytest leaves this folder out unless the slow
tests are asked for.
"""

import json
import re
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import settings
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi import checks

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import (
    Clock,
    Emulator,
    Server,
    create_app,
    listen,
    openapi_document,
)
from cloud_openapi.emulator.errors import TEXTS
from cloud_openapi.periods import BEIJING, Period, parse_day, write_day

pytestmark = pytest.mark.slow
CATALOGUE = default_catalogue()
DOCUMENT = openapi_document(CATALOGUE)
APIS = {
    path: [api for api in CATALOGUE.values() if api.path == path]
    for path in {api.path for api in CATALOGUE.values()}
}
EMULATOR = Emulator(clock=Clock(datetime(2026, 3, 11, tzinfo=BEIJING)))
SCHEMAS = DOCUMENT["components"]["schemas"]
RID = re.compile(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$")
TODAY = EMULATOR.clock.now().date()
SERVICE = schemathesis.openapi.from_dict(DOCUMENT)
TOKEN, _ = EMULATOR.program(DEMO_APPID).tokens.grant()
# Many APIs get fewer requests each, so that the whole stays below half a minute.
EXAMPLES = max(10, 250 // len(SERVICE.raw_schema["paths"]))

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


def has_json_body(api):
    return api.method == "POST" and not api.files and f"{api.name}.request" in SCHEMAS


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
