"""The faults in force, and how a fault changes the answer to a request."""

import random
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from flask import Response

from cloud_openapi.emulator.errors import NotFoundError, PlatformError, RefusalError, text_at
from cloud_openapi.emulator.overrides.broken_responses import REPLACING, broken
from cloud_openapi.emulator.overrides.caller import Caller, Owner
from cloud_openapi.emulator.overrides.fault import Fault, FaultTargets, checked_fault
from cloud_openapi.emulator.state.tokens import Tokens
from cloud_openapi.fibers import pause
from cloud_openapi.forks import fork_safe

_ERRORS: Final = {"quota": 45009, "not_ready": 61503}


class Faults:
    """All faults in force, by number. Safe to share between threads.

    ``owner_of`` returns the owner of the faults of an appid; None owns those for all.
    """

    def __init__(self, owner_of: Callable[[str | None], Owner], targets: FaultTargets) -> None:
        self._owner_of = owner_of
        self._targets = targets
        self._lock = fork_safe(threading.Lock())
        self._number = 0
        self._by_number: dict[int, Fault] = {}

    def __bool__(self) -> bool:
        return bool(self._by_number)

    @property
    def active(self) -> tuple[Fault, ...]:
        """Return all faults not yet removed, oldest first; some may have ended already."""
        return tuple(self._by_number.copy().values())

    def add(self, definition: Mapping[str, Any]) -> Fault:
        """Inject a fault. Raises ValueError with the allowed values."""
        given = checked_fault(
            definition, self._targets, lambda appid: self._owner_of(appid).clock.now()
        )
        path = given.get("path") or self._targets.apis.get(given.get("api", ""))
        with self._lock:
            owner = self._owner_of(given.get("appid"))
            self._number += 1
            # Its own generator: requests of other mini programs must not change its results.
            generator = random.Random(owner.streams.draw("fault", 16))  # noqa: S311 - repeatable
            errors = self._targets.errors_of(given)
            fault = Fault(self._number, given, path, generator, owner, errors)
            self._by_number[fault.id] = fault
            owner.faults.append(fault)
        return fault

    def remove(self, number: int) -> None:
        """Remove one fault. Raises KeyError if it is not in force."""
        if not self._remove(lambda fault: fault.id == number):
            raise NotFoundError(f"fault {number}")

    def clear(self) -> None:
        """Remove every fault."""
        self._remove(lambda _: True)

    def clear_of(self, owner: Owner) -> None:
        """Remove the faults of one mini program."""
        self._remove(lambda fault: fault.owner is owner)

    def reseed(self) -> None:
        """Remove the faults that use the common seed; number from 1 again if no fault is left."""
        self._remove(lambda fault: fault.owner.streams.own_seed is None)
        with self._lock:
            if not self._by_number:
                self._number = 0

    def listed(self) -> tuple[Fault, ...]:
        """Return the faults that have not ended."""
        return tuple(fault for fault in self.active if not fault.over)

    def apply(self, caller: Caller) -> "AppliedFault | None":
        """Sleep for the latency faults that match a request; return them with the first other."""
        sleeps: list[tuple[Fault, float]] = []
        first: Fault | None = None
        with self._lock:
            for fault in self._faults_for(caller.owner):
                if fault.over:
                    self._drop(fault)
                    continue
                sleeps_only = fault.kind == "latency"
                if (
                    (first and not sleeps_only)
                    or not _matches(fault, caller, self._targets.dated)
                    or not fault.strikes()
                ):
                    continue
                fault.struck += 1
                if fault.over:
                    self._drop(fault)
                if sleeps_only:
                    sleeps.append((fault, fault.seconds()))
                else:
                    first = fault
        for fault, seconds in sleeps:
            pause(seconds, fault.cancelled)
        struck = [fault for fault, _ in sleeps]
        if first is not None and not first.cancelled.is_set():
            struck.append(first)
        return AppliedFault(struck[-1], caller, struck) if struck else None

    def _faults_for(self, owner: Owner) -> list[Fault]:
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


def _matches(fault: Fault, caller: Caller, data_paths: Collection[str]) -> bool:
    if fault.kind == "not_ready" and caller.path not in data_paths:
        return False
    if fault.path not in {None, caller.path}:
        return False
    if fault.kind == "gateway_error":
        return caller.gateway
    # Only a request with a valid token uses up a fault that revokes one.
    return fault.kind != "revoke_token" or caller.token is not None


class AppliedFault(NamedTuple):
    """A fault and the request that it applies to; ``all`` has the latency faults before it, too."""

    fault: Fault
    caller: Caller
    all: Sequence[Fault]

    @property
    def delays_only(self) -> bool:
        """Return whether the answer is late, but the same as without the fault."""
        return self.fault.kind == "latency"

    @property
    def replaces_answer(self) -> bool:
        """Return whether the fault replaces the whole answer."""
        return self.fault.kind in REPLACING

    @property
    def note(self) -> str:
        """Return the text for the journal, which names each fault that the request met."""
        return ", ".join(fault.name for fault in self.all)

    def before(self, tokens: Tokens) -> None:
        """Revoke the token, or raise RefusalError or PlatformError, as the fault's kind demands."""
        kind = self.fault.kind
        if kind == "revoke_token" and self.caller.token is not None:
            tokens.revoke(self.caller.token)
        code = self.fault.definition.get("errcode", _ERRORS.get(kind))
        if kind == "gateway_error":
            raise PlatformError(self.fault.definition["errcode"], self.note)
        if code is not None:
            text = self.fault.definition.get("errmsg")
            if text is None:
                text = text_at(code, self.caller.path, self.caller.address, self.fault.errors)
            raise RefusalError(code, self.note, text)

    def after(self, response: Response) -> Response:
        """Return the response, broken if the fault breaks responses."""
        return broken(response, self.fault.kind, self.fault.definition)
