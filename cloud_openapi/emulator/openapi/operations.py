"""The APIs of the catalogue in the OpenAPI document; several may share a path and a method."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from cloud_openapi.catalogue import Operation, Side
from cloud_openapi.emulator.errors import TEXTS
from cloud_openapi.emulator.openapi.components import (
    ANSWER,
    json_body,
    json_responses,
    lifted,
    reference,
    within,
)

# Closer than eight digits, so that a tool that makes dates up hits some; the calendar is a rule.
_DAY = "^[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$"
_FILE: Final = {"type": "string", "format": "binary"}
# Of the schemas of an answer and of an error, generated clients take the first that fits.
_SUCCESS: Final = {"type": "integer", "enum": [0]}


def api_operation(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the operation of the APIs that share a path and a method, named after the first."""
    first = operations[0]
    parameters = list(_parameters(operations))
    body = _body(operations)
    return {
        "operationId": first.name,
        "tags": [first.name.partition(".")[0]],
        "summary": first.summary,
        "description": _description(operations),
        "externalDocs": {"url": first.docs},
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body} if body else {}),
        "responses": _responses(operations),
    }


def api_schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the schemas of the APIs' bodies and of their JSON answers as components."""
    schemas: dict[str, Any] = {}
    for operation in _with_body(operations):
        schemas.update(lifted(_name(operation, "request"), _body_schema(operation)))
    for operation in _with_json(operations):
        schemas.update(lifted(_name(operation, "response"), _answer_schema(operation)))
    return schemas


def _name(operation: Operation, side: Side) -> str:
    return f"{operation.name}.{side}"


def _description(operations: Sequence[Operation]) -> str:
    first, *others = operations
    parts = [rule.describe() for rule in first.rules]
    if first.lacks:
        parts.append(f"WeChat's page lacks: {', '.join(first.lacks)}.")
    parts += [f"Also {each.name}: {each.summary}. {each.docs}" for each in others]
    return "\n\n".join(parts)


def _parameters(operations: Sequence[Operation]) -> Iterator[dict[str, Any]]:
    """Yield the parameters that stand in the URL; one that not all APIs need is optional."""
    requests = [operation.schema("https", "request") for operation in operations]
    seen: set[str] = set()
    for operation, request in zip(operations, requests, strict=True):
        for name in operation.query:
            if name in seen:
                continue
            seen.add(name)
            parameter = {
                "name": name,
                "in": "query",
                "required": all(name in each["required"] for each in requests),
                "schema": within(_name(operation, "request"), request["properties"][name]),
            }
            examples = [example["request"] for example in operation.examples]
            values = [each[name] for each in examples if name in each]
            yield {**parameter, "example": values[0]} if values else parameter


def _with_body(operations: Sequence[Operation]) -> list[Operation]:
    """Return the APIs whose bodies the document describes; APIs of files share a form."""
    found = [operation for operation in operations if _has_body(operation)]
    return found[:1] if found and found[0].files else found


def _has_body(operation: Operation) -> bool:
    """Return whether a request has a body: POST wants one, unless all is in the URL."""
    if operation.method == "GET":
        return False
    fields = operation.schema("https", "request")["properties"]
    return not operation.query or len(fields) > len(operation.query)


def _body(operations: Sequence[Operation]) -> Any:
    """Return the request body, a form if it has files; empty if there is none."""
    having = _with_body(operations)
    if not having:
        return {}
    required = all(
        not operation.query or bool(_body_schema(operation)["required"]) for operation in having
    )
    references = [reference(_name(operation, "request")) for operation in having]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    if having[0].files:
        return {"required": required, "content": {"multipart/form-data": {"schema": schema}}}
    examples = [
        {name: value for name, value in example["request"].items() if name not in operation.query}
        for operation in having
        for example in operation.examples
    ]
    return json_body(schema, examples, required=required)


def _body_schema(operation: Operation) -> dict[str, Any]:
    """Return the schema of a request without the parameters that stand in the URL."""
    schema = operation.schema("https", "request")
    days = {field for rule in operation.rules for field in (rule.begin, rule.end)}
    in_url = operation.query
    properties = {name: each for name, each in schema["properties"].items() if name not in in_url}
    for name, field in properties.items():
        if name in operation.files:
            described = {key: field[key] for key in ("description",) if key in field}
            properties[name] = {**_FILE, **described}
        elif name in days and field["type"] == "string":
            properties[name] = {**field, "pattern": _DAY}
    required = [name for name in schema["required"] if name not in in_url]
    body = {**schema, "required": required, "properties": properties}
    if operation.files:
        # Generators know no forms with further fields.
        del body["additionalProperties"], body["$comment"]
    return body


def _with_json(operations: Sequence[Operation]) -> list[Operation]:
    """Return the APIs that answer JSON, among them APIs of files that do so at times."""
    return [each for each in operations if not each.binary or _answers_of(each)]


def _answers_of(operation: Operation) -> list[dict[str, Any]]:
    return [each["response"] for each in operation.examples if "response" in each]


def _answer_schema(operation: Operation) -> dict[str, Any]:
    """Return the schema of a JSON answer, with the code by which generated clients know it."""
    schema = operation.schema("https", "response")
    if operation.binary:
        # The entry describes the file; the examples are all that is known of the JSON.
        fields: dict[str, Any] = {name: {} for name in _answers_of(operation)[0]}
        schema = {"type": "object", "required": list(fields), "properties": fields}
    return {**schema, "properties": {**schema["properties"], "errcode": _SUCCESS}}


def _responses(operations: Sequence[Operation]) -> dict[str, Any]:
    names = [_name(operation, "response") for operation in _with_json(operations)]
    examples = [answer for operation in operations for answer in _answers_of(operation)]
    responses = json_responses(names, examples, description=_answer(operations))
    # Generators take the first type.
    files = {
        operation.schema("https", "response")["contentMediaType"]: {"schema": _FILE}
        for operation in operations
        if operation.binary
    }
    content = responses["200"]["content"]
    return {"200": {**responses["200"], "content": {**files, **content}}}


def _answer(operations: Sequence[Operation]) -> str:
    """Return the description of the answer, with the codes that only these APIs have."""
    errors = {code: text for each in operations for code, text in each.errors.items()}
    own = [f"- {code}: {text}" for code, text in sorted(errors.items()) if code not in TEXTS]
    return "\n".join(["The answer or an error. Errors of its own:", "", *own] if own else [ANSWER])
