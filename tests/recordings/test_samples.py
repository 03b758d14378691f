"""Documented and recorded bodies: origin, schema, and the emulator's response."""

import json
import re
from datetime import datetime, timedelta

import pytest
from jsonschema import Draft202012Validator
from support.paths import SAMPLES, sample
from support.values import NOW

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.emulator import Clock, Emulator, create_app, openapi_document
from cloud_openapi.periods import BEIJING

NAMES = sorted(path.name for path in SAMPLES.glob("*.json") if path.name != "INDEX.json")
CATALOGUE = default_catalogue()
SCHEMAS = openapi_document(CATALOGUE)["components"]["schemas"]
RID = r",? rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$"
# Until August 2020 the texts of errors had another end.
HINT = r" hint: \[[\w.!-]+\]$"
ENDPOINTS = ("token", "stable_token", "clear_quota", "quota_get", "rid_get")
# A time at which the dates of an example are allowed.
WHILE_IT_WAS_NEW = {
    "getUserPortrait": datetime(2017, 6, 18, 12, tzinfo=BEIJING),
    "rid_get": datetime(2021, 10, 25, 18, 11, 45, tzinfo=BEIJING),
}


def error_schema(name):
    """Return the OpenAPI document's schema of an error, with the end that its text must have."""
    errmsg = {"type": "string", "pattern": RID if name.endswith("-rid.json") else HINT}
    return {**SCHEMAS["error"], "properties": {**SCHEMAS["error"]["properties"], "errmsg": errmsg}}


def whole(name):
    """Return a sample and its schema."""
    subject, part, origin = (*name.split("."), "")[:3]
    body = sample(name)
    if subject == "error":
        return body, error_schema(name)
    if subject in ENDPOINTS:
        return body, {"components": {"schemas": SCHEMAS}, **SCHEMAS[f"{subject}.{part}"]}
    form = "cloud" if origin.endswith("cloud") else "https"
    if part == "list":  # rows of several responses
        body, part = {"list": body}, "response"
    elif part == "body":  # the innermost object of a response
        body, part = {"errcode": 0, "errmsg": "ok", "data": {"body": body}}, "response"
        subject = "getPerformanceData"
    return body, CATALOGUE[f"analysis.{subject}"].schema(form, part)


def test_the_index_has_the_origin_of_every_sample():
    index = json.loads((SAMPLES / "INDEX.json").read_text("utf-8"))
    assert sorted(entry["file"] for entry in index) == NAMES
    assert all(entry["origin"] and entry["kind"] for entry in index)


@pytest.mark.parametrize("name", [name for name in NAMES if ".key-tables." not in name])
def test_every_official_and_recorded_body_satisfies_the_schema_of_its_form(name):
    body, schema = whole(name)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(body)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("error.")])
def test_a_body_that_is_not_an_error_of_weixin_breaks_the_schema(name):
    body, schema = whole(name)
    for change in ({"errcode": 0}, {"errcode": "1"}, {"errmsg": "no tail"}, {"list": []}):
        assert not Draft202012Validator(schema).is_valid({**body, **change})


@pytest.mark.parametrize("table", ["access_source", "staytime", "depth"])
def test_keys_and_names_are_those_of_the_page(table):
    page = sample("getVisitDistribution.key-tables.official.json")
    if table == "access_source":
        names = {row["key"]: row["name"] for row in page["access_source"]}
    else:
        names = {int(key): name for key, name in page[f"access_{table}_info"].items()}
    operation = CATALOGUE["analysis.getVisitDistribution"]
    definition = operation.schema("https", "response")["$defs"][table]
    described = definition.get("anyOf") or definition["oneOf"]
    assert {key["const"]: key["title"] for key in described if "const" in key} == names
    assert {group["key"] for group in operation.tables[table].groups} == names.keys()


# ---- the documented requests ---------------------------------------------------------------


class Documented:
    def __init__(self, subject, **apps):
        now = WHILE_IT_WAS_NEW.get(subject, NOW)
        self.emulator = Emulator(clock=Clock(now), apps={"wx1": "s", **apps})
        self.client = create_app(self.emulator).test_client()

    def ask(self, path, body, appid="wx1"):
        token, _ = self.emulator.program(appid).tokens.grant()
        return self.client.post(path, query_string={"access_token": token}, json=body).json


SIMULATED = [api for api in CATALOGUE.values() if api.simulation]


@pytest.mark.parametrize("api", SIMULATED, ids=str)
def test_a_documented_request_of_an_api_gets_the_documented_response(api):
    name = api.name.rpartition(".")[2]
    answer = Documented(name).ask(api.path, sample(f"{name}.request.official-https.json"))
    assert answer == sample(f"{name}.response.official-https.json")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("clear_quota", "/cgi-bin/clear_quota"),
        ("quota_get", "/cgi-bin/openapi/quota/get"),
        ("rid_get", "/cgi-bin/openapi/rid/get"),
    ],
)
def test_a_documented_request_about_quotas_and_rids_gets_the_documented_response(name, path):
    asked = sample(f"{name}.request.official.json")
    appid = asked.get("appid", "wx1")
    answer = Documented(name, **{appid: "s"}).ask(path, asked, appid)
    assert answer == sample(f"{name}.response.official.json")


def test_the_documented_rid_has_expired():
    answer = Documented("today").ask(
        "/cgi-bin/openapi/rid/get", sample("rid_get.request.official.json")
    )
    assert answer["errcode"] == 76004


def test_documented_token_requests_get_responses_of_the_documented_shape():
    documented = Documented("token", APPID="APPSECRET")
    fields = sample("stable_token.request.official.json")

    def stable():
        return documented.client.post("/cgi-bin/stable_token", json=fields).json

    first = stable()
    documented.emulator.clock.advance(timedelta(seconds=7200 - 345))
    again = stable()
    plain = documented.client.get("/cgi-bin/token", query_string=fields).json
    answers = {
        "stable_token.response.official-new.json": first,
        "stable_token.response.official-still-valid.json": again,
        "token.response.official.json": plain,
    }
    for name, answer in answers.items():
        assert {**answer, "access_token": "ACCESS_TOKEN"} == sample(name)
    assert first["access_token"] == again["access_token"] != plain["access_token"]


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("-rid.json")])
def test_a_recorded_rid_begins_with_a_time_after_august_2020(name):
    seconds = re.search(r"rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$", sample(name)["errmsg"])[1]
    recorded = datetime.fromtimestamp(int(seconds, 16), BEIJING)
    assert datetime(2020, 8, 7, tzinfo=BEIJING) < recorded < datetime(2027, 1, 1, tzinfo=BEIJING)
