"""Access tokens as api.weixin.qq.com grants them, by the emulator's clock.

Lifetimes and the five minutes in which an old and a new token both work are WeChat's:
https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
"""

import random
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from cloud_openapi.emulator.clock import Clock
from cloud_openapi.emulator.errors import RefusalError

LIFETIME = timedelta(seconds=7200)
_OVERLAP = timedelta(minutes=5)
_FORCED_PAUSE = timedelta(seconds=30)
_FORCED_A_DAY = 20
_REMEMBERED = 10_000
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LENGTH = 136


class _Issued:
    def __init__(self, token: str, appid: str, at: datetime) -> None:
        self.token = token
        self.appid = appid
        self.at = at
        self.ends = at + LIFETIME
        self.superseded_at: datetime | None = None


class Tokens:
    """Every token of every mini program. Safe to share between threads."""

    def __init__(self, apps: Mapping[str, str], clock: Clock, chance: random.Random) -> None:
        self._apps = apps
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._issued: dict[str, _Issued] = {}
        # The two endpoints do not invalidate each other's tokens.
        self._latest: dict[str, _Issued] = {}
        self._stable: dict[str, _Issued] = {}
        self._forced: dict[str, list[datetime]] = {}

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
            now = self._clock.now()
            former = self._latest.get(appid)
            if former is not None:
                former.superseded_at = now + _OVERLAP
            issued = self._latest[appid] = self._issue(appid, now)
            return issued.token, int(LIFETIME.total_seconds())

    def grant_stable(self, appid: str, *, force: bool) -> tuple[str, int]:
        """Return the token and what remains of its life; ``force`` ends the former at once.

        Normal mode renews during the last five minutes. Forced calls within thirty seconds of
        one another do not renew, and there are twenty a day: then RefusalError.
        """
        with self._lock:
            now = self._clock.now()
            current = self._stable.get(appid)
            if force:
                current = self._force(appid, current, now)
            elif current is None or now >= current.ends - _OVERLAP:
                current = self._stable[appid] = self._issue(appid, now)
            assert current is not None  # noqa: S101 - each branch above leaves a token
            return current.token, int((current.ends - now).total_seconds())

    def appid_of(self, token: str) -> str:
        """Return the mini program that a token speaks for. Raises RefusalError."""
        issued = self._issued.get(token)
        now = self._clock.now()
        if issued is None or (issued.superseded_at is not None and now >= issued.superseded_at):
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

    def revoke(self, token: str) -> None:
        """End one token behind its owner's back: 40001 from now on, and a new one when asked."""
        with self._lock:
            issued = self._issued.pop(token, None)
            for current in (self._latest, self._stable):
                if issued is not None and current.get(issued.appid) is issued:
                    del current[issued.appid]

    def forget(self, appid: str | None = None) -> None:
        """End every token of one mini program or of all, and the count of forced calls."""
        with self._lock:
            self._issued = {
                token: issued
                for token, issued in self._issued.items()
                if appid not in {None, issued.appid}
            }
            for kept in (self._latest, self._stable, self._forced):
                if appid is None:
                    kept.clear()
                else:
                    kept.pop(appid, None)

    def _force(self, appid: str, current: _Issued | None, now: datetime) -> _Issued:
        calls = self._forced.setdefault(appid, [])
        if current is not None and calls and now - calls[-1] < _FORCED_PAUSE:
            return current
        calls[:] = [call for call in calls if call.date() == now.date()]
        if len(calls) >= _FORCED_A_DAY:
            raise RefusalError(45009, "force_refresh")
        calls.append(now)
        if current is not None:
            current.superseded_at = now
        issued = self._stable[appid] = self._issue(appid, now)
        return issued

    def _issue(self, appid: str, now: datetime) -> _Issued:
        token = make_token(self._chance)
        issued = self._issued[token] = _Issued(token, appid, now)
        if len(self._issued) > 2 * _REMEMBERED:
            self._forget()
        return issued

    def _forget(self) -> None:
        """Drop the oldest tokens, but none that an endpoint still hands out."""
        current = {*self._latest.values(), *self._stable.values()}
        newest = list(self._issued.items())[-_REMEMBERED:]
        kept = [(token, issued) for token, issued in self._issued.items() if issued in current]
        self._issued = dict(kept + newest)


def make_token(chance: random.Random) -> str:
    """Return a token as long as WeChat's, which says that it is the emulator's."""
    return "emulator_" + "".join(chance.choices(_ALPHABET, k=_LENGTH))
