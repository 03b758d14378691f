"""Captured requests of wx-server-sdk, and a check of their signatures.

The files below tests/gateway/ were captured from the unmodified packages with the secret id
``test-id`` and the key ``test-key``. The check shares no code with the package.
"""

import datetime as dt
import hashlib
import hmac
import json
import re

from support.paths import TESTS

FOLDER = TESTS / "gateway"
KEY = "test-key"
SIGNED = sorted(path.name for path in FOLDER.glob("wx-server-sdk-[34]*.http"))


class Captured:
    """A request, with lower-case header names and a body without chunks."""

    def __init__(self, raw):
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.headers = {name.lower(): value for name, value in (x.split(": ", 1) for x in lines)}
        if self.headers.get("transfer-encoding") == "chunked":
            self.body = b"".join(_chunks(self.body))
        self.path, _, self.query = self.target.partition("?")


def captured(name):
    return Captured((FOLDER / name).read_bytes())


def _chunks(rest):
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        yield rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]


def parts(headers, body):
    """Return the fields of a JSON or multipart body, as bytes."""
    kind = headers["content-type"]
    if not kind.startswith("multipart/form-data"):
        fields = json.loads(body)
        return {name: _text(value).encode() for name, value in fields.items()}
    boundary = b"--" + kind.partition("boundary=")[2].encode() + b"\r\n"
    first, *pieces = body[: body.rindex(b"\r\n--") + 2].split(boundary)
    assert first == b""
    found = {}
    for piece in pieces:
        head, _, value = piece.partition(b"\r\n\r\n")
        name = re.search(rb'; name="([^"]+)"', head)[1].decode()
        found[name] = value.removesuffix(b"\r\n")
    return found


def _text(value):
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def signature_is_good(headers, target, body, key):
    """Return whether the Authorization header belongs to the request."""
    found = re.fullmatch(
        r"TC3-HMAC-SHA256 Credential=[^/]+/([^/]+)/tcb/tc3_request, SignedParams=([^,]*), "
        r"SignedHeaders=([^,]*), Signature=([0-9a-f]+)",
        headers["authorization"],
    )
    date, params, signed, signature = found.groups()
    fields = {name.lower(): value for name, value in parts(headers, body).items()}
    multipart = headers["content-type"].startswith("multipart/form-data")
    payload = hashlib.sha256()
    for name in params.split(";"):
        value = fields[name]
        if value:
            if not (multipart and name == "requestdata"):
                value = value.decode().strip().encode()
            payload.update(b"&" + name.encode() + b"=" + value + b"\r\n")
    lines = ""
    for name in signed.split(";"):
        value = headers[name].strip().lower()
        if name == "content-type":
            value = "multipart/form-data" if multipart else headers[name]
        lines += f"{name}:{value}\n"
    path, _, query = target.partition("?")
    url = "//" + headers["host"] + path
    canonical = f"post\n{url}\n{query}\n{lines}\n{signed}\n{payload.hexdigest()}"
    stamp = headers["x-timestamp"]
    moment = dt.datetime.fromtimestamp(int(stamp), dt.timezone.utc)
    assert date == moment.strftime("%Y-%m-%d")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["TC3-HMAC-SHA256", stamp, f"{date}/tcb/tc3_request", digest])
    secret = b"TC3" + key.encode()
    for step in (date, "tcb", "tc3_request"):
        secret = hmac.new(secret, step.encode(), "sha256").digest()
    return hmac.new(secret, text.encode(), "sha256").hexdigest() == signature
