"""Strings that no file may contain, and a search for them in every spelling."""

import base64
import contextlib
import gzip
import json
import re
import zlib
from urllib.parse import quote, quote_plus

import brotli
from backports import zstd

from cloud_openapi.recordings import Interaction

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
NAMES = (
    "access_token",
    "cloudbase_access_token",
    "secret",
    "appid",
    "ticket",
    "session_token",
    "sessionKey",
    "refreshToken",
    "Authorization",
)


class Canaries:
    """Makes a canary for each place, and finds canaries in files."""

    def __init__(self):
        self.made = {}

    def __call__(self, place):
        # These characters differ in queries, JSON and base64.
        made = f'canary{len(self.made):03d}+/"=ä {len(self.made):03d}canary'
        if not place.startswith("any "):
            made = f"canary{len(self.made):03d}Zq9-_{len(self.made):03d}canary"
        self.made[place] = made
        return made

    def leaked(self, folder, *, may_be_empty=False):
        """Return the places whose canary is in a file below a folder, or in a file name."""
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files or may_be_empty
        views = {view for path in files for view in views_of(path.read_bytes())}
        text = b"\n".join([*(str(path).encode() for path in files), *views])
        return [place for place, made in self.made.items() if _spelled(made, text)]


def views_of(data, depth=4):
    """Yield bytes, and what they hold that is compressed, in base64 or in UTF-16."""
    yield data
    if depth:
        for found in {*_decoded(data), *_decompressed(data)} - {data, b""}:
            yield from views_of(found, depth - 1)


def _decoded(data):
    for codec in ("utf-16-le", "utf-16-be"):
        if b"\0" in data:
            yield data.decode(codec, "ignore").encode()
    # YAML and MIME break base64 into lines, JSON escapes the line breaks and the slashes.
    joined = re.sub(rb"\s*\n\s*|\\[nr]", b"", data).replace(b"\\/", b"/")
    for run in {*_BASE64.findall(data), *_BASE64.findall(joined)}:
        whole = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        yield base64.b64decode(whole[: len(whole) - (len(whole) % 4 == 1)] + b"===")


def _decompressed(data):
    for bits in (31, 15, -15):
        # Also of data that are broken off, and of data in the midst of others.
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(bits).decompress(data, 2**20)
    with contextlib.suppress(brotli.error):
        yield brotli.Decompressor().process(data, output_buffer_limit=2**20)
    with contextlib.suppress(zstd.ZstdError):
        yield zstd.ZstdDecompressor().decompress(data, 2**20)


def _spelled(made, text):
    data = made.encode()
    spellings = {data, quote(made, safe="").encode(), quote_plus(made).encode()}
    spellings |= {quote(quote(made, safe=""), safe="").encode(), json.dumps(made)[1:-1].encode()}
    for before in range(3):
        padded = b"x" * before + data
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The first and the last characters depend on the neighbouring bytes.
            spellings.add(encode(padded)[4:-4])
    return any(spelling in text for spelling in spellings)


def with_canaries(canary, uri, **headers):
    """Return an interaction with a canary in every place that may contain a secret."""
    query = "&".join(f"{name}={quote_plus(canary(f'query {name}'))}" for name in NAMES)
    nested = quote_plus(f"https://a.b/?access_token={canary('address in a query')}")
    scheme, _, rest = uri.partition("://")
    echoed = canary("any echoed secret")
    body = {
        **{name: canary(f"request JSON {name}") for name in NAMES},
        "deep": [{"list": {"component_appid": canary("request JSON deep")}}],
        "secret_of_object": {"secret": {"a": [canary("request JSON object")]}},
        "echo": echoed,
        "note": f"see ?access_token={canary('text in JSON')}&x=1",
        "json": json.dumps({"ticket": canary("JSON in JSON"), "n": 1}),
        "bearer": f"Bearer {canary('bearer in JSON')}",
        "appid_by_look": "wx0123456789abcdef",
    }
    answer = {
        "access_token": echoed,
        "errmsg": f"invalid {echoed}, {quote_plus(echoed)} {echoed[::1]}",
        "base64": base64.b64encode(f"x{echoed}y".encode()).decode(),
        "tickets": [canary("answer list"), {"value": canary("answer list of objects")}],
        "page": f"pages/index?session_id={canary('answer text')}",
    }
    user, fragment = canary("address user"), canary("fragment")
    basic = base64.b64encode(f"user:{canary('any basic')}".encode()).decode()
    return Interaction(
        api=None,
        method="POST",
        uri=f"{scheme}://user:{user}@{rest}?{query}&to={nested}#{fragment}",
        request_headers={
            "Content-Type": ["application/json"],
            "Authorization": [f"Basic {basic}"],
            "Cookie": [f"sid={canary('cookie')}; other={canary('second cookie')}"],
            "X-WX-OPENID": [canary("header openid")],
            "X-Unheard-Of": [canary("any header")],
            "User-Agent": [f"me secret={canary('text in a header')}"],
        },
        request_body=json.dumps(body).encode(),
        status=200,
        reason=f"OK token={canary('reason')}",
        response_headers={
            "Content-Type": ["application/json"],
            "Set-Cookie": [f"sid={canary('set-cookie')}; Path=/; Max-Age=3600"],
            "Location": [f"https://a.b/?x={canary('location')}"],
        },
        response_body=json.dumps(answer).encode(),
        origin=f"https://a.b/?access_token={canary('origin')}",
    )


def encodings():
    """Return functions that encode a body, by the Content-Encoding of the result."""
    return {
        "identity": bytes,
        "gzip": lambda data: gzip.compress(data, mtime=0),
        "deflate": zlib.compress,
        "deflate, identity": lambda data: zlib.compress(data, wbits=-15),
        "br": brotli.compress,
        "zstd": zstd.compress,
        "br, gzip": lambda data: gzip.compress(brotli.compress(data), mtime=0),
        "compress": lambda data: b"\x1f\x9d" + zlib.compress(data),
        "base64": base64.b64encode,
        "": lambda data: gzip.compress(data, mtime=0),
        # Names that mean no coding, so that no header names the one that the body has.
        "none": brotli.compress,
        "none, identity": lambda data: zlib.compress(data) + b"\n",
        "identity, none": lambda data: zlib.compress(data)[:-3],
    }


def forms(canary):
    """Return bodies that are not JSON, with a canary each."""
    jwt = base64.urlsafe_b64encode(canary("any jwt").encode())
    return {
        "form": f"a=1&secret={quote_plus(canary('any form'))}&b=2",
        "form by code": f"%73ecret={canary('form by code')}&b=2",
        "truncated": f'{{"access_token":"{canary("truncated")}',
        "twice": f'{{"a":{{"secret":"{canary("twice")}"}},"a":1}}',
        "escaped": f'x {{\\"app_secret\\":\\"{canary("escaped")}\\"}}',
        "multipart": '--b\r\nContent-Disposition: form-data; name="secret"\r\n\r\n'
        f"{canary('any multipart')}\r\n--b--",
        "xml": f"<xml><AppId><![CDATA[{canary('xml')}]]></AppId></xml>",
        "log": f"POST / HTTP/1.1\r\nAuthorization: Bearer {canary('log')}\r\n"
        f"Cookie: a=1; b={canary('log cookie')}\r\n\r\n",
        "python": f"{{'access_token': '{canary('python')}'}}",
        "coded": f"to=https%3A%2F%2Fa%3Fticket%3D{canary('coded')}%26x%3D1 and more",
        "jwt": f"eyJhbGciOiJIUzI1NiJ9.{jwt.decode().strip('=')}.abc",
    }
