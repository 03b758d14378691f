"""Why a request was answered so, and what would change the answer."""

import re
import shlex
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from flask import request

from cloud_openapi.catalogue import Operation, Rule, RuleViolation
from cloud_openapi.emulator.console.forms import Params
from cloud_openapi.emulator.console.snippets import token_command
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.reasons import control_command
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.runtime import shown_path

_OVERRIDE: Final = re.compile(r"(fault|pin) (\d+)(?:: (\w+)|,|$)")
_DENIED: Final = -604101
_NOT_READY: Final = 61503
_LIMITS: Final = {"quota": "--daily-limit", "minute quota": "--minute-limit"}


class Override(NamedTuple):
    """A fault or a pin in force that made an answer."""

    kind: str
    number: int
    definition: Mapping[str, Any]


class MissingPermission(NamedTuple):
    """An API that a function lacks in its config.json."""

    file: str
    api: str


class Dates(NamedTuple):
    """Dates that a rule accepts, and the parameters in WeChat's spelling with them."""

    begin: str | int
    end: str | int
    values: dict[str, Any]


class Why(NamedTuple):
    """The means to satisfy the check that refused a request; None or empty if unknown."""

    override: Override | None
    is_over: bool
    """Whether the fault or pin that made the answer is no longer in force."""
    permission: MissingPermission | None
    command: str
    dates: Dates | None


def why(tools: Tools, entry: Entry, operation: Operation | None, params: Params | None) -> Why:
    """Return what would satisfy the check that refused a request."""
    override = _override(tools, entry)
    return Why(
        override=override,
        is_over=override is None and _OVERRIDE.search(entry.check) is not None,
        permission=_permission(tools, entry),
        command=_command(entry),
        dates=_right_dates(tools, entry, operation, params),
    )


def _override(tools: Tools, entry: Entry) -> Override | None:
    found = list(_OVERRIDE.finditer(entry.check))
    if not found:
        return None
    # A delay comes beside the override that changed the answer.
    cause = next((each for each in found if each[3] != "latency"), found[0])
    kind, number = cause[1], int(cause[2])
    listed = tools.emulator.faults.listed() if kind == "fault" else tools.emulator.pins.listed()
    definitions = (each.describe() for each in listed if each.id == number)
    return next((Override(kind, number, one) for one in definitions), None)


def _permission(tools: Tools, entry: Entry) -> MissingPermission | None:
    functions, function, api = tools.functions, entry.function, entry.api
    if functions is None or function is None or api is None or entry.errcode != _DENIED:
        return None
    if function not in functions or api in functions.permissions_of(function):
        return None
    return MissingPermission(
        shown_path(functions.settings_of(function).folder / "config.json"), api
    )


def _command(entry: Entry) -> str:
    """Return a command to paste that satisfies a check of the token or of a quota."""
    if entry.check == "access_token":
        return token_command()
    limit = _LIMITS.get(entry.check)
    if limit is None or entry.appid is None:
        return ""
    words = f"app set {shlex.quote(entry.appid)} {limit} {shlex.quote(entry.path)}=none"
    # Whatever ends later, this page is there while the emulator runs.
    return control_command(request.environ, words)


def _right_dates(
    tools: Tools, entry: Entry, operation: Operation | None, params: Params | None
) -> Dates | None:
    program = tools.emulator.programs.get(entry.appid or "")
    if operation is None or params is None or program is None:
        return None
    for rule in operation.rules:
        if entry.errcode == _NOT_READY or entry.errcode in rule.CODES:
            return _with_dates(rule, params.values, program)
    return None


def _with_dates(rule: Rule, values: dict[str, Any], program: MiniProgram) -> Dates | None:
    """Return the nearest dates whose data are ready, None if the parameters have them."""
    now = program.clock.now()
    known = {**dict.fromkeys((rule.begin, rule.end)), **values}
    begin, end = rule.nearest(known, program.first_day_not_ready(now))
    changed = _changed(_changed(values, rule.begin, begin), rule.end, end)
    right = not isinstance(rule.check(changed, now.date()), RuleViolation)
    return Dates(begin, end, changed) if right and changed != values else None


def _changed(values: Mapping[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    name, _, rest = dotted.partition(".")
    if not rest:
        return {**values, name: value}
    inner = values.get(name)
    return {**values, name: _changed(inner if isinstance(inner, Mapping) else {}, rest, value)}
