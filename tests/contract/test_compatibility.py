"""cloud-openapi verify --against: changes of the catalogue that break callers."""

import copy
import json
import shutil
import subprocess

import pytest
from support.cassettes import run

from cloud_openapi.catalogue import entries
from cloud_openapi.contract import compare, earlier_catalogue
from cloud_openapi.errors import ConfigError

DAILY = "analysis.getDailyRetain"
OLD = {DAILY: entries()[DAILY]}


def edited(change):
    new = copy.deepcopy(OLD)
    change(new[DAILY])
    return new


def in_request(change):
    return lambda entry: change(entry["request"])


def in_response(change):
    return lambda entry: change(entry["response"])


def retained(change):
    return lambda entry: change(entry["response"]["$defs"]["retained"])


BREAKING = {
    "method": lambda e: e.update(method="GET"),
    "path": lambda e: e.update(path="/datacube/other"),
    "rules": lambda e: e["rules"][0].update(span="week"),
    "response field gone": in_response(lambda r: r["properties"].pop("visit_uv")),
    "response field optional": in_response(lambda r: r["required"].remove("visit_uv")),
    "response type wider": retained(lambda r: r["properties"]["value"].update(type="number")),
    "response null": retained(lambda r: r["properties"]["value"].update(type=["integer", "null"])),
    "response type other": retained(lambda r: r["properties"]["value"].update(type="string")),
    "response value new": retained(lambda r: r["properties"]["key"]["enum"].append(60)),
    "response any value": retained(lambda r: r["properties"]["key"].pop("enum")),
    "response minimum lower": retained(lambda r: r["properties"]["value"].update(minimum=-1)),
    "response minimum gone": retained(lambda r: r["properties"]["value"].pop("minimum")),
    "response pattern other": in_response(
        lambda r: r["properties"]["ref_date"].update(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    ),
    "request field required": in_request(
        lambda r: (
            r["properties"].update(module={"type": "string"}),
            r["required"].append("module"),
        )
    ),
    "request field gone": in_request(lambda r: r["properties"].pop("end_date")),
    "request type narrower": in_request(
        lambda r: r["properties"]["begin_date"].update(enum=["20170313"])
    ),
    "request pattern other": in_request(
        lambda r: r["properties"]["begin_date"].update(pattern="^[0-9]{6}$")
    ),
    "request limit new": in_request(lambda r: r["properties"]["begin_date"].update(maxLength=8)),
    "request closed": in_request(lambda r: r.update(additionalProperties=False)),
}
COMPATIBLE = {
    "response field new": in_response(lambda r: r["properties"].update(more={"type": "integer"})),
    "response field required": in_response(
        lambda r: (
            r["properties"].update(more={"type": "integer"}),
            r["required"].append("more"),
        )
    ),
    "response value gone": retained(lambda r: r["properties"]["key"]["enum"].remove(30)),
    "response minimum higher": retained(lambda r: r["properties"]["value"].update(minimum=1)),
    "response condition new": retained(lambda r: r.update(allOf=[{"required": ["key"]}])),
    "response open": retained(lambda r: r.update(additionalProperties=True)),
    "request field optional": in_request(lambda r: r["required"].remove("end_date")),
    "request field new": in_request(lambda r: r["properties"].update(module={"type": "string"})),
    "request type wider": in_request(
        lambda r: r["properties"]["begin_date"].update(type=["string", "integer"])
    ),
    "request pattern gone": in_request(lambda r: r["properties"]["begin_date"].pop("pattern")),
}
SILENT = {
    "a remark": in_response(lambda r: r.update({"$comment": "Open: other words"})),
    "a description": retained(lambda r: r["properties"]["key"].update(description="x")),
    "another order": retained(lambda r: r["required"].reverse()),
    "a definition's name": lambda e: e.update(
        response=json.loads(json.dumps(e["response"]).replace("retained", "kept"))
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_changes_are_found(name):
    found = compare(OLD, edited(BREAKING[name]))
    assert found
    assert all(each.breaking for each in found)


@pytest.mark.parametrize("name", COMPATIBLE)
def test_compatible_changes_are_listed(name):
    found = compare(OLD, edited(COMPATIBLE[name]))
    assert found
    assert not any(each.breaking for each in found)


@pytest.mark.parametrize("name", SILENT)
def test_changes_that_callers_cannot_notice_are_ignored(name):
    assert compare(OLD, edited(SILENT[name])) == []


def test_a_removed_api_breaks_callers_and_a_new_one_does_not():
    assert [each.breaking for each in compare(OLD, {})] == [True]
    assert [each.breaking for each in compare({}, OLD)] == [False]
    renamed = {"analysis.getRetain": OLD[DAILY]}
    assert sorted(each.breaking for each in compare(OLD, renamed)) == [False, True]


def test_fields_that_share_a_definition_are_each_reported_once():
    found = compare(OLD, edited(BREAKING["response value new"]))
    assert [str(each) for each in found] == [
        f"{DAILY} response $.visit_uv[].key: the value 60 is new",
        f"{DAILY} response $.visit_uv_new[].key: the value 60 is new",
    ]


# ---- the earlier catalogue -----------------------------------------------------------------


def write(folder, catalogue):
    for name, entry in catalogue.items():
        path = folder.joinpath(*name.split(".")).with_suffix(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entry), "utf-8")


def git(folder, *arguments):
    if shutil.which("git") is None:
        pytest.skip("git is missing")
    name = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *name, *arguments], check=True, capture_output=True)


def test_an_earlier_catalogue_is_a_folder_or_a_revision_of_git(tmp_path):
    folder = tmp_path / "package" / "catalogue"
    write(folder, OLD)
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "tag", "v1")
    write(folder, edited(BREAKING["path"]))
    assert earlier_catalogue("v1", folder) == OLD
    assert earlier_catalogue(str(folder), folder) == edited(BREAKING["path"])


@pytest.mark.parametrize("where", ["no-such-revision", "--output=x"])
def test_any_other_revision_is_an_error(tmp_path, where):
    git(tmp_path, "init")
    with pytest.raises(ConfigError, match="neither a folder nor a git revision"):
        earlier_catalogue(where, tmp_path)


def test_a_folder_without_entries_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="no entries"):
        earlier_catalogue(str(tmp_path), tmp_path)
    write(tmp_path, {DAILY: {"name": DAILY}})
    with pytest.raises(ConfigError, match="it has no method, path, request, response"):
        earlier_catalogue(str(tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON: a number has more digits"),
        (b"[]", "is not an entry"),
        (json.dumps({**OLD[DAILY], "name": []}).encode(), "its name must be a string"),
        (json.dumps({**OLD[DAILY], "request": True}).encode(), "is not a schema: TypeError"),
        (json.dumps({**OLD[DAILY], "request": {"type": 5}}).encode(), "is not a schema: 5 is not"),
        (
            json.dumps({**OLD[DAILY], "response": {"$ref": "#/$defs/a"}}).encode(),
            "is not a schema: KeyError",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_broken_entry_is_an_error_that_names_it(tmp_path, content, reason):
    path = tmp_path / "analysis" / "getDailyRetain.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ConfigError) as error_info:
        earlier_catalogue(str(tmp_path), tmp_path)
    assert str(error_info.value).startswith(f"{path}: ")
    assert reason in str(error_info.value)


@pytest.mark.slow
def test_the_command_fails_only_for_breaking_changes(tmp_path):
    write(tmp_path / "same", entries())
    assert run("verify", "--against", tmp_path / "same").returncode == 0
    fewer = entries()
    fewer.pop(DAILY)
    write(tmp_path / "fewer", fewer)
    result = run("verify", "--against", tmp_path / "fewer")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"Breaks no caller:\n  {DAILY}: a new API" in result.stdout
    more = {**entries(), "analysis.getOld": OLD[DAILY]}
    more["analysis.getOld"] = {**OLD[DAILY], "name": "analysis.getOld"}
    write(tmp_path / "more", more)
    result = run("verify", "--against", tmp_path / "more", "--report", "json")
    assert result.returncode == 1
    assert [each["api"] for each in json.loads(result.stdout)["findings"]] == ["analysis.getOld"]
    assert run("verify", "--against", "no-such-revision").returncode == 2
