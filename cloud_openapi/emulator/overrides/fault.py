"""What a fault is, and which definitions of one are good."""

import math
import random
import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from cloud_openapi.emulator.errors import LARGEST, TEXTS, InvalidInputError, shortened
from cloud_openapi.emulator.overrides.caller import Owner
from cloud_openapi.emulator.state.clock import read_moment
from cloud_openapi.json_schema.values import is_integer, is_number, is_text

_MATCH: Final = ("api", "path", "appid", "times", "rate", "until")
_LONGEST_SLEEP = 60
_EXAMPLE = 'a fault is an object such as {"kind": "error", "errcode": 61504}'
_HEADER_VALUE = re.compile(r"[\x21-\x7e][\x20-\x7e]*")

# The fields of each kind: those that it needs, and those that it may have.
KINDS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "error": (("errcode",), ("errmsg",)),
    "status": (("status",), ()),
    "latency": (("seconds",), ()),
    "drop": ((), ()),
    "drop_in_body": ((), ()),
    "truncate": ((), ()),
    "html": ((), ()),
    "empty": ((), ()),
    "content_type": (("content_type",), ()),
    "revoke_token": ((), ()),
    "quota": ((), ("errmsg",)),
    "not_ready": (("until",), ("errmsg",)),
    "gateway_error": (("errcode",), ()),
}


class Known(NamedTuple):
    """What a definition may name: APIs with their paths, all paths, mini programs."""

    apis: Mapping[str, str]
    paths: frozenset[str]
    appids: Mapping[str, Any]


class Fault:
    """A fault that was asked for, and how often it has struck."""

    def __init__(
        self,
        number: int,
        definition: Mapping[str, Any],
        path: str | None,
        chance: random.Random,
        owner: Owner,
    ) -> None:
        self.id = number
        self.kind: str = definition["kind"]
        self.definition = dict(definition)
        self.path = path
        self.owner = owner
        self.times: int | None = definition.get("times")
        self.rate: float = definition.get("rate", 1)
        self.until: datetime | None = definition.get("until")
        self.struck = 0
        self._ended = False
        self._chance = chance
        self.cancelled = threading.Event()
        """Set when the fault is taken back, so that nobody sleeps on for it."""

    @property
    def appid(self) -> str | None:
        """Return the mini program whose requests the fault strikes, or None for all."""
        return self.owner.appid

    @property
    def over(self) -> bool:
        """Return whether the fault has ended as it was declared to."""
        spent = self.times is not None and self.struck >= self.times
        if spent or (self.until is not None and self.owner.clock.now() >= self.until):
            # For good, even if the clock is moved back.
            self._ended = True
        return self._ended

    def strikes(self) -> bool:
        """Roll the dice for a request that the fault meets."""
        return self._chance.random() < self.rate

    def seconds(self) -> float:
        """Return how long the next request waits, in seconds; 60 at the most."""
        given = self.definition["seconds"]
        if not isinstance(given, Mapping):
            return float(given)
        if "uniform" in given:
            least, most = given["uniform"]
            return self._chance.uniform(least, most)
        median, sigma = given["lognormal"]
        return float(min(median * math.exp(min(self._chance.gauss(0, sigma), 700)), _LONGEST_SLEEP))

    def describe(self) -> dict[str, Any]:
        """Return the definition, as JSON, with the number and how often the fault struck."""
        until = {} if self.until is None else {"until": self.until.isoformat()}
        return {"id": self.id, **self.definition, **until, "struck": self.struck}


def checked(definition: Any, known: Known, now: Callable[[str | None], datetime]) -> dict[str, Any]:
    """Return a definition with its ``until`` as a datetime; ``now`` tells a mini program's time.

    Raises ValueError, which says what is wrong and what is allowed.
    """
    if not isinstance(definition, Mapping):
        raise InvalidInputError(_EXAMPLE)
    kind = definition.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidInputError(f"kind is one of {', '.join(KINDS)}, not {kind!r}")
    needed, optional = KINDS[kind]
    allowed = dict.fromkeys(("kind", *needed, *optional, *_MATCH))
    unknown = [str(name) for name in definition if name not in allowed]
    if unknown:
        raise InvalidInputError(
            f"{', '.join(unknown)}: a fault of kind {kind} has {', '.join(allowed)}"
        )
    missing = [name for name in needed if definition.get(name) is None]
    if missing:
        raise InvalidInputError(f"a fault of kind {kind} needs {', '.join(missing)}")
    given = {name: value for name, value in definition.items() if value is not None}
    for name, check in _CHECKS.items():
        if name in given:
            check(given[name])
    if kind == "error" and given["errcode"] not in TEXTS and "errmsg" not in given:
        raise InvalidInputError(f"errcode {given['errcode']} has no text here: give errmsg too")
    _check_names(given, known)
    if "until" in given:
        given["until"] = _moment(given["until"], now(given.get("appid")))
    return given


def _check_names(given: Mapping[str, Any], known: Known) -> None:
    if "api" in given and "path" in given:
        raise InvalidInputError("a fault has api or path or neither, not both")
    for name, names in (("api", known.apis), ("path", known.paths), ("appid", known.appids)):
        value = given.get(name)
        if value is not None and not (isinstance(value, str) and value in names):
            known_names = shortened(names) if name == "appid" else ", ".join(sorted(names))
            raise InvalidInputError(f"{name} is one of {known_names}, not {value!r}")


def _moment(value: Any, now: datetime) -> datetime:
    moment = read_moment("until", value)
    if moment <= now:
        raise InvalidInputError(f"until is over already: it is {now.isoformat(timespec='seconds')}")
    return moment


def _is_latency(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return is_number(value, 0, _LONGEST_SLEEP)
    pair = next(iter(value.values())) if len(value) == 1 else None
    if not isinstance(pair, list | tuple) or len(pair) != 2:  # noqa: PLR2004 - a pair
        return False
    if not all(is_number(part, 0, _LONGEST_SLEEP) for part in pair):
        return False
    return ("uniform" in value and pair[0] <= pair[1]) or "lognormal" in value


def _rule(good: Callable[[Any], bool], allowed: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not good(value):
            raise InvalidInputError(f"{allowed}, not {value!r}")

    return check


_CHECKS: Final = {
    "errcode": _rule(
        lambda value: is_integer(value, -LARGEST - 1, LARGEST) and value != 0,
        "errcode is a 32-bit whole number other than 0",
    ),
    "errmsg": _rule(is_text, "errmsg is a text without its rid"),
    "status": _rule(
        lambda value: is_integer(value, 400, 599), "status is a whole number from 400 to 599"
    ),
    "seconds": _rule(
        _is_latency,
        f'seconds is a number from 0 to {_LONGEST_SLEEP}, {{"uniform": [least, most]}} or '
        '{"lognormal": [median, sigma]}',
    ),
    "content_type": _rule(
        lambda value: isinstance(value, str) and _HEADER_VALUE.fullmatch(value) is not None,
        "content_type is a value of a header, in ASCII",
    ),
    "times": _rule(lambda value: is_integer(value, 1), "times is a whole number of at least 1"),
    "rate": _rule(
        lambda value: is_number(value, 0, 1) and value > 0, "rate is above 0 and at most 1"
    ),
}
