"""The contract of every API: its schemas in both forms, their violations and their changes."""

from cloud_openapi.contract._compatibility import Break, compare, earlier_catalogue
from cloud_openapi.contract._contract import Contract, assert_contract, schema, violations
from cloud_openapi.contract._deviations import changes_since, not_proposed
from cloud_openapi.contract._drift import Change, changes_between, describe_changes
from cloud_openapi.contract._explain import Part, Violation
from cloud_openapi.contract._finding import Case, Check, Finding
from cloud_openapi.contract._functions import FunctionCheck
from cloud_openapi.contract._observed import Observed
from cloud_openapi.contract._propose import proposals, write_proposals
from cloud_openapi.contract._report import Report, add_comparison, render
from cloud_openapi.contract._verify import Verification, verify

__all__ = [
    "Break",
    "Case",
    "Change",
    "Check",
    "Contract",
    "Finding",
    "FunctionCheck",
    "Observed",
    "Part",
    "Report",
    "Verification",
    "Violation",
    "add_comparison",
    "assert_contract",
    "changes_between",
    "changes_since",
    "compare",
    "describe_changes",
    "earlier_catalogue",
    "not_proposed",
    "proposals",
    "render",
    "schema",
    "verify",
    "violations",
    "write_proposals",
]
