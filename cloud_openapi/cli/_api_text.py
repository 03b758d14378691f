"""The texts of `apis`: a line for each cloud call, and a page for one of them."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloud_openapi.catalogue import Operation
from cloud_openapi.catalogue.documentation import Row, request_rows, response_rows
from cloud_openapi.catalogue.states import STATES, state_of

Calls = Mapping[str, Operation | None]
"""Cloud calls by name; None is one without an entry in the catalogue."""

_WIDTH: Final = 80


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
    return list(map(_line, request_rows(operation)))


def _answer(operation: Operation) -> list[str]:
    if operation.binary:
        kind = operation.schema("https", "response")["contentMediaType"]
        return [f"  a file ({kind}); cloud call: {{contentType, buffer}}"]
    return list(map(_line, response_rows(operation))) or ["  an object"]


def _line(row: Row) -> str:
    """Return the line of a field, indented as deep as it is nested."""
    names = row.name if row.cloud_name == row.name else f"{row.name}, {row.cloud_name}"
    kind = f"{row.kind}; cloud call: {{contentType, value}}" if row.is_file else row.kind
    remarks = "required" if row.required else "", "in the URL" if row.in_url else ""
    about = ", ".join(filter(None, (kind, *remarks)))
    text = f"{names}: {about}" + (f". {row.about}" if row.about else "")
    indent = "  " * row.depth
    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ")
