"""The answer of an API of the catalogue, over HTTPS or through the gateway."""

from collections.abc import Callable
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

from jsonschema_rs import Draft202012Validator

from cloud_openapi.catalogue import DATE_FORMAT_ERROR, Operation, RuleViolation
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.overrides.pins import RequestTable
from cloud_openapi.emulator.simulation.answer import simulate
from cloud_openapi.emulator.weixin.respond import INVALID_JSON, Answer, Call, Rename
from cloud_openapi.periods import write_day

# A long list may have an error in each item.
_MOST_ERRORS: Final = 100


class OperationEndpoint:
    """Answers one API: quota, pins, recordings or upstream, parameters, simulation."""

    def __init__(self, operation: Operation, emulator: Emulator) -> None:
        self._operation = operation
        self._emulator = emulator
        self._require_valid = _validator(operation.schema("https", "request"))
        dated = any(DATE_FORMAT_ERROR in rule.CODES for rule in operation.rules)
        self._form_error = DATE_FORMAT_ERROR if dated else INVALID_JSON
        self._documented = RequestTable[dict[str, Any]]()
        for example in operation.examples:
            self._documented.put(example["request"], example["response"])

    def __call__(self, call: Call) -> Answer:
        """Answer a call. Raises RefusalError, SideCarError."""
        operation, program = self._operation, call.authorise(self._operation.method)
        now = program.clock.now()
        program.quota.spend(operation.path, now)
        source = self._emulator.modes.source
        # An unreadable body may have a recording.
        if source is None or call.has_valid_json(self._form_error):
            params = call.params(self._form_error)
            pinned = self._emulator.pins.answer(program, operation.name, params)
            if pinned is not None:
                return Answer(*pinned)
        if source is not None:
            found = source(
                operation, call.journal_body(), lambda: self._simulate(call, program, now).body
            )
            if found is not None:
                return Answer(*found)
        return self._simulate(call, program, now)

    def _simulate(self, call: Call, program: MiniProgram, now: datetime) -> Answer:
        operation, params = self._operation, call.params(self._form_error)
        today = now.date()
        period = operation.rules[0].check(params, today)
        if isinstance(period, RuleViolation):
            raise self._refusal(period, call, params, today)
        self._require_valid(params, call.rename)
        first_missing = program.first_day_not_ready(now)
        # A period that includes today is answered without the missing days.
        if first_missing <= period.end < today:
            raise RefusalError(61503, "readiness", reason=_not_ready(program, period.end))
        for example in self._documented.find(params):
            return Answer(example, "documented example")
        body = simulate(operation, program.world, period, first_missing, params)
        return Answer(body, "simulation")

    def _refusal(
        self, violation: RuleViolation, call: Call, params: dict[str, Any], today: date
    ) -> RefusalError:
        # Loaded on demand: only a failed call is explained.
        from cloud_openapi.emulator.weixin.parameters import explain_rule  # noqa: PLC0415

        reason = explain_rule(self._operation.rules[0], params, today, call.rename)
        return RefusalError(violation.code, violation.reason, reason=reason)


def _not_ready(program: MiniProgram, day: date) -> str:
    return (
        f"the data of {write_day(day)} will be ready today at {program.ready_hour}:00 in Beijing "
        f"(ready_hour of {program.appid}), by the emulator's clock: ask for an earlier period"
    )


def _validator(schema: dict[str, Any]) -> Callable[[dict[str, Any], Rename], None]:
    valid = Draft202012Validator(schema).is_valid

    def require_valid(params: dict[str, Any], rename: Rename) -> None:
        try:
            is_valid = valid(params)
        except UnicodeEncodeError:
            raise RefusalError(47001, "half of a surrogate pair") from None
        if not is_valid:
            raise _refusal(schema, params, rename)

    return require_valid


def _refusal(schema: dict[str, Any], params: dict[str, Any], rename: Rename) -> RefusalError:
    """Return the refusal for the best match of the violations of a schema."""
    # Loaded on demand: jsonschema_rs validates faster, jsonschema explains better.
    from jsonschema import Draft202012Validator, exceptions  # noqa: PLC0415

    from cloud_openapi.emulator.weixin.parameters import explain_schema  # noqa: PLC0415

    errors = Draft202012Validator(schema).iter_errors(params)
    error = exceptions.best_match(islice(errors, _MOST_ERRORS))
    if error is None:
        return RefusalError(47001, "schema")
    check = f"{error.json_path}: {error.validator}"
    return RefusalError(47001, check, reason=explain_schema(error, rename))
