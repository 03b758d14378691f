"""Find cloud functions in a folder and run them in worker processes."""

from cloud_openapi.runtime._functions import Functions, Outcome
from cloud_openapi.runtime._timer import Timer, read_triggers

__all__ = ["Functions", "Outcome", "Timer", "read_triggers"]
