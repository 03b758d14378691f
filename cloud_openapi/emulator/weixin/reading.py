"""The numbers of a mini program, read as a call gets them, but without a call's effects."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.sources.source import Sent
from cloud_openapi.emulator.weixin.respond import Rename
from cloud_openapi.emulator.weixin.simulated import Simulated
from cloud_openapi.errors import NoMatchError
from cloud_openapi.json_schema.values import error_code
from cloud_openapi.wire import https_form


class Reading(NamedTuple):
    """A body without an error code, and its source."""

    body: dict[str, Any]
    source: str


class Reader:
    """Reads one API about a period.

    A reading has the answer that a call gets now: the pin's, the recording's, WeChat's example or
    the simulation's. It spends no quota, pin or recording, meets no fault and is not in the
    journal. The real service is not asked: in the modes ``record`` and ``diff`` the simulation
    answers.
    """

    rename: Rename = staticmethod(str)

    def __init__(self, emulator: Emulator, api: str) -> None:
        self._emulator = emulator
        self.operation = emulator.catalogue[api]
        self._simulated = Simulated(self.operation)

    def read(self, program: MiniProgram, params: dict[str, Any], now: datetime) -> Reading:
        """Return the answer to a request.

        Raises RefusalError for an error's answer, and NoMatchError without a recording in mode
        ``replay``.
        """
        pinned = self._emulator.pins.peek(program, self.operation.name, params)
        if pinned is not None:
            return _reading(pinned.body, pinned.source)
        recordings = self._emulator.modes.recordings
        if recordings is not None:
            sent = Sent("", https_form.JSON_TYPE, json.dumps(params).encode())
            operation = self.operation
            found = recordings.peek(operation.method, sent.target(operation.path), sent.body)
            if found is not None:
                return _reading(found.response_json, "recording")
            if self._emulator.modes.mode == "replay":
                raise NoMatchError("there is no recording of this request")
        answer = self._simulated(self, params, program, now)
        return _reading(answer.body, answer.source)


def _reading(body: Any, source: str) -> Reading:
    code = error_code(body)
    if code:
        raise RefusalError(code, source, str(body.get("errmsg", "")))
    return Reading(body if isinstance(body, dict) else {}, source)
