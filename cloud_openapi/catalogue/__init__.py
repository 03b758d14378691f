"""The catalogue: every API as data, one JSON file each, in its HTTPS form."""

from cloud_openapi.catalogue._cloud_calls import cloud_calls, meant_call
from cloud_openapi.catalogue._error import error_schema
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
from cloud_openapi.catalogue._states import STATES, State, state_of
from cloud_openapi.catalogue._written import FOLDER, pack

__all__ = [
    "DATE_FORMAT_ERROR",
    "FOLDER",
    "SAME_AS",
    "STATES",
    "Catalogue",
    "DateRange",
    "DateWindow",
    "Form",
    "Operation",
    "Outline",
    "Rule",
    "RuleViolation",
    "Side",
    "State",
    "Table",
    "TimeRange",
    "cloud_calls",
    "default_catalogue",
    "documented_calls",
    "entries",
    "entry_schema",
    "error_schema",
    "meant_call",
    "pack",
    "put_value",
    "state_of",
    "without_entry",
]
