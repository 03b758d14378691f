"""Check functions for what the platform refuses, or does otherwise."""

from cloud_openapi.runtime.check._config_edit import apply_fixes, fixed_text
from cloud_openapi.runtime.check._finding import Finding, Fix, Place
from cloud_openapi.runtime.check._functions import check_functions
from cloud_openapi.runtime.check._loading import check_loading
from cloud_openapi.runtime.check._outside import references_outside
from cloud_openapi.runtime.check._permissions import Calls, calls_of

__all__ = [
    "Calls",
    "Finding",
    "Fix",
    "Place",
    "apply_fixes",
    "calls_of",
    "check_functions",
    "check_loading",
    "fixed_text",
    "references_outside",
]
