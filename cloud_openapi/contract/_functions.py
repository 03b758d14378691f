"""Invoke functions with recorded requests, and compare their results with the responses."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.contract._contract import Contract
from cloud_openapi.contract._emulation import moments_of
from cloud_openapi.contract._finding import Finding
from cloud_openapi.contract._sent import params_of
from cloud_openapi.emulator import Emulator
from cloud_openapi.json_schema.fields import fields_of
from cloud_openapi.json_schema.paths import anywhere
from cloud_openapi.json_schema.shape import differences, shape_of
from cloud_openapi.json_schema.values import error_code, shown, to_cloud
from cloud_openapi.naming import to_camel_case
from cloud_openapi.permissions import Permissions
from cloud_openapi.recordings import Interaction
from cloud_openapi.runtime import Functions

if TYPE_CHECKING:
    from cloud_openapi.contract._explain import Part

_OK = 200


class FunctionCheck:
    """Compares each function whose config.json allows one API with that API's recordings.

    The event is the recorded request in camelCase. The functions must call the emulator, which
    answers the recorded request with the recorded response. All other calls are answered by the
    simulation and counted separately.
    """

    def __init__(self, catalogue: Catalogue, functions: Functions, emulator: Emulator) -> None:
        self._contract = Contract(catalogue)
        self._functions = functions
        self._emulator = emulator
        self.notes: Counter[str] = Counter()
        self._by_api = self._assigned(catalogue)

    def findings(self, operation: Operation, interaction: Interaction) -> Iterator[Finding]:
        """Yield the violations and the differences from the recording in functions' results."""
        sent, recorded = params_of(operation, interaction), interaction.response_json
        # The JSON of an event cannot carry a file.
        if operation.files or not isinstance(sent, dict) or not isinstance(recorded, dict):
            return
        expected = to_cloud(operation.name, recorded)
        for name in self._by_api.get(operation.name, ()):
            who = f"function {name}"
            result, status = self._invoke(name, operation, interaction)
            if status != _OK:
                yield Finding(who, "$", f"expected a result, got {result['errorMessage']}")
                continue
            for path, text in self._against(operation, expected, result):
                yield Finding(who, path, text)

    def _invoke(self, name: str, operation: Operation, interaction: Interaction) -> tuple[Any, int]:
        sent = params_of(operation, interaction)
        pin = self._emulator.pins.add(
            {
                "api": operation.name,
                "request": sent,
                "response": interaction.response_json,
                "force": True,
            }
        )
        moments = moments_of(operation, interaction)
        if moments:
            self._emulator.clock.freeze(moments[0])
        try:
            now = self._emulator.clock.now()
            outcome = self._functions.invoke(name, to_camel_case(sent), now)
        finally:
            self._emulator.pins.remove(pin.id)
        source = "the recorded response" if pin.given else "the simulation (another request)"
        self.notes[f"invocations of {name} answered with {source}"] += 1
        return outcome.result, outcome.status

    def _against(
        self, operation: Operation, expected: Any, result: Any
    ) -> Iterator[tuple[str, str]]:
        code, got = error_code(expected), error_code(result)
        if code != got:
            outcomes = [f"error {each}" if each else "an answer" for each in (code, got)]
            yield "$", f"expected {outcomes[0]}, got {outcomes[1]}"
            return
        if not isinstance(result, dict):
            yield "$", f"expected a JSON object, got {shown(result)}"
            return
        side: Part = "error" if code else "response"
        broken = self._contract.violations(result, operation.name, "cloud", side)
        for found in broken:
            yield anywhere(found.path), found.text
        if not broken and not code:
            documented = fields_of(operation.schema("cloud", "response"))
            yield from differences(shape_of(expected), shape_of(result), documented)

    def _assigned(self, catalogue: Catalogue) -> dict[str, list[str]]:
        """Return the functions that may call exactly one API, by that API."""
        found: dict[str, list[str]] = {}
        for name in self._functions:
            permissions = Permissions.load(self._functions.folder / name / "config.json")
            allowed = [api for api in catalogue if api in permissions]
            if len(allowed) == 1:
                found.setdefault(allowed[0], []).append(name)
            else:
                self.notes[f"function {name} may call {len(allowed)} APIs, not checked"] += 1
        return found
