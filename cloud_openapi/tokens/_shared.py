import logging
import random
from collections.abc import Callable
from threading import Event

from cloud_openapi import clocks
from cloud_openapi.tokens._granted import Granted, keep_seconds
from cloud_openapi.tokens._store import Key, Shared, StoreError, TokenStore

# Between two looks at the token that another process fetches.
_LOOK = (0.02, 0.08)
# While another process replaces a token that works still, this one asks again so late.
_ASK_AGAIN = 1.0

_logger = logging.getLogger("cloud_openapi.tokens")


class SharedToken:
    """The token of one mini program in a store: one process fetches it for all.

    ``fallback`` grants a token without the store; it is used when the store does not answer, which
    is logged once. ``seconds`` is the time in which a fetch must have ended.
    """

    def __init__(
        self, store: TokenStore, key: Key, fallback: Callable[[], Granted], seconds: float
    ) -> None:
        self._store = store
        self._key = key
        self._fallback = fallback
        self._seconds = seconds
        self._told = False

    def grant(self, fetch: Callable[[], Granted], refused: str | None) -> Granted:
        """Return a token other than the refused one: the store's, or a fetched one for all.

        Raises the error of the fetch.
        """
        try:
            return self._from_store(fetch, refused)
        except StoreError as error:
            self._tell(error)
        return self._fallback()

    def _from_store(self, fetch: Callable[[], Granted], refused: str | None) -> Granted:
        ends = clocks.monotonic() + self._seconds
        while True:
            held = self._usable(refused)
            if held is not None and clocks.now() < held.until:
                return _granted(held)
            with self._store.lease(self._key, self._seconds) as mine:
                if mine:
                    # Another process may have had the lease since.
                    newer = self._usable(refused)
                    if newer is not None and clocks.now() < newer.until:
                        return _granted(newer)
                    return self._fetch(fetch)
            if held is not None:
                return _granted(held)._replace(renew_in=_ASK_AGAIN)
            if clocks.monotonic() >= ends:
                raise StoreError("another process has fetched a token for too long")
            Event().wait(random.uniform(*_LOOK))  # noqa: S311 - spreads the looks

    def _usable(self, refused: str | None) -> Shared | None:
        held = self._store.read(self._key)
        good = held is not None and held.token != refused and clocks.now() < held.ends
        return held if good else None

    def _fetch(self, fetch: Callable[[], Granted]) -> Granted:
        granted = fetch()
        now = clocks.now()
        ends = now + granted.expires_in
        try:
            self._store.write(
                self._key, Shared(granted.token, now + keep_seconds(granted.expires_in), ends)
            )
        except StoreError as error:
            # The token is good all the same.
            self._tell(error)
        return granted

    def _tell(self, error: StoreError) -> None:
        if not self._told:
            self._told = True
            _logger.warning(
                "The shared token store does not answer (%s): tokens are fetched by stable_token",
                error,
            )


def _granted(held: Shared) -> Granted:
    now = clocks.now()
    return Granted(held.token, held.ends - now, max(held.until - now, 0.0))
