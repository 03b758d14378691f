"""The endpoint of an API of the catalogue, over HTTPS or through the gateway."""

from datetime import datetime
from typing import Any, Protocol

from cloud_openapi.catalogue import DATE_FORMAT_ERROR, Operation
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.weixin.by_example import ByExample
from cloud_openapi.emulator.weixin.request_check import matcher
from cloud_openapi.emulator.weixin.request_fields import INVALID_JSON
from cloud_openapi.emulator.weixin.respond import Answer, Call, Endpoint
from cloud_openapi.emulator.weixin.sent import sent_by
from cloud_openapi.emulator.weixin.simulated import Simulated


class Answering(Protocol):
    """Answers calls of one API that nothing else has answered."""

    def __call__(
        self, call: Call, params: dict[str, Any], program: MiniProgram, now: datetime, /
    ) -> Answer:
        """Answer a call. Raises RefusalError."""
        ...


class OperationEndpoint:
    """Answers one API: quota, pins, recordings or upstream, then the simulation or examples."""

    def __init__(self, operation: Operation, emulator: Emulator) -> None:
        self._operation = operation
        self._emulator = emulator
        self._answer: Answering = (Simulated if operation.rules else ByExample)(operation)
        dated = any(DATE_FORMAT_ERROR in rule.CODES for rule in operation.rules)
        self._form_error = DATE_FORMAT_ERROR if dated else INVALID_JSON

    def __call__(self, call: Call) -> Answer:
        """Answer a call. Raises RefusalError, SideCarError."""
        operation, program = self._operation, call.authorise(self._operation.method)
        call.operation = operation
        now = program.clock.now()
        program.quota.spend(operation.path, now)
        source = self._emulator.modes.source
        # An unreadable body may have a recording.
        if source is None or call.has_valid_json(self._form_error):
            params = call.params(self._form_error)
            pinned = self._emulator.pins.answer(program, call.apis, params)
            if pinned is not None:
                return Answer(*pinned)
        if source is not None:

            def simulate() -> Any:
                return self._answer(call, call.params(self._form_error), program, now).body

            found = source(operation, sent_by(call, operation), simulate)
            if found is not None:
                return Answer(*found)
        return self._answer(call, call.params(self._form_error), program, now)


class Endpoints(dict[str, OperationEndpoint]):
    """The endpoints of the catalogue by the names of the APIs, each made when it is first used."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator

    def __missing__(self, name: str) -> OperationEndpoint:
        endpoint = OperationEndpoint(self._emulator.catalogue[name], self._emulator)
        self[name] = endpoint
        return endpoint


def endpoint_at(path: str, emulator: Emulator) -> Endpoint:
    """Return the endpoint of a path: that of its API, or of the first that a request fits."""
    apis = [emulator.catalogue[name] for name in emulator.apis_at[path]]
    endpoints = [OperationEndpoint(api, emulator) for api in apis]
    if len(endpoints) == 1:
        return endpoints[0]
    fits = [matcher(api.schema("https", "request")) for api in apis]

    def endpoint(call: Call) -> Answer:
        # The token comes before the parameters, as elsewhere.
        call.authorise(apis[0].method)
        call.operation = apis[0]
        params = call.params() if call.has_valid_json(INVALID_JSON) else {}
        numbers = range(len(apis))
        fitting = [n for n in numbers if fits[n](params)] or numbers
        call.apis = [apis[n].name for n in fitting]
        return endpoints[fitting[0]](call)

    return endpoint
