"""The faults that are in force, and what a request that one strikes is answered."""

import random
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from flask import Response

from cloud_openapi.emulator.errors import NotHereError, PlatformError, RefusalError, text_at
from cloud_openapi.emulator.overrides.broken_responses import INSTEAD, spoiled
from cloud_openapi.emulator.overrides.fault import Fault, Known, checked
from cloud_openapi.emulator.state.caller import Caller
from cloud_openapi.emulator.state.clock import Clocks
from cloud_openapi.emulator.state.seeds import Seeds
from cloud_openapi.emulator.state.tokens import Tokens
from cloud_openapi.waiting import pause

_ERRORS: Final = {"quota": 45009, "not_ready": 61503}


class Faults:
    """Every fault that is in force: mini programs' own, and everybody's.

    Safe to share between threads.
    """

    def __init__(self, seeds: Seeds, clocks: Clocks, known: Known) -> None:
        self._seeds = seeds
        self._clocks = clocks
        self._known = known
        self._data_paths = frozenset(known.apis.values())
        self._lock = threading.Lock()
        self._number = 0
        # By whose they are, so that nobody pays for another's; replaced as a whole, never changed.
        self._of: dict[str | None, tuple[Fault, ...]] = {}
        # What a clock has shown to be over is over for good, whoever asks meanwhile.
        clocks.watch(self.listed)

    def __bool__(self) -> bool:
        # Almost never, which is all that a request then asks.
        return bool(self._of)

    @property
    def active(self) -> tuple[Fault, ...]:
        """Return the faults that were not seen to end, the oldest first."""
        faults = [fault for faults in list(self._of.values()) for fault in faults]
        return tuple(sorted(faults, key=lambda fault: fault.id))

    def add(self, definition: Mapping[str, Any]) -> Fault:
        """Put a fault in force. Raises ValueError, which says what is allowed."""
        given = checked(definition, self._known, self._clocks.now)
        appid = given.get("appid")
        path = given.get("path") or self._known.apis.get(given.get("api", ""))
        with self._lock:
            self._number += 1
            # Its own, so that other mini programs' requests do not change who is struck.
            chance = random.Random(self._seeds.draw(appid, "fault", 16))  # noqa: S311 - repeatable
            fault = Fault(self._number, given, path, chance)
            self._of[appid] = (*self._of.get(appid, ()), fault)
        return fault

    def remove(self, number: int) -> None:
        """Take one fault back. Raises KeyError, if it is not in force."""
        if not self._keep(lambda fault: fault.id != number):
            raise NotHereError(f"fault {number}")

    def clear(self, appid: str | None = None) -> None:
        """Take back the faults of one mini program, or all of them."""
        if appid is None:
            self._keep(lambda _: False)
        else:
            self._keep(lambda _: False, appid)

    def reseed(self) -> None:
        """Take back the faults whose dice followed from the common seed."""
        self._keep(lambda fault: self._seeds.own(fault.appid) is not None, anew=True)

    def listed(self) -> tuple[Fault, ...]:
        """Return the faults that have not ended."""
        return tuple(fault for fault in self.active if not self._over(fault))

    def strike(self, caller: Caller) -> "Struck | None":
        """Return the fault that this request meets, having slept for those that are latency."""
        sleeps: list[tuple[Fault, float]] = []
        last: Fault | None = None
        with self._lock:
            for fault in self._meeting(caller.appid):
                if self._over(fault):
                    self._end(fault)
                    continue
                answers = fault.kind != "latency"
                if (
                    (answers and last)
                    or not _meets(fault, caller, self._data_paths)
                    or not fault.strikes()
                ):
                    continue
                fault.struck += 1
                if self._over(fault):
                    self._end(fault)
                if answers:
                    last = fault
                else:
                    sleeps.append((fault, fault.seconds()))
        for fault, seconds in sleeps:
            pause(seconds, fault.cancelled)
        return None if last is None or last.cancelled.is_set() else Struck(last, caller)

    def _meeting(self, appid: str | None) -> list[Fault]:
        everybodys, own = self._of.get(None, ()), () if appid is None else self._of.get(appid, ())
        return sorted((*everybodys, *own), key=lambda fault: fault.id)

    def _over(self, fault: Fault) -> bool:
        return fault.over(self._clocks.now(fault.appid))

    def _end(self, fault: Fault) -> None:
        self._set(fault.appid, [other for other in self._of[fault.appid] if other is not fault])

    def _set(self, appid: str | None, faults: Iterable[Fault]) -> None:
        self._of[appid] = tuple(faults)
        if not self._of[appid]:
            del self._of[appid]

    def _keep(self, kept: Callable[[Fault], bool], *appids: str, anew: bool = False) -> list[Fault]:
        """Take the others back and return those that were in force; number anew if none is left."""
        gone = []
        with self._lock:
            for appid in appids or list(self._of):
                faults = self._of.get(appid, ())
                gone += [fault for fault in faults if not kept(fault)]
                self._set(appid, filter(kept, faults))
            if anew and not self._of:
                self._number = 0
            ended = [fault for fault in gone if self._over(fault)]
        for fault in gone:
            fault.cancelled.set()
        return [fault for fault in gone if fault not in ended]


def _meets(fault: Fault, caller: Caller, data_paths: Collection[str]) -> bool:
    if fault.kind == "not_ready" and caller.path not in data_paths:
        return False
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
            if text is None:
                text = text_at(code, self.caller.path, self.caller.address)
            raise RefusalError(code, self.note, text)

    def after(self, response: Response) -> Response:
        """Return the answer as the fault leaves it."""
        return spoiled(response, self.fault.kind, self.fault.definition)
