"""A bounded memory in which nobody's noise pushes out what is others'."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

_OWNERS = 10
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Newest(Generic[_Key, _Value]):
    """The newest values of each owner, and of all owners ten times as many.

    Safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: OrderedDict[_Key, tuple[str | None, _Value]] = OrderedDict()
        self._own: dict[str | None, OrderedDict[_Key, None]] = {}

    def add(self, owner: str | None, key: _Key, value: _Value, most: int) -> None:
        """Keep a value; the oldest of an owner that has more than ``most`` makes room."""
        with self._lock:
            if key in self._all:
                self._drop(key)
            self._all[key] = (owner, value)
            own = self._own.get(owner)
            if own is None:
                own = self._own[owner] = OrderedDict()
            own[key] = None
            if len(own) > most:
                self._drop(next(iter(own)))
            elif len(self._all) > most * _OWNERS:
                self._drop(next(iter(self._all)))

    def get(self, key: _Key) -> _Value | None:
        """Return a value, if it is remembered."""
        found = self._all.get(key)
        return None if found is None else found[1]

    def items(self) -> list[tuple[_Key, _Value]]:
        """Return all keys and values, the oldest first."""
        with self._lock:
            return [(key, value) for key, (_owner, value) in self._all.items()]

    def items_of(self, owner: str | None) -> list[tuple[_Key, _Value]]:
        """Return an owner's keys and values, the oldest first."""
        with self._lock:
            return [(key, self._all[key][1]) for key in self._own.get(owner, ())]

    def forget(self, owner: str | None) -> None:
        """Drop what an owner has."""
        with self._lock:
            for key in self._own.pop(owner, ()):
                del self._all[key]

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._all.clear()
            self._own.clear()

    def __len__(self) -> int:
        return len(self._all)

    def _drop(self, key: _Key) -> None:
        owner, _value = self._all.pop(key)
        own = self._own[owner]
        del own[key]
        if not own:
            del self._own[owner]
