"""From settings to a transport: where a call goes, and in whose name."""

import ipaddress
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from cloud_openapi.context import DynamicEnv
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.errors import ConfigError
from cloud_openapi.transports._base import Transport

if TYPE_CHECKING:
    from cloud_openapi.recordings import Recorder
    from cloud_openapi.transports.https import HTTPExchange

TokenAPI = Literal["stable_token", "token"]
Kind = Literal["https", "gateway", "cloudrun"]

WEIXIN = "https://api.weixin.qq.com"


def connect(  # noqa: PLR0913 - each is a setting of its own
    *,
    appid: str | None,
    secret: str | None,
    base_url: str | None,
    token_api: TokenAPI = "stable_token",
    timeout: float = 15.0,
    kind: Kind | None = None,
    env: str | DynamicEnv | None = None,
    token_file: Path | None = None,
    recorder: "Recorder | None" = None,
) -> Transport | None:
    """Return the transport that the settings ask for, or None if they name no one to call.

    Whoever names an appid, a secret or an address gets HTTPS; else a function of CloudBase gets
    the gateway. Nothing reaches the real service without credentials. A loopback address alone is
    enough: the emulator's demo mini program is used there, and nowhere else. With ``recorder``
    each answer over HTTPS is recorded.

    Raises ConfigError when the settings contradict each other.
    """
    if kind is None and not (appid or secret or base_url):
        kind = "gateway" if _in_cloudbase() else None
        if kind is None:
            return None
    if recorder is not None and kind in {"gateway", "cloudrun"}:
        raise ConfigError(
            f"Calls by {kind} are not recorded: set CLOUD_OPENAPI_APPID and CLOUD_OPENAPI_SECRET, "
            "or let the emulator record them (cloud-openapi serve --mode record)."
        )
    if kind == "gateway":
        return _gateway(env, timeout)
    if kind == "cloudrun":
        return _cloudrun(base_url, token_file, timeout)
    return _https(appid, secret, base_url, token_api, timeout, recorder)


def _in_cloudbase() -> bool:
    """Say whether this is a function of CloudBase, which signs its calls by these variables."""
    if os.environ.get("TCB_CONTEXT_CNFG"):
        return True
    credentials = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY")
    inside = os.environ.get("TENCENTCLOUD_RUNENV") == "SCF"
    return inside and all(map(os.environ.get, credentials))


def _gateway(env: str | DynamicEnv | None, timeout: float) -> Transport:
    try:
        # It needs protobuf, which nobody else has to carry.
        from cloud_openapi.transports.gateway import GatewayTransport  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The CloudBase gateway needs the package {error.name}: "
            "pip install 'cloud-openapi[gateway]', or set CLOUD_OPENAPI_TRANSPORT=https."
        ) from None
    return GatewayTransport(lambda url: _exchange(url, timeout), env)


def _cloudrun(base_url: str | None, token_file: Path | None, timeout: float) -> Transport:
    from cloud_openapi.transports.cloudrun import TOKEN_FILE, CloudRunTransport  # noqa: PLC0415

    if token_file is None and TOKEN_FILE.is_file():
        token_file = TOKEN_FILE
    # Without a token of its own a call must be http: the side-car fills the token in.
    usual = WEIXIN if token_file else WEIXIN.replace("https:", "http:")
    return CloudRunTransport(_exchange((base_url or usual).rstrip("/"), timeout), token_file)


def _https(  # noqa: PLR0913 - each is a setting of its own
    appid: str | None,
    secret: str | None,
    base_url: str | None,
    token_api: TokenAPI,
    timeout: float,
    recorder: "Recorder | None",
) -> Transport:
    base_url = (base_url or WEIXIN).rstrip("/")
    loopback = is_loopback(base_url)
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
        warnings.warn(f"{base_url} gets the secret unencrypted; use https.", stacklevel=4)
    from cloud_openapi.transports.https import HTTPSTransport  # noqa: PLC0415

    http = _exchange(base_url, timeout)
    if recorder is None:
        return HTTPSTransport(http, appid, secret, token_api)
    from cloud_openapi.transports.recording import RecordingExchange  # noqa: PLC0415

    recorder.redactor.give(appid, secret)
    return HTTPSTransport(RecordingExchange(http, base_url, recorder), appid, secret, token_api)


def _exchange(base_url: str, timeout: float) -> "HTTPExchange":
    # This loads requests, which a process that calls nobody does not pay for.
    from cloud_openapi.transports.https import HTTPExchange  # noqa: PLC0415

    return HTTPExchange(base_url, timeout=timeout, use_proxies=not is_loopback(base_url))


def is_loopback(base_url: str) -> bool:
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
