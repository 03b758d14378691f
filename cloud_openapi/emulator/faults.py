"""The faults that are in force, and what a request that one strikes is answered."""

import random
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from flask import Response

from cloud_openapi.emulator.caller import Caller
from cloud_openapi.emulator.clock import Clock
from cloud_openapi.emulator.errors import PlatformError, RefusalError, quota_text
from cloud_openapi.emulator.fault import Fault, Known, checked
from cloud_openapi.emulator.spoil import INSTEAD, spoiled
from cloud_openapi.emulator.tokens import Tokens

_ERRORS: Final = {"quota": 45009, "not_ready": 61503}


class Faults:
    """Every fault that is in force, the oldest first. Safe to share between threads."""

    def __init__(self, seed: int, clock: Clock, known: Known) -> None:
        self._clock = clock
        self._known = known
        self._lock = threading.Lock()
        self._number = 0
        self.seed = seed
        self.active: tuple[Fault, ...] = ()
        """Empty almost always, which is all that a request then asks."""

    def add(self, definition: Mapping[str, Any]) -> Fault:
        """Put a fault in force. Raises ValueError, which says what is allowed."""
        given = checked(definition, self._known, self._clock.now())
        path = given.get("path") or self._known.apis.get(given.get("api", ""))
        with self._lock:
            self._number += 1
            # Its own, so that other mini programs' requests do not change who is struck.
            chance = random.Random(f"{self.seed}/{self._number}")  # noqa: S311 - repeatable
            fault = Fault(self._number, given, path, chance)
            self.active = (*self.active, fault)
        return fault

    def remove(self, number: int) -> None:
        """Take one fault back. Raises KeyError, if it is not in force."""
        if not any(fault.id == number for fault in self.listed()):
            raise KeyError(number)
        self._keep(lambda fault: fault.id != number)

    def clear(self, appid: str | None = None) -> None:
        """Take back the faults of one mini program, or all of them."""
        self._keep(lambda fault: appid not in {None, fault.appid})

    def reset(self, seed: int) -> None:
        """Take back all faults, and count and roll the dice from the start again."""
        self.clear()
        with self._lock:
            self.seed, self._number = seed, 0

    def listed(self) -> tuple[Fault, ...]:
        """Return the faults that have not ended."""
        now = self._clock.now()
        return tuple(fault for fault in self.active if not fault.over(now))

    def strike(self, caller: Caller) -> "Struck | None":
        """Return the fault that this request meets, having slept for those that are latency."""
        sleeps: list[tuple[Fault, float]] = []
        last: Fault | None = None
        with self._lock:
            for fault in self.listed():
                answers = fault.kind != "latency"
                if (answers and last) or not _meets(fault, caller) or not fault.strikes():
                    continue
                fault.struck += 1
                if answers:
                    last = fault
                else:
                    sleeps.append((fault, fault.seconds()))
            self.active = self.listed()
        for fault, seconds in sleeps:
            fault.cancelled.wait(seconds)
        return None if last is None or last.cancelled.is_set() else Struck(last, caller)

    def _keep(self, kept: Callable[[Fault], bool]) -> None:
        with self._lock:
            gone = [fault for fault in self.active if not kept(fault)]
            self.active = tuple(fault for fault in self.active if kept(fault))
        for fault in gone:
            fault.cancelled.set()


def _meets(fault: Fault, caller: Caller) -> bool:
    if fault.path not in {None, caller.path} or fault.appid not in {None, caller.appid}:
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
            if text is None and code == _ERRORS["quota"]:
                text = quota_text(self.caller.path)
            raise RefusalError(code, self.note, text)

    def after(self, response: Response) -> Response:
        """Return the answer as the fault leaves it."""
        return spoiled(response, self.fault.kind, self.fault.definition)
