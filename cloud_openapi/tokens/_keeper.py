import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud_openapi import clocks
from cloud_openapi.forks import renew_in_children
from cloud_openapi.tokens._granted import Granted, keep_seconds

if TYPE_CHECKING:
    from cloud_openapi.tokens._shared import SharedToken


class TokenDeniedError(Exception):
    """WeChat refused to grant a token; ``answer`` is its response."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__("no access token was granted")
        self.answer = dict(answer)


class _Held(NamedTuple):
    token: str
    until: float
    ends: float

    def __repr__(self) -> str:
        return "_Held(token='***')"


class _Fetch:
    """A token request that several threads wait for."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.held: _Held | None = None
        self.error: Exception | None = None


class AccessToken:
    """The current access token of one mini program; safe to share between threads.

    With ``shared`` other processes use the same one.
    """

    def __init__(
        self,
        fetch: Callable[[], Granted],
        clock: Callable[[], float] = clocks.monotonic,
        shared: "SharedToken | None" = None,
    ) -> None:
        self._fetch = fetch
        self._shared = shared
        self._clock = clock
        self._held: _Held | None = None
        self.renew_in_child()
        renew_in_children(self)

    def __repr__(self) -> str:
        return f"<AccessToken {'held' if self._held else 'not fetched'}>"

    def renew_in_child(self) -> None:
        """Forget the request of another thread, which a forked child does not have.

        The token stays: it is as good for the child.
        """
        self._lock = threading.Lock()
        self._running: _Fetch | None = None

    @property
    def last(self) -> str | None:
        """Return the token that is held, whatever its age."""
        return self._held.token if self._held else None

    def get(self) -> str:
        """Return the token; fetch it if it is missing or about to expire.

        Raises the error of the fetch, in every thread that waited for it. If a token about to
        expire cannot be replaced, it is returned.
        """
        held = self._held
        if held is None or self._clock() >= held.ends:
            return self._replace(held).token
        if self._clock() >= held.until:
            try:
                return self._replace(held).token
            except Exception:  # noqa: BLE001 - the held token still works
                return held.token
        return held.token

    def renew(self, refused: str) -> str:
        """Return a token other than the refused one, unless WeChat grants that one again."""
        held = self._held
        if held is None or held.token == refused:
            held = self._replace(held, refused)
        return held.token

    def _replace(self, old: _Held | None, refused: str | None = None) -> _Held:
        while True:
            with self._lock:
                if self._held is not None and self._held is not old:
                    return self._held
                fetch, leads = self._running, self._running is None
                if fetch is None:
                    fetch = self._running = _Fetch()
            if leads:
                return self._lead(fetch, refused)
            fetch.done.wait()
            if fetch.held is not None:
                return fetch.held
            if fetch.error is not None:
                raise fetch.error
            # The thread that fetched was interrupted: another one tries.

    def _lead(self, fetch: _Fetch, refused: str | None) -> _Held:
        try:
            if self._shared is None:
                token, expires_in, renew_in = self._fetch()
            else:
                token, expires_in, renew_in = self._shared.grant(self._fetch, refused)
            now = self._clock()
            keep = keep_seconds(expires_in) if renew_in is None else renew_in
            fetch.held = _Held(token, now + keep, now + expires_in)
        except Exception as error:
            fetch.error = error
            raise
        else:
            return fetch.held
        finally:
            with self._lock:
                if fetch.held is not None:
                    self._held = fetch.held
                self._running = None
            fetch.done.set()
