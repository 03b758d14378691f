"""The HTTPS form as an OpenAPI 3.1 document, for the tools that drive a service from one."""

from typing import Any, Final

from cloud_openapi._version import __version__
from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.emulator.control_schemas import control_schemas
from cloud_openapi.emulator.errors import CREDENTIAL_PATHS, TEXTS, TOKEN_PATHS, error_body
from cloud_openapi.emulator.weixin.management import management_apis
from cloud_openapi.json_schema.values import type_of

_DEFINITIONS = "#/$defs/"
_SCHEMAS = "#/components/schemas/"
# Keys that only a whole document has.
_WHOLE = frozenset({"$schema", "$id", "$defs"})
# Closer than eight digits, so that a tool that makes dates up hits some; the calendar is a rule.
_DAY = "^[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$"
# The keywords about one type alone, in schemas of several types.
_KEYWORDS: Final = {
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "object": {"required", "properties", "additionalProperties", "minProperties", "maxProperties"},
}
# Keywords whose values are data, not schemas.
_DATA = frozenset({"const", "default", "enum", "example", "examples"})
_EXAMPLE_RID = "6b05244e-38884479-126cbc8f"


def openapi_document(catalogue: Catalogue, url: str = "/") -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the endpoints for tokens and quotas and of every API.

    ``url`` is the server that it names; the default is the one that the document came from.
    """
    schemas: dict[str, Any] = {"error": _error_schema()}
    for kind, schema in control_schemas().items():
        schemas.update(_lifted(f"_emulator.{kind}", schema))
    paths: dict[str, Any] = {}
    for path, entry in management_apis().items():
        schemas[f"{entry['name']}.response"] = entry["response"]
        if entry["method"] != "GET":
            schemas[f"{entry['name']}.request"] = entry["request"]
        paths[path] = {entry["method"].lower(): _described(entry)}
    for operation in catalogue.values():
        for side in ("request", "response"):
            schemas.update(_lifted(f"{operation.name}.{side}", _schema(operation, side)))
        paths.setdefault(operation.path, {})[operation.method.lower()] = _api(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            # Generators name their packages after it.
            "title": "WeChat API",
            "version": __version__,
            "description": "The HTTPS form of WeChat's APIs, as cloud_openapi emulates it. Errors "
            "come with status 200 too: look at errcode.",
        },
        "servers": [{"url": url}],
        "security": [{"access_token": []}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"access_token": _SECURITY}},
    }


_SECURITY: Final = {
    "type": "apiKey",
    "in": "query",
    "name": "access_token",
    "description": "A token of /cgi-bin/token or /cgi-bin/stable_token",
}


def _api(operation: Operation) -> dict[str, Any]:
    requests = [example["request"] for example in operation.examples]
    answers = [example["response"] for example in operation.examples]
    return {
        "operationId": operation.name,
        "tags": [operation.name.partition(".")[0]],
        "summary": operation.summary,
        "description": "\n\n".join(rule.describe() for rule in operation.rules),
        "externalDocs": {"url": operation.docs},
        "requestBody": _body(_reference(f"{operation.name}.request"), requests),
        "responses": _responses(f"{operation.name}.response", answers),
    }


def _described(entry: dict[str, Any]) -> dict[str, Any]:
    name, path = entry["name"], entry["path"]
    requests = [example["request"] for example in entry["examples"]]
    answers = [example["response"] for example in entry["examples"]]
    open_to_all: dict[str, Any] = {"security": []} if path in CREDENTIAL_PATHS else {}
    if entry["method"] == "GET":
        given = {"parameters": _query(entry["request"], requests[0])}
    else:
        given = {"requestBody": _body(_reference(f"{name}.request"), requests)}
    return {
        "operationId": name,
        "tags": ["token" if path in TOKEN_PATHS else "management"],
        "summary": entry["summary"],
        "externalDocs": {"url": entry["docs"]},
        **open_to_all,
        **given,
        "responses": _responses(f"{name}.response", answers, 41002 if open_to_all else 41001),
    }


def _query(schema: dict[str, Any], example: dict[str, Any]) -> Any:
    return [
        {"name": name, "in": "query", "required": True, "schema": field, "example": example[name]}
        for name, field in schema["properties"].items()
    ]


def _error_schema() -> dict[str, Any]:
    texts = "\n".join(f"- {code}: {text}" for code, text in TEXTS.items())
    return {
        "type": "object",
        "required": ["errcode", "errmsg"],
        "additionalProperties": False,
        "description": f"Among others:\n\n{texts}",
        "properties": {
            "errcode": {"type": "integer", "not": {"const": 0}},
            # No pattern: a pinned or recorded text may end without a rid, and a generated client
            # would raise an exception of its own in place of the error.
            "errmsg": {"type": "string", "description": "WeChat's text and the request's rid"},
        },
    }


def _body(schema: dict[str, Any], examples: list[Any]) -> dict[str, Any]:
    content = {"schema": schema, "examples": _named("documented", examples)}
    return {"required": True, "content": {"application/json": content}}


def _responses(name: str, examples: list[Any] | None = None, code: int = 41001) -> dict[str, Any]:
    content = {
        "schema": {"anyOf": [_reference(name), _reference("error")]},
        "examples": {
            **_named("documented", examples or []),
            "refused": {"value": error_body(code, _EXAMPLE_RID)},
        },
    }
    answer = {"description": "The answer or an error", "content": {"application/json": content}}
    return {"200": answer}


def _named(name: str, values: list[Any]) -> dict[str, Any]:
    return {f"{name}{number}": {"value": value} for number, value in enumerate(values, 1)}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": _SCHEMAS + name}


def _schema(operation: Operation, side: Any) -> dict[str, Any]:
    schema = operation.schema("https", side)
    if side == "request":
        days = {field for rule in operation.rules for field in (rule.begin, rule.end)}
        schema["properties"] = {
            name: {**field, "pattern": _DAY}
            if name in days and field["type"] == "string"
            else field
            for name, field in schema["properties"].items()
        }
    return schema


def _lifted(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema and its definitions as components, which is where tools look."""
    body = {key: value for key, value in schema.items() if key not in _WHOLE}
    parts = {name: body}
    parts.update({f"{name}.{key}": part for key, part in schema.get("$defs", {}).items()})
    return {key: _repointed(part, f"{_SCHEMAS}{name}.") for key, part in parts.items()}


def _repointed(value: Any, target: str) -> Any:
    if isinstance(value, list):
        return [_repointed(item, target) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: item if key in _DATA else _repointed(item, target) for key, item in value.items()}
    reference = copy.get("$ref")
    if isinstance(reference, str) and reference.startswith(_DEFINITIONS):
        copy["$ref"] = target + reference.removeprefix(_DEFINITIONS)
    return _for_generators(copy)


def _for_generators(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an equal schema that generators of clients can read.

    They write one class for an enum and for an object, so each type gets a schema of its own, and
    they name classes after titles, which here complete messages.
    """
    if isinstance(schema.get("title"), str) and "const" not in schema:
        del schema["title"]
    types = schema.get("type")
    if not isinstance(types, list) or "null" in types:
        return schema
    apart = {"type", "enum"}.union(*_KEYWORDS.values())
    rest = {key: value for key, value in schema.items() if key not in apart}
    return {**rest, "anyOf": [_of_type(name, schema) for name in types]}


def _of_type(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    keywords = {key: schema[key] for key in schema if key in _KEYWORDS.get(name, ())}
    if "enum" in schema:
        keywords["enum"] = [value for value in schema["enum"] if type_of(value) == name]
    return {"type": name, **keywords}
