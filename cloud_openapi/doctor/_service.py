"""The way to the service and its answer: proxies, connection, clock, credentials, whitelist."""

import json
import re
import socket
from collections.abc import Generator, Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from cloud_openapi import clocks
from cloud_openapi.doctor._finding import Finding, fine, note, problem
from cloud_openapi.errors import advice
from cloud_openapi.json_text import read_json
from cloud_openapi.loopback import is_private
from cloud_openapi.masking import mask_text
from cloud_openapi.transports import (
    WEIXIN,
    Exchange,
    ExchangeError,
    Reply,
    TransportSettings,
    address_of,
    credentials,
    is_loopback_url,
    open_exchange,
)

_TOKEN, _HEALTH = "/cgi-bin/stable_token", "/healthz"
_EMULATOR = "http://127.0.0.1:7070"
_SECONDS = 5.0
_PORTS = {"https": 443, "socks4": 1080, "socks5": 1080, "socks5h": 1080}
# CloudBase's gateway refuses signatures that are ten minutes away from its time.
_OFF, _WRONG = 60, 300
_NOTHING_SET = (
    "for the emulator: cloud-openapi serve, which prints the variables; for the real service: set "
    "CLOUD_OPENAPI_APPID and CLOUD_OPENAPI_SECRET"
)
_IP = re.compile(r"invalid ip (\S+)")
_WHITELIST = (
    "add it to the IP whitelist at mp.weixin.qq.com (开发管理, 开发设置, IP白名单); it is the "
    "address of the proxy or router by which this machine calls. A function of CloudBase needs "
    "none: it calls through the gateway"
)
_BUSY = frozenset({-1, 45009, 45011})


def of_service(settings: TransportSettings) -> Iterator[Finding]:
    """Yield the findings on the service that the settings choose.

    One token is asked for, by the API that leaves the tokens of others valid. It is not shown.
    """
    if settings.transport in ("gateway", "cloudrun"):
        text = f"calls go by {settings.transport}, which only the platform has"
        yield note("connection", text, "call cloud-openapi doctor there, or invoke the function")
        return
    if not (settings.appid or settings.secret or settings.base_url):
        yield _nothing_set()
        return
    base_url = address_of(settings)
    can_send = yield from _proxy(base_url)
    if not can_send:
        return
    exchange = open_exchange(base_url, settings.timeout)
    try:
        before = clocks.now()
        reply = _token(exchange, settings)
        now = (before + clocks.now()) / 2
        answer = read_json(exchange.body_of(reply, _TOKEN).decode())
    except ExchangeError as error:
        yield _unreachable(base_url, error, settings)
        return
    except (ValueError, RecursionError):
        text = f"{base_url} does not answer in JSON: another server or a proxy answers"
        yield problem("connection", text, f"check the base URL; WeChat's is {WEIXIN}")
        return
    yield _reached(exchange, base_url)
    yield from _clock(reply, now)
    yield _of_answer(answer if isinstance(answer, dict) else {}, settings)
    yield from _store(settings)


def _nothing_set() -> Finding:
    if _is_emulator(open_exchange(_EMULATOR, _SECONDS)):
        text = f"an emulator answers at {_EMULATOR}, and no base URL leads to it"
        return note("settings", text, f"export CLOUD_OPENAPI_BASE_URL={_EMULATOR}")
    text = "no appid, no secret and no base URL are set: calls fail with -1"
    return note("settings", text, _NOTHING_SET)


def _token(exchange: Exchange, settings: TransportSettings) -> Reply:
    appid, secret = credentials(settings)
    fields = {"grant_type": "client_credential", "appid": appid, "secret": secret}
    return exchange.send("POST", _TOKEN, json.dumps(fields).encode())


def _proxy(base_url: str) -> Generator[Finding, None, bool]:
    """Yield the findings on the proxy, and return whether requests can be sent at all."""
    from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415

    if is_loopback_url(base_url):
        return True
    found = select_proxy(base_url, get_environ_proxies(base_url))
    if not found:
        return True
    todo = "correct https_proxy, or add the host of the base URL to no_proxy"
    try:
        parts = urlsplit(found if "://" in found else f"http://{found}")
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme, 80)
    except ValueError:
        host = None
    if not host:
        # The address may have a password.
        yield problem("proxy", "the address of the proxy is not a URL with a host", todo)
        return False
    shown = f"{parts.scheme}://{host}:{port}"
    try:
        with socket.create_connection((host, port), _SECONDS):
            yield fine("proxy", f"calls go through {shown}, whose address WeChat sees")
    except (OSError, ValueError) as error:
        yield problem("proxy", f"the proxy {shown} does not answer: {error}", todo)
    return True


def _unreachable(base_url: str, error: ExchangeError, settings: TransportSettings) -> Finding:
    reason = mask_text(error.reason or error.text or "", [settings.secret])
    if "ECONNREFUSED" in reason and is_loopback_url(base_url):
        text = f"nothing listens at {base_url}"
        return problem("connection", text, "start the emulator: cloud-openapi serve")
    todo = error.hint
    if "ENOTFOUND" in reason:
        todo = "check the name and this machine's DNS; behind a proxy, set https_proxy"
    elif "TLS" in reason and "no TLS" not in todo:
        todo = (
            "check this machine's clock and certificates; a proxy that opens TLS needs its own in "
            "REQUESTS_CA_BUNDLE"
        )
    return problem("connection", f"{base_url}: {reason}", todo)


def _reached(exchange: Exchange, base_url: str) -> Finding:
    host = urlsplit(base_url).hostname or ""
    if base_url == WEIXIN:
        return fine("connection", f"WeChat answers at {base_url}")
    if is_private(host) and _is_emulator(exchange):
        return fine("connection", f"an emulator answers at {base_url}")
    return note("connection", f"{base_url} answers, which is not WeChat's address ({WEIXIN})")


def _is_emulator(exchange: Exchange) -> bool:
    try:
        return "now" in read_json(exchange.send("GET", _HEALTH).body.decode())
    except (ExchangeError, ValueError, TypeError, RecursionError):
        return False


def _clock(reply: Reply, now: float) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(reply.headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return  # a proxy may have removed it
    off = now - theirs
    way = "ahead of" if off > 0 else "behind"
    text = f"this machine's clock is {abs(off):.0f} s {way} the service's"
    if abs(off) <= _OFF:
        yield fine("clock", text)
        return
    todo = "set the clock, on Linux: timedatectl set-ntp true"
    yield problem("clock", text, todo) if abs(off) > _WRONG else note("clock", text, todo)


def _of_answer(answer: dict[str, object], settings: TransportSettings) -> Finding:
    appid, _secret = credentials(settings)
    code = answer.get("errcode") or 0
    if not code and isinstance(answer.get("access_token"), str):
        return fine("credentials", f"an access token is granted to {appid}")
    message = mask_text(str(answer.get("errmsg", "")), [settings.secret])
    if code == 40164:  # noqa: PLR2004 - WeChat's code
        found = _IP.search(message)
        address = found[1] if found else "this machine's address"
        return problem("IP whitelist", f"WeChat refuses {address} (40164)", _WHITELIST)
    todo = advice(code) if isinstance(code, int) else ""
    topic = "service" if code in _BUSY else "credentials"
    return problem(topic, f"no token for {appid}: {message} ({code})", todo or _REFUSED)


_REFUSED = "check the appid, the AppSecret and the state of the mini program at mp.weixin.qq.com"


def _store(settings: TransportSettings) -> Iterator[Finding]:
    if settings.token_store is None:
        return
    from cloud_openapi.tokens._store import Key, StoreError, token_store  # noqa: PLC0415

    store, key = token_store(settings.token_store), Key(address_of(settings), settings.appid or "")
    try:
        store.read(key)
        with store.lease(key, _SECONDS):
            yield fine("token store", f"{_shown(settings.token_store)} answers")
    except StoreError as error:
        todo = "check CLOUD_OPENAPI_TOKEN_STORE; until then tokens come by stable_token"
        yield note("token store", f"it does not answer: {error}", todo)


def _shown(token_store: object) -> str:
    """Return what a token store is, without a password."""
    if not isinstance(token_store, str):
        return type(token_store).__name__
    return token_store if token_store.startswith("file:") else "Redis"
