"""Answers that are pinned to requests."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Generic, TypeVar

from cloud_openapi.catalogue import Catalogue
from cloud_openapi.emulator.errors import NotFoundError
from cloud_openapi.emulator.overrides.caller import Owner
from cloud_openapi.emulator.overrides.pin import Pin, PinnedAnswer, checked_pin
from cloud_openapi.forks import fork_safe

_Value = TypeVar("_Value")


class RequestTable(Generic[_Value]):
    """Values by parameters of a request; further parameters of a request are ignored.

    A search takes one look-up for each different set of names, for any number of values.
    """

    def __init__(self) -> None:
        self._by_names: dict[tuple[str, ...], dict[tuple[str, ...], _Value]] = {}

    def put(self, request: Mapping[str, Any], value: _Value) -> None:
        """Add a value; it replaces a value with the same parameters."""
        names = tuple(sorted(request))
        if names not in self._by_names:
            # Sets of more names come first. Replaced as a whole: another thread may be reading.
            sets = sorted([*self._by_names, names], key=len, reverse=True)
            self._by_names = {each: self._by_names.get(each, {}) for each in sets}
        self._by_names[names][_key(request, names)] = value

    def find(self, request: Mapping[str, Any]) -> Iterator[_Value]:
        """Yield the values whose parameters are all in a request, most parameters first."""
        for names, values in self._by_names.items():
            if all(name in request for name in names):
                found = values.get(_key(request, names))
                if found is not None:
                    yield found

    def drop(self, request: Mapping[str, Any]) -> None:
        """Remove the value with exactly these parameters."""
        names = tuple(sorted(request))
        values = self._by_names[names]
        del values[_key(request, names)]
        if not values:
            self._by_names = {each: held for each, held in self._by_names.items() if held}

    def get(self, request: Mapping[str, Any]) -> _Value | None:
        """Return the value with exactly these parameters, or None."""
        names = tuple(sorted(request))
        return self._by_names.get(names, {}).get(_key(request, names))


class PinTables(dict[str, RequestTable[Pin]]):
    """The pins of one mini program, or those for all, by the name of the API."""


class Pins:
    """All pins by number. Safe to share between threads.

    ``owner_of`` returns the owner of the pins for an appid, or for all mini programs if it is None.
    """

    def __init__(
        self,
        owner_of: Callable[[str | None], Owner],
        catalogue: Catalogue,
        appids: Mapping[str, Any],
    ) -> None:
        self._owner_of = owner_of
        self._catalogue = catalogue
        self._appids = appids
        self._lock = fork_safe(threading.Lock())
        self._number = 0
        self._by_number: dict[int, tuple[Pin, Owner]] = {}

    def __len__(self) -> int:
        return len(self._by_number)

    def add(self, definition: Any) -> Pin:
        """Pin an answer, or several in turn; a pin of the same request is replaced.

        Raises ValueError with the mistake and the allowed values.
        """
        given = checked_pin(definition, self._catalogue, self._appids)
        with self._lock:
            self._number += 1
            pin = Pin(self._number, given, self._catalogue.get(given["api"]))
            owner = self._owner_of(pin.appid)
            table = owner.pins.setdefault(pin.api, RequestTable())
            former = table.get(pin.request)
            if former is not None:
                del self._by_number[former.id]
            self._by_number[pin.id] = (pin, owner)
            table.put(pin.request, pin)
        return pin

    def answer(
        self, owner: Owner, apis: Sequence[str], request: Mapping[str, Any]
    ) -> PinnedAnswer | None:
        """Return the pinned answer to a request of an API, or None without a pin.

        A mini program's own pins come first, then those of the API's first name. Raises
        RefusalError for an error without a text.
        """
        if not self._by_number:
            return None
        for each, api in product((owner, self._owner_of(None)), apis):
            table: RequestTable[Pin] | None = each.pins.get(api)
            for pin in table.find(request) if table is not None else ():
                with self._lock:
                    if pin.over:
                        continue
                    response = pin.next()
                return pin.as_sent(response)
        return None

    def peek(self, owner: Owner, api: str, request: Mapping[str, Any]) -> PinnedAnswer | None:
        """Return the pinned answer to a request that is next, without using it.

        Raises RefusalError, as `answer` does.
        """
        for each in (owner, self._owner_of(None)) if self._by_number else ():
            table: RequestTable[Pin] | None = each.pins.get(api)
            for pin in table.find(request) if table is not None else ():
                if not pin.over:
                    return pin.as_sent(pin.upcoming)
        return None

    def remove(self, number: int) -> None:
        """Remove one pin. Raises KeyError for an unknown number."""
        with self._lock:
            if number not in self._by_number:
                raise NotFoundError(f"pin {number}")
            self._drop(number)

    def clear(self) -> None:
        """Remove every pin, and number from 1 again."""
        with self._lock:
            for number in list(self._by_number):
                self._drop(number)
            self._number = 0

    def clear_of(self, owner: Owner) -> None:
        """Remove the pins of one mini program."""
        with self._lock:
            for number in [n for n, (_, one) in self._by_number.items() if one is owner]:
                self._drop(number)

    def listed(self) -> tuple[Pin, ...]:
        """Return every pin, the oldest first."""
        with self._lock:
            return tuple(pin for pin, _ in self._by_number.values())

    def documented(self) -> list[dict[str, Any]]:
        """Return WeChat's examples, which are answers to requests without a pin."""
        return [
            {"api": api.name, **example}
            for api in self._catalogue.values()
            for example in api.examples
        ]

    def _drop(self, number: int) -> None:
        pin, owner = self._by_number.pop(number)
        owner.pins[pin.api].drop(pin.request)


def _key(request: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_key_part(request[name]) for name in names)


def _key_part(value: Any) -> str:
    # Fast for texts, which are the usual case. The quotation mark tells them from other JSON.
    return f'"{value}' if isinstance(value, str) else json.dumps(value, sort_keys=True)
