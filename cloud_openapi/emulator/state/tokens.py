"""Access tokens as api.weixin.qq.com grants them, by the emulator's clock.

Lifetimes and the five minutes in which an old and a new token both work are WeChat's:
https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
"""

import threading
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta

from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.state.clock import Clocks
from cloud_openapi.emulator.state.seeds import Seeds, Stream

LIFETIME = timedelta(seconds=7200)
_OVERLAP = timedelta(minutes=5)
_FORCED_PAUSE = timedelta(seconds=30)
_FORCED_A_DAY = 20
_REMEMBERED = 500
_RANDOM_BYTES = 102  # 136 characters


class _Issued:
    __slots__ = ("appid", "at", "ends", "revoked", "superseded_at", "token")

    def __init__(self, token: str, appid: str, at: datetime) -> None:
        self.token = token
        self.appid = appid
        self.at = at
        self.ends = at + LIFETIME
        self.superseded_at: datetime | None = None
        self.revoked = False


class _Granted:
    """What one mini program was granted."""

    def __init__(self) -> None:
        self.issued: dict[str, _Issued] = {}
        # The two endpoints do not invalidate each other's tokens.
        self.latest: _Issued | None = None
        self.stable: _Issued | None = None
        self.forced: list[datetime] = []


class Tokens:
    """Every token of every mini program. Safe to share between threads."""

    def __init__(self, apps: Mapping[str, str], clocks: Clocks, seeds: Seeds) -> None:
        self._apps = apps
        self._clocks = clocks
        self._seeds = seeds
        self._lock = threading.Lock()
        self._issued: dict[str, _Issued] = {}
        self._granted: dict[str, _Granted] = {}

    def authenticate(self, appid: str, secret: str, grant_type: str) -> None:
        """Check the fields of a token request, in the order that the real service does.

        Raises RefusalError. The appid is known to be checked before grant_type.
        """
        self.identify(appid, secret)
        if grant_type != "client_credential":
            raise RefusalError(40002, "grant_type")

    def identify(self, appid: str, secret: str) -> None:
        """Check an appid and its secret. Raises RefusalError."""
        if not appid:
            raise RefusalError(41002, "appid")
        if appid not in self._apps:
            raise RefusalError(40013, "appid")
        if not secret:
            raise RefusalError(41004, "secret")
        if secret != self._apps[appid]:
            raise RefusalError(40125, "secret")

    def grant(self, appid: str) -> tuple[str, int]:
        """Return a new token and its life in seconds; the former works five minutes longer."""
        with self._lock:
            now = self._clocks.now(appid)
            granted = self._granted_to(appid)
            if granted.latest is not None:
                granted.latest.superseded_at = now + _OVERLAP
            granted.latest = self._issue(appid, granted, now)
            return granted.latest.token, int(LIFETIME.total_seconds())

    def grant_stable(self, appid: str, *, force: bool) -> tuple[str, int]:
        """Return the token and what remains of its life; ``force`` ends the former at once.

        Normal mode renews during the last five minutes. Forced calls within thirty seconds of
        one another do not renew, and there are twenty a day: then RefusalError.
        """
        with self._lock:
            now = self._clocks.now(appid)
            granted = self._granted_to(appid)
            current = granted.stable
            if force:
                current = self._force(appid, granted, now)
            elif current is None or not current.at <= now < current.ends - _OVERLAP:
                current = self._issue(appid, granted, now)
            granted.stable = current
            return current.token, int((current.ends - now).total_seconds())

    def appid_of(self, token: str) -> str:
        """Return the mini program that a token speaks for. Raises RefusalError."""
        issued = self._issued.get(token)
        if issued is None or issued.revoked:
            raise RefusalError(40001, "access_token")
        now = self._clocks.now(issued.appid)
        if issued.superseded_at is not None and now >= issued.superseded_at:
            raise RefusalError(40001, "access_token")
        if now >= issued.ends:
            raise RefusalError(42001, "access_token")
        return issued.appid

    def owner(self, token: str) -> str | None:
        """Return the mini program of a token that works; nothing, if it does not."""
        try:
            return self.appid_of(token)
        except RefusalError:
            return None

    def granted_to(self, token: str) -> str | None:
        """Return the mini program that a token was granted to, even if it works no longer."""
        issued = self._issued.get(token)
        return None if issued is None else issued.appid

    def revoke(self, token: str) -> None:
        """End one token behind its owner's back: 40001 from now on, and a new one when asked."""
        with self._lock:
            issued = self._issued.get(token)
            if issued is None:
                return
            issued.revoked = True
            granted = self._granted_to(issued.appid)
            if granted.latest is issued:
                granted.latest = None
            if granted.stable is issued:
                granted.stable = None

    def forget(self, appid: str | None = None) -> None:
        """End every token of one mini program or of all, and the count of forced calls."""
        with self._lock:
            for owner in list(self._granted) if appid is None else [appid]:
                for token in self._granted.pop(owner, _Granted()).issued:
                    del self._issued[token]

    def _granted_to(self, appid: str) -> _Granted:
        return self._granted.get(appid) or self._granted.setdefault(appid, _Granted())

    def _force(self, appid: str, granted: _Granted, now: datetime) -> _Issued:
        current, calls = granted.stable, granted.forced
        # A clock that was moved back must not hold a token up for as long.
        since = now - calls[-1] if calls else _FORCED_PAUSE
        if current is not None and timedelta(0) <= since < _FORCED_PAUSE:
            return current
        calls[:] = [call for call in calls if call.date() == now.date()]
        if len(calls) >= _FORCED_A_DAY:
            raise RefusalError(45009, "force_refresh")
        calls.append(now)
        if current is not None:
            current.superseded_at = now
        return self._issue(appid, granted, now)

    def _issue(self, appid: str, granted: _Granted, now: datetime) -> _Issued:
        token = make_token(self._seeds, appid, "token")
        # The same seed anew grants the same token again: as the newest.
        granted.issued.pop(token, None)
        issued = self._issued[token] = granted.issued[token] = _Issued(token, appid, now)
        if len(granted.issued) > 2 * _REMEMBERED:
            self._drop_oldest(granted)
        return issued

    def _drop_oldest(self, granted: _Granted) -> None:
        """Drop a mini program's oldest tokens, but none that an endpoint still hands out."""
        for token, issued in list(granted.issued.items())[:-_REMEMBERED]:
            if issued not in {granted.latest, granted.stable}:
                del granted.issued[token], self._issued[token]


def make_token(seeds: Seeds, appid: str, stream: Stream) -> str:
    """Return a token as long as WeChat's, which says that it is the emulator's."""
    chance = seeds.draw(appid, stream, _RANDOM_BYTES)
    return "emulator_" + urlsafe_b64encode(chance).decode()
