"""The contract of an API: its schemas, and the explanations of violations."""

import json
import time
from datetime import date
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.entries import catalogue_of
from support.mutants import NAMES, judged, mutants
from support.paths import sample

from cloud_openapi import UnknownAPIError
from cloud_openapi.catalogue import default_catalogue, entries, entry_schema
from cloud_openapi.catalogue.error import error_schema
from cloud_openapi.contract import assert_contract, schema, violations
from cloud_openapi.contract._contract import Contract
from cloud_openapi.emulator import create_app

DAILY = "analysis.getDailyRetain"
DOCUMENTS = [
    (api, form, side)
    for api in default_catalogue()
    for form in ("https", "cloud")
    for side in ("request", "response")
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


# ---- the schemas ---------------------------------------------------------------------------


def references(value):
    if isinstance(value, list):
        return {found for item in value for found in references(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return own.union(*(references(inner) for inner in value.values()), set())


@pytest.mark.parametrize("api", default_catalogue())
def test_a_schema_is_self_contained_without_unused_definitions(api):
    for form, side in product(["https", "cloud"], ["request", "response"]):
        document = schema(api, form, side)
        Draft202012Validator.check_schema(document)
        assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        definitions = {f"#/$defs/{name}" for name in document.get("$defs", {})}
        assert references(document) == definitions, (form, side)


def test_no_two_schemas_have_the_same_id():
    ids = [schema(*document)["$id"] for document in DOCUMENTS]
    ids += [error_schema("https")["$id"], error_schema("cloud")["$id"]]
    assert len(set(ids)) == len(ids)
    assert "urn:cloud-openapi:analysis.getDailyRetain:cloud:response" in ids


def test_the_emulator_serves_the_same_schema_as_the_python_api():
    client = create_app().test_client()
    for path in client.get("/schemas").json:
        api, form, *side = path.removesuffix(".json").split("/")[2:]
        expected = schema(api, form, *side) if side else error_schema(form)
        answer = client.get(path)
        assert answer.get_json(force=True) == expected
        assert answer.content_type == "application/schema+json; charset=utf-8"


def test_an_unknown_schema_is_404_with_the_url_of_the_list():
    answer = create_app().test_client().get("/schemas/analysis.getOther/https/request.json")
    assert answer.status_code == 404
    assert "GET /schemas" in answer.json["message"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"additionalProperties": True}, "closed by its comment, open by its keyword"),
        ({"additionalProperties": None}, "not decided"),
        ({"$comment": None}, "no reason given"),
        ({"properties": {"inner": {"type": "object"}}}, "an object without a name in $defs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_object_of_an_entry_is_open_or_closed_with_a_reason(change, reason):
    entry = json.loads(json.dumps(entries()[DAILY]))
    retained = entry["response"]["$defs"]["retained"]
    retained.update(change)
    entry["response"]["$defs"]["retained"] = {k: v for k, v in retained.items() if v is not None}
    assert not Draft202012Validator(entry_schema()).is_valid(entry), reason


@pytest.mark.parametrize(
    ("index", "key", "good"),
    [
        ("access_source_session_cnt", 57, True),
        ("access_source_visit_uv", 99, True),
        ("access_source_visit_uv", 0, False),
        ("access_staytime_info", 8, True),
        ("access_staytime_info", 9, False),
        ("access_depth_info", 8, False),
        ("access_city_info", 1000, True),
        ("city", 1, False),
    ],
)
def test_the_keys_of_a_distribution_are_those_of_its_index(index, key, good):
    items = [{"key": key, "value": 1}]
    body = {"ref_date": "20260310", "list": [{"index": index, "item_list": items}]}
    assert (violations(body, "analysis.getVisitDistribution", "https", "response") == []) is good


# ---- violations ----------------------------------------------------------------------------


def cloud_body(**changes):
    return {**sample("getDailyRetain.response.official-cloud.json"), **changes}


def test_a_misspelt_field_is_reported_with_the_documented_name():
    body = cloud_body(visitUv=[{"key": 0, "vlaue": 5}])
    found = violations(body, DAILY, "cloud", "response")
    assert [(each.path, each.got, each.nearest) for each in found] == [
        ("$.visitUv[0].vlaue", "one of type integer", "value"),
        ("$.visitUv[0].value", "nothing", "vlaue"),
    ]
    assert str(found[1]) == (
        "analysis.getDailyRetain, cloud form, response: $.visitUv[0].value: "
        "expected the field value, got nothing; did you mean vlaue?"
    )


def test_a_name_of_the_other_form_is_recognized_in_an_open_object():
    body = cloud_body()
    body["ref_date"] = body.pop("refDate")
    (found,) = violations(body, DAILY, "cloud", "response")
    assert (found.path, found.nearest) == ("$.refDate", "ref_date")


@pytest.mark.parametrize(
    ("change", "path", "expected", "got"),
    [
        ({"refDate": 20170313}, "$.refDate", "string", "20170313"),
        ({"refDate": "2017"}, "$.refDate", "text like ^[0-9]{8}$", '"2017"'),
        ({"refDate": "x" * 99}, "$.refDate", "text like ^[0-9]{8}$", "a string of 101 characters"),
        (
            {"visitUv": [{"key": 8, "value": 1}]},
            "$.visitUv[0].key",
            "one of 0, 1, 2, 3, 4, 5, 6, 7, 14, 30",
            "8",
        ),
        ({"visitUv": [{"key": 0, "value": -1}]}, "$.visitUv[0].value", "at least 0", "-1"),
        ({"visitUv": {"key": 0}}, "$.visitUv", "array", "an object of 1"),
        ({"errCode": 1}, "$", "an answer", "error 1"),
    ],
)
def test_a_violation_has_path_expectation_and_value(change, path, expected, got):
    (found,) = violations(cloud_body(**change), DAILY, "cloud", "response")
    assert (found.path, found.expected, found.got) == (path, expected, got)


def test_a_value_that_may_be_a_secret_is_not_shown():
    body = {"begin_date": "s3cr3t" * 5, "end_date": "20170313"}
    (found,) = violations(body, DAILY, "https", "request")
    assert "s3cr3t" not in str(found)


@pytest.mark.parametrize("body", [{"refDate": object()}, {1: 2}, {"visitUv": {1, 2}}])
def test_a_body_that_is_not_json_is_a_violation(body):
    assert violations(body, DAILY, "cloud", "response")


def test_a_newline_that_only_one_library_refuses_is_a_violation():
    (found,) = violations(cloud_body(refDate="20170313\n"), DAILY, "cloud", "response")
    assert found.path == "$.refDate"


def test_an_unknown_api_is_named():
    with pytest.raises(UnknownAPIError, match="getDailyRetain"):
        violations({}, "analysis.getDailyRetian", "cloud", "response")


def test_assert_contract_has_a_line_for_each_violation():
    assert_contract(cloud_body(), DAILY)
    with pytest.raises(AssertionError) as caught:
        assert_contract(cloud_body(refDate=1, visitUv=2), DAILY)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("name", NAMES)
def test_both_libraries_agree_about_each_mutant(name):
    body, api, form, side = judged(name)
    theirs = Draft202012Validator(schema(api, form, side))
    for what, mutant in mutants(body):
        assert (violations(mutant, api, form, side) == []) is theirs.is_valid(mutant), what


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_json_is_accepted_or_refused_with_a_reason(body):
    valid = Draft202012Validator(schema(DAILY, "cloud", "response")).is_valid(body)
    assert (violations(body, DAILY, "cloud", "response") == []) is valid


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("https", {"errcode": 0, "errmsg": "ok"}),
        ("https", {"errcode": 61501, "errmsg": "date range error rid: 5f645d30-6df4d9df"}),
        ("https", {"errcode": 61501, "errmsg": "date range error", "list": []}),
        ("https", {"errcode": "61501", "errmsg": "date range error"}),
        ("cloud", {"errCode": 61501, "errmsg": "date range error"}),
        ("cloud", {"errCode": 61501, "errMsg": ""}),
    ],
)
def test_bodies_that_are_not_errors_of_weixin_break_the_envelope(form, body):
    assert violations(body, DAILY, form, "error")


def test_the_contract_costs_at_most_15_percent_more_than_jsonschema():
    body = sample("getVisitPage.response.official-cloud.json")
    api = "analysis.getVisitPage"
    validator = Draft202012Validator(schema(api, "cloud", "response"))

    def seconds(call):
        began = time.thread_time()
        for _ in range(20):
            call()
        return time.thread_time() - began

    def ours():
        return violations(body, api, "cloud", "response")

    rounds = [(seconds(ours), seconds(lambda: validator.is_valid(body))) for _ in range(10)]
    least, least_of_theirs = map(min, zip(*rounds, strict=True))
    assert least <= 1.15 * least_of_theirs


# ---- files ---------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    return Contract(catalogue_of(tmp_path_factory.mktemp("catalogue")))


@pytest.mark.parametrize(
    ("api", "form", "side", "body"),
    [
        ("pictures.draw", "https", "response", PNG),
        ("pictures.draw", "cloud", "response", {"contentType": "image/png", "buffer": PNG}),
        ("pictures.upload", "https", "request", {"type": "image", "media": PNG}),
        (
            "pictures.upload",
            "cloud",
            "request",
            {"type": "image", "media": {"contentType": "image/png", "value": PNG}},
        ),
    ],
)
def test_files_keep_the_contract_as_bytes(contract, api, form, side, body):
    if form == "cloud" and side == "response":
        body = {**body, "errMsg": f"openapi.{api}:ok"}
    assert contract.violations(body, api, form, side) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"buffer": PNG}, "$.contentType: expected"),
        ({"contentType": PNG, "buffer": PNG}, "$.contentType: expected string"),
        ({"contentType": "image/png", "buffer": PNG, 5: ""}, "$: expected JSON"),
        ({"contentType": date(2026, 3, 11), "buffer": PNG}, "$: expected JSON"),
    ],
    ids=str,
)
def test_violations_beside_a_file_are_told(contract, body, told):
    body = {**body, "errMsg": "openapi.pictures.draw:ok"}
    found = contract.violations(body, "pictures.draw", "cloud", "response")
    assert [told in str(each) for each in found] == [True]
