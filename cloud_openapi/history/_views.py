"""Views of the stored answers: a row for each key of a retention, and for each row of a trend."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy.engine import Dialect

from cloud_openapi.catalogue import Operation, default_catalogue
from cloud_openapi.json_schema.fields import resolved

_COMMON: Final = ("appid", "api", "params", "span", "first_day", "last_day", "ref_date")


class _Items(NamedTuple):
    """SQL for the objects of a JSON array: the table ``j`` of them, and a number of one."""

    table: str
    number: str


_ITEMS: Final[Mapping[str, _Items]] = {
    "sqlite": _Items("json_each(w.answer, '$.{field}') AS j", "json_extract(j.value, '$.{name}')"),
    "postgresql": _Items(
        "json_array_elements(w.answer->'{field}') AS j", "CAST(j.value->>'{name}' AS {type})"
    ),
    "mysql": _Items("JSON_TABLE(w.answer, '$.{field}[*]' COLUMNS({columns})) AS j", "j.`{name}`"),
}
_TYPES: Final = {"integer": "BIGINT", "number": "DOUBLE PRECISION"}


def views_for(dialect: Dialect) -> dict[str, str]:
    """Return the SELECT of each view by its name; empty for a database without a known form."""
    items = _ITEMS.get("mysql" if dialect.name == "mariadb" else dialect.name)
    if items is None:
        return {}
    quote = dialect.identifier_preparer.quote
    dated = list(_dated())
    keyed = [operation for operation in dated if operation.keyed]
    trends = {operation.name: columns for operation in dated if (columns := _numbers(operation))}
    fields = sorted(set().union(*(operation.keyed for operation in keyed)))
    keys = [
        _select(
            items,
            [operation.name for operation in keyed if field in operation.keyed],
            field,
            {"key": "integer", "value": "integer"},
            quote,
            [f"'{field}' AS users"],
        )
        for field in fields
    ]
    columns = {name: kind for each in trends.values() for name, kind in each.items()}
    return {
        "history_keys": " UNION ALL ".join(keys),
        "history_trends": _select(items, list(trends), "list", columns, quote),
    }


def _select(  # noqa: PLR0913 - the parts of a SELECT
    items: _Items,
    apis: list[str],
    field: str,
    columns: Mapping[str, str],
    quote: Any,
    more: list[str] | None = None,
) -> str:
    types = {name: _TYPES[kind] for name, kind in columns.items()}
    declared = ", ".join(f"`{name}` {kind} PATH '$.{name}'" for name, kind in types.items())
    selected = [f"w.{name}" for name in _COMMON] + (more or [])
    selected += [
        f"{items.number.format(name=name, type=kind)} AS {quote(name)}"
        for name, kind in types.items()
    ]
    table = items.table.format(field=field, columns=declared)
    listed = ", ".join(f"'{api}'" for api in apis)
    return (
        f"SELECT {', '.join(selected)} FROM history_windows AS w, {table} "  # noqa: S608 - own names
        f"WHERE w.api IN ({listed})"
    )


def _dated() -> Iterator[Operation]:
    catalogue = default_catalogue()
    for name, outline in catalogue.outlines.items():
        if outline.simulated:
            yield catalogue[name]


def _numbers(operation: Operation) -> dict[str, str]:
    """Return the numbers in the rows of a trend, with their types; empty for another answer."""
    response = operation.schema("https", "response")
    if "ref_date" in response["properties"] or "list" not in response["properties"]:
        return {}
    row = resolved(response["properties"]["list"]["items"], response)
    return {
        name: field["type"]
        for name, field in row["properties"].items()
        if field.get("type") in _TYPES
    }
