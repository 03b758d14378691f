"""The public names, for `cloud_openapi.runtime`, which imports them when one is first used."""

from cloud_openapi.runtime._cloudbaserc import CloudbaseRC
from cloud_openapi.runtime._context import (
    ENVIRONMENT,
    Credentials,
    Invocation,
    StandIn,
    new_request_id,
)
from cloud_openapi.runtime._descriptors import no_descriptor, reason_of
from cloud_openapi.runtime._discovery import UnknownFunctionError, refused_name
from cloud_openapi.runtime._files import shown_path
from cloud_openapi.runtime._functions import Functions
from cloud_openapi.runtime._invocation import MOST_BYTES
from cloud_openapi.runtime._log import Line, Log
from cloud_openapi.runtime._moved_clock import MovedClock
from cloud_openapi.runtime._outcome import LARGE_EVENT, Ended, Outcome, error_line
from cloud_openapi.runtime._packages import install as install_packages
from cloud_openapi.runtime._preload import is_gateway_host, is_weixin_host, isolated
from cloud_openapi.runtime._project import (
    Project,
    find_project,
    functions_option,
    missing_entry,
    nothing_found,
)
from cloud_openapi.runtime._readable_log import readable_log
from cloud_openapi.runtime._settings import LANGUAGE_NAMES, Settings, entry_file, is_web
from cloud_openapi.runtime._timer import Timer
from cloud_openapi.runtime._worker_command import Debug

__all__ = [
    "ENVIRONMENT",
    "LANGUAGE_NAMES",
    "LARGE_EVENT",
    "MOST_BYTES",
    "CloudbaseRC",
    "Credentials",
    "Debug",
    "Ended",
    "Functions",
    "Invocation",
    "Line",
    "Log",
    "MovedClock",
    "Outcome",
    "Project",
    "Settings",
    "StandIn",
    "Timer",
    "UnknownFunctionError",
    "entry_file",
    "error_line",
    "find_project",
    "functions_option",
    "install_packages",
    "is_gateway_host",
    "is_web",
    "is_weixin_host",
    "isolated",
    "missing_entry",
    "new_request_id",
    "no_descriptor",
    "nothing_found",
    "readable_log",
    "reason_of",
    "refused_name",
    "shown_path",
]
