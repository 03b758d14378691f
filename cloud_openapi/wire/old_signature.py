"""The signature of a request to the CloudBase gateway as tcb-admin-node makes it.

wx-server-sdk before 2.1 signs so: Tencent Cloud's ``q-sign``, in a field of the
body. https://cloud.tencent.com/document/product/436/7778
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from cloud_openapi.wire.signature import EXPIRES, SignatureError, Signed

FIELD: Final = "authorization"
"""The form field that holds the signature."""

# The SDK adds these after it has signed.
_UNSIGNED = frozenset({FIELD, "requestdata", "sessiontoken", "sdk_version", "file"})
_FORM = re.compile(
    r"q-sign-algorithm=sha1&q-ak=([^&,\s]+)&q-sign-time=(\d{1,12});(\d{1,12})"
    r"&q-key-time=\2;\3&q-header-list=([^&]*)&q-url-param-list=([^&]*)"
    r"&q-signature=([0-9a-f]{40})"
)


def verify(request: Signed, secret_key: str, now: float) -> str:
    """Return the secret id that a request was signed with. Raises SignatureError.

    ``now`` is in seconds. Message, session token and version of the SDK are not signed.
    """
    fields = {
        name.lower(): value.decode("utf-8", "replace") for name, value in request.fields.items()
    }
    found = _FORM.fullmatch(fields.get(FIELD, ""))
    if found is None:
        raise SignatureError("there is no q-sign signature in the field authorization")
    secret_id, begin, end, headers, params, signature = found.groups()
    if not int(begin) - EXPIRES <= now <= int(end):
        raise SignatureError("q-sign-time does not include the current time: check the clock")
    signed = params.split(";")
    left_out = fields.keys() - _UNSIGNED - set(signed)
    if left_out:
        raise SignatureError(f"not signed: {', '.join(sorted(left_out))}")
    lines = f"{_pairs(signed, fields)}\n{_pairs(headers.split(';'), request.headers)}"
    text = f"post\n/{request.url.partition('//')[2].partition('/')[2]}\n{lines}\n"
    times = f"{begin};{end}"
    hashed = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    key = _hmac(secret_key, times)
    if not hmac.compare_digest(_hmac(key, f"sha1\n{times}\n{hashed}\n"), signature):
        raise SignatureError("the signature does not belong to this request and secret")
    return secret_id


def _pairs(names: Iterable[str], values: Mapping[str, str]) -> str:
    return "&".join([f"{quote(name, '')}={quote(values.get(name, ''), '')}" for name in names])


def _hmac(key: str, text: str) -> str:
    return hmac.digest(key.encode(), text.encode(), "sha1").hex()
