"""The answers of the simulated mini program."""

from datetime import date, datetime
from typing import Any, Protocol

from cloud_openapi.catalogue import Operation, RuleViolation
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.overrides.pins import RequestTable
from cloud_openapi.emulator.simulation.answer import simulate
from cloud_openapi.emulator.weixin.request_check import request_check
from cloud_openapi.emulator.weixin.respond import Answer, Rename
from cloud_openapi.periods import write_day


class Asked(Protocol):
    """The part of a call that its answer uses."""

    @property
    def rename(self) -> Rename:
        """Return the function that returns a parameter's name as the caller wrote it."""
        ...


class Simulated:
    """Answers an API about a period: WeChat's examples, else the simulated numbers."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._require_valid = request_check(operation.schema("https", "request"))
        self._documented = RequestTable[dict[str, Any]]()
        for example in operation.examples:
            self._documented.put(example["request"], example["response"])

    def __call__(
        self, call: Asked, params: dict[str, Any], program: MiniProgram, now: datetime
    ) -> Answer:
        """Answer a call. Raises RefusalError."""
        operation, today = self._operation, now.date()
        period = operation.rules[0].check(params, today)
        if isinstance(period, RuleViolation):
            raise self._refusal(period, call, params, today)
        self._require_valid(params, call.rename)
        if program.lacks_data_of(period, now):
            raise RefusalError(61503, "readiness", reason=_not_ready(program, period.end))
        for example in self._documented.find(params):
            return Answer(example, "documented example")
        first_missing = program.first_day_not_ready(now)
        body = simulate(operation, program.world, period, first_missing, params)
        return Answer(body, "simulation")

    def _refusal(
        self, violation: RuleViolation, call: Asked, params: dict[str, Any], today: date
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
