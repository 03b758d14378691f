"""What an API answers, by whichever way it was called."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from jsonschema_rs import Draft202012Validator

from cloud_openapi.catalogue import Operation, Violation
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.overrides.pins import RequestTable
from cloud_openapi.emulator.simulation.answer import simulate
from cloud_openapi.emulator.weixin.respond import Answer, Call

Read = Callable[[], dict[str, Any]]
Operate = Callable[[Call, str, Read], Answer]
"""Takes a call, the mini program that asks, and what reads the parameters. Raises RefusalError."""


def operate(operation: Operation, emulator: Emulator) -> Operate:
    """Return what answers an API: quota, pins, parameters and their dates, then the numbers."""
    require_valid = _validator(operation.schema("https", "request"))
    documented = RequestTable[dict[str, Any]]()
    for example in operation.examples:
        documented.put(example["request"], example["response"])

    def answer(call: Call, appid: str, read: Read) -> Answer:
        now = emulator.now(appid)
        call.now = call.now or now
        emulator.quota.spend(appid, operation.path, now)
        ask = emulator.modes.ask
        if ask is None:
            return simulated(appid, now, read)
        pinned = _pinned(emulator, appid, operation, read)
        if pinned is not None:
            return pinned
        given = ask(operation, call.body_to_keep(), lambda: simulated(appid, now, read).body)
        return simulated(appid, now, read) if given is None else Answer(*given)

    def simulated(appid: str, now: datetime, read: Read) -> Answer:
        params = read()
        pinned = emulator.pins.answer(appid, operation.name, params)
        if pinned is not None:
            return Answer(*pinned)
        today = now.date()
        period = operation.rules[0].check(params, today)
        if isinstance(period, Violation):
            raise RefusalError(period.code, period.reason)
        require_valid(params)
        counted = emulator.readiness.day_begun(appid, now)
        # Over, but not counted yet. What reaches into today is answered as far as it goes.
        if counted <= period.end < today:
            raise RefusalError(61503, "readiness")
        for example in documented.find(params):
            return Answer(example, "documented example")
        body = simulate(operation, emulator.world(appid), period, counted, params)
        return Answer(body, "simulation")

    return answer


def _pinned(emulator: Emulator, appid: str, operation: Operation, read: Read) -> Answer | None:
    """Return the pinned answer; recordings may well be of a body that cannot be read."""
    try:
        params = read()
    except RefusalError:
        return None
    pinned = emulator.pins.answer(appid, operation.name, params)
    return None if pinned is None else Answer(*pinned)


def _validator(schema: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    valid = Draft202012Validator(schema).is_valid

    def require_valid(params: dict[str, Any]) -> None:
        try:
            is_valid = valid(params)
        except UnicodeEncodeError:
            raise RefusalError(47001, "half of a surrogate pair") from None
        if not is_valid:
            raise RefusalError(47001, _explain(schema, params))

    return require_valid


def _explain(schema: dict[str, Any], params: dict[str, Any]) -> str:
    """Say what the schema has against the parameters."""
    # The library that decides is fast; this one explains, and is loaded for that only.
    from jsonschema import Draft202012Validator, exceptions  # noqa: PLC0415

    error = exceptions.best_match(Draft202012Validator(schema).iter_errors(params))
    return "schema" if error is None else f"{error.json_path}: {error.validator}"
