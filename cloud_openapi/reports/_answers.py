"""Answers as rows: read with care, since recordings, pins and newer services may be odd."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from cloud_openapi.catalogue import Operation
from cloud_openapi.json_schema.rows import objects, rows_of
from cloud_openapi.json_schema.values import is_number
from cloud_openapi.periods import Period

_LARGEST: Final = 10**15


class Answer(NamedTuple):
    """A window and its answer in the HTTPS form, or the reason why there is none.

    ``asked`` is the day of the answer, None for one of today.
    """

    period: Period
    body: Mapping[str, Any]
    problem: str = ""
    asked: date | None = None


def records(operation: Operation, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return an answer as flat rows, by WeChat's names; see `rows_of`."""
    return list(rows_of(body, operation.schema("https", "response")))


def retained(body: Mapping[str, Any], field: str) -> dict[int, int]:
    """Return the numbers of users by key of a retention's list."""
    return {
        each["key"]: each["value"]
        for each in objects(body.get(field))
        if isinstance(each.get("key"), int)
        and isinstance(each.get("value"), int)
        and is_shown(each["value"])
    }


def is_shown(value: Any) -> bool:
    """Return whether a JSON value is a number that a chart can show."""
    return is_number(value, -_LARGEST, _LARGEST)


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the fields of some rows, in the order in which they are met."""
    return list(dict.fromkeys(name for row in rows for name in row))
