"""Every entry of the catalogue, and the loader that refuses invalid entries."""

import json
import re
from itertools import product

import pytest
from jsonschema import Draft202012Validator
from support.paths import ROOT, sample

from cloud_openapi import ConfigError
from cloud_openapi.catalogue import Catalogue, default_catalogue, entries, pack
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.errors import TEXTS

FOLDER = ROOT / "cloud_openapi" / "catalogue"
ENTRIES = sorted(FOLDER.glob("*/*.json"))
# The SDK of most functions breaks longer ones.
LONGEST_NUMBER = 15
ENTRY_SCHEMA = json.loads((FOLDER / "entry.schema.json").read_text("utf-8"))
ENTRY_VALIDATOR = Draft202012Validator(ENTRY_SCHEMA)


@pytest.mark.parametrize("path", ENTRIES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_an_entry_is_what_the_entry_schema_says(path):
    ENTRY_VALIDATOR.validate(json.loads(path.read_text("utf-8")))


def test_the_entry_schema_is_a_schema():
    Draft202012Validator.check_schema(ENTRY_SCHEMA)


@pytest.mark.parametrize("operation", default_catalogue().values(), ids=str)
def test_each_schema_of_either_form_is_a_schema(operation):
    for form, side in product(["https", "cloud"], ["request", "response"]):
        Draft202012Validator.check_schema(operation.schema(form, side))


EXAMPLES = [
    pytest.param(operation, example, id=f"{operation.name}-{index}")
    for operation in default_catalogue().values()
    for index, example in enumerate(operation.examples)
]


@pytest.mark.parametrize(("operation", "example"), EXAMPLES)
def test_an_example_is_what_the_schemas_say(operation, example):
    Draft202012Validator(operation.schema("https", "request")).validate(example["request"])
    if "response" in example and not operation.binary:
        Draft202012Validator(operation.schema("https", "response")).validate(example["response"])


def test_each_error_of_a_condition_has_a_text():
    for operation in default_catalogue().values():
        codes = {answer["errcode"] for answer in operation.answers if "errcode" in answer}
        assert codes <= TEXTS.keys() | operation.errors.keys(), operation.name


def test_a_condition_of_an_error_tests_texts_alone_for_patterns_and_lengths():
    """JSON Schema lets a value of another type pass, which then would get the error."""
    for operation in default_catalogue().values():
        conditions = [answer["when"] for answer in operation.answers if "errcode" in answer]
        untyped = [
            found for when in conditions for found in _untyped(when, frozenset(operation.files))
        ]
        assert untyped == [], operation.name


@pytest.mark.parametrize(
    ("when", "untyped"),
    [
        ({"properties": {"a": {"pattern": "x"}}}, 1),
        ({"properties": {"a": {"type": "string", "pattern": "x"}}}, 0),
        ({"anyOf": [{"properties": {"a": {"not": {"not": {"maxLength": 1}}}}}]}, 1),
        ({"not": {"properties": {"a": {"pattern": "x"}}}}, 0),
        ({"properties": {"a": {"not": {"pattern": "x"}}}}, 0),
    ],
)
def test_untyped_conditions_are_found(when, untyped):
    assert len(list(_untyped(when, frozenset()))) == untyped


def _untyped(when, files, *, wanted=True):
    """Yield the schemas that a value of another type passes, so that the condition is met."""
    if wanted and "type" not in when and when.keys() & {"pattern", "minLength", "maxLength"}:
        yield when
    inner = [each for name, each in when.get("properties", {}).items() if name not in files]
    for key in ("allOf", "anyOf", "oneOf"):
        inner += when.get(key, [])
    for each in inner:
        yield from _untyped(each, files, wanted=wanted)
    if "not" in when:
        yield from _untyped(when["not"], files, wanted=not wanted)


def test_no_answer_has_a_number_that_the_sdk_cannot_read():
    for operation in default_catalogue().values():
        written = json.dumps([operation.examples, operation.answers])
        numbers = re.findall(r"[:\[,] (-?[0-9.]+)", written)
        assert [number for number in numbers if len(number) > LONGEST_NUMBER] == [], operation.name


def test_apis_with_one_path_and_one_request_are_one():
    """Over HTTPS, nothing tells which of the names is meant."""
    for operation in default_catalogue().values():
        for other in default_catalogue().values():
            if (other.method, other.path) == (operation.method, operation.path):
                requests = [
                    each.schema("https", "request")["properties"] for each in (operation, other)
                ]
                if requests[0] == requests[1]:
                    assert other.answers == operation.answers, operation.name
                    assert other.errors == operation.errors, operation.name
                    assert all(example in operation.examples for example in other.examples), (
                        other.name
                    )


SIMULATED = [operation for operation in default_catalogue().values() if operation.simulation]


@pytest.mark.parametrize("operation", SIMULATED, ids=str)
def test_the_documented_examples_of_an_entry_are_those_of_the_page(operation):
    method = operation.name.rpartition(".")[2]
    assert list(operation.examples) == [
        {
            "request": sample(f"{method}.request.official-https.json"),
            "response": sample(f"{method}.response.official-https.json"),
        }
    ]


TABLES = [
    pytest.param(operation, name, id=f"{operation.name}/{name}")
    for operation in default_catalogue().values()
    for name in operation.tables
]


@pytest.mark.parametrize(("operation", "name"), TABLES)
def test_groups_within_others_are_in_their_order_and_each_of_those_has_some(operation, name):
    table = operation.tables[name]
    if table.within:
        assert table.places == sorted(table.places)
        assert set(table.places) == set(range(len(operation.tables[table.within].groups)))
    assert len(table.each) in (0, len(table.groups))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "unknown key: colour"),
        ({"path": None}, "missing key: path"),
        ({"name": "analysis.getOther"}, 'not "analysis.getDailyRetain"'),
    ],
)
def test_the_loader_refuses_what_is_no_entry(tmp_path, change, message):
    entry = json.loads((FOLDER / "analysis" / "getDailyRetain.json").read_text("utf-8"))
    entry.update(change)
    entry = {key: value for key, value in entry.items() if value is not None}
    path = tmp_path / "analysis" / "getDailyRetain.json"
    path.parent.mkdir()
    path.write_text(json.dumps(entry), "utf-8")
    with pytest.raises(ConfigError) as caught:
        dict(Catalogue.load(tmp_path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_the_loader_refuses_what_is_no_object(tmp_path, text):
    path = tmp_path / "analysis" / "getDailyRetain.json"
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="JSON"):
        dict(Catalogue.load(tmp_path))


def test_a_field_that_weixin_adds_one_day_does_not_break_the_contract():
    body = {**sample("getDailyRetain.response.official-https.json"), "visit_uv_old": []}
    schema = default_catalogue()["analysis.getDailyRetain"].schema("https", "response")
    assert Draft202012Validator(schema).is_valid(body)


@pytest.mark.parametrize(
    "change",
    [
        {"ref_date": 20170313},
        {"visit_uv": {"key": 0, "value": 1}},
        {"visit_uv": [{"key": 8, "value": 1}]},
        {"visit_uv": [{"key": 0, "value": -1}]},
        {"visit_uv": [{"key": 0, "value": 1.5}]},
        {"visit_uv": [{"key": 0}]},
    ],
    ids=str,
)
def test_a_body_that_weixin_would_not_send_breaks_the_contract(change):
    body = {**sample("getDailyRetain.response.official-https.json"), **change}
    schema = default_catalogue()["analysis.getDailyRetain"].schema("https", "response")
    assert not Draft202012Validator(schema).is_valid(body)


def test_what_only_the_schema_of_an_entry_refuses_is_no_data_format(tmp_path):
    """An API of the future, whose request has more than two dates."""
    entry = json.loads((FOLDER / "analysis" / "getDailyRetain.json").read_text("utf-8"))
    entry["request"]["properties"]["module"] = {"enum": ["10022"]}
    entry["request"]["required"].append("module")
    path = tmp_path / "analysis" / "getDailyRetain.json"
    path.parent.mkdir()
    path.write_text(json.dumps(entry), "utf-8")
    emulator = Emulator(catalogue=Catalogue.load(tmp_path))
    token, _ = emulator.program(DEMO_APPID).tokens.grant_stable(force=False)
    answer = (
        create_app(emulator)
        .test_client()
        .post(
            f"{entry['path']}?access_token={token}",
            json={"begin_date": "20190313", "end_date": "20190313", "module": "10023"},
        )
    )
    assert answer.get_json(force=True)["errcode"] == 47001
    assert [entry.check for entry in emulator.journal] == ["$.module: enum"]


def test_one_more_name_of_an_api_takes_what_it_does_not_say_itself(tmp_path):
    entry = json.loads((FOLDER / "soter" / "verifySignature.json").read_text("utf-8"))
    other = {"$schema": entry["$schema"], "name": "old.verify", "same_as": entry["name"]}
    for name, written in ((entry["name"], entry), ("old.verify", {**other, "summary": "Verify"})):
        path = tmp_path / f"{name.replace('.', '/')}.json"
        path.parent.mkdir()
        path.write_text(json.dumps(written), "utf-8")
    Draft202012Validator(ENTRY_SCHEMA).validate(other)
    catalogue = Catalogue.load(tmp_path)
    new, old = catalogue[entry["name"]], catalogue["old.verify"]
    assert (old.name, old.summary) == ("old.verify", "Verify")
    assert (old.path, old.examples) == (new.path, new.examples)
    assert old.schema("cloud", "response")["properties"]["errMsg"] == {
        "const": "openapi.old.verify:ok"
    }


@pytest.mark.parametrize("further", [{"path": "/a"}, {"request": {}}, {"colour": 1}])
def test_one_more_name_says_nothing_about_the_wire(further):
    other = {"$schema": "../entry.schema.json", "name": "a.b", "same_as": "a.c"}
    assert not Draft202012Validator(ENTRY_SCHEMA).is_valid({**other, **further})


def test_one_more_name_of_no_api_is_refused(tmp_path):
    other = {"$schema": "../entry.schema.json", "name": "a.b", "same_as": "a.c"}
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.json").write_text(json.dumps(other), "utf-8")
    with pytest.raises(ConfigError, match=r"a/c\.json: this entry is missing"):
        dict(Catalogue.load(tmp_path))


def test_the_errors_of_every_api_are_not_repeated_in_an_entry():
    for operation in default_catalogue().values():
        assert not operation.errors.keys() & TEXTS.keys(), operation.name


def test_an_outline_is_what_its_entry_says():
    catalogue = default_catalogue()
    assert catalogue.outlines == {
        name: (operation.method, operation.path, bool(operation.simulation), operation.report)
        for name, operation in catalogue.items()
    }


def test_an_outline_does_not_depend_on_the_order_of_the_keys(tmp_path):
    entry = json.loads((FOLDER / "analysis" / "getDailyRetain.json").read_text("utf-8"))
    path = tmp_path / "analysis" / "getDailyRetain.json"
    path.parent.mkdir()
    path.write_text(json.dumps(dict(reversed(entry.items())), indent=2), "utf-8")
    outline = ("POST", entry["path"], True, "retention")
    assert Catalogue.load(tmp_path).outlines == {entry["name"]: outline}


def test_the_one_file_of_a_wheel_has_the_entries_of_the_folder(tmp_path):
    (tmp_path / "entries.jsonl").write_bytes(pack())
    assert entries(tmp_path) == entries()
    assert list(Catalogue.load(tmp_path)) == list(default_catalogue())


def test_an_entry_of_the_one_file_is_checked_like_a_file(tmp_path):
    folder = tmp_path / "folder"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "b.json").write_text('{"name": "a.b"}', "utf-8")
    (tmp_path / "entries.jsonl").write_bytes(pack(folder))
    with pytest.raises(ConfigError, match=r"entries\.jsonl: a\.b: missing key: \$schema, docs"):
        Catalogue.load(tmp_path)["a.b"]


def test_a_name_without_an_entry_is_a_key_error_in_either_place(tmp_path):
    (tmp_path / "entries.jsonl").write_bytes(pack())
    for catalogue in (default_catalogue(), Catalogue.load(tmp_path)):
        assert catalogue.get("analysis.none") is None
        assert catalogue.get("") is None
