"""A forked child renews what it must not share with its parent: connections and locks."""

import os
from typing import Any, Protocol, TypeVar
from weakref import WeakSet


class Renewable(Protocol):
    """An object with connections, or with requests that another thread makes."""

    def renew_in_child(self) -> None:
        """Drop connections, and the requests and locks of threads that the child does not have."""
        ...


_Lock = TypeVar("_Lock")

_RENEWABLE: "WeakSet[Renewable]" = WeakSet()
_LOCKS: "WeakSet[Any]" = WeakSet()


def renew_in_children(one: Renewable) -> None:
    """Call the object's ``renew_in_child`` in each forked child while the object lives."""
    _RENEWABLE.add(one)


def fork_safe(lock: _Lock) -> _Lock:
    """Return a lock or an RLock of threading's that each forked child finds released."""
    _LOCKS.add(lock)
    return lock


def _renew_all() -> None:
    for lock in list(_LOCKS):
        # Python's own modules renew their locks in this way.
        lock._at_fork_reinit()  # noqa: SLF001
    for one in list(_RENEWABLE):
        one.renew_in_child()


# Windows cannot fork. WSGI servers written in C, such as uWSGI, call these functions too.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
