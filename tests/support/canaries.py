"""Strings that no file may contain, and a search for them in every spelling."""

import base64
import json
from urllib.parse import quote, quote_plus

from cloud_openapi.recordings import Interaction

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

    def leaked(self, folder):
        """Return the places whose canary is in a file below a folder, or in a file name."""
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files
        text = b"\n".join(str(path).encode() + b"\n" + path.read_bytes() for path in files)
        return [place for place, made in self.made.items() if _spelled(made, text)]


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
