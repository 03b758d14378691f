"""The signature of a request to the CloudBase gateway, as @cloudbase/signature-nodejs makes it.

It is Tencent Cloud's TC3-HMAC-SHA256 with a payload of its own: every field by its lower-case
name, binary ones raw, others trimmed.
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import Final, NamedTuple

from cloud_openapi.wire.multipart import CONTENT_TYPE as _MULTIPART

EXPIRES: Final = 600
"""Seconds that a signature is good for."""

_DAY = 24 * 60 * 60
_ALGORITHM = "TC3-HMAC-SHA256"
_BINARY = frozenset({"requestdata", "apioptions"})
_FORM = re.compile(
    rf"{_ALGORITHM} Credential=([^/,\s]+)/([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})/tcb/tc3_request, "
    r"SignedParams=([^,]*), SignedHeaders=([^,]*), Signature=([0-9a-f]{64})"
)
_SPACES = "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
_SPACES += "\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_TIMESTAMP = re.compile("[0-9]{1,12}")
_MOST_SHOWN, _LONGEST_SHOWN = 5, 200


class SignatureError(ValueError):
    """A signature that does not belong to its request, or is too old; never holds a secret."""


class Signed(NamedTuple):
    """The signed parts of a request: URL without scheme, query, headers and fields.

    The names of the headers are lower-case; a field's value is its bytes in the body.
    """

    url: str
    query: str
    headers: Mapping[str, str]
    fields: Mapping[str, bytes]


def sign(request: Signed, secret_id: str, secret_key: str, timestamp: int) -> str:
    """Return the Authorization header; every header and every field that is not empty counts."""
    fields = _hashed(request)
    params = sorted(fields)
    headers = sorted(request.headers)
    signature = _signature(request, fields, params, headers, secret_key, timestamp)
    return (
        f"{_ALGORITHM} Credential={secret_id}/{_date(timestamp)}/tcb/tc3_request, "
        f"SignedParams={';'.join(params)}, SignedHeaders={';'.join(headers)}, "
        f"Signature={signature}"
    )


class Claim(NamedTuple):
    """A signature as a request states it; `verify` shows whether it is true."""

    secret_id: str
    date: str
    timestamp: int
    params: list[str]
    headers: list[str]
    signature: str

    def seconds_from(self, now: float) -> float:
        """Return how far a time is from the one that was signed."""
        return abs(now - self.timestamp)

    def verify(self, request: Signed, secret_key: str, now: float) -> None:
        """Raise SignatureError unless the request was signed with a key, at about ``now``.

        ``now`` is in seconds.
        """
        # First: the date of a time that is far away cannot be computed.
        if self.seconds_from(now) > EXPIRES:
            raise SignatureError(
                f"X-Timestamp is more than {EXPIRES} seconds away: check the clock"
            )
        if _date(self.timestamp) != self.date:
            raise SignatureError("X-Timestamp is not on the date in the Credential")
        fields = _hashed(request)
        unsigned = fields.keys() - set(self.params)
        require_signed(unsigned | {"content-type", "host"}.difference(self.headers))
        expected = _signature(
            request, fields, self.params, self.headers, secret_key, self.timestamp
        )
        if not hmac.compare_digest(expected, self.signature):
            raise SignatureError("the signature does not belong to this request and secret")


def read(request: Signed) -> Claim:
    """Return the signature that a request states. Raises SignatureError without one.

    The time is that of X-Timestamp.
    """
    found = _FORM.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise SignatureError(f"there is no {_ALGORITHM} signature in the Authorization header")
    secret_id, date, params, headers, signature = found.groups()
    timestamp = request.headers.get("x-timestamp", "")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureError("X-Timestamp is not a number of seconds")
    return Claim(secret_id, date, int(timestamp), names(params), names(headers), signature)


def names(text: str) -> list[str]:
    """Return the names of a list with semicolons. Raises SignatureError for a repeated name."""
    found = text.split(";")
    # A large field, hashed once for each repetition, would keep the reader busy for ever.
    if len(set(found)) < len(found):
        raise SignatureError("a name is signed twice")
    return found


def require_signed(unsigned: Collection[str]) -> None:
    """Raise SignatureError if there are any unsigned fields."""
    if unsigned:
        shown = ", ".join(sorted(unsigned)[:_MOST_SHOWN])
        raise SignatureError(f"not signed: {shown[:_LONGEST_SHOWN]}")


def _signature(  # noqa: PLR0913 - each is a part of what is signed
    request: Signed,
    fields: Mapping[str, bytes],
    params: Iterable[str],
    headers: Iterable[str],
    secret_key: str,
    timestamp: int,
) -> str:
    given = request.headers.get
    values = {name: given(name, "").strip().lower() for name in headers}
    # Content-Type keeps its case; a form's boundary is not signed.
    kind = given("content-type", "")
    values["content-type"] = _MULTIPART if kind.startswith(_MULTIPART) else kind
    lines = "".join([f"{name}:{values[name]}\n" for name in headers])
    # The method in small letters, as the SDK passes it.
    canonical = (
        f"post\n{request.url}\n{request.query}\n{lines}\n{';'.join(headers)}\n"
        f"{_payload(fields, params)}"
    )
    date = _date(timestamp)
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{timestamp}\n{date}/tcb/tc3_request\n{hashed}"
    return hmac.digest(_key(secret_key, date), text.encode(), "sha256").hex()


# Each function of an emulator has a key of its own.
@lru_cache(maxsize=64)
def _key(secret_key: str, date: str) -> bytes:
    """Return the key of a day."""
    key = f"TC3{secret_key}".encode()
    for part in (date, "tcb", "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _hashed(request: Signed) -> dict[str, bytes]:
    """Return the fields that count, by lower-case name: texts trimmed, no empty text."""
    raw = _BINARY if request.headers.get("content-type", "").startswith(_MULTIPART) else ()
    fields = {name.lower(): value for name, value in request.fields.items()}
    return {
        name: trimmed
        for name, value in fields.items()
        if (trimmed := value if name in raw else _trimmed(value)) or name in raw
    }


def _trimmed(value: bytes) -> bytes:
    """Trim a text as JavaScript does."""
    if value.isascii():
        return value.strip()
    text = value.decode("utf-8", "surrogateescape").strip(_SPACES)
    return text.encode("utf-8", "surrogateescape")


def _payload(fields: Mapping[str, bytes], names: Iterable[str]) -> str:
    parts = [b"&%s=%s\r\n" % (name.encode(), fields[name]) for name in names if name in fields]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _date(timestamp: int) -> str:
    return _date_of(timestamp // _DAY)


@lru_cache(maxsize=2)
def _date_of(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, timezone.utc).strftime("%Y-%m-%d")
