"""The signature of a request to the CloudBase gateway as tcb-admin-node makes it.

wx-server-sdk before 2.1 signs so: Tencent Cloud's ``q-sign``, in a field of the
body. https://cloud.tencent.com/document/product/436/7778
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

from cloud_openapi.wire.signature import EXPIRES, SignatureError, Signed, names, require_signed

FIELD: Final = "authorization"
"""The form field that holds the signature."""

# The SDK adds these after it has signed.
_UNSIGNED = frozenset({FIELD, "requestdata", "sessiontoken", "sdk_version", "file"})
_FORM = re.compile(
    r"q-sign-algorithm=sha1&q-ak=([^&,\s]+)&q-sign-time=([0-9]{1,12});([0-9]{1,12})"
    r"&q-key-time=\2;\3&q-header-list=([^&]*)&q-url-param-list=([^&]*)"
    r"&q-signature=([0-9a-f]{40})"
)


class Claim(NamedTuple):
    """A signature as a request states it; `verify` shows whether it is true."""

    secret_id: str
    begin: str
    end: str
    headers: list[str]
    params: list[str]
    signature: str

    def seconds_from(self, now: float) -> float:
        """Return how far a time is from the one that was signed."""
        return abs(now - int(self.begin))

    def verify(self, request: Signed, secret_key: str, now: float) -> None:
        """Raise SignatureError unless the request was signed with a key, at about ``now``.

        ``now`` is in seconds. Message, session token and version of the SDK are not signed.
        """
        if not int(self.begin) - EXPIRES <= now <= int(self.end):
            raise SignatureError("q-sign-time does not include the current time: check the clock")
        fields = _texts(request)
        require_signed(fields.keys() - _UNSIGNED - set(self.params))
        lines = f"{_pairs(self.params, fields)}\n{_pairs(self.headers, request.headers)}"
        text = f"post\n/{request.url.partition('//')[2].partition('/')[2]}\n{lines}\n"
        times = f"{self.begin};{self.end}"
        hashed = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        expected = _hmac(_hmac(secret_key, times), f"sha1\n{times}\n{hashed}\n")
        if not hmac.compare_digest(expected, self.signature):
            raise SignatureError("the signature does not belong to this request and secret")


def read(request: Signed) -> Claim:
    """Return the signature that a request states. Raises SignatureError without one."""
    found = _FORM.fullmatch(_texts(request).get(FIELD, ""))
    if found is None:
        raise SignatureError("there is no q-sign signature in the field authorization")
    secret_id, begin, end, headers, params, signature = found.groups()
    return Claim(secret_id, begin, end, names(headers), names(params), signature)


def _texts(request: Signed) -> dict[str, str]:
    return {
        name.lower(): value.decode("utf-8", "replace") for name, value in request.fields.items()
    }


def _pairs(names: Iterable[str], values: Mapping[str, str]) -> str:
    return "&".join([f"{quote(name, '')}={quote(values.get(name, ''), '')}" for name in names])


def _hmac(key: str, text: str) -> str:
    return hmac.digest(key.encode(), text.encode(), "sha1").hex()
