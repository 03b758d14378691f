"""The databases of all mini programs. The engine is loaded when one is first used."""

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from cloud_openapi.emulator.state.places import Places
from cloud_openapi.forks import fork_safe

if TYPE_CHECKING:
    from cloud_openapi.emulator.database.database import Database
    from cloud_openapi.emulator.database.opening import Given, Opener, Program


NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Databases:
    """Makes the database of a mini program when it is first used, and after a reset.

    It begins with the files of ``places``, and with the collections of ``given``, a mapping or a
    folder, in place of those of the same name. With ``server``, the URL of a MongoDB server, that
    one has the data.
    """

    def __init__(self, places: Places, server: str | None = None) -> None:
        self.given: Given = NOTHING
        self.server = server
        self._places = places
        self._lock = fork_safe(threading.RLock())
        self._opener: Opener | None = None

    def open(self, program: "Program") -> "Database":
        """Return a new database for a mini program. Raises ValueError, OSError."""
        with self._lock:
            return self._opened().open(program, self.given)

    def reset(self, appid: str) -> None:
        """Discard the database of a mini program, also what was kept of it.

        Raises ValueError and OSError; then what was kept is still there for the next `open`.
        """
        if self._opener is None and self._places.data is None and self.server is None:
            return
        with self._lock:
            self._opened().reset(appid, self.given)

    def close(self) -> None:
        """Close all databases."""
        with self._lock:
            if self._opener is not None:
                self._opener.close()
            self._opener = None

    def _opened(self) -> "Opener":
        if self._opener is None:
            from cloud_openapi.emulator.database.opening import Opener  # noqa: PLC0415

            self._opener = Opener(self._places, self.server)
        return self._opener
