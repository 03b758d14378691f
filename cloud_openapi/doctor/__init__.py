"""Find out why calls of this machine or a function fail, and what to do."""

from cloud_openapi.doctor._finding import Finding, State
from cloud_openapi.doctor._function import of_function
from cloud_openapi.doctor._machine import of_machine, read_settings
from cloud_openapi.doctor._service import of_service

__all__ = ["Finding", "State", "of_function", "of_machine", "of_service", "read_settings"]
