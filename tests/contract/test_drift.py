"""cloud-openapi drift: descriptions of changes, and entries that accept them."""

import json
from datetime import datetime

import pytest
from jsonschema import Draft202012Validator
from support.cassettes import cassette, interaction, run
from support.paths import SAMPLES, sample

from cloud_openapi.catalogue import Catalogue, default_catalogue, entries, entry_schema
from cloud_openapi.contract import (
    Observed,
    changes_between,
    changes_since,
    proposals,
    write_proposals,
)
from cloud_openapi.periods import BEIJING

DAILY = "analysis.getDailyRetain"
TREND = "analysis.getDailyVisitTrend"
SOURCES = "analysis.getVisitDistribution"
PORTRAIT = "analysis.getUserPortrait"
LATE = (
    "the text of error 61503 is '计算延迟,请稍后再试', the emulator has "
    "'data not ready, please try later'"
)
DAY = {"begin_date": "20170313", "end_date": "20170313"}
NOW = datetime(2026, 3, 11, tzinfo=BEIJING)
THEN = "2026-03-01T00:00:00+08:00"


def official(api):
    return sample(f"{api.partition('.')[2]}.response.official-https.json")


def changed(api, path, value):
    """Return the documented response of an API with one value replaced."""
    answer = holder = official(api)
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return answer


def without(api, path):
    answer = holder = official(api)
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return answer


KEY_60 = ("list", 0, "item_list", 0, "key")
CASES = [
    (DAILY, changed(DAILY, ["visit_uv_old"], []), "$.visit_uv_old", "a new field, array"),
    (DAILY, changed(DAILY, ["extra"], {"a": [{"b": 1.5}]}), "$.extra", "a new field, object"),
    (
        DAILY,
        changed(DAILY, ["visit_uv", 0, "name"], "x"),
        "$.visit_uv[].name",
        "a new field, string",
    ),
    (
        DAILY,
        changed(DAILY, ["visit_uv", 0, "key"], 60),
        "$.visit_uv[].key",
        "the value 60 is new",
    ),
    (
        DAILY,
        changed(DAILY, ["visit_uv", 0, "value"], 1.5),
        "$.visit_uv[].value",
        "the type is number, the catalogue says integer",
    ),
    (
        DAILY,
        changed(DAILY, ["visit_uv", 0, "value"], None),
        "$.visit_uv[].value",
        "the type is null, the catalogue says integer",
    ),
    (
        DAILY,
        changed(DAILY, ["visit_uv", 0, "value"], -1),
        "$.visit_uv[].value",
        "-1 breaks minimum 0",
    ),
    (
        DAILY,
        changed(DAILY, ["ref_date"], "2017-03-13"),
        "$.ref_date",
        '"2017-03-13" breaks pattern ^[0-9]{8}$',
    ),
    (
        DAILY,
        without(DAILY, ["visit_uv"]),
        "$.visit_uv",
        "the field is missing; the catalogue requires it",
    ),
    (SOURCES, changed(SOURCES, KEY_60, 60), "$.list[].item_list[].key", "the value 60 is new"),
    (
        SOURCES,
        changed(SOURCES, ["list", 1, "item_list", 0, "key"], 9),
        "$.list[].item_list[].key",
        "the value 9 is new",
    ),
    (
        SOURCES,
        changed(SOURCES, ["list", 0, "index"], "access_city_info"),
        "$.list[].index",
        'the value "access_city_info" is new',
    ),
]


@pytest.mark.parametrize(
    ("api", "answer", "path", "text"), CASES, ids=[f"{case[2]} {case[3]}" for case in CASES]
)
class TestAChange:
    def test_is_said_in_words_with_its_place_and_age(self, tmp_path, api, answer, path, text):
        cassette(tmp_path / "a.json", interaction(api, DAY, answer, recorded_at=THEN))
        (change,) = changes_since([tmp_path], default_catalogue(), NOW)
        assert (change.api, change.path, change.text) == (api, path, text)
        assert change.where == f"{tmp_path / 'a.json'}#1, recorded 2026-03-01 (10 days ago)"

    @pytest.mark.slow
    def test_is_accepted_by_the_entry_that_is_proposed(self, tmp_path, api, answer, path, text):
        cassette(tmp_path / "a.json", interaction(api, DAY, answer))
        found = proposals([tmp_path / "a.json"], default_catalogue())
        assert list(found) == [api]
        Draft202012Validator(entry_schema()).validate(found[api])
        Draft202012Validator(found[api]["response"]).validate(answer)
        # The proposal accepts the change, and the documented response as before.
        write_proposals(found, tmp_path / "new", lambda _: None)
        catalogue = Catalogue.load(tmp_path / "new")
        assert changes_since([tmp_path / "a.json"], catalogue, NOW) == []
        Draft202012Validator(found[api]["response"]).validate(official(api))

    def test_is_accepted_by_changing_nothing_else(self, tmp_path, api, answer, path, text):
        cassette(tmp_path / "a.json", interaction(api, DAY, answer))
        proposed = proposals([tmp_path / "a.json"], default_catalogue())[api]
        former = entries()[api]
        assert {name for name in former if former[name] != proposed[name]} == {"response"}
        lines = [json.dumps(each, indent=1).splitlines() for each in (former, proposed)]
        assert len(set(lines[0]) - set(lines[1])) <= 2, "lines that are gone or other"
        assert len(lines[1]) - len(lines[0]) <= 35


def test_documented_responses_are_not_drift_and_need_no_proposal(tmp_path):
    simulated = [api.name for api in default_catalogue().values() if api.simulation]
    answers = [interaction(api, DAY, official(api)) for api in simulated]
    path = cassette(tmp_path / "a.json", *answers)
    assert changes_since([path], default_catalogue(), NOW) == []
    assert proposals([path], default_catalogue()) == {}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            {"errcode": 61503, "errmsg": "计算延迟,请稍后再试 rid: 6839626b-1b1ad127-7d3cab45"},
            LATE,
        ),
        (
            {"errcode": 59999, "errmsg": "账号已冻结"},
            "error 59999, '账号已冻结', is unknown",
        ),
    ],
)
def test_new_error_texts_and_unknown_errors_are_reported(tmp_path, error, text):
    cassette(tmp_path / "a.json", interaction(DAILY, DAY, error))
    (change,) = changes_since([tmp_path], default_catalogue(), NOW)
    assert change.text == text


# WeChat's texts before it mentioned getStableAccessToken.
FORMER = {"error.40001-2016-hint.json", "error.40001-2022-rid.json"}
ERRORS = sorted({path.name for path in SAMPLES.glob("error.*.json")} - FORMER)


@pytest.mark.parametrize("name", ERRORS)
def test_rid_hints_and_address_of_a_recorded_error_are_not_drift(tmp_path, name):
    cassette(tmp_path / "a.json", interaction(DAILY, DAY, sample(name)))
    assert changes_since([tmp_path], default_catalogue(), NOW) == []


@pytest.mark.parametrize("name", sorted(FORMER))
def test_a_former_text_is_drift(tmp_path, name):
    cassette(tmp_path / "a.json", interaction(DAILY, DAY, sample(name)))
    (change,) = changes_since([tmp_path], default_catalogue(), NOW)
    assert change.path == "errmsg"


def test_a_longer_error_text_is_drift(tmp_path):
    error = {"errcode": 61501, "errmsg": "date range error, at most 1 day hints: [ req_id: abc ]"}
    cassette(tmp_path / "a.json", interaction(DAILY, DAY, error))
    (change,) = changes_since([tmp_path], default_catalogue(), NOW)
    assert change.text == (
        "the text of error 61501 is 'date range error, at most 1 day', "
        "the emulator has 'date range error'"
    )


# ---- between two sets ----------------------------------------------------------------------


def between(tmp_path, api, old, new):
    sets = [
        Observed([cassette(tmp_path / name, interaction(api, DAY, answer))], default_catalogue())
        for name, answer in (("a.json", old), ("b.json", new))
    ]
    return [
        (change.path, change.text)
        for change in changes_between(sets[0], sets[1], default_catalogue())
    ]


def rows(*items):
    return {"ref_date": "20260310", "visit_uv_new": [], "visit_uv": list(items)}


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (rows(), {**rows(), "more": 1}, ("$.more", "a new field, integer, always present")),
        (
            {**rows(), "more": 1},
            rows(),
            ("$.more", "the field is missing; it was integer, always present"),
        ),
        (
            rows({"key": 0, "value": 1}, {"key": 1, "value": 1}),
            rows({"key": 0, "value": 1}, {"key": 1}),
            ("$.visit_uv[].value", "the field was always present and is missing 1 times"),
        ),
        (
            rows({"key": 0, "value": 1}),
            rows({"key": 0, "value": 1.5}),
            ("$.visit_uv[].value", "the type widened from integer to number"),
        ),
        (
            rows({"key": 0, "value": 1}, {"key": 0, "value": None}),
            rows({"key": 0, "value": 1}),
            ("$.visit_uv[].value", "the type narrowed from integer or null to integer"),
        ),
        (
            rows({"key": 0, "value": 1}),
            rows({"key": 0, "value": "1"}),
            ("$.visit_uv[].value", "the type changed from integer to string"),
        ),
        (
            rows({"key": 0, "value": 1}),
            rows({"key": 8, "value": 1}),
            ("$.visit_uv[].key", "the value 8 is new"),
        ),
        (
            {"errcode": 61503, "errmsg": "not ready hint: [abc]"},
            {"errcode": 61503, "errmsg": "not ready rid: 5f645d30-6df4d9df-31ed5d8f"},
            (
                "errmsg",
                "the text of error 61503 was 'not ready hint: […]' and is 'not ready rid: …'",
            ),
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_changes_between_two_sets_are_reported(tmp_path, old, new, change):
    assert between(tmp_path, DAILY, old, new) == [change]


@pytest.mark.parametrize(
    ("api", "old", "new"),
    [
        (DAILY, rows({"key": 0, "value": 1}), rows()),
        (DAILY, rows(), rows({"key": 0, "value": 1})),
        (TREND, {"list": [{"visit_depth": 2.5}]}, {"list": [{"visit_depth": 2}]}),
        (
            DAILY,
            {"errcode": 1, "errmsg": "x rid: 5f645d30-6df4d9df-31ed5d8f"},
            {"errcode": 1, "errmsg": "x rid: 6839626b-1b1ad127-7d3cab45"},
        ),
        (
            DAILY,
            {"errcode": 40164, "errmsg": "invalid ip 10.0.0.1 ipv6 ::ffff:10.0.0.1, not in list"},
            {"errcode": 40164, "errmsg": "invalid ip 8.8.8.88 ipv6 ::ffff:8.8.8.88, not in list"},
        ),
    ],
    ids=["empty", "no longer empty", "a whole number", "another rid", "another address"],
)
def test_differences_by_chance_are_not_changes(tmp_path, api, old, new):
    assert between(tmp_path, api, old, new) == []


# ---- the command ---------------------------------------------------------------------------


def test_the_report_names_changes_and_the_age_of_each_file(tmp_path):
    old = cassette(tmp_path / "old.json", interaction(DAILY, DAY, rows(), recorded_at="2019-10-24"))
    new = cassette(
        tmp_path / "new.json",
        interaction(DAILY, DAY, {**rows(), "more": 1}, recorded_at="2026-03-01"),
        interaction(DAILY, DAY, {**rows(), "more": 1}),
    )
    result = run("drift", old, new, "--now", "2026-03-11")
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout == (
        f"{DAILY}\n"
        "- $.more: a new field, integer, always present\n\n"
        "Recordings A\n"
        f"- {old}: 1 recording, recorded 2019-10-24 (2330 days ago)\n\n"
        "Recordings B\n"
        f"- {new}: 2 recordings, recorded 2026-03-01 (10 days ago), 1 of unknown age\n"
    )


def test_the_exit_code_is_0_without_changes_and_2_for_a_missing_file(tmp_path):
    path = cassette(tmp_path / "a.json", interaction(DAILY, DAY, official(DAILY)))
    assert run("drift", path).returncode == run("drift", path, path).returncode == 0
    assert "Nothing changed." in run("drift", path).stdout
    assert run("drift", tmp_path / "none.json").returncode == 2
    assert run("drift", path, cassette(tmp_path / "empty.json")).returncode == 2


def test_the_unusable_files_of_both_sets_are_named(tmp_path):
    for name in "AB":
        (tmp_path / name).mkdir()
        (tmp_path / name / f"broken-{name}.yaml").write_text("interactions: [")
        cassette(tmp_path / name / "good.json", interaction(DAILY, DAY, official(DAILY)))
    result = run("drift", tmp_path / "A", tmp_path / "B")
    assert result.returncode == 2
    assert "broken-A.yaml" in result.stderr
    assert "broken-B.yaml" in result.stderr
    assert run("drift", tmp_path / "A", tmp_path / "A").stderr.count("broken-A.yaml") == 1


def test_an_api_missing_in_one_set_is_named_and_not_compared(tmp_path):
    paths = [
        cassette(tmp_path / f"{api}.json", interaction(api, DAY, official(api)))
        for api in (DAILY, TREND)
    ]
    result = run("drift", *paths)
    assert result.returncode == 0
    assert f"In one set only, not compared: {DAILY}, {TREND}\n" in result.stdout


def test_a_proposal_goes_to_stdout_or_a_folder_and_never_into_the_catalogue(tmp_path):
    path = cassette(tmp_path / "a.json", interaction(DAILY, DAY, {**official(DAILY), "more": 1}))
    printed = run("drift", "--propose", path)
    entry = json.loads(printed.stdout)
    assert printed.returncode == 1
    assert entry["response"]["properties"]["more"] == {"type": "integer"}
    written = run("drift", "--propose", path, "--output", tmp_path / "out")
    assert written.stdout.strip() == str(tmp_path / "out" / "analysis" / "getDailyRetain.json")
    assert json.loads((tmp_path / "out/analysis/getDailyRetain.json").read_text("utf-8")) == entry
    assert "more" not in entries()[DAILY]["response"]["properties"]


def test_a_response_that_no_small_change_accepts_is_an_error(tmp_path):
    path = cassette(tmp_path / "a.json", interaction(DAILY, DAY, []))
    result = run("drift", "--propose", path)
    assert result.returncode == 2
    assert f"{path}#1" in result.stderr or "the proposal is not a valid entry" in result.stderr


ELSEWHERE = [
    (
        interaction(DAILY, DAY, {"errcode": 61503, "errmsg": "计算延迟,请稍后再试"}),
        "errmsg: the text of error 61503 is '计算延迟,请稍后再试'",
        "TEXTS in emulator/errors.py for a code of many APIs",
    ),
    (
        interaction(DAILY, DAY, {"errcode": 59999, "errmsg": "new"}),
        "errcode: error 59999, 'new', is unknown",
        "edit errors of the API's entry",
    ),
    (
        interaction(DAILY, DAY, official(DAILY), status=203),
        "status: HTTP status 203 instead of 200",
        "cannot describe a status",
    ),
    (
        interaction(DAILY, DAY, "<p>busy</p>"),
        "body: the response is not JSON",
        "it may not come from WeChat",
    ),
]


@pytest.mark.parametrize(("one", "what", "why"), ELSEWHERE, ids=[each[1] for each in ELSEWHERE])
@pytest.mark.slow
def test_changes_that_an_entry_cannot_describe_are_reported_with_the_proposal(
    tmp_path, one, what, why
):
    path = cassette(
        tmp_path / "a.json", one, interaction(DAILY, DAY, {**official(DAILY), "more": 1})
    )
    result = run("drift", "--propose", path)
    assert result.returncode == 1
    assert "more" in json.loads(result.stdout)["response"]["properties"]
    assert result.stderr.startswith(f"Not proposed: {DAILY}: {what}")
    assert f"({path}#1, of unknown age)" in result.stderr
    assert why in result.stderr
    assert result.stderr.count("\n") == 1
    # Without other changes there is no entry to write.
    alone = run("drift", "--propose", cassette(tmp_path / "b.json", one))
    assert (alone.returncode, alone.stdout) == (1, "")


def test_an_empty_proposal_is_reported(tmp_path):
    path = cassette(tmp_path / "a.json", interaction(DAILY, DAY, official(DAILY)))
    result = run("drift", "--propose", path)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "Nothing to propose: the catalogue accepts all of it.\n"
