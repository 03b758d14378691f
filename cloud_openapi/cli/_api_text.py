"""The texts of `apis`: a line for each cloud call, and a page for one of them."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloud_openapi.catalogue import STATES, Operation, state_of
from cloud_openapi.json_schema.fields import resolved
from cloud_openapi.naming import snake_to_camel

Calls = Mapping[str, Operation | None]
"""Cloud calls by name; None is one without an entry in the catalogue."""

_WIDTH: Final = 80
_DEEPEST: Final = 4


def described(name: str, operation: Operation | None) -> dict[str, Any]:
    """Return a cloud call as JSON, the same keys for all."""
    return {
        "name": name,
        "state": state_of(operation),
        **{key: getattr(operation, key, None) for key in ("summary", "method", "path", "docs")},
        "lacks": [] if operation is None else list(operation.lacks),
    }


def described_in_full(name: str, operation: Operation | None) -> dict[str, Any]:
    """Return a cloud call as JSON, with its schemas in both forms, errors and examples."""
    short = described(name, operation)
    if operation is None:
        return short
    return {
        **short,
        "errors": {str(code): text for code, text in operation.errors.items()},
        "rules": [rule.describe() for rule in operation.rules],
        **{
            form: {side: operation.schema(form, side) for side in ("request", "response")}
            for form in ("https", "cloud")
        },
        "examples": list(operation.examples),
    }


def lines_of(calls: Calls) -> Iterator[str]:
    """Yield a line for each cloud call, for programs that read lines."""
    width = max(map(len, calls), default=0)
    for name, operation in calls.items():
        way = "" if operation is None else f"{operation.method:4} {operation.path}"
        lacks = lacking(operation)
        yield f"{name:{width}}  {state_of(operation):9}  {way}{lacks and f'  {lacks}'}".rstrip()


def row_of(name: str, operation: Operation | None) -> tuple[str, str, str]:
    """Return the row of a cloud call in a table."""
    way = "" if operation is None else f"\n{operation.method} {operation.path}"
    return f"{name}{way}", state_of(operation), lacking(operation)


def lacking(operation: Operation | None) -> str:
    """Return what WeChat's page of an API lacks, empty if it lacks nothing."""
    if operation is None or not operation.lacks:
        return ""
    return f"no {', '.join(operation.lacks)}"


def page_of(name: str, operation: Operation | None) -> str:
    """Return what is known of one cloud call, as text."""
    permission = f'Permission: "{name}" in permissions.openapi of config.json.'
    if operation is None:
        pin = f"cloud-openapi control pins add {name} --response '{{}}'"
        return f"{name}\n\nThe catalogue has no entry; to pin an answer: {pin}\n{permission}\n"
    parts = [
        f"{name}: {operation.summary}",
        f"{operation.method} {operation.path}",
        "",
        f"{STATES[state_of(operation)].capitalize()}.",
        permission,
        *(rule.describe() for rule in operation.rules),
    ]
    if operation.lacks:
        parts.append(f"WeChat's page lacks: {', '.join(operation.lacks)}.")
    parts += [operation.docs, "", "Parameters, and their names in cloud calls:"]
    parts += _parameters(operation) or ["  none"]
    parts += ["", "Answer:", *_answer(operation)]
    if operation.errors:
        parts += ["", "Errors:"]
        parts += [f"  {code:<6} {text}" for code, text in sorted(operation.errors.items())]
    return "\n".join(parts) + "\n"


def _parameters(operation: Operation) -> list[str]:
    schema = operation.schema("https", "request")
    # Every parameter of GET is in the URL.
    in_url = () if operation.method == "GET" else operation.query
    remarks = dict.fromkeys(in_url, "in the URL")
    return list(_fields(schema, schema, remarks, 1))


def _answer(operation: Operation) -> list[str]:
    schema = operation.schema("https", "response")
    if operation.binary:
        return [f"  a file ({schema['contentMediaType']}); cloud call: {{contentType, buffer}}"]
    return list(_fields(schema, schema, {}, 1)) or ["  an object"]


def _fields(
    schema: Mapping[str, Any], root: Mapping[str, Any], remarks: Mapping[str, str], depth: int
) -> Iterator[str]:
    """Yield the lines of an object's fields, and of those within them."""
    for name, field in schema.get("properties", {}).items():
        inner = resolved(field, root)
        items = resolved(inner.get("items", {}), root)
        camel = snake_to_camel(name)
        names = name if camel == name else f"{name}, {camel}"
        needed = "required" if name in schema.get("required", ()) else ""
        about = ", ".join(filter(None, (_kind(inner, items), needed, remarks.get(name))))
        told = field.get("description") or inner.get("description")
        text = f"{names}: {about}" + (f". {told}" if told else "")
        indent = "  " * depth
        yield textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ")
        if depth < _DEEPEST:
            yield from _fields(inner if "properties" in inner else items, root, {}, depth + 1)


def _kind(field: Mapping[str, Any], items: Mapping[str, Any]) -> str:
    if "contentMediaType" in field:
        return f"file {field['contentMediaType']}; cloud call: {{contentType, value}}"
    kind = field.get("type", "any")
    kinds = [kind] if isinstance(kind, str) else kind
    of = f" of {_kind(items, {})}" if kinds == ["array"] and items else ""
    return f"{' or '.join(kinds)}{of}"
