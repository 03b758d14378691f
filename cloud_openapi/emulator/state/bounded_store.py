"""A bounded memory in which nobody's noise pushes out what is others'."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

_OWNERS = 10
_MOST_BYTES = 4 * 1024 * 1024
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Own(OrderedDict[_Key, None]):
    """The keys of an owner, and how many bytes their values are."""

    weight = 0


class Newest(Generic[_Key, _Value]):
    """The newest values of each owner, and of all owners ten times as many.

    Those of an owner weigh 4 MiB at the most, and those of all ten times that. Safe to share
    between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: OrderedDict[_Key, tuple[str | None, _Value, int]] = OrderedDict()
        self._own: dict[str | None, _Own[_Key]] = {}
        self._weight = 0

    def add(self, owner: str | None, key: _Key, value: _Value, most: int, weight: int = 0) -> None:
        """Keep a value of so many bytes; the oldest make room.

        They are the owner's if it has more than ``most``, or too heavy ones, and else anybody's.
        """
        with self._lock:
            if key in self._all:
                self._drop(key)
            self._all[key] = (owner, value, weight)
            self._weight += weight
            own = self._own.get(owner)
            if own is None:
                own = self._own[owner] = _Own()
            own[key] = None
            own.weight += weight
            while len(own) > most or own.weight > _MOST_BYTES:
                self._drop(next(iter(own)))
            while len(self._all) > most * _OWNERS or self._weight > _MOST_BYTES * _OWNERS:
                self._drop(next(iter(self._all)))

    def get(self, key: _Key) -> _Value | None:
        """Return a value, if it is remembered."""
        found = self._all.get(key)
        return None if found is None else found[1]

    def items(self) -> list[tuple[_Key, _Value]]:
        """Return all keys and values, the oldest first."""
        with self._lock:
            return [(key, value) for key, (_owner, value, _weight) in self._all.items()]

    def items_of(self, owner: str | None) -> list[tuple[_Key, _Value]]:
        """Return an owner's keys and values, the oldest first."""
        with self._lock:
            return [(key, self._all[key][1]) for key in self._own.get(owner, ())]

    def forget(self, owner: str | None) -> None:
        """Drop what an owner has."""
        with self._lock:
            for key in self._own.pop(owner, ()):
                self._weight -= self._all.pop(key)[2]

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._all.clear()
            self._own.clear()
            self._weight = 0

    def __len__(self) -> int:
        return len(self._all)

    def _drop(self, key: _Key) -> None:
        owner, _value, weight = self._all.pop(key)
        self._weight -= weight
        own = self._own[owner]
        own.weight -= weight
        del own[key]
        if not own:
            del self._own[owner]
