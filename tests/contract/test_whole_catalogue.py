"""The pytest plugin used on this project: simulated APIs, both forms, recordings and functions.

Expectations do not come from the package's own code: documented and recorded bodies are WeChat's,
and test_mutations.py checks the schemas against them.
"""

import copy
import json
from datetime import datetime

import pytest
from support.paths import ROOT, SAMPLES, sample
from support.values import NOW

from cloud_openapi import CloudSDKError
from cloud_openapi.catalogue import RuleViolation, default_catalogue
from cloud_openapi.contract import verify
from cloud_openapi.naming import to_camel_case
from cloud_openapi.periods import BEIJING, period_with, write_day
from cloud_openapi.recordings import load

CATALOGUE = {api.name: api for api in default_catalogue().values() if api.simulation}
EXAMPLES = [(api, n) for api in CATALOGUE for n, _ in enumerate(CATALOGUE[api].examples)]
FOLDER = SAMPLES / "cassettes"
RECORDINGS = sorted(path.relative_to(ROOT / "tests") for path in FOLDER.glob("*.yaml"))
FOLDERS = sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir())
# tests/runtime/test_archive.py runs those that keep the answers of several APIs.
FUNCTIONS = [name for name in FOLDERS if not name.startswith("archive")]
# A portrait is available only for recent days, as its documented dates are at this time.
WHEN = {"analysis.getUserPortrait": "2017-06-18T12:00"}


def marked(values, now_of):
    return [pytest.param(*one, marks=pytest.mark.cloud_openapi(now=now_of(*one))) for one in values]


def request_now(operation):
    """Return a request that is allowed at NOW and is not a documented example."""
    rule, params = operation.rules[0], copy.deepcopy(operation.examples[0]["request"])
    *parents, begin = rule.begin.split(".")
    end = rule.end.rpartition(".")[2]
    holder = params
    for name in parents:
        holder = holder[name]
    for back in range(1, 70):
        day = NOW.date().fromordinal(NOW.date().toordinal() - back)
        for span in ("day", "week", "month"):
            period = period_with(span, day)
            ends = [period.begin, period.end]
            if isinstance(holder[begin], int):
                midnights = [datetime(d.year, d.month, d.day, tzinfo=BEIJING) for d in ends]
                written = [int(midnight.timestamp()) for midnight in midnights]
            else:
                written = [write_day(d) for d in ends]
            holder[begin], holder[end] = written
            if not isinstance(rule.check(params, NOW.date()), RuleViolation):
                return params
    raise AssertionError(f"{operation.name}: nothing is allowed")


# ---- documented bodies ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "number"), marked(EXAMPLES, lambda api, _: WHEN.get(api, NOW.isoformat()))
)
def test_a_documented_example_is_answered_in_both_forms(  # noqa: PLR0913 - a fixture each
    api, number, cloud, cloud_emulator, https, assert_contract
):
    example = CATALOGUE[api].examples[number]
    answer = https(api, example["request"])
    assert answer == example["response"]
    assert_contract(example["request"], api, "https", "request")
    assert_contract(answer, api, "https", "response")
    event = to_camel_case(example["request"])
    assert_contract(event, api, "cloud", "request")
    result = cloud.openapi[api](event)
    assert_contract(result, api, "cloud", "response")
    assert [entry["check"] for entry in cloud_emulator.journal(api=api)] == [
        "documented example"
    ] * 2


@pytest.fixture(name="cloud")
def plugins_own_facade(cloud_emulator):
    """Return the plugin's facade; other tests have a fixture of the same name."""
    return cloud_emulator.facade()


@pytest.fixture
def https(cloud_emulator, cloud_openapi_session):
    """Return a function that calls the emulator in the HTTPS form."""
    client = cloud_openapi_session.client()

    def ask(api, body):
        operation = CATALOGUE[api]
        token, _ = cloud_emulator.emulator.program(cloud_emulator.appid).tokens.grant_stable(
            force=False
        )
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        target = f"{operation.path}?access_token={token}"
        return client.open(target, method=operation.method, data=data).get_json(force=True)

    return ask


@pytest.mark.parametrize("api", [api for api in CATALOGUE if api not in WHEN])
def test_the_facade_returns_the_documented_cloud_response(api, cloud):
    method = api.partition(".")[2]
    request = SAMPLES / f"{method}.request.official-cloud.json"
    response = SAMPLES / f"{method}.response.official-cloud.json"
    if not (request.is_file() and response.is_file()):
        pytest.skip("WeChat documents no cloud form")
    result = cloud.openapi[api](sample(request.name))
    documented = sample(response.name)
    documented.pop("errMsg", None)
    assert result.keys() - {"errMsg"} == documented.keys()
    assert result["errMsg"] == f"openapi.{api}:ok"


# ---- the simulation ------------------------------------------------------------------------


@pytest.mark.cloud_openapi(now=NOW)
@pytest.mark.parametrize("api", CATALOGUE)
def test_a_simulated_response_keeps_the_contract_in_both_forms(
    api, cloud, cloud_emulator, https, assert_contract
):
    params = request_now(CATALOGUE[api])
    answer = https(api, params)
    assert_contract(answer, api, "https", "response")
    result = cloud.openapi[api](to_camel_case(params))
    assert_contract(result, api, "cloud", "response")
    assert {entry["check"] for entry in cloud_emulator.journal(api=api)} == {"simulation"}


@pytest.mark.cloud_openapi(now=NOW, faults=[{"kind": "error", "errcode": 61504}])
@pytest.mark.parametrize("api", CATALOGUE)
def test_an_error_keeps_the_contract_in_both_forms(api, cloud, https, assert_contract):
    params = request_now(CATALOGUE[api])
    assert_contract(https(api, params), api, "https", "error")
    with pytest.raises(CloudSDKError) as refused:
        cloud.openapi[api](to_camel_case(params))
    assert refused.value.errCode == 61504


# ---- recorded bodies -----------------------------------------------------------------------


@pytest.mark.parametrize("file", RECORDINGS, ids=lambda file: file.stem)
def test_a_recorded_response_is_replayed_byte_for_byte_and_keeps_the_contract(
    file, cloud_emulator, https, assert_contract
):
    (recorded,) = load(ROOT / "tests" / file)
    cloud_emulator.replay(ROOT / "tests" / file)
    answer = https(recorded.api, recorded.request_body)
    assert answer == recorded.response_json
    side = "error" if answer.get("errcode") else "response"
    assert_contract(answer, recorded.api, "https", side)


@pytest.mark.parametrize(
    "file", [file for file in RECORDINGS if ".response." in file.name], ids=lambda file: file.stem
)
def test_a_recorded_response_reaches_the_caller_of_the_facade(
    file, cloud, cloud_emulator, assert_contract
):
    (recorded,) = load(ROOT / "tests" / file)
    if not isinstance(recorded.request_json, dict):
        pytest.skip("no recording of this request")
    cloud_emulator.replay(ROOT / "tests" / file)
    result = cloud.openapi[recorded.api](to_camel_case(recorded.request_json))
    assert_contract(result, recorded.api, "cloud", "response")


def test_schemas_and_emulator_match_every_recording():
    # The requests of some responses are unknown.
    asked = [file for file in FOLDER.glob("*.yaml") if load(file)[0].request_body]
    outcome = verify(asked, default_catalogue())
    assert [str(found) for case in outcome.failed for found in case.findings] == []
    assert len(outcome.cases) == len(asked) > 10


# ---- functions -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if not name.endswith("Node")])
def test_a_function_returns_the_documented_response(name, invoke_function, assert_contract):
    api = f"analysis.{name}"
    result = invoke_function(name, sample(f"{name}.request.official-cloud.json"))
    documented = sample(f"{name}.response.official-cloud.json")
    assert {**documented, "errMsg": f"openapi.{api}:ok"} == result
    assert_contract(result, api, "cloud", "response")


def test_every_function_belongs_to_an_api_and_runs_in_python_or_node():
    assert {name.removesuffix("Node") for name in FUNCTIONS} <= {
        api.partition(".")[2] for api in CATALOGUE
    }
