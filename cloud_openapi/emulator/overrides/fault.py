"""A fault, and the check of its definition. A new kind begins in control_schemas.json."""

import math
import random
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from operator import gt
from typing import Any, Final, NamedTuple

from cloud_openapi.catalogue import Catalogue
from cloud_openapi.emulator.control_schemas import checked_input, control_schemas, explained
from cloud_openapi.emulator.errors import InvalidInputError, has_text
from cloud_openapi.emulator.overrides.caller import Owner
from cloud_openapi.emulator.state.clock import read_moment

_LONGEST_SLEEP = 60
KINDS: Final[tuple[str, ...]] = tuple(control_schemas()["fault"]["properties"]["kind"]["enum"])


class FaultTargets(NamedTuple):
    """The names that a fault may have: APIs with their paths, all paths, mini programs.

    ``dated`` has the paths of APIs whose data are ready some time after midnight. ``catalogue`` has
    the texts of the APIs' own errors.
    """

    apis: Mapping[str, str]
    paths: frozenset[str]
    appids: Mapping[str, Any]
    dated: frozenset[str]
    catalogue: Catalogue

    def errors_of(self, definition: Mapping[str, Any]) -> dict[int, str]:
        """Return the own errors of the APIs that a fault applies to alone."""
        api, path = definition.get("api"), definition.get("path")
        names = [api] if api else [name for name, each in self.apis.items() if each == path]
        return {code: text for name in names for code, text in self.catalogue[name].errors.items()}


class Fault:
    """An injected fault, and the number of requests that it was applied to."""

    def __init__(  # noqa: PLR0913 - each is a part of it
        self,
        number: int,
        definition: Mapping[str, Any],
        path: str | None,
        chance: random.Random,
        owner: Owner,
        errors: Mapping[int, str],
    ) -> None:
        self.id = number
        self.kind: str = definition["kind"]
        self.definition = dict(definition)
        self.path = path
        self.owner = owner
        self.errors = errors
        """The texts of the codes that only its API has."""
        self.times: int | None = definition.get("times")
        self.rate: float = definition.get("rate", 1)
        self.until: datetime | None = definition.get("until")
        self.struck = 0
        self._ended = False
        self._chance = chance
        self.cancelled = threading.Event()
        """Set when the fault is removed, so that its delays end at once."""

    @property
    def name(self) -> str:
        """Return the name by which the journal calls the fault."""
        return f"fault {self.id}: {self.kind}"

    @property
    def appid(self) -> str | None:
        """Return the mini program whose requests the fault applies to, or None for all."""
        return self.owner.appid

    @property
    def over(self) -> bool:
        """Return whether the fault has ended, by its ``times`` or its ``until``."""
        spent = self.times is not None and self.struck >= self.times
        if spent or (self.until is not None and self.owner.clock.now() >= self.until):
            # For good, even if the clock is moved back.
            self._ended = True
        return self._ended

    def strikes(self) -> bool:
        """Draw whether the fault applies to a request, at its rate."""
        return self._chance.random() < self.rate

    def seconds(self) -> float:
        """Return the delay of the next request, in seconds, at most 60."""
        given = self.definition["seconds"]
        if not isinstance(given, Mapping):
            return float(given)
        if "uniform" in given:
            least, most = given["uniform"]
            return self._chance.uniform(least, most)
        median, sigma = given["lognormal"]
        return float(min(median * math.exp(min(self._chance.gauss(0, sigma), 700)), _LONGEST_SLEEP))

    def describe(self) -> dict[str, Any]:
        """Return the definition as JSON, with the fault's ``id`` and its count, ``struck``."""
        until = {} if self.until is None else {"until": self.until.isoformat()}
        return {"id": self.id, **self.definition, **until, "struck": self.struck}


def checked_fault(
    definition: Any, targets: FaultTargets, now: Callable[[str | None], datetime]
) -> dict[str, Any]:
    """Return a definition with its ``until`` as a datetime; ``now`` tells a mini program's time.

    Raises InvalidInputError.
    """
    if isinstance(definition, Mapping) and isinstance(definition.get("until"), datetime):
        definition = {**definition, "until": definition["until"].isoformat()}
    names = {"api": targets.apis, "path": sorted(targets.paths), "appid": targets.appids}
    given = checked_input("fault", definition, kind=KINDS, **names)
    if "api" in given and "path" in given:
        raise InvalidInputError("a fault has api or path or neither, not both")
    if given["kind"] == "error" and "errmsg" not in given:
        _check_text(given["errcode"], given, targets)
    seconds = given.get("seconds")
    if isinstance(seconds, Mapping) and "uniform" in seconds and gt(*seconds["uniform"]):
        raise InvalidInputError(explained("fault", given, ("seconds",)))
    if "until" in given:
        given["until"] = _later(given["until"], now(given.get("appid")))
    return given


def _check_text(code: int, definition: Mapping[str, Any], targets: FaultTargets) -> None:
    if has_text(code, targets.errors_of(definition)):
        return
    having = [api.name for api in targets.catalogue.values() if code in api.errors]
    advice = f', or an api that has it, such as "{having[0]}"' if having else ""
    raise InvalidInputError(f"errcode {code} has no text here: give errmsg too{advice}")


def _later(value: str, now: datetime) -> datetime:
    moment = read_moment("until", value)
    if moment <= now:
        raise InvalidInputError(f"until is over already: it is {now.isoformat(timespec='seconds')}")
    return moment
