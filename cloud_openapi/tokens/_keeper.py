import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

# WeChat replaces a token during its last five minutes; until then asking again gives the same.
_MARGIN = 300.0


class Granted(NamedTuple):
    """A token as WeChat grants it, with its remaining life in seconds."""

    token: str
    expires_in: float


class TokenDeniedError(Exception):
    """WeChat granted no token; ``answer`` is what it said instead."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__("no access token was granted")
        self.answer = dict(answer)


class _Held(NamedTuple):
    token: str
    until: float


class _Fetch:
    """One request for a token, and all who wait for it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.held: _Held | None = None
        self.error: BaseException | None = None


class AccessToken:
    """The current access token of one mini program; safe to share between threads."""

    def __init__(
        self, fetch: Callable[[], Granted], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._running: _Fetch | None = None

    def __repr__(self) -> str:
        return f"<AccessToken {'held' if self._held else 'not fetched'}>"

    def get(self) -> str:
        """Return the token, fetching it if there is none or it is about to end.

        Raises what the fetch raises; so does every thread that waited for it.
        """
        held = self._held
        if held is None or self._clock() >= held.until:
            held = self._replace(held)
        return held.token

    def renew(self, refused: str) -> str:
        """Return a token other than the refused one, unless WeChat still gives that one."""
        held = self._held
        if held is None or held.token == refused:
            held = self._replace(held)
        return held.token

    def _replace(self, old: _Held | None) -> _Held:
        with self._lock:
            if self._held is not None and self._held is not old:
                return self._held
            fetch = self._running
            leads = fetch is None
            if fetch is None:
                fetch = self._running = _Fetch()
        if leads:
            self._lead(fetch)
        else:
            fetch.done.wait()
        if fetch.held is None:
            assert fetch.error is not None  # noqa: S101 - one of the two is set before `done`
            raise fetch.error
        return fetch.held

    def _lead(self, fetch: _Fetch) -> None:
        try:
            token, expires_in = self._fetch()
            keep = max(expires_in - _MARGIN, expires_in / 2)
            fetch.held = _Held(token, self._clock() + keep)
        except BaseException as error:  # noqa: BLE001 - handed on to every thread that waits
            fetch.error = error
        with self._lock:
            self._held = fetch.held
            self._running = None
        fetch.done.set()
