"""Check functions for what the platform refuses, or does otherwise."""

from cloud_openapi.runtime.check._config_edit import apply_fixes
from cloud_openapi.runtime.check._finding import Finding, Fix, Place
from cloud_openapi.runtime.check._functions import check_functions
from cloud_openapi.runtime.check._loading import check_loading
from cloud_openapi.runtime.check._outside import references_outside

__all__ = [
    "Finding",
    "Fix",
    "Place",
    "apply_fixes",
    "check_functions",
    "check_loading",
    "references_outside",
]
