"""APIs of each kind in the OpenAPI document: queries, forms, files, shared paths, errors."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.entries import DOORS, DRAW, FETCH, ROOMS, SEND, TASK, UPLOAD, catalogue_of

from cloud_openapi.emulator import openapi_document

FILE = {"type": "string", "format": "binary"}


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    made = openapi_document(catalogue_of(tmp_path_factory.mktemp("catalogue")))
    OpenAPIV31SpecValidator(made).validate()
    return made


def operation_of(document, entry):
    return document["paths"][entry["path"]][entry["method"].lower()]


def component(document, schema):
    return document["components"]["schemas"][schema["$ref"].removeprefix("#/components/schemas/")]


def test_parameters_of_get_stand_in_the_query(document):
    operation = operation_of(document, ROOMS)
    assert "requestBody" not in operation
    assert "rooms.list.request" not in document["components"]["schemas"]
    assert [
        (each["name"], each["in"], each["required"], each["schema"]["type"], each.get("example"))
        for each in operation["parameters"]
    ] == [
        ("roomId", "query", True, "integer", 7),
        ("key_word", "query", False, "string", None),
        ("ready", "query", False, "boolean", None),
        ("tags", "query", False, "array", None),
    ]


def test_parameters_of_the_query_are_not_in_the_body(document):
    operation = operation_of(document, TASK)
    assert [each["name"] for each in operation["parameters"]] == ["open_id"]
    body = operation["requestBody"]
    # Without the only optional field the body may be empty.
    assert body["required"] is False
    content = body["content"]["application/json"]
    schema = component(document, content["schema"])
    assert (list(schema["properties"]), schema["required"]) == (["id_list"], [])
    assert content["examples"] == {"documented1": {"value": {"id_list": ["1"]}}}


def test_a_file_is_a_part_of_a_form(document):
    operation = operation_of(document, UPLOAD)
    assert [each["name"] for each in operation["parameters"]] == ["type"]
    body = operation["requestBody"]
    assert body["required"] is True
    schema = component(document, body["content"]["multipart/form-data"]["schema"])
    description = UPLOAD["request"]["properties"]["media"]["description"]
    assert schema["properties"] == {"media": {**FILE, "description": description}}
    assert schema["required"] == ["media"]


@pytest.mark.parametrize(("entry", "kind"), [(DRAW, "image/png"), (FETCH, "image/*")])
def test_a_binary_answer_stands_before_the_error(document, entry, kind):
    content = operation_of(document, entry)["responses"]["200"]["content"]
    assert list(content) == [kind, "application/json"]
    assert content[kind] == {"schema": FILE}
    assert content["application/json"]["schema"] == {
        "anyOf": [{"$ref": "#/components/schemas/error"}]
    }
    assert list(content["application/json"]["examples"]) == ["refused"]


def test_own_errors_and_what_the_page_lacks_are_described(document):
    operation = operation_of(document, SEND)
    told = operation["responses"]["200"]["description"]
    assert "- 43101: user refuse to accept the msg" in told
    # The component of errors has those of all APIs.
    assert "-1:" not in told
    assert operation["description"] == "WeChat's page lacks: cloud example."
    assert operation_of(document, ROOMS)["responses"]["200"]["description"] == (
        "The answer or an error"
    )


def test_apis_of_one_path_are_one_operation(document):
    operation = operation_of(document, DOORS)
    assert operation["operationId"] == "door.list"
    assert "Also door.open: Test door.open." in operation["description"]
    body = operation["requestBody"]["content"]["application/json"]
    assert body["schema"] == {
        "anyOf": [
            {"$ref": f"#/components/schemas/door.{name}.request"} for name in ("list", "open")
        ]
    }
    assert [each["value"]["action"] for each in body["examples"].values()] == ["list", "open"]
    answer = operation["responses"]["200"]
    names = ["door.list.response", "door.open.response", "error"]
    assert [
        each["$ref"].rpartition("/")[2]
        for each in answer["content"]["application/json"]["schema"]["anyOf"]
    ] == names
    assert "89001: door is stuck\n- 89002: no doors" in answer["description"]
