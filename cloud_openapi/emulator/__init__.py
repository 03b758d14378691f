"""A local emulator of WeChat's APIs: `create_app` and its state, `Emulator`."""

from cloud_openapi.emulator.app import create_app
from cloud_openapi.emulator.cloudbase.timers import Timers
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.environment import emulator_variables, gateway_variables
from cloud_openapi.emulator.openapi.document import openapi_document
from cloud_openapi.emulator.server.foreign_requests import Access
from cloud_openapi.emulator.server.server import Server, listen, listen_all, url_at, url_of
from cloud_openapi.emulator.state.clock import Clock
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.mode import Mode

__all__ = [
    "Access",
    "Clock",
    "Emulator",
    "Entry",
    "Mode",
    "Server",
    "Timers",
    "create_app",
    "emulator_variables",
    "gateway_variables",
    "listen",
    "listen_all",
    "openapi_document",
    "url_at",
    "url_of",
]
