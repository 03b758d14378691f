from collections.abc import Mapping
from typing import NamedTuple

from flask import Flask, request
from werkzeug.datastructures import Headers
from werkzeug.test import Client

from cloud_openapi.emulator.cloudbase.timers import Timers
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.runtime import Functions


class Sent(NamedTuple):
    """The answer to a request that the console has sent."""

    status: int
    headers: Headers
    body: bytes


class Tools(NamedTuple):
    """The objects that the pages, ``/_emulator`` and the Python API use.

    ``functions`` and ``timers`` are None for an emulator without functions.
    """

    emulator: Emulator
    functions: Functions | None
    timers: Timers | None
    app: Flask

    def send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Sent:
        """Send a request into the emulator's application, as a client on this machine."""
        client = Client(self.app)
        answer = client.open(
            path,
            method=method,
            query_string=query,
            data=body,
            headers=dict(headers or {}),
            # Hints name the address under which the browser has found the emulator.
            base_url=request.root_url.removesuffix(request.script_root + "/") + "/",
        )
        return Sent(answer.status_code, answer.headers, answer.get_data())
