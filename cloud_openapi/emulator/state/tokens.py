"""Access tokens as api.weixin.qq.com grants them, by the emulator's clock.

The lifetime, and the five minutes in which an old and a new token are both valid, are WeChat's:
https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
"""

import threading
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import shake_256
from typing import Final

from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.state.clock import Clock
from cloud_openapi.emulator.state.seeds import RandomStreams, Stream
from cloud_openapi.forks import fork_safe

LIFETIME = timedelta(seconds=7200)
_OVERLAP = timedelta(minutes=5)
_FORCE_INTERVAL = timedelta(seconds=30)
_MOST_FORCED_A_DAY = 20
_MOST_TOKENS = 500
_PREFIX: Final = "emulator_"
_MARK_BYTES, _RANDOM_BYTES = 6, 96  # 136 characters together
_MARK: Final = slice(len(_PREFIX), len(_PREFIX) + 8)

UNKNOWN: Final = (
    "this emulator did not grant the access token, or was reset since: fetch one from its "
    "/cgi-bin/stable_token"
)
_REVOKED: Final = "the access token was revoked, by a fault revoke_token: fetch a new one"
_REPLACED: Final = (
    "the access token ended at {} because a program fetched a newer one: let all programs use "
    "/cgi-bin/stable_token, which gives them the same one"
)
_EXPIRED: Final = (
    "the access token of {} expired at {}, and by the emulator's clock it is {}: fetch a new one"
)
_FORCED_TOO_OFTEN: Final = (
    f"force_refresh is allowed {_MOST_FORCED_A_DAY} times a day: leave it out, or wait until "
    "midnight in Beijing"
)


class _Issued:
    __slots__ = ("at", "ends", "revoked", "superseded_at", "token")

    def __init__(self, token: str, at: datetime) -> None:
        self.token = token
        self.at = at
        self.ends = at + LIFETIME
        self.superseded_at: datetime | None = None
        self.revoked = False

    def refusal(self, now: datetime) -> RefusalError | None:
        """Return why the token is refused at a time, None if it is valid."""
        replaced = self.superseded_at
        if self.revoked:
            return RefusalError(40001, "access_token", reason=_REVOKED)
        if replaced is not None and now >= replaced:
            return RefusalError(40001, "access_token", reason=_REPLACED.format(_time(replaced)))
        if now >= self.ends:
            reason = _EXPIRED.format(_time(self.at), _time(self.ends), _time(now))
            return RefusalError(42001, "access_token", reason=reason)
        return None


class Tokens:
    """The access tokens of one mini program. Safe to share between threads."""

    def __init__(self, mark: str, clock: Clock, streams: RandomStreams) -> None:
        self._mark = mark
        self._clock = clock
        self._streams = streams
        self._lock = fork_safe(threading.Lock())
        self._closed = False
        self._issued: dict[str, _Issued] = {}
        # The two endpoints do not invalidate each other's tokens.
        self._latest: _Issued | None = None
        self._stable: _Issued | None = None
        self._forced: list[datetime] = []

    def grant(self) -> tuple[str, int]:
        """Return a new token and its lifetime in seconds; the former expires in five minutes.

        Raises RefusalError after `close`.
        """
        with self._lock:
            now = self._clock.now()
            if self._latest is not None:
                self._latest.superseded_at = now + _OVERLAP
            self._latest = self._issue(now)
            return self._latest.token, int(LIFETIME.total_seconds())

    def grant_stable(self, *, force: bool) -> tuple[str, int]:
        """Return the token and its remaining seconds; ``force`` replaces it at once.

        Without ``force``, a token is renewed in its last five minutes. A forced call within thirty
        seconds of the last one does not renew. Raises RefusalError for more than twenty forced
        calls a day, and after `close`.
        """
        with self._lock:
            now = self._clock.now()
            current = self._stable
            if force:
                current = self._force(now)
            elif current is None or not current.at <= now < current.ends - _OVERLAP:
                current = self._issue(now)
            self._stable = current
            return current.token, int((current.ends - now).total_seconds())

    def check(self, token: str) -> None:
        """Raise RefusalError for an invalid or expired token."""
        issued = self._issued.get(token)
        if issued is None:
            raise RefusalError(40001, "access_token", reason=UNKNOWN)
        refusal = issued.refusal(self._clock.now())
        if refusal is not None:
            raise refusal

    def __contains__(self, token: str) -> bool:
        """Return whether the token was granted here, expired or not."""
        return token in self._issued

    def revoke(self, token: str) -> None:
        """Invalidate one token: `check` raises 40001 for it."""
        with self._lock:
            issued = self._issued.get(token)
            if issued is None:
                return
            issued.revoked = True
            if self._latest is issued:
                self._latest = None
            if self._stable is issued:
                self._stable = None

    def clear(self) -> None:
        """Remove all tokens, and the count of forced calls."""
        with self._lock:
            self._issued.clear()
            self._latest = self._stable = None
            self._forced.clear()

    def close(self) -> None:
        """Remove all tokens and grant no more: the mini program was reset or removed."""
        self._closed = True
        self.clear()

    def _force(self, now: datetime) -> _Issued:
        current, calls = self._stable, self._forced
        # Negative if the clock was moved back, which must not delay a renewal.
        since = now - calls[-1] if calls else _FORCE_INTERVAL
        if current is not None and timedelta(0) <= since < _FORCE_INTERVAL:
            return current
        calls[:] = [call for call in calls if call.date() == now.date()]
        if len(calls) >= _MOST_FORCED_A_DAY:
            raise RefusalError(45009, "force_refresh", reason=_FORCED_TOO_OFTEN)
        calls.append(now)
        if current is not None:
            current.superseded_at = now
        return self._issue(now)

    def _issue(self, now: datetime) -> _Issued:
        if self._closed:
            raise RefusalError(-1, "reset")
        token = make_token(self._mark, self._streams, "token")
        # After a restart of the seed, the same token is granted again, as the newest.
        self._issued.pop(token, None)
        issued = self._issued[token] = _Issued(token, now)
        if len(self._issued) > 2 * _MOST_TOKENS:
            self._evict_oldest()
        return issued

    def _evict_oldest(self) -> None:
        """Evict the oldest tokens, except the current token of each endpoint."""
        for token, issued in list(self._issued.items())[:-_MOST_TOKENS]:
            if issued not in {self._latest, self._stable}:
                del self._issued[token]


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def make_token(mark: str, streams: RandomStreams, stream: Stream) -> str:
    """Return a token as long as WeChat's, with the emulator's prefix.

    The mark of its mini program follows the prefix, so that the owner can be found.
    """
    return _PREFIX + mark + urlsafe_b64encode(streams.draw(stream, _RANDOM_BYTES)).decode()


def mark_of_appid(appid: str) -> str:
    """Return the eight characters that stand for a mini program in its tokens."""
    return urlsafe_b64encode(shake_256(appid.encode()).digest(_MARK_BYTES)).decode()


def mark_of_token(token: str) -> str:
    """Return the mark within a token; in a foreign token it is arbitrary text."""
    return token[_MARK]
