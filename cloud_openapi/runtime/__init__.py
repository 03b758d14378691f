"""Find cloud functions in a folder and run them in worker processes."""

from cloud_openapi.runtime._functions import Functions, Outcome

__all__ = ["Functions", "Outcome"]
