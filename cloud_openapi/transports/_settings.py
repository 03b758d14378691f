"""From settings to a transport: where a call goes, and in whose name."""

import ipaddress
import warnings
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.errors import ConfigError

if TYPE_CHECKING:
    from cloud_openapi.recordings import Recorder
    from cloud_openapi.transports._base import Exchange
    from cloud_openapi.transports.https import HTTPSTransport

TokenAPI = Literal["stable_token", "token"]

WEIXIN = "https://api.weixin.qq.com"


def connect(  # noqa: PLR0913 - each is a setting of its own
    *,
    appid: str | None,
    secret: str | None,
    base_url: str | None,
    token_api: TokenAPI = "stable_token",
    timeout: float = 15.0,
    recorder: "Recorder | None" = None,
) -> "HTTPSTransport | None":
    """Return the transport that the settings ask for, or None if they name no one to call.

    Nothing reaches the real service without credentials. A loopback address alone is enough: the
    emulator's demo mini program is used there, and nowhere else. With ``recorder`` each answer is
    recorded.

    Raises ConfigError when the settings contradict each other.
    """
    if not (appid or secret or base_url):
        return None
    base_url = (base_url or WEIXIN).rstrip("/")
    loopback = _is_loopback(base_url)
    if loopback and not (appid or secret):
        appid, secret = DEMO_APPID, DEMO_SECRET
    if not appid or not secret:
        missing = "appid (CLOUD_OPENAPI_APPID)" if not appid else "secret (CLOUD_OPENAPI_SECRET)"
        raise ConfigError(f"{base_url} needs an appid and a secret: the {missing} is missing.")
    if appid == DEMO_APPID and not loopback:
        raise ConfigError(
            f"{DEMO_APPID} is the emulator's own and is sent to a loopback address only, not to "
            f"{base_url}. Set CLOUD_OPENAPI_APPID and CLOUD_OPENAPI_SECRET to your mini program's."
        )
    if base_url.startswith("http:") and not loopback:
        warnings.warn(f"{base_url} gets the secret unencrypted; use https.", stacklevel=3)
    # The one place that loads requests: a process that calls nobody does not pay for it.
    from cloud_openapi.transports.https import HTTPExchange, HTTPSTransport  # noqa: PLC0415

    http = HTTPExchange(base_url, timeout=timeout, use_proxies=not loopback)
    exchange: Exchange = http
    if recorder is not None:
        from cloud_openapi.transports.recording import RecordingExchange  # noqa: PLC0415

        recorder.redactor.give(appid, secret)
        exchange = RecordingExchange(http, base_url, recorder)
    return HTTPSTransport(exchange, appid, secret, token_api)


def _is_loopback(base_url: str) -> bool:
    """Say whether a base URL leads to this machine. Raises ConfigError if it is none."""
    try:
        parts = urlsplit(base_url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise ConfigError(
            f'"{base_url}" is no base URL; one looks like {WEIXIN} or http://127.0.0.1:7070'
        )
    if parts.username or parts.password:
        raise ConfigError("The base URL must not hold a user name or a password.")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
