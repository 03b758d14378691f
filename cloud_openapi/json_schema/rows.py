"""A JSON body as flat rows, arranged as its schema says."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloud_openapi.json_schema.fields import resolved

_ENVELOPE: Final = frozenset({"errcode", "errmsg"})
# Columns for the names of lists that stand side by side: visit_uv, then province.
_BESIDE: Final = ("users", "group")


def rows_of(body: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each innermost object of a response.

    A row has the plain fields of its object and of those around it. Where the schema has several
    lists side by side, ``users`` and ``group`` have the names of the row's lists. Fields that the
    schema lacks are kept, and values that are not objects are left out of lists.
    """
    return _rows(body, schema, schema, {}, _BESIDE)


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
        rest = columns[1:] if beside else columns
        for each in objects(within if isinstance(within, list) else [within]):
            yield from _rows(each, field.get("items", field), root, named, rest)


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, none of any other value."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
