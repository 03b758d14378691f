"""Answers as rows: read with care, since recordings, pins and newer services may be odd."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from cloud_openapi.catalogue import Operation
from cloud_openapi.json_schema.fields import resolved
from cloud_openapi.json_schema.values import is_number
from cloud_openapi.periods import Period

_LARGEST: Final = 10**15
_ENVELOPE: Final = frozenset({"errcode", "errmsg"})
# Columns for the names of lists that stand side by side: visit_uv, then province.
_BESIDE: Final = ("users", "group")


class Answer(NamedTuple):
    """A window and its answer in the HTTPS form, or the reason why there is none.

    ``asked`` is the day of the answer, None for one of today.
    """

    period: Period
    body: Mapping[str, Any]
    problem: str = ""
    asked: date | None = None


def records(operation: Operation, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return an answer as flat rows: one for each innermost object.

    A row has the plain fields of its object and of those around it, by WeChat's names. Where
    several lists stand side by side, ``users`` and ``group`` have the names of the row's lists.
    """
    schema = operation.schema("https", "response")
    return list(_rows(body, schema, schema, {}, _BESIDE))


def _rows(
    value: Mapping[str, Any],
    schema: Mapping[str, Any],
    root: Mapping[str, Any],
    outer: Mapping[str, Any],
    columns: tuple[str, ...],
) -> Iterator[dict[str, Any]]:
    fields = {
        name: resolved(field, root)
        for name, field in resolved(schema, root).get("properties", {}).items()
    }
    inner = {name: each for name, each in value.items() if isinstance(each, (dict, list))}
    plain = {
        name: each for name, each in value.items() if name not in inner and name not in _ENVELOPE
    }
    row = {**outer, **plain}
    if not inner:
        yield row
        return
    nested = [name for name, field in fields.items() if field.get("type") in ("array", "object")]
    beside = len(nested) > 1 and bool(columns)
    for name, within in inner.items():
        field = fields.get(name, {})
        named = {**row, columns[0]: name} if beside else row
        for each in objects(within if isinstance(within, list) else [within]):
            yield from _rows(
                each, field.get("items", field), root, named, columns[1:] if beside else columns
            )


def retained(body: Mapping[str, Any], field: str) -> dict[int, int]:
    """Return the numbers of users by key of a retention's list."""
    return {
        each["key"]: each["value"]
        for each in objects(body.get(field))
        if isinstance(each.get("key"), int)
        and isinstance(each.get("value"), int)
        and is_shown(each["value"])
    }


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, none of any other value."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def is_shown(value: Any) -> bool:
    """Return whether a JSON value is a number that a chart can show."""
    return is_number(value, -_LARGEST, _LARGEST)


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the fields of some rows, in the order in which they are met."""
    return list(dict.fromkeys(name for row in rows for name in row))
