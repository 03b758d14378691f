"""The faults that are in force, and what a request that one strikes is answered."""

import random
import threading
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple

from flask import Response

from cloud_openapi.emulator.errors import NotHereError, PlatformError, RefusalError, text_at
from cloud_openapi.emulator.overrides.broken_responses import INSTEAD, spoiled
from cloud_openapi.emulator.overrides.caller import Caller, Owner
from cloud_openapi.emulator.overrides.fault import Fault, FaultTargets, checked_fault
from cloud_openapi.emulator.state.tokens import Tokens
from cloud_openapi.fibers import pause

_ERRORS: Final = {"quota": 45009, "not_ready": 61503}


class Faults:
    """Every fault in force, by number; each mini program has its own. Safe between threads.

    ``owner_of`` returns the mini program of an appid; that of None has the faults for all.
    """

    def __init__(self, owner_of: Callable[[str | None], Owner], targets: FaultTargets) -> None:
        self._owner_of = owner_of
        self._targets = targets
        self._data_paths = frozenset(targets.apis.values())
        self._lock = threading.Lock()
        self._number = 0
        self._by_number: dict[int, Fault] = {}

    def __bool__(self) -> bool:
        return bool(self._by_number)

    @property
    def active(self) -> tuple[Fault, ...]:
        """Return the faults that were not seen to end, the oldest first."""
        return tuple(self._by_number.copy().values())

    def add(self, definition: Mapping[str, Any]) -> Fault:
        """Inject a fault. Raises ValueError, which says what is allowed."""
        given = checked_fault(
            definition, self._targets, lambda appid: self._owner_of(appid).clock.now()
        )
        path = given.get("path") or self._targets.apis.get(given.get("api", ""))
        with self._lock:
            owner = self._owner_of(given.get("appid"))
            self._number += 1
            # A generator of its own: other mini programs' requests must not change its dice.
            chance = random.Random(owner.streams.draw("fault", 16))  # noqa: S311 - repeatable
            fault = Fault(self._number, given, path, chance, owner)
            self._by_number[fault.id] = fault
            owner.faults.append(fault)
        return fault

    def remove(self, number: int) -> None:
        """Remove one fault. Raises KeyError, if it is not in force."""
        if not self._remove(lambda fault: fault.id == number):
            raise NotHereError(f"fault {number}")

    def clear(self) -> None:
        """Remove every fault."""
        self._remove(lambda _: True)

    def clear_of(self, owner: Owner) -> None:
        """Remove the faults of one mini program."""
        self._remove(lambda fault: fault.owner is owner)

    def reseed(self) -> None:
        """Remove the faults whose dice follow from the common seed; number anew if none is left."""
        self._remove(lambda fault: fault.owner.streams.own_seed is None)
        with self._lock:
            if not self._by_number:
                self._number = 0

    def listed(self) -> tuple[Fault, ...]:
        """Return the faults that have not ended."""
        return tuple(fault for fault in self.active if not fault.over)

    def strike(self, caller: Caller) -> "Struck | None":
        """Return the fault that a request meets, after the sleep of the latency faults it meets."""
        sleeps: list[tuple[Fault, float]] = []
        last: Fault | None = None
        with self._lock:
            for fault in self._meeting(caller.owner):
                if fault.over:
                    self._drop(fault)
                    continue
                answers = fault.kind != "latency"
                if (
                    (answers and last)
                    or not _meets(fault, caller, self._data_paths)
                    or not fault.strikes()
                ):
                    continue
                fault.struck += 1
                if fault.over:
                    self._drop(fault)
                if answers:
                    last = fault
                else:
                    sleeps.append((fault, fault.seconds()))
        for fault, seconds in sleeps:
            pause(seconds, fault.cancelled)
        return None if last is None or last.cancelled.is_set() else Struck(last, caller)

    def _meeting(self, owner: Owner) -> list[Fault]:
        common = self._owner_of(None)
        own = [] if owner is common else owner.faults
        return sorted((*common.faults, *own), key=attrgetter("id"))

    def _drop(self, fault: Fault) -> None:
        fault.owner.faults.remove(fault)
        del self._by_number[fault.id]

    def _remove(self, unwanted: Callable[[Fault], bool]) -> list[Fault]:
        """Remove faults, and return those that had not ended."""
        with self._lock:
            removed = [fault for fault in self._by_number.values() if unwanted(fault)]
            for fault in removed:
                self._drop(fault)
            in_force = [fault for fault in removed if not fault.over]
        for fault in removed:
            fault.cancelled.set()
        return in_force


def _meets(fault: Fault, caller: Caller, data_paths: Collection[str]) -> bool:
    if fault.kind == "not_ready" and caller.path not in data_paths:
        return False
    if fault.path not in {None, caller.path}:
        return False
    if fault.kind == "gateway_error":
        return caller.gateway
    # Without a token there is nothing to revoke, and the fault waits for one.
    return fault.kind != "revoke_token" or caller.token is not None


class Struck(NamedTuple):
    """A request and the fault that it met."""

    fault: Fault
    caller: Caller

    @property
    def instead(self) -> bool:
        """Say whether the fault stands in the place of the answer."""
        return self.fault.kind in INSTEAD

    @property
    def note(self) -> str:
        """Return what the journal says of it."""
        return f"fault {self.fault.id}: {self.fault.kind}"

    def before(self, tokens: Tokens) -> None:
        """Do what comes before the answer. Raises RefusalError, if it is an error."""
        kind = self.fault.kind
        if kind == "revoke_token" and self.caller.token is not None:
            tokens.revoke(self.caller.token)
        code = self.fault.definition.get("errcode", _ERRORS.get(kind))
        if kind == "gateway_error":
            raise PlatformError(self.fault.definition["errcode"], self.note)
        if code is not None:
            text = self.fault.definition.get("errmsg")
            if text is None:
                text = text_at(code, self.caller.path, self.caller.address)
            raise RefusalError(code, self.note, text)

    def after(self, response: Response) -> Response:
        """Return the answer as the fault leaves it."""
        return spoiled(response, self.fault.kind, self.fault.definition)
