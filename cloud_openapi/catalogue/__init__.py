"""The catalogue: every API as data, one JSON file each, in its HTTPS form."""

from cloud_openapi.catalogue._loader import (
    SAME_AS,
    Catalogue,
    Outline,
    default_catalogue,
    documented_calls,
    entries,
    entry_schema,
    without_entry,
)
from cloud_openapi.catalogue._operation import Form, Operation, Side, Table
from cloud_openapi.catalogue._rules import (
    DATE_FORMAT_ERROR,
    DateRange,
    DateWindow,
    Rule,
    RuleViolation,
    TimeRange,
    put_value,
)
from cloud_openapi.catalogue._written import FOLDER, pack

__all__ = [
    "DATE_FORMAT_ERROR",
    "FOLDER",
    "SAME_AS",
    "Catalogue",
    "DateRange",
    "DateWindow",
    "Form",
    "Operation",
    "Outline",
    "Rule",
    "RuleViolation",
    "Side",
    "Table",
    "TimeRange",
    "default_catalogue",
    "documented_calls",
    "entries",
    "entry_schema",
    "pack",
    "put_value",
    "without_entry",
]
