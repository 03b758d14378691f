"""The HTTPS form as an OpenAPI 3.1 document, for the tools that drive a service from one."""

from typing import Any, Final

from cloud_openapi._version import __version__
from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.emulator.control_schemas import control_schemas
from cloud_openapi.emulator.errors import CREDENTIAL_PATHS, TEXTS, TOKEN_PATHS
from cloud_openapi.emulator.openapi.components import json_body, json_responses, lifted, reference
from cloud_openapi.emulator.openapi.operations import api_operation, api_schemas
from cloud_openapi.emulator.weixin.management import management_apis


def openapi_document(catalogue: Catalogue, url: str = "/") -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the endpoints for tokens and quotas and of every API.

    ``url`` is the server that it names; the default is the one that the document came from.
    """
    schemas: dict[str, Any] = {"error": _error_schema()}
    for kind, schema in control_schemas().items():
        schemas.update(lifted(f"_emulator.{kind}", schema))
    paths: dict[str, Any] = {}
    for path, entry in management_apis().items():
        schemas[f"{entry['name']}.response"] = entry["response"]
        if entry["method"] != "GET":
            schemas[f"{entry['name']}.request"] = entry["request"]
        paths[path] = {entry["method"].lower(): _described(entry)}
    for (path, method), operations in _routes(catalogue).items():
        schemas.update(api_schemas(operations))
        paths.setdefault(path, {})[method.lower()] = api_operation(operations)
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


def _routes(catalogue: Catalogue) -> dict[tuple[str, str], list[Operation]]:
    """Return the APIs of each path and method; some share them."""
    found: dict[tuple[str, str], list[Operation]] = {}
    for operation in catalogue.values():
        found.setdefault((operation.path, operation.method), []).append(operation)
    return found


def _described(entry: dict[str, Any]) -> dict[str, Any]:
    name, path = entry["name"], entry["path"]
    requests = [example["request"] for example in entry["examples"]]
    answers = [example["response"] for example in entry["examples"]]
    open_to_all: dict[str, Any] = {"security": []} if path in CREDENTIAL_PATHS else {}
    if entry["method"] == "GET":
        given = {"parameters": _query(entry["request"], requests[0])}
    else:
        given = {"requestBody": json_body(reference(f"{name}.request"), requests)}
    return {
        "operationId": name,
        "tags": ["token" if path in TOKEN_PATHS else "management"],
        "summary": entry["summary"],
        "externalDocs": {"url": entry["docs"]},
        **open_to_all,
        **given,
        "responses": json_responses([f"{name}.response"], answers, 41002 if open_to_all else 41001),
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
