import threading
from collections import OrderedDict
from collections.abc import Callable
from itertools import takewhile
from typing import Generic, TypeVar

from cloud_openapi.forks import fork_safe

MOST_BYTES = 4 * 1024 * 1024
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class BoundedStore(Generic[_Key, _Value]):
    """The newest values by key: at most ``most`` values, which weigh at most ``most_bytes``.

    The oldest values are evicted first. Safe to share between threads.
    """

    def __init__(self, most: int, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._lock = fork_safe(threading.Lock())
        self._values: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()
        self._weight = 0

    def add(self, key: _Key, value: _Value, weight: int = 0) -> None:
        """Keep a value that weighs so many bytes, as the newest."""
        with self._lock:
            _, former = self._values.pop(key, (None, 0))
            self._values[key] = (value, weight)
            self._weight += weight - former
            while len(self._values) > self._most or self._weight > self._most_bytes:
                _, (_, evicted) = self._values.popitem(last=False)
                self._weight -= evicted

    def get(self, key: _Key) -> _Value | None:
        """Return the value of a key, or None if it is unknown or evicted."""
        found = self._values.get(key)
        return None if found is None else found[0]

    def items(self) -> list[tuple[_Key, _Value]]:
        """Return all keys and values, the oldest first."""
        with self._lock:
            return [(key, value) for key, (value, _) in self._values.items()]

    def newest(self, wanted: Callable[[_Key], bool]) -> list[tuple[_Key, _Value]]:
        """Return keys and values, the newest first, up to the first key that is not wanted."""
        with self._lock:
            keys = takewhile(wanted, reversed(self._values))
            return [(key, self._values[key][0]) for key in keys]

    def oldest(self) -> _Key | None:
        """Return the key of the oldest value, None if there are no values."""
        with self._lock:
            return next(iter(self._values), None)

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._values.clear()
            self._weight = 0

    def __contains__(self, key: _Key) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)
