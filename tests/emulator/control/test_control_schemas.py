"""The JSON Schemas of control input: valid, and complete enough for messages and help texts."""

import pytest
from jsonschema import Draft202012Validator

from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator, openapi_document
from cloud_openapi.emulator.control_schemas import control_schemas

SCHEMAS = control_schemas()
ADD = {
    "fault": lambda emulator, given: emulator.faults.add(given),
    "pin": lambda emulator, given: emulator.pins.add(given),
    "app": lambda emulator, given: emulator.configure_app(DEMO_APPID, **given),
}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_schema_is_valid_and_its_examples_are_accepted(kind):
    Draft202012Validator.check_schema(SCHEMAS[kind])
    for example in SCHEMAS[kind]["examples"]:
        Draft202012Validator(SCHEMAS[kind]).validate(example)
        ADD[kind](Emulator(), example)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_field_that_can_be_invalid_has_a_title_and_every_option_a_help_text(kind):
    for name, field in SCHEMAS[kind]["properties"].items():
        assert "enum" in field or "description" in field, name
        assert field.keys() & {"enum", "title"} or field.keys() <= {"type", "description"}, name


def test_every_kind_of_fault_has_its_fields():
    rules = [rule["if"]["properties"]["kind"] for rule in SCHEMAS["fault"]["allOf"]]
    covered = {kind for rule in rules for kind in rule.get("enum", [rule.get("const")])}
    assert covered == set(SCHEMAS["fault"]["properties"]["kind"]["enum"])


def test_openapi_document_has_the_schemas():
    components = openapi_document(Emulator().catalogue)["components"]["schemas"]
    assert {f"_emulator.{kind}" for kind in SCHEMAS} <= components.keys()


def test_secret_is_not_in_a_message():
    with pytest.raises(ValueError, match="secret is a text") as raised:
        Emulator().configure_app(DEMO_APPID, secret=["my-real-secret"])
    assert "my-real-secret" not in str(raised.value)
