"""The catalogue: every API as data, one JSON file each, in its HTTPS form."""

from cloud_openapi.catalogue._error import error_schema
from cloud_openapi.catalogue._loader import Catalogue, default_catalogue
from cloud_openapi.catalogue._operation import Form, Operation, Side
from cloud_openapi.catalogue._rules import Rule, Violation

__all__ = [
    "Catalogue",
    "Form",
    "Operation",
    "Rule",
    "Side",
    "Violation",
    "default_catalogue",
    "error_schema",
]
