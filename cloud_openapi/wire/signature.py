"""The signature of a request to the CloudBase gateway, as @cloudbase/signature-nodejs makes it.

It is Tencent Cloud's TC3-HMAC-SHA256 with a payload of its own: every field by its lower-case
name, binary ones raw, others trimmed.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
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
    rf"{_ALGORITHM} Credential=([^/,\s]+)/(\d{{4}}-\d\d-\d\d)/tcb/tc3_request, "
    r"SignedParams=([^,]*), SignedHeaders=([^,]*), Signature=([0-9a-f]{64})"
)

_OWNER = re.compile(r"(?:Credential=|q-ak=)([^/&,\s]+)")


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
    params = sorted(filter(fields.get, fields))
    headers = sorted(request.headers)
    signature = _signature(request, fields, params, headers, secret_key, timestamp)
    return (
        f"{_ALGORITHM} Credential={secret_id}/{_date(timestamp)}/tcb/tc3_request, "
        f"SignedParams={';'.join(params)}, SignedHeaders={';'.join(headers)}, "
        f"Signature={signature}"
    )


def secret_id_of(authorization: str) -> str:
    """Return the claimed secret id, in this or the older form; empty if missing."""
    found = _OWNER.search(authorization)
    return "" if found is None else found[1]


def verify(request: Signed, secret_key: str, now: float) -> str:
    """Return the secret id that a request was signed with.

    Raises SignatureError. The time is that of X-Timestamp; ``now`` is in seconds too.
    """
    found = _FORM.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise SignatureError(f"there is no {_ALGORITHM} signature in the Authorization header")
    secret_id, date, params, headers, signature = found.groups()
    timestamp = request.headers.get("x-timestamp", "")
    if not re.fullmatch(r"\d{1,12}", timestamp) or _date(int(timestamp)) != date:
        raise SignatureError("X-Timestamp is not on the date in the Credential")
    if abs(now - int(timestamp)) > EXPIRES:
        raise SignatureError(f"X-Timestamp is more than {EXPIRES} seconds away: check the clock")
    fields = _hashed(request)
    signed = {"params": params.split(";"), "headers": headers.split(";")}
    left_out = [name for name, value in fields.items() if value and name not in signed["params"]]
    left_out += [name for name in ("content-type", "host") if name not in signed["headers"]]
    if left_out:
        raise SignatureError(f"not signed: {', '.join(left_out)}")
    expected = _signature(
        request, fields, signed["params"], signed["headers"], secret_key, int(timestamp)
    )
    if not hmac.compare_digest(expected, signature):
        raise SignatureError("the signature does not belong to this request and secret")
    return secret_id


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
    """Return the fields by lower-case name, each as it counts: all are trimmed but binary ones."""
    raw = _BINARY if request.headers.get("content-type", "").startswith(_MULTIPART) else ()
    return {
        (lower := name.lower()): value if lower in raw else value.strip()
        for name, value in request.fields.items()
    }


def _payload(fields: Mapping[str, bytes], names: Iterable[str]) -> str:
    parts = [b"&%s=%s\r\n" % (name.encode(), fields[name]) for name in names if fields.get(name)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _date(timestamp: int) -> str:
    return _date_of(timestamp // _DAY)


@lru_cache(maxsize=2)
def _date_of(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, timezone.utc).strftime("%Y-%m-%d")
