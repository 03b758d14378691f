"""The signatures of downloads and uploads, which expire by the emulator's clock."""

import re
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac
from typing import Final, NamedTuple

from cloud_openapi.errors import one_line

LONGEST_AGE: Final = 86_400
"""Seconds for which a URL opens a file; WeChat: one day by default and at most."""

_UPLOAD: Final = timedelta(minutes=30)
_DIGITS: Final = 32
_TIME: Final = re.compile(r"[0-9]{1,12}")
_AUTHORIZATION: Final = re.compile(
    r"q-sign-algorithm=sha1&q-ak=emulator&q-sign-time=[0-9]{1,12};([0-9]{1,12})"
    r"&q-key-time=[0-9;]{1,30}&q-header-list=&q-url-param-list=&q-signature=([0-9a-f]+)"
)
_DENIED: Final = "AccessDenied", "Access Denied."
_EXPIRED: Final = "AccessDenied", "Request has expired."
_MISMATCH: Final = "SignatureDoesNotMatch", "The Signature you specified is invalid."
_NO_KEY: Final = (
    "InvalidAccessKeyId",
    "The Access Key Id you provided does not exist in our records",
)


class RefusedError(Exception):
    """A request that COS refuses: its code and message, and why, in one line."""

    def __init__(self, code: str, message: str, reason: str = "") -> None:
        super().__init__(code, message, reason)
        self.code = code
        self.message = message
        self.reason = one_line(reason or message)


class Ticket(NamedTuple):
    """The permission to upload one file: what a client sends with it."""

    authorization: str
    token: str


class Signer:
    """Signs the paths of one mini program's files with its ``key``."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def download(self, path: str, now: datetime, age: int) -> str:
        """Return the query of a URL that opens a file for ``age`` seconds."""
        until = int(now.timestamp()) + age
        return f"sign={self._sign('get', path, until)}&t={until}"

    def check_download(self, path: str, sign: str, until: str, now: datetime) -> None:
        """Raise RefusedError unless the fields of a query open a file."""
        why = f"{path[:200]}: the URL is not one of the emulator's: get one with getTempFileURL"
        if not sign or not until:
            raise RefusedError(*_DENIED, why)
        if not (_TIME.fullmatch(until) and self._is_signed(sign, "get", path, int(until))):
            raise RefusedError(*_MISMATCH, why)
        if now.timestamp() >= int(until):
            raise RefusedError(*_EXPIRED, _expired(path, "get a new one with getTempFileURL"))

    def upload(self, path: str, now: datetime) -> Ticket:
        """Return the permission to upload a file within half an hour."""
        begin, until = int(now.timestamp()), int((now + _UPLOAD).timestamp())
        times = f"{begin};{until}"
        authorization = (
            f"q-sign-algorithm=sha1&q-ak=emulator&q-sign-time={times}&q-key-time={times}"
            f"&q-header-list=&q-url-param-list=&q-signature={self._sign('put', path, until)}"
        )
        return Ticket(authorization, self._sign("token", path, until))

    def check_upload(self, path: str, given: Ticket, now: datetime) -> None:
        """Raise RefusedError unless a client may upload a file."""
        why = f"{path[:200]}: send the token and the authorization of getUploadMetadata to its url"
        if not given.authorization:
            raise RefusedError(*_DENIED, why)
        found = _AUTHORIZATION.fullmatch(given.authorization)
        if found is None or not self._is_signed(found[2], "put", path, int(found[1])):
            raise RefusedError(*_MISMATCH, why)
        if not self._is_signed(given.token, "token", path, int(found[1])):
            raise RefusedError(*_NO_KEY, why)
        if now.timestamp() >= int(found[1]):
            raise RefusedError(*_EXPIRED, _expired(path, "call getUploadMetadata again"))

    def _sign(self, purpose: str, path: str, until: int) -> str:
        text = f"{purpose}\n{path}\n{until}".encode("utf-8", "surrogatepass")
        return hmac(self._key, text, sha256).hexdigest()[:_DIGITS]

    def _is_signed(self, given: str, purpose: str, path: str, until: int) -> bool:
        expected = self._sign(purpose, path, until).encode()
        return compare_digest(given.encode("utf-8", "replace"), expected)


def _expired(path: str, advice: str) -> str:
    return f"{path[:200]}: the URL has expired by the emulator's clock: {advice}"
